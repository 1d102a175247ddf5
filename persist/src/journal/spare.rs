//! Spare files: dropped segment files that later segments of the journal overwrite.
//!
//! Overwriting allocated blocks spares the file system from allocating blocks and recording that in
//! its own journal at every flush. The old contents of a spare file cannot be read as new frames:
//! each segment has a new key, and the checks of frames depend on key and offset
//! ([`super::frame`]).

use std::sync::Arc;

use super::kind::JournalKind;
use crate::context::StoreContext;
use crate::disk::DiskFile;
use crate::error::DiskError;
use crate::health::WriteError;

/// The extension of a spare file.
pub(super) const EXTENSION: &str = ".spare";

/// The spare files of a journal.
pub(super) struct SpareFiles {
    context: StoreContext,
    dir: &'static str,
    names: Vec<String>,
    /// The maximum number of spare files.
    limit: usize,
}

/// Lists the paths of a journal's spare files.
pub(crate) fn spare_files(
    context: &StoreContext,
    kind: &JournalKind,
) -> Result<Vec<String>, DiskError> {
    let names = context.list(kind.dir)?.into_iter().filter(|name| name.ends_with(EXTENSION));
    Ok(names.map(|name| format!("{}/{name}", kind.dir)).collect())
}

impl SpareFiles {
    /// Finds the existing spare files and removes those beyond `limit`.
    pub(super) fn find(
        context: &StoreContext,
        kind: &JournalKind,
        limit: usize,
    ) -> Result<Self, DiskError> {
        let names = spare_files(context, kind)?;
        let mut spares = Self { context: context.clone(), dir: kind.dir, names, limit };
        while spares.names.len() > limit {
            spares.remove_one()?;
        }
        Ok(spares)
    }

    /// Turns the file `name` into a spare file. Returns false if there are enough spare files; then
    /// the file keeps its name.
    pub(super) fn keep(&mut self, name: &str) -> Result<bool, DiskError> {
        if self.names.len() >= self.limit {
            return Ok(false);
        }
        let spare = format!("{name}{EXTENSION}");
        let renamed = self.context.disk.rename(name, &spare);
        renamed.map_err(|error| self.context.error(name, "rename", error))?;
        self.names.push(spare);
        Ok(true)
    }

    /// Writes `bytes` to the start of a spare file and renames it to `name`, durably and
    /// atomically. Returns `None` if there is no spare file.
    pub(super) fn publish(
        &mut self,
        name: &str,
        bytes: &[u8],
    ) -> Result<Option<Arc<dyn DiskFile>>, WriteError> {
        let Some(spare) = self.names.last() else { return Ok(None) };
        let context = &self.context;
        context.health.check()?;
        let classify =
            |action| move |error| context.health.classify(context.error(spare, action, error));
        let file = context.disk.open(spare).map_err(classify("open"))?;
        file.write_at(0, bytes).map_err(classify("write"))?;
        file.flush().map_err(classify("flush"))?;
        context.disk.rename(spare, name).map_err(classify("rename"))?;
        context.sync_dir(self.dir).map_err(|error| context.health.fail(error))?;
        self.names.pop();
        Ok(Some(file))
    }

    /// Removes all spare files, to free space on a full disk.
    pub(super) fn clear(&mut self) -> Result<(), DiskError> {
        while !self.names.is_empty() {
            self.remove_one()?;
        }
        Ok(())
    }

    fn remove_one(&mut self) -> Result<(), DiskError> {
        let Some(name) = self.names.last() else { return Ok(()) };
        self.context.remove(name)?;
        self.names.pop();
        Ok(())
    }
}
