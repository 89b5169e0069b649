//! A remote value that follows changes: however many come, one question is on its way at a time, and one more follows it.

use crate::program::Program;
use crate::remote::{Failure, Remote, RequestId};
use crate::screen::Cx;

/// Such a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live<T> {
    remote: Remote<T>,
    /// Something changed after the question that is on its way was asked.
    again: bool,
}

impl<T> Default for Live<T> {
    fn default() -> Self {
        Self { remote: Remote::default(), again: false }
    }
}

impl<T> Live<T> {
    /// A value that is known already, or none.
    pub fn known(value: Option<T>) -> Self {
        Self { remote: value.map_or_else(Remote::default, Remote::known), again: false }
    }

    /// Asks, unless a question is on its way: then once more after its answer.
    pub fn ask<P: Program>(&mut self, cx: &mut Cx<'_, P>, effect: P::Effect) {
        if self.remote.is_loading() {
            self.again = true;
        } else {
            self.remote.start(cx.request(effect));
        }
    }

    /// An answer came. False when it is not the awaited one. Ask again when [`Live::is_stale`] says so.
    pub fn finish(&mut self, request: RequestId, result: Result<T, Failure>) -> bool {
        self.remote.finish(request, result)
    }

    /// Whether the value that came is older than the last change; told once, and not while a question is on its way.
    pub fn is_stale(&mut self) -> bool {
        !self.remote.is_loading() && std::mem::take(&mut self.again)
    }

    /// The value, to be drawn.
    pub fn remote(&self) -> &Remote<T> {
        &self.remote
    }

    /// The value, old or new.
    pub fn value(&self) -> Option<&T> {
        self.remote.value()
    }

    /// The value, to be changed by what is known without asking.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        self.remote.value_mut()
    }

    /// Takes over a value that came another way.
    pub fn put(&mut self, value: T) {
        self.remote.put(value);
    }
}
