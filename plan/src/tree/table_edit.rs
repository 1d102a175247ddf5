//! Insertion, replacement and removal of one entry of a table: an edit of its set of keys and of its row of
//! values.

use super::build::split_flat_row;
use super::edit::{collect_keeping, is_long_flat_row, pop, push, remove_as, replace_as};
use super::owner::{EditMode, EditOwner, replace_in_place};
use super::tree_edit::{
    INSERTION_WORDS_MAX, REMOVAL_WORDS_MAX, TreeEdit, insertion_words, removal_words,
};
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::Word;

/// The number of words of a table.
const TABLE_WORDS: usize = 3;

/// Returns a table that maps a key to a value, and all other keys as another table does. The key is in
/// normal form; `position` is the index at which it was found, or (`Err`) where it belongs. The stack has
/// room for a few words.
#[inline]
pub fn insert_in_table(
    heap: &mut RawHeap,
    (table, key, value): (Word, Word, Word),
    position: Result<usize, usize>,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let (table, key, value) = (heap.resolve(table), heap.resolve(key), heap.resolve(value));
    match position {
        Ok(at) => replace_value(heap, table, value, at, mode),
        Err(at) => insert_entry(heap, (table, key, value), at, mode),
    }
}

/// The keys and the values of a table.
#[inline(always)]
fn parts_of(heap: &HeapMemory, table: Word) -> [Word; 2] {
    [heap.load(table, 0), heap.resolve(heap.load(table, 1))]
}

/// Inserts an entry before entry `at` of a table.
fn insert_entry(
    heap: &mut RawHeap,
    (mut table, mut key, mut value): (Word, Word, Word),
    at: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let [mut keys, mut values] = parts_of(heap, table);
    if is_long_flat_row(heap, values) {
        [table, key, value] = split_long_row(heap, [table, key, value])?;
        [keys, values] = parts_of(heap, table);
    }
    if !heap.has_room(2 * INSERTION_WORDS_MAX + TABLE_WORDS + heap.mark_words()) {
        let words = insertion_words(heap, keys) + insertion_words(heap, values);
        let words = words + TABLE_WORDS + heap.mark_words();
        if !heap.has_room(words) {
            [table, key, value] = collect_keeping(heap, words, [table, key, value])?;
        }
    }
    let owner = EditOwner::of(heap, table, mode);
    let [keys, values] = parts_of(heap, table);
    let keys = TreeEdit::with_item(heap, owner, key).insert(keys, at, key);
    let values = TreeEdit::with_item(heap, owner, value).insert(values, at, value);
    Ok(table_of(heap, table, [keys, values], owner))
}

/// Replaces the value of entry `at` of a table.
fn replace_value(
    heap: &mut RawHeap,
    mut table: Word,
    mut value: Word,
    at: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    if mode == EditMode::Reuse && replace_owned_value(heap, table, at, value) {
        return Ok(table);
    }
    let [_, mut values] = parts_of(heap, table);
    if is_long_flat_row(heap, values) {
        [table, value] = split_long_row(heap, [table, value])?;
        [_, values] = parts_of(heap, table);
    }
    if !heap.has_room(INSERTION_WORDS_MAX + TABLE_WORDS + heap.mark_words()) {
        let words = insertion_words(heap, values) + TABLE_WORDS + heap.mark_words();
        if !heap.has_room(words) {
            [table, value] = collect_keeping(heap, words, [table, value])?;
        }
    }
    let owner = EditOwner::of(heap, table, mode);
    let [keys, values] = parts_of(heap, table);
    let values = replace_as(heap, values, at, value, owner);
    Ok(table_of(heap, table, [keys, values], owner))
}

/// Replaces the value of an entry of a table in place, if the table and its nodes on the path to the value
/// are owned. Returns whether they are.
fn replace_owned_value(heap: &mut HeapMemory, table: Word, at: usize, value: Word) -> bool {
    let Some(mark) = heap.mark_of(table).filter(|mark| heap.is_owned(table, *mark)) else {
        return false;
    };
    let is_replaced = replace_in_place(heap, heap.load(table, 1), at, value, mark);
    if is_replaced && !heap.is_normal(value) {
        heap.clear_normal(table);
    }
    is_replaced
}

/// Returns a table without its entry `at`. The stack has room for a few words.
pub fn remove_from_table(
    heap: &mut RawHeap,
    table: Word,
    at: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let mut table = heap.resolve(table);
    let [mut keys, mut values] = parts_of(heap, table);
    if is_long_flat_row(heap, values) {
        [table] = split_long_row(heap, [table])?;
        [keys, values] = parts_of(heap, table);
    }
    if !heap.has_room(2 * REMOVAL_WORDS_MAX + TABLE_WORDS + heap.mark_words()) {
        let words = removal_words(heap, keys) + removal_words(heap, values);
        let words = words + TABLE_WORDS + heap.mark_words();
        if !heap.has_room(words) {
            [table] = collect_keeping(heap, words, [table])?;
        }
    }
    let owner = EditOwner::of(heap, table, mode);
    let [keys, values] = parts_of(heap, table);
    let keys = remove_as(heap, keys, at, owner);
    let values = remove_as(heap, values, at, owner);
    Ok(table_of(heap, table, [keys, values], owner))
}

/// Returns operands, with a tree in place of the values of the first one, a table. They are a long flat row.
#[cold]
fn split_long_row<const N: usize>(
    heap: &mut RawHeap,
    operands: [Word; N],
) -> Result<[Word; N], HeapFull> {
    let [_, values] = parts_of(heap, operands[0]);
    let base = push(heap, operands);
    let row = push(heap, [values]);
    let split = split_flat_row(heap, row).and_then(|()| heap.reserve(TABLE_WORDS));
    let [values] = pop(heap, row);
    let mut operands: [Word; N] = pop(heap, base);
    split?;
    let keys = heap.load(operands[0], 0);
    operands[0] = table_of(heap, operands[0], [keys, values], EditOwner::NONE);
    Ok(operands)
}

/// Returns the table of those keys and values: `old` itself, if the owner has made it.
#[inline]
fn table_of(heap: &mut HeapMemory, old: Word, parts: [Word; 2], owner: EditOwner) -> Word {
    let is_normal = heap.is_normal(parts[1]);
    if owner.owns(heap, old) {
        for (index, part) in [(0, parts[0]), (1, parts[1])] {
            if heap.load(old, index) != part {
                heap.store(old, index, part);
            }
        }
        if !is_normal && heap.is_normal(old) {
            heap.clear_normal(old);
        }
        return old;
    }
    let mut draft = heap.allocate(ObjectLayout::Tab, 0, 2);
    draft.set(0, parts[0]);
    draft.set(1, parts[1]);
    let made = draft.finish();
    if is_normal {
        heap.mark_normal(made);
    }
    owner.mark_root(heap, made);
    made
}
