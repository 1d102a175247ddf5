//! Who owns the nodes of an edited row, set or table; see `heap/ownership.rs`.

use super::TreeNode;
use crate::heap::{EditMark, HeapMemory};
use crate::word::Word;

/// Which nodes of the edited value an edit may change in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum EditMode {
    /// None: all that changes is copied.
    Copy,
    /// None. The caller is the only owner of the result and marks it as such: it passes it only to
    /// one later edit in mode [`EditMode::Reuse`], or disowns it.
    Own,
    /// Those that are marked as the caller's. It is the only owner of the result.
    Reuse,
}

/// What an edit may change. It is small enough for two registers.
#[derive(Clone, Copy)]
pub(super) struct EditOwner {
    /// The owner's mark: that of the edited value, or a new one. [`EditMark::NOTHING`] if the result has
    /// no owner.
    mark: EditMark,
}

impl EditMode {
    /// Returns the mode with that number.
    pub fn numbered(number: usize) -> EditMode {
        match number {
            0 => EditMode::Copy,
            1 => EditMode::Own,
            _ => EditMode::Reuse,
        }
    }
}

impl EditOwner {
    /// The owner for an edit that copies all that changes.
    pub(super) const NONE: EditOwner = EditOwner { mark: EditMark::NOTHING };

    /// Returns the owner for an edit of a root in that mode.
    #[inline]
    pub(super) fn of(heap: &mut HeapMemory, root: Word, mode: EditMode) -> EditOwner {
        let mark = match mode {
            EditMode::Copy => return EditOwner::NONE,
            EditMode::Own => {
                // The result may be the edited value itself.
                heap.disown(root);
                None
            }
            EditMode::Reuse => heap.mark_of(root),
        };
        EditOwner { mark: mark.unwrap_or_else(|| heap.edit_mark()) }
    }

    /// Whether the result gets the mark, and new leaves get spare words.
    #[inline(always)]
    pub(super) fn owns_result(self) -> bool {
        self.mark != EditMark::NOTHING
    }

    /// Whether the edit may change an object in place.
    #[inline(always)]
    pub(super) fn owns(self, heap: &HeapMemory, object: Word) -> bool {
        self.owns_result() && heap.is_owned(object, self.mark)
    }

    /// Marks a root that an edit returns.
    #[inline]
    pub(super) fn mark_root(self, heap: &mut HeapMemory, root: Word) {
        if !self.owns_result() {
            return;
        }
        if !heap.is_owned(root, self.mark) {
            // A removal leaves a part that others made.
            heap.disown(root);
        } else if !heap.header(root).layout().is_flat() {
            // A flat one has its mark since it was made.
            heap.set_mark(root, self.mark);
        }
    }
}

/// Returns the leaf of a row that has an item, and the item's index in it, if all nodes on the path to
/// the item are owned.
#[inline]
fn owned_slot(
    heap: &HeapMemory,
    row: Word,
    mut at: usize,
    mark: EditMark,
) -> Option<(Word, usize)> {
    let mut part = row;
    loop {
        if !heap.is_owned(part, mark) {
            return None;
        }
        let Some(node) = TreeNode::of(heap, part) else { return Some((part, at)) };
        let part_index = node.part_of(at);
        at -= node.start(part_index);
        part = node.parts()[part_index];
    }
}

/// Replaces an item of a row in place, if all nodes on the path to the item are owned. Returns whether
/// they are.
pub(super) fn replace_in_place(
    heap: &mut HeapMemory,
    row: Word,
    at: usize,
    item: Word,
    mark: EditMark,
) -> bool {
    let Some((leaf, index)) = owned_slot(heap, row, at, mark) else { return false };
    heap.store(leaf, index, item);
    heap.forget_edited_row(leaf);
    if !heap.is_normal(item) {
        clear_normal_on_path(heap, row, at);
    }
    true
}

/// Replaces an item of a long row in place by a value, if the caller owns the row and its nodes on the path
/// to the item. Returns whether it did. The row has that item.
#[inline]
pub fn replace_in_owned_tree(heap: &mut HeapMemory, row: Word, at: usize, item: Word) -> bool {
    if TreeNode::of(heap, row).is_none() {
        // What is known of the items of a short row is kept by `edit::replace`.
        return false;
    }
    let Some(mark) = heap.mark_of(row) else { return false };
    let item = heap.resolve(item);
    replace_in_place(heap, row, at, item, mark)
}

/// Replaces the value of an entry of a table in place by the nat below 2^63 that `change` returns for it,
/// if the caller owns the table and its nodes on the path to the value, and `change` returns one. Returns
/// whether it did.
#[inline]
pub fn change_owned_nat(
    heap: &mut HeapMemory,
    table: Word,
    at: usize,
    change: impl FnOnce(Word) -> Option<u64>,
) -> bool {
    let Some(mark) = heap.mark_of(table).filter(|mark| heap.is_owned(table, *mark)) else {
        return false;
    };
    let Some((leaf, index)) = owned_slot(heap, heap.load(table, 1), at, mark) else {
        return false;
    };
    match change(heap.load(leaf, index)) {
        Some(nat) => {
            // The row has no other value that may not be normal than before.
            heap.store(leaf, index, Word::direct(nat));
            true
        }
        None => false,
    }
}

/// Removes the marks of normal form from the owned nodes of a row on the path to an item.
fn clear_normal_on_path(heap: &mut HeapMemory, row: Word, mut at: usize) {
    let mut part = row;
    loop {
        heap.clear_normal(part);
        let Some(node) = TreeNode::of(heap, part) else { return };
        let part_index = node.part_of(at);
        at -= node.start(part_index);
        part = node.parts()[part_index];
    }
}
