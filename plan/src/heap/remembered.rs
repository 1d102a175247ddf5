//! The remembered set: the old objects that may have young values.
//!
//! A young collection visits these values, and no other values of old objects. A small object is
//! remembered as a whole, and a bit in its header says so. A large object is remembered by *cards*
//! of [`CARD_WORDS`] payload words: otherwise a row that is normalised item by item would be
//! scanned whole by each collection meanwhile, which takes time in the square of its length. An
//! object that is allocated in old space is remembered as a whole, whatever its size, until the
//! next collection: its maker fills it with young values.

use crate::layout::ObjectHeader;
use std::ops::Range;

/// The payload words of a card.
pub(super) const CARD_WORDS: usize = 64;

/// Old objects with at least this number of payload words are remembered by cards.
const MIN_CARDED_WORDS: usize = 4 * CARD_WORDS;

/// The number of cards above which repeated ones are removed.
const MIN_COMPACTED_CARDS: usize = 1 << 10;

/// Whether an old object is remembered by cards.
#[inline(always)]
pub(super) fn is_scanned_by_cards(header: ObjectHeader) -> bool {
    header.size() >= MIN_CARDED_WORDS
}

/// Splits the payload indices of an object's values into the parts that are on one card each.
pub(super) fn cards_of(values: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let cards = values.start / CARD_WORDS..values.end.div_ceil(CARD_WORDS);
    cards.map(|card| values_on_card(values, card))
}

/// Returns the part of a range of payload indices that is on a card.
pub(super) fn values_on_card(values: &Range<usize>, card: usize) -> Range<usize> {
    let start = values.start.max(card * CARD_WORDS);
    start..values.end.min((card + 1) * CARD_WORDS).max(start)
}

/// A card: the address of its object, and its number in the object.
type Card = (usize, usize);

/// The remembered set. See the module documentation.
#[derive(Default)]
pub(super) struct RememberedSet {
    /// The addresses of objects that are remembered as a whole, each once.
    objects: Vec<usize>,
    /// Cards, some of them repeatedly.
    cards: Vec<Card>,
    /// The number of cards at which repeated ones are removed.
    compact_at: usize,
}

impl RememberedSet {
    /// Adds an object, which is not in the set.
    pub(super) fn add_object(&mut self, address: usize) {
        self.objects.push(address);
    }

    /// Removes the object if it is the one that was added last.
    pub(super) fn remove_last(&mut self, address: usize) {
        if self.objects.last() == Some(&address) {
            self.objects.pop();
        }
    }

    /// Adds the card with that payload index of an object.
    pub(super) fn add_card(&mut self, address: usize, index: usize) {
        let card = (address, index / CARD_WORDS);
        // Most writes follow one another.
        if self.cards.last() != Some(&card) {
            self.cards.push(card);
            if self.cards.len() >= self.compact_at.max(MIN_COMPACTED_CARDS) {
                self.compact();
            }
        }
    }

    /// Removes repeated cards. They take at most as much room as the others.
    #[cold]
    fn compact(&mut self) {
        self.cards.sort_unstable();
        self.cards.dedup();
        self.compact_at = 2 * self.cards.len();
    }

    /// Returns the set, and leaves an empty one.
    pub(super) fn take(&mut self) -> RememberedSet {
        let mut taken = std::mem::take(self);
        taken.compact();
        taken
    }

    /// Empties the set.
    pub(super) fn clear(&mut self) {
        *self = RememberedSet::default();
    }

    /// Returns the addresses of the objects that are remembered as a whole.
    pub(super) fn objects(&self) -> &[usize] {
        &self.objects
    }

    /// Returns the cards: the addresses of their objects, and their numbers.
    pub(super) fn cards(&self) -> impl Iterator<Item = (usize, usize)> {
        self.cards.iter().copied()
    }

    /// Whether the set is empty.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.cards.is_empty()
    }
}
