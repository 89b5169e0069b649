//! A value that lives on the server, as a screen knows it: nothing yet, on its way, here, or failed; the old value stays
//! while a new one is on its way.

use std::fmt::Write as _;

use lectern_client::ClientError;

/// Names one request of one screen: an answer to an older one is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Why something is not there, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// What to do; empty where the message says it all.
    pub advice: String,
    /// For programs: `PAST_LOCK_DATE`.
    pub reason: String,
    /// Trying again may help without any change.
    pub transient: bool,
}

impl Failure {
    /// A failure of this machine, in words.
    pub fn local(message: impl Into<String>) -> Self {
        Self { message: message.into(), advice: String::new(), reason: "LOCAL".into(), transient: false }
    }

    /// Whether the cluster refused for this reason.
    pub fn is_for(&self, reason: &str) -> bool {
        self.reason == reason
    }

    /// Message and advice in one line.
    pub fn sentence(&self) -> String {
        if self.advice.is_empty() { self.message.clone() } else { format!("{}; {}", self.message, self.advice) }
    }
}

impl From<&ClientError> for Failure {
    fn from(error: &ClientError) -> Self {
        let mut message = error.to_string();
        if let ClientError::Refused { rows, .. } = error {
            for row in rows {
                let _ = write!(message, "\n{}: {}", row.place, row.message);
            }
        }
        Self { message, advice: error.advice(), reason: error.reason().to_owned(), transient: error.is_transient() }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::from(&error)
    }
}

/// Such a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote<T> {
    value: Option<T>,
    failure: Option<Failure>,
    awaited: Option<RequestId>,
}

impl<T> Default for Remote<T> {
    fn default() -> Self {
        Self { value: None, failure: None, awaited: None }
    }
}

/// What to draw of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a, T> {
    /// Nothing was asked for.
    Idle,
    /// The first value is on its way.
    Loading,
    /// A value; `failure` says why a newer one could not be had, `loading` that one is on its way.
    Ready {
        /// The value.
        value: &'a T,
        /// Why it may be old.
        failure: Option<&'a Failure>,
        /// A newer one is on its way.
        loading: bool,
    },
    /// There is none, for this reason.
    Failed(&'a Failure),
}

impl<T> Remote<T> {
    /// A value that is known already, from a place that loaded it before.
    pub fn known(value: T) -> Self {
        Self { value: Some(value), ..Self::default() }
    }

    /// A request is on its way; earlier ones no longer count.
    pub fn start(&mut self, request: RequestId) {
        self.awaited = Some(request);
    }

    /// An answer came. False when it is not the awaited one: then nothing changes.
    pub fn finish(&mut self, request: RequestId, result: Result<T, Failure>) -> bool {
        if self.awaited != Some(request) {
            return false;
        }
        self.awaited = None;
        match result {
            Ok(value) => {
                self.value = Some(value);
                self.failure = None;
            }
            Err(failure) => self.failure = Some(failure),
        }
        true
    }

    /// The value, old or new.
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The value, to be changed by what is known without asking.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }

    /// Takes over a value that came another way, such as with the answer to a change. What is on its way still counts.
    pub fn put(&mut self, value: T) {
        self.value = Some(value);
        self.failure = None;
    }

    /// Whether an answer is awaited.
    pub fn is_loading(&self) -> bool {
        self.awaited.is_some()
    }

    /// Why the last answer was none.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// What to draw.
    pub fn shown(&self) -> Shown<'_, T> {
        match (&self.value, &self.failure, self.awaited) {
            (Some(value), failure, awaited) => {
                Shown::Ready { value, failure: failure.as_ref(), loading: awaited.is_some() }
            }
            (None, _, Some(_)) => Shown::Loading,
            (None, Some(failure), None) => Shown::Failed(failure),
            (None, None, None) => Shown::Idle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_awaited_answer_counts() {
        let mut remote = Remote::default();
        assert_eq!(remote.shown(), Shown::Idle);
        remote.start(RequestId(1));
        remote.start(RequestId(2));
        assert!(!remote.finish(RequestId(1), Ok("old")));
        assert_eq!(remote.shown(), Shown::Loading);
        assert!(remote.finish(RequestId(2), Ok("new")));
        assert!(!remote.finish(RequestId(2), Ok("twice")));
        assert_eq!(remote.value(), Some(&"new"));
    }

    #[test]
    fn a_failure_keeps_the_old_value() {
        let mut remote = Remote::known(1);
        remote.start(RequestId(1));
        assert!(remote.finish(RequestId(1), Err(Failure::local("gone"))));
        assert!(matches!(remote.shown(), Shown::Ready { value: 1, failure: Some(_), loading: false }));
        let mut empty: Remote<u8> = Remote::default();
        empty.start(RequestId(1));
        empty.finish(RequestId(1), Err(Failure::local("gone")));
        assert!(matches!(empty.shown(), Shown::Failed(_)));
    }
}
