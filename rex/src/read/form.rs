//! What tokens that stand side by side mean.
//!
//! Three rules, for three kinds of neighbourhood:
//!
//! * tight (no spaces): `-a` is a prefix, `a-b` a shut node, `f(x)` a tree with an heir;
//! * in parentheses: a rune in front makes a nested node, one in between an infix node, none a `|`;
//! * in square brackets: a `,` of everything.
//!
//! Where infix runes differ, they group to the left: `a+b-c` is `(a+b)-c`.

use std::collections::VecDeque;
use std::mem;

use crate::{Rex, Shape};

/// A tree that is still to get its heirs: each tree here becomes the heir of the one before it.
///
/// `(((a(b))(c))(d))` extends the same chain at every level, and `(a(b(c(d))))` puts something in
/// front of it; the shorter side is moved, so neither takes quadratic time.
#[derive(Debug)]
pub(super) struct Chain {
    first: Rex,
    heirs: VecDeque<Rex>,
}

impl From<Rex> for Chain {
    fn from(first: Rex) -> Self {
        Chain { first, heirs: VecDeque::new() }
    }
}

impl Chain {
    pub(super) fn append(&mut self, mut other: Chain) {
        if self.heirs.len() < other.heirs.len() {
            other.heirs.push_front(other.first);
            while let Some(heir) = self.heirs.pop_back() {
                other.heirs.push_front(heir);
            }
            self.heirs = other.heirs;
        } else {
            self.heirs.push_back(other.first);
            self.heirs.append(&mut other.heirs);
        }
    }

    pub(super) fn finish(mut self) -> Rex {
        let mut below = None;
        while let Some(heir) = self.heirs.pop_back() {
            below = Some(heir.with_heir(below));
        }
        self.first.with_heir(below)
    }
}

/// One of the things that make up a clump.
#[derive(Debug)]
pub(super) enum Part {
    Rune(String),
    Tree(Chain),
}

/// What a clump, or a form in parentheses, contributes to its surroundings.
#[derive(Debug)]
pub(super) enum Item {
    /// A rune with space around it.
    Rune(String),
    Tree(Chain),
}

/// The meaning of parts without spaces in between.
///
/// The lexer sees to it that a clump of several parts neither ends in a rune nor has two in a row.
pub(super) fn tight(parts: Vec<Part>) -> Item {
    let mut parts = parts.into_iter().peekable();
    let mut prefix = None;
    if let Some(Part::Rune(rune)) = parts.next_if(|part| matches!(part, Part::Rune(_))) {
        if parts.peek().is_none() {
            return Item::Rune(rune);
        }
        prefix = Some(rune);
    }

    let mut infix = Operands::new(Shape::Shut);
    let mut chain: Option<Chain> = None;
    for part in parts {
        match (part, &mut chain) {
            (Part::Tree(tree), None) => chain = Some(tree),
            (Part::Tree(tree), Some(chain)) => chain.append(tree),
            (Part::Rune(rune), _) => infix.push_before(chain.take(), rune),
        }
    }
    let whole = infix.finish(chain);
    Item::Tree(match prefix {
        Some(rune) => Rex::prefix(rune, whole.finish()).into(),
        None => whole,
    })
}

/// The meaning of what stands in parentheses.
pub(super) fn parentheses(items: Vec<Item>) -> Chain {
    let mut infix = Operands::new(Shape::Infix);
    let mut operand = Vec::new();
    let mut items = items.into_iter();
    while let Some(item) = items.next() {
        match item {
            Item::Tree(tree) => operand.push(tree),
            Item::Rune(rune) if operand.is_empty() => {
                return infix.finish(Some(prefixed(rune, items).into()));
            }
            Item::Rune(rune) => infix.push_before(Some(applied(mem::take(&mut operand))), rune),
        }
    }
    infix.finish(Some(applied(operand)))
}

/// The meaning of what stands in square brackets; `None` if it is a rune.
pub(super) fn brackets(items: Vec<Item>) -> Option<Chain> {
    let son = |item| match item {
        Item::Tree(tree) => Some(tree.finish()),
        Item::Rune(_) => None,
    };
    let sons = items.into_iter().map(son).collect::<Option<_>>()?;
    Some(Rex::nest(",", sons).into())
}

/// Trees without a rune: one stands for itself.
fn applied(mut trees: Vec<Chain>) -> Chain {
    if trees.len() == 1
        && let Some(only) = trees.pop()
    {
        return only;
    }
    Rex::nest("|", trees.into_iter().map(Chain::finish).collect()).into()
}

/// Nodes within nodes: every further rune takes all that follows it.
fn prefixed(rune: String, items: impl DoubleEndedIterator<Item = Item>) -> Rex {
    let mut backwards = Vec::new();
    for item in items.rev() {
        match item {
            Item::Tree(tree) => backwards.push(tree.finish()),
            Item::Rune(rune) => {
                backwards.reverse();
                backwards = vec![Rex::nest(rune, backwards)];
            }
        }
    }
    backwards.reverse();
    Rex::nest(rune, backwards)
}

/// The operands of infix runes, as far as they were read.
struct Operands {
    shape: Shape,
    rune: Option<String>,
    done: Vec<Rex>,
}

impl Operands {
    fn new(shape: Shape) -> Self {
        Operands { shape, rune: None, done: Vec::new() }
    }

    fn push_before(&mut self, operand: Option<Chain>, rune: String) {
        self.done.extend(operand.map(Chain::finish));
        if let Some(last) = self.rune.replace(rune)
            && self.rune.as_ref() != Some(&last)
        {
            let left = Rex::node(self.shape, last, mem::take(&mut self.done), None);
            self.done.push(left);
        }
    }

    /// The infix node with its last operand, or that alone if there was no rune.
    fn finish(mut self, last: Option<Chain>) -> Chain {
        match self.rune {
            None => last.unwrap_or_else(|| applied(Vec::new())),
            Some(rune) => {
                self.done.extend(last.map(Chain::finish));
                Rex::node(self.shape, rune, self.done, None).into()
            }
        }
    }
}
