//! The format of one frozen pin: a *record*.
//!
//! A record begins at a multiple of 64 bytes with the pin's object, which fills one cache line. The
//! objects of its body follow, each a header and a payload as on the heap.
//!
//! ```text
//!      0        8       16                    48        56       64
//!      +--------+-------+----------------------+--------+--------+----------------- - -
//!      | header | item  | hash                 | facts  | check  | objects
//!      +--------+-------+----------------------+--------+--------+----------------- - -
//!          8        8      32                       8        8
//! ```
//!
//! `facts` is the length of the record in words, shifted left by one; bit 0 is set and says that
//! the hash is present. The check is the first 8 bytes of BLAKE3 of the record's address and all of
//! its words except the check. `FORMAT.md` lists the invariants of a record.

use super::range;
use crate::digest::Hash;
use crate::layout::{ObjectHeader, ObjectLayout, PIN_SIZE};
use crate::word::{Word, WordKind};

/// The number of words in the first line of a record.
pub(crate) const LINE_WORDS: usize = 8;
const ITEM: usize = 1;
const FACTS: usize = 6;
const CHECK: usize = 7;

/// The largest number of pins that are read ahead together.
const READ_AHEAD_LIMIT: usize = 4096;
/// Pins at most this many bytes apart are read ahead as one range.
const READ_AHEAD_GAP: usize = 16 * range::PAGE;

/// Returns the first line of a record of `words` words, without its check.
pub(crate) fn line(item: u64, hash: &Hash, arity: u64, words: usize) -> [u64; LINE_WORDS] {
    let mut line = [0; LINE_WORDS];
    line[0] = ObjectHeader::new(ObjectLayout::Pin, arity, PIN_SIZE).with_normal().raw();
    line[1] = item;
    for (word, bytes) in line[2..FACTS].iter_mut().zip(hash.0.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    line[FACTS] = (words as u64) << 1 | 1;
    line
}

/// Computes the check of a record that is, or will be, at that address.
fn check(address: usize, record: &[u64]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(address as u64).to_le_bytes());
    hasher.update(range::bytes_of(&record[..CHECK]));
    hasher.update(range::bytes_of(&record[LINE_WORDS..]));
    let hash = hasher.finalize();
    let (first, _) = hash.as_bytes().split_at(8);
    first.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Writes the check of a record at that address into it.
pub(crate) fn seal(address: usize, record: &mut [u64]) {
    record[CHECK] = check(address, record);
}

/// Returns the words of the record at that address, if there is one and its check matches.
///
/// # Safety
/// The address is in a slot that stays claimed for the lifetime.
pub(crate) unsafe fn read<'a>(address: usize) -> Option<&'a [u64]> {
    // SAFETY: by this function's contract.
    let bytes = unsafe { length(address) }?;
    if bytes > 2 * range::PAGE {
        range::prefetch(address, bytes);
    }
    // SAFETY: by this function's contract.
    let record = unsafe { range::words(address, bytes / 8) };
    (check(address, record) == record[CHECK]).then_some(record)
}

/// Asks the system to read those of these values that are frozen pins and not verified yet, all at
/// once. Otherwise each of them that is not in memory would be waited for separately.
pub(crate) fn read_ahead(values: impl Iterator<Item = Word>) {
    let unverified = |word: &Word| {
        let is_frozen = word.kind() == WordKind::Pin && range::is_frozen(word.address());
        is_frozen && !range::is_verified(word.address())
    };
    let unverified = values.take(READ_AHEAD_LIMIT).filter(unverified).map(|word| word.address());
    let mut unverified: Vec<usize> = unverified.collect();
    if unverified.len() < 2 {
        return;
    }
    unverified.sort_unstable();
    for near in unverified.chunk_by(|one, next| next - one <= READ_AHEAD_GAP) {
        let (first, last) = (near[0], near[near.len() - 1]);
        range::prefetch(first, last + 2 * range::PAGE - first);
    }
}

/// Returns the length in bytes of the record at that address, as its first line says, if the slot
/// has that many.
///
/// # Safety
/// If the slot of the address is claimed, it stays so during the call.
pub(crate) unsafe fn length(address: usize) -> Option<usize> {
    let room = range::end(address).saturating_sub(address) / 8;
    if !address.is_multiple_of(range::ALIGNMENT) || room < LINE_WORDS {
        return None;
    }
    // SAFETY: by this function's contract; the words are below the slot's end.
    let line = unsafe { range::words(address, LINE_WORDS) };
    let words = size(line)?;
    (LINE_WORDS..=room).contains(&words).then(|| 8 * words)
}

/// Returns the number of words of a record, as its first line says.
pub(crate) fn size(line: &[u64]) -> Option<usize> {
    usize::try_from(line.get(FACTS)? >> 1).ok()
}

/// Replaces the item of a record, and the values in all of its objects, by `place` of each.
pub(crate) fn replace_values(record: &mut [u64], place: impl Fn(u64) -> u64) {
    record[ITEM] = place(record[ITEM]);
    let mut at = LINE_WORDS;
    while at < record.len() {
        let header = ObjectHeader::from_raw(record[at]);
        let values = header.layout().values(header.size());
        for word in &mut record[at + 1..][values] {
            *word = place(*word);
        }
        at += 1 + header.size();
    }
}

/// Returns the hash in an intact record.
pub(crate) fn hash(record: &[u64]) -> Hash {
    let mut hash = [0; Hash::SIZE];
    hash.copy_from_slice(range::bytes_of(&record[2..FACTS]));
    Hash(hash)
}

/// Whether there is an intact record at that address, which may be any number. A positive answer is
/// remembered.
///
/// # Safety
/// If the address is in a claimed slot, the slot stays claimed during the call.
pub(crate) unsafe fn verify(address: usize) -> bool {
    if !range::is_frozen(address) || !address.is_multiple_of(range::ALIGNMENT) {
        return false;
    }
    // SAFETY: by this function's contract.
    let is_intact = range::is_verified(address) || unsafe { read(address) }.is_some();
    if is_intact {
        range::set_verified(address);
    }
    is_intact
}
