//! How a heap is sized, and what its collector counts.

/// How a heap is sized and run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of the part of the nursery in which objects are made.
    pub nursery: usize,
    /// Bytes that the old space may take at most. An evaluation whose live data needs more than three
    /// quarters of it is ended: with less to spare, it would be collected all the time. A full
    /// collection needs as much again while it copies.
    pub max_heap: usize,
    /// Bytes that the evaluation stack may take at most; crossing it ends the evaluation.
    pub max_stack: usize,
    /// Collect at every allocation, everything each eighth time (for tests).
    pub stress: bool,
}

impl Default for Options {
    /// A 4 MB nursery; a quarter of the machine's memory for the heap, an eighth for the stack, so
    /// that a full collection fits too.
    fn default() -> Options {
        let memory = physical_memory();
        Options {
            nursery: 4 << 20,
            max_heap: memory / 4,
            max_stack: memory / 8,
            stress: std::env::var_os("PALLAS_GC_STRESS").is_some(),
        }
    }
}

#[cfg(not(miri))]
fn physical_memory() -> usize {
    let info = rustix::system::sysinfo();
    (info.totalram as usize).saturating_mul(info.mem_unit as usize).max(1 << 28)
}

#[cfg(miri)]
fn physical_memory() -> usize {
    1 << 28
}

/// Counters of what the collector did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Statistics {
    /// Collections of the nursery.
    pub minor: u64,
    /// Full collections.
    pub major: u64,
    /// Words copied by either.
    pub copied: u64,
    /// Words allocated for objects, headers included.
    pub allocated: u64,
}
