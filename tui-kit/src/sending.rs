//! One change that a person sends: under way, refused, or done; a repetition of the same change carries the same key.

use crate::remote::{Failure, RequestId};
use crate::screen::Unsaved;

/// A change and how it stands. `T` is what is sent: as long as it is the same, its key is, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending<T> {
    sent: Option<(String, T)>,
    awaited: Option<RequestId>,
    failure: Option<Failure>,
}

impl<T> Default for Sending<T> {
    fn default() -> Self {
        Self { sent: None, awaited: None, failure: None }
    }
}

impl<T: PartialEq + Clone> Sending<T> {
    /// The idempotency key for `what`: the one it was sent with before, when the outcome of that is not known.
    pub fn key(&mut self, what: &T) -> String {
        match &self.sent {
            Some((key, before)) if before == what => key.clone(),
            _ => {
                let key = lectern_client::new_key();
                self.sent = Some((key.clone(), what.clone()));
                key
            }
        }
    }

    /// It is on its way.
    pub fn start(&mut self, request: RequestId) {
        self.awaited = Some(request);
        self.failure = None;
    }

    /// An answer came: what was made, when it is the awaited one and good news.
    pub fn finish<R>(&mut self, request: RequestId, result: Result<R, Failure>) -> Option<R> {
        if self.awaited != Some(request) {
            return None;
        }
        self.awaited = None;
        match result {
            Ok(made) => {
                self.sent = None;
                Some(made)
            }
            Err(failure) => {
                // What was refused did not happen: the next try is another change. What got no answer may have happened.
                if !failure.transient {
                    self.sent = None;
                }
                self.failure = Some(failure);
                None
            }
        }
    }

    /// Whether this request is the awaited one.
    pub fn awaits(&self, request: RequestId) -> bool {
        self.awaited == Some(request)
    }

    /// Whether its answer is awaited.
    pub fn is_under_way(&self) -> bool {
        self.awaited.is_some()
    }

    /// What would be lost of `what`, which is written, when its screen is closed.
    pub fn unsaved(&self, what: impl Into<String>) -> Unsaved {
        if self.is_under_way() { Unsaved::OnItsWay(what.into()) } else { Unsaved::Typed(what.into()) }
    }

    /// Why it was not done.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_change_keeps_its_key_until_its_outcome_is_known() {
        let lost = || Failure { transient: true, ..Failure::local("no answer") };
        let mut sending = Sending::default();
        let first = sending.key(&"text");
        sending.start(RequestId(1));
        assert_eq!(sending.finish::<()>(RequestId(1), Err(lost())), None);
        assert_eq!(sending.key(&"text"), first);
        assert_ne!(sending.key(&"other"), first);
        sending.start(RequestId(2));
        assert_eq!(sending.finish(RequestId(1), Ok(1)), None, "an old answer does not count");
        assert_eq!(sending.finish(RequestId(2), Ok(2)), Some(2));
        assert_ne!(sending.key(&"text"), first);
    }

    #[test]
    fn what_was_refused_is_sent_with_another_key() {
        let mut sending = Sending::default();
        let first = sending.key(&1);
        sending.start(RequestId(1));
        assert!(sending.is_under_way());
        sending.finish::<()>(RequestId(1), Err(Failure::local("no")));
        assert_eq!(sending.failure().map(Failure::sentence), Some("no".into()));
        assert_ne!(sending.key(&1), first);
    }
}
