//! A machine as one file: its newest snapshot, the pins that this reaches, and the events since.
//! EXPORT.md draws the bytes.
//!
//! Both ways stream, with one pin or event in memory at a time (and the pins' hashes). An export comes
//! into being under its name when it is whole and durable; so does the store that an import makes. A file
//! that is torn or damaged is refused before anything is made of it.

mod read;
mod write;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vm::pinspace::{Frozen, PinSpace};

use crate::Hash;
use crate::error::{CreateError, DiskError, LogError, PinError, ReadError, SnapshotError};
use crate::frame::{Check, VERSION, array, short, u32_at, u64_at};

pub use read::import;
pub use write::export;

const MAGIC: [u8; 8] = *b"PALLASEX";
const HEADER: usize = 128;
const TRAILER: usize = 32;

/// Who knows pins in the form in which they travel: edges and a body. Frozen pins are of one
/// architecture, and of one place.
pub trait Codec {
    /// The hashes of the pins that one refers to, and its body.
    ///
    /// # Errors
    /// Why it has none.
    fn encode(&mut self, pin: &Frozen) -> Result<(Vec<Hash>, Vec<u8>), String>;

    /// Freezes the pin of that hash; those that it refers to are in the space already.
    ///
    /// # Errors
    /// What is wrong with it, or why it could not be kept.
    fn decode(
        &mut self,
        space: &Arc<PinSpace>,
        hash: &Hash,
        edges: &[Hash],
        body: &[u8],
    ) -> Result<Frozen, String>;
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// How many pins.
    pub pins: u64,
    /// How many events since the snapshot.
    pub events: u64,
    /// The pin that stands for the snapshot's state.
    pub root: Hash,
}

impl Contents {
    fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.pins.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.events.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.root);
        let check: Check = short(&blake3::hash(&bytes[..112]));
        bytes[112..].copy_from_slice(&check);
        bytes
    }

    fn decode(bytes: &[u8; HEADER]) -> Result<Self, String> {
        if bytes[..8] != MAGIC {
            return Err("it is another program's".into());
        }
        match u32_at(bytes, 8) {
            VERSION => {}
            other => {
                return Err(format!(
                    "it is of version {other}, this program reads version {VERSION}; use the \
                     program that wrote it"
                ));
            }
        }
        if bytes[112..] != short(&blake3::hash(&bytes[..112])) {
            return Err("its header fails its check".into());
        }
        Ok(Self { pins: u64_at(bytes, 16), events: u64_at(bytes, 24), root: array(bytes, 32) })
    }
}

/// Why a machine was not exported. Nothing is left under the file's name.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store holds no state.
    #[error("{}: there is no machine in this store: no snapshot was ever written", path.display())]
    Empty {
        /// The store's directory.
        path: PathBuf,
    },
    /// The file exists.
    #[error("{}: exists already; choose another name, or remove it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A pin could not be read.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A pin has no portable form.
    #[error("{}: pin {} cannot be exported: {reason}", path.display(), vm::Hash(*hash))]
    Encode {
        /// The store's directory.
        path: PathBuf,
        /// The pin.
        hash: Hash,
        /// Why.
        reason: String,
    },
    /// An event or the catalogue could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file system refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why no machine was made of a file. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no export, or one that was torn or damaged.
    #[error("{}: not a whole export: {reason}; nothing was made of it", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store could not be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A pin could not be stored.
    #[error("{}: pin {} was not imported: {reason}", path.display(), vm::Hash(*hash))]
    Pin {
        /// The file.
        path: PathBuf,
        /// The pin.
        hash: Hash,
        /// Why.
        reason: String,
    },
    /// An event could not be stored.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The file system refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

fn failed(path: &Path, action: &'static str) -> impl Fn(io::Error) -> DiskError + use<> {
    let path = path.to_path_buf();
    move |error| DiskError::new(path.clone(), action, error)
}

/// Makes a new name in a directory durable.
fn sync_parent(path: &Path) -> Result<(), DiskError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed(parent, "flush"))
}

/// What is being made under another name. Removed when this is dropped, unless it was finished.
struct Unfinished {
    path: PathBuf,
    kept: bool,
}

impl Unfinished {
    fn new(path: PathBuf) -> Self {
        Self { path, kept: false }
    }

    /// Gives it its name, durably.
    fn finish(mut self, name: &Path) -> Result<(), DiskError> {
        fs::rename(&self.path, name).map_err(failed(name, "create"))?;
        self.kept = true;
        sync_parent(name)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is in nobody's way: the next try removes it or says why not.
            let _ = remove(&self.path);
        }
    }
}

/// Removes a file or a directory with all that is in it, if it is there.
fn remove(path: &Path) -> io::Result<()> {
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

#[cfg(test)]
mod tests;
