//! [`HashIndex`]: the numbers of jets by the hash of their law.
//!
//! Most look-ups find nothing, and nearly all others hit the first slot. The hashes are
//! cryptographic, so their first word serves as the table's hash.

use plan::Hash;

/// A hash as four little-endian words, as pins store it.
pub(crate) type HashWords = [u64; 4];

/// An open-addressing hash table with linear probing, at most half full.
#[derive(Default)]
pub(super) struct HashIndex {
    /// Hashes and the numbers of their jets plus one; 0 in an empty slot.
    slots: Vec<(HashWords, u32)>,
    used: usize,
}

/// The words of a hash.
pub(crate) fn key(hash: &Hash) -> HashWords {
    let mut key = HashWords::default();
    for (word, bytes) in key.iter_mut().zip(hash.0.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    key
}

impl HashIndex {
    /// Adds a jet; it replaces another one with the same hash.
    pub(super) fn insert(&mut self, hash: &Hash, jet: u32) {
        if self.slots.len() <= 2 * self.used + 1 {
            let size = (4 * (self.used + 1)).next_power_of_two();
            let before = std::mem::replace(&mut self.slots, vec![(HashWords::default(), 0); size]);
            self.used = 0;
            for (key, number) in before.into_iter().filter(|(_, number)| *number > 0) {
                self.store(&key, number);
            }
        }
        self.store(&key(hash), jet + 1);
    }

    /// Stores a number in the slot of a hash.
    fn store(&mut self, key: &HashWords, number: u32) {
        let mut at = self.start(key);
        while self.slots[at].1 > 0 && self.slots[at].0 != *key {
            at = self.next(at);
        }
        self.used += usize::from(self.slots[at].1 == 0);
        self.slots[at] = (*key, number);
    }

    /// The number of the jet with that hash, if there is one.
    #[inline]
    pub(super) fn find(&self, key: &HashWords) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.start(key);
        loop {
            let (other, number) = &self.slots[at];
            if *number == 0 || other == key {
                return number.checked_sub(1);
            }
            at = self.next(at);
        }
    }

    fn start(&self, key: &HashWords) -> usize {
        key[0] as usize & (self.slots.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_however_it_collides() {
        let mut index = HashIndex::default();
        assert_eq!(index.find(&[7, 0, 0, 0]), None);
        let hash = |n: u64| {
            let mut bytes = [0; 32];
            // The first words differ in two bits only, so most insertions collide.
            bytes[0] = (n % 3) as u8;
            bytes[8..16].copy_from_slice(&n.to_le_bytes());
            Hash(bytes)
        };
        (0..200).for_each(|n| index.insert(&hash(n), n as u32));
        index.insert(&hash(5), 777);
        for n in 0..200 {
            let expected = if n == 5 { 777 } else { n as u32 };
            assert_eq!(index.find(&key(&hash(n))), Some(expected));
        }
        assert_eq!(index.find(&key(&hash(200))), None);
        assert_eq!(index.used, 200);
    }
}
