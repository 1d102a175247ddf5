//! Bars: byte strings, some with capacity to append.
//!
//! A bar is mostly one flat object. Appending to a long bar makes a *part* instead: a length, and a
//! buffer whose first bytes are the bar's. A buffer has spare capacity and records how much of it
//! is in use. Appending to the bar that ends where the used bytes end writes behind them and
//! allocates only a new part. Used bytes are never overwritten, so all parts of a buffer keep their
//! bytes; appending a second time to the same bar copies it. So the amortised cost of appending a
//! byte is constant.
//!
//! Only this module sees the difference: the bytes are contiguous either way.

use crate::error::EvalError;
use crate::heap::{HeapFull, HeapMemory, ObjectDraft, RawHeap};
use crate::layout::ObjectLayout;
use crate::nat::{fill_nat, limbs};
use crate::pinspace::range::is_frozen;
use crate::word::Word;

/// Appending to a bar of fewer bytes copies it into a flat bar.
const MIN_SHARED_BYTES: usize = 256;

/// Returns the bytes of a bar.
#[inline]
pub fn bytes(heap: &HeapMemory, bar: Word) -> &[u8] {
    let object = heap.object(bar);
    let length = object.raw(0) as usize;
    let source = match object.layout() {
        ObjectLayout::BarPart => heap.object(object.word(1)),
        _ => object,
    };
    source.bytes(1, length)
}

/// Allocates a bar with these bytes, which are not on the heap.
pub fn make(heap: &mut RawHeap, bytes: &[u8]) -> Result<Word, HeapFull> {
    let mut draft = BarDraft::new(heap, bytes.len() as u64)?;
    draft.bytes().copy_from_slice(bytes);
    Ok(draft.finish())
}

/// Returns the bar at `stack_index`, followed by more bytes.
pub fn append(heap: &mut RawHeap, stack_index: usize, more: &[u8]) -> Result<Word, HeapFull> {
    let bar = heap.resolve(heap.stack.get(stack_index));
    heap.stack.set(stack_index, bar);
    let length = bytes(heap, bar).len();
    let total = length + more.len();
    if has_room(heap, bar, length, more.len()) {
        heap.reserve(3)?;
        let buffer = heap.load(heap.stack.get(stack_index), 1);
        return Ok(extend(heap, buffer, length, more));
    }
    if length < MIN_SHARED_BYTES || more.len() > length {
        let whole = [bytes(heap, bar), more].concat();
        return make(heap, &whole);
    }
    let size = 1 + (total + total / 2).div_ceil(8);
    heap.reserve(4 + size)?;
    let mut buffer = heap.allocate(ObjectLayout::Buffer, 0, size);
    let bar = heap.stack.get(stack_index);
    buffer.bytes_mut(1, length).copy_from_slice(bytes(heap, bar));
    Ok(extend(heap, buffer.finish(), length, more))
}

/// Whether the bar ends where the used bytes of its buffer end, and `more` bytes fit behind it.
fn has_room(heap: &HeapMemory, bar: Word, length: usize, more: usize) -> bool {
    if heap.header(bar).layout() != ObjectLayout::BarPart {
        return false;
    }
    let buffer = heap.load(bar, 1);
    if is_frozen(buffer.address()) {
        // Earlier versions froze buffers.
        return false;
    }
    let buffer = heap.object(buffer);
    let room = 8 * (buffer.size() - 1);
    buffer.raw(0) == length as u64 && room - length >= more
}

/// Writes bytes behind the first `length` bytes of a buffer, and allocates the part that has all of
/// them.
fn extend(heap: &mut RawHeap, buffer: Word, length: usize, more: &[u8]) -> Word {
    heap.store_bytes(buffer, 1, length, more);
    let total = (length + more.len()) as u64;
    heap.store_raw(buffer, 0, total);
    heap.allocate_words(ObjectLayout::BarPart, 0, &[Word::direct(total), buffer])
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
    pub fn bytes(&mut self) -> &mut [u8] {
        self.object.bytes_mut(1, self.length)
    }

    /// Returns the finished bar.
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
