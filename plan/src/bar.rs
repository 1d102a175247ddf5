//! Bars: byte strings. Many share their bytes.
//!
//! A bar is one flat object, or a *view*: a length, an object that has the bytes (the *source*), and
//! the offset of the first one. A source is a flat bar or a *buffer*. Only this module and the
//! readers in compiled code see the difference: the bytes are contiguous either way.
//!
//! Cutting a bar makes a view, so a program that consumes a text from its front takes linear time.
//! A part of fewer than [`MIN_VIEW_BYTES`] bytes is copied: it is hardly larger than a view, and
//! keeps nothing alive. A full collection copies the bytes that views need out of a source that
//! nothing else refers to, if they need less than half of it (see [`crate::heap`]'s `bar_views`).
//!
//! Appending to a long bar makes a view too. Its source is a buffer, which has spare capacity and
//! records how much of it is in use. Appending to the bar that ends where the used bytes end writes
//! behind them and allocates only a new view. Used bytes are never overwritten, so all views of a
//! buffer keep their bytes; appending a second time to the same bar copies it. So the amortised cost
//! of appending a byte is constant.

use crate::error::EvalError;
use crate::heap::{HeapFull, HeapMemory, ObjectDraft, RawHeap};
use crate::layout::{BAR_VIEW_OFFSET, BAR_VIEW_SOURCE, ObjectLayout};
use crate::nat::{fill_nat, limbs};
use crate::pinspace::range::is_frozen;
use crate::word::Word;
use std::cmp::Ordering;
use std::ops::Range;

/// Appending to a bar of fewer bytes copies it into a flat bar.
const MIN_SHARED_BYTES: usize = 256;

/// A part of fewer bytes is copied into a flat bar.
pub const MIN_VIEW_BYTES: usize = 64;

/// Returns the bytes of a bar.
#[inline]
pub fn bytes(heap: &HeapMemory, bar: Word) -> &[u8] {
    let object = heap.object(bar);
    let length = object.raw(0) as usize;
    match object.layout() {
        ObjectLayout::BarView => {
            let offset = object.raw(BAR_VIEW_OFFSET) as usize;
            &heap.object(object.word(BAR_VIEW_SOURCE)).bytes(1, offset + length)[offset..]
        }
        ObjectLayout::BarPart => heap.object(object.word(BAR_VIEW_SOURCE)).bytes(1, length),
        _ => object.bytes(1, length),
    }
}

/// Returns the object that has the bytes of a bar, and the offset of the first one in it.
fn source(heap: &HeapMemory, bar: Word) -> (Word, usize) {
    let object = heap.object(bar);
    match object.layout() {
        ObjectLayout::BarView => {
            (object.word(BAR_VIEW_SOURCE), object.raw(BAR_VIEW_OFFSET) as usize)
        }
        ObjectLayout::BarPart => (object.word(BAR_VIEW_SOURCE), 0),
        _ => (bar, 0),
    }
}

/// Allocates a bar with these bytes, which are not on the heap.
pub fn make(heap: &mut RawHeap, bytes: &[u8]) -> Result<Word, HeapFull> {
    let mut draft = BarDraft::new(heap, bytes.len() as u64)?;
    draft.bytes().copy_from_slice(bytes);
    Ok(draft.finish())
}

/// Allocates the bar of the lowest `length` bytes of a number, least significant first. The number has no
/// more bytes, and `length` is 8 at most.
#[inline]
pub fn of_number(heap: &mut RawHeap, number: u64, length: usize) -> Result<Word, HeapFull> {
    debug_assert!(length <= 8 && (length == 8 || number >> (8 * length) == 0), "it fits");
    heap.reserve(3)?;
    let mut bar = heap.allocate(ObjectLayout::Bar, 0, 1 + usize::from(length > 0));
    bar.set_raw(0, length as u64);
    if length > 0 {
        bar.set_raw(1, number);
    }
    Ok(bar.finish())
}

/// Returns the bytes `range` of the bar at `stack_index` as a bar: a view if they are many, the bar
/// itself if they are all.
///
/// # Panics
/// If the range is not within the bar.
pub fn slice(
    heap: &mut RawHeap,
    stack_index: usize,
    range: Range<usize>,
) -> Result<Word, HeapFull> {
    let bar = heap.resolve(heap.stack.get(stack_index));
    heap.stack.set(stack_index, bar);
    let length = bytes(heap, bar)[range.clone()].len();
    if length == bytes(heap, bar).len() {
        return Ok(bar);
    }
    if length < MIN_VIEW_BYTES {
        let mut draft = BarDraft::new(heap, length as u64)?;
        draft.bytes().copy_from_slice(&bytes(heap, heap.stack.get(stack_index))[range]);
        return Ok(draft.finish());
    }
    heap.reserve(VIEW_WORDS)?;
    let (source, offset) = source(heap, heap.stack.get(stack_index));
    Ok(view(heap, source, offset + range.start, length))
}

/// The words of a view, with its header.
const VIEW_WORDS: usize = 4;

/// Allocates a view. The caller has reserved [`VIEW_WORDS`].
fn view(heap: &mut RawHeap, source: Word, offset: usize, length: usize) -> Word {
    let payload = [Word::direct(length as u64), source, Word::direct(offset as u64)];
    heap.allocate_words(ObjectLayout::BarView, 0, &payload)
}

/// Returns the bar at `stack_index`, followed by more bytes.
pub fn append(heap: &mut RawHeap, stack_index: usize, more: &[u8]) -> Result<Word, HeapFull> {
    let bar = heap.resolve(heap.stack.get(stack_index));
    heap.stack.set(stack_index, bar);
    let length = bytes(heap, bar).len();
    if has_room(heap, bar, length, more.len()) {
        heap.reserve(VIEW_WORDS)?;
        let (buffer, offset) = source(heap, heap.stack.get(stack_index));
        return Ok(extend(heap, buffer, offset, length, more));
    }
    if is_copied_to_append(length, more.len()) {
        let whole = [bytes(heap, bar), more].concat();
        return make(heap, &whole);
    }
    let total = length + more.len();
    let size = 1 + (total + total / 2).div_ceil(8);
    heap.reserve(VIEW_WORDS + 1 + size)?;
    let mut buffer = heap.allocate(ObjectLayout::Buffer, 0, size);
    let bar = heap.stack.get(stack_index);
    buffer.bytes_mut(1, length).copy_from_slice(bytes(heap, bar));
    Ok(extend(heap, buffer.finish(), 0, length, more))
}

/// Whether [`append`] copies a bar of `length` bytes that has no room for `more` bytes into a flat
/// bar, without spare capacity.
fn is_copied_to_append(length: usize, more: usize) -> bool {
    length < MIN_SHARED_BYTES || more > length
}

/// Whether the bar ends where the used bytes of its buffer end, and `more` bytes fit behind it.
fn has_room(heap: &HeapMemory, bar: Word, length: usize, more: usize) -> bool {
    let (source, offset) = source(heap, bar);
    // Earlier versions froze buffers.
    if is_frozen(source.address()) || heap.header(source).layout() != ObjectLayout::Buffer {
        return false;
    }
    let buffer = heap.object(source);
    let room = 8 * (buffer.size() - 1);
    let end = offset + length;
    buffer.raw(0) == end as u64 && room - end >= more
}

/// Writes bytes behind the first `offset + length` bytes of a buffer, and allocates the view from
/// `offset` to their end.
fn extend(heap: &mut RawHeap, buffer: Word, offset: usize, length: usize, more: &[u8]) -> Word {
    heap.store_bytes(buffer, 1, offset + length, more);
    let total = length + more.len();
    heap.store_raw(buffer, 0, (offset + total) as u64);
    view(heap, buffer, offset, total)
}

/// Compares two bars in PLAN's order: by length, then by the last byte that differs.
pub fn compare_bytes(left: &[u8], right: &[u8]) -> Ordering {
    let by_length = left.len().cmp(&right.len());
    if by_length.is_ne() {
        return by_length;
    }
    // The last byte of a word is its most significant one.
    let (left_start, left_words) = left.as_rchunks::<8>();
    let (right_start, right_words) = right.as_rchunks::<8>();
    let number = |word: &[u8; 8]| u64::from_le_bytes(*word);
    (left_words.iter().rev().map(number))
        .cmp(right_words.iter().rev().map(number))
        .then_with(|| short_number(left_start).cmp(&short_number(right_start)))
}

/// Returns the number with these bytes, least significant first, if there are 1 to 8: bars of one
/// length are in the order of their numbers.
pub fn number_of_one_word(bytes: &[u8]) -> Option<u64> {
    match bytes.first_chunk::<8>() {
        Some(word) => (bytes.len() == 8).then(|| u64::from_le_bytes(*word)),
        None => (!bytes.is_empty()).then(|| short_number(bytes)),
    }
}

/// Returns the number of a flat bar of `length` bytes, 1 to 8; of one with another length, how that
/// compares with `length` (the inner `Err`). `None` if the bar is not flat.
#[inline]
pub(crate) fn flat_number(
    heap: &HeapMemory,
    bar: Word,
    length: usize,
) -> Option<Result<u64, Ordering>> {
    let object = heap.object(bar);
    if object.layout() != ObjectLayout::Bar {
        return None;
    }
    Some(match (object.raw(0) as usize).cmp(&length) {
        // Zero bytes fill the word.
        Ordering::Equal => Ok(object.raw(1)),
        other => Err(other),
    })
}

/// The number with these bytes, fewer than 8, least significant first.
#[inline]
fn short_number(bytes: &[u8]) -> u64 {
    let count = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // Both contain the bytes where they overlap.
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << (8 * (count - 4));
    }
    let byte = |index: usize| u64::from(bytes[index]) << (8 * index);
    if count == 0 { 0 } else { byte(0) | byte(count / 2) | byte(count - 1) }
}

/// Returns the limbs of the body of a bar's law: the bytes with a one above them.
pub fn bar_body_limbs(bytes: &[u8]) -> Vec<u64> {
    let mut with_end = Vec::with_capacity(bytes.len() + 1);
    with_end.extend_from_slice(bytes);
    with_end.push(1);
    limbs::of_bytes(&with_end)
}

/// A bar under construction. Nothing may be allocated before it is finished.
pub struct BarDraft {
    object: ObjectDraft,
    length: usize,
}

impl BarDraft {
    /// Allocates a bar of that many bytes. May collect.
    #[inline]
    pub fn new(heap: &mut RawHeap, bytes: u64) -> Result<BarDraft, HeapFull> {
        let words = usize::try_from(bytes.div_ceil(8)).unwrap_or(usize::MAX);
        heap.reserve(words.saturating_add(2))?;
        let mut object = heap.allocate(ObjectLayout::Bar, 0, 1 + words);
        object.set_raw(0, bytes);
        if words > 0 {
            // Zero bytes fill the last word of a bar.
            object.set_raw(words, 0);
        }
        Ok(BarDraft { object, length: bytes as usize })
    }

    /// Returns the bytes. The caller writes all of them.
    #[inline]
    pub fn bytes(&mut self) -> &mut [u8] {
        self.object.bytes_mut(1, self.length)
    }

    /// Returns the finished bar.
    #[inline]
    pub fn finish(self) -> Word {
        self.object.finish()
    }
}

/// Pops a bar, and returns the nat that is the body of its law: the bytes with a one above them.
pub fn bar_body(heap: &mut RawHeap) -> Result<Word, EvalError> {
    let length = bytes(heap, heap.stack.peek(0)).len();
    let body = fill_nat(heap, length / 8 + 1, |heap, out| {
        limbs::from_bytes(out, bytes(heap, heap.stack.peek(0)));
        out[length / 8] |= 1 << (8 * (length % 8));
    })?;
    heap.stack.pop();
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::compare_bytes;

    #[test]
    fn bars_compare_by_length_and_then_by_their_last_differing_byte() {
        let samples: Vec<Vec<u8>> = (0..20)
            .flat_map(|length| {
                let zeros = vec![0; length];
                let changed = (0..length).flat_map(move |at| {
                    [1, 127, 255].map(|byte| {
                        let mut bytes = vec![7; length];
                        bytes[at] = byte;
                        bytes
                    })
                });
                std::iter::once(zeros).chain(changed)
            })
            .collect();
        for left in &samples {
            for right in &samples {
                let lengths = left.len().cmp(&right.len());
                let expected = lengths.then_with(|| left.iter().rev().cmp(right.iter().rev()));
                assert_eq!(compare_bytes(left, right), expected, "{left:?} {right:?}");
            }
        }
    }
}
