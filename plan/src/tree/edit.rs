//! Insertion, replacement and removal of one item: new nodes from the root to a leaf, all others
//! shared.
//!
//! Operands are on the stack. Each operation first reserves all words that it may need, so that the
//! words it holds stay valid while it works.

use super::build::{first, node, split_flat_row};
use super::{LEAF_CAPACITY, NODE_CAPACITY, TREE_THRESHOLD, TreeNode, leaf_layout, len, occupancy};
use crate::heap::{HeapFull, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::{Word, WordKind};
use std::ops::Range;

/// Returns the row or set at `stack_index` with the value at stack index `item` inserted
/// before its item `at`. A key of a set is in normal form, and `at` is where it belongs.
pub fn insert(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    item: usize,
) -> Result<Word, HeapFull> {
    let (mut edit, root, item) = TreeEdit::with_item(heap, stack_index, item)?;
    if edit.is_short(root) {
        return Ok(edit.spliced(root, at, 0, &[item]));
    }
    let edge = match at {
        0 => GrowthEdge::Front,
        at if at == len(edit.heap, root) => GrowthEdge::Back,
        _ => GrowthEdge::Neither,
    };
    Ok(match edit.insert(root, at, item, edge) {
        Replacement::One(root) => root,
        Replacement::Two(left, right) => edit.node(root, &[left, right]),
    })
}

/// Returns the row at `stack_index` with the value at stack index `item` as its item `at`.
pub fn replace(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    item: usize,
) -> Result<Word, HeapFull> {
    let (mut edit, root, item) = TreeEdit::with_item(heap, stack_index, item)?;
    let others_are_normal =
        edit.heap.is_normal(root) || edit.heap.unfinished_item(root) == Some(at);
    let made = edit.replace(root, at, item);
    // In a node, the nodes that the edit has not made are marked.
    if others_are_normal && edit.heap.header(made).layout() == ObjectLayout::Row {
        edit.heap.note_edited_row(made, at);
    }
    Ok(made)
}

/// Returns the row or set at `stack_index` without its item `at`.
pub fn remove(heap: &mut RawHeap, stack_index: usize, at: usize) -> Result<Word, HeapFull> {
    let mut edit = TreeEdit::prepare(heap, stack_index, None)?;
    let root = edit.heap.stack.get(stack_index);
    if edit.is_short(root) {
        return Ok(edit.spliced(root, at, 1, &[]));
    }
    let Some(mut left) = edit.remove(root, at) else {
        return Ok(edit.heap.allocate_words(leaf_layout(root), 0, &[]));
    };
    while let Some(&[only]) = TreeNode::of(edit.heap, left).map(TreeNode::parts) {
        left = only;
    }
    Ok(left)
}

/// Replaces a table, a key and a value on top of the stack by the table that maps the key to the
/// value. `position` is the index at which the key was found, or (`Err`) where it belongs.
pub fn insert_in_table(heap: &mut RawHeap, position: Result<usize, usize>) -> Result<(), HeapFull> {
    let top = heap.stack.top();
    let (table, key, value) = (top - 3, top - 2, top - 1);
    for part in 0..2 {
        let part = heap.load(heap.resolve(heap.stack.get(table)), part);
        heap.stack.push_checked(part);
    }
    let (keys, values) = (top, top + 1);
    let values = match position {
        Ok(at) => replace(heap, values, at, value)?,
        Err(at) => {
            let longer = insert(heap, keys, at, key)?;
            heap.stack.set(keys, longer);
            insert(heap, values, at, value)?
        }
    };
    heap.stack.set(table, values);
    heap.reserve(3)?;
    let parts = [heap.stack.get(keys), heap.stack.get(table)];
    let made = heap.allocate_words(ObjectLayout::Tab, 0, &parts);
    if heap.is_normal(parts[1]) {
        heap.mark_normal(made);
    }
    heap.stack.truncate(table);
    heap.stack.push_checked(made);
    Ok(())
}

/// An edit whose words have been reserved.
struct TreeEdit<'h> {
    heap: &'h mut RawHeap,
    /// Whether the result is in normal form.
    normal: bool,
}

/// The replacement of a part of a node.
enum Replacement {
    One(Word),
    Two(Word, Word),
}

/// The end of the whole that an item is inserted at. There a full part is left full instead of
/// being halved, because more items are likely to follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GrowthEdge {
    Front,
    Back,
    Neither,
}

impl<'h> TreeEdit<'h> {
    /// Reserves the words to edit the row or set at `stack_index`, with the value at stack
    /// index `item`.
    fn prepare(
        heap: &'h mut RawHeap,
        stack_index: usize,
        item: Option<usize>,
    ) -> Result<TreeEdit<'h>, HeapFull> {
        let root = heap.resolve(heap.stack.get(stack_index));
        heap.stack.set(stack_index, root);
        if heap.header(root).layout() == ObjectLayout::Row && heap.size(root) >= TREE_THRESHOLD {
            split_flat_row(heap, stack_index)?;
        }
        let mut levels = 2;
        let mut part = heap.stack.get(stack_index);
        while let Some(node) = TreeNode::of(heap, part) {
            levels += 1;
            part = node.parts()[0];
        }
        let leaf = heap.size(part).max(LEAF_CAPACITY);
        // Each level makes one node, and at most two more nodes of its parts and a neighbour's.
        heap.reserve(3 * (levels * (1 + 3 * NODE_CAPACITY) + 1 + leaf))?;
        let is_normal = |index: usize| heap.is_normal(heap.resolve(heap.stack.get(index)));
        let normal = is_normal(stack_index) && item.is_none_or(is_normal);
        Ok(TreeEdit { heap, normal })
    }

    /// Prepares an edit with an item, and returns the words at both stack indices.
    fn with_item(
        heap: &'h mut RawHeap,
        stack_index: usize,
        item: usize,
    ) -> Result<(TreeEdit<'h>, Word, Word), HeapFull> {
        let edit = TreeEdit::prepare(heap, stack_index, Some(item))?;
        let root = edit.heap.resolve(edit.heap.stack.get(stack_index));
        let item = edit.heap.resolve(edit.heap.stack.get(item));
        Ok((edit, root, item))
    }

    /// Whether a change is best made by copying all items.
    fn is_short(&self, root: Word) -> bool {
        let most = if root.kind() == WordKind::Set { LEAF_CAPACITY } else { TREE_THRESHOLD };
        TreeNode::of(self.heap, root).is_none() && self.heap.size(root) < most
    }

    fn mark(&self, word: Word) -> Word {
        if self.normal {
            self.heap.mark_normal(word);
        }
        word
    }

    fn node(&mut self, like: Word, parts: &[Word]) -> Word {
        let made = node(self.heap, leaf_layout(like), parts);
        self.mark(made)
    }

    /// Makes a copy of a flat object with `items` in place of `removed` items.
    fn spliced(&mut self, flat: Word, at: usize, removed: usize, items: &[Word]) -> Word {
        let size = self.heap.size(flat);
        let mut draft = self.heap.allocate(leaf_layout(flat), 0, size - removed + items.len());
        let old = self.heap.words(flat, 0);
        draft.copy_from(0, &old[..at]);
        draft.copy_from(at, items);
        draft.copy_from(at + items.len(), &old[at + removed..]);
        self.mark(draft.finish())
    }

    /// Makes a flat object of a range of another's items.
    fn range(&mut self, flat: Word, range: Range<usize>) -> Word {
        let mut draft = self.heap.allocate(leaf_layout(flat), 0, range.len());
        draft.copy_from(0, &self.heap.words(flat, 0)[range]);
        self.mark(draft.finish())
    }

    /// Makes a copy of a node with another part at that index, which has `more` items more than the
    /// one before.
    fn with_part(&mut self, old: Word, part_index: usize, part: Word, more: isize) -> Word {
        let header = self.heap.header(old);
        let (layout, size) = (header.layout(), header.size());
        let columns = if layout == ObjectLayout::SetNode { 3 } else { 2 };
        let fan = size / columns;
        let mut draft = self.heap.allocate(layout, 0, size);
        draft.copy_from(0, self.heap.words(old, 0));
        if more != 0 {
            for end in part_index..fan {
                let before = draft.raw(end);
                draft.set_raw(end, before.wrapping_add_signed(more as i64));
            }
        }
        if layout == ObjectLayout::SetNode {
            draft.set(fan + part_index, first(self.heap, part));
        }
        draft.set((columns - 1) * fan + part_index, part);
        self.mark(draft.finish())
    }

    /// Makes a node with other parts in place of a range, or two nodes if there are too many
    /// parts.
    fn with_parts(
        &mut self,
        old: Word,
        part_range: Range<usize>,
        new: &[Word],
        edge: GrowthEdge,
    ) -> Replacement {
        let mut parts =
            TreeNode::of(self.heap, old).map_or(Vec::new(), |node| node.parts().to_vec());
        parts.splice(part_range, new.iter().copied());
        if parts.len() <= NODE_CAPACITY {
            return Replacement::One(self.node(old, &parts));
        }
        let split = match edge {
            GrowthEdge::Front => 1,
            GrowthEdge::Back => parts.len() - 1,
            GrowthEdge::Neither => parts.len() / 2,
        };
        Replacement::Two(self.node(old, &parts[..split]), self.node(old, &parts[split..]))
    }

    fn insert(&mut self, part: Word, at: usize, item: Word, edge: GrowthEdge) -> Replacement {
        let Some(node) = TreeNode::of(self.heap, part) else {
            return self.insert_in_leaf(part, at, item, edge);
        };
        // An item between two parts goes to the first.
        let part_index = if at == 0 { 0 } else { node.part_of(at - 1) };
        let (inner, start) = (node.parts()[part_index], node.start(part_index));
        match self.insert(inner, at - start, item, edge) {
            Replacement::One(new) => Replacement::One(self.with_part(part, part_index, new, 1)),
            Replacement::Two(a, b) => {
                self.with_parts(part, part_index..part_index + 1, &[a, b], edge)
            }
        }
    }

    fn insert_in_leaf(
        &mut self,
        leaf: Word,
        at: usize,
        item: Word,
        edge: GrowthEdge,
    ) -> Replacement {
        let size = self.heap.size(leaf);
        if size < LEAF_CAPACITY {
            return Replacement::One(self.spliced(leaf, at, 0, &[item]));
        }
        if edge != GrowthEdge::Neither {
            let alone = self.heap.allocate_words(leaf_layout(leaf), 0, &[item]);
            let alone = self.mark(alone);
            return if at == 0 {
                Replacement::Two(alone, leaf)
            } else {
                Replacement::Two(leaf, alone)
            };
        }
        let split = size / 2;
        let (left, right) = (self.range(leaf, 0..split), self.range(leaf, split..size));
        if at <= split {
            Replacement::Two(self.spliced(left, at, 0, &[item]), right)
        } else {
            Replacement::Two(left, self.spliced(right, at - split, 0, &[item]))
        }
    }

    fn replace(&mut self, part: Word, at: usize, item: Word) -> Word {
        let Some(node) = TreeNode::of(self.heap, part) else {
            return self.spliced(part, at, 1, &[item]);
        };
        let part_index = node.part_of(at);
        let (inner, start) = (node.parts()[part_index], node.start(part_index));
        let new = self.replace(inner, at - start, item);
        self.with_part(part, part_index, new, 0)
    }

    /// Returns the part without an item; `None` if it has no other.
    fn remove(&mut self, part: Word, at: usize) -> Option<Word> {
        let Some(node) = TreeNode::of(self.heap, part) else {
            return (self.heap.size(part) > 1).then(|| self.spliced(part, at, 1, &[]));
        };
        let (part_index, fan) = (node.part_of(at), node.fan);
        let (inner, start) = (node.parts()[part_index], node.start(part_index));
        let right = part_index + 1 < fan;
        let neighbour = if fan == 1 {
            None
        } else {
            Some(node.parts()[if right { part_index + 1 } else { part_index - 1 }])
        };
        let (part_range, new) = match (self.remove(inner, at - start), neighbour) {
            (None, None) => return None,
            (None, Some(_)) => (part_index..part_index + 1, vec![]),
            (Some(new), Some(neighbour)) if self.is_underfull(new) => {
                let part_range =
                    if right { part_index..part_index + 2 } else { part_index - 1..part_index + 1 };
                let pair = if right { [new, neighbour] } else { [neighbour, new] };
                match self.join(pair[0], pair[1]) {
                    Replacement::One(part) => (part_range, vec![part]),
                    Replacement::Two(a, b) => (part_range, vec![a, b]),
                }
            }
            (Some(new), _) => return Some(self.with_part(part, part_index, new, -1)),
        };
        match self.with_parts(part, part_range, &new, GrowthEdge::Neither) {
            Replacement::One(part) => Some(part),
            Replacement::Two(..) => unreachable!("there are no more parts than before"),
        }
    }

    /// Whether a part should be joined with a neighbour.
    fn is_underfull(&self, part: Word) -> bool {
        let most =
            if TreeNode::of(self.heap, part).is_some() { NODE_CAPACITY } else { LEAF_CAPACITY };
        occupancy(self.heap, part) < most / 4
    }

    /// Joins two parts of the same level, to one or to two of the same size.
    fn join(&mut self, left: Word, right: Word) -> Replacement {
        let nodes = (TreeNode::of(self.heap, left), TreeNode::of(self.heap, right));
        let (all, most) = match nodes {
            (Some(a), Some(b)) => ([a.parts(), b.parts()].concat(), NODE_CAPACITY),
            _ => ([self.heap.words(left, 0), self.heap.words(right, 0)].concat(), LEAF_CAPACITY),
        };
        let mut make = |words: &[Word]| match most {
            NODE_CAPACITY => self.node(left, words),
            _ => {
                let leaf = self.heap.allocate_words(leaf_layout(left), 0, words);
                self.mark(leaf)
            }
        };
        if all.len() <= most {
            return Replacement::One(make(&all));
        }
        let (a, b) = all.split_at(all.len() / 2);
        Replacement::Two(make(a), make(b))
    }
}
