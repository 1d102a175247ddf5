//! The source of the generator's choices.

/// A sequence of choices.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Pseudo-random numbers that follow this state.
    Seed(u64),
    /// These bytes, from the end; then always the first choice.
    Bytes(Vec<u8>),
}

impl Source {
    pub(super) fn from_seed(seed: u64) -> Source {
        // The step of SplitMix64 separates neighbouring seeds; the generator would be stuck at
        // state 0.
        let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Source::Seed((mixed ^ (mixed >> 27)).max(1))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Source {
        Source::Bytes(bytes.iter().rev().copied().collect())
    }

    /// Returns the next number.
    pub(super) fn next(&mut self) -> u64 {
        match self {
            Source::Seed(state) => {
                // xorshift64* is small and fast, and its high bits are good.
                *state ^= *state >> 12;
                *state ^= *state << 25;
                *state ^= *state >> 27;
                state.wrapping_mul(0x2545_f491_4f6c_dd1d)
            }
            Source::Bytes(bytes) => {
                u64::from_le_bytes(std::array::from_fn(|_| bytes.pop().unwrap_or(0)))
            }
        }
    }

    /// Returns a number below `n`, which is positive and at most 256.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        debug_assert!((1..=256).contains(&n), "a choice is encoded in one byte");
        match self {
            Source::Seed(_) => (self.next() >> 32) % n,
            Source::Bytes(bytes) => u64::from(bytes.pop().unwrap_or(0)) % n,
        }
    }
}
