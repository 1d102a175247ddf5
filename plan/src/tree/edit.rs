//! Insertion, replacement and removal of one item: new nodes from the root to a leaf, all others
//! shared.
//!
//! Each operation first reserves all words that it may need, so that the words it holds stay valid while
//! it works. If that collects, the operands are on the stack meanwhile. A caller's words are stale
//! afterwards.
//!
//! Nodes that only the edited value refers to are changed in place of being copied, if the
//! [`EditMode`] allows it.

use super::build::split_flat_row;
use super::owner::EditOwner;
use super::tree_edit::{
    INSERTION_WORDS_MAX, REMOVAL_WORDS_MAX, TreeEdit, insertion_words, removal_words,
};
use super::{TREE_THRESHOLD, TreeNode, leaf_layout};
use crate::heap::{HeapFull, HeapMemory, RawHeap};
use crate::layout::ObjectLayout;
use crate::word::Word;

pub use super::owner::{EditMode, change_owned_nat, replace_in_owned_tree};
pub use super::table_edit::{insert_in_table, remove_from_table};

/// Returns a row or set with a value inserted before its item `at`. A key of a set is in normal form, and
/// `at` is where it belongs. The stack has room for a few words.
pub fn insert(
    heap: &mut RawHeap,
    root: Word,
    at: usize,
    item: Word,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let [root, item] = reserve_for_edit(heap, [root, item])?;
    let owner = EditOwner::of(heap, root, mode);
    let made = TreeEdit::with_item(heap, owner, item).insert(root, at, item);
    owner.mark_root(heap, made);
    Ok(made)
}

/// Returns a row with a value as its item `at`. The stack has room for a few words.
pub fn replace(
    heap: &mut RawHeap,
    root: Word,
    at: usize,
    item: Word,
    mode: EditMode,
) -> Result<Word, HeapFull> {
    let [root, item] = reserve_for_edit(heap, [root, item])?;
    let owner = EditOwner::of(heap, root, mode);
    let made = replace_as(heap, root, at, item, owner);
    owner.mark_root(heap, made);
    Ok(made)
}

/// Resolves a root and an item, makes a tree of a long flat row, and reserves the words for an edit of
/// one item.
#[inline]
fn reserve_for_edit(heap: &mut RawHeap, operands: [Word; 2]) -> Result<[Word; 2], HeapFull> {
    let mut operands = operands.map(|word| heap.resolve(word));
    if is_long_flat_row(heap, operands[0]) {
        operands = split_long_row(heap, operands)?;
    }
    if !heap.has_room(INSERTION_WORDS_MAX + heap.mark_words()) {
        let words = insertion_words(heap, operands[0]) + heap.mark_words();
        if !heap.has_room(words) {
            operands = collect_keeping(heap, words, operands)?;
        }
    }
    Ok(operands)
}

/// Replaces an item for an owner. The words that this needs have been reserved.
#[inline]
pub(super) fn replace_as(
    heap: &mut HeapMemory,
    root: Word,
    at: usize,
    item: Word,
    owner: EditOwner,
) -> Word {
    let others_are_normal = heap.is_normal(root) || heap.unfinished_item(root) == Some(at);
    let made = TreeEdit::with_item(heap, owner, item).replace(root, at, item);
    // In a node, the nodes that the edit has not made are marked.
    if others_are_normal && heap.header(made).layout() == ObjectLayout::Row {
        heap.note_edited_row(made, at);
    } else if made == root {
        heap.forget_edited_row(root);
    }
    made
}

/// Returns a row or set without its item `at`. The stack has room for a few words.
pub fn remove(heap: &mut RawHeap, root: Word, at: usize, mode: EditMode) -> Result<Word, HeapFull> {
    let mut root = heap.resolve(root);
    if is_long_flat_row(heap, root) {
        [root] = split_long_row(heap, [root])?;
    }
    if !heap.has_room(REMOVAL_WORDS_MAX + heap.mark_words()) {
        let words = removal_words(heap, root) + heap.mark_words();
        if !heap.has_room(words) {
            [root] = collect_keeping(heap, words, [root])?;
        }
    }
    let owner = EditOwner::of(heap, root, mode);
    let made = remove_as(heap, root, at, owner);
    owner.mark_root(heap, made);
    Ok(made)
}

/// Removes an item for an owner. The words that this needs have been reserved.
#[inline]
pub(super) fn remove_as(heap: &mut HeapMemory, root: Word, at: usize, owner: EditOwner) -> Word {
    let mut edit = TreeEdit { heap, owner, item_is_normal: true };
    let Some(mut left) = edit.remove(root, at) else {
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

/// Returns operands with a tree in place of the first, a long flat row.
#[cold]
fn split_long_row<const N: usize>(
    heap: &mut RawHeap,
    operands: [Word; N],
) -> Result<[Word; N], HeapFull> {
    let base = push(heap, operands);
    let split = split_flat_row(heap, base);
    let operands = pop(heap, base);
    split.map(|()| operands)
}

/// Collects until that many words are free. Returns the operands as they are then.
#[cold]
pub(super) fn collect_keeping<const N: usize>(
    heap: &mut RawHeap,
    words: usize,
    operands: [Word; N],
) -> Result<[Word; N], HeapFull> {
    let base = push(heap, operands);
    let made = heap.make_room(words);
    let operands = pop(heap, base);
    made.map(|()| operands)
}

/// Pushes operands. Returns the index of the first.
pub(super) fn push<const N: usize>(heap: &mut RawHeap, operands: [Word; N]) -> usize {
    let base = heap.stack.top();
    for operand in operands {
        heap.stack.push_checked(operand);
    }
    base
}

/// Pops operands. The first one is at that index.
pub(super) fn pop<const N: usize>(heap: &mut RawHeap, base: usize) -> [Word; N] {
    let mut operands = [Word::ZERO; N];
    for (index, operand) in operands.iter_mut().enumerate() {
        *operand = heap.resolve(heap.stack.get(base + index));
    }
    heap.stack.truncate(base);
    operands
}
