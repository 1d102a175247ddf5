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

use super::fault::PinFault;
use super::range;
use crate::digest::Hash;
use crate::layout::{ObjectHeader, ObjectLayout, PIN_SIZE};
use crate::page_fault;
use crate::word::{Word, WordKind};

/// The number of words in the first line of a record.
pub(crate) const LINE_WORDS: usize = 8;
const LINE_BYTES: usize = 8 * LINE_WORDS;
const ITEM: usize = 1;
const FACTS: usize = 6;
const CHECK: usize = 7;

/// The number of bytes of a long record that are read at once.
const CHUNK: usize = 64 << 10;
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

/// Returns the hasher for the check of a record at that address, before any byte of the record.
fn check_hasher(address: usize) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(address as u64).to_le_bytes());
    hasher
}

/// Returns the check that a hasher of everything that it covers gives.
fn finish_check(hasher: &blake3::Hasher) -> u64 {
    let hash = hasher.finalize();
    let (first, _) = hash.as_bytes().split_at(8);
    first.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Writes the check of a record that will be at that address into it.
pub(crate) fn seal(address: usize, record: &mut [u64]) {
    let mut hasher = check_hasher(address);
    hasher.update(range::bytes_of(&record[..CHECK]));
    hasher.update(range::bytes_of(&record[LINE_WORDS..]));
    record[CHECK] = finish_check(&hasher);
}

/// Reads the record at that address from its file by calls, and compares its check. Returns the
/// length of the record in bytes.
fn check_file(address: usize) -> Result<usize, PinFault> {
    let room = range::end(address).saturating_sub(address);
    let file = range::file(address).ok_or(PinFault::Absent)?;
    if room < LINE_BYTES {
        return Err(PinFault::Truncated);
    }
    let offset = (address % range::SLOT_SIZE) as u64;
    let mut first = [0; range::PAGE];
    let mut read = room.min(first.len());
    // Mostly one call reads the whole record. If it fails, the error may be behind the record.
    if file.reader.read_at(offset, &mut first[..read]).is_err() {
        read = LINE_BYTES;
        file.reader.read_at(offset, &mut first[..read])?;
    }
    let word = |index: usize| {
        let bytes = &first[8 * index..8 * index + 8];
        bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
    };
    let words = usize::try_from(word(FACTS) >> 1).unwrap_or(usize::MAX);
    if !(LINE_WORDS..=room / 8).contains(&words) {
        return Err(PinFault::Mismatch);
    }
    let bytes = 8 * words;
    let mut hasher = check_hasher(address);
    hasher.update(&first[..8 * CHECK]);
    let mut at = read.min(bytes);
    hasher.update(&first[LINE_BYTES..at]);
    let mut chunk = vec![0; (bytes - at).min(CHUNK)];
    while at < bytes {
        let piece = (bytes - at).min(CHUNK);
        file.reader.read_at(offset + at as u64, &mut chunk[..piece])?;
        hasher.update(&chunk[..piece]);
        at += piece;
    }
    if finish_check(&hasher) == word(CHECK) { Ok(bytes) } else { Err(PinFault::Mismatch) }
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

/// Checks that there is an intact record at that address, which may be any number. Success is
/// remembered.
///
/// The record is read by calls and not through its mapping, so an unreadable sector is an error.
///
/// # Errors
/// See [`PinFault`].
pub(crate) fn verify(address: usize) -> Result<(), PinFault> {
    if !range::is_frozen(address) || !address.is_multiple_of(range::ALIGNMENT) {
        return Err(PinFault::Absent);
    }
    if range::is_verified(address) {
        return Ok(());
    }
    let bytes = check_file(address)?;
    accept(address, bytes)
}

/// Reads the record at that address, which may be any number, and compares its check, even if that
/// was done before.
///
/// # Errors
/// See [`PinFault`].
pub(crate) fn check(address: usize) -> Result<(), PinFault> {
    if !range::is_frozen(address) || !address.is_multiple_of(range::ALIGNMENT) {
        return Err(PinFault::Absent);
    }
    check_file(address).map(drop)
}

/// Records that the file has an intact record of `bytes` bytes at that address.
///
/// # Errors
/// [`PinFault::LostPage`] if a page of the record was lost, so that its mapping differs from the
/// file.
pub(crate) fn accept(address: usize, bytes: usize) -> Result<(), PinFault> {
    range::set_verified(address);
    // The order matters: a page that is lost from now on clears the bit.
    if !page_fault::is_lost(address, bytes) {
        return Ok(());
    }
    range::clear_verified(address);
    // A heap may have seen the bit. It is damaged like those that were interrupted.
    page_fault::count_again(address);
    Err(PinFault::LostPage)
}
