//! Nats: reading them in place, calculating with them, and making them.
//!
//! A nat below 2^63 is its word; a larger one is an object of limbs, least first, with no leading
//! zero limb. Text is a nat too: its bytes, the first one least.
//!
//! ```text
//! view   NatRef: a nat where it lies
//! limbs  arithmetic on slices of limbs: from operands on the heap into a result on the heap
//! make   nats from limbs and bytes, written where they stay
//! large  products, quotients and powers of many limbs, by malachite, in steps
//! ```
//!
//! What takes time in proportion to the operands is done in place, on the heap. Products, quotients
//! and powers of many limbs are handed to malachite, whose algorithms win there; [`large`] says
//! from where on.

pub mod large;
pub mod limbs;
mod make;
mod view;

pub(crate) use self::make::fill_nat;
pub use self::make::{NatDraft, cast, from_bytes, from_limbs, increment, predecessor};
pub use self::view::NatRef;

/// The arbitrary-precision naturals that nats are converted to and from.
pub use malachite_nz::natural::Natural;
