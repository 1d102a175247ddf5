//! [`TreePath`]: the way from the root of a row or set to one place in a leaf.

use super::TreeNode;
use crate::heap::HeapMemory;
use crate::word::Word;

/// More than the levels of any tree: the module documentation bounds them.
const LEVELS_MAX: usize = 24;

/// The way from a root to a place in a leaf.
pub(super) struct TreePath {
    nodes: [Word; LEVELS_MAX],
    /// The index of the part that the way goes on in. A node has few parts.
    part_indices: [u8; LEVELS_MAX],
    /// The number of nodes above the leaf.
    pub(super) depth: usize,
    /// The leaf; the root, if that is flat.
    pub(super) leaf: Word,
    /// The index of the place in the leaf.
    pub(super) at: usize,
}

impl TreePath {
    /// Returns the way to the place where an item is inserted before item `at`. A place between two
    /// parts belongs to the first.
    #[inline]
    pub(super) fn to_gap(heap: &HeapMemory, root: Word, at: usize) -> TreePath {
        TreePath::to(heap, root, at, |node, at| if at == 0 { 0 } else { node.part_of(at - 1) })
    }

    /// Returns the way to item `at`, which the root has.
    #[inline]
    pub(super) fn to_item(heap: &HeapMemory, root: Word, at: usize) -> TreePath {
        TreePath::to(heap, root, at, |node, at| node.part_of(at))
    }

    #[inline(always)]
    fn to(
        heap: &HeapMemory,
        root: Word,
        at: usize,
        part_of: impl Fn(TreeNode<'_>, usize) -> usize,
    ) -> TreePath {
        let mut path = TreePath {
            nodes: [Word::ZERO; LEVELS_MAX],
            part_indices: [0; LEVELS_MAX],
            depth: 0,
            leaf: root,
            at,
        };
        while let Some(node) = TreeNode::of(heap, path.leaf) {
            let part_index = part_of(node, path.at);
            path.nodes[path.depth] = path.leaf;
            path.part_indices[path.depth] = part_index as u8;
            path.depth += 1;
            path.at -= node.start(part_index);
            path.leaf = node.parts()[part_index];
        }
        path
    }

    /// Returns the node at a level, 0 for the root, and the index of the part that the way goes on in.
    #[inline(always)]
    pub(super) fn step(&self, level: usize) -> (Word, usize) {
        (self.nodes[level], usize::from(self.part_indices[level]))
    }
}
