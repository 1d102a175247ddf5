//! [`FrozenEntries`]: the table in which compiled code finds the code of frozen laws.
//!
//! A law of the heap holds the address of its compiled code itself; a frozen law cannot be written
//! to. So this direct-mapped table holds the code of frozen laws that were called, by the word that
//! was called: the law, or its pin (that of a jet has code of its own). A later entry replaces an earlier one in
//! the same slot. Frozen objects do not move. A full collection may drop code that nothing else
//! refers to, and it may release a pin space whose addresses are then used again, so it empties the
//! table.

use plan::raw::Word;

/// The logarithm of the number of slots.
pub(super) const TABLE_LOG2: u32 = 10;
/// The two shifts of an address whose exclusive or selects the slot: addresses differ in the middle
/// bits.
pub(super) const SHIFTS: [u32; 2] = [3, 13];

const SLOTS: usize = 1 << TABLE_LOG2;

/// A slot: the word that was called, and the address of its code. The word 0 marks an empty slot,
/// because it is not a law.
type TableSlot = [u64; 2];

/// The table of the code of frozen laws.
pub(super) struct FrozenEntries(Box<[TableSlot; SLOTS]>);

impl Default for FrozenEntries {
    fn default() -> FrozenEntries {
        FrozenEntries(Box::new([[0; 2]; SLOTS]))
    }
}

impl FrozenEntries {
    /// Stores the address of the code of a law or pin.
    pub(super) fn set(&mut self, function: Word, entry: usize) {
        let [low, high] = SHIFTS.map(|shift| function.address() >> shift);
        self.0[(low ^ high) % SLOTS] = [function.raw(), entry as u64];
    }

    /// The address of the code of a law or pin, if the table has it.
    pub(super) fn get(&self, function: Word) -> Option<usize> {
        let [low, high] = SHIFTS.map(|shift| function.address() >> shift);
        let [word, entry] = self.0[(low ^ high) % SLOTS];
        (word == function.raw()).then_some(entry as usize)
    }

    /// Empties the table.
    pub(super) fn clear(&mut self) {
        self.0.fill([0; 2]);
    }
}
