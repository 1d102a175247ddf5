//! Nats: reading them in place, and making them from numbers and bytes.
//!
//! A nat below 2^63 is its word; a larger one is an object of limbs, least first, with no leading
//! zero limb. Text is a nat too: its bytes, the first one least.

use crate::heap::object;
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
    pub(crate) fn of(word: Word) -> NatRef<'h> {
        match word.kind() {
            Kind::Nat => NatRef::Small(word.raw()),
            Kind::Big => {
                let size = object::header(word.address()).size();
                NatRef::Limbs(object::raw_words(word.address(), 0, size))
            }
            kind => unreachable!("a {kind:?} is not a nat"),
        }
    }

    /// The nat with these limbs, least first; leading zero limbs do not matter.
    pub fn from_limbs(limbs: &'h [u64]) -> NatRef<'h> {
        let used = limbs.iter().rposition(|&limb| limb != 0).map_or(0, |last| last + 1);
        match &limbs[..used] {
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

    /// The limbs of the number below it, which it must have: least first, without leading zeroes.
    pub(crate) fn predecessor(&self) -> Vec<u64> {
        let mut limbs = self.limbs().to_vec();
        for limb in &mut limbs {
            let borrow = *limb == 0;
            *limb = limb.wrapping_sub(1);
            if !borrow {
                break;
            }
        }
        trim(&mut limbs);
        limbs
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
        match self.limbs() {
            [] => 0,
            [rest @ .., last] => 64 * rest.len() as u64 + u64::from(64 - last.leading_zeros()),
        }
    }

    /// The number's bytes, least first, without trailing zeroes; none for 0.
    pub fn bytes(&self) -> Vec<u8> {
        let limbs = self.limbs();
        let mut bytes = Vec::with_capacity(8 * limbs.len());
        limbs.iter().for_each(|limb| bytes.extend_from_slice(&limb.to_le_bytes()));
        bytes.truncate(self.bits().div_ceil(8) as usize);
        bytes
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
        let (a, b) = (self.limbs(), other.limbs());
        a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
    }
}

/// The limbs of a little-endian number in bytes, without leading zero limbs.
pub(crate) fn limbs_of_bytes(bytes: &[u8]) -> Vec<u64> {
    let mut limbs: Vec<u64> = bytes
        .chunks(8)
        .map(|chunk| {
            let mut limb = [0; 8];
            limb[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(limb)
        })
        .collect();
    trim(&mut limbs);
    limbs
}

/// Drops leading (that is, last) zero limbs.
pub(crate) fn trim(limbs: &mut Vec<u64>) {
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
}
