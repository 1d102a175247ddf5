//! Pins: a normalised value with a hash of its own.
//!
//! An object's payload is `[item, hash x 4, facts, twin]`. The hash is that of the item, computed at
//! once for a law (jets are found by it) and otherwise when first asked for. `facts` is a raw word:
//!
//! ```text
//!  63            32 31                     1   0
//! +----------------+------------------------+---+
//! |  jet number+1  |          unused        | H |   H: the hash is there
//! +----------------+------------------------+---+
//! ```
//!
//! `twin` is the address of the same pin in a pin space, if it has been frozen, else 0. A pin that *is*
//! frozen looks much the same, but its hash is always there, and facts and twin hold other things
//! ([`crate::pinspace`]): what is particular to a process cannot be written into it.

use crate::heap::Heap;
use crate::heap::object::{self, EXTRA_MAX, Layout};
use crate::jet::JetTable;
use crate::pinspace::{range, record};
use crate::shape;
use crate::view::PinRef;
use crate::word::{Kind, Word};
use crate::{Hash, Stop};

/// Payload words of a pin.
pub(crate) const SIZE: usize = 7;
const FACTS: usize = 5;
/// Where the twin's address is.
pub(crate) const TWIN: usize = 6;
const HASHED: u64 = 1;

/// Allocates a pin around `item`, whose room has been reserved.
pub(crate) fn allocate(heap: &mut Heap, item: Word) -> Word {
    let arity = shape::arity(heap, item).min(EXTRA_MAX);
    let address = heap.allocate(Layout::Pin, arity, SIZE);
    object::store_raw(address, 0, item.raw());
    for index in 1..SIZE {
        object::store_raw(address, index, 0);
    }
    Word::object(Kind::Pin, address)
}

/// The hash, if it has been computed.
pub(crate) fn known_hash(pin: Word) -> Option<Hash> {
    let address = pin.address();
    record::touch(address);
    if object::load_raw(address, FACTS) & HASHED == 0 {
        return None;
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(object::bytes(address, 1, 32));
    Some(Hash(bytes))
}

/// The pin's hash, if it can be computed. An interrupt that comes meanwhile is for the caller's
/// caller.
pub(crate) fn hash_if_small(pin: PinRef<'_>) -> Option<Hash> {
    hash(pin).inspect_err(|stop| pin.0.heap.interrupt.pass_on(stop)).ok()
}

/// Records the hash.
pub(crate) fn set_hash(pin: Word, hash: Hash) {
    let address = pin.address();
    for (index, chunk) in hash.0.chunks_exact(8).enumerate() {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        object::store_raw(address, 1 + index, u64::from_le_bytes(word));
    }
    let facts = object::load_raw(address, FACTS);
    object::store_raw(address, FACTS, facts | HASHED);
}

/// What is pinned.
#[inline(always)]
pub(crate) fn item(pin: Word) -> Word {
    record::touch(pin.address());
    object::load(pin.address(), 0)
}

/// The jet that stands for this pinned law, if there is one. That of a frozen pin is looked up by
/// its hash each time.
#[inline(always)]
pub(crate) fn jet(pin: Word, jets: &JetTable) -> Option<u32> {
    if range::is_frozen(pin.address()) {
        return frozen_jet(pin.address(), jets);
    }
    let facts = object::load_raw(pin.address(), FACTS);
    ((facts >> 32) as u32).checked_sub(1)
}

/// The jet of a frozen pin, whose hash is always there.
fn frozen_jet(address: usize, jets: &JetTable) -> Option<u32> {
    record::touch(address);
    jets.find_key(object::raw_words(address, 1, 4).as_array()?)
}

/// Records the jet.
pub(crate) fn set_jet(pin: Word, jet: u32) {
    let address = pin.address();
    let facts = object::load_raw(address, FACTS);
    object::store_raw(address, FACTS, (facts & 0xffff_ffff) | (u64::from(jet + 1) << 32));
}

/// The address of the same pin in a pin space, if it is known to be in one.
#[inline(always)]
pub(crate) fn twin(pin: Word) -> Option<usize> {
    let address = pin.address();
    if range::is_frozen(address) {
        return Some(address);
    }
    match object::load_raw(address, TWIN) {
        0 => None,
        twin => Some(twin as usize),
    }
}

/// Notes that a pin of the heap has been frozen: the next collection takes the frozen one instead.
pub(crate) fn set_twin(pin: Word, frozen: usize) {
    if !range::is_frozen(pin.address()) {
        object::store_raw(pin.address(), TWIN, frozen as u64);
    }
}

/// The pin's hash, computing it and those of the pins below it that it needs.
///
/// # Errors
/// [`Stop::TooLarge`] and [`Stop::Interrupted`].
pub(crate) fn hash(pin: PinRef<'_>) -> Result<Hash, Stop> {
    match known_hash(pin.0.word) {
        Some(hash) => Ok(hash),
        None => crate::hash::hash_pins(pin),
    }
}
