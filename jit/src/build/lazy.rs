//! Lazy lowering: what is passed on, not evaluated.

use super::body;
use super::{Expr, Lower, Pending, STRICT_LIMIT, Scope, Spine};
use crate::ir::{Op, Operand, Role, Type, Var};
use vm::{Ref, Shape};

/// An expression of more nodes than this captures everything in scope.
const CAPTURE_BUDGET: usize = 512;

impl<'h> Lower<'_, 'h> {
    /// The value of an expression, perhaps a thunk.
    pub(super) fn lazy(&mut self, expr: Expr<'h>) -> Operand {
        if let Some(atom) = self.atom(expr) {
            return atom;
        }
        let Expr::Node(node) = expr else { unreachable!("only an expression is no atom") };
        let spine = self.spine(expr);
        match self.suspend(node, &spine) {
            (Type::Any, op) => self.emit(Type::Any, op),
            (ty, op) => self.emit(ty, op),
        }
    }

    /// Makes one of the values of a knot.
    pub(super) fn member(&mut self, var: Var, node: Ref<'h>) {
        let spine = self.spine(Expr::Node(node));
        let (ty, op) =
            if spine.args.is_empty() { self.thunk(node) } else { self.suspend(node, &spine) };
        self.function.vars[var.index()] = ty;
        self.emit_to(var, op);
    }

    /// What makes the value of an application, not evaluated.
    fn suspend(&mut self, node: Ref<'h>, spine: &Spine<'h>) -> (Type, Op) {
        let head = self.constant_head(spine);
        if let Some((function, arity)) = head
            && arity > spine.args.len() as u64
            && self.nesting < STRICT_LIMIT
        {
            self.nesting += 1;
            let op = self.partial(function, spine);
            self.nesting -= 1;
            return op;
        }
        // An operation's code is worth having where it may be evaluated early.
        let is_jet = |k: usize| self.linker.unit.constants[k].jet.is_some();
        let is_operation = match head {
            Some((Operand::Constant(k), _)) => is_jet(k.index()),
            Some(_) => true,
            None => false,
        };
        let atoms: Option<Vec<Operand>> = spine.args.iter().map(|arg| self.atom(*arg)).collect();
        match (self.atom(spine.head), atoms) {
            (Some(head), Some(args)) if !is_operation && args.len() < 64 => {
                (Type::Any, Op::Delay(head, args))
            }
            _ => self.thunk(node),
        }
    }

    /// A known function that lacks arguments: the app, or the row that it is.
    pub(super) fn partial(&mut self, function: Operand, spine: &Spine<'h>) -> (Type, Op) {
        let mut args: Vec<Operand> = spine.args.iter().map(|arg| self.lazy(*arg)).collect();
        let k = match function {
            Operand::Constant(k) => k,
            // Operations are seldom seen without their arguments; any value of theirs will do.
            _ => return (Type::Any, Op::Delay(function, args)),
        };
        match self.linker.refs[k.index()].shape() {
            Shape::Cow(width) if width == args.len() as u64 => {
                args.reverse();
                (Type::Whnf, Op::Row(args))
            }
            _ => (Type::Whnf, Op::Partial(k, args)),
        }
    }

    /// A thunk with a function of its own.
    fn thunk(&mut self, node: Ref<'h>) -> (Type, Op) {
        let function = self.linker.new_function(Role::Thunk);
        let used = body::references(node, self.last, CAPTURE_BUDGET);
        let mut captures = Vec::new();
        let mut scope = Scope::new();
        for &(reference, operand) in &self.scope {
            if used.as_ref().is_some_and(|used| used.binary_search(&reference).is_err()) {
                continue;
            }
            let inside = match operand {
                Operand::Var(_) => {
                    captures.push(operand);
                    Operand::Var(Var(captures.len() as u32 - 1))
                }
                constant => constant,
            };
            scope.push((reference, inside));
        }
        self.pending.push(Pending { function, node, scope, params: captures.len() });
        (Type::Any, Op::Thunk(function, captures))
    }
}
