//! The names of a store's directories and files for pins.

use crate::context::StoreContext;
use crate::error::DiskError;
use crate::journal::JournalKind;

/// The directory of the body files.
pub(crate) const BODIES_DIR: &str = "bodies";
/// The directory of the index.
pub(crate) const INDEX_DIR: &str = "index";
/// The index's file of bucket numbers.
pub(crate) const INDEX_DIRECTORY: &str = "index/directory";
/// The index's file of buckets.
pub(crate) const INDEX_BUCKETS: &str = "index/buckets";
/// The index's checkpoint.
pub(crate) const INDEX_STATE: &str = "index/state";
/// All files of the index.
pub(crate) const INDEX_FILES: [&str; 3] = [INDEX_DIRECTORY, INDEX_BUCKETS, INDEX_STATE];

/// Creates the directories, durably.
pub(crate) fn make_dirs(context: &StoreContext) -> Result<(), DiskError> {
    for dir in [BODIES_DIR, JournalKind::CATALOGUE.dir, INDEX_DIR] {
        context.disk.make_dir(dir).map_err(|error| context.error(dir, "create", error))?;
    }
    context.sync_dir("")
}
