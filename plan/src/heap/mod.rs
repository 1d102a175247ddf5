//! The heap: memory for the values of one evaluator, and its collector.
//!
//! Objects are allocated in a *nursery* by bumping a pointer. When it is full, reachable objects
//! stay in it for one collection and are copied into the *old space* by the next. When the old
//! space has doubled since the last full collection, everything reachable is copied into a new one.
//! Heaps are independent: collecting one stops no other.
//!
//! Roots are the evaluation stacks (one for each evaluation that runs or is suspended), the slots
//! behind [`Val`] handles, the remembered set (old objects that young values were written into) and
//! the roots of the [`HeapHost`]: an evaluator's constants and frames.
//!
//! # How long a word is valid
//!
//! Only [`RawHeap::reserve`] collects. Code reserves the words that it needs, then reads its
//! operands from the stack, then allocates; no word may live in a Rust local across a `reserve`. In
//! stress mode ([`HeapOptions::stress`]) every `reserve` collects.
//!
//! ```text
//! collect     the two collections
//! raw         RawHeap: memory and its host; reservation of words
//! host        Host: the roots and labels that the owner of a heap supplies
//! bar_views   the sources of bar views in a full collection
//! collection  a running collection
//! memory      Memory: allocate, read, write
//! remembered  the remembered set: old objects, and cards of large ones, with young values
//! edited_row  which item of an edited row may not be normal
//! ownership   which new objects an edit may change in place
//! ownership_moves  the same in a collection
//! loan        another thread's right to read old objects
//! handles     Val: a handle that keeps a value alive from outside
//! stack       the evaluation stack
//! nursery     the young generation: eden and survivors
//! space       blocks of memory, old space
//! object      raw access to objects, and checked views of them
//! options     options and counters
//! allocation_sampler  reports of allocations, for profiles
//! sampled_allocation  the same in a heap
//! ```

mod allocation_sampler;
#[allow(unsafe_code, reason = "copies bytes of bars by address")]
mod bar_views;
#[allow(unsafe_code, reason = "scans the objects of a collection by address")]
mod collect;
#[allow(unsafe_code, reason = "moves objects by address")]
mod collection;
mod edited_row;
mod handles;
#[allow(unsafe_code, reason = "declares the unsafe trait that supplies roots")]
mod host;
mod loan;
#[allow(unsafe_code, reason = "reaches objects by the address in a word")]
mod memory;
mod nursery;
#[allow(unsafe_code, reason = "reads and writes objects by address")]
mod object;
mod options;
#[allow(unsafe_code, reason = "changes objects that one edit after the other owns")]
mod ownership;
#[allow(unsafe_code, reason = "moves objects by address")]
mod ownership_moves;
#[allow(unsafe_code, reason = "declares the unsafe constructor that carries the contract")]
mod raw;
mod remembered;
mod sampled_allocation;
#[allow(unsafe_code, reason = "allocates and maps blocks of memory")]
mod space;
#[allow(unsafe_code, reason = "maps the stack, and accesses its cells without bounds checks")]
mod stack;

pub use self::collection::{CodeMarker, Collection};
pub use self::handles::Val;
pub use self::host::{HeapHost, NoHost};
pub(crate) use self::loan::OldSpaceLoan;
pub use self::memory::{HeapMemory, offset};
pub use self::object::{ObjectDraft, ObjectRef};
pub use self::options::{CollectionReport, HeapOptions, HeapStatistics};
pub(crate) use self::ownership::EditMark;
pub use self::raw::{HeapFull, RawHeap};
pub use self::stack::EvalStack;

#[cfg(test)]
#[allow(unsafe_code, reason = "the tests promise to keep the contract of `RawHeap`")]
mod bar_view_tests;
#[cfg(test)]
#[allow(unsafe_code, reason = "the tests promise to keep the contract of `RawHeap`")]
mod selector_tests;
#[cfg(test)]
#[allow(unsafe_code, reason = "the tests promise to keep the contract of `RawHeap`")]
mod tests;
