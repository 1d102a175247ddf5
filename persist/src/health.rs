//! The state that a failed write or flush leaves a store in: stopped, for good.
//!
//! After a failed flush the system may have dropped what was to be written and
//! report success the next time, so no later success means anything. The first
//! failure is kept, and everything that would acknowledge a write asks here.

use std::sync::OnceLock;

use crate::error::{DiskError, LogError, PinError, SnapshotError};

/// Shared by everything in one store that writes.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failure: OnceLock<DiskError>,
}

impl Health {
    /// Fails if the store has stopped.
    pub(crate) fn check(&self) -> Result<(), WriteError> {
        match self.failure.get() {
            Some(failure) => Err(WriteError::Failed(failure.clone())),
            None => Ok(()),
        }
    }

    /// Stops the store, and returns the first reason it was stopped for.
    pub(crate) fn fail(&self, error: DiskError) -> WriteError {
        WriteError::Failed(self.failure.get_or_init(|| error).clone())
    }

    /// Judges an error of an operation that can be tried again (a write, not a
    /// flush): no room is a state that passes, anything else stops the store.
    pub(crate) fn judge(&self, error: DiskError) -> WriteError {
        if error.is_full() { WriteError::Full(error) } else { self.fail(error) }
    }
}

/// Why something was not made durable, whatever it was.
#[derive(Debug, Clone)]
pub(crate) enum WriteError {
    /// No room; the same call may be made again later.
    Full(DiskError),
    /// The store has stopped.
    Failed(DiskError),
}

impl From<WriteError> for LogError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full(error) => Self::Full(error),
            WriteError::Failed(error) => Self::Failed(error),
        }
    }
}

impl From<WriteError> for PinError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full(error) => Self::Full(error),
            WriteError::Failed(error) => Self::Failed(error),
        }
    }
}

impl From<WriteError> for SnapshotError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full(error) => Self::Full(error),
            WriteError::Failed(error) => Self::Failed(error),
        }
    }
}
