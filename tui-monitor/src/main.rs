//! lectern-monitor: the cluster as its operator sees it, by subcommands. Works without a quorum and without a sign-in.

mod cli;
mod status;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    lectern_cli::run(cli::Cli::parse(), |cli| cli.global.clone(), status::run)
}
