//! Insertion, replacement and removal of one item: new nodes from the root to a leaf, all others
//! shared.
//!
//! Operands are on the stack. Each operation first reserves all words that it may need, so that the
//! words it holds stay valid while it works.
//!
//! Nodes that only the edited value refers to are changed in place of being copied, if the
//! [`EditMode`] allows it.

use super::build::{first, node, split_flat_row};
use super::owner::{EditOwner, replace_in_place};
use super::{LEAF_CAPACITY, NODE_CAPACITY, TREE_THRESHOLD, TreeNode, leaf_layout, len, occupancy};
use crate::heap::{HeapFull, ObjectDraft, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::{Word, WordKind};
use std::ops::Range;

pub use super::owner::{EditMode, change_owned_nat, replace_in_owned_tree};

/// Returns the row or set at `stack_index` with the value at stack index `item` inserted
/// before its item `at`. A key of a set is in normal form, and `at` is where it belongs.
pub fn insert(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    item: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    edit_for_owner(heap, stack_index, mode, |heap, owner| {
        insert_as(heap, stack_index, at, item, owner)
    })
}

/// Reserves the words of an edit of the value at `stack_index`, makes it for the owner that the mode
/// says, and marks the root of the result.
fn edit_for_owner(
    heap: &mut RawHeap,
    stack_index: usize,
    mode: EditMode,
    edit: impl FnOnce(&mut RawHeap, EditOwner) -> Word,
) -> Result<Word, HeapFull> {
    prepare(heap, stack_index)?;
    let root = heap.stack.get(stack_index);
    let owner = EditOwner::of(heap, root, mode);
    let made = edit(heap, owner);
    owner.mark_root(heap, made);
    Ok(made)
}

/// Inserts an item for an owner. The words that this needs have been reserved.
fn insert_as(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    item: usize,
    owner: EditOwner,
) -> Word {
    let (mut edit, root, item) = TreeEdit::with_item(heap, stack_index, item, owner);
    if edit.is_short(root) {
        return edit.inserted(root, at, item);
    }
    let edge = match at {
        0 => GrowthEdge::Front,
        at if at == len(edit.heap, root) => GrowthEdge::Back,
        _ => GrowthEdge::Neither,
    };
    match edit.insert(root, at, item, edge) {
        Replacement::One(root) => root,
        Replacement::Two(left, right) => edit.node(root, &[left, right]),
    }
}

/// Returns the row at `stack_index` with the value at stack index `item` as its item `at`.
pub fn replace(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    item: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    edit_for_owner(heap, stack_index, mode, |heap, owner| {
        replace_as(heap, stack_index, at, item, owner)
    })
}

/// Replaces an item for an owner. The words that this needs have been reserved.
fn replace_as(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    item: usize,
    owner: EditOwner,
) -> Word {
    let (mut edit, root, item) = TreeEdit::with_item(heap, stack_index, item, owner);
    let others_are_normal =
        edit.heap.is_normal(root) || edit.heap.unfinished_item(root) == Some(at);
    let made = edit.replace(root, at, item);
    // In a node, the nodes that the edit has not made are marked.
    if others_are_normal && edit.heap.header(made).layout() == ObjectLayout::Row {
        edit.heap.note_edited_row(made, at);
    } else if made == root {
        edit.heap.forget_edited_row(root);
    }
    made
}

/// Returns the row or set at `stack_index` without its item `at`.
pub fn remove(heap: &mut RawHeap, stack_index: usize, at: usize) -> Result<Word, HeapFull> {
    prepare(heap, stack_index)?;
    let owner = EditOwner::NONE;
    let mut edit = TreeEdit { heap, owner, normal: false, item_is_normal: true };
    let root = edit.heap.stack.get(stack_index);
    edit.normal = edit.heap.is_normal(root);
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
pub fn insert_in_table(
    heap: &mut RawHeap,
    position: Result<usize, usize>,
    mode: EditMode,
) -> Result<(), HeapFull> {
    let top = heap.stack.top();
    let (table, key, value) = (top - 3, top - 2, top - 1);
    let edited = heap.resolve(heap.stack.get(table));
    heap.stack.set(table, edited);
    let owner = EditOwner::of(heap, edited, mode);
    if let Ok(at) = position
        && replace_value_in_place(heap, edited, at, owner)
    {
        heap.stack.truncate(key);
        return Ok(());
    }
    for part in 0..2 {
        let part = heap.load(edited, part);
        heap.stack.push_checked(part);
    }
    let (keys, values) = (top, top + 1);
    prepare(heap, values)?;
    let longer = match position {
        Ok(at) => replace_as(heap, values, at, value, owner),
        Err(at) => {
            prepare(heap, keys)?;
            let longer = insert_as(heap, keys, at, key, owner);
            heap.stack.set(keys, longer);
            prepare(heap, values)?;
            insert_as(heap, values, at, value, owner)
        }
    };
    heap.stack.set(values, longer);
    heap.reserve(3)?;
    let [edited, keys, values] = [table, keys, values].map(|index| heap.stack.get(index));
    let made = table_of(heap, edited, [keys, values], owner);
    heap.stack.truncate(table);
    heap.stack.push_checked(made);
    Ok(())
}

/// Replaces the value of an entry of a table by the value on top of the stack in place, if the table
/// and its nodes on the path to the value are owned. Returns whether they are.
fn replace_value_in_place(heap: &mut RawHeap, table: Word, at: usize, owner: EditOwner) -> bool {
    if !heap.is_owned(table, owner.mark) {
        return false;
    }
    let (values, value) = (heap.load(table, 1), heap.resolve(heap.stack.peek(0)));
    let is_replaced = replace_in_place(heap, values, at, value, owner.mark);
    if is_replaced && !heap.is_normal(value) {
        heap.clear_normal(table);
    }
    is_replaced
}

/// Returns the table of those keys and values: `old` itself, if the owner has made it.
fn table_of(heap: &mut RawHeap, old: Word, parts: [Word; 2], owner: EditOwner) -> Word {
    let is_normal = heap.is_normal(parts[1]);
    if heap.is_owned(old, owner.mark) {
        for (index, part) in parts.into_iter().enumerate() {
            if heap.load(old, index) != part {
                heap.store(old, index, part);
            }
        }
        if heap.is_normal(old) && !is_normal {
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

/// Replaces a row or set on the stack by itself without indirections; a long flat row by a tree.
/// Reserves the words for an edit of it.
fn prepare(heap: &mut RawHeap, stack_index: usize) -> Result<(), HeapFull> {
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
    heap.reserve(3 * (levels * (1 + 3 * NODE_CAPACITY) + 1 + leaf))
}

/// An edit whose words have been reserved.
struct TreeEdit<'h> {
    heap: &'h mut RawHeap,
    owner: EditOwner,
    /// Whether the result is in normal form.
    normal: bool,
    /// Whether the item that is inserted is in normal form.
    item_is_normal: bool,
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
    /// Starts an edit with an item, and returns the words at both stack indices. The words that it
    /// needs have been reserved.
    fn with_item(
        heap: &'h mut RawHeap,
        stack_index: usize,
        item: usize,
        owner: EditOwner,
    ) -> (TreeEdit<'h>, Word, Word) {
        let root = heap.stack.get(stack_index);
        let item = heap.resolve(heap.stack.get(item));
        let item_is_normal = heap.is_normal(item);
        let normal = item_is_normal && heap.is_normal(root);
        (TreeEdit { heap, owner, normal, item_is_normal }, root, item)
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

    /// Whether an object may be changed in place.
    #[inline]
    fn owns(&self, object: Word) -> bool {
        self.heap.is_owned(object, self.owner.mark)
    }

    /// Writes a value into an owned object.
    fn store(&mut self, object: Word, index: usize, value: Word) {
        self.heap.store(object, index, value);
        self.note_written(object);
    }

    /// Notes that the item, or a part that has it, was written into an owned object.
    fn note_written(&mut self, object: Word) {
        if !self.item_is_normal {
            self.heap.clear_normal(object);
        }
    }

    /// Inserts an item into a flat object.
    fn inserted(&mut self, flat: Word, at: usize, item: Word) -> Word {
        if self.owns(flat) && self.heap.insert_in_place(flat, at, item) {
            self.note_written(flat);
            return flat;
        }
        self.spliced(flat, at, 0, &[item])
    }

    /// Allocates a flat object. If its owner may lengthen it, it gets spare words: half as many
    /// as it has, but no more than a leaf of a tree or a short row may have.
    fn allocate_flat(&mut self, layout: ObjectLayout, size: usize) -> ObjectDraft {
        if !self.owner.owns_result {
            return self.heap.allocate(layout, 0, size);
        }
        let most = if size <= LEAF_CAPACITY { LEAF_CAPACITY } else { TREE_THRESHOLD };
        let spare = most.saturating_sub(size).min(size / 2 + 4);
        self.heap.allocate_with_spare(layout, size, spare)
    }

    /// Makes a copy of a flat object with `items` in place of `removed` items.
    fn spliced(&mut self, flat: Word, at: usize, removed: usize, items: &[Word]) -> Word {
        let size = self.heap.size(flat);
        let mut draft = self.allocate_flat(leaf_layout(flat), size - removed + items.len());
        let old = self.heap.words(flat, 0);
        draft.copy_from(0, &old[..at]);
        draft.copy_from(at, items);
        draft.copy_from(at + items.len(), &old[at + removed..]);
        self.mark(draft.finish())
    }

    /// Makes a flat object of a range of another's items.
    fn range(&mut self, flat: Word, range: Range<usize>) -> Word {
        let mut draft = self.allocate_flat(leaf_layout(flat), range.len());
        draft.copy_from(0, &self.heap.words(flat, 0)[range]);
        self.mark(draft.finish())
    }

    /// Returns a node with another part at that index, which has `more` items more than the one
    /// before: the node itself if it is owned, else a copy.
    fn with_part(&mut self, old: Word, part_index: usize, part: Word, more: isize) -> Word {
        let header = self.heap.header(old);
        let (layout, size) = (header.layout(), header.size());
        let columns = if layout == ObjectLayout::SetNode { 3 } else { 2 };
        let fan = size / columns;
        if self.owns(old) {
            for end in part_index..if more == 0 { part_index } else { fan } {
                let before = self.heap.load(old, end).raw();
                let after = Word::direct(before.wrapping_add_signed(more as i64));
                self.heap.store(old, end, after);
            }
            if layout == ObjectLayout::SetNode {
                let key = first(self.heap, part);
                self.heap.store(old, fan + part_index, key);
            }
            self.store(old, (columns - 1) * fan + part_index, part);
            return old;
        }
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
            return Replacement::One(self.inserted(leaf, at, item));
        }
        if edge != GrowthEdge::Neither {
            let mut draft = self.allocate_flat(leaf_layout(leaf), 1);
            draft.copy_from(0, &[item]);
            let alone = self.mark(draft.finish());
            return if at == 0 {
                Replacement::Two(alone, leaf)
            } else {
                Replacement::Two(leaf, alone)
            };
        }
        let split = size / 2;
        let (left, right) = (self.range(leaf, 0..split), self.range(leaf, split..size));
        if at <= split {
            Replacement::Two(self.inserted(left, at, item), right)
        } else {
            Replacement::Two(left, self.inserted(right, at - split, item))
        }
    }

    fn replace(&mut self, part: Word, at: usize, item: Word) -> Word {
        let Some(node) = TreeNode::of(self.heap, part) else {
            if self.owns(part) {
                self.store(part, at, item);
                return part;
            }
            return self.spliced(part, at, 1, &[item]);
        };
        let part_index = node.part_of(at);
        let (inner, start) = (node.parts()[part_index], node.start(part_index));
        let new = self.replace(inner, at - start, item);
        if new == inner && self.owns(part) {
            self.note_written(part);
            return part;
        }
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
