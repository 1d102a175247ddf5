//! [`AnalysedLaw`]: the parts of a law's body; and [`BodyNode`], an expression in it.

use plan::raw::WordKind;
use plan::{LawRef, Ref};

/// A law's body, taken apart into its lets and its result.
pub struct AnalysedLaw<'h> {
    arity: u64,
    lets: Vec<Ref<'h>>,
    result: Ref<'h>,
    last_reference: u64,
}

/// An expression of a law's body, read one level deep.
#[derive(Clone, Copy)]
pub enum BodyNode<'h> {
    /// A reference: 0 is the law itself; arguments follow, then lets.
    Reference(u64),
    /// A constant.
    Constant(Ref<'h>),
    /// An application of a function to one argument.
    Application(Ref<'h>, Ref<'h>),
}

impl<'h> AnalysedLaw<'h> {
    /// Takes a law's body apart. `None` if a reference to its last let would not fit in 64 bits.
    pub fn of(law: LawRef<'h>) -> Option<AnalysedLaw<'h>> {
        let arity = law.arity().to_u64()?;
        let (lets, result) = split_lets(law.body());
        let last_reference = arity.checked_add(lets.len() as u64)?;
        Some(AnalysedLaw { arity, lets, result, last_reference })
    }

    /// Returns the number of arguments that the law takes, at least 1.
    #[inline]
    pub fn arity(&self) -> u64 {
        self.arity
    }

    /// Returns the expressions whose values the lets bind, in the order of the body.
    #[inline]
    pub fn lets(&self) -> &[Ref<'h>] {
        &self.lets
    }

    /// Returns the expression below the lets.
    #[inline]
    pub fn result(&self) -> Ref<'h> {
        self.result
    }

    /// Returns the reference to the let with that index.
    #[inline]
    pub fn let_reference(&self, index: usize) -> u64 {
        self.arity + 1 + index as u64
    }

    /// Returns the index of the let that is referred to; `None` if it is the law or an argument.
    pub(super) fn let_index(&self, reference: u64) -> Option<usize> {
        (reference > self.arity).then(|| (reference - self.arity - 1) as usize)
    }

    /// Reads an expression of the body.
    #[inline(always)]
    pub fn node(&self, expression: Ref<'h>) -> BodyNode<'h> {
        let word = expression.word();
        match word.kind() {
            WordKind::Nat if word.raw() <= self.last_reference => BodyNode::Reference(word.raw()),
            WordKind::App => read_app(expression),
            _ => BodyNode::Constant(expression),
        }
    }

    /// Returns the references in an expression of the body, in ascending order and without
    /// duplicates. `None` if the expression has more than `size_limit` nodes.
    pub fn references(&self, expression: Ref<'h>, size_limit: usize) -> Option<Vec<u64>> {
        let mut found = Vec::new();
        self.visit_references(expression, size_limit, |reference| found.push(reference))?;
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    /// Whether an expression of the body has more than `limit` nodes.
    pub fn is_larger_than(&self, expression: Ref<'h>, limit: usize) -> bool {
        self.visit_references(expression, limit, |_| ()).is_none()
    }

    /// Visits the references in an expression from left to right. Stops with `None` at the node
    /// after the first `size_limit` nodes.
    pub(super) fn visit_references(
        &self,
        expression: Ref<'h>,
        size_limit: usize,
        mut visit: impl FnMut(u64),
    ) -> Option<()> {
        let mut todo = vec![expression];
        let mut size = 0;
        while let Some(expression) = todo.pop() {
            size += 1;
            if size > size_limit {
                return None;
            }
            match self.node(expression) {
                BodyNode::Reference(reference) => visit(reference),
                BodyNode::Constant(_) => {}
                BodyNode::Application(f, x) => todo.extend([x, f]),
            }
        }
        Some(())
    }
}

/// Reads an app in a body: an application, a quoted constant, or a constant.
#[inline(always)]
fn read_app(app: Ref<'_>) -> BodyNode<'_> {
    if let Some([operation, f, x]) = app.as_flat_app() {
        if operation.word().as_direct() == Some(0) {
            return BodyNode::Application(f, x);
        }
    } else if let Some([operation, constant]) = app.as_flat_app()
        && operation.word().as_direct() == Some(2)
    {
        return BodyNode::Constant(constant);
    }
    BodyNode::Constant(app)
}

/// Returns the expressions that a body's lets bind, and the expression below the lets.
fn split_lets(mut body: Ref<'_>) -> (Vec<Ref<'_>>, Ref<'_>) {
    let mut lets = Vec::new();
    while let Some([operation, value, rest]) = body.as_flat_app() {
        if operation.word().as_direct() != Some(1) {
            break;
        }
        lets.push(value);
        body = rest;
    }
    (lets, body)
}
