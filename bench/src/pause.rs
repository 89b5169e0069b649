//! The longest pause of acknowledged writes around the end of a leader.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::Outcome;
use crate::caller::{Caller, Work};
use crate::figures::Miss;
use crate::system::{End, NODES, System};

/// Who writes, each over connections of its own to every node.
const WRITERS: usize = 8;
/// An attempt that took longer is made again at the next node: no system's pause is made longer by clients that wait.
const ATTEMPT: Duration = Duration::from_millis(250);
const AFTER_A_MISS: Duration = Duration::from_millis(5);
/// Writes before the end, and at least so long after it.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(3);
/// Writes go on again when none was waited for longer than that.
const GOES_ON: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(30);

/// What was seen around one end.
pub struct Pause {
    /// The longest time without an acknowledged write.
    pub longest: Duration,
    /// Attempts whose outcome nobody knew; each was made again until it was acknowledged.
    pub unknown: u64,
    /// Attempts that were answered with an error, likewise.
    pub errors: u64,
}

#[derive(Default)]
struct Seen {
    acknowledged: Vec<Instant>,
    unknown: u64,
    errors: u64,
    stop: bool,
}

/// Ends the leader while clients write, and starts it again.
pub fn around(system: &mut dyn System, runtime: &Runtime, how: End, label: &str) -> Outcome<Pause> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let callers = (1..=NODES).map(|node| system.connect(runtime, node, number)).collect::<Outcome<Vec<_>>>()?;
        writers.push(runtime.spawn(write(callers, format!("{label}-{number}"), number, seen.clone())));
    }
    std::thread::sleep(BEFORE);
    let leader = system.leader(runtime)?;
    let ended = Instant::now();
    system.end(leader, how)?;
    let resumed = await_writes(&seen, ended);
    seen.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
    runtime.block_on(all(writers))?;
    system.restore(runtime)?;
    if !resumed {
        return Err(format!("{}: writes did not go on within {} s", system.name(), PATIENCE.as_secs()).into());
    }
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    // What happened while callers connected belongs to no end.
    let longest = longest_gap(&seen.acknowledged, ended.checked_sub(BEFORE / 2).unwrap_or(ended));
    Ok(Pause { longest, unknown: seen.unknown, errors: seen.errors })
}

/// Whether writes go on, some time after the end.
fn await_writes(seen: &Mutex<Seen>, ended: Instant) -> bool {
    while ended.elapsed() < PATIENCE {
        std::thread::sleep(ATTEMPT / 10);
        let last = seen.lock().unwrap_or_else(PoisonError::into_inner).acknowledged.last().copied();
        if ended.elapsed() >= AFTER && last.is_some_and(|last| last > ended && last.elapsed() < GOES_ON) {
            return true;
        }
    }
    false
}

async fn all(writers: Vec<JoinHandle<()>>) -> Outcome<()> {
    for writer in writers {
        writer.await?;
    }
    Ok(())
}

/// Writes one thing after the other, each until it is acknowledged, at the next node after each miss.
async fn write(mut callers: Vec<Caller>, label: String, number: usize, seen: Arc<Mutex<Seen>>) {
    let mut turn = number;
    let mut round = 0_u64;
    loop {
        let at = turn % callers.len();
        let answer = callers[at].call(Work::Write, &format!("{label}-{round}"), ATTEMPT).await;
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            match &answer {
                Ok(()) => seen.acknowledged.push(Instant::now()),
                Err(Miss::Unknown(_)) => seen.unknown += 1,
                Err(Miss::Error(_)) => seen.errors += 1,
            }
            if seen.stop {
                return;
            }
        }
        if answer.is_ok() {
            round += 1;
        } else {
            turn += 1;
            tokio::time::sleep(AFTER_A_MISS).await;
        }
    }
}

/// The longest time between two of these moments after `from`.
fn longest_gap(moments: &[Instant], from: Instant) -> Duration {
    let after: Vec<_> = moments.iter().filter(|moment| **moment >= from).collect();
    after.windows(2).map(|two| two[1].duration_since(*two[0])).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_is_the_longest_time_between_two_acknowledgements() {
        let from = Instant::now();
        let at = |ms: &u64| from + Duration::from_millis(*ms);
        let moments: Vec<_> = [0, 10, 25, 900, 910].iter().map(at).collect();
        assert_eq!(longest_gap(&moments, from), Duration::from_millis(875));
        assert_eq!(longest_gap(&moments, at(&26)), Duration::from_millis(10));
        assert_eq!(longest_gap(&moments[..1], from), Duration::ZERO);
    }
}
