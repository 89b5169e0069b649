//! The command line.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;

use crate::plan::Kind;

/// Drive a cluster of real processes through faults, and check what its clients saw
///
/// Three or five nodes, each in a network namespace of its own where the system allows it, are killed, stopped, cut off
/// and set back while clients record what they asked and what they were told. Everything must have happened in one order:
/// registers, drafts and lists are checked for linearizability, idempotency keys for one effect and one answer.
///
/// Exit codes: 0 nothing is wrong, 1 a violation, 2 the run could not be made, 130 it was interrupted.
#[derive(Clone, Debug, Parser)]
#[command(name = "lectern-chaos", version)]
pub struct Options {
    /// How long faults come and go
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    pub seconds: u64,
    /// Repeats a plan of faults; a new one by default
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// How many nodes
    #[arg(long, value_name = "3|5", default_value_t = 3, value_parser = parse_nodes)]
    pub nodes: u32,
    /// The last line on standard output is one JSON object
    #[arg(long)]
    pub json: bool,
    /// Clients that work at the same time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub clients: u32,
    /// Only these faults, such as `kill_leader,delay`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub faults: Vec<Kind>,
    /// Where the cluster lives; its logs are kept. By default a temporary folder, kept after a violation
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Do without network namespaces and mounts of the run's own, as on a system that does not allow them
    #[arg(long)]
    pub no_namespaces: bool,
    /// Nodes have certificates, and speak TLS to each other and to clients
    #[arg(long)]
    pub tls: bool,
    /// The folder of lectern-server; by default this program's own
    #[arg(long, value_name = "DIR", env = "LECTERN_TEST_BIN")]
    pub bin: Option<PathBuf>,
}

fn parse_nodes(text: &str) -> Result<u32, String> {
    match text {
        "3" => Ok(3),
        "5" => Ok(5),
        _ => Err("a run has 3 or 5 nodes".into()),
    }
}

impl Options {
    /// The seed that was asked for, or one of the moment.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::from(since.subsec_nanos()) ^ since.as_secs() << 20
        }) % 1_000_000_007
    }

    /// How long faults come and go.
    pub fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
