//! Whether a store is detached: a fork, whose machine has no effects outside until it is attached.
//!
//! The property is a file, `DETACHED`, whose contents explain it to a reader. It is durable before a
//! fork becomes a store, and its removal is durable before an attached machine starts.

use std::io;

use crate::context::StoreContext;
use crate::disk::Disk;
use crate::error::{DiskError, LogError};

/// The file whose presence makes a store detached.
pub(crate) const NAME: &str = "DETACHED";

/// The contents of the file.
pub(crate) const CONTENTS: &[u8] =
    b"This store is a fork. Its machine has no effects outside until `pallas start --attach`.\n";

/// Whether the store on a disk is detached.
///
/// # Errors
/// As the file system reports.
pub(crate) fn is_detached(disk: &dyn Disk) -> Result<bool, DiskError> {
    match disk.open(NAME) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(DiskError::new(disk.path(NAME), "open", error)),
    }
}

/// Makes a store attached, durably.
///
/// # Errors
/// [`LogError::Full`] and [`LogError::Failed`].
pub(crate) fn attach(context: &StoreContext) -> Result<(), LogError> {
    let failed = |error| LogError::from(context.health.classify(error));
    match context.disk.remove(NAME) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed(context.error(NAME, "remove", error)))
        }
        _ => context.sync_dir("").map_err(failed),
    }
}
