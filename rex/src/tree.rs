//! The tree, [`Rex`], and its walks.
//!
//! The source text determines the depth of a tree, so cloning, comparing, dropping and
//! debug-printing use an explicit stack on the heap. [`Rex::try_fold`] is the bottom-up walk behind
//! the mapping functions and behind the conversions of other crates.

use std::convert::Infallible;
use std::fmt;
use std::mem;

use crate::SourceSpan;

/// The embedded-value type of trees without embedded values. The reader returns such trees and the
/// printer takes them.
pub type NoEmbed = Infallible;

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeShape {
    /// `| f x`: laid out by indentation.
    Open,
    /// `(| f x)`, and with the rune left out: `(f x)` is `|`, `[a b]` is `,`.
    Nest,
    /// `(a + b + c)`.
    Infix,
    /// `-x`: it has exactly one son.
    Prefix,
    /// `a+b+c`.
    Shut,
}

/// How a leaf is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeafKind {
    /// `foo`
    Word,
    /// `{foo}`, `"foo"` or, with any ASCII character as the quote, `}_foo_`.
    Text,
    /// `} foo` up to the end of the line. Each further line of the same string is the heir of the
    /// line above it.
    Line,
}

/// A tree of runes and leaves, with embedded values of type `E`.
///
/// Trees are equal if they are written the same way, wherever they are in their sources.
///
/// `Rex` has a destructor, which drops deep trees without recursion, so a pattern cannot move
/// fields out of an owned `Rex`. Match on a reference, and move a field out of a `&mut Rex` with
/// [`std::mem::take`].
pub enum Rex<E = NoEmbed> {
    /// A rune and its arguments.
    Node {
        /// How the node is written.
        shape: NodeShape,
        /// The rune. The reader yields rune characters only; a constructed tree may have any text.
        rune: String,
        /// The arguments.
        sons: Vec<Rex<E>>,
        /// The expression that follows: the next one at the rune's own indentation, or one that is
        /// attached without a space.
        heir: Option<Box<Rex<E>>>,
        /// The node's place in the source, without its heir.
        span: SourceSpan,
    },
    /// A word or string.
    Leaf {
        /// How the leaf is written.
        leaf: LeafKind,
        /// The content, without quotes. The printer writes a word as a text if the reader would not
        /// read it back as a word.
        text: String,
        /// The expression that is attached without a space; of a line string, the one below it.
        heir: Option<Box<Rex<E>>>,
        /// The leaf's place in the source, without its heir.
        span: SourceSpan,
    },
    /// A value without a notation.
    Embed(E),
}

impl<E> Rex<E> {
    /// Makes a node.
    pub fn node(
        shape: NodeShape,
        rune: impl Into<String>,
        sons: Vec<Self>,
        heir: impl Into<Option<Self>>,
    ) -> Self {
        let (rune, heir) = (rune.into(), heir.into().map(Box::new));
        Rex::Node { shape, rune, sons, heir, span: SourceSpan::NONE }
    }

    /// Makes a leaf.
    pub fn leaf(leaf: LeafKind, text: impl Into<String>, heir: impl Into<Option<Self>>) -> Self {
        let (text, heir) = (text.into(), heir.into().map(Box::new));
        Rex::Leaf { leaf, text, heir, span: SourceSpan::NONE }
    }

    /// Makes a word without an heir: `foo`.
    pub fn word(text: impl Into<String>) -> Self {
        Self::leaf(LeafKind::Word, text, None)
    }

    /// Makes a text without an heir: `{foo}`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::leaf(LeafKind::Text, text, None)
    }

    /// Makes a line string without an heir: `} foo`.
    pub fn line(text: impl Into<String>) -> Self {
        Self::leaf(LeafKind::Line, text, None)
    }

    /// Makes an open node without an heir: `| f x`.
    pub fn open(rune: impl Into<String>, sons: Vec<Self>) -> Self {
        Self::node(NodeShape::Open, rune, sons, None)
    }

    /// Makes a nested node without an heir: `(| f x)`.
    pub fn nest(rune: impl Into<String>, sons: Vec<Self>) -> Self {
        Self::node(NodeShape::Nest, rune, sons, None)
    }

    /// Makes an infix node without an heir: `(a + b)`.
    pub fn infix(rune: impl Into<String>, sons: Vec<Self>) -> Self {
        Self::node(NodeShape::Infix, rune, sons, None)
    }

    /// Makes a prefix node without an heir: `-a`.
    pub fn prefix(rune: impl Into<String>, son: Self) -> Self {
        Self::node(NodeShape::Prefix, rune, vec![son], None)
    }

    /// Makes a shut node without an heir: `a+b`.
    pub fn shut(rune: impl Into<String>, sons: Vec<Self>) -> Self {
        Self::node(NodeShape::Shut, rune, sons, None)
    }

    /// Returns the sons; a leaf or embedded value has none.
    pub fn sons(&self) -> &[Self] {
        match self {
            Rex::Node { sons, .. } => sons,
            Rex::Leaf { .. } | Rex::Embed(_) => &[],
        }
    }

    /// Returns the heir.
    pub fn heir(&self) -> Option<&Self> {
        match self {
            Rex::Node { heir, .. } | Rex::Leaf { heir, .. } => heir.as_deref(),
            Rex::Embed(_) => None,
        }
    }

    /// Sets or removes the heir. An embedded value has no heir, so the call does nothing to it.
    pub fn set_heir(&mut self, new: Option<Self>) {
        if let Rex::Node { heir, .. } | Rex::Leaf { heir, .. } = self {
            *heir = new.map(Box::new);
        }
    }

    /// Returns the tree with another heir.
    #[must_use]
    pub fn with_heir(mut self, heir: impl Into<Option<Self>>) -> Self {
        self.set_heir(heir.into());
        self
    }

    /// Returns the tree's place in the source, without its heir; [`SourceSpan::NONE`] for a tree
    /// that was not read.
    pub fn span(&self) -> SourceSpan {
        match self {
            Rex::Node { span, .. } | Rex::Leaf { span, .. } => *span,
            Rex::Embed(_) => SourceSpan::NONE,
        }
    }

    /// Returns the tree with another place. An embedded value has no place.
    #[must_use]
    pub fn with_span(mut self, new: SourceSpan) -> Self {
        if let Rex::Node { span, .. } | Rex::Leaf { span, .. } = &mut self {
            *span = new;
        }
        self
    }

    /// Returns whether the tree has a son or an heir.
    fn is_branch(&self) -> bool {
        !self.sons().is_empty() || self.heir().is_some()
    }

    /// Folds the tree bottom up: `visit` gets each node with the results for its sons and its heir.
    /// The result for the root is the result of the fold.
    ///
    /// The walk visits the sons in order, then the heir, and uses no native stack.
    ///
    /// # Errors
    ///
    /// The first error of `visit`, which ends the walk.
    pub fn try_fold<T, X>(
        &self,
        mut visit: impl FnMut(&Self, Vec<T>, Option<T>) -> Result<T, X>,
    ) -> Result<T, X> {
        struct Frame<'a, E, T> {
            rex: &'a Rex<E>,
            sons: Vec<T>,
        }
        let start = |rex| Frame { rex, sons: Vec::with_capacity(rex.sons().len()) };
        let mut stack: Vec<Frame<'_, E, T>> = Vec::new();
        let mut top = start(self);
        let mut heir = None;
        loop {
            let next = match (top.rex.sons().get(top.sons.len()), top.rex.heir(), &heir) {
                (Some(son), _, _) => Some(son),
                (None, Some(below), None) => Some(below),
                _ => None,
            };
            if let Some(rex) = next {
                stack.push(mem::replace(&mut top, start(rex)));
                continue;
            }
            let done = visit(top.rex, top.sons, heir.take())?;
            let Some(parent) = stack.pop() else { return Ok(done) };
            top = parent;
            if top.sons.len() < top.rex.sons().len() {
                top.sons.push(done);
            } else {
                heir = Some(done);
            }
        }
    }

    /// Folds the tree like [`Rex::try_fold`], with a `visit` that cannot fail.
    pub fn fold<T>(&self, mut visit: impl FnMut(&Self, Vec<T>, Option<T>) -> T) -> T {
        let Ok(done) = self.try_fold(|rex, sons, heir| Ok::<T, Infallible>(visit(rex, sons, heir)));
        done
    }

    /// Returns the tree with every embedded value replaced by the tree that `graft` returns for it.
    ///
    /// # Errors
    ///
    /// The first error of `graft`.
    pub fn try_flat_map<F, X>(
        &self,
        mut graft: impl FnMut(&E) -> Result<Rex<F>, X>,
    ) -> Result<Rex<F>, X> {
        self.try_fold(|rex, sons, heir| match rex {
            Rex::Node { shape, rune, span, .. } => {
                Ok(Rex::node(*shape, rune.as_str(), sons, heir).with_span(*span))
            }
            Rex::Leaf { leaf, text, span, .. } => {
                Ok(Rex::leaf(*leaf, text.as_str(), heir).with_span(*span))
            }
            Rex::Embed(value) => graft(value),
        })
    }

    /// Replaces embedded values like [`Rex::try_flat_map`], with a `graft` that cannot fail.
    pub fn flat_map<F>(&self, mut graft: impl FnMut(&E) -> Rex<F>) -> Rex<F> {
        let Ok(done) = self.try_flat_map(|value| Ok::<_, Infallible>(graft(value)));
        done
    }

    /// Returns the tree with every embedded value mapped.
    ///
    /// # Errors
    ///
    /// The first error of `f`.
    pub fn try_map<F, X>(&self, mut f: impl FnMut(&E) -> Result<F, X>) -> Result<Rex<F>, X> {
        self.try_flat_map(|value| f(value).map(Rex::Embed))
    }

    /// Returns the tree with every embedded value mapped.
    pub fn map<F>(&self, mut f: impl FnMut(&E) -> F) -> Rex<F> {
        self.flat_map(|value| Rex::Embed(f(value)))
    }
}

impl Rex<NoEmbed> {
    /// Returns the tree at a type that allows embedded values.
    pub fn widen<F>(&self) -> Rex<F> {
        self.map(|never| match *never {})
    }
}

impl<E> Drop for Rex<E> {
    fn drop(&mut self) {
        if !self.is_branch() {
            return;
        }
        let mut pending = Vec::new();
        take_branches(self, &mut pending);
        while let Some(mut rex) = pending.pop() {
            take_branches(&mut rex, &mut pending);
        }
    }
}

/// Moves the children of `rex` that have children of their own to `pending` and drops the others.
/// Dropping `rex` is shallow afterwards.
fn take_branches<E>(rex: &mut Rex<E>, pending: &mut Vec<Rex<E>>) {
    let (sons, heir) = match rex {
        Rex::Node { sons, heir, .. } => (mem::take(sons), heir.take()),
        Rex::Leaf { heir, .. } => (Vec::new(), heir.take()),
        Rex::Embed(_) => return,
    };
    for rex in sons.into_iter().chain(heir.map(|boxed| *boxed)) {
        if rex.is_branch() {
            pending.push(rex);
        }
    }
}

impl<E: Clone> Clone for Rex<E> {
    fn clone(&self) -> Self {
        self.map(E::clone)
    }
}

impl<E: PartialEq> PartialEq for Rex<E> {
    fn eq(&self, other: &Self) -> bool {
        let mut pairs = vec![(self, other)];
        while let Some((a, b)) = pairs.pop() {
            let same_top = match (a, b) {
                (
                    Rex::Node { shape, rune, .. },
                    Rex::Node { shape: other_shape, rune: other_rune, .. },
                ) => shape == other_shape && rune == other_rune,
                (
                    Rex::Leaf { leaf, text, .. },
                    Rex::Leaf { leaf: other_leaf, text: other_text, .. },
                ) => leaf == other_leaf && text == other_text,
                (Rex::Embed(value), Rex::Embed(other_value)) => value == other_value,
                _ => false,
            };
            let same_arity =
                a.sons().len() == b.sons().len() && a.heir().is_some() == b.heir().is_some();
            if !same_top || !same_arity {
                return false;
            }
            pairs.extend(a.sons().iter().zip(b.sons()));
            pairs.extend(a.heir().zip(b.heir()));
        }
        true
    }
}

impl<E: Eq> Eq for Rex<E> {}

/// Writes `Open("|", [Word("f"), Word("x")])`, with `, heir: ...` for a tree that has an heir.
impl<E: fmt::Debug> fmt::Debug for Rex<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        enum DebugItem<'a, E> {
            Tree(&'a Rex<E>),
            Punctuation(&'static str),
        }
        let mut pending = vec![DebugItem::Tree(self)];
        while let Some(item) = pending.pop() {
            let rex = match item {
                DebugItem::Punctuation(text) => {
                    f.write_str(text)?;
                    continue;
                }
                DebugItem::Tree(rex) => rex,
            };
            match rex {
                Rex::Node { shape, rune, .. } => write!(f, "{shape:?}({rune:?}, [")?,
                Rex::Leaf { leaf, text, .. } => write!(f, "{leaf:?}({text:?}")?,
                Rex::Embed(value) => {
                    write!(f, "Embed({value:?})")?;
                    continue;
                }
            }
            pending.push(DebugItem::Punctuation(")"));
            if let Some(heir) = rex.heir() {
                pending.extend([DebugItem::Tree(heir), DebugItem::Punctuation(", heir: ")]);
            }
            if let Rex::Node { sons, .. } = rex {
                pending.push(DebugItem::Punctuation("]"));
                for (i, son) in sons.iter().enumerate().rev() {
                    pending.push(DebugItem::Tree(son));
                    if i > 0 {
                        pending.push(DebugItem::Punctuation(", "));
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Rex<u32> {
        let heir = Rex::nest("|", vec![Rex::word("x"), Rex::Embed(7)]);
        Rex::node(NodeShape::Open, "=", vec![Rex::text("a b"), Rex::Embed(3)], heir)
    }

    #[test]
    fn debug_shows_the_whole_tree() {
        assert_eq!(
            format!("{:?}", sample()),
            "Open(\"=\", [Text(\"a b\"), Embed(3)], heir: Nest(\"|\", [Word(\"x\"), Embed(7)]))"
        );
    }

    #[test]
    fn equality_compares_shape_rune_sons_heir_and_values() {
        let rex = sample();
        assert_eq!(rex, rex.clone());
        assert_ne!(rex, rex.clone().with_heir(None));
        assert_ne!(rex, rex.map(|n| n + 1));
        assert_ne!(Rex::<u32>::word("a"), Rex::text("a"));
        assert_ne!(Rex::<u32>::nest("+", vec![]), Rex::open("+", vec![]));
        assert_ne!(Rex::<u32>::nest("+", vec![]), Rex::nest("-", vec![]));
    }

    #[test]
    fn maps_visit_every_embedded_value_in_order() {
        let mut seen = Vec::new();
        let grafted: Rex = sample().flat_map(|n| {
            seen.push(*n);
            Rex::word(n.to_string())
        });
        assert_eq!(seen, [3, 7]);
        let heir = Rex::nest("|", vec![Rex::word("x"), Rex::word("7")]);
        let want = Rex::node(NodeShape::Open, "=", vec![Rex::text("a b"), Rex::word("3")], heir);
        assert_eq!(grafted, want);
        assert_eq!(sample().try_map(|n| if *n == 3 { Err("three") } else { Ok(()) }), Err("three"));
        assert_eq!(want.widen::<u8>().map(|n| *n), want.widen());
    }

    #[test]
    fn fold_gives_sons_and_heir_apart() {
        let count = |rex: &Rex<u32>| {
            rex.fold(|_, sons: Vec<usize>, heir| 1 + sons.iter().sum::<usize>() + heir.unwrap_or(0))
        };
        assert_eq!(count(&sample()), 6);
        let heirs = sample().fold(|_, sons: Vec<usize>, heir: Option<usize>| {
            sons.iter().sum::<usize>() + heir.map_or(0, |n| n + 1)
        });
        assert_eq!(heirs, 1);
    }

    #[test]
    fn deep_trees_use_no_native_stack() {
        let mut rex: Rex<u32> = Rex::word("core");
        for i in 0..1_000_000 {
            rex =
                if i % 2 == 0 { Rex::nest(",", vec![rex]) } else { Rex::word("w").with_heir(rex) };
        }
        let copy = rex.clone();
        assert_eq!(rex, copy);
        assert!(format!("{copy:?}").len() > 1_000_000);
    }
}
