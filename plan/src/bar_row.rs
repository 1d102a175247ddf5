//! Rows of bars.

use crate::bar::{bytes, flat_number};
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::ObjectLayout;
use crate::tree::Items;
use crate::word::{Word, WordKind};

/// Concatenates the bars in the row at `stack_index`, if it is one object and all its items are evaluated
/// bars, and the result has no more than `limit` bytes; returns `None` otherwise.
pub fn concatenate(
    heap: &mut RawHeap,
    stack_index: usize,
    limit: usize,
) -> Result<Option<Word>, HeapFull> {
    let mut total = 0;
    let Some(row) = flat_row(heap, stack_index) else { return Ok(None) };
    for &item in row {
        let bar = heap.resolve(item);
        if bar.kind() != WordKind::Bar {
            return Ok(None);
        }
        total += heap.object(bar).raw(0) as usize;
        if total > limit {
            return Ok(None);
        }
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
