//! Pins: a value in normal form with a hash of its own.
//!
//! The payload of the object is `[item, hash x 4, facts, frozen copy]`. The hash is that of the
//! item. It is computed when the pin is made if the item is a law that the heap's host may know,
//! otherwise on first use. `facts` is a raw word of flags:
//!
//! ```text
//!  63            32 31                 2   1   0
//! +----------------+--------------------+---+---+
//! |   label + 1    |       unused       | W | H |   H: the hash is present
//! +----------------+--------------------+---+---+   W: a thread is writing it, or has done so
//! ```
//!
//! Two threads may hash the same pin: that of the heap and one that freezes values in the
//! background ([`crate::raw::HeapMemory`]'s loan). The thread that sets W writes the hash and then sets
//! H; the other waits for H. After that the hash does not change.
//!
//! The [host](crate::heap::HeapHost::label) assigns the label: an evaluator's number for the jet of
//! the pinned law. `frozen copy` is the address of the same pin in a pin space, or 0 if it has not
//! been frozen. A *frozen* pin has the same layout, but its hash is always present, and its facts
//! and last word hold other data ([`crate::pinspace`]): a file cannot hold data of one process.

use crate::digest::Hash;
use crate::heap::HeapMemory;
use crate::layout::{EXTRA_MAX, ObjectLayout, PIN_FACTS, PIN_FROZEN, PIN_SIZE};
use crate::pinspace::range;
use crate::shape;
use crate::word::{Word, WordKind};

const HASHED: u64 = 1;
const HASH_WRITER: u64 = 2;

/// Allocates a pin around `item`. The caller has reserved the words.
pub(crate) fn allocate(memory: &mut HeapMemory, item: Word) -> Word {
    let arity = shape::arity(memory, item).min(EXTRA_MAX);
    let mut pin = memory.allocate(ObjectLayout::Pin, arity, PIN_SIZE);
    pin.set(0, item);
    for index in 1..PIN_SIZE {
        pin.set_raw(index, 0);
    }
    pin.finish()
}

/// Returns the hash as four words, if it has been computed; `None` for a damaged pin.
#[inline]
pub fn hash_words(memory: &HeapMemory, pin: Word) -> Option<&[u64; 4]> {
    if !memory.is_intact(pin) {
        return None;
    }
    let object = memory.object(pin);
    if object.shared_raw(PIN_FACTS) & HASHED == 0 {
        return None;
    }
    object.raw_words(1, 4).as_array()
}

/// Returns the hash, if it has been computed. A damaged pin has a hash of zeroes, which no pin has.
pub(crate) fn known_hash(memory: &HeapMemory, pin: Word) -> Option<Hash> {
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

/// Stores the hash of a pin of the heap.
pub(crate) fn set_hash(memory: &HeapMemory, pin: Word, hash: &Hash) {
    if memory.set_raw_bits(pin, PIN_FACTS, HASH_WRITER) & HASH_WRITER != 0 {
        // Another thread writes the hash, or has written it: four words.
        while memory.object(pin).shared_raw(PIN_FACTS) & HASHED == 0 {
            std::hint::spin_loop();
        }
        return;
    }
    for (index, chunk) in hash.0.as_chunks().0.iter().enumerate() {
        memory.store_raw(pin, 1 + index, u64::from_le_bytes(*chunk));
    }
    memory.set_raw_bits(pin, PIN_FACTS, HASHED);
}

/// Returns the pin's item; 0 for a damaged pin.
#[inline(always)]
pub fn item(memory: &HeapMemory, pin: Word) -> Word {
    if memory.is_intact(pin) { memory.load(pin, 0) } else { Word::ZERO }
}

/// Returns the label that the host assigned to a pin of the heap. A frozen pin has no label: an
/// evaluator finds its jet by [`hash_words`], which are always present.
#[inline(always)]
pub fn label(memory: &HeapMemory, pin: Word) -> Option<u32> {
    if range::is_frozen(pin.address()) {
        return None;
    }
    ((memory.object(pin).shared_raw(PIN_FACTS) >> 32) as u32).checked_sub(1)
}

/// Stores the label of a pin of the heap.
pub(crate) fn set_label(memory: &HeapMemory, pin: Word, label: u32) {
    debug_assert!(self::label(memory, pin).is_none(), "a pin gets its label when it is made");
    memory.set_raw_bits(pin, PIN_FACTS, u64::from(label + 1) << 32);
}

/// Returns the address of the same pin in a pin space, if it is known to be in one.
#[inline(always)]
pub(crate) fn frozen_copy(memory: &HeapMemory, pin: Word) -> Option<usize> {
    if range::is_frozen(pin.address()) {
        return Some(pin.address());
    }
    match memory.object(pin).shared_raw(PIN_FROZEN) {
        0 => None,
        copy => Some(copy as usize),
    }
}

/// Records that a pin of the heap has been frozen at `copy`: the next full collection replaces the
/// pin by the copy.
pub(crate) fn set_frozen_copy(memory: &HeapMemory, pin: Word, copy: usize) {
    debug_assert!(pin.kind() == WordKind::Pin);
    if !range::is_frozen(pin.address()) {
        memory.store_raw(pin, PIN_FROZEN, copy as u64);
    }
}
