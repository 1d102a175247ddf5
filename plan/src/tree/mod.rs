//! Long rows and sets: balanced trees of chunks, so that changing one item does not copy all of
//! them.
//!
//! A short row or set is one flat object. A long one may be a *node* of parts. Each part is a row
//! or set, flat or a node; all flat parts (leaves) are at the same depth. Only
//! this module and the [collector](crate::heap) see the difference: other code uses [`Items`], and
//! PLAN sees the same value either way.
//!
//! ```text
//! row:  [end..., part...]               end: the number of items in the parts up to this one
//! set:  [end..., first key..., part...]
//! table: [set, row]                     see [`ObjectLayout::Tab`]
//! ```
//!
//! An insertion, replacement or removal makes new nodes from the root to one leaf and shares all
//! others ([`edit`]). A node's ends are nats, so the collector and the normaliser treat its payload
//! like that of any row. The mark of normal form is per node, so normalising a table after an
//! insertion visits one path.
//!
//! # Which values are trees
//!
//! - A set of more than [`LEAF_CAPACITY`] keys, always.
//! - A row that had at least [`TREE_THRESHOLD`] items when it was changed or appended to. A row
//!   that is made in one operation is flat, whatever its length, because flat rows are read
//!   fastest.
//! - A table is a set and a row. It shares the row of values that it was made of.
//!
//! # Balance
//!
//! A leaf has at most [`LEAF_CAPACITY`] items, a node at most [`NODE_CAPACITY`] parts. Removal
//! keeps both at least a quarter full, except along the two edges: growth at an end leaves full
//! parts behind. So a tree of 2^32 items has fewer than twenty levels, and recursion over the
//! levels is safe.

mod build;
mod check;
mod count;
pub mod edit;
mod items;
mod owner;
mod path;
mod table_edit;
mod tree_edit;

pub use self::build::{row_of_items, set_of_row, set_of_top};
pub use self::check::check;
pub use self::items::{Items, search_nat};

use self::count::count_below;
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::{Word, WordKind};
use std::ops::Range;

/// The largest number of items in a leaf.
pub const LEAF_CAPACITY: usize = 64;

/// The largest number of parts of a node.
const NODE_CAPACITY: usize = 16;

/// A flat row with at least this many items becomes a tree when it is changed.
pub const TREE_THRESHOLD: usize = 256;

/// The payload of a node.
#[derive(Clone, Copy)]
struct TreeNode<'h> {
    words: &'h [Word],
    fan: usize,
}

impl<'h> TreeNode<'h> {
    /// Returns the node of a row or set; `None` if it is flat.
    #[inline]
    fn of(heap: &'h HeapMemory, word: Word) -> Option<TreeNode<'h>> {
        let columns = columns(heap.header(word).layout())?;
        let words = heap.words(word, 0);
        Some(TreeNode { words, fan: words.len() / columns })
    }

    /// Returns the number of items in the parts up to and including that one.
    #[inline]
    fn end(self, part_index: usize) -> usize {
        self.words[part_index].raw() as usize
    }

    /// Returns the number of items in the parts before that one.
    #[inline]
    fn start(self, part_index: usize) -> usize {
        if part_index == 0 { 0 } else { self.end(part_index - 1) }
    }

    /// Returns the number of items in all parts.
    #[inline]
    fn len(self) -> usize {
        self.end(self.fan - 1)
    }

    /// Returns the index of the part that has the item with that index.
    #[inline]
    fn part_of(self, index: usize) -> usize {
        count_below(&self.words[..self.fan], (index as u64).saturating_add(1))
    }

    /// Returns the parts.
    #[inline]
    fn parts(self) -> &'h [Word] {
        &self.words[self.words.len() - self.fan..]
    }

    /// Returns the first keys of the parts, if it is the node of a set.
    #[inline]
    fn first_keys(self) -> Option<&'h [Word]> {
        (self.words.len() == 3 * self.fan).then(|| self.firsts())
    }

    /// Returns the first keys of the parts of a set.
    #[inline]
    fn firsts(self) -> &'h [Word] {
        &self.words[self.fan..2 * self.fan]
    }
}

/// Returns the number of words that a node has for each part; `None` if the layout is not a node's.
#[inline]
fn columns(layout: ObjectLayout) -> Option<usize> {
    match layout {
        ObjectLayout::RowNode => Some(2),
        ObjectLayout::SetNode => Some(3),
        _ => None,
    }
}

/// Returns the number of items of a row, or of keys of a set.
#[inline]
pub fn len(heap: &HeapMemory, word: Word) -> usize {
    TreeNode::of(heap, word).map_or_else(|| heap.size(word), TreeNode::len)
}

/// Returns the number of items of a leaf, or of parts of a node.
#[inline]
fn occupancy(heap: &HeapMemory, word: Word) -> usize {
    TreeNode::of(heap, word).map_or_else(|| heap.size(word), |node| node.fan)
}

/// Returns the first key of a set; `None` if it is empty.
#[inline]
pub fn first_key(heap: &HeapMemory, set: Word) -> Option<Word> {
    match TreeNode::of(heap, set) {
        None => heap.words(set, 0).first().copied(),
        Some(node) => node.firsts().first().copied(),
    }
}

/// Returns the leaf of a row or set that has the item of that index, and the number of items before the
/// leaf; `None` if there are fewer items. A flat row or set is its own leaf.
pub fn leaf_of(heap: &HeapMemory, word: Word, index: usize) -> Option<(Word, usize)> {
    let (mut leaf, mut start) = (word, 0);
    while let Some(node) = TreeNode::of(heap, leaf) {
        let part_index = node.part_of(index - start);
        leaf = *node.parts().get(part_index)?;
        start += node.start(part_index);
    }
    (index - start < heap.size(leaf)).then_some((leaf, start))
}

/// Passes the leaves of a row or set to `visit`, last to first. A flat row or set is its own leaf.
pub fn for_each_leaf_reversed(heap: &HeapMemory, word: Word, visit: &mut impl FnMut(Word)) {
    match TreeNode::of(heap, word) {
        None => visit(word),
        // The recursion is as deep as the tree, which the module documentation bounds.
        Some(node) => {
            node.parts().iter().rev().for_each(|part| for_each_leaf_reversed(heap, *part, visit));
        }
    }
}

/// Pushes a range of the items of a row, or of the keys of a set. The stack has room for them.
///
/// # Panics
/// If there are not that many items.
pub fn push_range(heap: &mut RawHeap, word: Word, items: Range<usize>) {
    assert!(items.end <= len(heap, word), "no such items");
    assert!(heap.stack.is_room_beyond(items.len()), "the stack has no room for the items");
    let mut next = items.start;
    while next < items.end {
        let (leaf, start) = leaf_of(heap, word, next).expect("the range is checked");
        let end = heap.size(leaf).min(items.end - start);
        let from = next - start;
        heap.push_payload(leaf, from, end - from);
        next = start + end;
    }
}

/// Returns the row in the stack slot `row` as one object: a copy of its items, if it is a tree.
///
/// # Errors
/// If the heap is full.
pub fn flattened(heap: &mut RawHeap, row: usize) -> Result<Word, HeapFull> {
    let count = len(heap, heap.stack.get(row));
    heap.reserve(1 + count)?;
    let word = heap.stack.get(row);
    if columns(heap.header(word).layout()).is_none() {
        return Ok(word);
    }
    let is_normal = heap.is_normal(word);
    let mut copy = heap.allocate(ObjectLayout::Row, 0, count);
    let mut next = 0;
    while let Some((leaf, _)) = leaf_of(heap, word, next) {
        for item in heap.words(leaf, 0) {
            copy.set(next, *item);
            next += 1;
        }
    }
    let copy = copy.finish();
    if is_normal {
        heap.mark_normal(copy);
    }
    Ok(copy)
}

/// Returns the layout of the leaves of a row or set.
#[inline]
fn leaf_layout(word: Word) -> ObjectLayout {
    if word.kind() == WordKind::Set { ObjectLayout::Set } else { ObjectLayout::Row }
}
