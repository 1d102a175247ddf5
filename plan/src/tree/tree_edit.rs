//! [`TreeEdit`]: the edit of one row or set along the way to a place in a leaf.

use super::build::{first, node};
use super::owner::EditOwner;
use super::path::{LEVELS_MAX, TreePath};
use super::{LEAF_CAPACITY, NODE_CAPACITY, TREE_THRESHOLD, TreeNode, leaf_layout, len};
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

/// At least the words that an insertion into any root, or a replacement in it, allocates, if the root is no flat row
/// that is made a tree before.
pub(super) const INSERTION_WORDS_MAX: usize =
    LEVELS_MAX * INSERTED_NODE_WORDS + 2 * (TREE_THRESHOLD + 8);

/// At least the words that a removal from any such root allocates.
pub(super) const REMOVAL_WORDS_MAX: usize =
    LEVELS_MAX * REMOVED_NODE_WORDS + 4 * (TREE_THRESHOLD + 8);

/// Returns at least the number of nodes above a leaf of that tree, and one more. To count them would take
/// a read of each, and a collection a little earlier costs less.
#[inline]
fn levels(heap: &HeapMemory, root: Word) -> usize {
    // Nodes have four parts, but for those at the edges.
    3 + len(heap, root).max(1).ilog2() as usize / 2
}

/// Returns the most words that an insertion into a root, or a replacement in it, allocates.
#[inline]
pub(super) fn insertion_words(heap: &HeapMemory, root: Word) -> usize {
    let header = heap.header(root);
    // A leaf has at most half as many spare words as items, and a few. A full one is halved.
    match header.layout().is_flat() {
        true => INSERTED_NODE_WORDS + 2 * (header.size() + 8),
        false => levels(heap, root) * INSERTED_NODE_WORDS + 2 * (LEAF_CAPACITY + 8),
    }
}

/// Returns the most words that a removal from a root allocates.
#[inline]
pub(super) fn removal_words(heap: &HeapMemory, root: Word) -> usize {
    let header = heap.header(root);
    match header.layout().is_flat() {
        true => 2 * (header.size() + 8),
        false => levels(heap, root) * REMOVED_NODE_WORDS + 4 * (LEAF_CAPACITY + 8),
    }
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
enum GrowthEdge {
    Front,
    Back,
    Neither,
}

impl GrowthEdge {
    /// Returns the end that the place before item `at` of `len` items is at.
    #[inline]
    fn of(at: usize, len: usize) -> GrowthEdge {
        if at == 0 {
            GrowthEdge::Front
        } else if at == len {
            GrowthEdge::Back
        } else {
            GrowthEdge::Neither
        }
    }
}

impl<'h> TreeEdit<'h> {
    /// Starts an edit with an item.
    #[inline]
    pub(super) fn with_item(
        heap: &'h mut HeapMemory,
        owner: EditOwner,
        item: Word,
    ) -> TreeEdit<'h> {
        let item_is_normal = heap.is_normal(item);
        TreeEdit { heap, owner, item_is_normal }
    }

    /// Inserts an item before item `at` of a root.
    #[inline]
    pub(super) fn insert(&mut self, root: Word, at: usize, item: Word) -> Word {
        let header = self.heap.header(root);
        let capacity = if root.kind() == WordKind::Set { LEAF_CAPACITY } else { TREE_THRESHOLD };
        if header.layout().is_flat() && header.size() < capacity {
            return self.inserted(root, at, item);
        }
        self.insert_in_tree(root, at, item)
    }

    /// Inserts an item before item `at` of a root that is a node, or a full leaf.
    #[inline(never)]
    fn insert_in_tree(&mut self, root: Word, at: usize, item: Word) -> Word {
        let path = &TreePath::to_gap(self.heap, root, at);
        if self.heap.size(path.leaf) >= LEAF_CAPACITY {
            let edge = GrowthEdge::of(at, len(self.heap, root));
            return self.insert_in_full_leaf(root, path, item, edge);
        }
        self.change(root, path, (1, item), |edit| edit.inserted(path.leaf, path.at, item))
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
        let nodes = path.nodes(self.heap, root);
        let mut parts = self.split_leaf(path.leaf, path.at, item, edge);
        for level in (0..path.depth).rev() {
            let (node, index) = (nodes[level], path.part_index(level));
            parts = match parts {
                Replacement::One(part) => {
                    Replacement::One(self.with_part(node, index, part, (1, path.at == 0)))
                }
                Replacement::Two(a, b) => self.with_parts(node, index..index + 1, &[a, b], edge),
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

    /// Replaces item `at` of a root.
    #[inline]
    pub(super) fn replace(&mut self, root: Word, at: usize, item: Word) -> Word {
        if self.heap.header(root).layout().is_flat() {
            return self.replaced(root, at, item);
        }
        let path = &TreePath::to_item(self.heap, root, at);
        self.change(root, path, (0, item), |edit| edit.replaced(path.leaf, path.at, item))
    }

    /// Removes item `at` of a root; `None` if there is no other.
    #[inline]
    pub(super) fn remove(&mut self, root: Word, at: usize) -> Option<Word> {
        let header = self.heap.header(root);
        if header.layout().is_flat() {
            return (header.size() > 1).then(|| self.without(root, at));
        }
        self.remove_from_tree(root, at)
    }

    /// Removes item `at` of a root that is a node; `None` if there is no other.
    #[inline(never)]
    fn remove_from_tree(&mut self, root: Word, at: usize) -> Option<Word> {
        let path = &TreePath::to_item(self.heap, root, at);
        if self.heap.size(path.leaf) <= LEAF_CAPACITY / 4 {
            return self.remove_from_short_leaf(root, path);
        }
        // The first item after the removal, if the first one is removed.
        let first = self.heap.load(path.leaf, 1);
        Some(self.change(root, path, (-1, first), |edit| edit.without(path.leaf, path.at)))
    }

    /// Removes an item from a leaf that has too few items for it.
    #[cold]
    fn remove_from_short_leaf(&mut self, root: Word, path: &TreePath) -> Option<Word> {
        let nodes = path.nodes(self.heap, root);
        let is_only_item = self.heap.size(path.leaf) == 1;
        let mut left = (!is_only_item).then(|| self.without(path.leaf, path.at));
        for level in (0..path.depth).rev() {
            let (node, index) = (nodes[level], path.part_index(level));
            let is_alone = TreeNode::of(self.heap, node).is_some_and(|node| node.fan == 1);
            left = match left {
                Some(part) if is_alone || !self.is_underfull(part) => {
                    Some(self.with_part(node, index, part, (-1, path.at == 0)))
                }
                Some(part) => Some(self.joined_with_neighbour(node, index, part)),
                None if is_alone => None,
                None => Some(self.with_no_more_parts(node, index..index + 1, &[])),
            };
        }
        left
    }

    /// Returns a flat object with an item replaced.
    #[inline]
    fn replaced(&mut self, flat: Word, at: usize, item: Word) -> Word {
        if self.owns(flat) {
            self.heap.store(flat, at, item);
            self.note_written(flat);
            return flat;
        }
        self.spliced(flat, 0..self.heap.size(flat), at..at + 1, &[item])
    }

    /// Returns a flat object without an item.
    #[inline]
    fn without(&mut self, flat: Word, at: usize) -> Word {
        if self.owns(flat) && self.heap.remove_in_place(flat, at) {
            return flat;
        }
        self.spliced(flat, 0..self.heap.size(flat), at..at + 1, &[])
    }

    /// Changes the leaf of a path, and the nodes above it, from the root down. The leaf gets `more` items,
    /// and `first` is its first item after the change if that is an item's place at its start.
    #[inline]
    fn change(
        &mut self,
        root: Word,
        path: &TreePath,
        (more, first): (isize, Word),
        change_leaf: impl FnOnce(&mut Self) -> Word,
    ) -> Word {
        let (changed_root, mut slot, mut part) = self.changed_node(root, path, 0, more, first);
        let mut above = changed_root;
        for level in 1..path.depth {
            let (changed, next_slot, next) = self.changed_node(part, path, level, more, first);
            if changed != part {
                self.heap.store(above, slot, changed);
            }
            (above, slot, part) = (changed, next_slot, next);
        }
        let changed = change_leaf(self);
        if changed != part {
            self.heap.store(above, slot, changed);
        }
        changed_root
    }

    /// Changes the node at a level of a path as [`TreeEdit::change`] says: in place, if it is owned, else
    /// in a copy. Returns the node, the index of the part that the path goes on in, and that part.
    #[inline]
    fn changed_node(
        &mut self,
        old: Word,
        path: &TreePath,
        level: usize,
        more: isize,
        first: Word,
    ) -> (Word, usize, Word) {
        let part_index = path.part_index(level);
        let header = self.heap.header(old);
        let size = header.size();
        let is_set = header.layout() == ObjectLayout::SetNode;
        let fan = if is_set { size / 3 } else { size / 2 };
        let slot = size - fan + part_index;
        let part = self.heap.load(old, slot);
        let changes_first = is_set && path.is_first_below(level);
        if self.owns(old) {
            if more != 0 {
                self.heap.add_to_nats(old, part_index..fan, more);
            }
            if changes_first {
                self.heap.store(old, fan + part_index, first);
            }
            self.note_written(old);
            return (old, slot, part);
        }
        let normal = self.keeps_normal(old);
        let mut draft = self.heap.allocate(header.layout(), 0, size);
        draft.copy_from(0, self.heap.words(old, 0));
        if more != 0 {
            for end in draft.raw_words_mut(part_index, fan - part_index) {
                *end = end.wrapping_add_signed(more as i64);
            }
        }
        if changes_first {
            draft.set(fan + part_index, first);
        }
        (self.finish(draft, normal), slot, part)
    }

    /// Returns a node with a part that became too short and a neighbour of it joined.
    fn joined_with_neighbour(&mut self, node: Word, part_index: usize, part: Word) -> Word {
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
    fn with_no_more_parts(&mut self, node: Word, range: Range<usize>, new: &[Word]) -> Word {
        match self.with_parts(node, range, new, GrowthEdge::Neither) {
            Replacement::One(part) => part,
            Replacement::Two(..) => unreachable!("there are no more parts than before"),
        }
    }

    /// Returns an empty row or set.
    pub(super) fn empty(&mut self, layout: ObjectLayout) -> Word {
        let draft = self.allocate_flat(layout, 0);
        self.finish(draft, true)
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
    fn owns(&self, object: Word) -> bool {
        self.owner.owns(self.heap, object)
    }

    /// Notes that the item, or a part that has it, was written into an owned object.
    #[inline]
    fn note_written(&mut self, object: Word) {
        if !self.item_is_normal {
            self.heap.clear_normal(object);
        }
    }

    /// Inserts an item into a flat object that has room for it.
    #[inline]
    fn inserted(&mut self, flat: Word, at: usize, item: Word) -> Word {
        if self.owns(flat) && self.heap.insert_in_place(flat, at, item) {
            self.note_written(flat);
            return flat;
        }
        let normal = self.keeps_normal(flat);
        let size = self.heap.size(flat);
        let mut draft = self.allocate_flat(leaf_layout(flat), size + 1);
        let old = self.heap.words(flat, 0);
        draft.copy_from(0, &old[..at]);
        draft.set(at, item);
        draft.copy_from(at + 1, &old[at..]);
        self.finish(draft, normal)
    }

    /// Allocates a flat object. If its owner may lengthen it, it gets spare words: half as many
    /// as it has, but no more than a leaf of a tree or a short row may have.
    #[inline]
    fn allocate_flat(&mut self, layout: ObjectLayout, size: usize) -> ObjectDraft {
        if !self.owner.owns_result() {
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

    /// Returns a node with another part at that index, which has `more` items more than the one before and
    /// perhaps another first item: the node itself if it is owned, else a copy.
    fn with_part(
        &mut self,
        old: Word,
        part_index: usize,
        part: Word,
        (more, changes_first): (isize, bool),
    ) -> Word {
        let header = self.heap.header(old);
        let size = header.size();
        let is_set = header.layout() == ObjectLayout::SetNode;
        let fan = if is_set { size / 3 } else { size / 2 };
        let changed = if self.owns(old) {
            self.note_written(old);
            old
        } else {
            let normal = self.keeps_normal(old);
            let mut draft = self.heap.allocate(header.layout(), 0, size);
            draft.copy_from(0, self.heap.words(old, 0));
            self.finish(draft, normal)
        };
        self.heap.add_to_nats(changed, part_index..fan, more);
        if is_set && changes_first {
            let first = first(self.heap, part);
            self.heap.store(changed, fan + part_index, first);
        }
        self.heap.store(changed, size - fan + part_index, part);
        changed
    }

    /// Makes a node with other parts in place of a range, or two nodes if there are too many
    /// parts.
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
