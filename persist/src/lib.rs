//! [`Store`] keeps a machine durable in one directory: an event goes through a queue and a group
//! commit into the log, a frozen pin into a mapped file, and a snapshot names the pin of a state.
//!
//! ```text
//!   append ──> queue ──commit──> log/      journal of events     ┐
//!   freeze ──> space ──commit──> bodies/   mapped files          ├─ Disk: real or simulated
//!                                catalogue/, index/              │
//!   write_snapshot ────────────> snap/     one small file each   │
//!   set_aside ─────────────────> set-aside/ one file each        ┘
//! ```
//!
//! The crate knows one thing of PLAN: what a frozen pin is ([`plan::pinspace`]). FORMAT.md defines
//! the files.
//!
//! Guarantees:
//!
//! - An event survives any crash once its commit has returned. After a crash, the log holds a
//!   prefix of the appended events, without gaps.
//! - A snapshot survives any crash once [`Store::write_snapshot`] has returned, with every pin and
//!   event that it needs. Until then the previous snapshot stays valid.
//! - Damage to durable data is an error that names file and offset ([`OpenError`]), never a silent
//!   loss. FORMAT.md names the one exception.
//! - After a failed flush the store acknowledges nothing. A full disk, in contrast, loses nothing,
//!   and the store continues once there is space.
//! - An operating-system lock ensures that a store is open at most once.
//!
//! Layers; each uses only those below it:
//!
//! ```text
//! transfer                         export, import and fork
//! history                          states and events of an inspected store
//! inspect    collect               check, disk usage │ garbage collection
//! view                             reading an open store from outside
//! store                            Store: creating, opening, recovery
//! log    snapshots    space        event log │ snapshot files │ pins: bodies, catalogue, index
//! set_aside                        inputs that a machine has set aside
//! journal                          checked frames in segment files
//! context                          what all parts share: disk, store id, health
//! format_file  health  settings    the FORMAT file │ failed writes │ StoreSettings
//! detached                         whether a store is a fork without outside effects
//! sim                              a simulated disk, for tests
//! disk   encoding                  the storage trait and the file system │ fields and checks
//! error   types                    errors per operation │ Seq, Snapshot, PinHash, limits
//! ```
//!
//! ```
//! use persist::{Seq, Store};
//!
//! let dir = tempfile::tempdir()?;
//! let store = Store::create(dir.path().join("store"))?;
//! store.append(b"deposit 5")?;
//! store.append(b"deposit 7")?;
//! store.commit()?;                                     // both events are durable now
//!
//! let mut vm = vm::Vm::new(Default::default(), Default::default())?;
//! let balance = vm.nat(5);
//! let root = vm.freeze(&balance, store.space())?;      // the state: a pin that holds a nat
//! store.write_snapshot(&root, Seq(1))?;
//! store.close()?;
//! drop((root, vm));                                    // a held pin keeps the store locked
//!
//! let store = Store::open(dir.path().join("store"))?;
//! let recovery = store.recover()?;
//! let snapshot = recovery.snapshot.expect("one was written");
//! let state = store.root(&snapshot)?;                  // mapped, not loaded
//! assert_eq!(state.hash().as_bytes(), &snapshot.root);
//! for record in recovery.records {                     // the events after the snapshot
//!     assert_eq!(record?.payload, b"deposit 7");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(unsafe_code)]

pub mod collect;
mod context;
mod detached;
pub mod disk;
mod encoding;
pub mod error;
mod format_file;
mod health;
mod history;
pub mod inspect;
mod journal;
mod log;
mod set_aside;
mod settings;
pub mod sim;
mod snapshots;
mod space;
mod store;
pub mod transfer;
mod types;
mod view;

pub use disk::{Disk, DiskFile, DiskLock, RealDisk};
pub use error::{
    CreateError, DiskError, LogError, OpenError, PinError, SnapshotError, StoreDamage,
    StoreReadError,
};
pub use history::{HistoryError, StoreHistory};
pub use inspect::StoreInspection;
pub use journal::PrunedLog;
pub use log::{CommitTicket, LogAppender, LogRecord, LogRecords};
pub use set_aside::{SetAsideId, SetAsideList, SetAsideRecord, remove_set_aside};
pub use settings::{Retention, StoreSettings};
pub use space::{CatalogueEntry, WrittenPins};
pub use store::{RecoveryReport, Store};
pub use types::{FORMAT_VERSION, MAX_EVENT, MAX_PIN, PinHash, Seq, Snapshot};
pub use view::{StoreView, ViewDisk, ViewError, ViewFile};
