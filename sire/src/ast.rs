//! Sire expressions, as trees with de Bruijn indices.
//!
//! An expression is closed or stands under binders; variable 0 is the innermost one. A lambda of `n`
//! arguments binds `n + 1` variables: its last argument is 0, its first `n - 1`, itself `n`. A
//! letrec's first value is 0.
//!
//! Trees are shared and never changed. Each node knows how far out its variables reach
//! ([`Node::free`]), so closed parts are neither searched nor copied when an expression moves under
//! more binders. No walk here uses the native stack, dropping included: how deep a tree is, is up to
//! whoever wrote the source.

use crate::bind::Bind;
use std::mem;
use std::rc::Rc;
use vm::{Natural, Val};

/// A shared expression.
pub(crate) type Expr = Rc<Node>;

/// The most binders that an expression may stand under, and the most a node may bind.
pub(crate) const BINDERS_MAX: u32 = 1 << 24;

/// An expression and what is worth knowing about it.
pub(crate) struct Node {
    /// One more than the largest free variable; 0 if there is none.
    pub(crate) free: u32,
    pub(crate) kind: Kind,
}

/// What an expression is. The letters are those of its noun.
pub(crate) enum Kind {
    /// A local variable (a bare nat).
    Var(u32),
    /// `K`: a value.
    Const(Val),
    /// `G`: a global binding.
    Global(Rc<Bind>),
    /// `A`: a function applied to an argument.
    App(Expr, Expr),
    /// `L`: a value and the body in which it is variable 0.
    Let(Expr, Expr),
    /// `R`: values that see each other, and the body.
    LetRec(Box<[Expr]>, Expr),
    /// `M`: a function that is to be inlined where it is called.
    Inline(Expr),
    /// `F`: a lambda.
    Lam(Lam),
}

/// A lambda.
pub(crate) struct Lam {
    /// Whether the law is pinned.
    pub(crate) pinned: bool,
    /// Whether each saturated call is inlined.
    pub(crate) inline: bool,
    /// Whether the body refers to the lambda itself.
    pub(crate) recursive: bool,
    /// The name of the law.
    pub(crate) tag: Natural,
    /// How many arguments it takes.
    pub(crate) arity: u32,
    pub(crate) body: Expr,
}

impl Lam {
    /// How many variables the body sees more than its surroundings.
    pub(crate) fn binds(&self) -> u32 {
        1 + self.arity
    }
}

impl Node {
    /// The expressions right below, and how many binders each of them stands under more.
    pub(crate) fn children(&self) -> impl DoubleEndedIterator<Item = (&Expr, u32)> {
        let (many, one, two) = match &self.kind {
            Kind::Var(_) | Kind::Const(_) | Kind::Global(_) => (&[][..], None, None),
            Kind::App(function, arg) => (&[][..], Some((function, 0)), Some((arg, 0))),
            Kind::Let(value, body) => (&[][..], Some((value, 0)), Some((body, 1))),
            Kind::LetRec(values, body) => (&values[..], Some((body, values.len() as u32)), None),
            Kind::Inline(inner) => (&[][..], Some((inner, 0)), None),
            Kind::Lam(lam) => (&[][..], Some((&lam.body, lam.binds())), None),
        };
        let width = many.len() as u32;
        many.iter().map(move |value| (value, width)).chain(one).chain(two)
    }

    /// The same node over other children, which are taken from the end of `children` and were put
    /// there in the order of [`Node::children`]. A leaf has none and is not to be asked.
    fn with_children(&self, children: &mut Vec<Expr>) -> Expr {
        let mut pop = || children.pop().expect("as many as there were");
        match &self.kind {
            Kind::Var(_) | Kind::Const(_) | Kind::Global(_) => unreachable!("a leaf"),
            Kind::App(..) => {
                let arg = pop();
                app(pop(), arg)
            }
            Kind::Let(..) => {
                let body = pop();
                let_in(pop(), body)
            }
            Kind::LetRec(values, _) => {
                let body = pop();
                let values = children.split_off(children.len() - values.len());
                let_rec(values, body)
            }
            Kind::Inline(_) => inline(pop()),
            Kind::Lam(lam) => lambda(Lam { tag: lam.tag.clone(), body: pop(), ..*lam }),
        }
    }
}

fn node(free: u32, kind: Kind) -> Expr {
    Rc::new(Node { free, kind })
}

/// A variable, of which no expression may have more than [`BINDERS_MAX`].
pub(crate) fn var(index: u32) -> Expr {
    node(index + 1, Kind::Var(index))
}

/// A value, which must be in normal form.
pub(crate) fn constant(value: Val) -> Expr {
    node(0, Kind::Const(value))
}

/// A global.
pub(crate) fn global(bind: Rc<Bind>) -> Expr {
    node(0, Kind::Global(bind))
}

/// An application.
pub(crate) fn app(function: Expr, arg: Expr) -> Expr {
    node(function.free.max(arg.free), Kind::App(function, arg))
}

/// A let.
pub(crate) fn let_in(value: Expr, body: Expr) -> Expr {
    node(value.free.max(body.free.saturating_sub(1)), Kind::Let(value, body))
}

/// A letrec.
pub(crate) fn let_rec(values: Vec<Expr>, body: Expr) -> Expr {
    let reach = values.iter().map(|value| value.free).fold(body.free, u32::max);
    let free = reach.saturating_sub(values.len() as u32);
    node(free, Kind::LetRec(values.into(), body))
}

/// A function marked for inlining.
pub(crate) fn inline(inner: Expr) -> Expr {
    node(inner.free, Kind::Inline(inner))
}

/// A lambda.
pub(crate) fn lambda(lam: Lam) -> Expr {
    node(lam.body.free.saturating_sub(lam.binds()), Kind::Lam(lam))
}

/// Whether the expression refers to that variable.
pub(crate) fn refers_to(expr: &Expr, index: u32) -> bool {
    let mut rest = vec![(expr, index)];
    while let Some((expr, index)) = rest.pop() {
        if expr.free <= index {
            continue;
        }
        if let Kind::Var(found) = expr.kind {
            if found == index {
                return true;
            }
            continue;
        }
        rest.extend(expr.children().map(|(child, binders)| (child, index + binders)));
    }
    false
}

/// The expression as it reads `by` binders further in: variables from `bound` on are those that
/// stay where they are, and so get larger.
pub(crate) fn shift(expr: &Expr, by: u32, bound: u32) -> Expr {
    enum Step<'e> {
        Visit(&'e Expr, u32),
        Build(&'e Expr),
    }
    if by == 0 || expr.free <= bound {
        return Rc::clone(expr);
    }
    let mut steps = vec![Step::Visit(expr, bound)];
    let mut done = Vec::new();
    while let Some(step) = steps.pop() {
        match step {
            Step::Visit(expr, bound) if expr.free <= bound => done.push(Rc::clone(expr)),
            Step::Visit(expr, bound) => match expr.kind {
                Kind::Var(index) => done.push(var(index + by)),
                _ => {
                    steps.push(Step::Build(expr));
                    let children = expr.children().rev();
                    steps.extend(children.map(|(child, more)| Step::Visit(child, bound + more)));
                }
            },
            Step::Build(expr) => {
                let built = expr.with_children(&mut done);
                done.push(built);
            }
        }
    }
    done.pop().expect("a step for the root leaves it")
}

impl Drop for Node {
    fn drop(&mut self) {
        if matches!(self.kind, Kind::Var(_) | Kind::Const(_)) {
            return;
        }
        let mut doomed = Vec::new();
        dismantle(mem::replace(&mut self.kind, Kind::Var(0)), &mut doomed);
        while let Some(kind) = doomed.pop() {
            dismantle(kind, &mut doomed);
        }
    }
}

/// Drops a node's content, except for what nobody else holds and has content of its own: that is
/// left in `doomed`.
fn dismantle(kind: Kind, doomed: &mut Vec<Kind>) {
    let mut drop_expr = |expr: Expr| {
        if let Some(mut node) = Rc::into_inner(expr) {
            match mem::replace(&mut node.kind, Kind::Var(0)) {
                Kind::Var(_) | Kind::Const(_) => {}
                kind => doomed.push(kind),
            }
        }
    };
    match kind {
        Kind::Var(_) | Kind::Const(_) => {}
        Kind::Global(bind) => {
            if let Some(bind) = Rc::into_inner(bind) {
                bind.into_exprs().for_each(drop_expr);
            }
        }
        Kind::App(one, two) | Kind::Let(one, two) => {
            drop_expr(one);
            drop_expr(two);
        }
        Kind::LetRec(values, body) => {
            values.into_iter().for_each(&mut drop_expr);
            drop_expr(body);
        }
        Kind::Inline(inner) => drop_expr(inner),
        Kind::Lam(lam) => drop_expr(lam.body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anonymous(arity: u32, body: Expr) -> Expr {
        let (pinned, inline, recursive) = (false, false, false);
        lambda(Lam { pinned, inline, recursive, tag: Natural::from(0u8), arity, body })
    }

    #[test]
    fn free_variables_are_those_that_no_binder_takes() {
        assert_eq!(app(var(2), var(0)).free, 3);
        assert_eq!(let_in(var(2), var(1)).free, 3);
        assert_eq!(let_in(var(0), var(3)).free, 3);
        assert_eq!(let_rec(vec![var(0), var(4)], var(1)).free, 3);
        assert_eq!(anonymous(2, app(var(2), var(1))).free, 0);
        assert_eq!(anonymous(2, var(3)).free, 1);
    }

    #[test]
    fn moving_inward_leaves_bound_variables_alone() {
        let expr = let_in(var(1), anonymous(1, app(app(var(0), var(2)), app(var(3), var(4)))));
        let moved = shift(&expr, 10, 0);
        let Kind::Let(value, body) = &moved.kind else { panic!("a let") };
        assert!(refers_to(value, 11) && !refers_to(value, 1));
        let expected = [(0, true), (2, true), (3, false), (13, true), (14, true)];
        let Kind::Lam(lam) = &body.kind else { panic!("a lambda") };
        for (index, refers) in expected {
            assert_eq!(refers_to(&lam.body, index), refers, "{index}");
        }
        assert!(Rc::ptr_eq(&shift(&expr, 10, expr.free), &expr));
    }

    #[test]
    fn deep_expressions_can_be_searched_moved_and_dropped() {
        const DEPTH: u32 = 300_000;
        let mut expr = var(DEPTH);
        for level in 0..DEPTH {
            expr = match level % 3 {
                0 => app(expr, var(0)),
                1 => let_in(var(0), expr),
                _ => inline(expr),
            };
        }
        assert!(refers_to(&expr, DEPTH - DEPTH / 3));
        let moved = shift(&expr, 1, 1);
        assert_eq!(moved.free, expr.free + 1);
    }
}
