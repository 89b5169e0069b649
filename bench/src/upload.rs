//! A large file that is handed in while others go on with small writes.

use std::time::{Duration, Instant};

use lectern_tests::cluster::make_file;
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::caller::Work;
use crate::figures::Figures;
use crate::lectern::Lectern;
use crate::system::{System as _, callers};
use crate::{load, machine};

/// The file.
const FILE_BYTES: u32 = 100_000_000;
/// Who writes meanwhile, and the least time between two writes of one of them.
const WRITERS: usize = 4;
const PACE: Duration = Duration::from_millis(40);

/// What was seen.
pub struct Upload {
    /// Small writes while nothing else happened.
    pub quiet: Figures,
    /// Small writes while the file was handed in.
    pub meanwhile: Figures,
    /// Of the file, from the program's start to the acknowledged submission.
    pub bytes_per_second: f64,
    /// Bytes that all nodes gave to the disk for each byte of the file, small writes included.
    pub copies: f64,
}

/// Has a quiet time, then lets a student hand in a file by the program that students use.
#[allow(clippy::cast_precision_loss, reason = "bytes of an upload are far below 2^52")]
pub fn measure(lectern: &mut Lectern, runtime: &Runtime, quiet: Duration) -> Outcome<Upload> {
    let leader = lectern.leader(runtime)?;
    let nodes = lectern.processes();
    let path = lectern.class.file("large.bin", "");
    make_file(path.as_ref(), FILE_BYTES as usize, 20_261);
    let writers = callers(lectern, runtime, (&[leader], WRITERS, WRITERS))?;
    let in_quiet = async { tokio::time::sleep(quiet).await };
    let (quiet, ()) = runtime.block_on(load::run(writers.clone(), Work::Write, ("quiet", PACE), &nodes, in_quiet))?;
    let written = || nodes.iter().map(|process| machine::written_bytes(*process)).sum::<u64>();
    let student = lectern.class.student.clone();
    let hand_in = async {
        let (before, began) = (written(), Instant::now());
        let ran = tokio::task::spawn_blocking(move || student.run(&["submit", "cs101/work", &path])).await;
        (ran, began.elapsed(), written() - before)
    };
    let (meanwhile, (ran, took, written)) =
        runtime.block_on(load::run(writers, Work::Write, ("meanwhile", PACE), &nodes, hand_in))?;
    let ran = ran?;
    if ran.code != 0 {
        return Err(format!("the file was not handed in: {}", ran.stderr).into());
    }
    let bytes_per_second = f64::from(FILE_BYTES) / took.as_secs_f64();
    Ok(Upload { quiet, meanwhile, bytes_per_second, copies: written as f64 / f64::from(FILE_BYTES) })
}
