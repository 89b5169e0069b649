//! The scrub: reads everything on this node's disk now and then, slowly, so that rot is found while the other nodes hold good
//! copies, and not when they are needed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lectern_proto::v1::ScrubStatus;

use super::Shared;
use crate::store::{DataDir, LOG_COLUMNS, LogDb, STATE_COLUMNS, ScrubCopy, ScrubProblem, logs, scrub_log};
use crate::throttle::Throttle;
use crate::{fatal, wall_clock};

/// Bytes read at once.
const PIECE_BYTES: usize = 256 << 10;
/// After so many bytes a new copy is made: one holds files that the database does not need any more.
const COPY_BYTES: usize = 1 << 30;
/// The name of the copy; what a crash leaves of it is swept with the checkpoints.
const COPY: &str = "scrub";
/// How often it is looked at whether a scrub is due, and whether the node stops.
const PAUSE: Duration = Duration::from_millis(500);
/// After one that could not go on.
const RETRY_MS: i64 = 10 * 60 * 1_000;

pub(super) struct Scrubber {
    pub(super) shared: Arc<Shared>,
    pub(super) data: Arc<DataDir>,
    pub(super) log: LogDb,
    /// From the end of one to the beginning of the next; 0 for never.
    pub(super) interval_ms: i64,
    pub(super) throttle: Throttle,
}

/// The node stops.
struct Stopped;

impl Scrubber {
    /// Works until the node stops.
    pub(super) fn run(self) {
        let mut status = ScrubStatus { finished_at_ms: self.last_finished(), ..ScrubStatus::default() };
        let mut not_before_ms = status.finished_at_ms.map_or(0, |finished| finished.saturating_add(self.interval_ms));
        while !self.shared.is_stopped() {
            self.shared.board.vitals().scrub_is(status);
            // A clock that was set back puts nothing off for longer than the interval.
            let now_ms = wall_clock::system_ms();
            if self.interval_ms == 0 || (now_ms + 1..=now_ms.saturating_add(self.interval_ms)).contains(&not_before_ms)
            {
                std::thread::sleep(PAUSE);
                continue;
            }
            let bytes_total = self.log.size_bytes() + self.shared.state.current().size_bytes();
            let running = ScrubStatus { running: true, bytes_done: 0, bytes_total, ..status };
            match self.scrub_all(running) {
                Ok(Ok(())) => {
                    let finished_at_ms = wall_clock::system_ms();
                    status.finished_at_ms = Some(finished_at_ms);
                    not_before_ms = finished_at_ms.saturating_add(self.interval_ms);
                    self.remember(finished_at_ms);
                }
                Ok(Err(Stopped)) => return,
                Err(damage @ ScrubProblem::Damaged { .. }) => fatal::stop(&damage.to_string()),
                Err(problem) => {
                    tracing::warn!(%problem, "cannot check this node's disk; trying again later");
                    not_before_ms = now_ms.saturating_add(RETRY_MS.min(self.interval_ms));
                }
            }
        }
    }

    fn scrub_all(&self, mut status: ScrubStatus) -> Result<Result<(), Stopped>, ScrubProblem> {
        let state_dir = self.shared.state.current().path().to_path_buf();
        for dir in [self.data.log(), state_dir] {
            for log in logs(&dir)? {
                scrub_log(&log, |bytes| self.pass(&mut status, bytes))?;
                if self.shared.is_stopped() {
                    return Ok(Err(Stopped));
                }
            }
        }
        let at = self.data.snapshot(COPY);
        let log = || self.log.scrub_copy(&at);
        // The state in use at each copy, so that one that was replaced is not held.
        let state = || self.shared.state.current().scrub_copy(&at);
        if self.scrub_tables(&mut status, &LOG_COLUMNS, log)?.is_err()
            || self.scrub_tables(&mut status, &STATE_COLUMNS, state)?.is_err()
        {
            return Ok(Err(Stopped));
        }
        tracing::info!(bytes = status.bytes_done, "a scrub found no damage");
        Ok(Ok(()))
    }

    fn scrub_tables(
        &self,
        status: &mut ScrubStatus,
        columns: &[&str],
        copy: impl Fn() -> Result<ScrubCopy, ScrubProblem>,
    ) -> Result<Result<(), Stopped>, ScrubProblem> {
        let (mut current, mut read) = (copy()?, 0);
        current.look_up()?;
        for column in columns {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let piece = current.read(column, after.as_deref(), PIECE_BYTES)?;
                self.pass(status, piece.bytes);
                if self.shared.is_stopped() {
                    return Ok(Err(Stopped));
                }
                after = piece.last;
                if after.is_none() {
                    break;
                }
                read += piece.bytes;
                if read >= COPY_BYTES {
                    // Dropped before the next one is made in its place.
                    drop(current);
                    (current, read) = (copy()?, 0);
                }
            }
        }
        Ok(Ok(()))
    }

    fn pass(&self, status: &mut ScrubStatus, bytes: usize) {
        self.throttle.pass(bytes);
        status.bytes_done += bytes as u64;
        // What is written meanwhile is read, too.
        status.bytes_total = status.bytes_total.max(status.bytes_done);
        metrics::counter!("lectern_scrub_bytes_total").increment(bytes as u64);
        self.shared.board.vitals().scrub_is(*status);
    }

    fn last_finished(&self) -> Option<i64> {
        let finished = fs::read_to_string(self.data.last_scrub()).ok()?.trim().parse().ok();
        finished.inspect(|finished| show_finished(*finished))
    }

    fn remember(&self, finished_at_ms: i64) {
        show_finished(finished_at_ms);
        let path = self.data.last_scrub();
        if let Err(problem) = self.data.write_file(Path::new(&path), format!("{finished_at_ms}\n").as_bytes()) {
            tracing::warn!(%problem, "cannot note that a scrub finished; the next one comes early");
        }
    }
}

#[allow(clippy::cast_precision_loss)] // Seconds for a gauge.
fn show_finished(at_ms: i64) {
    metrics::gauge!("lectern_scrub_finished_seconds").set(at_ms as f64 / 1_000.0);
}
