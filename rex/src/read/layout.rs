//! The layout rule: builds a block's tree from the columns of its token groups.
//!
//! A free-standing rune opens a node, whose column is that of the rune's last character. The next
//! group belongs to the innermost open node that is not to the right of the group. It becomes a son
//! if it is to the right of the node, and the heir if it is in the same column. If the node already
//! has an heir, that heir becomes its last son.

use super::group::ParsedGroup;
use crate::{NodeShape, Rex};

/// A parsed group and the column that counts for layout.
#[derive(Debug)]
pub(super) struct PositionedGroup {
    pub(super) column: usize,
    pub(super) group: ParsedGroup,
}

/// Builds the tree of a block. If the block does not begin with a rune, the trees before its first
/// rune and the node of that rune become the sons of a `|`.
pub(super) fn layout(groups: Vec<PositionedGroup>) -> Rex {
    let mut groups = groups.into_iter();
    let mut row = Vec::new();
    while let Some(PositionedGroup { column, group }) = groups.next() {
        match group {
            ParsedGroup::Tree(tree) => row.push(tree.finish()),
            ParsedGroup::Rune(rune) => {
                row.push(open_node(OpenNode::new(column, rune), groups.by_ref()))
            }
        }
    }
    match row.pop() {
        Some(only) if row.is_empty() => only,
        last => {
            row.extend(last);
            Rex::open("|", row)
        }
    }
}

/// A node that later groups can add sons or an heir to.
struct OpenNode {
    column: usize,
    rune: String,
    sons: Vec<Rex>,
    heir: Option<Rex>,
}

impl OpenNode {
    fn new(column: usize, rune: String) -> Self {
        OpenNode { column, rune, sons: Vec::new(), heir: None }
    }

    fn add(&mut self, column: usize, rex: Rex) {
        if self.heir.is_some() || column == self.column {
            self.sons.extend(self.heir.replace(rex));
        } else {
            self.sons.push(rex);
        }
    }

    fn close(self) -> Rex {
        Rex::node(NodeShape::Open, self.rune, self.sons, self.heir)
    }
}

/// Builds the node of the rune `innermost` from the groups after it.
fn open_node(mut innermost: OpenNode, groups: impl Iterator<Item = PositionedGroup>) -> Rex {
    let mut outer: Vec<OpenNode> = Vec::new();
    for PositionedGroup { column, group } in groups {
        while column < innermost.column
            && let Some(mut parent) = outer.pop()
        {
            parent.add(innermost.column, innermost.close());
            innermost = parent;
        }
        match group {
            ParsedGroup::Tree(tree) => innermost.add(column, tree.finish()),
            ParsedGroup::Rune(rune) => {
                outer.push(std::mem::replace(&mut innermost, OpenNode::new(column, rune)));
            }
        }
    }
    while let Some(mut parent) = outer.pop() {
        parent.add(innermost.column, innermost.close());
        innermost = parent;
    }
    innermost.close()
}
