//! Parses adjacent tokens: token groups, and the content of parentheses and brackets.
//!
//! There are three rules:
//!
//! * Without spaces, `-a` is a prefix node, `a-b` is a shut node, and `f(x)` is a tree with an
//!   heir.
//! * In parentheses, a rune in front makes a nested node, a rune between operands makes an infix
//!   node, and without a rune the result is a nested `|`.
//! * In square brackets the result is a nested `,`.
//!
//! Different infix runes associate to the left: `a+b-c` is `(a+b)-c`.

use std::collections::VecDeque;
use std::mem;

use crate::{NodeShape, Rex};

/// A tree and its future heirs: each tree becomes the heir of the tree before it.
///
/// `(((a(b))(c))(d))` appends to the same chain at every level, and `(a(b(c(d))))` prepends to it.
/// [`HeirChain::append`] moves the shorter side, so neither takes quadratic time.
#[derive(Debug)]
pub(super) struct HeirChain {
    first: Rex,
    heirs: VecDeque<Rex>,
}

impl From<Rex> for HeirChain {
    fn from(first: Rex) -> Self {
        HeirChain { first, heirs: VecDeque::new() }
    }
}

impl HeirChain {
    /// Adds the trees of `other` at the end.
    pub(super) fn append(&mut self, mut other: HeirChain) {
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

    /// Links the trees, and returns the first one.
    pub(super) fn finish(mut self) -> Rex {
        let mut linked = None;
        while let Some(heir) = self.heirs.pop_back() {
            linked = Some(heir.with_heir(linked));
        }
        self.first.with_heir(linked)
    }
}

/// A token of a group. A nested form counts as one token.
#[derive(Debug)]
pub(super) enum RexToken {
    Rune(String),
    Tree(HeirChain),
}

/// A token group, parsed.
#[derive(Debug)]
pub(super) enum ParsedGroup {
    /// A free-standing rune.
    Rune(String),
    Tree(HeirChain),
}

/// Parses tokens without spaces between them.
///
/// The lexer guarantees that a group of several tokens neither ends in a rune nor has two adjacent
/// runes.
pub(super) fn parse_adjacent(tokens: Vec<RexToken>) -> ParsedGroup {
    let mut tokens = tokens.into_iter().peekable();
    let mut prefix = None;
    if let Some(RexToken::Rune(rune)) = tokens.next_if(|token| matches!(token, RexToken::Rune(_))) {
        if tokens.peek().is_none() {
            return ParsedGroup::Rune(rune);
        }
        prefix = Some(rune);
    }

    let mut infix = InfixOperands::new(NodeShape::Shut);
    let mut chain: Option<HeirChain> = None;
    for token in tokens {
        match (token, &mut chain) {
            (RexToken::Tree(tree), None) => chain = Some(tree),
            (RexToken::Tree(tree), Some(chain)) => chain.append(tree),
            (RexToken::Rune(rune), _) => infix.push_before(chain.take(), rune),
        }
    }
    let whole = infix.finish(chain);
    ParsedGroup::Tree(match prefix {
        Some(rune) => Rex::prefix(rune, whole.finish()).into(),
        None => whole,
    })
}

/// Parses the content of parentheses.
pub(super) fn parse_parentheses(groups: Vec<ParsedGroup>) -> HeirChain {
    let mut infix = InfixOperands::new(NodeShape::Infix);
    let mut operand = Vec::new();
    let mut groups = groups.into_iter();
    while let Some(group) = groups.next() {
        match group {
            ParsedGroup::Tree(tree) => operand.push(tree),
            ParsedGroup::Rune(rune) if operand.is_empty() => {
                return infix.finish(Some(nested_nodes(rune, groups).into()));
            }
            ParsedGroup::Rune(rune) => {
                infix.push_before(Some(bar_node(mem::take(&mut operand))), rune)
            }
        }
    }
    infix.finish(Some(bar_node(operand)))
}

/// Parses the content of square brackets. Returns `None` if it has a free-standing rune.
pub(super) fn parse_brackets(groups: Vec<ParsedGroup>) -> Option<HeirChain> {
    let son = |group| match group {
        ParsedGroup::Tree(tree) => Some(tree.finish()),
        ParsedGroup::Rune(_) => None,
    };
    let sons = groups.into_iter().map(son).collect::<Option<_>>()?;
    Some(Rex::nest(",", sons).into())
}

/// Combines trees without a rune: a single tree stays as it is, others become a nested `|`.
fn bar_node(mut trees: Vec<HeirChain>) -> HeirChain {
    if trees.len() == 1
        && let Some(only) = trees.pop()
    {
        return only;
    }
    Rex::nest("|", trees.into_iter().map(HeirChain::finish).collect()).into()
}

/// Builds nested nodes: each further rune starts a node with everything after it as sons.
fn nested_nodes(rune: String, groups: impl DoubleEndedIterator<Item = ParsedGroup>) -> Rex {
    let mut backwards = Vec::new();
    for group in groups.rev() {
        match group {
            ParsedGroup::Tree(tree) => backwards.push(tree.finish()),
            ParsedGroup::Rune(rune) => {
                backwards.reverse();
                backwards = vec![Rex::nest(rune, backwards)];
            }
        }
    }
    backwards.reverse();
    Rex::nest(rune, backwards)
}

/// The operands of infix runes that have been read so far.
struct InfixOperands {
    shape: NodeShape,
    /// The last rune.
    rune: Option<String>,
    operands: Vec<Rex>,
}

impl InfixOperands {
    fn new(shape: NodeShape) -> Self {
        InfixOperands { shape, rune: None, operands: Vec::new() }
    }

    /// Adds an operand and the rune after it.
    fn push_before(&mut self, operand: Option<HeirChain>, rune: String) {
        self.operands.extend(operand.map(HeirChain::finish));
        if let Some(last) = self.rune.replace(rune)
            && self.rune.as_ref() != Some(&last)
        {
            let left = Rex::node(self.shape, last, mem::take(&mut self.operands), None);
            self.operands.push(left);
        }
    }

    /// Adds the last operand and returns the infix node. Without a rune, the operand is the result.
    fn finish(mut self, last: Option<HeirChain>) -> HeirChain {
        match self.rune {
            None => last.unwrap_or_else(|| bar_node(Vec::new())),
            Some(rune) => {
                self.operands.extend(last.map(HeirChain::finish));
                Rex::node(self.shape, rune, self.operands, None).into()
            }
        }
    }
}
