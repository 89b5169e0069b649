//! One operation as its client saw it.

use std::time::Instant;

/// Nanoseconds since the run began.
pub type Nanos = u64;

/// The one clock of all histories: monotonic, of this process alone.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Now.
    pub fn now(&self) -> Nanos {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// An operation on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<O, R> {
    /// Who asked.
    pub client: u32,
    /// The node that was asked last.
    pub node: u32,
    /// What for.
    pub op: O,
    /// When.
    pub call: Nanos,
    /// When the answer came, and what it was. Without one the operation may take effect at any time after `call`, or
    /// never.
    pub end: Option<(Nanos, R)>,
}

impl<O, R> Entry<O, R> {
    /// The answer.
    pub fn ret(&self) -> Option<&R> {
        self.end.as_ref().map(|(_, ret)| ret)
    }

    /// By when it must have taken effect.
    pub fn deadline(&self) -> Nanos {
        self.end.as_ref().map_or(Nanos::MAX, |(at, _)| *at)
    }
}
