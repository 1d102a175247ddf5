//! The header of an export, the directory of a new store, and temporary paths that are renamed when
//! they are complete.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, RealDisk};
use crate::encoding::{array, check, u32_at, u64_at};
use crate::error::{CreateError, DiskError};
use crate::format_file;
use crate::types::PinHash;

const MAGIC: [u8; 8] = *b"PALLASEX";
/// The version of an export without set-aside inputs, which every program with this format reads.
const VERSION: u32 = 1;
/// The version of an export with set-aside inputs.
const VERSION_SET_ASIDE: u32 = 2;
/// The length of the header, in bytes.
pub(super) const HEADER: usize = 128;
/// The length of the trailer, in bytes: BLAKE3 of everything before it.
pub(super) const TRAILER: usize = 32;

/// The contents of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportContents {
    /// The number of pins.
    pub pins: u64,
    /// The number of events after the snapshot.
    pub events: u64,
    /// The number of inputs that are set aside.
    pub set_aside: u64,
    /// The root pin of the snapshot, which holds its state.
    pub root: PinHash,
}

impl ExportContents {
    /// Returns the header of the file.
    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(&MAGIC);
        let version = if self.set_aside > 0 { VERSION_SET_ASIDE } else { VERSION };
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.pins.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.events.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.root);
        bytes[64..72].copy_from_slice(&self.set_aside.to_le_bytes());
        let check = check(&bytes[..112]);
        bytes[112..].copy_from_slice(&check);
        bytes
    }

    /// Decodes the header of a file.
    ///
    /// # Errors
    /// The reason why it is invalid.
    pub(super) fn decode(bytes: &[u8; HEADER]) -> Result<Self, String> {
        if bytes[..8] != MAGIC {
            return Err("it belongs to another program".into());
        }
        match u32_at(bytes, 8) {
            VERSION | VERSION_SET_ASIDE => {}
            other => {
                return Err(format!(
                    "it is of version {other}, this program reads versions up to \
                     {VERSION_SET_ASIDE}; use the program that wrote it"
                ));
            }
        }
        if bytes[112..] != check(&bytes[..112]) {
            return Err("its header fails its check".into());
        }
        let (pins, events) = (u64_at(bytes, 16), u64_at(bytes, 24));
        Ok(Self { pins, events, set_aside: u64_at(bytes, 64), root: array(bytes, 32) })
    }
}

/// Returns a function that wraps errors of the file system.
pub(super) fn failed(path: &Path, action: &'static str) -> impl Fn(io::Error) -> DiskError + use<> {
    let path = path.to_path_buf();
    move |error| DiskError::new(path.clone(), action, error)
}

/// Makes the directory entry of a path durable.
fn sync_parent(path: &Path) -> Result<(), DiskError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed(parent, "flush"))
}

/// A file or directory under a temporary name. Dropping it removes it, unless it was renamed.
pub(super) struct TemporaryPath {
    pub(super) path: PathBuf,
    is_renamed: bool,
}

impl TemporaryPath {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, is_renamed: false }
    }

    /// Renames the file or directory to its final name, durably.
    pub(super) fn rename(mut self, name: &Path) -> Result<(), DiskError> {
        fs::rename(&self.path, name).map_err(failed(name, "create"))?;
        self.is_renamed = true;
        sync_parent(name)
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        if !self.is_renamed {
            // If this fails, the next export or import removes the remains or reports the error.
            let _ = remove_all(&self.path);
        }
    }
}

/// Removes a file or a directory with its contents, if it exists.
pub(super) fn remove_all(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Checks that a directory is empty or does not exist.
pub(super) fn check_empty(dir: &Path) -> Result<(), CreateError> {
    let path = dir.to_path_buf();
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(CreateError::Foreign { path });
        }
        Err(error) => return Err(failed(dir, "list")(error).into()),
    };
    if dir.join(format_file::NAME).exists() {
        return Err(CreateError::HoldsStore { path });
    }
    match entries.next() {
        None => Ok(()),
        Some(entry) => {
            let path = entry.map_err(failed(dir, "list"))?.path();
            Err(CreateError::Foreign { path })
        }
    }
}

/// Returns the temporary path of a new store, `.NAME.PURPOSE`: in the folder of the final one, so
/// that it is in the same file system.
pub(super) fn temporary_path(dir: &Path, purpose: &str) -> PathBuf {
    let plain: PathBuf = dir.components().collect();
    let mut name = OsString::from(".");
    name.push(plain.file_name().unwrap_or_default());
    name.push(format!(".{purpose}"));
    plain.with_file_name(name)
}

/// Removes the remains of a killed import or fork. Fails if that command is still running.
pub(super) fn remove_remains(path: &Path) -> Result<(), CreateError> {
    match RealDisk::new(path).lock() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(CreateError::InUse { path: path.into() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Ok(remove_all(path).map_err(failed(path, "remove"))?),
    }
}
