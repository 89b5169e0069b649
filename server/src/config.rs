//! `server.toml`: what a node is told.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lectern_raft::membership::Settings;
use lectern_tls::Paths;
use serde::Deserialize;

mod check;

pub(crate) use check::Prepared;
pub use check::is_address;

/// A configuration takes a few hundred bytes.
const MOST_BYTES: u64 = 1 << 20;

/// One node's configuration. `lectern-server run --help` describes each key.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the node keeps everything.
    pub data_dir: PathBuf,
    /// Where clients are served, HOST:PORT.
    pub client_listen: String,
    /// What clients are told to call; what `client_listen` says where it is empty.
    #[serde(default)]
    pub client_advertise: String,
    /// Where other nodes are served.
    pub peer_listen: String,
    /// What other nodes are told to call; what `peer_listen` says where it is empty.
    #[serde(default)]
    pub peer_advertise: String,
    /// Where Prometheus finds the metrics; nowhere when it is absent.
    pub metrics_listen: Option<String>,
    /// Peer addresses by node number, where they differ from those the cluster was founded with.
    #[serde(default)]
    pub peers: BTreeMap<String, String>,
    /// Certificates; without them nothing but loopback is listened on.
    pub tls: Option<TlsFiles>,
    /// What is logged, and how.
    #[serde(default)]
    pub log: Log,
    /// Clocks of the replica.
    #[serde(default)]
    pub timing: Timing,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// When membership follows the nodes that are online.
    #[serde(default)]
    pub membership: Membership,
}

/// See [`Config::tls`].
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// This node's certificate with its chain, PEM.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities that are trusted, PEM: one file, or a list of them.
    pub ca: OneOrMany,
}

/// A path, or a list of paths.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum OneOrMany {
    /// `ca = "ca.pem"`.
    One(PathBuf),
    /// `ca = ["new.pem", "old.pem"]`.
    Many(Vec<PathBuf>),
}

impl TlsFiles {
    /// For reading them.
    pub fn paths(&self) -> Paths {
        let authorities = match &self.ca {
            OneOrMany::One(path) => vec![path.clone()],
            OneOrMany::Many(paths) => paths.clone(),
        };
        Paths { certificate: self.cert.clone(), key: self.key.clone(), authorities }
    }
}

/// See [`Config::log`].
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// For people or for programs.
    pub format: LogFormat,
    /// As tracing's `EnvFilter` reads it (`raft` is the log of raft-rs); the environment's `LECTERN_LOG` goes first.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Human, filter: "info,raft=warn".into() }
    }
}

/// See [`Log::format`].
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One readable line each.
    Human,
    /// One JSON object a line.
    Json,
}

/// See [`Config::timing`].
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// One tick of the replica.
    pub tick_ms: u64,
    /// A leader's heartbeat, in ticks.
    pub heartbeat_ticks: u32,
    /// The shortest election timeout, in ticks.
    pub election_ticks_min: u32,
    /// The longest election timeout, in ticks.
    pub election_ticks_max: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self { tick_ms: 20, heartbeat_ticks: 2, election_ticks_min: 10, election_ticks_max: 20 }
    }
}

/// See [`Config::limits`].
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// RocksDB's memory: blocks and write buffers of log and state together.
    pub cache_mib: usize,
    /// How much of it may be what is not written to tables yet.
    pub write_buffer_mib: usize,
    /// Seconds of the log that are kept, for peers that fall behind.
    pub log_keep_seconds: u64,
    /// … at most these MiB of them.
    pub log_keep_mib: u64,
    /// … and at most so many entries; as many as there are where it is absent.
    pub log_keep_entries: Option<u64>,
    /// MiB up to which the log also keeps all that follows a snapshot on its way to a peer.
    pub log_cap_mib: u64,
    /// MiB a second that snapshots to all peers together are read and sent with.
    pub snapshot_mib_per_second: u64,
    /// Days within which everything on the disk is read and checked once; 0 for never.
    pub scrub_days: f64,
    /// … at most with these MiB a second.
    pub scrub_mib_per_second: u64,
    /// Events that a watcher may lag behind before it is told to ask again for everything.
    pub event_ring: usize,
    /// Connections of clients at once; as many as the process may open files for where it is absent.
    pub max_connections: Option<usize>,
    /// … of one address; half of them where it is absent.
    pub max_connections_per_address: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cache_mib: 128,
            write_buffer_mib: 64,
            log_keep_seconds: 600,
            log_keep_mib: 1_024,
            log_keep_entries: None,
            log_cap_mib: 4_096,
            snapshot_mib_per_second: 32,
            scrub_days: 7.0,
            scrub_mib_per_second: 8,
            event_ring: 10_000,
            max_connections: None,
            max_connections_per_address: None,
        }
    }
}

/// See [`Config::membership`], and [`Settings`] for each key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // They are the settings.
pub struct Membership {
    pub target_voters: usize,
    pub max_members: usize,
    pub settle_ms: u64,
    pub lag_ms: u64,
    pub ready_ms: u64,
    pub degraded_ms: u64,
    pub replace_ms: u64,
    pub forget_ms: u64,
    pub retry_ms: u64,
}

impl Default for Membership {
    fn default() -> Self {
        let Settings {
            target_voters,
            max_members,
            settle_ms,
            lag_ms,
            ready_ms,
            degraded_ms,
            replace_ms,
            forget_ms,
            retry_ms,
        } = Settings::default();
        Self { target_voters, max_members, settle_ms, lag_ms, ready_ms, degraded_ms, replace_ms, forget_ms, retry_ms }
    }
}

impl Membership {
    /// For the replica.
    pub fn settings(&self) -> Settings {
        Settings {
            target_voters: self.target_voters,
            max_members: self.max_members,
            settle_ms: self.settle_ms,
            lag_ms: self.lag_ms,
            ready_ms: self.ready_ms,
            degraded_ms: self.degraded_ms,
            replace_ms: self.replace_ms,
            forget_ms: self.forget_ms,
            retry_ms: self.retry_ms,
        }
    }
}

/// The configuration cannot be used: what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the configuration {path} is not valid: {problem}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// What the parser said.
        problem: String,
    },
    /// A value makes no sense.
    #[error("the configuration's {key} is wrong: {problem}")]
    Value {
        /// Which key.
        key: String,
        /// Why.
        problem: String,
    },
}

/// The addresses of a checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where clients are served.
    pub client: SocketAddr,
    /// Where peers are served.
    pub peer: SocketAddr,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unread = |source| ConfigError::Read { path: path.to_path_buf(), source };
        let unfit = |problem| ConfigError::Parse { path: path.to_path_buf(), problem };
        let mut text = String::new();
        File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text)).map_err(unread)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(unfit("it is larger than 1 MiB: is it another file?".into()));
        }
        let config = Self::parse(&text).map_err(|problem| unfit(problem.to_string()))?;
        config.check()?;
        Ok(config)
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What clients are told to call.
    pub fn client_address(&self) -> &str {
        if self.client_advertise.is_empty() { &self.client_listen } else { &self.client_advertise }
    }

    /// What peers are told to call.
    pub fn peer_address(&self) -> &str {
        if self.peer_advertise.is_empty() { &self.peer_listen } else { &self.peer_advertise }
    }
}
