//! The pin space: shared and stored pins, in the form in which they are evaluated.
//!
//! To *freeze* a pin is to copy its whole body, except the pins in it, into one contiguous range of
//! the pin space. The copy is written once, never changed, and found by its hash; it points only to
//! other frozen pins. So
//!
//! - a collector never scans it: no heap owns an address in the range;
//! - any number of heaps and threads read it without a lock;
//! - the file and the memory have the same bytes: mapping the file loads the pin.
//!
//! ```text
//! attached   the pin spaces that a heap may point into
//! in_memory  a pin space in memory
//! space      PinSpace, its backing, and frozen pins
//! references which pins are in use: a survey of heaps and held pins
//! record     the format of one frozen pin, and its check
//! range      the fixed range of addresses; slots, each with one mapped file
//! fault      why a pin cannot be used
//!
//! above the heap:
//! crate::freeze  from a heap into a pin space
//! crate::image   a pin space in one file
//! ```
//!
//! A damaged pin ends the evaluation that reads it
//! ([`EvalError::Damaged`](crate::EvalError::Damaged)), before anything in the pin is used: a record
//! is read and checked by calls when the process first needs its pin. What becomes unreadable after
//! that ends the evaluation too, by way of [`crate::page_fault`].
//!
//! This module does not depend on stores: a [`PinSpaceBacking`] stores the bytes. A [`FrozenPin`]
//! holds a frozen pin outside of a heap, and can be sent to another thread. `FORMAT.md` describes
//! the bytes.

#[allow(unsafe_code, reason = "reads records in slots that an attached pin space keeps claimed")]
pub(crate) mod attached;
mod fault;
#[allow(unsafe_code, reason = "implements the unsafe trait `Backing`")]
mod in_memory;
#[allow(unsafe_code, reason = "maps memory at fixed addresses")]
pub mod range;
#[allow(unsafe_code, reason = "reads records by address")]
pub(crate) mod record;
mod references;
#[allow(unsafe_code, reason = "declares `Backing`, whose contract makes frozen addresses readable")]
pub(crate) mod space;

pub use self::attached::DamagedPin;
pub use self::fault::PinFault;
pub use self::in_memory::{PinFile, nameless};
pub use self::range::{PinSpaceId, RangeError, RangeSlot, SlotFile, SlotReader};
pub use self::references::HeapReferences;
pub use self::space::{BackingError, FORMAT_VERSION, FrozenPin, NewPin, PinSpace, PinSpaceBacking};

/// The number of words of the pin object at the start of a record. The other objects of the pin
/// follow, the item's first.
pub const RECORD_WORDS: usize = record::LINE_WORDS;

#[cfg(test)]
#[allow(unsafe_code, reason = "the tests damage records behind the back of a pin space")]
mod tests;
