//! Heaps and values for the tests of this crate.

use crate::bar;
use crate::error::EvalError;
use crate::heap::{HeapOptions, Val};
use crate::plain::from_term;
use crate::values::Heap;
use spec::Term;
use std::ops::Range;

pub(crate) use spec::samples::terms;

/// Creates a heap with a small nursery. Under stress it collects at every reservation.
pub(crate) fn heap(stress: bool) -> Box<Heap> {
    let options = HeapOptions { nursery: 1 << 15, stress, ..HeapOptions::default() };
    Heap::new(options).unwrap()
}

/// Makes the value in normal form that a term represents, and marks it as such.
pub(crate) fn normal(heap: &mut Heap, term: &Term) -> Result<Val, EvalError> {
    let value = from_term(heap, term)?;
    mark_normal(heap, &value);
    Ok(value)
}

/// Marks a value and all values in it as being in normal form. An evaluator does so when it has
/// normalised a value; this crate has none.
///
/// # Panics
/// If a part of it is not evaluated.
pub(crate) fn mark_normal(heap: &Heap, value: &Val) {
    let memory = &heap.0.memory;
    let mut pending = vec![memory.word(value)];
    while let Some(word) = pending.pop() {
        assert!(!word.is_thunk(), "a value in normal form has no thunks");
        if !memory.is_normal(word) {
            memory.mark_normal(word);
            let values = memory.header(word).layout().values(memory.size(word));
            pending.extend(&memory.words(word, 0)[values]);
        }
    }
}

/// Makes the pin of a value, which is marked as being in normal form.
pub(crate) fn pin(heap: &mut Heap, item: &Val) -> Result<Val, EvalError> {
    mark_normal(heap, item);
    heap.build(|b| {
        b.push(item);
        b.pin()
    })
}

/// Appends bytes to a bar.
pub(crate) fn append_to_bar(heap: &mut Heap, bar: &Val, more: &[u8]) -> Val {
    let raw = &mut heap.0;
    let word = raw.word(bar);
    let at = raw.stack.top();
    raw.stack.push(word);
    let appended = bar::append(raw, at, more).expect("room");
    raw.stack.pop();
    raw.handle(appended)
}

/// Cuts a bar.
pub(crate) fn part_of_bar(heap: &mut Heap, bar: &Val, range: Range<usize>) -> Val {
    let raw = &mut heap.0;
    let word = raw.word(bar);
    let at = raw.stack.top();
    raw.stack.push(word);
    let part = bar::slice(raw, at, range).expect("room");
    raw.stack.pop();
    raw.handle(part)
}

/// Runs a full collection, and releases pin spaces that nothing points into.
pub(crate) fn collect(heap: &mut Heap) {
    heap.0.collect_all();
    heap.0.spaces.detach_unreferenced();
}
