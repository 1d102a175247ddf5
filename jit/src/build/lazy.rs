//! Lazy lowering: expressions to be passed on, not evaluated.

use super::law::{Expr, LawLowering, PendingThunk, STRICT_NESTING_LIMIT, Spine};
use crate::ir::{FunctionRole, Op, Operand, Type, Var};
use plan::{Ref, Shape};

/// A thunk of an expression with more nodes than this captures everything in scope.
const CAPTURE_SCAN_LIMIT: usize = 512;
/// The most arguments of a thunk of an application; more make a thunk with code of its own.
const DELAYED_ARGS_LIMIT: usize = 63;

impl<'h> LawLowering<'_, 'h> {
    /// Lowers an expression to a value, perhaps a thunk.
    pub(super) fn lazy(&mut self, expr: Expr<'h>) -> Operand {
        if let Some(atom) = self.atom(expr) {
            return atom;
        }
        let Expr::Node(node) = expr else { unreachable!("only a node of the body is no atom") };
        let spine = self.spine(expr);
        let (ty, op) = self.delayed(node, &spine);
        self.emit(ty, op)
    }

    /// Lowers one member of a recursive let group.
    pub(super) fn group_member(&mut self, var: Var, node: Ref<'h>) {
        let spine = self.spine(Expr::Node(node));
        let (ty, op) =
            if spine.args.is_empty() { self.thunk(node) } else { self.delayed(node, &spine) };
        self.function.vars[var] = ty;
        self.emit_to(var, op);
    }

    /// The operation that makes the value of an application without evaluating it, and its type.
    fn delayed(&mut self, node: Ref<'h>, spine: &Spine<'h>) -> (Type, Op) {
        let head = self.constant_head(spine);
        if let Some((function, arity)) = head
            && arity > spine.args.len() as u64
            && self.nesting < STRICT_NESTING_LIMIT
        {
            self.nesting += 1;
            let op = self.partial(function, spine);
            self.nesting -= 1;
            return op;
        }
        // An operation gets code of its own, which passes may evaluate early.
        let is_operation = match head {
            Some((Operand::Constant(k), _)) => self.builder.unit.constants[k].jet.is_some(),
            Some(_) => true,
            None => false,
        };
        let atoms: Option<Vec<Operand>> = spine.args.iter().map(|arg| self.atom(*arg)).collect();
        match (self.atom(spine.head), atoms) {
            (Some(head), Some(args)) if !is_operation && args.len() <= DELAYED_ARGS_LIMIT => {
                (Type::Any, Op::Delay(head, args))
            }
            _ => self.thunk(node),
        }
    }

    /// The operation that applies a known function to fewer arguments than its arity, and its type.
    pub(super) fn partial(&mut self, function: Operand, spine: &Spine<'h>) -> (Type, Op) {
        let mut args: Vec<Operand> = spine.args.iter().map(|arg| self.lazy(*arg)).collect();
        let k = match function {
            Operand::Constant(k) => k,
            // PLAN's own operations seldom lack arguments; a thunk will do.
            _ => return (Type::Any, Op::Delay(function, args)),
        };
        match self.builder.value(k).shape() {
            Shape::Cow(width) if width == args.len() as u64 => {
                args.reverse();
                (Type::Whnf, Op::Row(args))
            }
            _ => (Type::Whnf, Op::Partial(k, args)),
        }
    }

    /// The operation that makes a thunk with code of its own.
    fn thunk(&mut self, node: Ref<'h>) -> (Type, Op) {
        let function = self.builder.new_function(FunctionRole::Thunk);
        let used = self.law.references(node, CAPTURE_SCAN_LIMIT);
        let mut captures = Vec::new();
        let scope = self.scope.of_thunk(used.as_deref(), |operand| match operand {
            Operand::Var(_) => {
                captures.push(operand);
                Operand::Var(Var::from_u32(captures.len() as u32 - 1))
            }
            constant => constant,
        });
        self.pending.push(PendingThunk { function, node, scope, params: captures.len() });
        (Type::Any, Op::Thunk(function, captures))
    }
}
