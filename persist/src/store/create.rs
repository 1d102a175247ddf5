//! Creating a store in a directory that is empty or holds the remains of an interrupted creation.

use std::io;
use std::sync::Arc;

use super::parts::StoreParts;
use crate::context::{StoreContext, TEMPORARY};
use crate::disk::{Disk, DiskLock};
use crate::encoding::array;
use crate::error::{CreateError, DiskError};
use crate::format_file;
use crate::journal::frame::SEGMENT_HEADER;
use crate::journal::{JournalKind, JournalWriter};
use crate::set_aside::SetAsideFiles;
use crate::settings::StoreSettings;
use crate::snapshots::{self, SnapshotFiles};
use crate::space::PinStore;
use crate::space::body;
use crate::space::layout::{BODIES_DIR, INDEX_DIR, INDEX_FILES, make_dirs};

/// Creates a store. The `FORMAT` file, written last, makes the directory a store.
///
/// # Errors
/// See [`CreateError`].
pub(super) fn create(
    disk: Arc<dyn Disk>,
    settings: &StoreSettings,
) -> Result<StoreParts, CreateError> {
    let failed = |name: &str, action| {
        let path = disk.path(name);
        move |error| CreateError::Disk(DiskError::new(path, action, error))
    };
    let lock = lock_new(disk.as_ref())?;
    for leftover in find_leftovers(disk.as_ref())? {
        disk.remove(&leftover).map_err(failed(&leftover, "remove"))?;
    }
    for dir in [JournalKind::LOG.dir, snapshots::DIR] {
        disk.make_dir(dir).map_err(failed(dir, "create"))?;
    }
    let random = disk.random().map_err(failed("", "choose a random id for"))?;
    let store = array(&random, 0);
    let context = StoreContext::new(Arc::clone(&disk), store);
    make_dirs(&context)?;
    let log = JournalWriter::create(context.clone(), JournalKind::LOG, settings.log_segment)?;
    let log = log.with_preallocation(settings.log_preallocation, settings.log_spare_files)?;
    let pins = PinStore::create(&context, settings.slot, Arc::clone(&lock))?;
    let snapshots = SnapshotFiles::empty(context.clone(), settings.retention);
    context.publish("", format_file::NAME, &format_file::encode(store))?;
    let set_aside = SetAsideFiles::empty(context.clone());
    Ok(StoreParts { context, lock, log, pins, snapshots, set_aside })
}

/// Locks the directory of a new store.
fn lock_new(disk: &dyn Disk) -> Result<Arc<dyn DiskLock>, CreateError> {
    disk.lock().map(Arc::from).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => CreateError::InUse { path: disk.path("") },
        _ => CreateError::Disk(DiskError::new(disk.path(""), "lock", error)),
    })
}

/// Returns the files of an interrupted creation. They hold no data.
///
/// # Errors
/// [`CreateError::Foreign`] if there is any other file, and [`CreateError::HoldsStore`].
fn find_leftovers(disk: &dyn Disk) -> Result<Vec<String>, CreateError> {
    let foreign = |name: &str| CreateError::Foreign { path: disk.path(name) };
    let failed = |name: &str, error| DiskError::new(disk.path(name), "list", error);
    let names = disk.list("").map_err(|error| failed("", error))?;
    if names.iter().any(|name| name == format_file::NAME) {
        return Err(CreateError::HoldsStore { path: disk.path("") });
    }
    let mut leftovers = Vec::new();
    for name in names {
        if name == format!("{}{TEMPORARY}", format_file::NAME) {
            leftovers.push(name);
            continue;
        }
        let Some(is_leftover) = leftover_test(&name) else { return Err(foreign(&name)) };
        let files = match disk.list(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(foreign(&name));
            }
            other => other.map_err(|error| failed(&name, error))?,
        };
        for file in files {
            let file = format!("{name}/{file}");
            if !is_leftover(disk, &file) {
                return Err(foreign(&file));
            }
            leftovers.push(file);
        }
    }
    Ok(leftovers)
}

/// Returns the test whether a file in a store's directory `dir` is a leftover; `None` if a store
/// has no such directory.
fn leftover_test(dir: &str) -> Option<fn(&dyn Disk, &str) -> bool> {
    Some(match dir {
        _ if dir == JournalKind::LOG.dir => |disk, file| is_segment(disk, &JournalKind::LOG, file),
        _ if dir == JournalKind::CATALOGUE.dir => {
            |disk, file| is_segment(disk, &JournalKind::CATALOGUE, file)
        }
        BODIES_DIR => is_empty_body_file,
        // The index is derived, so any state of it may be removed.
        INDEX_DIR => |_, file| INDEX_FILES.contains(&without_temporary(file)),
        snapshots::DIR => |_, _| false,
        _ => return None,
    })
}

fn without_temporary(file: &str) -> &str {
    file.strip_suffix(TEMPORARY).unwrap_or(file)
}

/// Whether a file is a first segment without frames, or a temporary one.
fn is_segment(disk: &dyn Disk, kind: &JournalKind, file: &str) -> bool {
    let segment = kind.segment_name(1);
    if let Some(finished) = file.strip_suffix(TEMPORARY) {
        return finished == segment;
    }
    file == segment && is_header_only(disk, file, SEGMENT_HEADER, kind.magic)
}

/// Whether a file is a body file without records, or a temporary one.
fn is_empty_body_file(disk: &dyn Disk, file: &str) -> bool {
    let is_name = |file: &str| {
        file.strip_prefix(BODIES_DIR)
            .and_then(|file| file.strip_prefix('/'))
            .is_some_and(|file| body::slot_of(file).is_some())
    };
    match file.strip_suffix(TEMPORARY) {
        Some(finished) => is_name(finished),
        None => {
            let header = body::BODY_HEADER as u64;
            is_name(file) && is_header_only(disk, file, header, body::BODY_MAGIC)
        }
    }
}

/// Whether a file has exactly the length of a header and begins with `magic`.
fn is_header_only(disk: &dyn Disk, file: &str, header: u64, magic: [u8; 8]) -> bool {
    let mut found = [0; 8];
    let has_length = disk.open(file).and_then(|file| {
        let length = file.len()?;
        file.read_at(0, &mut found)?;
        Ok(length == header)
    });
    has_length.unwrap_or(false) && found == magic
}
