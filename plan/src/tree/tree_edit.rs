//! [`TreeEdit`]: the edit of one row or set along the way to a place in a leaf.

use super::build::{first, node};
use super::owner::EditOwner;
use super::path::TreePath;
use super::{LEAF_CAPACITY, NODE_CAPACITY, TREE_THRESHOLD, TreeNode, leaf_layout};
use crate::heap::{HeapMemory, ObjectDraft};
use crate::layout::ObjectLayout;
use crate::word::{Word, WordKind};
use std::ops::Range;

/// The most words of the nodes that an insertion makes at one level: two, of one part more than one
/// may have.
const INSERTED_NODE_WORDS: usize = 2 + 3 * (NODE_CAPACITY + 1);

/// The most words of the nodes that a removal makes at one level: one, and two of its parts and a
/// neighbour's.
const REMOVED_NODE_WORDS: usize = 3 * (1 + 3 * NODE_CAPACITY);

/// Returns the most words that an insertion or replacement along a path allocates.
#[inline]
pub(super) fn insertion_words(heap: &HeapMemory, path: &TreePath) -> usize {
    // A leaf has at most as many spare words as items, or as a leaf may have; a full one is halved.
    let leaf = 2 * (heap.size(path.leaf) + LEAF_CAPACITY + 2);
    (path.depth + 1) * INSERTED_NODE_WORDS + leaf
}

/// Returns the most words that a removal along a path allocates.
pub(super) fn removal_words(heap: &HeapMemory, path: &TreePath) -> usize {
    path.depth * REMOVED_NODE_WORDS + 4 * (heap.size(path.leaf) + LEAF_CAPACITY + 2)
}

/// An edit whose words have been reserved.
pub(super) struct TreeEdit<'h> {
    pub(super) heap: &'h mut HeapMemory,
    pub(super) owner: EditOwner,
    /// Whether the item that is inserted, if there is one, is in normal form.
    pub(super) item_is_normal: bool,
}

/// The replacement of a part of a node.
enum Replacement {
    One(Word),
    Two(Word, Word),
}

/// The end of the whole that an item is inserted at. There a full part is left full instead of
/// being halved, because more items are likely to follow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum GrowthEdge {
    Front,
    Back,
    Neither,
}

impl GrowthEdge {
    /// Returns the end that the place before item `at` of `len` items is at.
    #[inline]
    pub(super) fn of(at: usize, len: usize) -> GrowthEdge {
        if at == 0 {
            GrowthEdge::Front
        } else if at == len {
            GrowthEdge::Back
        } else {
            GrowthEdge::Neither
        }
    }
}

impl TreeEdit<'_> {
    /// Inserts an item at the end of a path of a root.
    #[inline]
    pub(super) fn insert(
        &mut self,
        root: Word,
        path: &TreePath,
        item: Word,
        edge: GrowthEdge,
    ) -> Word {
        let size = self.heap.size(path.leaf);
        if size >= self.leaf_capacity(path) {
            return self.insert_in_full_leaf(root, path, item, edge);
        }
        let mut part = self.inserted(path.leaf, path.at, item);
        for level in (0..path.depth).rev() {
            part = self.with_part(path, level, part, 1);
        }
        part
    }

    /// Returns the most items of the leaf of a path.
    #[inline]
    fn leaf_capacity(&self, path: &TreePath) -> usize {
        let is_short_row = path.depth == 0 && path.leaf.kind() == WordKind::Row;
        if is_short_row { TREE_THRESHOLD } else { LEAF_CAPACITY }
    }

    /// Inserts an item into a leaf that has no room for it.
    #[cold]
    fn insert_in_full_leaf(
        &mut self,
        root: Word,
        path: &TreePath,
        item: Word,
        edge: GrowthEdge,
    ) -> Word {
        let mut parts = self.split_leaf(path.leaf, path.at, item, edge);
        for level in (0..path.depth).rev() {
            parts = match parts {
                Replacement::One(part) => Replacement::One(self.with_part(path, level, part, 1)),
                Replacement::Two(a, b) => {
                    let (node, part_index) = path.step(level);
                    self.with_parts(node, part_index..part_index + 1, &[a, b], edge)
                }
            };
        }
        match parts {
            Replacement::One(root) => root,
            Replacement::Two(left, right) => {
                let normal = self.keeps_normal(root);
                self.node(leaf_layout(root), &[left, right], normal)
            }
        }
    }

    /// Replaces a full leaf by two with an item more.
    fn split_leaf(&mut self, leaf: Word, at: usize, item: Word, edge: GrowthEdge) -> Replacement {
        let size = self.heap.size(leaf);
        if edge != GrowthEdge::Neither {
            let mut draft = self.allocate_flat(leaf_layout(leaf), 1);
            draft.set(0, item);
            let alone = self.finish(draft, self.item_is_normal);
            return match edge {
                GrowthEdge::Front => Replacement::Two(alone, leaf),
                _ => Replacement::Two(leaf, alone),
            };
        }
        let split = size / 2;
        if at <= split {
            let left = self.spliced(leaf, 0..split, at..at, &[item]);
            Replacement::Two(left, self.spliced(leaf, split..size, 0..0, &[]))
        } else {
            let at = at - split;
            let left = self.spliced(leaf, 0..split, 0..0, &[]);
            Replacement::Two(left, self.spliced(leaf, split..size, at..at, &[item]))
        }
    }

    /// Replaces the item at the end of a path.
    #[inline]
    pub(super) fn replace(&mut self, path: &TreePath, item: Word) -> Word {
        let leaf = path.leaf;
        let mut part = if self.owns(leaf) {
            self.heap.store(leaf, path.at, item);
            self.note_written(leaf);
            leaf
        } else {
            self.spliced(leaf, 0..self.heap.size(leaf), path.at..path.at + 1, &[item])
        };
        for level in (0..path.depth).rev() {
            part = self.with_part(path, level, part, 0);
        }
        part
    }

    /// Removes the item at the end of a path; `None` if there is no other.
    pub(super) fn remove(&mut self, path: &TreePath) -> Option<Word> {
        let leaf = path.leaf;
        let mut left = if self.heap.size(leaf) == 1 {
            None
        } else if self.owns(leaf) && self.heap.remove_in_place(leaf, path.at) {
            Some(leaf)
        } else {
            Some(self.spliced(leaf, 0..self.heap.size(leaf), path.at..path.at + 1, &[]))
        };
        for level in (0..path.depth).rev() {
            left = match left {
                Some(part) if !self.is_underfull(part) || self.is_alone(path.step(level).0) => {
                    Some(self.with_part(path, level, part, -1))
                }
                Some(part) => Some(self.joined_with_neighbour(path, level, part)),
                None if self.is_alone(path.step(level).0) => None,
                None => {
                    let (node, part_index) = path.step(level);
                    Some(self.with_no_more_parts(node, part_index..part_index + 1, &[]))
                }
            };
        }
        left
    }

    /// Returns an empty row or set.
    pub(super) fn empty(&mut self, layout: ObjectLayout) -> Word {
        let draft = self.allocate_flat(layout, 0);
        self.finish(draft, true)
    }

    /// Whether a node has only one part.
    fn is_alone(&self, node: Word) -> bool {
        TreeNode::of(self.heap, node).is_some_and(|node| node.fan == 1)
    }

    /// Returns the node at a level of a path with a part that became too short and a neighbour of it
    /// joined.
    #[cold]
    fn joined_with_neighbour(&mut self, path: &TreePath, level: usize, part: Word) -> Word {
        let (node, part_index) = path.step(level);
        let parts = TreeNode::of(self.heap, node).map_or(&[][..], TreeNode::parts);
        let (range, pair) = match parts.get(part_index + 1) {
            Some(next) => (part_index..part_index + 2, [part, *next]),
            None => (part_index - 1..part_index + 1, [parts[part_index - 1], part]),
        };
        match self.join(pair) {
            Replacement::One(part) => self.with_no_more_parts(node, range, &[part]),
            Replacement::Two(a, b) => self.with_no_more_parts(node, range, &[a, b]),
        }
    }

    /// Returns the node with no more parts than it had, in place of a range of them.
    #[cold]
    fn with_no_more_parts(&mut self, node: Word, range: Range<usize>, new: &[Word]) -> Word {
        match self.with_parts(node, range, new, GrowthEdge::Neither) {
            Replacement::One(part) => part,
            Replacement::Two(..) => unreachable!("there are no more parts than before"),
        }
    }

    /// Whether a part should be joined with a neighbour.
    #[inline]
    fn is_underfull(&self, part: Word) -> bool {
        match TreeNode::of(self.heap, part) {
            Some(node) => node.fan < NODE_CAPACITY / 4,
            None => self.heap.size(part) < LEAF_CAPACITY / 4,
        }
    }

    /// Joins two parts of the same level, to one or to two of the same size.
    fn join(&mut self, [left, right]: [Word; 2]) -> Replacement {
        let normal = self.heap.is_normal(left) && self.heap.is_normal(right);
        let nodes = (TreeNode::of(self.heap, left), TreeNode::of(self.heap, right));
        let (all, most) = match nodes {
            (Some(a), Some(b)) => ([a.parts(), b.parts()].concat(), NODE_CAPACITY),
            _ => ([self.heap.words(left, 0), self.heap.words(right, 0)].concat(), LEAF_CAPACITY),
        };
        let mut make = |words: &[Word]| {
            if most == NODE_CAPACITY {
                return self.node(leaf_layout(left), words, normal);
            }
            let mut draft = self.allocate_flat(leaf_layout(left), words.len());
            draft.copy_from(0, words);
            self.finish(draft, normal)
        };
        if all.len() <= most {
            return Replacement::One(make(&all));
        }
        let (a, b) = all.split_at(all.len() / 2);
        Replacement::Two(make(a), make(b))
    }

    /// Whether a changed copy of an object is in normal form.
    #[inline]
    fn keeps_normal(&self, old: Word) -> bool {
        self.item_is_normal && self.heap.is_normal(old)
    }

    #[inline]
    fn finish(&self, draft: ObjectDraft, normal: bool) -> Word {
        let made = draft.finish();
        if normal {
            self.heap.mark_normal(made);
        }
        made
    }

    fn node(&mut self, leaf: ObjectLayout, parts: &[Word], normal: bool) -> Word {
        let made = node(self.heap, leaf, parts);
        if normal {
            self.heap.mark_normal(made);
        }
        made
    }

    /// Whether an object may be changed in place.
    #[inline]
    pub(super) fn owns(&self, object: Word) -> bool {
        self.heap.is_owned(object, self.owner.mark)
    }

    /// Notes that the item, or a part that has it, was written into an owned object.
    #[inline]
    fn note_written(&mut self, object: Word) {
        if !self.item_is_normal {
            self.heap.clear_normal(object);
        }
    }

    /// Inserts an item into a flat object.
    #[inline]
    fn inserted(&mut self, flat: Word, at: usize, item: Word) -> Word {
        if self.owns(flat) && self.heap.insert_in_place(flat, at, item) {
            self.note_written(flat);
            return flat;
        }
        self.spliced(flat, 0..self.heap.size(flat), at..at, &[item])
    }

    /// Allocates a flat object. If its owner may lengthen it, it gets spare words: half as many
    /// as it has, but no more than a leaf of a tree or a short row may have.
    #[inline]
    fn allocate_flat(&mut self, layout: ObjectLayout, size: usize) -> ObjectDraft {
        if !self.owner.owns_result {
            return self.heap.allocate(layout, 0, size);
        }
        let most = if size <= LEAF_CAPACITY { LEAF_CAPACITY } else { TREE_THRESHOLD };
        let spare = most.saturating_sub(size).min(size / 2 + 4);
        self.heap.allocate_with_spare(layout, size, spare)
    }

    /// Makes a copy of a range of the items of a flat object, with other items in place of those at
    /// `removed`, which are counted from the start of the range.
    #[inline]
    fn spliced(
        &mut self,
        flat: Word,
        range: Range<usize>,
        removed: Range<usize>,
        items: &[Word],
    ) -> Word {
        let size = range.len() - removed.len() + items.len();
        let normal = self.keeps_normal(flat);
        let mut draft = self.allocate_flat(leaf_layout(flat), size);
        let old = &self.heap.words(flat, 0)[range];
        draft.copy_from(0, &old[..removed.start]);
        for (index, item) in items.iter().enumerate() {
            draft.set(removed.start + index, *item);
        }
        draft.copy_from(removed.start + items.len(), &old[removed.end..]);
        self.finish(draft, normal)
    }

    /// Returns the node at a level of a path with another part there, which has `more` items more than the
    /// one before: the node itself if it is owned, else a copy.
    #[inline]
    fn with_part(&mut self, path: &TreePath, level: usize, part: Word, more: isize) -> Word {
        let (old, part_index) = path.step(level);
        let header = self.heap.header(old);
        let size = header.size();
        let is_set = header.layout() == ObjectLayout::SetNode;
        let columns = if is_set { 3 } else { 2 };
        let fan = size / columns;
        let slot = size - fan + part_index;
        // The first key of the part changes only with its first item.
        let first = (is_set && path.at == 0).then(|| first(self.heap, part));
        if self.owns(old) {
            if more != 0 {
                self.heap.add_to_nats(old, part_index..fan, more);
            }
            if let Some(first) = first {
                self.heap.store(old, fan + part_index, first);
            }
            if self.heap.load(old, slot) != part {
                self.heap.store(old, slot, part);
            }
            self.note_written(old);
            return old;
        }
        let normal = self.keeps_normal(old);
        let mut draft = self.heap.allocate(header.layout(), 0, size);
        draft.copy_from(0, self.heap.words(old, 0));
        if more != 0 {
            for end in draft.raw_words_mut(part_index, fan - part_index) {
                *end = end.wrapping_add_signed(more as i64);
            }
        }
        if let Some(first) = first {
            draft.set(fan + part_index, first);
        }
        draft.set(slot, part);
        self.finish(draft, normal)
    }

    /// Makes a node with other parts in place of a range, or two nodes if there are too many
    /// parts.
    #[cold]
    fn with_parts(
        &mut self,
        old: Word,
        range: Range<usize>,
        new: &[Word],
        edge: GrowthEdge,
    ) -> Replacement {
        let normal = self.keeps_normal(old);
        let layout = leaf_layout(old);
        let old = TreeNode::of(self.heap, old).map_or(&[][..], TreeNode::parts);
        let mut parts = [Word::ZERO; NODE_CAPACITY + 1];
        let mut count = 0;
        for part in old[..range.start].iter().chain(new).chain(&old[range.end..]) {
            parts[count] = *part;
            count += 1;
        }
        let parts = &parts[..count];
        if count <= NODE_CAPACITY {
            return Replacement::One(self.node(layout, parts, normal));
        }
        let split = match edge {
            GrowthEdge::Front => 1,
            GrowthEdge::Back => count - 1,
            GrowthEdge::Neither => count / 2,
        };
        let left = self.node(layout, &parts[..split], normal);
        Replacement::Two(left, self.node(layout, &parts[split..], normal))
    }
}
