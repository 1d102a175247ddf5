//! [`AnalysedLaw`]: the parts of a law's body; and [`BodyNode`], an expression in it.

use plan::raw::{Word, WordKind};
use plan::{LawRef, Ref};

/// A thunk of an expression of more nodes than this captures everything in scope.
const CAPTURE_SCAN_LIMIT: usize = 512;

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

    /// Returns the references that a thunk of an expression captures, as
    /// [`references`](Self::references) does; `None` for a large expression, whose thunk captures
    /// everything in scope.
    pub fn captured_references(&self, expression: Ref<'h>) -> Option<Vec<u64>> {
        self.references(expression, CAPTURE_SCAN_LIMIT)
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

    /// Whether the lets and the result together have more than `limit` nodes.
    pub fn is_larger_than(&self, limit: usize) -> bool {
        let mut left = limit;
        let fits = self.lets.iter().chain([&self.result]).all(|expression| {
            let size = self.visit_references(*expression, left, |_| ());
            left -= size.unwrap_or(left);
            size.is_some()
        });
        !fits
    }

    /// Visits the references in an expression from left to right; returns the number of its nodes.
    /// Stops with `None` at the node after the first `size_limit` nodes.
    pub(super) fn visit_references(
        &self,
        expression: Ref<'h>,
        size_limit: usize,
        mut visit: impl FnMut(u64),
    ) -> Option<usize> {
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
        Some(size)
    }
}

/// Reads an app in a body: an application, a quoted constant, or a constant.
#[inline(always)]
fn read_app(app: Ref<'_>) -> BodyNode<'_> {
    let memory = app.memory();
    match parts_of_app(app) {
        [operation, f, x] if operation.as_direct() == Some(0) => {
            BodyNode::Application(Ref::of_resolved(*f, memory), Ref::of_resolved(*x, memory))
        }
        [operation, constant] if operation.as_direct() == Some(2) => {
            BodyNode::Constant(Ref::of_resolved(*constant, memory))
        }
        _ => BodyNode::Constant(app),
    }
}

/// Returns the expressions that a body's lets bind, and the expression below the lets.
fn split_lets(mut body: Ref<'_>) -> (Vec<Ref<'_>>, Ref<'_>) {
    let (memory, mut lets) = (body.memory(), Vec::new());
    while body.word().kind() == WordKind::App
        && let [operation, value, rest] = parts_of_app(body)
        && operation.as_direct() == Some(1)
    {
        lets.push(Ref::of_resolved(*value, memory));
        body = Ref::of_resolved(*rest, memory);
    }
    (lets, body)
}

/// Returns the function and the arguments of an app in a body. Bodies are in normal form, so each of
/// their apps is one object, whose parts are no evaluated thunks.
#[inline(always)]
fn parts_of_app(app: Ref<'_>) -> &[Word] {
    app.memory().words(app.word(), 0)
}
