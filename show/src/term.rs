//! [`PrintTerm`]: a value in the form that the printing passes work on.
//!
//! A term is the list of its nodes in preorder. `load` makes it. The passes over it are loops,
//! forwards for information from the root and backwards for information from the leaves, so no
//! depth of nesting can overflow the native stack.

use super::Symbol;
use plan::NatRef;
use plan::Natural;
use rex::LeafKind;

/// A part of a value, or of the body of a law in it.
pub(super) enum TermNode<'h> {
    /// A nat as a value.
    Nat(NatRef<'h>),
    /// A nat as the key of a set or table.
    Key(NatRef<'h>),
    Bar(&'h [u8]),
    /// A row constructor and its width.
    Constructor(Natural),
    /// An unevaluated value, or one that the budget of the print does not cover.
    Elided,
    /// A pin, by its number in the closure.
    Pin(usize),
    /// The function and its arguments.
    App,
    Row,
    Set,
    /// Its children are keys and values in turn.
    Tab,
    /// A law, by its number in the term. Its child is the body.
    Law(usize),

    /// In a body: a variable: the law itself (0), a parameter, or a let.
    Variable {
        law: usize,
        number: u64,
    },
    /// In a body: an expression applied to others.
    Call,
    /// In a body: a let. Its children are the bound expression and the body.
    Let {
        law: usize,
        number: u64,
    },
    /// In a body: a value that could be mistaken for code, and the rune that marks it as a value.
    Quote(&'static str),
    /// The same for an app; the function and its arguments are the children.
    QuotedApp(&'static str),

    /// A Rex tree encoded as a value. Its child is the tree.
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

/// The facts about a law that decide the names of its variables.
pub(super) struct LawFacts<'h> {
    pub(super) name: NatRef<'h>,
    pub(super) arity: u64,
    /// The arity plus the number of lets around the innermost part of the body.
    pub(super) variables: u64,
    /// Whether the body refers to the law.
    pub(super) is_recursive: bool,
}

impl LawFacts<'_> {
    /// Whether the law is written without a name: it has none, and its body does not refer to it.
    pub(super) fn is_anonymous(&self) -> bool {
        self.name.is_zero() && !self.is_recursive
    }
}

/// A value in the form for printing.
#[derive(Default)]
pub(super) struct PrintTerm<'h> {
    pub(super) nodes: Vec<TermNode<'h>>,
    /// For each node, the index after the last node below it.
    pub(super) ends: Vec<usize>,
    /// The laws in it, each before those in its body.
    pub(super) laws: Vec<LawFacts<'h>>,
}

impl PrintTerm<'_> {
    /// The children of the node at that index.
    pub(super) fn children(&self, index: usize) -> impl Iterator<Item = usize> {
        let end = self.ends[index];
        let first = Some(index + 1).filter(|&child| child < end);
        std::iter::successors(first, move |&child| {
            Some(self.ends[child]).filter(|&next| next < end)
        })
    }
}

/// A value and the pins in it.
pub(super) struct PinClosure<'h> {
    pub(super) value: PrintTerm<'h>,
    /// The pins in the order of their visit; the pins within a pin come before it.
    pub(super) pins: Vec<PinEntry<'h>>,
}

/// A pin in a closure.
pub(super) struct PinEntry<'h> {
    /// The name of the pinned law; 0 if the item is not a law.
    pub(super) tag: Symbol,
    /// The item, if it is to be printed.
    pub(super) definition: Option<PrintTerm<'h>>,
}
