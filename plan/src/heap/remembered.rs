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

/// The number of cards from which on repeated ones are removed.
const MIN_COMPACTED_CARDS: usize = 1 << 10;

/// A set of cards, to which the card that was added last is often added again.
#[derive(Default)]
pub(super) struct CardSet<T> {
    /// The cards, some of them repeatedly.
    cards: Vec<T>,
    /// The number of cards at which repeated ones are removed.
    compact_at: usize,
}

impl<T: Ord + Copy> CardSet<T> {
    /// Adds a card.
    #[inline]
    pub(super) fn add(&mut self, card: T) {
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

    /// Returns the cards in ascending order, each once, and leaves an empty set.
    pub(super) fn take(&mut self) -> Vec<T> {
        self.compact();
        self.compact_at = 0;
        std::mem::take(&mut self.cards)
    }

    /// Empties the set.
    pub(super) fn clear(&mut self) {
        *self = CardSet { cards: Vec::new(), compact_at: 0 };
    }
}

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

/// Returns the part of a range of indices that is on a card.
pub(super) fn values_on_card(values: &Range<usize>, card: usize) -> Range<usize> {
    let within = |index: usize| index.clamp(values.start, values.end);
    within(card * CARD_WORDS)..within((card + 1) * CARD_WORDS)
}

/// The remembered set. See the module documentation.
#[derive(Default)]
pub(super) struct RememberedSet {
    /// The addresses of objects that are remembered as a whole, each once.
    objects: Vec<usize>,
    /// The addresses of large objects, and numbers of their cards.
    cards: CardSet<(usize, usize)>,
}

/// What a young collection takes from the remembered set.
pub(super) struct RememberedParts {
    /// The addresses of objects that are remembered as a whole.
    pub(super) objects: Vec<usize>,
    /// The addresses of large objects, and numbers of their cards.
    pub(super) cards: Vec<(usize, usize)>,
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
    #[inline]
    pub(super) fn add_card(&mut self, address: usize, index: usize) {
        self.cards.add((address, index / CARD_WORDS));
    }

    /// Returns the contents, and leaves an empty set.
    pub(super) fn take(&mut self) -> RememberedParts {
        RememberedParts { objects: std::mem::take(&mut self.objects), cards: self.cards.take() }
    }

    /// Empties the set.
    pub(super) fn clear(&mut self) {
        *self = RememberedSet::default();
    }
}
