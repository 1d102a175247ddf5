//! Plain data that every layer names: sequence numbers, hashes, snapshots and limits.

use std::fmt;

/// The version of the on-disk format that this crate reads and writes.
pub const FORMAT_VERSION: u32 = 2;

/// The maximum length of an event, in bytes.
pub const MAX_EVENT: u64 = 1 << 30;

/// The maximum length of an exported pin, in bytes.
pub const MAX_PIN: u64 = 1 << 36;

/// The PLAN hash of a pin.
pub type PinHash = [u8; 32];

/// The sequence number of an event. Events count from 1, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The sequence before the first event.
    pub const START: Self = Self(0);

    /// Returns the sequence that follows this one.
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

/// A saved state: the pin that holds it and the events that it includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The number of this snapshot in its store. Generations count from 1 and are never reused.
    pub generation: u64,
    /// The hash of the root pin, which holds the state.
    pub root: PinHash,
    /// The last event that the state includes.
    pub covers: Seq,
    /// The address of the root pin.
    pub address: u64,
    /// The number of groups in the catalogue when the snapshot was written. These groups contain
    /// the root and every pin that it reaches.
    pub groups: u64,
    /// When the snapshot was written, in seconds since 1970; 0 if an earlier version wrote it.
    pub written: u64,
}
