//! [`NatRef`]: a nat, read in place.

use super::limbs;
use crate::heap::HeapMemory;
use crate::word::{DIRECT_LIMIT, Word, WordKind};
use malachite_nz::natural::Natural;
use std::cmp::Ordering;

/// A nat, read in place.
#[derive(Clone, Copy, Debug)]
pub enum NatRef<'h> {
    /// A nat below 2^63.
    Small(u64),
    /// The limbs of a nat of 2^63 or more, least significant first; the last is not zero.
    Limbs(&'h [u64]),
}

impl<'h> NatRef<'h> {
    /// Returns the nat of a word.
    ///
    /// # Panics
    /// If the word is not a nat.
    #[inline(always)]
    pub fn of(heap: &'h HeapMemory, word: Word) -> NatRef<'h> {
        match word.kind() {
            WordKind::Nat => NatRef::Small(word.raw()),
            WordKind::Big => {
                let object = heap.object(word);
                NatRef::Limbs(object.raw_words(0, object.size()))
            }
            kind => unreachable!("a {kind:?} is not a nat"),
        }
    }

    /// Returns the nat with these limbs, least significant first; the most significant limbs may be
    /// zero.
    #[inline(always)]
    pub fn from_limbs(limbs: &'h [u64]) -> NatRef<'h> {
        match limbs::trimmed(limbs) {
            [] => NatRef::Small(0),
            [limb] if *limb < DIRECT_LIMIT => NatRef::Small(*limb),
            used => NatRef::Limbs(used),
        }
    }

    /// Returns the number, if it is below 2^64.
    #[inline(always)]
    pub fn to_u64(self) -> Option<u64> {
        match self {
            NatRef::Small(n) => Some(n),
            NatRef::Limbs([limb]) => Some(*limb),
            NatRef::Limbs(_) => None,
        }
    }

    /// Returns the number, or 2^64 - 1 if it is larger.
    #[inline]
    pub fn saturating_u64(self) -> u64 {
        self.to_u64().unwrap_or(u64::MAX)
    }

    /// Whether the number is 0.
    #[inline(always)]
    pub fn is_zero(self) -> bool {
        matches!(self, NatRef::Small(0))
    }

    /// Returns the number with arbitrary precision.
    pub fn to_natural(self) -> Natural {
        match self {
            NatRef::Small(n) => Natural::from(n),
            NatRef::Limbs(limbs) => Natural::from_limbs_asc(limbs),
        }
    }

    /// Returns the number's 64-bit limbs, least significant first; none for 0.
    #[inline(always)]
    pub fn limbs(&self) -> &[u64] {
        match self {
            NatRef::Small(0) => &[],
            NatRef::Small(n) => std::slice::from_ref(n),
            NatRef::Limbs(limbs) => limbs,
        }
    }

    /// Compares two nats.
    #[inline(always)]
    pub fn compare(self, other: NatRef<'_>) -> Ordering {
        limbs::compare_trimmed(self.limbs(), other.limbs())
    }

    /// Returns the number of significant bits; 0 for 0.
    #[inline]
    pub fn bits(&self) -> u64 {
        limbs::bits(self.limbs())
    }

    /// Returns the number of significant bytes; 0 for 0.
    #[inline]
    pub fn byte_count(&self) -> u64 {
        self.bits().div_ceil(8)
    }

    /// Returns the number's significant bytes, least significant first; none for 0.
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
            // A byte above the significant ones is 0, which is UTF-8.
            NatRef::Small(n) => std::str::from_utf8(&n.to_le_bytes()).is_ok(),
            NatRef::Limbs(_) => std::str::from_utf8(&self.bytes()).is_ok(),
        }
    }

    /// Returns the text whose UTF-8 bytes are the number's, if there is one.
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
        self.compare(*other)
    }
}
