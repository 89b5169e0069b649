//! One node of a Lectern cluster.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use lectern_server::{
    cli::{Cli, WrongUsage},
    fatal,
};

fn main() -> ExitCode {
    fatal::abort_on_panic();
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _unreadable = writeln!(std::io::stderr(), "lectern-server: {problem}");
            if problem.is::<WrongUsage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
