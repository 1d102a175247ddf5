//! Nats: reading, arithmetic and construction.
//!
//! A nat below 2^63 is its word; a larger one is an object of limbs, least significant first,
//! without a leading zero limb. Text is a nat too: its bytes, the first one least significant.
//!
//! ```text
//! view        NatRef: a nat, read in place
//! limbs       arithmetic on slices of limbs: operands and result on the heap
//! make        nats from limbs and bytes, written in place
//! operations  operations on short nats that cannot collect
//! large       products, quotients and powers of many limbs, by malachite, in interruptible steps
//! ```
//!
//! Operations that take time in proportion to their operands work in place, on the heap. Products,
//! quotients and powers of many limbs use malachite, whose algorithms are faster there; [`large`]
//! gives the limit.

pub mod large;
pub mod limbs;
mod make;
pub mod operations;
mod view;

pub(crate) use self::make::fill_nat;
pub use self::make::{NatDraft, cast, from_bytes, from_limbs, increment, predecessor};
pub use self::view::NatRef;

/// The arbitrary-precision naturals that nats are converted to and from.
pub use malachite_nz::natural::Natural;
