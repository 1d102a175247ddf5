//! A checker of the structure of long rows and sets, for tests and for debugging a heap.

use super::{Items, LEAF_CAPACITY, NODE_CAPACITY, TreeNode, len};
use crate::heap::HeapMemory;
use crate::word::{Word, WordKind};

/// Checks the structure of a row or set: no node or leaf exceeds its capacity, none is empty, all
/// leaves are at one depth, and the ends and first keys in each node are those of its parts.
/// Returns the number of nodes above each leaf: 0 if the value is flat.
///
/// # Panics
/// If one of these does not hold.
pub fn check(memory: &HeapMemory, word: Word) -> usize {
    let Some(node) = TreeNode::of(memory, word) else { return 0 };
    assert!((1..=NODE_CAPACITY).contains(&node.fan), "a node of {} parts", node.fan);
    let mut end = 0;
    let mut depths = Vec::new();
    for (part_index, &part) in node.parts().iter().enumerate() {
        assert_eq!(part.kind(), word.kind(), "a part of another kind");
        assert!(len(memory, part) > 0, "an empty part");
        let is_leaf = TreeNode::of(memory, part).is_none();
        assert!(
            !is_leaf || memory.size(part) <= LEAF_CAPACITY,
            "a leaf of {} items",
            memory.size(part)
        );
        end += len(memory, part);
        assert_eq!(node.end(part_index), end, "a part's end");
        if word.kind() == WordKind::Set {
            let first = Items::of(part, memory).word(0);
            assert_eq!(Some(node.firsts()[part_index]), first, "a part's first key");
        }
        depths.push(check(memory, part));
    }
    assert!(depths.iter().all(|&depth| depth == depths[0]), "leaves at different depths");
    1 + depths[0]
}
