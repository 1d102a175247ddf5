//! PLAN values. The central type is [`Heap`]: a [`ValueBuilder`] (or [`seed::load`], from bytes)
//! makes a value in it, a [`Val`] keeps the value alive from outside, and a [`Ref`] looks at it.
//!
//! This crate does not depend on evaluation, jets, printing or compiled code. An evaluator owns a
//! heap and supplies its own roots to the collector through [`raw::HeapHost`]. The crate does no
//! file handling beyond mapping files of pins ([`pinspace`]).
//!
//! ```text
//! image                      a value in one mapped file
//! values                     Heap: the safe interface
//! background                 freezing on another thread
//! lent_references            what a heap refers to in a pin space, on another thread
//! freeze   seed   plain      into a pin space; as bytes; as the specification's terms
//! build                      construction of values
//! law      search            laws in their shapes; keys of sets
//! order                      PLAN's total order
//! hash                       hashes of values
//! walk                       traversal from the outside in
//! view                       read access to values: shapes
//! pin                        pins
//! shape                      the shape of an application
//! bar_row                    rows of bars
//! tree                       long rows and sets
//! value_ref  nat  bar        borrowed values; naturals; bytes
//! error                      why an evaluation ended
//! heap                       memory, collector, evaluation stack
//! pinspace                   shared and stored pins, mapped in their evaluated form
//! word  layout  digest       the value word; objects; the hash type
//! interrupt  map  visited    stop requests; hash maps; sets of objects
//! platform                   what differs between operating systems
//! ```
//!
//! A module depends only on modules on its own line and below.
//!
//! # Threads
//!
//! A heap and its values belong to the thread that created the heap. A value goes to another thread
//! as bytes ([`seed`]) or as a frozen pin ([`pinspace::FrozenPin`]). [`Heap::freeze_in_background`]
//! makes a frozen pin on a thread of its own, and [`Heap::lend_references`] has another thread find out
//! what a heap refers to in a pin space.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "sends the word of a value that a heap has lent to another thread")]
mod background;
mod bar;
mod bar_row;
mod build;
mod digest;
mod error;
mod freeze;
mod hash;
mod heap;
#[allow(unsafe_code, reason = "backs a pin space with a mapped file")]
pub mod image;
mod interrupt;
mod law;
mod layout;
mod lent_references;
mod map;
mod nat;
mod order;
#[allow(unsafe_code, reason = "handles signals and replaces lost pages of mapped files")]
pub mod page_fault;
mod pin;
pub mod pinspace;
#[cfg(any(test, feature = "spec"))]
pub mod plain;
#[allow(unsafe_code, reason = "calls the operating system")]
pub mod platform;
#[cfg(test)]
mod samples;
mod search;
pub mod seed;
mod shape;
mod tree;
mod value_ref;
#[allow(unsafe_code, reason = "converts between `Heap` and `RawHeap` references")]
mod values;
mod view;
mod visited;
mod walk;
mod word;

pub use build::ValueBuilder;
pub use digest::{Hash, ParseHashError};
pub use error::EvalError;
pub use freeze::FreezeError;
pub use heap::{CollectionReport, HeapOptions, HeapStatistics, Val};
pub use interrupt::InterruptHandle;
pub use lent_references::LentReferences;
pub use map::Map;
pub use nat::{NatRef, Natural, limbs};
pub use order::{ComparisonObstacle, EqualPairs};
pub use tree::Items;
pub use value_ref::Ref;
pub use values::Heap;
pub use view::{AppRef, LawRef, PinRef, Shape};
pub use walk::{PinCounting, is_larger_than, takes_more_words_than};

/// Words, objects and the functions that work on them, for callers that [`Heap`] is too restrictive
/// for: evaluators and printers.
///
/// A function here takes a [`RawHeap`](raw::RawHeap) or the [`HeapMemory`](raw::HeapMemory) in it.
/// The code that creates the heap promises, for all code that gets a reference to it, to keep its
/// [contract](raw::RawHeap#contract).
pub mod raw {
    pub use crate::build::make_pin;
    pub use crate::hash::hash_within_words;
    pub use crate::heap::{
        CodeMarker, Collection, EvalStack, HeapFull, HeapHost, HeapMemory, NoHost, ObjectDraft,
        ObjectRef, RawHeap, offset,
    };
    pub use crate::interrupt::{Interrupt, Interrupted};
    pub use crate::layout::{ObjectHeader, ObjectLayout};
    pub use crate::nat::{cast, large};
    pub use crate::order::{compare, equal, try_compare, try_equal};
    pub use crate::pinspace::range::is_frozen;
    pub use crate::walk::{MAX_PARTS, is_wide_constructor};
    pub use crate::word::{COW_LIMIT, DIRECT_LIMIT, NATIVE_TAG, PINNED_TAG, Word, WordKind};

    /// Bars: byte strings, some with capacity to append.
    pub mod bar {
        pub use crate::bar::*;
        pub use crate::bar_row::*;
    }
    /// Construction of laws.
    pub mod law {
        pub use crate::law::*;
    }
    /// Sizes and field offsets of objects.
    pub mod layout {
        pub use crate::layout::*;
    }
    /// Construction of nats and arithmetic on them.
    pub mod nat {
        pub use crate::nat::*;
    }
    /// Pins.
    pub mod pin {
        pub use crate::pin::*;
    }
    /// The shape of an application.
    pub mod shape {
        pub use crate::shape::*;
    }
    /// Long rows and sets.
    pub mod tree {
        pub use crate::tree::*;
    }
}
