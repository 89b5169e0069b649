//! One node of a Lectern cluster.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use lectern_server::{
    cli::{Cli, WrongUsage},
    fatal,
};

// RocksDB's threads and tokio's allocate all the time and free what others allocated: this takes less time and less memory for it
// than the system's allocator. RocksDB's allocations go through it, too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
