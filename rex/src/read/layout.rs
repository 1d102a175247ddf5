//! The layout rule: builds a block's tree from the columns of its token groups.
//!
//! A free-standing rune opens a node, whose column is that of the rune's last character. The next
//! group belongs to the innermost open node that is not to the right of the group. It becomes a son
//! if it is to the right of the node, and the heir if it is in the same column. If the node already
//! has an heir, that heir becomes its last son.

use super::group::{HeirChain, ParsedGroup};
use crate::{NodeShape, Rex, SourceSpan};

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
    let mut whole = SourceSpan::NONE;
    while let Some(PositionedGroup { column, group }) = groups.next() {
        let (rex, span) = match group {
            ParsedGroup::Tree(tree) => with_span(tree),
            ParsedGroup::Rune(rune, span) => {
                open_node(OpenNode::new(column, rune, span), groups.by_ref())
            }
        };
        whole = whole.to(span);
        row.push(rex);
    }
    match row.pop() {
        Some(only) if row.is_empty() => only,
        last => {
            row.extend(last);
            Rex::open("|", row).with_span(whole)
        }
    }
}

/// Returns the linked trees, and the span of all of them.
fn with_span(tree: HeirChain) -> (Rex, SourceSpan) {
    let span = tree.span();
    (tree.finish(), span)
}

/// A node that later groups can add sons or an heir to.
struct OpenNode {
    column: usize,
    rune: String,
    /// The span from the rune to the last son.
    span: SourceSpan,
    sons: Vec<Rex>,
    heir: Option<Rex>,
    heir_span: SourceSpan,
}

impl OpenNode {
    fn new(column: usize, rune: String, span: SourceSpan) -> Self {
        let heir_span = SourceSpan::NONE;
        OpenNode { column, rune, span, sons: Vec::new(), heir: None, heir_span }
    }

    fn add(&mut self, column: usize, (rex, span): (Rex, SourceSpan)) {
        if self.heir.is_some() || column == self.column {
            self.sons.extend(self.heir.replace(rex));
            self.span = self.span.to(std::mem::replace(&mut self.heir_span, span));
        } else {
            self.sons.push(rex);
            self.span = self.span.to(span);
        }
    }

    /// Returns the node, and the span of it and its heir.
    fn close(self) -> (Rex, SourceSpan) {
        let node = Rex::node(NodeShape::Open, self.rune, self.sons, self.heir);
        (node.with_span(self.span), self.span.to(self.heir_span))
    }
}

/// Builds the node of the rune `innermost` from the groups after it.
fn open_node(
    mut innermost: OpenNode,
    groups: impl Iterator<Item = PositionedGroup>,
) -> (Rex, SourceSpan) {
    let mut outer: Vec<OpenNode> = Vec::new();
    for PositionedGroup { column, group } in groups {
        while column < innermost.column
            && let Some(mut parent) = outer.pop()
        {
            parent.add(innermost.column, innermost.close());
            innermost = parent;
        }
        match group {
            ParsedGroup::Tree(tree) => innermost.add(column, with_span(tree)),
            ParsedGroup::Rune(rune, span) => {
                outer.push(std::mem::replace(&mut innermost, OpenNode::new(column, rune, span)));
            }
        }
    }
    while let Some(mut parent) = outer.pop() {
        parent.add(innermost.column, innermost.close());
        innermost = parent;
    }
    innermost.close()
}
