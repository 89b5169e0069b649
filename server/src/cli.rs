//! The command line of `lectern-server`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::certs::{self, Certs};
use crate::config::{Addresses, Config, Limits, Log, Timing};
use crate::init::{self, Genesis, GenesisMember};
use crate::services::{self, ServeOptions};
use crate::tls::Tls;
use crate::{logging, metrics, node};

/// Tasks that are still running get this long at the end.
const RUNTIME_PATIENCE: Duration = Duration::from_secs(1);
const DEFAULT_MEMBER: &str = "1=127.0.0.1:7601,127.0.0.1:7600";

/// One node of a Lectern cluster.
#[derive(Debug, Parser)]
#[command(name = "lectern-server", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Found a cluster, or one node of it
    #[command(long_about = INIT_HELP)]
    Init(Init),
    /// Run the node
    #[command(after_long_help = KEYS)]
    Run(Run),
    /// Say whether a configuration can be used
    #[command(after_long_help = KEYS)]
    CheckConfig(CheckConfig),
    /// Make and renew the certificates of a cluster
    #[command(subcommand, long_about = certs::HELP)]
    Certs(Certs),
}

#[derive(Debug, Args)]
struct Init {
    /// Found a node in this data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The node's number
    #[arg(long, value_name = "N")]
    node: Option<u64>,
    /// A founding member, once for each: its number, peer address and client address
    #[arg(long, value_name = "N=HOST:PEERPORT,HOST:CLIENTPORT", value_parser = init::parse_member)]
    member: Vec<GenesisMember>,
    /// Username of the first admin
    #[arg(long, value_name = "NAME", default_value = "admin")]
    admin: String,
    /// Write the genesis to this new file
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    genesis: Option<PathBuf>,
    /// Found a node of the cluster of this genesis file
    #[arg(long, value_name = "FILE", requires = "data", requires = "node", conflicts_with = "member")]
    from: Option<PathBuf>,
    /// Print the first admin's one-time code and nothing else
    #[arg(long, conflicts_with = "from")]
    print_code_only: bool,
}

#[derive(Debug, Args)]
struct Run {
    /// server.toml
    #[arg(long, value_name = "FILE", required_unless_present_all = ["data", "client_listen", "peer_listen"])]
    config: Option<PathBuf>,
    /// Instead of `data_dir`
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Instead of `client_listen`
    #[arg(long, value_name = "HOST:PORT")]
    client_listen: Option<String>,
    /// Instead of `peer_listen`
    #[arg(long, value_name = "HOST:PORT")]
    peer_listen: Option<String>,
    /// Instead of `metrics_listen`
    #[arg(long, value_name = "HOST:PORT")]
    metrics_listen: Option<String>,
}

#[derive(Debug, Args)]
struct CheckConfig {
    /// server.toml
    #[arg(long, value_name = "FILE", default_value = "server.toml")]
    config: PathBuf,
}

const INIT_HELP: &str = "Found a cluster, or one node of it.

A cluster of one:
  lectern-server init --data DIR

A cluster of three: one genesis, then each node from it.
  lectern-server init --genesis genesis.json --member 1=127.0.5.1:7601,127.0.5.1:7600 --member 2=… --member 3=…
  lectern-server init --from genesis.json --node 1 --data DIR1
  lectern-server init --from genesis.json --node 2 --data DIR2
  lectern-server init --from genesis.json --node 3 --data DIR3

The genesis holds the cluster's secret: hand it to the nodes' operators and to nobody else. The first admin's one-time code
is printed once, when the genesis is made. It is kept nowhere: with it the admin chooses a password.";

const KEYS: &str = "Keys of server.toml:
  data_dir             where the node keeps everything; founded by `lectern-server init`
  client_listen        HOST:PORT where clients are served (without [tls] on loopback only)
  client_advertise     HOST:PORT that clients are told to call [client_listen]
  peer_listen          HOST:PORT where other nodes are served (without [tls] on loopback only)
  peer_advertise       HOST:PORT that other nodes are told to call [peer_listen]
  metrics_listen       HOST:PORT where Prometheus finds /metrics (loopback only) [nowhere]
  [peers]              N = \"HOST:PORT\" where node N moved since the cluster was founded
  [tls]                certificates, made by `lectern-server certs`; on all nodes of a cluster, or on none
    cert               PEM of this node's certificate and the chain that leads to the authority
    key                PEM of its key
    ca                 PEM of the authorities that are trusted: a file, or a list of files
  [log]
    format             human or json [human]
    filter             what is logged, as tracing's EnvFilter reads it; LECTERN_LOG goes first [info,raft=warn]
  [timing]             the same on every node; raise it on slow networks
    tick_ms            milliseconds of one tick [20]
    heartbeat_ticks    ticks between a leader's heartbeats [2]
    election_ticks_min shortest election timeout in ticks [10]
    election_ticks_max longest election timeout in ticks [20]
  [limits]
    cache_mib          MiB of RocksDB's memory: blocks and write buffers of log and state together [128]
    write_buffer_mib   … of which these MiB may be write buffers [64]
    log_keep_seconds   seconds of the log kept for peers that fall behind [600]
    log_keep_mib       … at most these MiB of them [1024]
    log_keep_entries   … and at most so many entries [as many as there are]
    log_cap_mib        MiB up to which all that follows a snapshot on its way to a peer is kept as well [4096]
    snapshot_mib_per_second
                       MiB a second of snapshots to peers that fell behind further, all together [32]
    scrub_days         days in which all data on the disk is read and checked once; 0 for never [7]
    scrub_mib_per_second
                       … at most with these MiB a second [8]
    event_ring         events a watcher may lag behind [10000]

The node's number is in its data directory. SIGTERM and SIGINT hand leadership over and stop the node. Certificates are read
again when their files change, and on SIGHUP; new connections use them at once.
For tests only, LECTERN_FAULT_CLOCK_OFFSET_MS shifts this node's system clock by that many milliseconds; @FILE by the number
in FILE.";

/// What a command that failed says on standard error.
pub type Problem = Box<dyn Error + Send + Sync>;

impl Cli {
    /// Does what the command line says.
    pub fn run(self) -> Result<(), Problem> {
        match self.command {
            Command::Init(init) => init.run(),
            Command::Run(run) => run_node(&run.config()?),
            Command::CheckConfig(check) => {
                let config = Config::load(&check.config)?;
                if let Some(files) = &config.tls {
                    Tls::load(files.paths())?;
                }
                say(&format!("{} can be used", check.config.display()))
            }
            Command::Certs(certs) => say(&certs.run()?),
        }
    }
}

impl Init {
    fn run(self) -> Result<(), Problem> {
        if let (Some(from), Some(data), Some(node)) = (&self.from, &self.data, self.node) {
            let genesis = Genesis::load(from)?;
            init::found_node(&genesis, node, data)?;
            return say(&format!("Node {node} of cluster {} is founded in {}.", genesis.cluster_id, data.display()));
        }
        if self.data.is_none() && self.genesis.is_none() {
            return Err("give --data DIR to found a node, or --genesis FILE to write a genesis for several".into());
        }
        let members = match self.member.is_empty() {
            true if self.genesis.is_some() => return Err("give each founding node with --member".into()),
            true => vec![init::parse_member(DEFAULT_MEMBER)?],
            false => self.member.clone(),
        };
        let (genesis, code) = Genesis::new(members, &self.admin)?;
        if let Some(path) = &self.genesis {
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(|error| format!("cannot write the genesis file {}: {error}", path.display()))?;
            file.write_all(genesis.to_json().as_bytes()).and_then(|()| file.sync_all())?;
        }
        if let Some(data) = &self.data {
            let first = genesis.members[0].node;
            init::found_node(&genesis, self.node.unwrap_or(first), data)?;
        }
        if self.print_code_only {
            return say(&code);
        }
        say(&format!(
            "Cluster {} is founded.\nOne-time code of the first admin, `{}`: {code}\nIt is shown only now.",
            genesis.cluster_id, genesis.admin_username
        ))
    }
}

impl Run {
    /// The file's configuration, under what the flags say.
    fn config(self) -> Result<Config, Problem> {
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config {
                data_dir: PathBuf::new(),
                client_listen: String::new(),
                client_advertise: String::new(),
                peer_listen: String::new(),
                peer_advertise: String::new(),
                metrics_listen: None,
                peers: BTreeMap::new(),
                tls: None,
                log: Log::default(),
                timing: Timing::default(),
                limits: Limits::default(),
            },
        };
        config.data_dir = self.data.unwrap_or(config.data_dir);
        config.client_listen = self.client_listen.unwrap_or(config.client_listen);
        config.peer_listen = self.peer_listen.unwrap_or(config.peer_listen);
        config.metrics_listen = self.metrics_listen.or(config.metrics_listen);
        Ok(config)
    }
}

/// Runs the node until it is told to stop.
fn run_node(config: &Config) -> Result<(), Problem> {
    let addresses = config.check()?;
    logging::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("lectern").build()?;
    let ran = runtime.block_on(serve(config, &addresses));
    runtime.shutdown_timeout(RUNTIME_PATIENCE);
    ran
}

async fn serve(config: &Config, addresses: &Addresses) -> Result<(), Problem> {
    // Before anything else, so that a stop during the start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let peer_listener = bind("peer_listen", addresses.peer).await?;
    let client_listener = bind("client_listen", addresses.client).await?;
    if let Some(listen) = addresses.metrics {
        metrics::serve(listen).map_err(|error| format!("cannot serve metrics on {listen}: {error}"))?;
    }
    let running = node::start(config, peer_listener)?;
    let node = running.node();
    tracing::info!(
        node = node.node_id(),
        cluster = node.cluster_id(),
        clients = %addresses.client,
        peers = %addresses.peer,
        "node is running"
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let options = ServeOptions::new(config.data_dir.join("scratch"));
    let mut serving = tokio::spawn(services::serve(node, options, client_listener, async move {
        let _stopped_or_gone = stopped.await;
    }));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        ended = &mut serving => return Err(ended?.err().map_or_else(|| "the client listener ended".into(), Into::into)),
    }
    tracing::info!("stopping");
    running.hand_over().await;
    let _gone = stop.send(());
    serving.await??;
    running.shutdown().await?;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, Problem> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{key}: {address} is in use by another program; stop that one, or choose another port").into()
        }
        _ => format!("{key}: cannot listen on {address}: {error}").into(),
    })
}

fn say(text: &str) -> Result<(), Problem> {
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn every_key_of_the_configuration_is_in_the_help() {
        for key in [
            "data_dir",
            "client_listen",
            "client_advertise",
            "peer_listen",
            "peer_advertise",
            "metrics_listen",
            "peers",
            "cert",
            "key",
            "ca ",
            "format",
            "filter",
            "tick_ms",
            "heartbeat_ticks",
            "election_ticks_min",
            "election_ticks_max",
            "cache_mib",
            "write_buffer_mib",
            "log_keep_seconds",
            "log_keep_mib",
            "log_keep_entries",
            "log_cap_mib",
            "snapshot_mib_per_second",
            "scrub_days",
            "scrub_mib_per_second",
            "event_ring",
        ] {
            assert!(KEYS.contains(key), "{key}");
        }
    }

    #[test]
    fn flags_are_enough_to_run_and_go_before_the_file() {
        let flags =
            ["lectern-server", "run", "--data", "d", "--client-listen", "127.0.0.1:1", "--peer-listen", "127.0.0.1:2"];
        let Command::Run(run) = Cli::try_parse_from(flags).unwrap().command else { panic!("not run") };
        let config = run.config().unwrap();
        assert_eq!(config.client_listen, "127.0.0.1:1");
        assert!(config.check().is_ok());
        assert!(Cli::try_parse_from(["lectern-server", "run", "--data", "d"]).is_err());
    }
}
