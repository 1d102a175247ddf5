//! [`BodyNode`]: reading the expressions of a law's body; and what references in it mean.

use plan::raw::{Kind, Memory, Word};

/// An expression of a law's body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BodyNode {
    /// A reference: 0 the law itself, then arguments, then lets.
    Reference(u64),
    /// A value.
    Constant(Word),
    /// An application.
    Application(Word, Word),
}

/// Reads an expression whose largest reference is `last`.
pub(crate) fn read_node(heap: &Memory, node: Word, last: u64) -> BodyNode {
    match node.kind() {
        Kind::Nat if node.raw() <= last => BodyNode::Reference(node.raw()),
        Kind::App => {
            let parts = heap.words(node, 0);
            match (parts[0].as_direct(), parts) {
                (Some(0), [_, f, x]) => BodyNode::Application(*f, *x),
                (Some(2), [_, k]) => BodyNode::Constant(*k),
                _ => BodyNode::Constant(node),
            }
        }
        _ => BodyNode::Constant(node),
    }
}

/// The place of the value of a reference.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Binding {
    /// A slot of the frame.
    Slot(u32),
    /// A constant.
    Constant(Word),
}

/// The bindings of all references in the code being emitted, sorted by reference.
pub(crate) type Scope = Vec<(u64, Binding)>;
