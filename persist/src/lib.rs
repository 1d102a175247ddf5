//! Durable storage for machines: an event log, frozen pins, and snapshots, in one
//! directory. Knows of PLAN only what a frozen pin is ([`vm::pinspace`]).
//!
//! ```text
//!   append ──> queue ──commit──> log/      journal of events     ┐
//!   freeze ──> space ──commit──> bodies/   mapped files          ├─ Disk: real or simulated
//!                                catalogue/, index/              │
//!   write_snapshot ────────────> snap/     one small file each   ┘
//! ```
//!
//! What it promises:
//!
//! - An event whose commit returned is there after any crash; what is there is
//!   always a prefix of what was appended, without gaps.
//! - A snapshot that was returned is there and whole, with every pin and event it
//!   needs, and so is the one before it until then.
//! - Damage to anything that was durable is an error that says where, never a
//!   silent loss: see [`OpenError`], and FORMAT.md for the one exception.
//! - After a failed flush nothing is acknowledged any more. A full disk, on the
//!   other hand, loses nothing, and work goes on when there is room.
//! - One store is open at most once, by a lock of the operating system.
//!
//! ```
//! use persist::{Seq, Store};
//!
//! let dir = tempfile::tempdir()?;
//! let store = Store::create(dir.path().join("store"))?;
//! store.append(b"deposit 5")?;
//! store.append(b"deposit 7")?;
//! store.commit()?;                                     // both are safe from here on
//!
//! let mut vm = vm::Vm::new(Default::default(), Default::default())?;
//! let balance = vm.nat(5);
//! let root = vm.freeze(&balance, store.space())?;      // the state: a pin around a nat
//! store.write_snapshot(&root, Seq(1))?;
//! store.close()?;
//! drop((root, vm));                                    // a store is locked while its pins are held
//!
//! let store = Store::open(dir.path().join("store"))?;
//! let recovery = store.recover()?;
//! let snapshot = recovery.snapshot.expect("one was written");
//! let state = store.root(&snapshot)?;                  // mapped, not loaded
//! assert_eq!(state.hash().as_bytes(), &snapshot.root);
//! for record in recovery.records {                     // what happened since
//!     assert_eq!(record?.payload, b"deposit 7");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(unsafe_code)]

pub mod disk;
pub mod error;
mod format_file;
mod frame;
mod health;
pub mod inspect;
mod journal;
mod lock;
mod log;
mod opening;
mod records;
mod segment;
pub mod sim;
mod snapshots;
mod space;
mod spare;
mod store;
pub mod transfer;

use std::fmt;

pub use disk::{Disk, DiskFile, DiskLock, RealDisk};
pub use error::{
    CreateError, Damage, DiskError, LogError, OpenError, PinError, ReadError, SnapshotError,
};
pub use inspect::Inspection;
pub use journal::Pruned;
pub use log::{Appender, Ticket};
pub use records::{Record, Records};
pub use snapshots::Snapshot;
pub use space::{Entry, collect};
pub use store::{Recovery, Settings, Store};

/// The version of the format on disk that this crate reads and writes.
pub const FORMAT_VERSION: u32 = 2;

/// The longest event, in bytes.
pub const MAX_EVENT: u64 = 1 << 30;

/// The longest pin, in bytes, in the form in which it is exported.
pub const MAX_PIN: u64 = 1 << 36;

/// The PLAN hash of a pin.
pub type Hash = [u8; 32];

/// The number of an event. They count from 1, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl From<u64> for Seq {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
