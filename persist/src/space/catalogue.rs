//! The catalogue: which pins there are, where, and which others each refers to.
//!
//! A journal, like that of events, whose payloads are *groups*: the pins that were committed together.
//! A group is written after the bodies it tells of are durable, so a pin in the catalogue is whole.
//! Following edges takes the catalogue alone, and no body is read.
//!
//! ```text
//! group   slot: 8 | end: 8 | count: 8 | entries
//! entry   hash: 32 | address: 8 | bytes: 8 | n edges: 8 | n addresses of 8
//! ```

use crate::Hash;
use crate::frame::{array, u64_at};
use crate::segment::Family;

/// The catalogue's files.
pub(crate) const CATALOGUE: Family =
    Family { dir: "catalogue", ending: ".cat", magic: *b"PALLASCT", item: "group" };

const HEAD: usize = 24;
const ENTRY: usize = 56;

/// A pin, as the catalogue tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its hash.
    pub hash: Hash,
    /// Its address.
    pub address: u64,
    /// The bytes that it takes.
    pub bytes: u64,
    /// The addresses of the pins that it refers to.
    pub edges: Vec<u64>,
}

/// How far bodies have been written: a slot, and the offset in its file behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) slot: u64,
    pub(crate) offset: u64,
}

/// A group that is being gathered.
#[derive(Default)]
pub(crate) struct Group {
    entries: Vec<u8>,
    count: u64,
}

impl Group {
    pub(crate) fn add(&mut self, entry: &Entry) {
        self.entries.extend(entry.hash);
        let numbers = [entry.address, entry.bytes, entry.edges.len() as u64];
        for number in numbers.iter().chain(&entry.edges) {
            self.entries.extend(number.to_le_bytes());
        }
        self.count += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Its bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Its payload in two parts.
    pub(crate) fn encode(&self, end: End) -> ([u8; HEAD], &[u8]) {
        let mut head = [0; HEAD];
        for (at, number) in [end.slot, end.offset, self.count].into_iter().enumerate() {
            head[8 * at..8 * at + 8].copy_from_slice(&number.to_le_bytes());
        }
        (head, &self.entries)
    }
}

/// Takes a payload apart; `None` if it is none.
pub(crate) fn decode(payload: &[u8]) -> Option<(End, Vec<Entry>)> {
    let (head, mut rest) = payload.split_at_checked(HEAD)?;
    let end = End { slot: u64_at(head, 0), offset: u64_at(head, 8) };
    let mut entries = Vec::new();
    for _ in 0..u64_at(head, 16) {
        let (fixed, more) = rest.split_at_checked(ENTRY)?;
        let length = usize::try_from(u64_at(fixed, 48)).ok()?.checked_mul(8)?;
        let (edges, more) = more.split_at_checked(length)?;
        entries.push(Entry {
            hash: array(fixed, 0),
            address: u64_at(fixed, 32),
            bytes: u64_at(fixed, 40),
            edges: edges.chunks_exact(8).map(|edge| u64_at(edge, 0)).collect(),
        });
        rest = more;
    }
    rest.is_empty().then_some((end, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_what_was_put_in() {
        let entry = |edges| Entry { hash: [7; 32], address: 64, bytes: 128, edges };
        let entries = vec![entry(vec![]), entry(vec![1, 2, 3])];
        let mut group = Group::default();
        entries.iter().for_each(|entry| group.add(entry));
        let end = End { slot: 3, offset: 192 };
        let (head, rest) = group.encode(end);
        let bytes = [&head, rest].concat();
        assert_eq!(decode(&bytes), Some((end, entries)));
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None);
        }
        assert_eq!(decode(&[bytes, vec![0]].concat()), None);
    }
}
