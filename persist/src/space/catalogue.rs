//! The catalogue: which pins there are, where, and which others each refers to.
//!
//! A journal, like that of events, with payloads of three kinds. A *group* tells of pins that were
//! committed together, after their bodies are durable, so a pin in the catalogue is whole. *Gaps*
//! tell which addresses hold no pin any more: a collection writes them, before anything else it does.
//! A *copy* tells once more of pins that are still there, so that what stands before it can go.
//!
//! ```text
//! group   1: 8 | slot: 8 | end: 8 | fill: 8 | count: 8 | entries
//! gaps    2: 8 | slot: 8 | end: 8 | start: 8 | copied: 8 | count: 8 | count of (address: 8, bytes: 8)
//! copy    3: 8 | count: 8 | entries
//! entry   hash: 32 | address: 8 | bytes: 8 | n edges: 8 | n addresses of 8
//! ```
//!
//! Following edges takes the catalogue alone, and no body is read. Which of all these count is
//! for [`super::pages`].

use vm::pinspace::range::{ALIGNMENT, BASE, SIZE, SLOT_SIZE};

use super::ranges::Ranges;
use crate::Hash;
use crate::frame::{array, u64_at};
use crate::segment::Family;

/// The catalogue's files.
pub(crate) const CATALOGUE: Family =
    Family { dir: "catalogue", ending: ".cat", magic: *b"PALLASCT", item: "group" };

const GROUP: u64 = 1;
const GAPS: u64 = 2;
const COPY: u64 = 3;
/// Bytes of an entry without its edges.
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

/// An entry where it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryRef<'a>(&'a [u8]);

impl<'a> EntryRef<'a> {
    pub(crate) fn hash(self) -> Hash {
        array(self.0, 0)
    }

    pub(crate) fn address(self) -> u64 {
        u64_at(self.0, 32)
    }

    /// The bytes of its record.
    pub(crate) fn bytes(self) -> u64 {
        u64_at(self.0, 40)
    }

    pub(crate) fn edges(self) -> impl Iterator<Item = u64> + 'a {
        self.0[ENTRY..].chunks_exact(8).map(|edge| u64_at(edge, 0))
    }

    /// The bytes of the entry itself.
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn to_entry(self) -> Entry {
        let (hash, address, bytes) = (self.hash(), self.address(), self.bytes());
        Entry { hash, address, bytes, edges: self.edges().collect() }
    }

    /// Whether such a record can be.
    fn is_possible(self) -> bool {
        let (address, bytes) = (self.address(), self.bytes());
        let in_range = (BASE as u64..(BASE + SIZE) as u64).contains(&address);
        let room = SLOT_SIZE as u64 - address % SLOT_SIZE as u64;
        in_range && address.is_multiple_of(ALIGNMENT as u64) && (1..=room).contains(&bytes)
    }
}

/// How far bodies have been written: a slot, and the offset in its file behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) slot: u64,
    pub(crate) offset: u64,
}

/// How far a pin space has been filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) end: End,
    /// The address behind the last record that was put into a gap; 0 before there is one.
    pub(crate) fill: u64,
}

impl Filled {
    /// Of a pin space in which nothing was ever committed.
    pub(crate) const NONE: Self = Self { end: End { slot: 0, offset: 0 }, fill: 0 };
}

/// Entries that are being gathered.
#[derive(Default)]
pub(crate) struct Group {
    entries: Vec<u8>,
    count: u64,
}

impl Group {
    pub(crate) fn add(&mut self, entry: &Entry) {
        self.entries.extend(entry.hash);
        let numbers = [entry.address, entry.bytes, entry.edges.len() as u64];
        put(&mut self.entries, &numbers);
        put(&mut self.entries, &entry.edges);
        self.count += 1;
    }

    /// Adds an entry as it was read.
    pub(crate) fn add_read(&mut self, entry: EntryRef<'_>) {
        self.entries.extend(entry.0);
        self.count += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Its bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The payload of a group, in two parts.
    pub(crate) fn encode(&self, filled: Filled) -> (Vec<u8>, &[u8]) {
        let Filled { end, fill } = filled;
        (words(&[GROUP, end.slot, end.offset, fill, self.count]), &self.entries)
    }

    /// The payload of a copy, in two parts.
    pub(crate) fn encode_copy(&self) -> (Vec<u8>, &[u8]) {
        (words(&[COPY, self.count]), &self.entries)
    }
}

/// What a collection found free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// Where bodies end now.
    pub(crate) end: End,
    /// What stands in the catalogue before this sequence counts no more.
    pub(crate) start: u64,
    /// Copies count from `start` up to before this sequence.
    pub(crate) copied: u64,
    /// The addresses at which there is no pin, of all told of before.
    pub(crate) free: Ranges,
}

impl Gaps {
    /// The payload.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let ranges = self.free.as_slice();
        let count = ranges.len() as u64;
        let mut bytes = Vec::with_capacity(48 + 16 * ranges.len());
        let head = [GAPS, self.end.slot, self.end.offset, self.start, self.copied, count];
        put(&mut bytes, &head);
        for (from, to) in ranges {
            put(&mut bytes, &[*from, to - from]);
        }
        bytes
    }
}

/// A payload, taken apart.
#[derive(Debug)]
pub(crate) enum Page<'a> {
    Group(Filled, Vec<EntryRef<'a>>),
    Gaps(Gaps),
    Copy(Vec<EntryRef<'a>>),
}

/// Takes a payload apart; `None` if it is none.
pub(crate) fn decode(payload: &[u8]) -> Option<Page<'_>> {
    let (head, rest) = payload.split_at_checked(8)?;
    let end = |head: &[u8]| End { slot: u64_at(head, 0), offset: u64_at(head, 8) };
    match u64_at(head, 0) {
        GROUP => {
            let (head, rest) = rest.split_at_checked(32)?;
            let filled = Filled { end: end(head), fill: u64_at(head, 16) };
            Some(Page::Group(filled, entries(u64_at(head, 24), rest)?))
        }
        GAPS => {
            let (head, rest) = rest.split_at_checked(40)?;
            let (start, copied) = (u64_at(head, 16), u64_at(head, 24));
            let free = ranges(u64_at(head, 32), rest)?;
            Some(Page::Gaps(Gaps { end: end(head), start, copied, free }))
        }
        COPY => {
            let (head, rest) = rest.split_at_checked(8)?;
            Some(Page::Copy(entries(u64_at(head, 0), rest)?))
        }
        _ => None,
    }
}

fn entries(count: u64, mut rest: &[u8]) -> Option<Vec<EntryRef<'_>>> {
    let mut entries = Vec::new();
    for _ in 0..count {
        let edges = u64_at(rest.get(..ENTRY)?, 48);
        let length = usize::try_from(edges).ok()?.checked_mul(8)?.checked_add(ENTRY)?;
        let (entry, more) = rest.split_at_checked(length)?;
        entries.push(EntryRef(entry));
        rest = more;
    }
    let whole = rest.is_empty() && entries.iter().all(|entry| entry.is_possible());
    whole.then_some(entries)
}

fn ranges(count: u64, rest: &[u8]) -> Option<Ranges> {
    let (pairs, []) = rest.as_chunks::<16>() else { return None };
    if pairs.len() as u64 != count {
        return None;
    }
    let pair = |pair: &[u8; 16]| {
        let from = u64_at(pair, 0);
        Some((from, from.checked_add(u64_at(pair, 8))?))
    };
    Ranges::from_ascending(pairs.iter().map(pair).collect::<Option<_>>()?)
}

fn put(bytes: &mut Vec<u8>, numbers: &[u64]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn words(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, numbers);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: u64 = BASE as u64 + 64;

    fn back(entries: &[EntryRef<'_>]) -> Vec<Entry> {
        entries.iter().map(|entry| entry.to_entry()).collect()
    }

    /// No part of a payload is one, nor is it with more behind it.
    fn only_whole(bytes: &[u8]) {
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_none(), "{length}");
        }
        assert!(decode(&[bytes, &[0]].concat()).is_none());
    }

    #[test]
    fn a_group_is_what_was_put_in() {
        let entry = |edges| Entry { hash: [7; 32], address: PLACE, bytes: 128, edges };
        let entries = vec![entry(vec![]), entry(vec![1, 2, 3])];
        let mut group = Group::default();
        entries.iter().for_each(|entry| group.add(entry));
        let told = Filled { end: End { slot: 3, offset: 192 }, fill: 5 };
        let (head, rest) = group.encode(told);
        let bytes = [&head, rest].concat();
        let Some(Page::Group(filled, read)) = decode(&bytes) else { panic!("a group") };
        assert_eq!((filled, back(&read)), (told, entries.clone()));
        only_whole(&bytes);
        let mut copy = Group::default();
        read.iter().for_each(|entry| copy.add_read(*entry));
        let (head, rest) = copy.encode_copy();
        let bytes = [&head, rest].concat();
        let Some(Page::Copy(read)) = decode(&bytes) else { panic!("a copy") };
        assert_eq!(back(&read), entries);
        only_whole(&bytes);
    }

    #[test]
    fn gaps_are_what_was_put_in() {
        let free = Ranges::from_ascending(vec![(64, 128), (192, 1024)]).expect("ascending");
        let gaps = Gaps { end: End { slot: 1, offset: 64 }, start: 4, copied: 9, free };
        let bytes = gaps.encode();
        let Some(Page::Gaps(read)) = decode(&bytes) else { panic!("gaps") };
        assert_eq!(read, gaps);
        only_whole(&bytes);
    }

    #[test]
    fn a_record_that_cannot_be_is_none() {
        let past = (BASE + SIZE) as u64;
        for (address, bytes) in [(PLACE + 8, 64), (64, 64), (past, 64), (PLACE, 0), (PLACE, past)] {
            let mut group = Group::default();
            group.add(&Entry { hash: [7; 32], address, bytes, edges: vec![] });
            let (head, rest) = group.encode_copy();
            assert!(decode(&[&head, rest].concat()).is_none(), "{address:#x} {bytes}");
        }
    }
}
