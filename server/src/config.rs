//! `server.toml`: what a node is told.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use lectern_raft::membership::Settings;
use lectern_tls::Paths;
use serde::Deserialize;

use crate::descriptors::Descriptors;
use crate::listener::Room;

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
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        let config = Self::parse(&text)
            .map_err(|problem| ConfigError::Parse { path: path.to_path_buf(), problem: problem.to_string() })?;
        config.check()?;
        Ok(config)
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Checks what the parser cannot, and resolves the addresses.
    pub fn check(&self) -> Result<Addresses, ConfigError> {
        let safe: fn(&str, SocketAddr) -> Result<SocketAddr, ConfigError> = match &self.tls {
            Some(files) if files.paths().authorities.is_empty() => {
                return Err(wrong("tls.ca", "it names no file; name the authorities that this node trusts"));
            }
            Some(_) => |_, address| Ok(address),
            None => loopback,
        };
        let addresses = Addresses {
            client: safe("client_listen", resolve("client_listen", &self.client_listen)?)?,
            peer: safe("peer_listen", resolve("peer_listen", &self.peer_listen)?)?,
            metrics: self.metrics_listen.as_deref().map(metrics_address).transpose()?,
        };
        reachable("client_advertise", &addresses.client, &self.client_advertise)?;
        reachable("peer_advertise", &addresses.peer, &self.peer_advertise)?;
        distinct("peer_listen", addresses.peer, "client_listen", addresses.client)?;
        if let Some(metrics) = addresses.metrics {
            distinct("metrics_listen", metrics, "client_listen", addresses.client)?;
            distinct("metrics_listen", metrics, "peer_listen", addresses.peer)?;
        }
        self.peer_addresses()?;
        let timing = &self.timing;
        if timing.tick_ms == 0 || timing.heartbeat_ticks == 0 {
            return Err(wrong("timing", "tick_ms and heartbeat_ticks must be at least 1"));
        }
        if timing.election_ticks_min <= 2 * timing.heartbeat_ticks {
            return Err(wrong("timing.election_ticks_min", "it must be more than two heartbeats"));
        }
        if timing.election_ticks_max <= timing.election_ticks_min {
            return Err(wrong("timing.election_ticks_max", "it must be more than election_ticks_min"));
        }
        let limits = &self.limits;
        if limits.cache_mib < 8 || limits.write_buffer_mib < 8 || limits.event_ring == 0 {
            return Err(wrong("limits", "caches need at least 8 MiB, and event_ring at least 1"));
        }
        let kept = [
            ("log_keep_seconds", limits.log_keep_seconds),
            ("log_keep_mib", limits.log_keep_mib),
            ("log_keep_entries", limits.log_keep_entries.unwrap_or(u64::MAX)),
        ];
        if let Some((key, _)) = kept.iter().find(|(_, most)| *most == 0) {
            let problem = "it must be at least 1: a node that was away for a moment would need a whole snapshot";
            return Err(wrong(&format!("limits.{key}"), problem));
        }
        if limits.write_buffer_mib > limits.cache_mib {
            return Err(wrong("limits.write_buffer_mib", "it is a part of cache_mib, so it must not be more"));
        }
        if limits.snapshot_mib_per_second == 0 {
            let problem = "it must be at least 1: a node that fell behind would never catch up";
            return Err(wrong("limits.snapshot_mib_per_second", problem));
        }
        if !(limits.scrub_days.is_finite() && limits.scrub_days >= 0.0) {
            return Err(wrong("limits.scrub_days", "it must be a number of days, such as 7, or 0 for never"));
        }
        if limits.scrub_mib_per_second == 0 {
            return Err(wrong("limits.scrub_mib_per_second", "it must be at least 1; scrub_days = 0 turns it off"));
        }
        if limits.log_cap_mib < limits.log_keep_mib {
            return Err(wrong("limits.log_cap_mib", "it must be at least log_keep_mib"));
        }
        if let Some(problem) = self.membership.settings().problem() {
            return Err(wrong("membership", problem));
        }
        Ok(addresses)
    }

    /// Room for connections of clients, in a process that may open so many files.
    pub(crate) fn connections(&self, descriptors: &Descriptors) -> Result<Room, ConfigError> {
        let total = self.limits.max_connections.unwrap_or(descriptors.clients);
        if total == 0 {
            return Err(wrong("limits.max_connections", "it must be at least 1"));
        }
        if total > descriptors.most_clients {
            let problem = format!(
                "this process may open {} files, which leaves {} for connections: raise that limit (`ulimit -n`, or LimitNOFILE in a \
                 unit of systemd), or lower this number",
                descriptors.allowed, descriptors.most_clients
            );
            return Err(wrong("limits.max_connections", problem));
        }
        let per_address = self.limits.max_connections_per_address.unwrap_or(total.div_ceil(2));
        if per_address == 0 || per_address > total {
            return Err(wrong("limits.max_connections_per_address", format!("it must be between 1 and {total}")));
        }
        Ok(Room { total, per_address })
    }

    /// [`Config::peers`] by number.
    pub fn peer_addresses(&self) -> Result<BTreeMap<u64, String>, ConfigError> {
        let numbered = |(node, address): (&String, &String)| match node.parse::<u64>() {
            Ok(number) if number > 0 => Ok((number, address.clone())),
            _ => Err(wrong(&format!("peers.{node}"), "its key must be a node's number, such as 2")),
        };
        self.peers.iter().map(numbered).collect()
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

fn wrong(key: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Value { key: key.into(), problem: problem.into() }
}

fn resolve(key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| wrong(key, format!("`{text}` is not HOST:PORT, such as 127.0.0.1:7600")))
}

/// Two listeners cannot share an address. Port 0 is whichever is free.
fn distinct(key: &str, address: SocketAddr, other_key: &str, other: SocketAddr) -> Result<(), ConfigError> {
    if address == other && address.port() != 0 {
        return Err(wrong(key, format!("{address} is {other_key} already; give it another port")));
    }
    Ok(())
}

/// Without TLS a node listens on loopback only: passwords and tokens would travel in the clear.
fn loopback(key: &str, address: SocketAddr) -> Result<SocketAddr, ConfigError> {
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(wrong(
        key,
        format!(
            "{address} is not a loopback address, and this node has no TLS; give it certificates in [tls] (see \
             `lectern-server certs`), or listen on 127.x.y.z (and reach it through a tunnel such as ssh -L)"
        ),
    ))
}

/// Metrics are always in clear text, so they stay on the machine: a local collector fetches them.
fn metrics_address(text: &str) -> Result<SocketAddr, ConfigError> {
    let address = resolve("metrics_listen", text)?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(wrong(
        "metrics_listen",
        format!(
            "{address} is not a loopback address, and metrics are in clear text; let a collector on this machine fetch them"
        ),
    ))
}

/// A node that listens everywhere has to say where it is found.
fn reachable(key: &str, listen: &SocketAddr, advertise: &str) -> Result<(), ConfigError> {
    if listen.ip().is_unspecified() && advertise.is_empty() {
        return Err(wrong(key, format!("this node listens on {listen}: say under which HOST:PORT others find it")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = r#"
        data_dir = "/var/lib/lectern"
        client_listen = "127.0.0.1:7600"
        peer_listen = "127.0.0.1:7601"
    "#;

    fn with(more: &str) -> Result<Config, String> {
        let config = Config::parse(&format!("{SMALLEST}\n{more}")).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn the_smallest_configuration_has_sound_defaults() {
        let config = with("").unwrap();
        assert_eq!(config.client_address(), "127.0.0.1:7600");
        assert_eq!(config.timing.tick_ms, 20);
        assert_eq!(config.log.format, LogFormat::Human);
    }

    #[test]
    fn keys_that_nobody_knows_are_refused() {
        assert!(with("clinet_listen = \"x\"").unwrap_err().contains("clinet_listen"));
        assert!(with("[timing]\nticks = 3").unwrap_err().contains("ticks"));
    }

    #[test]
    fn without_tls_only_loopback_is_listened_on() {
        let open = SMALLEST.replace("127.0.0.1:7600", "0.0.0.0:7600");
        let problem = Config::parse(&open).unwrap().check().unwrap_err().to_string();
        assert!(problem.contains("client_listen") && problem.contains("loopback"), "{problem}");
        assert!(with("metrics_listen = \"10.0.0.1:1\"").is_err());
        assert!(with("metrics_listen = \"[::1]:1\"").is_ok());
    }

    #[test]
    fn with_tls_any_address_is_listened_on_but_for_metrics() {
        let files = "[tls]\ncert = \"node.pem\"\nkey = \"node.key\"\nca = ";
        let open = SMALLEST.replace("127.0.0.1", "10.1.2.3");
        let config = Config::parse(&format!("{open}\n{files}\"ca.pem\"")).unwrap();
        assert!(config.check().is_ok());
        assert_eq!(config.tls.unwrap().paths().authorities, [PathBuf::from("ca.pem")]);
        let both = Config::parse(&format!("{open}\n{files}[\"new.pem\", \"old.pem\"]")).unwrap();
        assert_eq!(both.tls.unwrap().paths().authorities.len(), 2);
        let none = Config::parse(&format!("{open}\n{files}[]")).unwrap();
        assert!(none.check().unwrap_err().to_string().contains("tls.ca"));
        let metrics = format!("{open}\nmetrics_listen = \"10.1.2.3:1\"\n{files}\"ca.pem\"");
        assert!(Config::parse(&metrics).unwrap().check().is_err());
    }

    #[test]
    fn a_node_that_listens_everywhere_says_where_it_is_found() {
        let everywhere = SMALLEST.replace("127.0.0.1", "0.0.0.0");
        let tls = "[tls]\ncert = \"a\"\nkey = \"b\"\nca = \"c\"";
        let problem = Config::parse(&format!("{everywhere}\n{tls}")).unwrap().check().unwrap_err().to_string();
        assert!(problem.contains("client_advertise"), "{problem}");
        let advertised = "client_advertise = \"a:1\"\npeer_advertise = \"a:2\"";
        assert!(Config::parse(&format!("{everywhere}\n{advertised}\n{tls}")).unwrap().check().is_ok());
    }

    #[test]
    fn timings_that_cannot_elect_are_refused() {
        for timing in ["tick_ms = 0", "election_ticks_min = 4", "election_ticks_max = 10", "heartbeat_ticks = 0"] {
            assert!(with(&format!("[timing]\n{timing}")).is_err(), "{timing}");
        }
    }

    #[test]
    fn a_log_that_is_to_keep_more_than_its_cap_is_refused() {
        assert!(with("[limits]\nlog_keep_mib = 100\nlog_cap_mib = 99").unwrap_err().contains("log_cap_mib"));
        let limits = with("[limits]\nlog_keep_mib = 100\nlog_cap_mib = 100\nlog_keep_entries = 7").unwrap().limits;
        assert_eq!((limits.log_keep_seconds, limits.log_keep_entries), (600, Some(7)));
    }

    #[test]
    fn when_members_are_replaced_can_be_set_and_nonsense_is_refused() {
        let membership = with("[membership]\ntarget_voters = 3\nreplace_ms = 60000").unwrap().membership;
        let expected = Settings { target_voters: 3, replace_ms: 60_000, ..Settings::default() };
        assert_eq!(membership.settings(), expected);
        assert!(with("[membership]\ntarget_voters = 4").unwrap_err().contains("target_voters is 4"));
        assert!(with("[membership]\ndegraded_ms = 400000").unwrap_err().contains("longer than membership.replace_ms"));
    }

    #[test]
    fn no_two_listeners_share_an_address() {
        let shared = SMALLEST.replace("127.0.0.1:7601", "127.0.0.1:7600");
        let problem = Config::parse(&shared).unwrap().check().unwrap_err().to_string();
        assert!(problem.contains("peer_listen") && problem.contains("client_listen"), "{problem}");
        for port in [7600, 7601] {
            assert!(with(&format!("metrics_listen = \"127.0.0.1:{port}\"")).unwrap_err().contains("metrics_listen"));
        }
    }

    #[test]
    fn a_log_that_keeps_nothing_is_refused() {
        for key in ["log_keep_seconds", "log_keep_mib", "log_keep_entries"] {
            assert!(with(&format!("[limits]\n{key} = 0")).unwrap_err().contains(key), "{key}");
        }
    }

    #[test]
    fn no_more_connections_are_promised_than_files_can_be_opened() {
        let descriptors = Descriptors { allowed: 1_024, per_database: 128, clients: 500, most_clients: 500 };
        let room = |limits: &str| {
            let config = with(&format!("[limits]\n{limits}")).unwrap();
            config.connections(&descriptors).map_err(|error| error.to_string())
        };
        assert_eq!(room(""), Ok(Room { total: 500, per_address: 250 }));
        assert_eq!(room("max_connections = 9"), Ok(Room { total: 9, per_address: 5 }));
        assert!(room("max_connections = 501").unwrap_err().contains("ulimit -n"));
        for wrong in ["max_connections = 0", "max_connections_per_address = 0", "max_connections_per_address = 501"] {
            assert!(room(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn peers_are_named_by_number() {
        let peers = with("[peers]\n2 = \"127.0.5.2:7601\"").unwrap().peer_addresses().unwrap();
        assert_eq!(peers[&2], "127.0.5.2:7601");
        assert!(with("[peers]\ntwo = \"127.0.5.2:7601\"").is_err());
    }
}
