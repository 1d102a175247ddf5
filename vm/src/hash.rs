//! The hash of a value.

use crate::{PinRef, Ref};

/// A BLAKE3 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

pub(crate) fn hash(_value: Ref<'_>) -> Hash {
    Hash([0; 32])
}

pub(crate) fn hash_pins(_pin: PinRef<'_>) -> Hash {
    Hash([0; 32])
}
