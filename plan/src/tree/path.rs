//! [`TreePath`]: the way from the root of a row or set to one place in a leaf.

use super::TreeNode;
use crate::heap::HeapMemory;
use crate::word::Word;

/// More than the levels of any tree: the module documentation bounds them.
pub(super) const LEVELS_MAX: usize = 32;

const _: () = assert!(super::NODE_CAPACITY <= 1 << u8::BITS);

/// The way from a root to a place in a leaf.
pub(super) struct TreePath {
    /// The indices of the parts that the way goes on in, from the root on.
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
    #[inline(always)]
    pub(super) fn to_gap(heap: &HeapMemory, root: Word, at: usize) -> TreePath {
        TreePath::to(heap, root, at, |node, at| if at == 0 { 0 } else { node.part_of(at - 1) })
    }

    /// Returns the way to item `at`, which the root has.
    #[inline(always)]
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
        let mut path = TreePath { part_indices: [0; LEVELS_MAX], depth: 0, leaf: root, at };
        while let Some(node) = TreeNode::of(heap, path.leaf) {
            let part_index = part_of(node, path.at);
            path.part_indices[path.depth] = part_index as u8;
            path.depth += 1;
            path.at -= node.start(part_index);
            path.leaf = node.parts()[part_index];
        }
        path
    }

    /// Returns the index of the part that the way goes on in below the node at a level, 0 for the root.
    #[inline(always)]
    pub(super) fn part_index(&self, level: usize) -> usize {
        usize::from(self.part_indices[level])
    }

    /// Whether the place is the first one below the part at a level.
    #[inline(always)]
    pub(super) fn is_first_below(&self, level: usize) -> bool {
        self.at == 0 && self.part_indices[level + 1..self.depth].iter().all(|index| *index == 0)
    }

    /// Returns the nodes on the way, by their levels.
    pub(super) fn nodes(&self, heap: &HeapMemory, root: Word) -> [Word; LEVELS_MAX] {
        let mut nodes = [root; LEVELS_MAX];
        for level in 1..self.depth {
            let above = TreeNode::of(heap, nodes[level - 1]).map(TreeNode::parts);
            nodes[level] = above.map_or(root, |parts| parts[self.part_index(level - 1)]);
        }
        nodes
    }
}
