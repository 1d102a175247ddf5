//! PLAN's values. The central type is [`Heap`]: values go in by a [`Builder`] (or as bytes by
//! [`seed::load`]), are held as [`Val`], and are looked at as [`Ref`].
//!
//! Nothing here knows of evaluation, of jets, of printing, or of compiled code: an evaluator owns a heap,
//! and supplies its own roots to the collector ([`raw::Host`]). Nothing here knows of disks either,
//! beyond the mapping of files of pins ([`pinspace`]).
//!
//! ```text
//! values            Heap: the safe interface
//! image  freeze     a value in one mapped file; from a heap into a pin space
//! seed  plain       values as bytes; as the specification's terms
//! build             making values
//! law  search       laws in their shapes; keys among keys
//! order             PLAN's total order
//! hash              what values are hashed to
//! walk              a value from the outside in
//! view  tree        looking at values; long rows and sets in parts
//! shape             which shape an application takes
//! nat  bar  pin     naturals; bytes; pins
//! heap              memory, collector, evaluation stack
//! pinspace          pins that are shared or kept, mapped as they are
//! word  layout      the value word; objects
//! ```
//!
//! A module uses those on its own line and below.
//!
//! # Threads
//!
//! A heap belongs to the thread that made it, and so do its values. What is handed to another thread is
//! handed as bytes ([`seed`]) or as a frozen pin ([`pinspace::Frozen`]).

mod bar;
mod build;
mod digest;
mod error;
mod freeze;
mod hash;
mod heap;
pub mod image;
mod interrupt;
mod law;
mod layout;
mod map;
mod nat;
mod order;
mod pin;
pub mod pinspace;
#[cfg(any(test, feature = "spec"))]
pub mod plain;
#[cfg(test)]
mod samples;
mod search;
pub mod seed;
mod shape;
mod tree;
mod values;
mod view;
mod walk;
mod word;

pub use build::Builder;
pub use digest::{Hash, ParseHashError};
pub use error::EvalError;
pub use freeze::FreezeError;
pub use heap::{Options, Statistics, Val};
pub use map::Map;
pub use nat::{NatRef, Natural, limbs};
pub use tree::Items;
pub use values::Heap;
pub use view::{AppRef, LawRef, PinRef, Ref, Shape};
pub use walk::{PinCounting, is_larger_than};

/// Words, objects and what works on them: for evaluators, printers and others that cannot go through
/// [`Heap`].
///
/// These functions are reached with a [`RawHeap`](raw::RawHeap), or the [`Memory`](raw::Memory) in it: who
/// makes one promises, for all code that gets it, to keep to its [contract](raw::RawHeap#contract).
pub mod raw {
    pub use crate::build::make_pin;
    pub use crate::hash::hash_if_small;
    pub use crate::heap::{
        CodeMarker, Collection, Draft, HeapFull, Host, Memory, NoHost, Object, RawHeap, Stack,
        offset,
    };
    pub use crate::interrupt::{Interrupt, Interrupted};
    pub use crate::layout::{Header, Layout};
    pub use crate::nat::{cast, large};
    pub use crate::order::{compare, equal, try_compare, try_equal};
    pub use crate::pinspace::range::is_frozen;
    pub use crate::walk::{MAX_PARTS, is_wide_constructor};
    pub use crate::word::{COW_LIMIT, DIRECT_LIMIT, Kind, NATIVE_TAG, PINNED_TAG, Word};

    /// Bars: bytes, and room to append to them.
    pub mod bar {
        pub use crate::bar::*;
    }
    /// Making laws.
    pub mod law {
        pub use crate::law::*;
    }
    /// Sizes and places in objects.
    pub mod layout {
        pub use crate::layout::*;
    }
    /// Making nats and calculating with them.
    pub mod nat {
        pub use crate::nat::*;
    }
    /// Pins.
    pub mod pin {
        pub use crate::pin::*;
    }
    /// Which shape an application takes.
    pub mod shape {
        pub use crate::shape::*;
    }
    /// Long rows and sets.
    pub mod tree {
        pub use crate::tree::*;
    }
}
