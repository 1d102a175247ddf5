//! [`NatRef`]: a nat, read where it lies.

use super::limbs;
use crate::heap::Memory;
use crate::word::{DIRECT_LIMIT, Kind, Word};
use malachite_nz::natural::Natural;
use std::cmp::Ordering;

/// A nat, read in place.
#[derive(Clone, Copy, Debug)]
pub enum NatRef<'h> {
    /// One below 2^63.
    Small(u64),
    /// The limbs of one of 2^63 or more, least first; the last is not zero.
    Limbs(&'h [u64]),
}

impl<'h> NatRef<'h> {
    /// The nat that a word is.
    ///
    /// # Panics
    /// If the word is no nat.
    #[inline]
    pub fn of(heap: &'h Memory, word: Word) -> NatRef<'h> {
        match word.kind() {
            Kind::Nat => NatRef::Small(word.raw()),
            Kind::Big => {
                let object = heap.object(word);
                NatRef::Limbs(object.raw_words(0, object.size()))
            }
            kind => unreachable!("a {kind:?} is not a nat"),
        }
    }

    /// The nat with these limbs, least first; leading zero limbs do not matter.
    pub fn from_limbs(limbs: &'h [u64]) -> NatRef<'h> {
        match limbs::trimmed(limbs) {
            [] => NatRef::Small(0),
            [limb] if *limb < DIRECT_LIMIT => NatRef::Small(*limb),
            used => NatRef::Limbs(used),
        }
    }

    /// The number, if it is below 2^64.
    pub fn to_u64(self) -> Option<u64> {
        match self {
            NatRef::Small(n) => Some(n),
            NatRef::Limbs([limb]) => Some(*limb),
            NatRef::Limbs(_) => None,
        }
    }

    /// The number, or 2^64 - 1 if it is larger.
    pub fn saturating_u64(self) -> u64 {
        self.to_u64().unwrap_or(u64::MAX)
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        matches!(self, NatRef::Small(0))
    }

    /// The number as an arbitrary-precision one.
    pub fn to_natural(self) -> Natural {
        match self {
            NatRef::Small(n) => Natural::from(n),
            NatRef::Limbs(limbs) => Natural::from_limbs_asc(limbs),
        }
    }

    /// The number's 64-bit limbs, least first, none for 0.
    pub fn limbs(&self) -> &[u64] {
        match self {
            NatRef::Small(0) => &[],
            NatRef::Small(n) => std::slice::from_ref(n),
            NatRef::Limbs(limbs) => limbs,
        }
    }

    /// How many bits the number has; 0 for 0.
    pub fn bits(&self) -> u64 {
        limbs::bits(self.limbs())
    }

    /// How many bytes the number has; 0 for 0.
    pub fn byte_count(&self) -> u64 {
        self.bits().div_ceil(8)
    }

    /// The number's bytes, least first, without trailing zeroes; none for 0.
    pub fn bytes(&self) -> Vec<u8> {
        if let NatRef::Small(n) = self {
            let count = 8 - n.leading_zeros() / 8;
            return n.to_le_bytes()[..count as usize].to_vec();
        }
        let mut bytes = vec![0; self.byte_count() as usize];
        limbs::to_bytes(&mut bytes, self.limbs());
        bytes
    }

    /// Whether the number's bytes are UTF-8, so that it has a [text](NatRef::text).
    pub fn is_text(&self) -> bool {
        match self {
            // A nat of 8 bytes has no zero at its end, and zeroes are UTF-8.
            NatRef::Small(n) => std::str::from_utf8(&n.to_le_bytes()).is_ok(),
            NatRef::Limbs(_) => std::str::from_utf8(&self.bytes()).is_ok(),
        }
    }

    /// The text that the number's bytes spell, if they are UTF-8.
    pub fn text(&self) -> Option<String> {
        String::from_utf8(self.bytes()).ok()
    }
}

impl PartialEq for NatRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.limbs() == other.limbs()
    }
}

impl Eq for NatRef<'_> {}

impl PartialOrd for NatRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NatRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        limbs::compare(self.limbs(), other.limbs())
    }
}
