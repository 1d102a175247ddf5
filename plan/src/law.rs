//! Construction of laws from name, arity and body, in the shape that [`crate::shape`] defines.

use crate::bar::BarDraft;
use crate::error::EvalError;
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::{EXTRA_MAX, ObjectLayout};
use crate::nat::{NatRef, limbs};
use crate::order;
use crate::tree::{self, Items};
use crate::word::{COW_LIMIT, Word, WordKind};
use std::cmp::Ordering;

/// Replaces name, arity and body (all in normal form) by the law, or its data jet. A name or arity
/// that is not a nat counts as 0. Returns false, and leaves the stack as it is, if the arity is 0.
///
/// # Errors
/// [`EvalError::OutOfMemory`], and [`EvalError::Interrupted`] while keys are compared.
pub fn make_law(heap: &mut RawHeap) -> Result<bool, EvalError> {
    let top = heap.stack.top();
    for index in [top - 3, top - 2] {
        let word = heap.resolve(heap.stack.get(index));
        let nat = matches!(word.kind(), WordKind::Nat | WordKind::Big);
        heap.stack.set(index, if nat { word } else { Word::ZERO });
    }
    let (name, arity) = (heap.stack.peek(2), heap.stack.peek(1));
    let body = heap.resolve(heap.stack.peek(0));
    let data = match (name.as_direct(), arity.as_direct(), body.kind()) {
        (_, Some(0), _) => return Ok(false),
        (Some(0), Some(1), WordKind::Nat) if body == Word::ZERO => {
            heap.reserve(1)?;
            Some(heap.allocate_words(ObjectLayout::Row, 0, &[]))
        }
        (Some(0), Some(n), WordKind::Nat) if body == Word::ZERO && n <= COW_LIMIT => {
            Some(Word::cow(n - 1))
        }
        (Some(1), Some(1), WordKind::Nat | WordKind::Big) => match_bar(heap, body)?,
        (Some(1), Some(2), WordKind::Row) if is_ascending(heap, body)? => {
            Some(tree::set_of_row(heap)?)
        }
        _ => None,
    };
    let word = match data {
        Some(word) => word,
        None => {
            heap.reserve(5)?;
            let arity = NatRef::of(heap, heap.stack.peek(1)).saturating_u64().min(EXTRA_MAX);
            heap.stack.push(Word::ZERO);
            heap.allocate_popped(ObjectLayout::Law, arity, 4)
        }
    };
    heap.stack.truncate(top - 3);
    heap.stack.push(word);
    Ok(true)
}

fn is_ascending(heap: &HeapMemory, row: Word) -> Result<bool, EvalError> {
    let items = Items::of(row, heap);
    for (low, high) in items.iter().zip(items.iter().skip(1)) {
        if order::try_compare(low, high)? != Ordering::Less {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the bar that the law `{1 1 body}` is, if its body, on top of the stack, is one bit above
/// whole bytes.
fn match_bar(heap: &mut RawHeap, body: Word) -> Result<Option<Word>, HeapFull> {
    let bits = NatRef::of(heap, body).bits();
    if bits == 0 || !(bits - 1).is_multiple_of(8) {
        return Ok(None);
    }
    let top = heap.stack.top() - 1;
    heap.stack.set(top, body);
    let mut draft = BarDraft::new(heap, (bits - 1) / 8)?;
    limbs::to_bytes(draft.bytes(), NatRef::of(heap, heap.stack.peek(0)).limbs());
    Ok(Some(draft.finish()))
}
