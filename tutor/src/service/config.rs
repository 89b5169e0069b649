//! `tutor.toml`: what a tutor is told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lectern_client::{Client, ClientError, ClientOptions, Secret, Trust};
use serde::Deserialize;

use crate::client::Limits;
use crate::policy::Level;
use crate::quota::{Quota, Quotas};
use crate::request::Model;

/// A tutor's configuration. `lectern-tutor run --help` describes each key.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where nodes of the cluster serve clients.
    pub nodes: Vec<String>,
    /// The authorities of the cluster's certificates, PEM; absent where it has none.
    pub ca: Option<PathBuf>,
    /// The file with the token of the tutor's account.
    pub token_file: PathBuf,
    /// Where it listens, HOST:PORT; on loopback only.
    pub listen: SocketAddr,
    /// Where the index is kept. It is derived and can be deleted.
    pub data_dir: PathBuf,
    /// Courses that do without the tutor, by slug.
    #[serde(default)]
    pub off: Vec<String>,
    /// How far it goes at most on graded work before its deadline.
    #[serde(default = "default_ceiling")]
    pub ceiling: Level,
    /// The model.
    #[serde(default)]
    pub ollama: OllamaConfig,
    /// Bounds.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// What is logged, as tracing's `EnvFilter` reads it.
    #[serde(default = "default_log")]
    pub log: String,
}

/// See [`Config::ollama`].
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct OllamaConfig {
    /// Where Ollama listens.
    pub url: String,
    /// The model's name.
    pub model: String,
    /// Its context, in tokens.
    pub context: usize,
    /// The longest answer, in tokens.
    pub answer: usize,
    /// How freely it speaks.
    pub temperature: f32,
    /// Requests that it answers at once (`OLLAMA_NUM_PARALLEL`).
    pub parallel: usize,
}

impl Default for OllamaConfig {
    fn default() -> OllamaConfig {
        OllamaConfig {
            url: "http://127.0.0.1:11434".into(),
            model: "qwen2.5-coder:0.5b".into(),
            context: 4_096,
            answer: 512,
            temperature: 0.2,
            parallel: 1,
        }
    }
}

/// See [`Config::limits`].
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Questions that wait, beside those that are answered.
    pub waiting: usize,
    /// Questions of one student in one course, an hour.
    pub student_per_hour: u32,
    /// Questions of one course, an hour.
    pub course_per_hour: u32,
    /// Seconds until the first word.
    pub first_seconds: u64,
    /// Seconds between two pieces.
    pub idle_seconds: u64,
    /// Seconds for a whole answer.
    pub total_seconds: u64,
}

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        let Limits { first, idle, total, .. } = Limits::COLD;
        LimitsConfig {
            waiting: 32,
            student_per_hour: 30,
            course_per_hour: 600,
            first_seconds: first.as_secs(),
            idle_seconds: idle.as_secs(),
            total_seconds: total.as_secs(),
        }
    }
}

fn default_ceiling() -> Level {
    Level::AnalogousExample
}

fn default_log() -> String {
    "info".into()
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {source}")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
    /// It asks for what cannot be.
    #[error("{0}")]
    Impossible(String),
    /// The cluster cannot be called as it says.
    #[error("{0}")]
    Cluster(#[from] ClientError),
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let source = |source| ConfigError::Unreadable { path: path.into(), source };
        let text = std::fs::read_to_string(path).map_err(source)?;
        let parsed: Result<Config, _> = toml::from_str(&text);
        let mut config =
            parsed.map_err(|source| ConfigError::Malformed { path: path.into(), source: Box::new(source) })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in [&mut config.token_file, &mut config.data_dir].into_iter().chain(&mut config.ca) {
            *file = folder.join(&file);
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let impossible = |words: String| Err(ConfigError::Impossible(words));
        if !self.listen.ip().is_loopback() {
            return impossible(format!(
                "listen = \"{}\" is reached from other machines, and tokens would travel there in clear text; listen on 127.0.0.1",
                self.listen
            ));
        }
        let OllamaConfig { context, answer, parallel, .. } = self.ollama;
        if answer == 0 || context < answer * 2 {
            return impossible(format!(
                "ollama.context = {context} has no room for a question beside an answer of {answer}"
            ));
        }
        if parallel == 0 || self.limits.student_per_hour == 0 || self.limits.course_per_hour == 0 {
            return impossible(
                "ollama.parallel and the limits an hour must be at least 1; to switch a course off, name it in `off`"
                    .into(),
            );
        }
        Ok(())
    }

    /// The model as it is asked.
    pub fn model(&self) -> Model {
        let OllamaConfig { model, context, answer, temperature, .. } = &self.ollama;
        Model { name: model.clone(), context: *context, answer: *answer, temperature: *temperature }
    }

    /// How long it is waited for.
    pub fn patience(&self) -> Limits {
        let LimitsConfig { first_seconds, idle_seconds, total_seconds, .. } = self.limits;
        Limits {
            connect: Limits::COLD.connect,
            first: Duration::from_secs(first_seconds),
            idle: Duration::from_secs(idle_seconds),
            total: Duration::from_secs(total_seconds),
        }
    }

    /// How much may be asked.
    pub fn quotas(&self) -> Quotas {
        let an_hour = |requests| Quota { requests, every: Duration::from_hours(1) };
        Quotas::new(an_hour(self.limits.student_per_hour), an_hour(self.limits.course_per_hour))
    }

    /// How the cluster is called, by nobody yet.
    pub fn cluster(&self) -> Result<ClientOptions, ConfigError> {
        let mut options = ClientOptions::new(self.nodes.clone());
        if let Some(ca) = &self.ca {
            let trust = Trust::from_file(ca);
            options.trust = trust.map_err(|error| ConfigError::Impossible(format!("ca: {error}")))?;
        }
        options.user_agent = concat!("lectern-tutor/", env!("CARGO_PKG_VERSION")).into();
        Ok(options)
    }

    /// The cluster as the tutor's own account calls it.
    pub fn own_client(&self) -> Result<Client, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: self.token_file.clone(), source };
        let token = std::fs::read_to_string(&self.token_file).map_err(unreadable)?;
        Ok(Client::connect(self.cluster()?.with_token(Some(Secret::new(token.trim()))))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str =
        "nodes = [\"127.0.0.1:7600\"]\ntoken_file = \"token\"\nlisten = \"127.0.0.1:7650\"\ndata_dir = \"index\"\n";

    fn load(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tutor.toml");
        std::fs::write(&path, text).expect("writable");
        let mut config = Config::load(&path).map_err(|error| error.to_string())?;
        config.token_file = config.token_file.strip_prefix(folder.path()).expect("beside the file").into();
        Ok(config)
    }

    #[test]
    fn four_keys_are_enough_and_paths_are_beside_the_file() {
        let config = load(LEAST).expect("usable");
        assert_eq!(config.token_file, Path::new("token"));
        assert_eq!((config.ceiling, config.limits.waiting, config.ollama.parallel), (Level::AnalogousExample, 32, 1));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_to_do() {
        let refused = load(&LEAST.replace("127.0.0.1:7650", "0.0.0.0:7650")).expect_err("not loopback");
        assert!(refused.contains("clear text") && refused.contains("127.0.0.1"), "{refused}");
        let refused = load(&format!("{LEAST}[ollama]\ncontext = 512\nanswer = 512\n")).expect_err("no room");
        assert!(refused.contains("no room"), "{refused}");
        let refused = load(&format!("{LEAST}[limits]\nstudent_per_hour = 0\n")).expect_err("nothing may be asked");
        assert!(refused.contains("`off`"), "{refused}");
        let refused = load(&format!("{LEAST}typo = 1\n")).expect_err("unknown");
        assert!(refused.contains("typo"), "{refused}");
    }
}
