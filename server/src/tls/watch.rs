//! Reading certificates again: when a file changes, and on SIGHUP.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use lectern_tls::{MaterialError, Paths};
use tokio::signal::unix::Signal;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Tls, expiry};

/// How soon a changed file is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const WARN_EVERY: Duration = Duration::from_hours(24);

/// What tells one version of a file from another: when it was changed, its size, its place on the disk.
type Version = Option<(i64, i64, u64, u64)>;

/// Looks after the certificates as long as the process runs.
pub(crate) async fn keep(tls: Tls, mut hangup: Signal) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = look(tls.0.paths.clone()).await;
    let mut problem: Option<MaterialError> = None;
    let mut warned: Option<Instant> = None;
    loop {
        if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            warned = Some(Instant::now());
            expiry::warn(&tls);
        }
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            _ = hangup.recv() => true,
        };
        let now = look(tls.0.paths.clone()).await;
        // Files of one set are put in place one after the other: what does not fit together yet is tried again.
        if !asked && now == seen && problem.is_none() {
            continue;
        }
        seen = now;
        let reloading = tls.clone();
        let reloaded = tokio::task::spawn_blocking(move || reloading.reload()).await;
        match reloaded.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) {
            Ok(()) => {
                tracing::info!("certificates were read again; new connections use them");
                metrics::counter!("lectern_tls_reloads_total", "result" => "ok").increment(1);
                problem = None;
                warned = None;
            }
            Err(error) if asked || problem.as_ref() != Some(&error) => {
                tracing::warn!(%error, "certificates cannot be read again; those from before stay in use");
                metrics::counter!("lectern_tls_reloads_total", "result" => "failed").increment(1);
                problem = Some(error);
            }
            Err(_) => {}
        }
    }
}

async fn look(paths: Paths) -> Vec<Version> {
    let looked = tokio::task::spawn_blocking(move || {
        let version = |path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()))
        };
        let files = [&paths.certificate, &paths.key].into_iter().chain(&paths.authorities);
        files.map(version).collect()
    });
    looked.await.unwrap_or_default()
}
