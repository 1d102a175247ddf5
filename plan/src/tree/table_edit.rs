//! Insertion, replacement and removal of one entry of a table: an edit of its set of keys and of its row of
//! values.

use super::build::split_flat_row;
use super::edit::{insert_as, is_long_flat_row, remove_as, replace_as};
use super::owner::{EditMode, EditOwner, replace_in_place};
use super::path::TreePath;
use super::tree_edit::{insertion_words, removal_words};
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::Word;

/// The number of words of a table.
const TABLE_WORDS: usize = 3;

/// Replaces a table, a key and a value on top of the stack by the table that maps the key to the
/// value. `position` is the index at which the key was found, or (`Err`) where it belongs.
pub fn insert_in_table(
    heap: &mut RawHeap,
    position: Result<usize, usize>,
    mode: EditMode,
) -> Result<(), HeapFull> {
    let table = heap.stack.top() - 3;
    let made = match position {
        Ok(at) => replace_value(heap, table, at, mode)?,
        Err(at) => insert_entry(heap, table, at, mode)?,
    };
    heap.stack.truncate(table);
    heap.stack.push_checked(made);
    Ok(())
}

/// Replaces a table on top of the stack by the table without entry `at`.
pub fn remove_from_table(heap: &mut RawHeap, at: usize, mode: EditMode) -> Result<(), HeapFull> {
    let stack_index = heap.stack.top() - 1;
    let of_table = |heap: &HeapMemory, [keys, values]: [Word; 2]| {
        [TreePath::to_item(heap, keys, at), TreePath::to_item(heap, values, at)]
    };
    let (table, parts, paths) = prepare(heap, stack_index, of_table, removal_words)?;
    let owner = EditOwner::of(heap, table, mode);
    let keys = remove_as(heap, parts[0], &paths[0], owner);
    let values = remove_as(heap, parts[1], &paths[1], owner);
    let made = table_of(heap, table, [keys, values], owner);
    heap.stack.truncate(stack_index);
    heap.stack.push_checked(made);
    Ok(())
}

/// Returns the table at a stack index with an entry before entry `at`: the key and the value above it.
fn insert_entry(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let of_table = |heap: &HeapMemory, [keys, values]: [Word; 2]| {
        [TreePath::to_gap(heap, keys, at), TreePath::to_gap(heap, values, at)]
    };
    let (table, [keys, values], [key_path, value_path]) =
        prepare(heap, stack_index, of_table, insertion_words)?;
    let owner = EditOwner::of(heap, table, mode);
    let (key, value) = (heap.stack.get(stack_index + 1), heap.stack.get(stack_index + 2));
    let keys = insert_as(heap, keys, &key_path, at, key, owner);
    let values = insert_as(heap, values, &value_path, at, value, owner);
    Ok(table_of(heap, table, [keys, values], owner))
}

/// Returns the table at a stack index with the value two above it as that of entry `at`.
fn replace_value(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let table = heap.resolve(heap.stack.get(stack_index));
    if mode == EditMode::Reuse && replace_owned_value(heap, table, at) {
        return Ok(table);
    }
    let of_table = |heap: &HeapMemory, [_, values]: [Word; 2]| {
        [TreePath::to_item(heap, values, at)]
    };
    let (table, [keys, values], [path]) =
        prepare(heap, stack_index, of_table, insertion_words)?;
    let owner = EditOwner::of(heap, table, mode);
    let value = heap.stack.get(stack_index + 2);
    let values = replace_as(heap, values, &path, at, value, owner);
    Ok(table_of(heap, table, [keys, values], owner))
}

/// Replaces the value of an entry of a table by the value on top of the stack in place, if the table
/// and its nodes on the path to the value are owned. Returns whether they are.
fn replace_owned_value(heap: &mut HeapMemory, table: Word, at: usize) -> bool {
    let Some(mark) = heap.mark_of(table).filter(|mark| heap.is_owned(table, *mark)) else {
        return false;
    };
    let (values, value) = (heap.load(table, 1), heap.resolve(heap.stack.peek(0)));
    let is_replaced = replace_in_place(heap, values, at, value, mark);
    if is_replaced && !heap.is_normal(value) {
        heap.clear_normal(table);
    }
    is_replaced
}

/// Reserves the words of an edit of the table at a stack index. Returns the table, its keys and values, and
/// the ways to the places that are edited. A long flat row of values becomes a tree.
#[inline]
fn prepare<const N: usize>(
    heap: &mut RawHeap,
    stack_index: usize,
    paths_in: impl Fn(&HeapMemory, [Word; 2]) -> [TreePath; N],
    words: impl Fn(&HeapMemory, &TreePath) -> usize,
) -> Result<(Word, [Word; 2], [TreePath; N]), HeapFull> {
    let (mut table, mut parts) = parts_of(heap, stack_index);
    if is_long_flat_row(heap, parts[1]) {
        with_tree_of_values(heap, stack_index)?;
        (table, parts) = parts_of(heap, stack_index);
    }
    let mut paths = paths_in(heap, parts);
    let words = paths.iter().fold(TABLE_WORDS, |sum, path| sum + words(heap, path));
    if !heap.has_room(words) {
        heap.make_room(words)?;
        (table, parts) = parts_of(heap, stack_index);
        paths = paths_in(heap, parts);
    }
    Ok((table, parts, paths))
}

/// The table at a stack index, its keys and its values.
#[inline]
fn parts_of(heap: &HeapMemory, stack_index: usize) -> (Word, [Word; 2]) {
    let table = heap.resolve(heap.stack.get(stack_index));
    (table, [heap.load(table, 0), heap.resolve(heap.load(table, 1))])
}

/// Replaces the table at a stack index, whose values are a long flat row, by one with a tree of them.
#[cold]
fn with_tree_of_values(heap: &mut RawHeap, stack_index: usize) -> Result<(), HeapFull> {
    let (_, [_, values]) = parts_of(heap, stack_index);
    let row = heap.stack.top();
    heap.stack.push_checked(values);
    let result = split_flat_row(heap, row).and_then(|()| heap.reserve(TABLE_WORDS));
    let (table, [keys, _]) = parts_of(heap, stack_index);
    let values = heap.stack.pop();
    result?;
    let made = table_of(heap, table, [keys, values], EditOwner::NONE);
    heap.stack.set(stack_index, made);
    Ok(())
}

/// Returns the table of those keys and values: `old` itself, if the owner has made it.
#[inline]
fn table_of(heap: &mut HeapMemory, old: Word, parts: [Word; 2], owner: EditOwner) -> Word {
    let is_normal = heap.is_normal(parts[1]);
    if heap.is_owned(old, owner.mark) {
        for (index, part) in parts.into_iter().enumerate() {
            if heap.load(old, index) != part {
                heap.store(old, index, part);
            }
        }
        if !is_normal && heap.is_normal(old) {
            heap.clear_normal(old);
        }
        return old;
    }
    let made = heap.allocate_words(ObjectLayout::Tab, 0, &parts);
    if is_normal {
        heap.mark_normal(made);
    }
    if owner.owns_result {
        heap.set_mark(made, owner.mark);
    }
    made
}
