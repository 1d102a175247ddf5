//! The errors of the crate, one enum per family of operations. Every message names the path that it
//! concerns.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use plan::pinspace::RangeError;

use crate::types::{PinHash, Seq, Snapshot};

/// Damage: bytes on disk that differ from those that were written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: damaged at byte {offset}: {reason} ({advice})", path.display())]
pub struct StoreDamage {
    /// The file.
    pub path: PathBuf,
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// What is wrong at the offset.
    pub reason: String,
    /// What the operator can do.
    pub advice: String,
}

/// An error of the file system.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: cannot {action}: {error}", path.display())]
pub struct DiskError {
    /// The file or directory.
    pub path: PathBuf,
    /// The failed action as an infinitive, such as "write" or "flush".
    pub action: &'static str,
    /// The error of the system. It is a part of the message, and therefore not the error's source.
    pub error: Arc<io::Error>,
}

impl DiskError {
    pub(crate) fn new(path: PathBuf, action: &'static str, error: io::Error) -> Self {
        Self { path, action, error: Arc::new(error) }
    }

    /// Whether the disk or the quota is full.
    pub fn is_full(&self) -> bool {
        matches!(self.error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether the system failed to read a file that is there.
    pub(crate) fn is_read(&self) -> bool {
        self.action == "read"
    }

    /// Returns the failure without the path, to describe it as damage.
    pub(crate) fn reason(&self) -> String {
        format!("cannot {}: {}", self.action, self.error)
    }
}

/// Why a store could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Another process, or another `Store` of this one, holds the directory.
    #[error("{}: in use by another process; end that one first", path.display())]
    InUse {
        /// The store's directory.
        path: PathBuf,
    },
    /// The directory already holds a store.
    #[error("{}: already holds a store; open it, or choose another directory", path.display())]
    HoldsStore {
        /// The store's directory.
        path: PathBuf,
    },
    /// The directory holds files that are not a store's.
    #[error("{}: not a file of a store; choose an empty or a new directory for the store", path.display())]
    Foreign {
        /// The first such file or directory.
        path: PathBuf,
    },
    /// The pins cannot be mapped.
    #[error("{}: {reason}", path.display())]
    Range {
        /// The store's directory.
        path: PathBuf,
        /// The reason.
        reason: RangeError,
    },
    /// The file system reported an error.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a store could not be opened. Nothing on disk was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another `Store` of this one, holds the directory.
    #[error("{}: in use by another process; end that one first", path.display())]
    InUse {
        /// The store's directory.
        path: PathBuf,
    },
    /// There is no store at this path.
    #[error("{}: not a store: {reason}", path.display())]
    NotAStore {
        /// The directory or file that differs from a store's.
        path: PathBuf,
        /// What is missing or different.
        reason: String,
    },
    /// The store's format has a version that this program does not support.
    #[error("{}: its format is version {found}, this program reads version {supported}; \
             have the program that wrote it `pallas export` the machine, and `pallas import` \
             that with this one", path.display())]
    Version {
        /// The file with the version.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The supported version.
        supported: u32,
    },
    /// The pins cannot be mapped.
    #[error("{}: {reason}", path.display())]
    Range {
        /// The store's directory.
        path: PathBuf,
        /// The reason.
        reason: RangeError,
    },
    /// Part of the store is damaged or missing.
    #[error("{damage}{}", list_usable(usable))]
    Damaged {
        /// The first damage that was found.
        damage: StoreDamage,
        /// The snapshots that are intact together with their pins, newest first.
        usable: Vec<Snapshot>,
    },
    /// The file system reported an error.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

fn list_usable(usable: &[Snapshot]) -> String {
    if usable.is_empty() {
        return String::from("; no snapshot is usable");
    }
    let listed: Vec<String> = usable
        .iter()
        .map(|snapshot| {
            let hash = hex(&snapshot.root);
            format!("{} (events up to {}, root {hash})", snapshot.generation, snapshot.covers)
        })
        .collect();
    format!("; usable snapshots, newest first: {}", listed.join(", "))
}

/// Why an event was not appended or is not known to be durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The event is too long.
    #[error("{}: an event of {length} bytes is over the limit of {limit}", path.display())]
    TooLarge {
        /// The store's directory.
        path: PathBuf,
        /// The length, in bytes.
        length: u64,
        /// The maximum length, in bytes.
        limit: u64,
    },
    /// The disk is full. Nothing is lost: appended events stay in memory, and the next commit
    /// writes them if there is room by then.
    #[error("{0}; nothing is lost yet: make room on the disk")]
    Full(DiskError),
    /// A write or flush failed, so the contents of the disk are unknown. This `Store` acknowledges
    /// nothing any more.
    #[error("{0}; the store has stopped: check the disk, then open it again")]
    Failed(DiskError),
    /// No event with this sequence was appended.
    #[error("{}: event {seq} was never appended, the last one is {last}", path.display())]
    NotAppended {
        /// The store's directory.
        path: PathBuf,
        /// The requested sequence.
        seq: Seq,
        /// The last appended sequence.
        last: Seq,
    },
    /// The committer's thread could not be started.
    #[error(transparent)]
    NoCommitter(DiskError),
    /// The store was closed.
    #[error("{}: the store is closed", path.display())]
    Closed {
        /// The store's directory.
        path: PathBuf,
    },
}

/// Why events could not be read back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreReadError {
    /// An event is damaged.
    #[error(transparent)]
    Damaged(#[from] StoreDamage),
    /// The log begins after the requested event, because older segments were pruned.
    #[error("{}: the log begins with event {first}, but event {wanted} is needed", path.display())]
    Gap {
        /// The log's directory.
        path: PathBuf,
        /// The first requested event.
        wanted: Seq,
        /// The first event in the log.
        first: Seq,
    },
    /// The file system reported an error.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a pin was not stored or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PinError {
    /// The pin is too long.
    #[error("{}: a pin of {length} bytes is over the limit of {limit}", path.display())]
    TooLarge {
        /// The store's directory.
        path: PathBuf,
        /// The length, in bytes.
        length: u64,
        /// The maximum length, in bytes.
        limit: u64,
    },
    /// The pin is damaged.
    #[error(transparent)]
    Damaged(#[from] StoreDamage),
    /// The disk is full. Frozen pins stay available, and the next commit makes them durable if
    /// there is room by then.
    #[error("{0}; nothing is lost yet: make room on the disk")]
    Full(DiskError),
    /// A write or flush failed, see [`LogError::Failed`].
    #[error("{0}; the store has stopped: check the disk, then open it again")]
    Failed(DiskError),
    /// A pin could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a snapshot was not written or old data was not removed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SnapshotError {
    /// The root is a pin of another pin space.
    #[error("{}: the root {} is a pin of another store; freeze it in this one first",
            path.display(), hex(root))]
    UnknownRoot {
        /// The snapshots' directory.
        path: PathBuf,
        /// The root.
        root: PinHash,
    },
    /// The snapshot covers fewer events than the newest one.
    #[error("{}: a snapshot of event {covers} cannot follow one of event {newest}", path.display())]
    Backwards {
        /// The snapshots' directory.
        path: PathBuf,
        /// The sequence that the snapshot covers.
        covers: Seq,
        /// The sequence that the newest snapshot covers.
        newest: Seq,
    },
    /// The covered events could not be made durable.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Old data could not be removed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The disk is too full for the snapshot or its pins. The previous snapshot stays the newest.
    #[error("{0}; the previous snapshot stays valid: make room on the disk")]
    Full(DiskError),
    /// A write or flush failed, see [`LogError::Failed`].
    #[error("{0}; the store has stopped: check the disk, then open it again")]
    Failed(DiskError),
}

fn hex(hash: &PinHash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
