//! Long rows and sets: balanced trees of chunks, so that changing one item does not copy them all.
//!
//! A short row or set is one flat object. A long one may be a *node* of parts, each of which is a row
//! or set in its own right, flat or a node again; all flat parts (leaves) lie at the same depth.
//! Nobody but this module and the [collector](crate::heap) knows which it is: everything else looks at
//! [`Items`], and what PLAN can visit is the same either way.
//!
//! ```text
//! row:  [end..., part...]               end: how many items the parts up to this one have
//! set:  [end..., first key..., part...]
//! table: [set, row]                     visit [`Layout::Tab`]
//! ```
//!
//! An insertion, replacement or removal makes new nodes from the root to one leaf and shares all
//! others ([`edit`]). A node's ends are nats, so the collector and the normaliser walk its payload as
//! they walk any row's: the mark of normal form is kept node by node, and normalising a table into
//! which one value was inserted looks at one path.
//!
//! # Who is a tree
//!
//! - A set of more than [`LEAF_CAPACITY`] keys, always.
//! - A row once it is changed or appended to while it has [`TREE_THRESHOLD`] items or more. Rows that are
//!   made at once are flat, however long, and quickest to read.
//! - A table is its set and its row. It shares the row of values it was made of.
//!
//! # Balance
//!
//! A leaf has at most [`LEAF_CAPACITY`] items, a node at most [`NODE_CAPACITY`] parts. At least a quarter of that is kept
//! up when items are removed, except along the two edges: what grows at an end leaves full parts
//! behind. So a tree of 2^32 items has fewer than twenty levels, and going down it may recurse.

mod build;
mod check;
pub mod edit;
mod items;

pub use self::build::{row_of_items, set_of_row, set_of_top};
pub use self::check::check;
pub use self::items::Items;

use crate::heap::{Memory, RawHeap};
use crate::layout::Layout;
use crate::word::{Kind, Word};
use std::ops::Range;

/// The most items of a leaf.
pub const LEAF_CAPACITY: usize = 64;

/// The most parts of a node.
const NODE_CAPACITY: usize = 16;

/// A flat row that is changed becomes a tree if it has at least this many items.
pub const TREE_THRESHOLD: usize = 256;

/// The payload of a node.
#[derive(Clone, Copy)]
struct TreeNode<'h> {
    words: &'h [Word],
    fan: usize,
}

impl<'h> TreeNode<'h> {
    /// The node that a row or set is, if it is not flat.
    #[inline]
    fn of(heap: &'h Memory, word: Word) -> Option<TreeNode<'h>> {
        let columns = columns(heap.header(word).layout())?;
        let words = heap.words(word, 0);
        Some(TreeNode { words, fan: words.len() / columns })
    }

    /// How many items the parts up to that one have.
    fn end(self, part_index: usize) -> usize {
        self.words[part_index].raw() as usize
    }

    /// How many items the parts before that one have.
    fn start(self, part_index: usize) -> usize {
        if part_index == 0 { 0 } else { self.end(part_index - 1) }
    }

    /// How many items all parts have.
    fn len(self) -> usize {
        self.end(self.fan - 1)
    }

    /// The part that has the item of that index.
    fn part_of(self, index: usize) -> usize {
        self.words[..self.fan].partition_point(|end| end.raw() as usize <= index)
    }

    /// The parts.
    fn parts(self) -> &'h [Word] {
        &self.words[self.words.len() - self.fan..]
    }

    /// The first keys of the parts of a set.
    fn firsts(self) -> &'h [Word] {
        &self.words[self.fan..2 * self.fan]
    }
}

/// How many words a node has for each part.
fn columns(layout: Layout) -> Option<usize> {
    match layout {
        Layout::RowNode => Some(2),
        Layout::SetNode => Some(3),
        _ => None,
    }
}

/// How many items a row has, how many keys a set.
pub fn len(heap: &Memory, word: Word) -> usize {
    TreeNode::of(heap, word).map_or_else(|| heap.size(word), TreeNode::len)
}

/// How many items a leaf has, how many parts a node.
fn occupancy(heap: &Memory, word: Word) -> usize {
    TreeNode::of(heap, word).map_or_else(|| heap.size(word), |node| node.fan)
}

/// Shows the flat parts of a row or set, last to first. One that is flat has only itself.
pub fn for_each_leaf_reversed(heap: &Memory, word: Word, visit: &mut impl FnMut(Word)) {
    match TreeNode::of(heap, word) {
        None => visit(word),
        // Not deeper than a tree is: visit above.
        Some(node) => {
            node.parts().iter().rev().for_each(|part| for_each_leaf_reversed(heap, *part, visit));
        }
    }
}

/// Pushes these items of a row, or these keys of a set. The stack must have room for them.
///
/// # Panics
/// If there are no such items.
pub fn push_range(heap: &mut RawHeap, word: Word, items: Range<usize>) {
    assert!(items.end <= len(heap, word), "no such items");
    assert!(heap.stack.is_room_beyond(items.len()), "no room was made for them");
    let mut next = items.start;
    while next < items.end {
        let (mut leaf, mut start) = (word, 0);
        while let Some(node) = TreeNode::of(heap, leaf) {
            let part_index = node.part_of(next - start);
            start += node.start(part_index);
            leaf = node.parts()[part_index];
        }
        let end = heap.size(leaf).min(items.end - start);
        let from = next - start;
        heap.push_payload(leaf, from, end - from);
        next = start + end;
    }
}

/// The layout of the leaves of a row or set.
fn leaf_layout(word: Word) -> Layout {
    if word.kind() == Kind::Set { Layout::Set } else { Layout::Row }
}
