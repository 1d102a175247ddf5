//! [`AllocationSampler`]: reports allocation, about once in each interval of bytes.
//!
//! While a sampler is set, the free part of eden ends early, at the next sample. An allocation beyond
//! that end takes the slow way of one beyond eden, in Rust ([`make_room`](super::RawHeap::make_room)) and in compiled
//! code, so allocation without a sampler costs nothing more. The distances between samples vary, so
//! that a loop does not meet them at the same place in each turn. `sampled_allocation` does this to a
//! heap.

/// Gets the number of bytes that were allocated since it was last called.
pub(super) type AllocationHook = Box<dyn FnMut(u64)>;

/// The least distance of two samples, in words.
const INTERVAL_MIN: usize = 64;

/// See the module documentation.
pub(super) struct AllocationSampler {
    /// The mean distance of two samples, in words.
    interval: usize,
    /// The state of the generator of distances.
    random: u64,
    /// The number of words that had been allocated at the last sample.
    reported: u64,
    hook: AllocationHook,
}

impl AllocationSampler {
    /// A sampler with this mean distance in words, when that many words have been allocated.
    pub(super) fn new(interval: usize, reported: u64, hook: AllocationHook) -> AllocationSampler {
        let interval = interval.max(INTERVAL_MIN);
        AllocationSampler { interval, random: 0x9e37_79b9_7f4a_7c15, reported, hook }
    }

    /// Reports what has been allocated since the last report. `allocated` is the number of words so
    /// far.
    pub(super) fn report(&mut self, allocated: u64) {
        let bytes = 8 * (allocated - self.reported);
        self.reported = allocated;
        if bytes > 0 {
            (self.hook)(bytes);
        }
    }

    /// The distance to the next sample, in words: half to three halves of the mean.
    pub(super) fn next_distance(&mut self) -> usize {
        // Marsaglia, *Xorshift RNGs*, 2003.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.interval / 2 + (self.random % self.interval as u64) as usize
    }
}
