//! What can go wrong, one enum for each family of operations. Every message
//! names the path it is about.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use vm::pinspace::RangeError;

use crate::{Hash, Seq, Snapshot};

/// Bytes on disk that cannot be what was written there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: damaged at byte {offset}: {reason} ({advice})", path.display())]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where in the file, in bytes from its start.
    pub offset: u64,
    /// What was found there.
    pub reason: String,
    /// What its owner can do.
    pub advice: String,
}

/// An operation that the file system refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: cannot {action}: {source}", path.display())]
pub struct DiskError {
    /// The file or directory.
    pub path: PathBuf,
    /// What was tried, as an infinitive: "write", "flush".
    pub action: &'static str,
    /// What the system said.
    pub source: Arc<io::Error>,
}

impl DiskError {
    pub(crate) fn new(path: PathBuf, action: &'static str, source: io::Error) -> Self {
        Self { path, action, source: Arc::new(source) }
    }

    /// Whether the reason is that there is no room left.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
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
    /// There is a store already.
    #[error("{}: already holds a store; open it, or choose another directory", path.display())]
    HoldsStore {
        /// The store's directory.
        path: PathBuf,
    },
    /// The directory is not empty.
    #[error("{}: not a store's file; choose an empty or a new directory for the store", path.display())]
    Foreign {
        /// The first file or directory found in the way.
        path: PathBuf,
    },
    /// Its pins cannot be mapped.
    #[error("{}: {source}", path.display())]
    Range {
        /// The store's directory.
        path: PathBuf,
        /// What is in the way.
        source: RangeError,
    },
    /// The file system refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a store could not be opened. Nothing on disk has been changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another `Store` of this one, holds the directory.
    #[error("{}: in use by another process; end that one first", path.display())]
    InUse {
        /// The store's directory.
        path: PathBuf,
    },
    /// There is no store there.
    #[error("{}: not a store: {reason}", path.display())]
    NotAStore {
        /// The directory or file that is not as expected.
        path: PathBuf,
        /// What is missing or different.
        reason: String,
    },
    /// A store of a version that this program does not read.
    #[error("{}: its format is version {found}, this program reads version {supported}; \
             have the program that wrote it `pallas export` the machine, and `pallas import` \
             that with this one", path.display())]
    Version {
        /// The file that says so.
        path: PathBuf,
        /// The version it names.
        found: u32,
        /// The version known here.
        supported: u32,
    },
    /// Its pins cannot be mapped.
    #[error("{}: {source}", path.display())]
    Range {
        /// The store's directory.
        path: PathBuf,
        /// What is in the way.
        source: RangeError,
    },
    /// Part of the store is damaged or missing.
    #[error("{damage}{}", list_usable(usable))]
    Damaged {
        /// Where and what.
        damage: Damage,
        /// The snapshots that are whole, and whose pins are, newest first.
        usable: Vec<Snapshot>,
    },
    /// The file system refused.
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

/// Why an event was not logged, or is not known to be durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The payload is longer than a record can be.
    #[error("{}: an event of {length} bytes is over the limit of {limit}", path.display())]
    TooLarge {
        /// The store's directory.
        path: PathBuf,
        /// Bytes given.
        length: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// No room on the disk. Nothing is lost: what was appended is still held in
    /// memory, and the next commit writes it if there is room by then.
    #[error("{0}; nothing is lost yet: make room on the disk")]
    Full(DiskError),
    /// A write or flush failed, and what is on disk is no longer known: this
    /// `Store` acknowledges nothing any more.
    #[error("{0}; the store has stopped: check the disk, then open it again")]
    Failed(DiskError),
    /// No event of that sequence was appended.
    #[error("{}: event {seq} was never appended, the last one is {last}", path.display())]
    NotAppended {
        /// The store's directory.
        path: PathBuf,
        /// The sequence asked for.
        seq: Seq,
        /// The last sequence there is.
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
pub enum ReadError {
    /// A record is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The log begins after the event wanted: those before it were pruned.
    #[error("{}: the log begins with event {first}, but event {wanted} is needed", path.display())]
    Gap {
        /// The log's directory.
        path: PathBuf,
        /// The first event needed.
        wanted: Seq,
        /// The first event there is.
        first: Seq,
    },
    /// The file system refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a pin was not stored or not read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PinError {
    /// The pin is longer than a record can be.
    #[error("{}: a pin of {length} bytes is over the limit of {limit}", path.display())]
    TooLarge {
        /// The pins' directory.
        path: PathBuf,
        /// Bytes given.
        length: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The stored bytes are not those that were written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// No room on the disk. The pins that were kept stay, and the next commit makes them durable
    /// if there is room by then.
    #[error("{0}; nothing is lost yet: make room on the disk")]
    Full(DiskError),
    /// As [`LogError::Failed`].
    #[error("{0}; the store has stopped: check the disk, then open it again")]
    Failed(DiskError),
    /// A pin could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a snapshot was not written, or old data not removed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SnapshotError {
    /// The root is not in the pin store.
    #[error("{}: the root {} is a pin of another place; freeze it here first",
            path.display(), hex(root))]
    UnknownRoot {
        /// The snapshots' directory.
        path: PathBuf,
        /// The root.
        root: Hash,
    },
    /// The snapshot claims to cover fewer events than the newest one does.
    #[error("{}: a snapshot of event {covers} cannot follow one of event {newest}", path.display())]
    Backwards {
        /// The snapshots' directory.
        path: PathBuf,
        /// The sequence given.
        covers: Seq,
        /// The sequence of the newest snapshot.
        newest: Seq,
    },
    /// The events it covers could not be made durable.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Old data could not be removed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// No room on the disk for the snapshot or its pins; the previous one stays the
    /// newest.
    #[error("{0}; the previous snapshot stays valid: make room on the disk")]
    Full(DiskError),
    /// As [`LogError::Failed`].
    #[error("{0}; the store has stopped: check the disk, then open it again")]
    Failed(DiskError),
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
