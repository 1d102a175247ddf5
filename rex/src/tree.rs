//! The tree itself, and the walks over it that everything else is made of.
//!
//! Depth is controlled by whoever wrote the source text, so cloning, comparing, dropping and
//! debug-printing all keep their own stack. [`Rex::try_fold`] is the one bottom-up walk that the
//! mapping functions (and other crates' conversions) share.

use std::convert::Infallible;
use std::fmt;
use std::mem;

/// The embedded-value type of trees that embed nothing: what the reader yields and the printer
/// takes.
pub type NoEmbed = Infallible;

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// `| f x`: laid out by indentation.
    Open,
    /// `(| f x)`, and with the rune left out: `(f x)` is `|`, `[a b]` is `,`.
    Nest,
    /// `(a + b + c)`.
    Infix,
    /// `-x`: exactly one son.
    Prefix,
    /// `a+b+c`.
    Shut,
}

/// How a leaf is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leaf {
    /// `foo`
    Word,
    /// `{foo}`, `"foo"` or, quoted by a character of choice, `}_foo_`.
    Text,
    /// `} foo` up to the end of the line. Further lines of the same string are its heirs.
    Line,
}

/// A tree of runes and leaves, in which values of type `E` can be embedded.
///
/// Match on it by reference; a field can be moved out of a `&mut Rex` with [`std::mem::take`].
/// (It is not possible to move out of an owned `Rex` by pattern, since it has a destructor: the
/// one that keeps deep trees off the native stack.)
pub enum Rex<E = NoEmbed> {
    /// A rune and its arguments.
    Node {
        /// How it is written.
        shape: Shape,
        /// Rune characters, as far as it was read from text; made trees may have any text here.
        rune: String,
        /// The arguments.
        sons: Vec<Rex<E>>,
        /// What follows on: the next expression at the rune's own indentation, or one written
        /// right behind it without a space.
        heir: Option<Box<Rex<E>>>,
    },
    /// A word or string.
    Leaf {
        /// How it is written.
        leaf: Leaf,
        /// The content, without quotes. The printer turns a word that could not be read back into
        /// a text.
        text: String,
        /// What is written right behind it, without a space (for a line: below it).
        heir: Option<Box<Rex<E>>>,
    },
    /// A value that has no notation.
    Embed(E),
}

impl<E> Rex<E> {
    /// A node.
    pub fn node(
        shape: Shape,
        rune: impl Into<String>,
        sons: Vec<Self>,
        heir: impl Into<Option<Self>>,
    ) -> Self {
        Rex::Node { shape, rune: rune.into(), sons, heir: heir.into().map(Box::new) }
    }

    /// A leaf.
    pub fn leaf(leaf: Leaf, text: impl Into<String>, heir: impl Into<Option<Self>>) -> Self {
        Rex::Leaf { leaf, text: text.into(), heir: heir.into().map(Box::new) }
    }

    /// A word without an heir: `foo`.
    pub fn word(text: impl Into<String>) -> Self {
        Self::leaf(Leaf::Word, text, None)
    }

    /// A text without an heir: `{foo}`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::leaf(Leaf::Text, text, None)
    }

    /// A line string without an heir: `} foo`.
    pub fn line(text: impl Into<String>) -> Self {
        Self::leaf(Leaf::Line, text, None)
    }

    /// An open node without an heir: `| f x`.
    pub fn open(rune: impl Into<String>, sons: Vec<Self>) -> Self {
        Self::node(Shape::Open, rune, sons, None)
    }

    /// A nested node without an heir: `(| f x)`.
    pub fn nest(rune: impl Into<String>, sons: Vec<Self>) -> Self {
        Self::node(Shape::Nest, rune, sons, None)
    }

    /// An infix node without an heir: `(a + b)`.
    pub fn infix(rune: impl Into<String>, sons: Vec<Self>) -> Self {
        Self::node(Shape::Infix, rune, sons, None)
    }

    /// A prefix node without an heir: `-a`.
    pub fn prefix(rune: impl Into<String>, son: Self) -> Self {
        Self::node(Shape::Prefix, rune, vec![son], None)
    }

    /// A shut node without an heir: `a+b`.
    pub fn shut(rune: impl Into<String>, sons: Vec<Self>) -> Self {
        Self::node(Shape::Shut, rune, sons, None)
    }

    /// The sons; a leaf or embedded value has none.
    pub fn sons(&self) -> &[Self] {
        match self {
            Rex::Node { sons, .. } => sons,
            Rex::Leaf { .. } | Rex::Embed(_) => &[],
        }
    }

    /// The heir, if there is one.
    pub fn heir(&self) -> Option<&Self> {
        match self {
            Rex::Node { heir, .. } | Rex::Leaf { heir, .. } => heir.as_deref(),
            Rex::Embed(_) => None,
        }
    }

    /// Sets or removes the heir. An embedded value cannot have one and ignores it.
    pub fn set_heir(&mut self, new: Option<Self>) {
        if let Rex::Node { heir, .. } | Rex::Leaf { heir, .. } = self {
            *heir = new.map(Box::new);
        }
    }

    /// The same tree with another heir.
    #[must_use]
    pub fn with_heir(mut self, heir: impl Into<Option<Self>>) -> Self {
        self.set_heir(heir.into());
        self
    }

    /// Whether there is anything below: a son or an heir.
    fn is_branch(&self) -> bool {
        !self.sons().is_empty() || self.heir().is_some()
    }

    /// Walks the tree bottom up: `visit` gets each node with what its sons and its heir came to,
    /// and what it returns for the root is the result. The first error ends the walk.
    ///
    /// Sons are visited before the heir, in order. The native stack is not used.
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

    /// [`Rex::try_fold`] for a `visit` that cannot fail.
    pub fn fold<T>(&self, mut visit: impl FnMut(&Self, Vec<T>, Option<T>) -> T) -> T {
        let Ok(done) = self.try_fold(|rex, sons, heir| Ok::<T, Infallible>(visit(rex, sons, heir)));
        done
    }

    /// The same tree with every embedded value replaced by a tree. An heir of an embedded value
    /// does not exist, so nothing is lost.
    pub fn try_flat_map<F, X>(
        &self,
        mut graft: impl FnMut(&E) -> Result<Rex<F>, X>,
    ) -> Result<Rex<F>, X> {
        self.try_fold(|rex, sons, heir| match rex {
            Rex::Node { shape, rune, .. } => Ok(Rex::node(*shape, rune.as_str(), sons, heir)),
            Rex::Leaf { leaf, text, .. } => Ok(Rex::leaf(*leaf, text.as_str(), heir)),
            Rex::Embed(value) => graft(value),
        })
    }

    /// [`Rex::try_flat_map`] for a `graft` that cannot fail.
    pub fn flat_map<F>(&self, mut graft: impl FnMut(&E) -> Rex<F>) -> Rex<F> {
        let Ok(done) = self.try_flat_map(|value| Ok::<_, Infallible>(graft(value)));
        done
    }

    /// The same tree with every embedded value mapped.
    pub fn try_map<F, X>(&self, mut f: impl FnMut(&E) -> Result<F, X>) -> Result<Rex<F>, X> {
        self.try_flat_map(|value| f(value).map(Rex::Embed))
    }

    /// The same tree with every embedded value mapped.
    pub fn map<F>(&self, mut f: impl FnMut(&E) -> F) -> Rex<F> {
        self.flat_map(|value| Rex::Embed(f(value)))
    }
}

impl Rex<NoEmbed> {
    /// The same tree at a type that allows embedded values.
    pub fn widen<F>(&self) -> Rex<F> {
        self.map(|never| match *never {})
    }
}

impl<E> Drop for Rex<E> {
    fn drop(&mut self) {
        if !self.is_branch() {
            return;
        }
        let mut doomed = Vec::new();
        take_branches(self, &mut doomed);
        while let Some(mut rex) = doomed.pop() {
            take_branches(&mut rex, &mut doomed);
        }
    }
}

/// Moves those children of `rex` that have children themselves to `doomed`, and drops the others:
/// after it, dropping `rex` itself is shallow.
fn take_branches<E>(rex: &mut Rex<E>, doomed: &mut Vec<Rex<E>>) {
    let (sons, heir) = match rex {
        Rex::Node { sons, heir, .. } => (mem::take(sons), heir.take()),
        Rex::Leaf { heir, .. } => (Vec::new(), heir.take()),
        Rex::Embed(_) => return,
    };
    for rex in sons.into_iter().chain(heir.map(|boxed| *boxed)) {
        if rex.is_branch() {
            doomed.push(rex);
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

/// `Open("|", [Word("f"), Word("x")])`, with `, heir: ...` where there is one.
impl<E: fmt::Debug> fmt::Debug for Rex<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        enum Step<'a, E> {
            Tree(&'a Rex<E>),
            Mark(&'static str),
        }
        let mut steps = vec![Step::Tree(self)];
        while let Some(step) = steps.pop() {
            let rex = match step {
                Step::Mark(mark) => {
                    f.write_str(mark)?;
                    continue;
                }
                Step::Tree(rex) => rex,
            };
            match rex {
                Rex::Node { shape, rune, .. } => write!(f, "{shape:?}({rune:?}, [")?,
                Rex::Leaf { leaf, text, .. } => write!(f, "{leaf:?}({text:?}")?,
                Rex::Embed(value) => {
                    write!(f, "Embed({value:?})")?;
                    continue;
                }
            }
            steps.push(Step::Mark(")"));
            if let Some(heir) = rex.heir() {
                steps.extend([Step::Tree(heir), Step::Mark(", heir: ")]);
            }
            if let Rex::Node { sons, .. } = rex {
                steps.push(Step::Mark("]"));
                for (i, son) in sons.iter().enumerate().rev() {
                    steps.push(Step::Tree(son));
                    if i > 0 {
                        steps.push(Step::Mark(", "));
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
        Rex::node(Shape::Open, "=", vec![Rex::text("a b"), Rex::Embed(3)], heir)
    }

    #[test]
    fn debug_shows_the_whole_tree() {
        assert_eq!(
            format!("{:?}", sample()),
            "Open(\"=\", [Text(\"a b\"), Embed(3)], heir: Nest(\"|\", [Word(\"x\"), Embed(7)]))"
        );
    }

    #[test]
    fn equality_looks_at_everything() {
        let rex = sample();
        assert_eq!(rex, rex.clone());
        assert_ne!(rex, rex.clone().with_heir(None));
        assert_ne!(rex, rex.map(|n| n + 1));
        assert_ne!(Rex::<u32>::word("a"), Rex::text("a"));
        assert_ne!(Rex::<u32>::nest("+", vec![]), Rex::open("+", vec![]));
        assert_ne!(Rex::<u32>::nest("+", vec![]), Rex::nest("-", vec![]));
    }

    #[test]
    fn maps_reach_every_embedded_value_in_order() {
        let mut seen = Vec::new();
        let grafted: Rex = sample().flat_map(|n| {
            seen.push(*n);
            Rex::word(n.to_string())
        });
        assert_eq!(seen, [3, 7]);
        let heir = Rex::nest("|", vec![Rex::word("x"), Rex::word("7")]);
        let want = Rex::node(Shape::Open, "=", vec![Rex::text("a b"), Rex::word("3")], heir);
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
    fn depth_costs_no_native_stack() {
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
