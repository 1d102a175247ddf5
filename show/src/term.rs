//! [`Term`]: a value taken apart for printing.
//!
//! A term is the list of its nodes, each before its children and those in order. It is made by
//! `load`; the passes over it are loops, forwards for what comes down from the top and backwards
//! for what comes up from the leaves, so no depth of nesting can exhaust the native stack.

use super::Symbol;
use plan::NatRef;
use plan::Natural;
use rex::LeafKind;

/// A part of a value, or of the body of a law in it.
pub(super) enum Node<'h> {
    /// A nat as a value.
    Nat(NatRef<'h>),
    /// A nat as the key of a set or table.
    Key(NatRef<'h>),
    Bar(&'h [u8]),
    /// A row constructor and its width.
    Constructor(Natural),
    /// Something that is not evaluated.
    Thunk,
    /// A pin, by its number in the closure.
    Pin(usize),
    /// The function and its arguments.
    App,
    Row,
    Set,
    /// Keys and values by turns.
    Tab,
    /// A law, by its number in the term. Its child is the body.
    Law(usize),

    /// In a body: the law itself (0), a parameter, or what a let binds.
    Variable {
        law: usize,
        number: u64,
    },
    /// In a body: an expression applied to others.
    Call,
    /// In a body: what is bound, and the body in which it is.
    Let {
        law: usize,
        number: u64,
    },
    /// In a body: a value that could be taken for code, and a rune that says it is none.
    Quote(&'static str),
    /// The same for an app; the function and its arguments are the children.
    QuotedApp(&'static str),

    /// A Rex tree that is a value. Its child is the tree.
    Tree,
    /// A part of a tree: its sons and perhaps its heir are the children.
    TreeBranch {
        shape: rex::NodeShape,
        rune: String,
        has_heir: bool,
    },
    /// A part of a tree: its heir, if there is one, is the child.
    TreeLeaf {
        leaf: LeafKind,
        text: String,
    },
    /// A part of a tree: the rune, and the value that is the child.
    TreeValue(&'static str),
}

/// What is to be known of a law to give names to its variables.
pub(super) struct LawFacts<'h> {
    pub(super) name: NatRef<'h>,
    pub(super) arity: u64,
    /// The arity, and how many lets are around the innermost part of the body.
    pub(super) variables: u64,
    /// Whether the body refers to the law.
    pub(super) is_recursive: bool,
}

impl LawFacts<'_> {
    /// Whether the law is written without a name: it has none, and needs none.
    pub(super) fn is_anonymous(&self) -> bool {
        self.name.is_zero() && !self.is_recursive
    }
}

/// A value taken apart for printing.
#[derive(Default)]
pub(super) struct Term<'h> {
    pub(super) nodes: Vec<Node<'h>>,
    /// For each node, the index behind the last node below it.
    pub(super) ends: Vec<usize>,
    /// The laws in it, each before those in its body.
    pub(super) laws: Vec<LawFacts<'h>>,
}

impl Term<'_> {
    /// The children of the node at that index.
    pub(super) fn children(&self, index: usize) -> impl Iterator<Item = usize> {
        let end = self.ends[index];
        let first = Some(index + 1).filter(|&child| child < end);
        std::iter::successors(first, move |&child| {
            Some(self.ends[child]).filter(|&next| next < end)
        })
    }
}

/// A closure: a value and the pins in it.
pub(super) struct Closure<'h> {
    pub(super) value: Term<'h>,
    /// In the order in which they are met, those within a pin before the pin.
    pub(super) pins: Vec<PinEntry<'h>>,
}

/// A pin in a closure.
pub(super) struct PinEntry<'h> {
    /// The name of the pinned law, 0 if it is something else.
    pub(super) tag: Symbol,
    /// What is pinned, if that is to be shown.
    pub(super) definition: Option<Term<'h>>,
}
