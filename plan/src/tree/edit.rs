//! Insertion, replacement and removal of one item: new nodes from the root to a leaf, all others
//! shared.
//!
//! Operands are on the stack. Each operation finds the way to the item, reserves the words that the
//! edit needs at most, and finds the way again if that has collected; so the words that it holds
//! stay valid while it works.
//!
//! Nodes that only the edited value refers to are changed in place of being copied, if the
//! [`EditMode`] allows it.

use super::build::split_flat_row;
use super::owner::EditOwner;
use super::path::TreePath;
use super::tree_edit::{GrowthEdge, TreeEdit, insertion_words, removal_words};
use super::{TREE_THRESHOLD, TreeNode, leaf_layout, len};
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::Word;

pub use super::owner::{EditMode, change_owned_nat, replace_in_owned_tree};
pub use super::table_edit::{insert_in_table, remove_from_table};

/// Returns the row or set at `stack_index` with the value at stack index `item` inserted
/// before its item `at`. A key of a set is in normal form, and `at` is where it belongs.
pub fn insert(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    item: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let path = |heap: &HeapMemory, root| TreePath::to_gap(heap, root, at);
    let (root, path) = prepare(heap, stack_index, path, insertion_words)?;
    let owner = EditOwner::of(heap, root, mode);
    let item = heap.stack.get(item);
    let made = insert_as(heap, root, &path, at, item, owner);
    owner.mark_root(heap, made);
    Ok(made)
}

/// Inserts an item for an owner. The words that this needs have been reserved.
#[inline]
pub(super) fn insert_as(
    heap: &mut HeapMemory,
    root: Word,
    path: &TreePath,
    at: usize,
    item: Word,
    owner: EditOwner,
) -> Word {
    let item = heap.resolve(item);
    let edge = GrowthEdge::of(at, len(heap, root));
    let item_is_normal = heap.is_normal(item);
    TreeEdit { heap, owner, item_is_normal }.insert(root, path, item, edge)
}

/// Returns the row at `stack_index` with the value at stack index `item` as its item `at`.
pub fn replace(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    item: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let path = |heap: &HeapMemory, root| TreePath::to_item(heap, root, at);
    let (root, path) = prepare(heap, stack_index, path, insertion_words)?;
    let owner = EditOwner::of(heap, root, mode);
    let item = heap.stack.get(item);
    let made = replace_as(heap, root, &path, at, item, owner);
    owner.mark_root(heap, made);
    Ok(made)
}

/// Replaces an item for an owner. The words that this needs have been reserved.
#[inline]
pub(super) fn replace_as(
    heap: &mut HeapMemory,
    root: Word,
    path: &TreePath,
    at: usize,
    item: Word,
    owner: EditOwner,
) -> Word {
    let item = heap.resolve(item);
    let others_are_normal = heap.is_normal(root) || heap.unfinished_item(root) == Some(at);
    let item_is_normal = heap.is_normal(item);
    let mut edit = TreeEdit { heap, owner, item_is_normal };
    let made = edit.replace(path, item);
    // In a node, the nodes that the edit has not made are marked.
    if others_are_normal && path.depth == 0 {
        edit.heap.note_edited_row(made, at);
    } else if made == root {
        edit.heap.forget_edited_row(root);
    }
    made
}

/// Returns the row or set at `stack_index` without its item `at`.
pub fn remove(
    heap: &mut RawHeap,
    stack_index: usize,
    at: usize,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let path = |heap: &HeapMemory, root| TreePath::to_item(heap, root, at);
    let (root, path) = prepare(heap, stack_index, path, removal_words)?;
    let owner = EditOwner::of(heap, root, mode);
    let made = remove_as(heap, root, &path, owner);
    owner.mark_root(heap, made);
    Ok(made)
}

/// Removes an item for an owner. The words that this needs have been reserved.
#[inline]
pub(super) fn remove_as(
    heap: &mut HeapMemory,
    root: Word,
    path: &TreePath,
    owner: EditOwner,
) -> Word {
    let mut edit = TreeEdit { heap, owner, item_is_normal: true };
    let Some(mut left) = edit.remove(path) else {
        return edit.empty(leaf_layout(root));
    };
    while let Some(&[only]) = TreeNode::of(edit.heap, left).map(TreeNode::parts) {
        left = only;
    }
    left
}

/// Whether a row is flat and so long that an edit makes it a tree first.
#[inline]
pub(super) fn is_long_flat_row(heap: &HeapMemory, root: Word) -> bool {
    let header = heap.header(root);
    header.layout() == ObjectLayout::Row && header.size() >= TREE_THRESHOLD
}

/// Reserves the words of an edit of the row or set at `stack_index`. Returns the value without
/// indirections, or a tree in place of a long flat row, and the way to the edited item.
#[inline]
fn prepare(
    heap: &mut RawHeap,
    stack_index: usize,
    path_in: impl Fn(&HeapMemory, Word) -> TreePath,
    words: impl Fn(&HeapMemory, &TreePath) -> usize,
) -> Result<(Word, TreePath), HeapFull> {
    let mut root = heap.resolve(heap.stack.get(stack_index));
    if is_long_flat_row(heap, root) {
        heap.stack.set(stack_index, root);
        split_flat_row(heap, stack_index)?;
        root = heap.stack.get(stack_index);
    }
    let path = path_in(heap, root);
    let words = words(heap, &path);
    if heap.has_room(words) {
        return Ok((root, path));
    }
    heap.make_room(words)?;
    let root = heap.resolve(heap.stack.get(stack_index));
    let path = path_in(heap, root);
    Ok((root, path))
}
