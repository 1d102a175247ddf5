//! Jets by the hash of their law.
//!
//! A frozen pin cannot hold the number of its jet, so that is looked for at every call of one: most
//! often in vain, or else where it is expected first. Hashes are as good as random, so their first
//! word says where.

use plan::Hash;

/// A hash as four words, as pins hold it.
pub(crate) type Key = [u64; 4];

/// A hash table that is at most half full, with entries that do not fit moved to the next place.
#[derive(Default)]
pub(super) struct HashIndex {
    /// Hashes and the numbers of their jets, plus one; 0 where there is none.
    places: Vec<(Key, u32)>,
    used: usize,
}

/// The words of a hash.
pub(crate) fn key(hash: &Hash) -> Key {
    let mut key = Key::default();
    for (word, bytes) in key.iter_mut().zip(hash.0.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    key
}

impl HashIndex {
    /// Adds a jet, or puts it in the place of another one with that hash.
    pub(super) fn insert(&mut self, hash: &Hash, jet: u32) {
        if self.places.len() <= 2 * self.used + 1 {
            let size = (4 * (self.used + 1)).next_power_of_two();
            let before = std::mem::replace(&mut self.places, vec![(Key::default(), 0); size]);
            self.used = 0;
            for (key, number) in before.into_iter().filter(|(_, number)| *number > 0) {
                self.place(&key, number);
            }
        }
        self.place(&key(hash), jet + 1);
    }

    fn place(&mut self, key: &Key, number: u32) {
        let mut at = self.start(key);
        while self.places[at].1 > 0 && self.places[at].0 != *key {
            at = self.next(at);
        }
        self.used += usize::from(self.places[at].1 == 0);
        self.places[at] = (*key, number);
    }

    /// The number of the jet with that hash.
    #[inline]
    pub(super) fn find(&self, key: &Key) -> Option<u32> {
        if self.places.is_empty() {
            return None;
        }
        let mut at = self.start(key);
        loop {
            let (other, number) = &self.places[at];
            if *number == 0 || other == key {
                return number.checked_sub(1);
            }
            at = self.next(at);
        }
    }

    fn start(&self, key: &Key) -> usize {
        key[0] as usize & (self.places.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
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
            // All begin alike but for a few bits, so most are moved on.
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
