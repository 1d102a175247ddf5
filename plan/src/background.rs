//! Freezing a value on a thread of its own, while the heap that it is on goes on.
//!
//! The heap lends its old objects ([`OldSpaceLoan`]; the module [`crate::heap`] has the argument why
//! that is sound). The thread reads the value through the memory of an empty heap, and freezes it as
//! [`crate::freeze`] always does: it hashes the pins, copies them, and notes the frozen copies in
//! the originals.
//!
//! # Safety
//!
//! A word is passed to another thread, and to the memory of another heap. Both is sound while the
//! loan lasts: the word's object and all objects below are live, do not move, and are not written to
//! except in the words that the loan lists. Functions that read a value through a [`Ref`] use its
//! memory for three things beside the objects: the interrupt, the pin spaces, and checks in debug
//! builds, which [`HeapMemory::reader`] does not make.

use crate::error::EvalError;
use crate::freeze::{self, FreezeError};
use crate::heap::{HeapHost, HeapMemory, OldSpaceLoan, RawHeap, Val};
use crate::pinspace::attached::ReaderSpaces;
use crate::pinspace::{FrozenPin, PinSpace};
use crate::value_ref::Ref;
use crate::view::PinRef;
use crate::word::Word;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// A pin on a heap that has lent its old objects.
struct LentPin {
    word: Word,
    /// The pin spaces that the pin may point into.
    spaces: ReaderSpaces,
    /// Fields are dropped in this order, so the loan ends last.
    _loan: OldSpaceLoan,
}

/// Freezes a pin in normal form on another thread, which calls `then` with the result.
///
/// # Errors
/// [`FreezeError::Thread`].
pub(crate) fn start<H: HeapHost + ?Sized>(
    heap: &mut RawHeap<H>,
    pin: &Val,
    space: &Arc<PinSpace>,
    then: impl FnOnce(Result<FrozenPin, FreezeError>) + Send + 'static,
) -> Result<JoinHandle<()>, FreezeError> {
    let loan = heap.lend_old();
    let pin = LentPin { word: heap.word(pin), spaces: heap.spaces.for_reader(), _loan: loan };
    let space = Arc::clone(space);
    let freezes = move || {
        let result = pin.freeze(&space);
        // The heap's full collections do not wait for what follows.
        drop(space);
        then(result);
    };
    Ok(thread::Builder::new().name("pallas-freeze".into()).spawn(freezes)?)
}

impl LentPin {
    /// Freezes the pin, and ends the loan.
    fn freeze(self, space: &Arc<PinSpace>) -> Result<FrozenPin, FreezeError> {
        let mut reader = HeapMemory::reader()?;
        let interrupt = reader.interrupt.clone();
        reader.spaces.attach_for_reader(self.spaces, &interrupt);
        let address = freeze::freeze(PinRef(Ref::new(self.word, &reader)), space);
        reader.spaces.check(&interrupt).map_err(EvalError::from)?;
        // SAFETY: `freeze` returns the address of a pin that the space has just stored, or already
        // had.
        Ok(unsafe { space.at_unverified(address?) })
    }
}

#[cfg(test)]
mod tests;
