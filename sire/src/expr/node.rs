//! The expression graph: trees with de Bruijn indices, which share subtrees and global bindings.
//!
//! Variable 0 belongs to the innermost binder. A lambda of `n` arguments binds `n + 1` variables:
//! its last argument is 0, its first argument `n - 1`, and the lambda itself `n`. The first value
//! of a letrec is 0.
//!
//! Expressions are shared and immutable. Each node records how far its free variables reach
//! ([`ExprNode::free_limit`]), so a walk can skip closed subtrees and an expression that moves
//! under more binders shares them.
//!
//! A global reference holds its [`Binding`]. A binding holds its code, which is an expression, and
//! the facts that the inliner knows about it, which consist of expressions. These types are
//! therefore one module.
//!
//! The source determines how deep a tree is, so no walk uses the native stack; dropping does not
//! either.

use plan::{Natural, Val};
use std::cell::OnceCell;
use std::mem;
use std::rc::Rc;

/// A shared expression.
pub(crate) type SireExpr = Rc<ExprNode>;

/// The maximum number of binders around an expression, and the maximum that one node may bind.
pub(crate) const BINDERS_MAX: u32 = 1 << 24;

/// A node of an expression.
pub(crate) struct ExprNode {
    /// One more than the largest free variable; 0 for a closed expression.
    pub(crate) free_limit: u32,
    pub(crate) kind: ExprKind,
}

/// The kinds of expressions. The letter is the tag in the encoded form.
pub(crate) enum ExprKind {
    /// A local variable (encoded as a bare nat).
    Var(u32),
    /// `K`: a value.
    Const(Val),
    /// `G`: a global binding.
    Global(Rc<Binding>),
    /// `A`: a function applied to an argument.
    App(SireExpr, SireExpr),
    /// `L`: a value, and the body in which it is variable 0.
    Let(SireExpr, SireExpr),
    /// `R`: values that refer to each other, and the body.
    LetRec(Box<[SireExpr]>, SireExpr),
    /// `M`: a function to inline at its call.
    Inline(SireExpr),
    /// `F`: a lambda.
    Lambda(Lambda),
}

/// A lambda.
pub(crate) struct Lambda {
    /// Whether the law is pinned.
    pub(crate) pinned: bool,
    /// Whether the inliner replaces each saturated call.
    pub(crate) inline: bool,
    /// Whether the body refers to the lambda itself.
    pub(crate) recursive: bool,
    /// The name of the law.
    pub(crate) tag: Natural,
    /// The number of arguments.
    pub(crate) arity: u32,
    pub(crate) body: SireExpr,
}

impl Lambda {
    /// Returns the number of variables that the lambda binds in its body.
    pub(crate) fn binders(&self) -> u32 {
        1 + self.arity
    }
}

/// A global binding.
pub(crate) struct Binding {
    /// The binding as a PLAN value, which macros see.
    pub(crate) encoded: Val,
    /// The bound value, in normal form.
    pub(crate) value: Val,
    /// The decoded code, once something has asked for it.
    pub(super) code: OnceCell<SireExpr>,
    /// The inliner's knowledge of the value, once it has asked for it.
    pub(super) call: OnceCell<Option<Rc<PartialCall>>>,
}

impl Binding {
    /// Makes a binding whose code is still encoded.
    pub(super) fn new(encoded: Val, value: Val) -> Binding {
        Binding { encoded, value, code: OnceCell::new(), call: OnceCell::new() }
    }

    /// Returns the fact that the inliner has recorded about the value: `None` if nothing is known
    /// yet, `Some(None)` if the value is no call that can be inlined.
    pub(crate) fn call(&self) -> Option<&Option<Rc<PartialCall>>> {
        self.call.get()
    }

    /// Records a fact of the inliner about the value. Only the first record counts.
    pub(crate) fn set_call(&self, call: Option<Rc<PartialCall>>) {
        self.call.get_or_init(|| call);
    }

    /// Returns the expressions that the binding holds.
    fn into_exprs(self) -> impl Iterator<Item = SireExpr> {
        let call = self.call.into_inner().flatten().and_then(Rc::into_inner);
        self.code.into_inner().into_iter().chain(call.into_iter().flat_map(PartialCall::into_exprs))
    }
}

/// A lambda and its first arguments: the inliner's view of an expression.
#[derive(Clone)]
pub(crate) struct PartialCall {
    /// An expression of kind [`ExprKind::Lambda`].
    pub(crate) lambda: SireExpr,
    /// Whether the call is to be inlined.
    pub(crate) inline: bool,
    /// The number of binders around the lambda.
    pub(crate) depth: usize,
    /// The number of missing arguments.
    pub(crate) missing: u32,
    pub(crate) args: Vec<CallArg>,
}

/// An argument, inlined already.
#[derive(Clone)]
pub(crate) struct CallArg {
    /// The number of binders around the argument.
    pub(crate) depth: usize,
    pub(crate) expr: SireExpr,
}

impl PartialCall {
    fn into_exprs(self) -> impl Iterator<Item = SireExpr> {
        std::iter::once(self.lambda).chain(self.args.into_iter().map(|arg| arg.expr))
    }
}

impl ExprNode {
    /// Returns the direct subexpressions, each with the number of binders that this node adds.
    pub(super) fn children(&self) -> impl DoubleEndedIterator<Item = (&SireExpr, u32)> {
        let (many, one, two) = match &self.kind {
            ExprKind::Var(_) | ExprKind::Const(_) | ExprKind::Global(_) => (&[][..], None, None),
            ExprKind::App(function, arg) => (&[][..], Some((function, 0)), Some((arg, 0))),
            ExprKind::Let(value, body) => (&[][..], Some((value, 0)), Some((body, 1))),
            ExprKind::LetRec(values, body) => {
                (&values[..], Some((body, values.len() as u32)), None)
            }
            ExprKind::Inline(inner) => (&[][..], Some((inner, 0)), None),
            ExprKind::Lambda(lambda) => (&[][..], Some((&lambda.body, lambda.binders())), None),
        };
        let width = many.len() as u32;
        many.iter().map(move |value| (value, width)).chain(one).chain(two)
    }

    /// Returns the same node with other subexpressions. It pops them from `children`, which holds
    /// them in the order of [`ExprNode::children`].
    ///
    /// # Panics
    ///
    /// If the node is a leaf, or `children` has too few elements.
    pub(super) fn with_children(&self, children: &mut Vec<SireExpr>) -> SireExpr {
        let mut pop = || children.pop().expect("one expression for each child");
        match &self.kind {
            ExprKind::Var(_) | ExprKind::Const(_) | ExprKind::Global(_) => {
                unreachable!("a leaf has no children")
            }
            ExprKind::App(..) => {
                let arg = pop();
                app(pop(), arg)
            }
            ExprKind::Let(..) => {
                let body = pop();
                let_in(pop(), body)
            }
            ExprKind::LetRec(values, _) => {
                let body = pop();
                let values = children.split_off(children.len() - values.len());
                let_rec(values, body)
            }
            ExprKind::Inline(_) => inline(pop()),
            ExprKind::Lambda(old) => lambda(Lambda { tag: old.tag.clone(), body: pop(), ..*old }),
        }
    }
}

fn node(free_limit: u32, kind: ExprKind) -> SireExpr {
    Rc::new(ExprNode { free_limit, kind })
}

/// Makes a variable. The index must be below [`BINDERS_MAX`].
pub(crate) fn var(index: u32) -> SireExpr {
    node(index + 1, ExprKind::Var(index))
}

/// Makes a constant from a value in normal form.
pub(crate) fn constant(value: Val) -> SireExpr {
    node(0, ExprKind::Const(value))
}

/// Makes a reference to a global binding.
pub(crate) fn global(binding: Rc<Binding>) -> SireExpr {
    node(0, ExprKind::Global(binding))
}

/// Makes an application.
pub(crate) fn app(function: SireExpr, arg: SireExpr) -> SireExpr {
    node(function.free_limit.max(arg.free_limit), ExprKind::App(function, arg))
}

/// Makes a let.
pub(crate) fn let_in(value: SireExpr, body: SireExpr) -> SireExpr {
    let free_limit = value.free_limit.max(body.free_limit.saturating_sub(1));
    node(free_limit, ExprKind::Let(value, body))
}

/// Makes a letrec.
pub(crate) fn let_rec(values: Vec<SireExpr>, body: SireExpr) -> SireExpr {
    let inside = values.iter().map(|value| value.free_limit).fold(body.free_limit, u32::max);
    let free_limit = inside.saturating_sub(values.len() as u32);
    node(free_limit, ExprKind::LetRec(values.into(), body))
}

/// Makes a function to inline at its call.
pub(crate) fn inline(inner: SireExpr) -> SireExpr {
    node(inner.free_limit, ExprKind::Inline(inner))
}

/// Makes a lambda expression.
pub(crate) fn lambda(lambda: Lambda) -> SireExpr {
    node(lambda.body.free_limit.saturating_sub(lambda.binders()), ExprKind::Lambda(lambda))
}

/// Returns the global bindings that an expression refers to.
pub(crate) fn globals_of(expr: &SireExpr) -> Vec<Rc<Binding>> {
    let (mut found, mut pending) = (Vec::new(), vec![expr]);
    while let Some(expr) = pending.pop() {
        if let ExprKind::Global(binding) = &expr.kind {
            found.push(Rc::clone(binding));
        }
        pending.extend(expr.children().map(|(child, _)| child));
    }
    found
}

impl Drop for ExprNode {
    fn drop(&mut self) {
        if matches!(self.kind, ExprKind::Var(_) | ExprKind::Const(_)) {
            return;
        }
        let mut pending = Vec::new();
        dismantle(mem::replace(&mut self.kind, ExprKind::Var(0)), &mut pending);
        while let Some(kind) = pending.pop() {
            dismantle(kind, &mut pending);
        }
    }
}

/// Drops the content of a node. Content of subexpressions that have no other owner goes to
/// `pending`, so that no drop is nested in another.
fn dismantle(kind: ExprKind, pending: &mut Vec<ExprKind>) {
    let mut drop_expr = |expr: SireExpr| {
        if let Some(mut node) = Rc::into_inner(expr) {
            match mem::replace(&mut node.kind, ExprKind::Var(0)) {
                ExprKind::Var(_) | ExprKind::Const(_) => {}
                kind => pending.push(kind),
            }
        }
    };
    match kind {
        ExprKind::Var(_) | ExprKind::Const(_) => {}
        ExprKind::Global(binding) => {
            if let Some(binding) = Rc::into_inner(binding) {
                binding.into_exprs().for_each(drop_expr);
            }
        }
        ExprKind::App(one, two) | ExprKind::Let(one, two) => {
            drop_expr(one);
            drop_expr(two);
        }
        ExprKind::LetRec(values, body) => {
            values.into_iter().for_each(&mut drop_expr);
            drop_expr(body);
        }
        ExprKind::Inline(inner) => drop_expr(inner),
        ExprKind::Lambda(lambda) => drop_expr(lambda.body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anonymous(arity: u32, body: SireExpr) -> SireExpr {
        let (pinned, inline, recursive) = (false, false, false);
        lambda(Lambda { pinned, inline, recursive, tag: Natural::from(0u8), arity, body })
    }

    #[test]
    fn free_limit_ignores_bound_variables() {
        assert_eq!(app(var(2), var(0)).free_limit, 3);
        assert_eq!(let_in(var(2), var(1)).free_limit, 3);
        assert_eq!(let_in(var(0), var(3)).free_limit, 3);
        assert_eq!(let_rec(vec![var(0), var(4)], var(1)).free_limit, 3);
        assert_eq!(anonymous(2, app(var(2), var(1))).free_limit, 0);
        assert_eq!(anonymous(2, var(3)).free_limit, 1);
    }
}
