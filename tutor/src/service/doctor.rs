//! `lectern-tutor doctor`: whether everything that a tutor needs is there, and what to do where it is not.

use std::time::Instant;

use lectern_client::v1;
use serde_json::json;

use super::config::Config;
use crate::client::Client as Ollama;
use crate::stream::{Counts, End};

/// Slower than this many tokens a second, an answer is a test of patience.
const SLOW: f64 = 5.0;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: &'static str,
    /// Whether it is as it must be.
    pub well: bool,
    /// What was found, and what to do.
    pub words: String,
}

fn well(what: &'static str, words: impl Into<String>) -> Finding {
    Finding { what, well: true, words: words.into() }
}

fn ill(what: &'static str, words: impl Into<String>) -> Finding {
    Finding { what, well: false, words: words.into() }
}

/// Looks at everything.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![cluster(config).await];
    match Ollama::new(&config.ollama.url, config.patience().connect) {
        Ok(ollama) => findings.extend(model(config, &ollama).await),
        Err(error) => findings.push(ill("Ollama", error.to_string())),
    }
    findings
}

async fn cluster(config: &Config) -> Finding {
    const WHAT: &str = "cluster";
    let client = match config.own_client() {
        Ok(client) => client,
        Err(error) => return ill(WHAT, error.to_string()),
    };
    match client.call(v1::WhoAmIRequest {}).await {
        Err(error) => ill(WHAT, format!("{error}; {}", error.advice())),
        Ok(who) => {
            let user = who.user.unwrap_or_default();
            if !user.rights.unwrap_or_default().tutor {
                let words = format!(
                    "{} is no account of a tutor; create one: lectern-instructor account create NAME --name Tutor --tutor",
                    user.username
                );
                return ill(WHAT, words);
            }
            let days = (who.token_expires_at_ms - who.now_ms) / DAY_MS;
            well(WHAT, format!("signed in as {}, for {days} more days", user.username))
        }
    }
}

async fn model(config: &Config, ollama: &Ollama) -> Vec<Finding> {
    let name = &config.ollama.model;
    let models = match ollama.ollama().list_local_models().await {
        Ok(models) => models,
        Err(error) => {
            let words = format!(
                "{} does not answer ({error}); start it: ollama serve. Until then the tutor quotes",
                config.ollama.url
            );
            return vec![ill("Ollama", words)];
        }
    };
    let mut findings = vec![well("Ollama", format!("answers at {}", config.ollama.url))];
    let is_it = |model: &str| model == name || model.strip_suffix(":latest") == Some(name);
    if !models.iter().any(|model| is_it(&model.name)) {
        findings.push(ill("model", format!("{name} is not there; get it: ollama pull {name}")));
        return findings;
    }
    findings.push(well("model", format!("{name} is there")));
    findings.push(context(config, ollama).await);
    findings.push(speed(config, ollama).await);
    findings
}

async fn context(config: &Config, ollama: &Ollama) -> Finding {
    const WHAT: &str = "context";
    let info = match ollama.ollama().show_model_info(config.ollama.model.clone()).await {
        Ok(info) => info,
        Err(error) => return ill(WHAT, format!("the model says nothing of itself: {error}")),
    };
    let longest =
        info.model_info.iter().find(|(key, _)| key.ends_with(".context_length")).and_then(|(_, it)| it.as_u64());
    let wanted = config.ollama.context as u64;
    match longest {
        Some(longest) if longest < wanted => ill(
            WHAT,
            format!("the model has {longest} tokens, and ollama.context asks for {wanted}: make it {longest} or less"),
        ),
        Some(longest) => well(WHAT, format!("{wanted} of the model's {longest} tokens")),
        None => well(WHAT, format!("{wanted} tokens; the model does not say how many it has")),
    }
}

async fn speed(config: &Config, ollama: &Ollama) -> Finding {
    const WHAT: &str = "speed";
    let model = &config.ollama;
    let body = json!({
        "model": model.model, "stream": true, "messages": [{"role": "user", "content": "Count from one to twenty in words."}],
        "options": {"num_ctx": model.context, "num_predict": 64, "temperature": 0.0},
    });
    let (start, mut first) = (Instant::now(), None);
    let end = ollama
        .chat(&body, config.patience(), |_| {
            first.get_or_insert_with(Instant::now);
            true
        })
        .await;
    let (End::Stop(Counts { answer, .. }) | End::Length(Counts { answer, .. }), Some(first)) = (&end, first) else {
        return ill(WHAT, format!("the model did not answer: {end:?}"));
    };
    // A few dozen tokens.
    #[allow(clippy::cast_precision_loss)]
    let a_second = answer.saturating_sub(1) as f64 / first.elapsed().as_secs_f64().max(1e-3);
    let waited = first.duration_since(start).as_secs_f64();
    let words = format!("{a_second:.0} tokens a second, the first after {waited:.1} s");
    if a_second < SLOW { ill(WHAT, format!("{words}: choose a smaller model")) } else { well(WHAT, words) }
}
