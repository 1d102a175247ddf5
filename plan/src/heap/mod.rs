//! The heap: memory for the values of one running thing, and its collector.
//!
//! Objects are born in a *nursery* by bumping a pointer. When it is full, what is still reachable
//! is kept in it once, and copied into the *old space* the next time; when the old space has doubled
//! since it was last looked at, everything reachable is copied into a new one. No heap knows of
//! another, so collecting one stops nobody else.
//!
//! Roots are the evaluation stack, the slots behind [`Val`] handles, the remembered set (old objects
//! that were written to) and what the [`Host`] holds: an evaluator's constants and frames.
//!
//! # Who may hold a word
//!
//! [`RawHeap::reserve`] is the only place where a collection happens. Code reserves what it needs,
//! then reads its operands from the stack, then allocates; no word may live in a Rust local across
//! a `reserve`. The stress mode ([`Options::stress`]) collects at each of them.
//!
//! ```text
//! collect     the two collections
//! raw         RawHeap: memory and its host; reserving room
//! host        what the owner of a heap supplies
//! collection  one collection under way
//! memory      Memory: allocate, read, write
//! handles     Val: a handle that keeps a value alive from outside
//! stack       the evaluation stack
//! nursery     eden, survivors
//! space       blocks of memory, old space
//! object      raw access, checked views
//! options     sizes, counters
//! ```

mod collect;
mod collection;
mod handles;
mod host;
mod memory;
mod nursery;
mod object;
mod options;
mod raw;
mod space;
mod stack;

pub use self::collection::{CodeMarker, Collection};
pub use self::handles::Val;
pub use self::host::{Host, NoHost};
pub use self::memory::{Memory, offset};
pub use self::object::{Draft, Object};
pub use self::options::{Options, Statistics};
pub use self::raw::{HeapFull, RawHeap};
pub use self::stack::Stack;

#[cfg(test)]
mod tests;
