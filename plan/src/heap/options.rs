//! The options of a heap, and the counters and reports of its collector.

use std::time::{Duration, Instant};

/// The size limits of a heap, and how it runs.
#[derive(Clone, Debug)]
pub struct HeapOptions {
    /// The size of eden, the part of the nursery that objects are allocated in, in bytes.
    pub nursery: usize,
    /// The limit of the old space in bytes. An evaluation whose live data needs more than three
    /// quarters of it ends with an error: with less to spare it would collect all the time. A full
    /// collection needs as much again while it copies.
    pub max_heap: usize,
    /// The limit of the evaluation stack in bytes. An evaluation that crosses it ends with an
    /// error.
    pub max_stack: usize,
    /// Collect at every reservation, everything at every eighth (for tests).
    pub stress: bool,
}

impl Default for HeapOptions {
    /// A nursery of 4 MB, a quarter of the machine's memory for the heap, and an eighth for the
    /// stack, so that a full collection fits too.
    fn default() -> HeapOptions {
        let memory = physical_memory();
        HeapOptions {
            nursery: 4 << 20,
            max_heap: memory / 4,
            max_stack: memory / 8,
            stress: std::env::var_os("PALLAS_GC_STRESS").is_some(),
        }
    }
}

#[cfg(not(miri))]
fn physical_memory() -> usize {
    crate::platform::physical_memory().max(1 << 28)
}

#[cfg(miri)]
fn physical_memory() -> usize {
    1 << 28
}

/// A collection that has just ended.
#[derive(Clone, Copy, Debug)]
pub struct CollectionReport {
    /// Whether it collected everything, and not the nursery only.
    pub is_full: bool,
    /// When it began.
    pub start: Instant,
    /// Bytes copied.
    pub copied: u64,
}

impl CollectionReport {
    /// Returns the kind of the collection, as text.
    pub fn kind(&self) -> &'static str {
        if self.is_full { "full collection" } else { "young collection" }
    }
}

/// Counters of the collector's work.
#[derive(Clone, Copy, Default, Debug)]
pub struct HeapStatistics {
    /// Collections of the nursery.
    pub minor: u64,
    /// Full collections.
    pub major: u64,
    /// Words copied by both.
    pub copied: u64,
    /// Words of objects and cards that both scanned: those that they copied, and those of the
    /// remembered set.
    pub scanned: u64,
    /// Words of the evaluation stack that both visited.
    pub scanned_stack: u64,
    /// Words allocated for objects, headers included.
    pub allocated: u64,
    /// The time that both took together.
    pub pauses: Duration,
    /// The time that the longest one took.
    pub longest_pause: Duration,
}
