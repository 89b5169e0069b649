//! The outer process of a run. The run itself is a child, in namespaces of its own where they can be had, and lives as
//! long as its standard input is open: so it ends in order when this process is interrupted, and when it is killed. What
//! the child leaves behind is killed here.

use std::env;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::isolation;
use crate::options::Options;

/// Tells the child what it is: `namespaces` or `plain`.
pub const INSIDE: &str = "LECTERN_CHAOS_INSIDE";
/// An interrupted run gets so long to end in order.
const PATIENCE: Duration = Duration::from_secs(20);
/// As a shell tells that SIGINT ended a program.
const INTERRUPTED: u8 = 130;

/// Runs the child to its end.
#[tokio::main(flavor = "current_thread")]
pub async fn supervise(options: &Options, seed: u64) -> ExitCode {
    match child(options, seed).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: the run could not be started: {error}");
            ExitCode::from(2)
        }
    }
}

async fn child(options: &Options, seed: u64) -> std::io::Result<u8> {
    let mut interrupts = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .into_iter()
        .map(signal)
        .collect::<std::io::Result<Vec<_>>>()?;
    let mut child = command(options, seed)?.spawn()?;
    let leash = child.stdin.take();
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let [interrupt, terminate, hangup] = &mut interrupts[..] else { unreachable!("three signals were asked for") };
    let status = tokio::select! {
        status = child.wait() => Some(status?),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        _ = hangup.recv() => None,
    };
    let code = if let Some(status) = status {
        status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2)
    } else {
        eprintln!("interrupted: ending the run");
        drop(leash);
        end(&mut child).await;
        INTERRUPTED
    };
    if let Some(group) = group {
        // Nobody is left in it, unless the child died without a chance to end its own.
        let _ = kill_process_group(group, Signal::KILL);
    }
    Ok(code)
}

async fn end(child: &mut Child) {
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        eprintln!("the run did not end in {PATIENCE:?} and is killed");
        // It may be gone by now.
        let _ = child.kill().await;
    }
}

fn command(options: &Options, seed: u64) -> std::io::Result<Command> {
    let own = env::current_exe()?;
    let possible = if options.no_namespaces { Err("told to do without".into()) } else { isolation::probe() };
    let (mut command, inside) = match possible {
        Ok(()) => {
            let words = isolation::unshare();
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).arg(own);
            (command, "namespaces")
        }
        Err(why) => {
            eprintln!("note: no network namespaces ({why}): partitions through proxies, no packet loss, no full disk");
            (Command::new(own), "plain")
        }
    };
    if options.seed.is_none() {
        command.args(["--seed", &seed.to_string()]);
    }
    command.args(env::args_os().skip(1)).env(INSIDE, inside).stdin(Stdio::piped()).process_group(0);
    Ok(command)
}
