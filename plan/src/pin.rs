//! Pins: a normalised value with a hash of its own.
//!
//! An object's payload is `[item, hash x 4, facts, frozen copy]`. The hash is that of the item, computed
//! at once for a law that the heap's host may know and otherwise when first asked for. `facts` is a
//! raw word:
//!
//! ```text
//!  63            32 31                     1   0
//! +----------------+------------------------+---+
//! |   label + 1    |          unused        | H |   H: the hash is there
//! +----------------+------------------------+---+
//! ```
//!
//! The label is the host's ([`Host::label`](crate::heap::Host::label)): an evaluator's jet for the pinned law.
//! `frozen copy` is the address of the same pin in a pin space, if it has been frozen, else 0. A pin that *is*
//! frozen looks much the same, but its hash is always there, and facts and the last word hold other
//! things ([`crate::pinspace`]): what is particular to a process cannot be written into it.

use crate::digest::Hash;
use crate::heap::Memory;
use crate::layout::{EXTRA_MAX, Layout, PIN_FACTS, PIN_FROZEN, PIN_SIZE};
use crate::pinspace::range;
use crate::shape;
use crate::word::{Kind, Word};

const HASHED: u64 = 1;

/// Allocates a pin around `item`, whose room has been reserved.
pub(crate) fn allocate(memory: &mut Memory, item: Word) -> Word {
    let arity = shape::arity(memory, item).min(EXTRA_MAX);
    let mut pin = memory.allocate(Layout::Pin, arity, PIN_SIZE);
    pin.set(0, item);
    for index in 1..PIN_SIZE {
        pin.set_raw(index, 0);
    }
    pin.finish()
}

/// The hash as four words, if it has been computed; none of a damaged pin.
#[inline]
pub fn hash_words<'h>(memory: &'h Memory, pin: Word) -> Option<&'h [u64; 4]> {
    if !memory.is_intact(pin) {
        return None;
    }
    let object = memory.object(pin);
    if object.raw(PIN_FACTS) & HASHED == 0 {
        return None;
    }
    object.raw_words(1, 4).as_array()
}

/// The hash, if it has been computed. That of a damaged pin is of no pin.
pub(crate) fn known_hash(memory: &Memory, pin: Word) -> Option<Hash> {
    if !memory.is_intact(pin) {
        return Some(Hash([0; Hash::SIZE]));
    }
    let words = hash_words(memory, pin)?;
    let mut bytes = [0; Hash::SIZE];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    Some(Hash(bytes))
}

/// Records the hash of a pin of the heap.
pub(crate) fn set_hash(memory: &Memory, pin: Word, hash: &Hash) {
    for (index, chunk) in hash.0.as_chunks().0.iter().enumerate() {
        memory.store_raw(pin, 1 + index, u64::from_le_bytes(*chunk));
    }
    let facts = memory.object(pin).raw(PIN_FACTS);
    memory.store_raw(pin, PIN_FACTS, facts | HASHED);
}

/// The pin's item; 0 for a damaged pin.
#[inline(always)]
pub fn item(memory: &Memory, pin: Word) -> Word {
    if memory.is_intact(pin) { memory.load(pin, 0) } else { Word::ZERO }
}

/// The label that the host gave a pin of the heap; none of a frozen pin, whose [`hash_words`] are
/// always there.
#[inline(always)]
pub fn label(memory: &Memory, pin: Word) -> Option<u32> {
    if range::is_frozen(pin.address()) {
        return None;
    }
    ((memory.object(pin).raw(PIN_FACTS) >> 32) as u32).checked_sub(1)
}

/// Records the label of a pin of the heap.
pub(crate) fn set_label(memory: &Memory, pin: Word, label: u32) {
    let facts = memory.object(pin).raw(PIN_FACTS);
    memory.store_raw(pin, PIN_FACTS, (facts & 0xffff_ffff) | (u64::from(label + 1) << 32));
}

/// The address of the same pin in a pin space, if it is known to be in one.
#[inline(always)]
pub(crate) fn frozen_copy(memory: &Memory, pin: Word) -> Option<usize> {
    if range::is_frozen(pin.address()) {
        return Some(pin.address());
    }
    match memory.object(pin).raw(PIN_FROZEN) {
        0 => None,
        copy => Some(copy as usize),
    }
}

/// Notes that a pin of the heap has been frozen: the next full collection takes the copy instead.
pub(crate) fn set_frozen_copy(memory: &Memory, pin: Word, copy: usize) {
    debug_assert!(pin.kind() == Kind::Pin);
    if !range::is_frozen(pin.address()) {
        memory.store_raw(pin, PIN_FROZEN, copy as u64);
    }
}
