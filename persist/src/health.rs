//! The health of an open store: whether a failed write or flush has stopped it.
//!
//! After a failed flush the kernel may drop the unwritten pages and report success for the next
//! flush, so no later success proves anything. [`StoreHealth`] keeps the first failure. Every
//! operation that acknowledges a write checks it first.

use std::sync::OnceLock;

use crate::error::{CreateError, DiskError, LogError, OpenError, PinError, SnapshotError};

/// The first failure of a store. All writers of one store share it.
#[derive(Debug, Default)]
pub(crate) struct StoreHealth {
    failure: OnceLock<DiskError>,
}

impl StoreHealth {
    /// Returns an error if the store has stopped.
    pub(crate) fn check(&self) -> Result<(), WriteError> {
        match self.failure.get() {
            Some(failure) => Err(WriteError::Failed(failure.clone())),
            None => Ok(()),
        }
    }

    /// Stops the store and returns the error that stopped it first.
    pub(crate) fn fail(&self, error: DiskError) -> WriteError {
        WriteError::Failed(self.failure.get_or_init(|| error).clone())
    }

    /// Classifies the error of an operation that may be retried (a write, but not a flush). A full
    /// disk is temporary; any other error stops the store.
    pub(crate) fn classify(&self, error: DiskError) -> WriteError {
        if error.is_full() { WriteError::Full(error) } else { self.fail(error) }
    }
}

/// The reason why data was not made durable.
#[derive(Debug, Clone)]
pub(crate) enum WriteError {
    /// The disk is full. The caller may retry later.
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

impl From<WriteError> for CreateError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full(error) | WriteError::Failed(error) => Self::Disk(error),
        }
    }
}

impl From<WriteError> for OpenError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full(error) | WriteError::Failed(error) => Self::Disk(error),
        }
    }
}
