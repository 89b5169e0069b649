//! Lectern measured beside etcd: the same work, alternating in one run, so that ratios hold on a noisy machine.
//!
//! The way to run it is `scripts/bench`; what is measured and how is in docs/performance.md. The last line with `--json` is
//! `{"ratios":{NAME:{"ours":…,"etcd":…,"ratio":…,"target":…,"met":…,"unit":…}}}`.
//!
//! Ends with 0 where everything was measured (targets met or not), with 2 where it could not be, or there is no etcd.

mod caller;
mod empty;
mod etcd;
mod figures;
mod lectern;
mod load;
mod machine;
mod pause;
mod report;
mod run;
mod system;
mod upload;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;

use crate::run::Extent;

/// What a step comes to.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Measure Lectern beside etcd. Data goes to the folder for temporary files (TMPDIR), which must not be in memory.
#[derive(Parser)]
struct Args {
    /// Less of everything: under ten minutes.
    #[arg(long)]
    quick: bool,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
    /// The etcd program.
    #[arg(long, default_value = "/usr/bin/etcd", value_name = "FILE")]
    etcd: PathBuf,
    /// Be the server whose call does nothing.
    #[arg(long, hide = true)]
    serve_empty: bool,
}

fn main() -> ExitCode {
    match measure(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: the measurement could not be made: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything was measured.
fn measure(args: &Args) -> Outcome<bool> {
    let runtime = Runtime::new()?;
    if args.serve_empty {
        runtime.block_on(empty::serve())?;
        return Ok(true);
    }
    let etcd = args.etcd.exists().then_some(args.etcd.as_path());
    if etcd.is_none() {
        eprintln!("There is no etcd at {}: its column stays empty.", args.etcd.display());
    }
    let extent = if args.quick { Extent::QUICK } else { Extent::FULL };
    let comparisons = run::all(&runtime, etcd, extent)?;
    say(&report::table(&comparisons));
    if args.json {
        say(&report::json_line(&comparisons));
    }
    Ok(etcd.is_some())
}

#[allow(clippy::print_stdout, reason = "printing it is what the program is for")]
fn say(text: &str) {
    println!("{text}");
}
