//! The state in use, which an installed snapshot replaces.

use std::sync::{Arc, PoisonError, RwLock};

use crate::store::StateDb;

/// Readers keep the database they began with; the last one to let go of a replaced one closes it.
pub(crate) struct StateHandle {
    current: RwLock<Arc<StateDb>>,
}

impl StateHandle {
    pub(crate) fn new(state: Arc<StateDb>) -> Self {
        Self { current: RwLock::new(state) }
    }

    /// The state in use now.
    pub(crate) fn current(&self) -> Arc<StateDb> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another state in use and returns the one before.
    pub(crate) fn replace(&self, state: Arc<StateDb>) -> Arc<StateDb> {
        std::mem::replace(&mut *self.current.write().unwrap_or_else(PoisonError::into_inner), state)
    }
}
