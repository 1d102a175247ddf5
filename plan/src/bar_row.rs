//! Rows of bars.

use crate::bar::{bytes, flat_number};
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::ObjectLayout;
use crate::tree::Items;
use crate::word::{Word, WordKind};

/// The most bars, and the most bytes of the result, that [`concatenate`] takes: it does not check for
/// interrupts.
const MAX_BARS: usize = 1 << 12;
const MAX_BYTES: usize = 1 << 16;

/// Concatenates the bars in the row at `stack_index`, if they are few, the row is one object, all its items are
/// evaluated bars, and the first is shorter than `appended_length` or no more than half of the result.
/// Returns `None` otherwise.
pub fn concatenate(
    heap: &mut RawHeap,
    stack_index: usize,
    appended_length: usize,
) -> Result<Option<Word>, HeapFull> {
    let (mut first, mut total) = (None, 0);
    let Some(row) = flat_row(heap, stack_index) else { return Ok(None) };
    if row.len() > MAX_BARS {
        return Ok(None);
    }
    for &item in row {
        let bar = heap.resolve(item);
        if bar.kind() != WordKind::Bar {
            return Ok(None);
        }
        let length = heap.object(bar).raw(0) as usize;
        first.get_or_insert(length);
        total += length;
        if total > MAX_BYTES {
            return Ok(None);
        }
    }
    if first.is_some_and(|first| first >= appended_length && first > total / 2) {
        return Ok(None);
    }
    let words = total.div_ceil(8);
    heap.reserve(2 + words)?;
    let mut draft = heap.allocate(ObjectLayout::Bar, 0, 1 + words);
    draft.set_raw(0, total as u64);
    if words > 0 {
        // Zero bytes fill the last word of a bar.
        draft.set_raw(words, 0);
    }
    let mut out = draft.bytes_mut(1, 8 * words);
    for &item in flat_row(heap, stack_index).unwrap_or_default() {
        let bar = heap.resolve(item);
        let bytes = bytes(heap, bar);
        let is_word = (1..=8).contains(&bytes.len());
        let number = if is_word { flat_number(heap, bar, bytes.len()) } else { None };
        match (number, out.first_chunk_mut::<8>()) {
            // One word is copied instead of its bytes; the bytes behind them are 0.
            (Some(Ok(number)), Some(word)) => *word = number.to_le_bytes(),
            _ => out[..bytes.len()].copy_from_slice(bytes),
        }
        out = &mut out[bytes.len()..];
    }
    Ok(Some(draft.finish()))
}

/// The items of the row at `stack_index`, if it is one object.
#[inline]
fn flat_row(heap: &HeapMemory, stack_index: usize) -> Option<&[Word]> {
    let row = heap.resolve(heap.stack.get(stack_index));
    if row.kind() != WordKind::Row { None } else { Items::of(row, heap).flat_words() }
}
