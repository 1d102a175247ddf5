//! Bars: bytes, and room to append to them.
//!
//! A bar is mostly one flat object. One that comes of appending to a long bar is a *part* instead: a
//! length, and a buffer whose first bytes are the bar's. A buffer has room to spare and knows how much
//! of it is in use; appending to the bar that ends where the use ends writes behind it, and makes
//! only a new part. Bytes in use are never written again, so all parts of a buffer stay as they are;
//! appending twice to the same bar copies it the second time. So bytes that are appended one by one are
//! each copied a bounded number of times.
//!
//! Nothing but this module sees the difference: bytes are contiguous either way.

use crate::heap::object::{self, Layout};
use crate::heap::{Heap, HeapFull};
use crate::nat::BarDraft;
use crate::word::{Kind, Word};

/// Bars of fewer bytes are copied when they are appended to.
const SHORT: usize = 256;

/// The bytes of a bar. The lifetime is the caller's: that of its borrow of the heap.
#[inline]
pub(crate) fn bytes<'h>(bar: Word) -> &'h [u8] {
    let length = object::load_raw(bar.address(), 0) as usize;
    let source = match object::header(bar.address()).layout() {
        Layout::BarPart => object::load(bar.address(), 1),
        _ => bar,
    };
    object::bytes(source.address(), 1, length)
}

/// A bar with these bytes.
pub(crate) fn make(heap: &mut Heap, bytes: &[u8]) -> Result<Word, HeapFull> {
    let mut draft = BarDraft::new(heap, bytes.len() as u64)?;
    draft.bytes().copy_from_slice(bytes);
    Ok(draft.finish())
}

/// The bar at that place of the stack with more bytes behind it.
pub(crate) fn append(heap: &mut Heap, place: usize, more: &[u8]) -> Result<Word, HeapFull> {
    let bar = heap.resolve(heap.stack.get(place));
    heap.stack.set(place, bar);
    let length = bytes(bar).len();
    let total = length + more.len();
    if has_room(bar, length, more.len()) {
        heap.reserve(3)?;
        let buffer = object::load(heap.stack.get(place).address(), 1);
        return Ok(extend(heap, buffer, length, more));
    }
    if length < SHORT || more.len() > length {
        let whole = [bytes(bar), more].concat();
        return make(heap, &whole);
    }
    let size = 1 + (total + total / 2).div_ceil(8);
    heap.reserve(4 + size)?;
    let address = heap.allocate(Layout::Buffer, 0, size);
    let bar = heap.stack.get(place);
    object::store_bytes(address, 1, 0, bytes(bar));
    Ok(extend(heap, Word::object(Kind::Bar, address), length, more))
}

/// Whether a bar ends where the use of its buffer ends, and that has room for so many bytes more.
fn has_room(bar: Word, length: usize, more: usize) -> bool {
    if object::header(bar.address()).layout() != Layout::BarPart {
        return false;
    }
    let buffer = object::load(bar.address(), 1).address();
    let room = 8 * (object::header(buffer).size() - 1);
    object::load_raw(buffer, 0) == length as u64 && room - length >= more
}

/// Writes bytes behind the first `length` ones of a buffer, and makes the part of all of them.
fn extend(heap: &mut Heap, buffer: Word, length: usize, more: &[u8]) -> Word {
    object::store_bytes(buffer.address(), 1, length, more);
    let total = (length + more.len()) as u64;
    object::store_raw(buffer.address(), 0, total);
    heap.allocate_words(Layout::BarPart, 0, &[Word::direct(total), buffer])
}
