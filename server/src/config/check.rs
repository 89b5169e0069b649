//! Whether a configuration can be used: what the parser cannot tell.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};

use super::{Addresses, Config, ConfigError, Limits, Timing};
use crate::cli::Problem;
use crate::descriptors::Descriptors;
use crate::listener::Room;
use crate::logging;

/// The longest election timeout: a cluster that lost its leader stands still for as long, and a node that is told to stop waits
/// as long for another to lead.
const LONGEST_ELECTION_MS: u64 = 60_000;
/// The longest tick: everything that a node does is done between ticks.
const LONGEST_TICK_MS: u64 = 1_000;
/// MiB of which nobody has more: 1 TiB of memory, or of bytes in a second; 1 EiB of disk.
const MOST_MIB: u64 = 1 << 20;
const MOST_DISK_MIB: u64 = 1 << 40;
/// Events are kept in memory.
const MOST_EVENTS: usize = 1_000_000;
/// Ten years, as far as anything is kept or waited for.
const MOST_DAYS: u32 = 3_650;

/// A configuration that was checked on this machine.
pub(crate) struct Prepared {
    /// Where the node listens.
    pub(crate) addresses: Addresses,
    /// What it may open.
    pub(crate) descriptors: Descriptors,
    /// Room for connections of clients.
    pub(crate) connections: Room,
}

impl Config {
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
        for (key, listen, advertise) in [
            ("client_advertise", &addresses.client, &self.client_advertise),
            ("peer_advertise", &addresses.peer, &self.peer_advertise),
        ] {
            reachable(key, listen, advertise)?;
        }
        distinct("peer_listen", addresses.peer, "client_listen", addresses.client)?;
        if let Some(metrics) = addresses.metrics {
            distinct("metrics_listen", metrics, "client_listen", addresses.client)?;
            distinct("metrics_listen", metrics, "peer_listen", addresses.peer)?;
        }
        if self.data_dir.as_os_str().is_empty() {
            return Err(wrong("data_dir", "it is empty; name the directory that the node keeps everything in"));
        }
        self.peer_addresses()?;
        logging::filter(&self.log.filter).map_err(|problem| wrong("log.filter", problem))?;
        self.timing.check()?;
        self.limits.check()?;
        if let Some(problem) = self.membership.settings().problem() {
            return Err(wrong("membership", problem));
        }
        Ok(addresses)
    }

    /// Room for connections of clients, in a process that may open so many files.
    pub(crate) fn connections(&self, descriptors: &Descriptors) -> Result<Room, ConfigError> {
        let total = self.limits.max_connections.unwrap_or(descriptors.clients);
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

    /// Checks all that can be wrong, here and on this machine, but for the certificates, which a node that joins gets later; a
    /// node that runs has passed it, and so has what `check-config` calls usable.
    pub(crate) fn prepare(&self) -> Result<Prepared, Problem> {
        let addresses = self.check()?;
        logging::filter_of_environment()?;
        let descriptors = Descriptors::claim()?;
        let connections = self.connections(&descriptors)?;
        Ok(Prepared { addresses, descriptors, connections })
    }

    /// [`Config::peers`] by number.
    pub fn peer_addresses(&self) -> Result<BTreeMap<u64, String>, ConfigError> {
        let numbered = |(node, address): (&String, &String)| match node.parse::<u64>() {
            Ok(_) if !is_address(address) => {
                Err(wrong(&format!("peers.{node}"), format!("`{address}` is not HOST:PORT, such as 127.0.5.2:7601")))
            }
            Ok(number) if number > 0 => Ok((number, address.clone())),
            _ => Err(wrong(&format!("peers.{node}"), "its key must be a node's number, such as 2")),
        };
        self.peers.iter().map(numbered).collect()
    }
}

impl Timing {
    fn check(&self) -> Result<(), ConfigError> {
        let &Self { tick_ms, heartbeat_ticks, election_ticks_min, election_ticks_max } = self;
        if tick_ms == 0 || heartbeat_ticks == 0 {
            return Err(wrong("timing", "tick_ms and heartbeat_ticks must be at least 1"));
        }
        if tick_ms > LONGEST_TICK_MS {
            return Err(wrong(
                "timing.tick_ms",
                format!("it must be at most {LONGEST_TICK_MS}; 20 suits most networks"),
            ));
        }
        if election_ticks_min <= heartbeat_ticks.saturating_mul(2) {
            return Err(wrong("timing.election_ticks_min", "it must be more than two heartbeats"));
        }
        if election_ticks_max <= election_ticks_min {
            return Err(wrong("timing.election_ticks_max", "it must be more than election_ticks_min"));
        }
        if tick_ms * u64::from(election_ticks_max) > LONGEST_ELECTION_MS {
            let problem =
                format!("an election would take up to that many ticks of {tick_ms} ms: keep it below a minute");
            return Err(wrong("timing.election_ticks_max", problem));
        }
        Ok(())
    }
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        self.check_sizes()?;
        let key = |key: &str| format!("limits.{key}");
        let kept = [
            ("log_keep_seconds", self.log_keep_seconds),
            ("log_keep_mib", self.log_keep_mib),
            ("log_keep_entries", self.log_keep_entries.unwrap_or(u64::MAX)),
        ];
        if let Some((least, _)) = kept.iter().find(|(_, most)| *most == 0) {
            let problem = "it must be at least 1: a node that was away for a moment would need a whole snapshot";
            return Err(wrong(&key(least), problem));
        }
        if self.write_buffer_mib > self.cache_mib {
            return Err(wrong("limits.write_buffer_mib", "it is a part of cache_mib, so it must not be more"));
        }
        if self.snapshot_mib_per_second == 0 {
            let problem = "it must be at least 1: a node that fell behind would never catch up";
            return Err(wrong("limits.snapshot_mib_per_second", problem));
        }
        if !(0.0..=f64::from(MOST_DAYS)).contains(&self.scrub_days) {
            let problem = format!("it must be a number of days, such as 7 (at most {MOST_DAYS}), or 0 for never");
            return Err(wrong("limits.scrub_days", problem));
        }
        if self.scrub_mib_per_second == 0 {
            return Err(wrong("limits.scrub_mib_per_second", "it must be at least 1; scrub_days = 0 turns it off"));
        }
        if self.log_cap_mib < self.log_keep_mib {
            return Err(wrong("limits.log_cap_mib", "it must be at least log_keep_mib"));
        }
        Ok(())
    }

    /// Nothing is so small or so large that a node could not run with it.
    fn check_sizes(&self) -> Result<(), ConfigError> {
        let size = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        let connections = |most: Option<usize>| most.map_or(1, size);
        let sizes = [
            ("cache_mib", size(self.cache_mib), 8, MOST_MIB),
            ("write_buffer_mib", size(self.write_buffer_mib), 8, MOST_MIB),
            ("event_ring", size(self.event_ring), 1, size(MOST_EVENTS)),
            ("log_keep_seconds", self.log_keep_seconds, 0, u64::from(MOST_DAYS) * 86_400),
            ("log_keep_mib", self.log_keep_mib, 0, MOST_DISK_MIB),
            ("log_cap_mib", self.log_cap_mib, 0, MOST_DISK_MIB),
            ("snapshot_mib_per_second", self.snapshot_mib_per_second, 0, MOST_MIB),
            ("scrub_mib_per_second", self.scrub_mib_per_second, 0, MOST_MIB),
            ("max_connections", connections(self.max_connections), 1, u64::MAX),
            ("max_connections_per_address", connections(self.max_connections_per_address), 1, u64::MAX),
        ];
        let outside = sizes.into_iter().find(|(_, value, least, most)| value < least || value > most);
        match outside {
            Some((key, value, least, _)) if value < least => {
                Err(wrong(&format!("limits.{key}"), format!("it is {value}, and must be at least {least}")))
            }
            Some((key, value, _, most)) => {
                Err(wrong(&format!("limits.{key}"), format!("it is {value}, and must be at most {most}")))
            }
            None => Ok(()),
        }
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

/// Characters of an address: a name of 253, brackets, a port.
const ADDRESS_CHARS: usize = 260;

/// Whether a text is HOST:PORT; the host need not be known yet.
pub fn is_address(text: &str) -> bool {
    let fits = text.len() <= ADDRESS_CHARS && text.bytes().all(|byte| byte.is_ascii_graphic());
    let host_and_port = text.rsplit_once(':').filter(|_| fits);
    host_and_port.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// A node that listens everywhere has to say where it is found.
fn reachable(key: &str, listen: &SocketAddr, advertise: &str) -> Result<(), ConfigError> {
    if !advertise.is_empty() && !is_address(advertise) {
        return Err(wrong(key, format!("`{advertise}` is not HOST:PORT, such as n1.example.org:7600")));
    }
    if listen.ip().is_unspecified() && advertise.is_empty() {
        return Err(wrong(key, format!("this node listens on {listen}: say under which HOST:PORT others find it")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use lectern_raft::membership::Settings;

    use super::*;
    use crate::config::LogFormat;

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
        assert!(room("max_connections_per_address = 501").unwrap_err().contains("between 1 and 500"));
    }

    #[test]
    fn nothing_is_called_usable_that_no_node_can_run_with() {
        let table = [
            ("[timing]\ntick_ms = 1001", "timing.tick_ms"),
            ("[timing]\ntick_ms = 18446744073709551615", "tick_ms"),
            ("[timing]\nheartbeat_ticks = 4294967295", "timing.election_ticks_min"),
            ("[timing]\nelection_ticks_max = 3001", "timing.election_ticks_max"),
            ("[timing]\nelection_ticks_max = 4294967295", "timing.election_ticks_max"),
            ("[limits]\nmax_connections = 0", "limits.max_connections"),
            ("[limits]\nmax_connections_per_address = 0", "limits.max_connections_per_address"),
            ("[limits]\ncache_mib = 7", "limits.cache_mib"),
            ("[limits]\ncache_mib = 1048577", "limits.cache_mib"),
            ("[limits]\nwrite_buffer_mib = 129", "limits.write_buffer_mib"),
            ("[limits]\nevent_ring = 0", "limits.event_ring"),
            ("[limits]\nevent_ring = 1000001", "limits.event_ring"),
            ("[limits]\nlog_keep_seconds = 9000000000000000000", "limits.log_keep_seconds"),
            ("[limits]\nlog_cap_mib = 9000000000000000000", "limits.log_cap_mib"),
            ("[limits]\nsnapshot_mib_per_second = 1048577", "limits.snapshot_mib_per_second"),
            ("[limits]\nscrub_mib_per_second = 1048577", "limits.scrub_mib_per_second"),
            ("[limits]\nscrub_mib_per_second = 0", "limits.scrub_mib_per_second"),
            ("[limits]\nscrub_days = -1", "limits.scrub_days"),
            ("[limits]\nscrub_days = nan", "limits.scrub_days"),
            ("[limits]\nscrub_days = 1e300", "limits.scrub_days"),
            ("[peers]\n2 = \"127.0.0.1\"", "peers.2"),
            ("[peers]\n2 = \"127.0.0.1:0\"", "peers.2"),
            ("[peers]\n2 = \":7601\"", "peers.2"),
            ("[peers]\n0 = \"127.0.0.1:7601\"", "peers.0"),
            ("client_advertise = \"n1\"", "client_advertise"),
            ("peer_advertise = \"n1:port\"", "peer_advertise"),
            ("[log]\nfilter = \"verbose\"", "log.filter"),
            ("[log]\nfilter = \"\"", "log.filter"),
            ("[log]\nfilter = \"info,raft=loud\"", "log.filter"),
            ("[log]\nfilter = \"lectern_server=debug\"", "log.filter"),
        ];
        for (text, key) in table {
            let problem = with(text).expect_err(text);
            assert!(problem.contains(key), "{text}: {problem}");
        }
        for text in ["[timing]\ntick_ms = 1000", "[log]\nfilter = \"off\"", "[limits]\nscrub_days = 0"] {
            with(text).expect(text);
        }
        assert!(Config { data_dir: PathBuf::new(), ..with("").unwrap() }.check().is_err());
    }

    #[test]
    fn an_address_says_where_a_node_is_found() {
        assert!(is_address("n4.example.org:7601") && is_address("[::1]:7601"));
        let endless = format!("{}:1", "n".repeat(300));
        for text in ["", "n4", ":1", "n4:0", "n4:x", "n4:99999", "n4\n:1", "n 4:1", "n4\u{1b}[2J:1", &endless] {
            assert!(!is_address(text), "{text}");
        }
    }

    #[test]
    fn a_file_that_is_no_configuration_is_not_read_to_its_end() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("server.toml");
        std::fs::write(&path, format!("{SMALLEST}\n# {}", "x".repeat(1 << 20))).unwrap();
        assert!(Config::load(&path).unwrap_err().to_string().contains("larger than 1 MiB"));
        std::fs::write(&path, SMALLEST).unwrap();
        assert!(Config::load(&path).is_ok());
    }

    #[test]
    fn peers_are_named_by_number() {
        let peers = with("[peers]\n2 = \"127.0.5.2:7601\"").unwrap().peer_addresses().unwrap();
        assert_eq!(peers[&2], "127.0.5.2:7601");
        assert!(with("[peers]\ntwo = \"127.0.5.2:7601\"").is_err());
    }
}
