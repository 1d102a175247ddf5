//! The portable form of pins, and the errors of export and import.

use std::path::PathBuf;
use std::sync::Arc;

use plan::pinspace::{FrozenPin, PinSpace};

use crate::error::{
    CreateError, DiskError, LogError, OpenError, PinError, SnapshotError, StoreReadError,
};
use crate::types::PinHash;

/// Converts pins to and from their portable form: edges and a body. Frozen pins, in contrast,
/// depend on the architecture and on their address.
pub trait PinCodec {
    /// Returns the hashes of the pins that a pin refers to, and its body.
    ///
    /// # Errors
    /// The reason why the pin has no portable form.
    fn encode(&mut self, pin: &FrozenPin) -> Result<(Vec<PinHash>, Vec<u8>), String>;

    /// Freezes the pin with the given hash. The space already contains the pins that it refers to.
    ///
    /// # Errors
    /// The reason why the pin is invalid or could not be stored.
    fn decode(
        &mut self,
        space: &Arc<PinSpace>,
        hash: &PinHash,
        edges: &[PinHash],
        body: &[u8],
    ) -> Result<FrozenPin, String>;
}

/// Why a machine was not exported. No file is left under the requested name.
#[derive(Debug, thiserror::Error)]
pub enum StoreExportError {
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
    /// The files of pins could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A pin could not be read.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// A pin has no portable form.
    #[error("{}: pin {} cannot be exported: {reason}", path.display(), plan::Hash(*hash))]
    Encode {
        /// The store's directory.
        path: PathBuf,
        /// The pin.
        hash: PinHash,
        /// The reason.
        reason: String,
    },
    /// An event or the catalogue could not be read.
    #[error(transparent)]
    Read(#[from] StoreReadError),
    /// The file system reported an error.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why no store was created from a file. Nothing of the store is left.
#[derive(Debug, thiserror::Error)]
pub enum StoreImportError {
    /// The file is not an export, or it is torn or damaged.
    #[error("{}: not a whole export: {reason}; nothing was imported", path.display())]
    InvalidExport {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The store could not be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A pin could not be stored.
    #[error("{}: pin {} was not imported: {reason}", path.display(), plan::Hash(*hash))]
    Pin {
        /// The file.
        path: PathBuf,
        /// The pin.
        hash: PinHash,
        /// The reason.
        reason: String,
    },
    /// An event could not be stored.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The file system reported an error.
    #[error(transparent)]
    Disk(#[from] DiskError),
}
