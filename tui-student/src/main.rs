//! lectern-student: a course from the student's chair, by subcommands.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    lectern_cli::run(cli::Cli::parse(), |cli| cli.global.clone(), commands::run)
}
