//! The upgrade drill: a cluster of the old release becomes one of the new release, node by node, while students hand in work.
//! `scripts/upgrade-drill` runs it. The last line is one JSON object; ends with 1 where anything was lost or doubled.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lectern_tests::upgrade::{Release, upgrade};
use serde_json::json;

/// Upgrade a cluster node by node under load; count what was acknowledged and what was lost.
#[derive(Parser)]
struct Args {
    /// The old `lectern-server`; without it the new one plays the old one, too.
    #[arg(long, value_name = "FILE")]
    old: Option<PathBuf>,
    /// The new `lectern-server`; the one built here by default.
    #[arg(long, value_name = "FILE")]
    new: Option<PathBuf>,
    /// The newest feature level that the old one is to understand, instead of its own.
    #[arg(long, value_name = "N")]
    old_level: Option<u32>,
    /// The newest feature level that the new one is to understand, instead of its own.
    #[arg(long, value_name = "N")]
    new_level: Option<u32>,
    /// How many nodes.
    #[arg(long, default_value_t = 3)]
    nodes: u32,
}

#[allow(clippy::print_stdout, reason = "printing it is what the program is for")]
fn main() -> ExitCode {
    let args = Args::parse();
    let old = Release { program: args.old, max_level: args.old_level };
    let new = Release { program: args.new, max_level: args.new_level };
    let came = upgrade(args.nodes, &old, &new);
    let line = json!({
        "acknowledged": came.acknowledged, "lost": came.lost, "doubled": came.doubled,
        "longest_pause_ms": u64::try_from(came.longest_pause.as_millis()).unwrap_or(u64::MAX),
        "level_before": came.levels.0, "level_after": came.levels.1, "old_says": came.old_says,
    });
    println!("{line}");
    if came.lost == 0 && came.doubled == 0 && came.acknowledged > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
