//! The generator's state and its elementary choices.

use std::sync::Arc;

use super::source::Source;
use super::types::KnownFunction;

/// A generator of random terms, determined by its seed or its bytes.
#[derive(Clone, Debug)]
pub struct TermGenerator {
    source: Source,
    pub(super) known: Arc<[KnownFunction]>,
}

impl TermGenerator {
    /// Creates a generator. Every seed gives a different sequence.
    pub fn new(seed: u64) -> TermGenerator {
        TermGenerator { source: Source::from_seed(seed), known: Arc::default() }
    }

    /// Creates a generator whose choices are encoded in bytes, mostly one each. After the last byte
    /// every choice is the first one, so that terms end soon.
    pub fn from_bytes(bytes: &[u8]) -> TermGenerator {
        TermGenerator { source: Source::from_bytes(bytes), known: Arc::default() }
    }

    /// Adds functions that programs may call.
    #[must_use]
    pub fn with_known(self, known: Arc<[KnownFunction]>) -> TermGenerator {
        TermGenerator { known, ..self }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.source.next()
    }

    /// Returns a number below `n`, which is positive and small.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.source.below(n)
    }

    pub(super) fn index(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }

    pub(super) fn chance(&mut self, of: u64, among: u64) -> bool {
        self.below(among) < of
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }
}
