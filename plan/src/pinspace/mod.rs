//! The pin space: pins that are shared or kept, in the very form in which they are evaluated.
//!
//! To *freeze* a pin is to copy its whole body, but for the pins within, into one contiguous range
//! of the pin space. That is written once, never changed, and found by its hash; it points only to
//! other frozen pins. So
//!
//! - a collector never looks inside: an address in the range is none of its own;
//! - any number of heaps and threads may read it without a lock;
//! - what is in a file is what is in memory: a pin is loaded by mapping the file.
//!
//! ```text
//! held       the pin spaces that a heap may point into
//! space      a pin space, what keeps its bytes, and frozen pins
//! in_memory  a pin space that is gone with the process
//! record     the form of one frozen pin, and its check
//! range      the fixed range of addresses; slots, each with one mapped file
//!
//! above the heap: crate::freeze (from a heap into a pin space), crate::image (a pin space in one file)
//! ```
//!
//! A damaged pin ends the evaluation that comes upon it ([`EvalError::Damaged`]), before anything in it is used.
//!
//! Nothing here knows of stores: what keeps the bytes is a [`Backing`]. [`Frozen`] is how a frozen pin
//! is held outside of a heap, and handed to another thread. `FORMAT.md` has the bytes.

#[allow(unsafe_code, reason = "reads records in slots that an attached pin space keeps claimed")]
pub(crate) mod attached;
#[allow(unsafe_code, reason = "implements the unsafe trait `Backing`")]
mod in_memory;
#[allow(unsafe_code, reason = "maps memory at fixed addresses")]
pub mod range;
#[allow(unsafe_code, reason = "reads records by address")]
pub(crate) mod record;
#[allow(unsafe_code, reason = "declares `Backing`, whose contract makes frozen addresses readable")]
pub(crate) mod space;

pub use self::in_memory::{PinFile, nameless};
pub use self::range::{Owner, RangeError, Slot};
pub use self::space::{Backing, BackingError, FORMAT_VERSION, Frozen, NewPin, PinSpace};

/// Words of the pin that a record begins with; the objects of what is pinned follow, the item first.
pub const RECORD_WORDS: usize = record::LINE_WORDS;

#[cfg(test)]
#[allow(unsafe_code, reason = "the tests damage records behind the back of a pin space")]
mod tests;
