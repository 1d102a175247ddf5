//! Where compiled code finds that of frozen laws.
//!
//! A law of the heap names its compiled code itself; a frozen one cannot be written to. So what has been
//! called is noted here, by the word that was called (the law, or the pin of one without a jet): one
//! place for each, in which the last one to come stays. Nothing moves what is frozen; but a full collection
//! may drop code that nothing else names, and what it forgets the pin space may come to use for something
//! else, so it empties the table.

use plan::raw::Word;

/// How many places there are, as a power of two.
pub(super) const TABLE_LOG2: u32 = 10;
/// By how much an address is shifted, twice, to find its place: addresses differ in the middle.
pub(super) const SHIFTS: [u32; 2] = [3, 13];

/// A place: the word that was called, and the address of its code.
type TableSlot = [u64; 2];

/// The table. A place that is empty has the word 0, which is no law.
pub(super) struct FrozenEntries(Box<[TableSlot; 1 << TABLE_LOG2]>);

impl Default for FrozenEntries {
    fn default() -> FrozenEntries {
        FrozenEntries(Box::new([[0; 2]; 1 << TABLE_LOG2]))
    }
}

impl FrozenEntries {
    pub(super) fn set(&mut self, function: Word, entry: usize) {
        let [near, far] = SHIFTS.map(|shift| function.address() >> shift);
        self.0[(near ^ far) % (1 << TABLE_LOG2)] = [function.raw(), entry as u64];
    }

    pub(super) fn clear(&mut self) {
        self.0.fill([0; 2]);
    }
}
