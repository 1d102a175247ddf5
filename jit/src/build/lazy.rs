//! Lazy lowering: expressions to be passed on, not evaluated.

use super::law::{Expr, LawLowering, PendingThunk, STRICT_NESTING_LIMIT};
use crate::ir::{FunctionRole, Op, Operand, Type, Var};
use plan::Ref;
use vm::law::{Application, DELAYED_ARGS_LIMIT, Spine};

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
    fn delayed(&mut self, node: Ref<'h>, spine: &Spine<Expr<'h>>) -> (Type, Op) {
        let known = self.classify(spine);
        if let Some((function, application @ (Application::Partial | Application::Row))) = known
            && self.nesting < STRICT_NESTING_LIMIT
        {
            self.nesting += 1;
            let op = self.value(function, application, spine);
            self.nesting -= 1;
            return op;
        }
        // An operation gets code of its own, which passes may evaluate early.
        let is_operation = match known {
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

    /// The operation that makes an application that is a value, a row or an app, and its type.
    pub(super) fn value(
        &mut self,
        function: Operand,
        application: Application,
        spine: &Spine<Expr<'h>>,
    ) -> (Type, Op) {
        let mut args: Vec<Operand> = spine.args.iter().map(|arg| self.lazy(*arg)).collect();
        match function {
            Operand::Constant(_) if application == Application::Row => {
                args.reverse();
                (Type::Whnf, Op::Row(args))
            }
            Operand::Constant(k) => (Type::Whnf, Op::Partial(k, args)),
            // PLAN's own operations with too few arguments are data, such as Sire's `SOME`.
            _ => match self.constant_value(spine.head) {
                Some(nat) => (Type::Whnf, Op::Partial(self.builder.constant_id(nat), args)),
                None => (Type::Any, Op::Delay(function, args)),
            },
        }
    }

    /// The operation that makes a thunk with code of its own.
    fn thunk(&mut self, node: Ref<'h>) -> (Type, Op) {
        let function = self.builder.new_function(FunctionRole::Thunk);
        let used = self.law.captured_references(node);
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
