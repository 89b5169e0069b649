//! When a token was last used: written at most hourly, by the leader, in the background. A read is not a log write.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lectern_lms::{StoreExt as _, Table};
use lectern_proto::internal::v1::{TokenRecord, TouchToken, command::Body};

use super::Door;
use super::metadata::Caller;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// Tokens remembered; beyond it the memory begins anew, and the record decides.
const MAX_TOKENS: usize = 100_000;
/// Writes under way at once; what does not fit is noted at the token's next use.
const MAX_AT_ONCE: usize = 8;

/// When this node last looked after a token.
#[derive(Default)]
pub struct Touches {
    seen: Mutex<HashMap<Vec<u8>, i64>>,
    under_way: std::sync::atomic::AtomicUsize,
}

impl Touches {
    /// Whether it is time to look after the token, and a place is free for it. Give the place back with [`Self::done`].
    fn begin(&self, token_id: &[u8], now_ms: i64) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get(token_id).is_some_and(|at| at + HOUR_MS > now_ms) {
            return false;
        }
        if self.under_way.fetch_add(1, Relaxed) >= MAX_AT_ONCE {
            self.under_way.fetch_sub(1, Relaxed);
            return false;
        }
        if seen.len() >= MAX_TOKENS {
            seen.clear();
        }
        seen.insert(token_id.to_vec(), now_ms);
        true
    }

    fn done(&self) {
        self.under_way.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Door {
    /// A valid token was used just now.
    pub(super) fn note_use(&self, token_id: &[u8]) {
        let leads = self.node.leader().is_some_and(|leader| leader.is_self);
        if leads && !token_id.is_empty() && self.touches.begin(token_id, self.node.now_ms()) {
            let (door, token_id) = (self.clone(), token_id.to_vec());
            tokio::spawn(async move {
                door.touch(token_id).await;
                door.touches.done();
            });
        }
    }

    async fn touch(&self, token_id: Vec<u8>) {
        let key = token_id.clone();
        let fresh = self.node.read_stale(move |store, now_ms| {
            let token: Option<TokenRecord> = store.record(Table::Tokens, &key).unwrap_or(None);
            token.is_none_or(|token| token.last_used_at_ms.is_some_and(|at| at + HOUR_MS > now_ms))
        });
        if fresh.await.unwrap_or(true) {
            return;
        }
        let owner = Caller::with_token(token_id);
        let body = Body::TouchToken(TouchToken {});
        if let Err(status) = self.propose::<()>(&owner, String::new(), Vec::new(), body).await {
            tracing::debug!(code = ?status.code(), "a token's last use was not noted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_looked_after_once_an_hour() {
        let touches = Touches::default();
        assert!(touches.begin(b"a", 0));
        assert!(!touches.begin(b"a", HOUR_MS - 1));
        assert!(touches.begin(b"b", 1));
        assert!(touches.begin(b"a", HOUR_MS));
    }

    #[test]
    fn few_are_looked_after_at_once_and_places_come_back() {
        let touches = Touches::default();
        for token in 0..MAX_AT_ONCE {
            assert!(touches.begin(&[u8::try_from(token).unwrap()], 0));
        }
        assert!(!touches.begin(b"late", 0));
        touches.done();
        assert!(touches.begin(b"late", 0));
    }
}
