//! Construction of rows and sets from all of their items.

use super::{Items, LEAF_CAPACITY, NODE_CAPACITY, leaf_layout, len, occupancy};
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::Word;
use std::ops::Range;

/// The number of items, and of parts, in a leaf and a node that are made in bulk: three quarters of
/// the capacity.
const BULK_LEAF_ITEMS: usize = LEAF_CAPACITY / 4 * 3;
const BULK_NODE_PARTS: usize = NODE_CAPACITY / 4 * 3;

/// Splits `0..total` into as few ranges as possible, of about the same length, at most `most` each.
fn even_parts(total: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = total.div_ceil(most);
    (0..parts).map(move |part| part * total / parts..(part + 1) * total / parts)
}

/// Returns the number of words that [`build`] allocates at most for that many items.
fn room(items: usize) -> usize {
    let leaves = items.div_ceil(BULK_LEAF_ITEMS);
    // A leaf has a header, and at most three words and a share of a header in the node above; the
    // nodes above that one have at most a tenth as many words.
    items + 6 * leaves + 64
}

/// Makes the tree of these items; `normal` says that they are in normal form. The words ([`room`])
/// have been reserved.
fn build(heap: &mut RawHeap, leaf: ObjectLayout, items: &[Word], normal: bool) -> Word {
    let mark = |heap: &HeapMemory, word: Word| {
        if normal {
            heap.mark_normal(word);
        }
        word
    };
    let mut level: Vec<Word> = even_parts(items.len(), BULK_LEAF_ITEMS)
        .map(|range| {
            let made = heap.allocate_words(leaf, 0, &items[range]);
            mark(heap, made)
        })
        .collect();
    while level.len() > 1 {
        level = even_parts(level.len(), BULK_NODE_PARTS)
            .map(|range| {
                let made = node(heap, leaf, &level[range]);
                mark(heap, made)
            })
            .collect();
    }
    level[0]
}

/// Makes the node of these parts, whose leaves have that layout. The words have been reserved.
pub(super) fn node(heap: &mut HeapMemory, leaf: ObjectLayout, parts: &[Word]) -> Word {
    let fan = parts.len();
    let (layout, columns) = match leaf {
        ObjectLayout::Set => (ObjectLayout::SetNode, 3),
        _ => (ObjectLayout::RowNode, 2),
    };
    let mut draft = heap.allocate(layout, 0, columns * fan);
    let mut end = 0;
    for (part_index, part) in parts.iter().enumerate() {
        debug_assert!(occupancy(heap, *part) > 0, "a part has items");
        end += len(heap, *part);
        draft.set_raw(part_index, end as u64);
        if layout == ObjectLayout::SetNode {
            draft.set(fan + part_index, first(heap, *part));
        }
        draft.set((columns - 1) * fan + part_index, *part);
    }
    draft.finish()
}

/// Returns the first key of a part of a set.
pub(super) fn first(heap: &HeapMemory, part: Word) -> Word {
    match super::TreeNode::of(heap, part) {
        None => heap.load(part, 0),
        Some(node) => node.firsts()[0],
    }
}

/// Replaces a long flat row at `stack_index` by the tree of its items.
pub(super) fn split_flat_row(heap: &mut RawHeap, stack_index: usize) -> Result<(), HeapFull> {
    let size = heap.size(heap.stack.get(stack_index));
    heap.reserve(room(size))?;
    let flat = heap.stack.get(stack_index);
    let items = heap.words(flat, 0).to_vec();
    let normal = heap.is_normal(flat);
    let tree = build(heap, leaf_layout(flat), &items, normal);
    heap.stack.set(stack_index, tree);
    Ok(())
}

/// Replaces the top `count` words of the stack, in normal form and strictly ascending, by the set
/// of them.
pub fn set_of_top(heap: &mut RawHeap, count: usize) -> Result<(), HeapFull> {
    heap.reserve(room(count))?;
    let from = heap.stack.top() - count;
    for stack_index in from..from + count {
        let key = heap.resolve(heap.stack.get(stack_index));
        heap.stack.set(stack_index, key);
    }
    let set = if count <= LEAF_CAPACITY {
        heap.allocate_popped(ObjectLayout::Set, 0, count)
    } else {
        let keys = heap.stack.top_from(from).to_vec();
        build(heap, ObjectLayout::Set, &keys, true)
    };
    heap.stack.truncate(from);
    heap.stack.push_checked(set);
    Ok(())
}

/// Returns the set whose keys are the items of the row on top of the stack.
pub fn set_of_row(heap: &mut RawHeap) -> Result<Word, HeapFull> {
    let row = heap.resolve(heap.stack.peek(0));
    heap.reserve(room(len(heap, row)))?;
    let row = heap.resolve(heap.stack.peek(0));
    let keys: Vec<Word> = Items::of(row, heap).iter().map(|key| key.word).collect();
    if keys.len() <= LEAF_CAPACITY {
        return Ok(heap.allocate_words(ObjectLayout::Set, 0, &keys));
    }
    Ok(build(heap, ObjectLayout::Set, &keys, true))
}

/// Returns the flat row of the keys of a set, or of the items of a row.
pub fn row_of_items(heap: &mut RawHeap, of: Word) -> Result<Word, HeapFull> {
    let size = len(heap, of);
    heap.stack.push_checked(of);
    let reserved = heap.reserve(1 + size);
    let of = heap.stack.pop();
    reserved?;
    let mut draft = heap.allocate(ObjectLayout::Row, 0, size);
    let mut index = 0;
    for chunk in Items::of(of, heap).chunks() {
        draft.copy_from(index, chunk);
        index += chunk.len();
    }
    let row = draft.finish();
    if heap.is_normal(of) {
        heap.mark_normal(row);
    }
    Ok(row)
}
