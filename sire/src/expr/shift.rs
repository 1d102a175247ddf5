//! Walks over variables: searching for one, and moving an expression under more binders.

use super::node::{ExprKind, SireExpr, var};
use std::rc::Rc;

/// Returns whether the expression refers to the free variable `index`.
pub(crate) fn refers_to(expr: &SireExpr, index: u32) -> bool {
    let mut pending = vec![(expr, index)];
    while let Some((expr, index)) = pending.pop() {
        if expr.free_limit <= index {
            continue;
        }
        if let ExprKind::Var(found) = expr.kind {
            if found == index {
                return true;
            }
            continue;
        }
        pending.extend(expr.children().map(|(child, binders)| (child, index + binders)));
    }
    false
}

/// Returns the expression as it reads under `by` more binders: it adds `by` to all variables from
/// `bound` on, which belong to the binders outside.
pub(crate) fn shift(expr: &SireExpr, by: u32, bound: u32) -> SireExpr {
    enum ShiftTask<'e> {
        Visit(&'e SireExpr, u32),
        Rebuild(&'e SireExpr),
    }
    if by == 0 || expr.free_limit <= bound {
        return Rc::clone(expr);
    }
    let mut tasks = vec![ShiftTask::Visit(expr, bound)];
    let mut done = Vec::new();
    while let Some(task) = tasks.pop() {
        match task {
            ShiftTask::Visit(expr, bound) if expr.free_limit <= bound => done.push(Rc::clone(expr)),
            ShiftTask::Visit(expr, bound) => match expr.kind {
                ExprKind::Var(index) => done.push(var(index + by)),
                _ => {
                    tasks.push(ShiftTask::Rebuild(expr));
                    let children = expr.children().rev();
                    tasks.extend(
                        children.map(|(child, more)| ShiftTask::Visit(child, bound + more)),
                    );
                }
            },
            ShiftTask::Rebuild(expr) => {
                let rebuilt = expr.with_children(&mut done);
                done.push(rebuilt);
            }
        }
    }
    done.pop().expect("the task for the root leaves a result")
}

#[cfg(test)]
mod tests {
    use super::super::node::{Lambda, app, inline, lambda, let_in};
    use super::*;
    use plan::Natural;

    fn anonymous(arity: u32, body: SireExpr) -> SireExpr {
        let (pinned, inline, recursive) = (false, false, false);
        lambda(Lambda { pinned, inline, recursive, tag: Natural::from(0u8), arity, body })
    }

    #[test]
    fn shift_leaves_bound_variables_alone() {
        let expr = let_in(var(1), anonymous(1, app(app(var(0), var(2)), app(var(3), var(4)))));
        let moved = shift(&expr, 10, 0);
        let ExprKind::Let(value, body) = &moved.kind else { panic!("a let") };
        assert!(refers_to(value, 11) && !refers_to(value, 1));
        let expected = [(0, true), (2, true), (3, false), (13, true), (14, true)];
        let ExprKind::Lambda(lambda) = &body.kind else { panic!("a lambda") };
        for (index, refers) in expected {
            assert_eq!(refers_to(&lambda.body, index), refers, "{index}");
        }
        assert!(Rc::ptr_eq(&shift(&expr, 10, expr.free_limit), &expr));
    }

    #[test]
    fn deep_expressions_use_no_native_stack() {
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
        assert_eq!(moved.free_limit, expr.free_limit + 1);
    }
}
