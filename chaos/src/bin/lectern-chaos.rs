//! `lectern-chaos`: see `lectern-chaos --help`, or `scripts/chaos`.

use std::process::ExitCode;

use clap::Parser;
use lectern_chaos::options::Options;
use lectern_chaos::run::run;
use lectern_chaos::supervise::{INSIDE, supervise};

fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options.seed();
    match std::env::var(INSIDE) {
        Ok(inside) => run(&options, seed, inside == "namespaces"),
        Err(_) => supervise(&options, seed),
    }
}
