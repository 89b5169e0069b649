//! The command line of `lectern-server`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, IsTerminal as _, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::backup::{self, Backup, Restore};
use crate::certs::{self, Certs};
use crate::config::{Config, Limits, Log, Membership, Prepared, Timing};
use crate::init::{self, Genesis, GenesisMember};
use crate::inspect::{self, Inspect};
use crate::join::{self, Invitation};
use crate::recover::Survivor;
use crate::services::{self, ServeOptions};
use crate::tls::Tls;
use crate::{fatal, logging, metrics, node};

/// Tasks that are still running get this long at the end.
const RUNTIME_PATIENCE: Duration = Duration::from_secs(1);

/// A node that was told to stop is gone after this long, even where its disk answers no more. More than the longest election and
/// the time that calls under way are given, and less than the 90 s after which systemd kills.
const LONGEST_STOP: Duration = Duration::from_secs(80);

/// One node of a Lectern cluster.
#[derive(Debug, Parser)]
#[command(
    name = "lectern-server",
    version,
    about,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command the node runs.
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Found a cluster, or one node of it
    #[command(long_about = INIT_HELP)]
    Init(Init),
    /// Run the node
    #[command(after_long_help = KEYS)]
    Run(Run),
    /// Let an empty data directory join a cluster
    #[command(long_about = JOIN_HELP)]
    Join(Join),
    /// Go on with this stopped node alone, after a majority was lost for good
    #[command(long_about = RECOVER_HELP)]
    Recover(Recover),
    /// Say whether a configuration can be used
    #[command(after_long_help = KEYS)]
    CheckConfig(CheckConfig),
    /// Make and renew the certificates of a cluster
    #[command(subcommand, long_about = certs::HELP)]
    Certs(Certs),
    /// Back a node up, running or stopped
    #[command(long_about = backup::HELP)]
    Backup(Backup),
    /// Make the first node of a new cluster from a backup
    #[command(long_about = backup::RESTORE_HELP)]
    Restore(Restore),
    /// Print what a stopped node holds, as JSON
    #[command(long_about = inspect::HELP)]
    Inspect(Inspect),
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
    /// Where the data directory is empty, join a cluster first, with this join token (or @FILE that holds it)
    #[arg(long, value_name = "TOKEN", requires = "contact")]
    join: Option<String>,
    /// Where a node of that cluster serves clients; may be given several times
    #[arg(long, value_name = "HOST:PORT", requires = "join")]
    contact: Vec<String>,
}

#[derive(Debug, Args)]
struct Join {
    /// The join token that an operator made, or @FILE that holds it
    #[arg(long, value_name = "TOKEN")]
    token: String,
    /// Where a node of the cluster serves clients; may be given several times
    #[arg(long, value_name = "HOST:PORT", required = true)]
    contact: Vec<String>,
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
}

#[derive(Debug, Args)]
struct Recover {
    /// The stopped node's data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Do not ask
    #[arg(long)]
    yes: bool,
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

const JOIN_HELP: &str = "Let an empty data directory join a cluster.

An operator makes a join token (`lectern-monitor members token create`); it is shown once. With it and the address of any node the directory
gets a number and all it needs:
  lectern-server join --token TOKEN --contact 127.0.5.1:7600 --config server.toml
  lectern-server run --config server.toml
or both at once, with a command that joins when it runs first and simply starts later:
  lectern-server --config server.toml --join TOKEN --contact 127.0.5.1:7600

Interrupted at any point, it is repeated and gets the same number. Where the cluster has TLS, the node needs a certificate with its
number before it can start: it says which, and is started again when that is in place.";

const RECOVER_HELP: &str = "Go on with this stopped node alone, after a majority was lost for good.

Membership follows liveness while a majority is alive. Losing a majority stops writes and never loses acknowledged data; recovery is
an explicit operator command with documented loss.

Bring the other nodes back if there is any way to: nothing is lost then. If not, run this on each survivor and answer nothing, compare
where their logs end, and recover the one whose log ends at the highest term, then the highest entry. It becomes the whole cluster,
under a new epoch: start it, empty the data directories of all others, and let each join anew.

Run again, it finishes a recovery that was interrupted; until then the node does not start.";

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
    filter             what is logged, as tracing's EnvFilter reads it, with a level for all that it does not name; LECTERN_LOG
                       goes first [info,raft=warn]
  [timing]             the same on every node; raise it on slow networks
    tick_ms            milliseconds of one tick [20]
    heartbeat_ticks    ticks between a leader's heartbeats [2]
    election_ticks_min shortest election timeout in ticks [10]
    election_ticks_max longest election timeout in ticks [20]
  [membership]         when membership follows the nodes that are online; the same on every node
    target_voters      up to how many voters the cluster grows; odd [5]
    max_members        the most voters and learners together [9]
    settle_ms          a leader changes nothing before it has reached a majority for this long [10000]
    lag_ms             a node silent for so long does not answer; one so far behind is behind [1000]
    ready_ms           a learner that was healthy for this long may vote [10000]
    degraded_ms        a node silent for this long is shown as degraded [30000]
    replace_ms         a voter silent for this long gives its vote to a spare, where there is one [300000]
    forget_ms          a learner silent for this long is removed [86400000]
    retry_ms           time until a change that failed is tried again [5000]
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
    max_connections    connections of clients at once [what the limit of open files leaves, at most 4096]
    max_connections_per_address
                       … of one address [half of max_connections]

The node's number is in its data directory. SIGTERM and SIGINT hand leadership over and stop the node. Certificates are read
again when their files change, and on SIGHUP; new connections use them at once.
For tests only: LECTERN_FAULT_CLOCK_OFFSET_MS shifts this node's system clock by that many milliseconds; LECTERN_FAULT_LOG_SYNC
makes syncs of the log slower by N or N-M milliseconds, or `fail`; LECTERN_FAULT_STATE_HASH makes the told hash of the state
another one; LECTERN_FAULT_MAX_FEATURE_LEVEL is the newest feature level that is understood. @FILE is what FILE holds at the moment.";

/// What a command that failed says on standard error.
pub type Problem = Box<dyn Error + Send + Sync>;

/// The command line asks for nothing that can be done: exit code 2, as for what the parser refuses.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

impl Cli {
    /// Does what the command line says.
    pub fn run(self) -> Result<(), Problem> {
        match self.command.unwrap_or(Command::Run(self.run)) {
            Command::Init(init) => init.run(),
            Command::Run(run) => run.run(),
            Command::Join(join) => join.run(),
            Command::Recover(recover) => recover.run(),
            Command::CheckConfig(check) => {
                let config = Config::load(&check.config)?;
                config.prepare()?;
                if let Some(files) = &config.tls {
                    Tls::load(files.paths())?;
                }
                say(&format!("{} can be used", check.config.display()))
            }
            Command::Certs(certs) => say(&certs.run()?),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
            Command::Inspect(inspect) => inspect.run(&mut io::BufWriter::new(io::stdout().lock())),
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
            return usage("give --data DIR to found a node, or --genesis FILE to write a genesis for several", "init");
        }
        let members = match self.member.is_empty() {
            true if self.genesis.is_some() => return usage("give each founding node with --member", "init"),
            true => vec![init::parse_member(init::DEFAULT_MEMBER)?],
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

impl Join {
    fn run(self) -> Result<(), Problem> {
        let Self { token, contact, config, data, client_listen, peer_listen } = self;
        let invitation = Invitation { token, contacts: contact };
        let run =
            Run { config, data, client_listen, peer_listen, metrics_listen: None, join: None, contact: Vec::new() };
        let config = run.config()?;
        config.check()?;
        if let Some(already) = join::is_founded(&config.data_dir)? {
            let (node, cluster) = (already.node, already.cluster_id);
            return Err(format!("this directory is node {node} of cluster {cluster} already: start it").into());
        }
        logging::start(&config.log)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let identity = runtime.block_on(join::join(&config, &invitation))?;
        join::require_certificate(&config, &identity)?;
        say(&format!("This is node {} of cluster {} now. Start it.", identity.node, identity.cluster_id))
    }
}

impl Recover {
    fn run(self) -> Result<(), Problem> {
        let survivor = Survivor::open(&self.data)?;
        match survivor.prospect()? {
            None => say("A recovery of this node was interrupted; it is finished now.")?,
            Some(prospect) => {
                say(&prospect.warning())?;
                if !self.yes && !io::stdin().is_terminal() {
                    return usage("nothing was changed: nobody is there to answer; give --yes to go on", "recover");
                }
                if !self.yes && !confirmed(survivor.identity().node)? {
                    return Err("nothing was changed".into());
                }
            }
        }
        let identity = survivor.recover()?;
        say(&format!(
            "Node {} is the whole cluster now, at epoch {}. Start it. Empty the data directories of all other nodes, and let each join \
             anew: `lectern-server join --help` says how.",
            identity.node, identity.epoch
        ))
    }
}

/// A person has to type which node it is.
fn confirmed(node: u64) -> io::Result<bool> {
    write!(io::stdout(), "Type {node} to recover node {node}, anything else to leave it as it is: ")?;
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim() == node.to_string())
}

impl Run {
    fn run(self) -> Result<(), Problem> {
        let invitation = self.join.clone().map(|token| Invitation { token, contacts: self.contact.clone() });
        run_node(&self.config()?, invitation.as_ref())
    }

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
                membership: Membership::default(),
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
fn run_node(config: &Config, invitation: Option<&Invitation>) -> Result<(), Problem> {
    let prepared = config.prepare()?;
    logging::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("lectern").build()?;
    let ran = runtime.block_on(async {
        if let Some(invitation) = invitation {
            // Where the directory holds a node already it simply starts.
            let identity = join::join(config, invitation).await?;
            join::require_certificate(config, &identity)?;
        }
        serve(config, prepared).await
    });
    runtime.shutdown_timeout(RUNTIME_PATIENCE);
    ran
}

async fn serve(config: &Config, prepared: Prepared) -> Result<(), Problem> {
    let Prepared { addresses, descriptors, connections } = prepared;
    // Before anything else, so that a stop during the start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let peer_listener = bind("peer_listen", addresses.peer).await?;
    let client_listener = bind("client_listen", addresses.client).await?;
    if let Some(listen) = addresses.metrics {
        metrics::serve(bind("metrics_listen", listen).await?)?;
    }
    let running = node::start(config, peer_listener)?;
    let node = running.node();
    tracing::info!(
        node = node.node_id(),
        cluster = node.cluster_id(),
        clients = %addresses.client,
        peers = %addresses.peer,
        open_files = descriptors.allowed,
        connections = connections.total,
        "node is running"
    );
    let (stop, stopped) = oneshot::channel::<()>();
    backup::serve(running.node(), running.identity().clone(), &config.data_dir);
    let options = ServeOptions { connections, ..ServeOptions::new(config.data_dir.join("scratch")) };
    let mut serving = tokio::spawn(services::serve(node, options, client_listener, async move {
        let _stopped_or_gone = stopped.await;
    }));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        ended = &mut serving => return Err(ended?.err().map_or_else(|| "the client listener ended".into(), Into::into)),
    }
    tracing::info!("stopping");
    fatal::stop_within(
        LONGEST_STOP,
        "it was told to stop and did not get to its end in time; nothing acknowledged is lost",
    )?;
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

fn usage(problem: &str, command: &str) -> Result<(), Problem> {
    Err(WrongUsage(format!("{problem}\n`lectern-server {command} --help` says more")).into())
}

/// A line on standard output.
pub(crate) fn say(text: &str) -> Result<(), Problem> {
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
            "max_connections ",
            "max_connections_per_address",
            "[membership]",
            "target_voters",
            "max_members",
            "settle_ms",
            "lag_ms",
            "ready_ms",
            "degraded_ms",
            "replace_ms",
            "forget_ms",
            "retry_ms",
        ] {
            assert!(KEYS.contains(key), "{key}");
        }
    }

    #[test]
    fn flags_are_enough_to_run_and_go_before_the_file() {
        let flags =
            ["lectern-server", "run", "--data", "d", "--client-listen", "127.0.0.1:1", "--peer-listen", "127.0.0.1:2"];
        let Some(Command::Run(run)) = Cli::try_parse_from(flags).unwrap().command else { panic!("not run") };
        let config = run.config().unwrap();
        assert_eq!(config.client_listen, "127.0.0.1:1");
        assert!(config.check().is_ok());
        assert!(Cli::try_parse_from(["lectern-server", "run", "--data", "d"]).is_err());
    }

    #[test]
    fn a_node_joins_with_one_command_that_starts_it_later_too() {
        let parse = |more: &[&str]| Cli::try_parse_from([&["lectern-server"][..], more].concat());
        let cli = parse(&["--config", "s", "--join", "T", "--contact", "a:1", "--contact", "b:1"]).unwrap();
        assert!(cli.command.is_none() && cli.run.join.as_deref() == Some("T") && cli.run.contact == ["a:1", "b:1"]);
        assert!(parse(&["run", "--config", "s", "--join", "T", "--contact", "a:1"]).is_ok());
        assert!(parse(&["join", "--token", "T", "--contact", "a:1", "--config", "s"]).is_ok());
        for wrong in [&["--config", "s", "--join", "T"][..], &["--config", "s", "--contact", "a:1"], &["join"], &[]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(parse(&["recover", "--data", "d", "--yes"]).is_ok());
    }
}
