//! Loads: so many clients who each make their next call when the last was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Outcome;
use crate::caller::{Caller, Work};
use crate::figures::Figures;
use crate::machine;

/// Whatever takes longer is unknown.
const PATIENCE: Duration = Duration::from_secs(10);
/// Before time is taken: connections are made, caches warm.
const WARM_UP: Duration = Duration::from_millis(700);
/// Where a load is.
const WARMING: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;
/// After a miss, so that a node which refuses at once is not asked in a storm.
const AFTER_A_MISS: Duration = Duration::from_millis(5);

/// Lets one client each of `callers` work as long as `meanwhile` lasts; `label` makes their keys differ from any other load's. `nodes` are
/// the processes whose processor time is taken, `pace` is the least time between two calls of one client.
pub async fn run<T>(
    callers: Vec<Caller>,
    work: Work,
    (label, pace): (&str, Duration),
    nodes: &[u32],
    meanwhile: impl Future<Output = T>,
) -> Outcome<(Figures, T)> {
    let phase = Arc::new(AtomicU8::new(WARMING));
    let mut clients = JoinSet::new();
    for (number, caller) in callers.into_iter().enumerate() {
        clients.spawn(client(caller, work, format!("{label}-{number}"), pace, phase.clone()));
    }
    tokio::time::sleep(WARM_UP).await;
    phase.store(MEASURED, Ordering::Relaxed);
    let (began, cpu_before) = (Instant::now(), cpu(nodes));
    let result = meanwhile.await;
    phase.store(OVER, Ordering::Relaxed);
    let (time, cpu_after) = (began.elapsed(), cpu(nodes));
    let mut figures = Figures::default();
    while let Some(seen) = clients.join_next().await {
        figures.join(&seen?);
    }
    let spent: Vec<f64> = cpu_after.iter().zip(&cpu_before).map(|(after, before)| after - before).collect();
    figures.passed(time, &spent);
    Ok((figures, result))
}

fn cpu(nodes: &[u32]) -> Vec<f64> {
    nodes.iter().map(|process| machine::cpu_seconds(*process)).collect()
}

/// Answers that come within the measured time count; misses always do.
async fn client(mut caller: Caller, work: Work, label: String, pace: Duration, phase: Arc<AtomicU8>) -> Figures {
    let mut figures = Figures::default();
    let mut round = 0_u64;
    while phase.load(Ordering::Relaxed) != OVER {
        let began = Instant::now();
        let answer = caller.call(work, &format!("{label}-{round}"), PATIENCE).await;
        round += 1;
        match answer {
            Ok(()) if phase.load(Ordering::Relaxed) == MEASURED => figures.answered(began.elapsed()),
            Ok(()) => {}
            Err(miss) => {
                figures.missed(miss);
                tokio::time::sleep(AFTER_A_MISS).await;
            }
        }
        if !pace.is_zero() {
            tokio::time::sleep_until((began + pace).into()).await;
        }
    }
    figures
}
