//! lectern-instructor: courses from the staff's chair, and accounts from the administrator's, by subcommands.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    lectern_cli::run(cli::Cli::parse(), |cli| cli.global.clone(), commands::run)
}
