//! A change that is repeated, with the same key, until the cluster has decided.

use std::future::Future;
use std::time::Duration;

use lectern_tui_kit::remote::Failure;

/// The first pause between two tries, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Calls `attempt` until it succeeds or is refused for good; `waits` hears why it did not yet. `pause` waits.
pub async fn until_decided<T, A, W, P>(
    mut attempt: impl FnMut() -> A,
    mut waits: impl FnMut(Failure) -> W,
    mut pause: impl FnMut(Duration) -> P,
) -> Result<T, Failure>
where
    A: Future<Output = Result<T, Failure>>,
    W: Future<Output = ()>,
    P: Future<Output = ()>,
{
    let mut next = FIRST_PAUSE;
    loop {
        match attempt().await {
            Err(failure) if failure.transient => waits(failure).await,
            decided => return decided,
        }
        pause(next).await;
        next = (next * 2).min(LONGEST_PAUSE);
    }
}
