//! The encoding of the catalogue: which pins exist, where they are, and which pins each refers to.
//!
//! The catalogue is a journal. Its payloads are records of three kinds. A *group* lists pins that
//! were committed together, after their bodies were durable; so a pin in the catalogue is complete.
//! *Gaps* list the addresses that no longer hold a pin; a collection writes them before it changes
//! anything else. A *copy* repeats entries that are still live, so that the catalogue before it can
//! be dropped.
//!
//! ```text
//! group   1: 8 | slot: 8 | end: 8 | fill: 8 | count: 8 | entries
//! gaps    2: 8 | slot: 8 | end: 8 | start: 8 | copied: 8 | count: 8 | count of (address: 8, bytes: 8)
//! copy    3: 8 | count: 8 | entries
//! entry   hash: 32 | address: 8 | bytes: 8 | n edges: 8 | n addresses of 8
//! ```
//!
//! Following edges reads the catalogue and no body. [`super::catalogue_reader`] decides which
//! entries are live.

use plan::pinspace::range::{ALIGNMENT, BASE, SIZE, SLOT_SIZE};

use super::address_ranges::AddressRanges;
use crate::encoding::{array, u64_at};
use crate::types::PinHash;

const GROUP: u64 = 1;
const GAPS: u64 = 2;
const COPY: u64 = 3;
/// The length of an entry without its edges, in bytes.
const ENTRY: usize = 56;

/// A pin's entry in the catalogue. Only the catalogue makes one, so a pin was stored at its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    pub(crate) hash: PinHash,
    pub(crate) address: u64,
    pub(crate) bytes: u64,
    pub(crate) edges: Vec<u64>,
}

impl CatalogueEntry {
    /// The pin's hash.
    pub fn hash(&self) -> PinHash {
        self.hash
    }

    /// The pin's address.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// The length of the pin's record, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The addresses of the pins that this one refers to.
    pub fn edges(&self) -> &[u64] {
        &self.edges
    }
}

/// An encoded entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryRef<'a>(&'a [u8]);

impl<'a> EntryRef<'a> {
    pub(crate) fn hash(self) -> PinHash {
        array(self.0, 0)
    }

    pub(crate) fn address(self) -> u64 {
        u64_at(self.0, 32)
    }

    /// Returns the length of the pin's record, in bytes.
    pub(crate) fn bytes(self) -> u64 {
        u64_at(self.0, 40)
    }

    pub(crate) fn edges(self) -> impl Iterator<Item = u64> + 'a {
        self.0[ENTRY..].chunks_exact(8).map(|edge| u64_at(edge, 0))
    }

    /// Returns the length of the encoded entry, in bytes.
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn to_entry(self) -> CatalogueEntry {
        let (hash, address, bytes) = (self.hash(), self.address(), self.bytes());
        CatalogueEntry { hash, address, bytes, edges: self.edges().collect() }
    }

    /// Whether a record with this address and length can exist.
    fn is_possible(self) -> bool {
        let (address, bytes) = (self.address(), self.bytes());
        let in_range = (BASE as u64..(BASE + SIZE) as u64).contains(&address);
        let room = SLOT_SIZE as u64 - address % SLOT_SIZE as u64;
        in_range && address.is_multiple_of(ALIGNMENT as u64) && (1..=room).contains(&bytes)
    }
}

/// The end of the records: the slot being filled, and the offset after the last record in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyEnd {
    pub(crate) slot: u64,
    pub(crate) offset: u64,
}

/// The high-water mark of a pin space: how much of it holds records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HighWaterMark {
    pub(crate) end: BodyEnd,
    /// The address after the last record that was written into a gap; 0 if there is none.
    pub(crate) fill: u64,
}

impl HighWaterMark {
    /// The mark of a pin space without commits.
    pub(crate) const NONE: Self = Self { end: BodyEnd { slot: 0, offset: 0 }, fill: 0 };
}

/// A buffer of encoded entries.
#[derive(Default)]
pub(crate) struct EntryBuffer {
    entries: Vec<u8>,
    count: u64,
}

impl EntryBuffer {
    pub(crate) fn add(&mut self, entry: &CatalogueEntry) {
        self.entries.extend(entry.hash);
        let numbers = [entry.address, entry.bytes, entry.edges.len() as u64];
        put(&mut self.entries, &numbers);
        put(&mut self.entries, &entry.edges);
        self.count += 1;
    }

    /// Adds an encoded entry.
    pub(crate) fn add_encoded(&mut self, entry: EntryRef<'_>) {
        self.entries.extend(entry.0);
        self.count += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the length of the encoded entries, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the payload of a group, in two parts.
    pub(crate) fn encode(&self, high_water: HighWaterMark) -> (Vec<u8>, &[u8]) {
        let HighWaterMark { end, fill } = high_water;
        (words(&[GROUP, end.slot, end.offset, fill, self.count]), &self.entries)
    }

    /// Returns the payload of a copy, in two parts.
    pub(crate) fn encode_copy(&self) -> (Vec<u8>, &[u8]) {
        (words(&[COPY, self.count]), &self.entries)
    }
}

/// The free addresses that a collection found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GapsRecord {
    /// The end of the records after the collection.
    pub(crate) end: BodyEnd,
    /// Records of the catalogue before this sequence are ignored.
    pub(crate) start: u64,
    /// Copies with sequences from `start` up to (not including) this one are live.
    pub(crate) copied: u64,
    /// The addresses that hold no pin.
    pub(crate) free: AddressRanges,
}

impl GapsRecord {
    /// Returns the payload.
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

/// A decoded payload.
#[derive(Debug)]
pub(crate) enum CatalogueRecord<'a> {
    Group(HighWaterMark, Vec<EntryRef<'a>>),
    Gaps(GapsRecord),
    Copy(Vec<EntryRef<'a>>),
}

/// Decodes a payload. Returns `None` if it is invalid.
pub(crate) fn decode(payload: &[u8]) -> Option<CatalogueRecord<'_>> {
    let (head, rest) = payload.split_at_checked(8)?;
    let end = |head: &[u8]| BodyEnd { slot: u64_at(head, 0), offset: u64_at(head, 8) };
    match u64_at(head, 0) {
        GROUP => {
            let (head, rest) = rest.split_at_checked(32)?;
            let high_water = HighWaterMark { end: end(head), fill: u64_at(head, 16) };
            Some(CatalogueRecord::Group(high_water, entries(u64_at(head, 24), rest)?))
        }
        GAPS => {
            let (head, rest) = rest.split_at_checked(40)?;
            let (start, copied) = (u64_at(head, 16), u64_at(head, 24));
            let free = ranges(u64_at(head, 32), rest)?;
            Some(CatalogueRecord::Gaps(GapsRecord { end: end(head), start, copied, free }))
        }
        COPY => {
            let (head, rest) = rest.split_at_checked(8)?;
            Some(CatalogueRecord::Copy(entries(u64_at(head, 0), rest)?))
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
    let is_valid = rest.is_empty() && entries.iter().all(|entry| entry.is_possible());
    is_valid.then_some(entries)
}

fn ranges(count: u64, rest: &[u8]) -> Option<AddressRanges> {
    let (pairs, []) = rest.as_chunks::<16>() else { return None };
    if pairs.len() as u64 != count {
        return None;
    }
    let pair = |pair: &[u8; 16]| {
        let from = u64_at(pair, 0);
        Some((from, from.checked_add(u64_at(pair, 8))?))
    };
    AddressRanges::from_ascending(pairs.iter().map(pair).collect::<Option<_>>()?)
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

    const ADDRESS: u64 = BASE as u64 + 64;

    fn back(entries: &[EntryRef<'_>]) -> Vec<CatalogueEntry> {
        entries.iter().map(|entry| entry.to_entry()).collect()
    }

    /// Checks that no prefix of a payload is valid, nor the payload with a byte appended.
    fn assert_only_whole_is_valid(bytes: &[u8]) {
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_none(), "{length}");
        }
        assert!(decode(&[bytes, &[0]].concat()).is_none());
    }

    #[test]
    fn decoded_groups_and_copies_equal_the_encoded_ones() {
        let entry = |edges| CatalogueEntry { hash: [7; 32], address: ADDRESS, bytes: 128, edges };
        let entries = vec![entry(vec![]), entry(vec![1, 2, 3])];
        let mut group = EntryBuffer::default();
        entries.iter().for_each(|entry| group.add(entry));
        let high_water = HighWaterMark { end: BodyEnd { slot: 3, offset: 192 }, fill: 5 };
        let (head, rest) = group.encode(high_water);
        let bytes = [&head, rest].concat();
        let Some(CatalogueRecord::Group(found, read)) = decode(&bytes) else { panic!("a group") };
        assert_eq!((found, back(&read)), (high_water, entries.clone()));
        assert_only_whole_is_valid(&bytes);
        let mut copy = EntryBuffer::default();
        read.iter().for_each(|entry| copy.add_encoded(*entry));
        let (head, rest) = copy.encode_copy();
        let bytes = [&head, rest].concat();
        let Some(CatalogueRecord::Copy(read)) = decode(&bytes) else { panic!("a copy") };
        assert_eq!(back(&read), entries);
        assert_only_whole_is_valid(&bytes);
    }

    #[test]
    fn decoded_gaps_equal_the_encoded_ones() {
        let free = AddressRanges::from_ascending(vec![(64, 128), (192, 1024)]).expect("ascending");
        let gaps = GapsRecord { end: BodyEnd { slot: 1, offset: 64 }, start: 4, copied: 9, free };
        let bytes = gaps.encode();
        let Some(CatalogueRecord::Gaps(read)) = decode(&bytes) else { panic!("gaps") };
        assert_eq!(read, gaps);
        assert_only_whole_is_valid(&bytes);
    }

    #[test]
    fn entries_with_impossible_addresses_are_rejected() {
        let past = (BASE + SIZE) as u64;
        for (address, bytes) in
            [(ADDRESS + 8, 64), (64, 64), (past, 64), (ADDRESS, 0), (ADDRESS, past)]
        {
            let mut group = EntryBuffer::default();
            group.add(&CatalogueEntry { hash: [7; 32], address, bytes, edges: vec![] });
            let (head, rest) = group.encode_copy();
            assert!(decode(&[&head, rest].concat()).is_none(), "{address:#x} {bytes}");
        }
    }
}
