//! The subcommands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use lectern_cli::args::{GlobalArgs, duration};
use lectern_tui_kit::guide::GuideCommand;
use lectern_tui_kit::settings::TuiArgs;

/// Watch a Lectern cluster: who leads, who follows, how far everyone is.
///
/// Without a subcommand the monitor opens full screen. It needs no sign-in, and works while the cluster has no majority.
#[derive(Parser, Debug)]
#[command(name = "lectern-monitor", version, about, propagate_version = true)]
pub struct Cli {
    /// Options of every subcommand.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// As whom to operate.
    #[command(flatten)]
    pub operator: OperatorArgs,
    /// Options of the full screen.
    #[command(flatten)]
    pub tui: TuiArgs,
    /// What to do; nothing opens the full screen.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// An operator's certificate, made by `lectern-server certs operator`.
#[derive(Args, Clone, Debug, Default)]
pub struct OperatorArgs {
    /// An operator's certificate.
    #[arg(long, global = true, value_name = "FILE", env = "LECTERN_CERT", hide_env = true, requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its key.
    #[arg(long, global = true, value_name = "FILE", env = "LECTERN_KEY", hide_env = true, requires = "cert")]
    pub key: Option<PathBuf>,
}

impl OperatorArgs {
    /// Both, or none.
    pub fn files(&self) -> Option<(PathBuf, PathBuf)> {
        self.cert.clone().zip(self.key.clone())
    }
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Print the state of the cluster once.
    Status {
        /// Wait up to this long until a majority reports one leader; fail when it does not.
        #[arg(long, value_name = "TIME", value_parser = duration)]
        wait_leader: Option<Duration>,
    },
    /// Print the state of the cluster whenever it changes, until interrupted.
    Watch {
        /// Look this often.
        #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
        every: Duration,
    },
    /// Keys, completions, manual.
    #[command(flatten)]
    Guide(GuideCommand),
}
