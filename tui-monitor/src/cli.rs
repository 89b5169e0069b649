//! The subcommands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lectern_cli::args::{GlobalArgs, duration};
use lectern_client::is_operator_name;
use lectern_tui_kit::guide::GuideCommand;
use lectern_tui_kit::settings::TuiArgs;

/// What the options do not say.
const MORE: &str = "\
Where the nodes are: --endpoint, else LECTERN_ENDPOINTS (with commas), else
what `lectern-student connect` or `lectern-instructor connect` saved, else
127.0.0.1:7600. One that answers is enough to find the others.

Environment:
  LECTERN_ENDPOINTS, LECTERN_PROFILE, LECTERN_CA     which cluster
  LECTERN_CERT, LECTERN_KEY                          the options of those names
  LECTERN_OPERATOR_KEY, LECTERN_OPERATOR             the options of those names
  LECTERN_CONFIG_DIR, LECTERN_STATE_DIR              settings, saved connections
  NO_COLOR                                           no colours

Exit codes:
  0  done
  1  refused, or trouble with a file of this machine
  2  wrong use, or a question that nobody is there to answer
  4  no node or no majority answers, or it was not done in time
  6  nobody knows whether it was done";

/// Watch a Lectern cluster: who leads, who follows, how far everyone is.
///
/// Without a subcommand the monitor opens full screen. It needs no sign-in, and works while the cluster has no majority.
#[derive(Parser, Debug)]
#[command(name = "lectern-monitor", version, about, propagate_version = true, after_long_help = MORE)]
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

/// Who operates: an operator's certificate, made by `lectern-server certs operator`; in a cluster without TLS, the key in the
/// data directory of a node.
#[derive(Args, Clone, Debug, Default)]
pub struct OperatorArgs {
    /// An operator's certificate.
    #[arg(long, global = true, value_name = "FILE", env = "LECTERN_CERT", hide_env = true, requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its key.
    #[arg(long, global = true, value_name = "FILE", env = "LECTERN_KEY", hide_env = true, requires = "cert")]
    pub key: Option<PathBuf>,
    /// Without TLS: the operator.key in a node's data directory, or that directory.
    #[arg(long, global = true, value_name = "FILE", env = "LECTERN_OPERATOR_KEY", hide_env = true)]
    pub operator_key: Option<PathBuf>,
    /// Who you are, for the history of changes, where no certificate says it; by default the user of this machine.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "LECTERN_OPERATOR",
        hide_env = true,
        requires = "operator_key"
    )]
    pub operator: Option<String>,
}

impl Cli {
    /// Whether an operator's key is of any use to it: the full screen shows and orders, a subcommand does one of both.
    pub fn needs_operator(&self) -> bool {
        match &self.command {
            Some(Command::Status { .. } | Command::Watch { .. } | Command::Guide(_)) => false,
            Some(Command::Members { command }) => {
                matches!(command, Some(MembersCommand::History | MembersCommand::Token(_)))
            }
            None | Some(_) => true,
        }
    }
}

impl OperatorArgs {
    /// Both, or none.
    pub fn files(&self) -> Option<(PathBuf, PathBuf)> {
        self.cert.clone().zip(self.key.clone())
    }

    /// The key of an operator without a certificate, and what they are called.
    pub fn key_and_name(&self) -> Option<(PathBuf, String)> {
        let user =
            || std::env::var("USER").ok().filter(|name| is_operator_name(name)).unwrap_or_else(|| "operator".into());
        let name = self.operator.clone().unwrap_or_else(user);
        self.operator_key.clone().map(|key| (key, name))
    }
}

/// Which node, and whether it is asked first.
#[derive(Args, Clone, Copy, Debug)]
pub struct OrderArgs {
    /// The node's number.
    #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub node: u64,
    /// Do it without asking.
    #[arg(long)]
    pub yes: bool,
}

/// Whether it is waited for.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct WaitArg {
    /// Wait until it has happened, five minutes or as long as is said (`--wait=30s`); fail when it has not.
    #[arg(long, value_name = "TIME", value_parser = duration, num_args = 0..=1, require_equals = true, default_missing_value = "5m")]
    pub wait: Option<Duration>,
}

/// What else there is to know of members, and what they join with.
#[derive(Subcommand, Debug)]
pub enum MembersCommand {
    /// What became of the configuration lately, and who asked for it.
    History,
    /// Wait until a node belongs to the cluster; fail when it does not.
    Await {
        /// The node's number.
        #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        node: u64,
        /// As what: a voter is more than a learner.
        #[arg(long = "as", value_enum, default_value_t = Belongs::Learner)]
        standing: Belongs,
        /// For how long at most.
        #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
        within: Duration,
    },
    /// What nodes join with.
    #[command(subcommand)]
    Token(TokenCommand),
}

/// As what a node belongs to the cluster.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// It is sent everything.
    Learner,
    /// It votes.
    Voter,
}

/// Tokens that nodes join with.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// Make one. It is shown once.
    Create {
        /// What it is for, such as the name of the new machine.
        #[arg(long)]
        label: Option<String>,
        /// How many nodes may join with it.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
        uses: u32,
        /// How long it can be used, at most 30 days.
        #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
        expires: Duration,
        /// Print nothing but the token.
        #[arg(long)]
        print_token_only: bool,
    },
    /// List them; what is listed is of no use for joining.
    List,
    /// Let nobody join with one any more.
    Revoke {
        /// Its id as the list shows it, or the beginning of it.
        token: String,
    },
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
    /// Who belongs to the cluster, how they are, and what happens next.
    Members {
        /// Something else about members.
        #[command(subcommand)]
        command: Option<MembersCommand>,
    },
    /// Let a node lead no more, and give its vote away as soon as another can take it: before work on its machine.
    Drain {
        /// Which.
        #[command(flatten)]
        order: OrderArgs,
        /// Until it neither leads nor votes.
        #[command(flatten)]
        wait: WaitArg,
    },
    /// Let a drained node take part again.
    Restore {
        /// Which.
        #[command(flatten)]
        order: OrderArgs,
    },
    /// Let a node leave the cluster for good; its number is never used again.
    Remove {
        /// Which.
        #[command(flatten)]
        order: OrderArgs,
        /// Until it has left.
        #[command(flatten)]
        wait: WaitArg,
    },
    /// Hand leadership to a voter.
    TransferLeader {
        /// The node that is to lead; by default the voter that is furthest.
        #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        node: Option<u64>,
        /// Do it without asking.
        #[arg(long)]
        yes: bool,
    },
    /// Keys, completions, manual.
    #[command(flatten)]
    Guide(GuideCommand),
}
