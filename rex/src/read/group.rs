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

use crate::{NodeShape, Rex, SourceSpan};

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

    /// Returns the span from the first tree to the last one.
    pub(super) fn span(&self) -> SourceSpan {
        self.first.span().to(self.heirs.back().map_or(SourceSpan::NONE, Rex::span))
    }

    /// Gives a chain of one node another span: that of the parentheses around it. The span of a leaf
    /// stays that of its text, so that an editor can replace a word in parentheses.
    fn enclosed_in(mut self, span: SourceSpan) -> HeirChain {
        if self.heirs.is_empty() && !matches!(self.first, Rex::Leaf { .. }) {
            self.first = self.first.with_span(span);
        }
        self
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
    Rune(String, SourceSpan),
    Tree(HeirChain),
}

/// A token group, parsed.
#[derive(Debug)]
pub(super) enum ParsedGroup {
    /// A free-standing rune.
    Rune(String, SourceSpan),
    Tree(HeirChain),
}

/// Parses tokens without spaces between them.
///
/// The lexer guarantees that a group of several tokens neither ends in a rune nor has two adjacent
/// runes.
pub(super) fn parse_adjacent(tokens: Vec<RexToken>) -> ParsedGroup {
    let mut tokens = tokens.into_iter().peekable();
    let mut prefix = None;
    if let Some(RexToken::Rune(rune, span)) =
        tokens.next_if(|token| matches!(token, RexToken::Rune(..)))
    {
        if tokens.peek().is_none() {
            return ParsedGroup::Rune(rune, span);
        }
        prefix = Some((rune, span));
    }

    let mut infix = InfixOperands::new(NodeShape::Shut);
    let mut chain: Option<HeirChain> = None;
    for token in tokens {
        match (token, &mut chain) {
            (RexToken::Tree(tree), None) => chain = Some(tree),
            (RexToken::Tree(tree), Some(chain)) => chain.append(tree),
            (RexToken::Rune(rune, _), _) => infix.push_before(chain.take(), rune),
        }
    }
    let whole = infix.finish(chain);
    ParsedGroup::Tree(match prefix {
        Some((rune, span)) => {
            let span = span.to(whole.span());
            Rex::prefix(rune, whole.finish()).with_span(span).into()
        }
        None => whole,
    })
}

/// Parses the content of parentheses, which are at `span`.
pub(super) fn parse_parentheses(groups: Vec<ParsedGroup>, span: SourceSpan) -> HeirChain {
    let mut infix = InfixOperands::new(NodeShape::Infix);
    let mut operand = Vec::new();
    let mut groups = groups.into_iter();
    while let Some(group) = groups.next() {
        match group {
            ParsedGroup::Tree(tree) => operand.push(tree),
            ParsedGroup::Rune(rune, at) if operand.is_empty() => {
                let nested = nested_nodes(rune, at, groups);
                return infix.finish(Some(nested.into())).enclosed_in(span);
            }
            ParsedGroup::Rune(rune, _) => {
                infix.push_before(Some(bar_node(mem::take(&mut operand))), rune)
            }
        }
    }
    infix.finish(Some(bar_node(operand))).enclosed_in(span)
}

/// Parses the content of square brackets, which are at `span`. Returns `None` if it has a
/// free-standing rune.
pub(super) fn parse_brackets(groups: Vec<ParsedGroup>, span: SourceSpan) -> Option<HeirChain> {
    let son = |group| match group {
        ParsedGroup::Tree(tree) => Some(tree.finish()),
        ParsedGroup::Rune(..) => None,
    };
    let sons = groups.into_iter().map(son).collect::<Option<_>>()?;
    Some(Rex::nest(",", sons).with_span(span).into())
}

/// Combines trees without a rune: a single tree stays as it is, others become a nested `|`.
fn bar_node(mut trees: Vec<HeirChain>) -> HeirChain {
    if trees.len() == 1
        && let Some(only) = trees.pop()
    {
        return only;
    }
    let span = match (trees.first(), trees.last()) {
        (Some(first), Some(last)) => first.span().to(last.span()),
        _ => SourceSpan::NONE,
    };
    Rex::nest("|", trees.into_iter().map(HeirChain::finish).collect()).with_span(span).into()
}

/// Builds nested nodes: each further rune starts a node with everything after it as sons.
fn nested_nodes(
    rune: String,
    span: SourceSpan,
    groups: impl DoubleEndedIterator<Item = ParsedGroup>,
) -> Rex {
    let mut backwards = Vec::new();
    let mut last = SourceSpan::NONE;
    for group in groups.rev() {
        match group {
            ParsedGroup::Tree(tree) => {
                last = if last.is_none() { tree.span() } else { last };
                backwards.push(tree.finish());
            }
            ParsedGroup::Rune(rune, span) => {
                last = span.to(last);
                backwards.reverse();
                backwards = vec![Rex::nest(rune, backwards).with_span(last)];
            }
        }
    }
    backwards.reverse();
    Rex::nest(rune, backwards).with_span(span.to(last))
}

/// The operands of infix runes that have been read so far.
struct InfixOperands {
    shape: NodeShape,
    /// The last rune.
    rune: Option<String>,
    operands: Vec<Rex>,
    /// The span from the first operand to the last one.
    span: SourceSpan,
}

impl InfixOperands {
    fn new(shape: NodeShape) -> Self {
        InfixOperands { shape, rune: None, operands: Vec::new(), span: SourceSpan::NONE }
    }

    /// Adds an operand and the rune after it.
    fn push_before(&mut self, operand: Option<HeirChain>, rune: String) {
        self.push(operand);
        if let Some(last) = self.rune.replace(rune)
            && self.rune.as_ref() != Some(&last)
        {
            let left = Rex::node(self.shape, last, mem::take(&mut self.operands), None);
            self.operands.push(left.with_span(self.span));
        }
    }

    fn push(&mut self, operand: Option<HeirChain>) {
        if let Some(operand) = operand {
            self.span = self.span.to(operand.span());
            self.operands.push(operand.finish());
        }
    }

    /// Adds the last operand and returns the infix node. Without a rune, the operand is the result.
    fn finish(mut self, last: Option<HeirChain>) -> HeirChain {
        match self.rune.take() {
            None => last.unwrap_or_else(|| bar_node(Vec::new())),
            Some(rune) => {
                self.push(last);
                Rex::node(self.shape, rune, self.operands, None).with_span(self.span).into()
            }
        }
    }
}
