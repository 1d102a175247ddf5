//! Strict lowering: expressions to be evaluated now.

use super::jets::JetConstant;
use super::law::{Expr, LawLowering, STRICT_NESTING_LIMIT};
use super::unit::{CALLEE_SIZE_LIMIT, law_of};
use crate::ir::{
    Arm, BlockId, Call, Callee, JoinId, Op, Operand, Prim, Stmt, Terminator, Type, Var,
};
use plan::Ref;
use vm::law::{Application, SaturatedCall, Spine};

/// Where the value of a strict expression goes.
#[derive(Clone, Copy)]
pub(super) enum Destination {
    /// It is the function's result.
    Return,
    /// It is the argument of a join point.
    Jump(JoinId),
    /// It is an operand of the code that follows.
    Operand,
}

impl<'h> LawLowering<'_, 'h> {
    /// Lowers an expression as the function's result.
    pub(super) fn tail(&mut self, node: Ref<'h>) {
        let spine = self.spine(Expr::Node(node));
        self.evaluate(&spine, Destination::Return);
    }

    /// Lowers an expression to its evaluated value.
    pub(super) fn strict(&mut self, expr: Expr<'h>) -> Operand {
        if self.nesting >= STRICT_NESTING_LIMIT {
            let lazy = self.lazy(expr);
            return self.force(lazy);
        }
        self.nesting += 1;
        let spine = self.spine(expr);
        let value = self.evaluate(&spine, Destination::Operand);
        self.nesting -= 1;
        value.unwrap_or(Operand::Small(0))
    }

    fn force(&mut self, operand: Operand) -> Operand {
        if self.type_of(operand).is(Type::Whnf) {
            return operand;
        }
        self.emit(Type::Whnf, Op::Force(operand))
    }

    pub(super) fn prim(&mut self, prim: Prim, operands: &[Operand]) -> Operand {
        let types: Vec<Type> = operands.iter().map(|operand| self.type_of(*operand)).collect();
        self.emit(prim.result_of(operands, &types), Op::Prim(prim, operands.to_vec()))
    }

    /// Delivers a value; returns it if the destination is [`Destination::Operand`]. So do the
    /// functions below that take a destination.
    pub(super) fn deliver(&mut self, value: Operand, to: Destination) -> Option<Operand> {
        match to {
            Destination::Return => self.terminate(Terminator::Return(vec![value])),
            Destination::Jump(join) => self.terminate(Terminator::Jump(join, vec![value])),
            Destination::Operand => return Some(value),
        }
        None
    }

    /// Lowers an application, or an expression without arguments.
    pub(super) fn evaluate(&mut self, spine: &Spine<Expr<'h>>, to: Destination) -> Option<Operand> {
        if spine.args.is_empty() {
            return self.evaluate_atom(spine.head, to);
        }
        let Some((function, application)) = self.classify(spine) else {
            let head = self.lazy(spine.head);
            return self.call(Callee::Unknown(head), &spine.args, to);
        };
        match application {
            Application::Partial | Application::Row => {
                let (ty, op) = self.value(function, application, spine);
                let value = self.emit(ty, op);
                let value = self.force(value);
                self.deliver(value, to)
            }
            Application::Saturated(call) => self.saturated(function, call, &spine.args, to),
            Application::Oversaturated { arity } => {
                let (args, rest) = spine.args.split_at(arity);
                let call = self.saturated_call(function);
                let head = self.saturated(function, call, args, Destination::Operand);
                let head = Callee::Unknown(head.unwrap_or(Operand::Small(0)));
                self.call(head, rest, to)
            }
        }
    }

    fn evaluate_atom(&mut self, expr: Expr<'h>, to: Destination) -> Option<Operand> {
        let value = self.lazy(expr);
        if matches!(to, Destination::Return) && !self.type_of(value).is(Type::Whnf) {
            self.terminate(Terminator::Enter(value));
            return None;
        }
        let value = self.force(value);
        self.deliver(value, to)
    }

    /// How a constant is called with as many arguments as its arity.
    fn saturated_call(&self, function: Operand) -> SaturatedCall {
        match function {
            Operand::Small(nat) => SaturatedCall::of_nat(nat),
            Operand::Constant(k) => {
                SaturatedCall::of(self.builder.value(k), self.builder.vm.jets())
            }
            Operand::Var(_) => SaturatedCall::General,
        }
    }

    /// Lowers a call of a constant with as many arguments as its arity.
    fn saturated(
        &mut self,
        function: Operand,
        call: SaturatedCall,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        if self.nesting >= STRICT_NESTING_LIMIT {
            let callee = self.callee(function);
            return self.call(callee, args, to);
        }
        match (call, function) {
            (SaturatedCall::Reflect, _) => self.reflect(args, to),
            (SaturatedCall::Predecessor, _) => self.predecessor(args, to),
            (SaturatedCall::Increment, _) => {
                let value = self.strict(args[0]);
                let value = self.prim(Prim::Inc, &[value]);
                self.deliver(value, to)
            }
            (SaturatedCall::Jet(jet), Operand::Constant(id)) => {
                let jet = *self.builder.vm.jets().get(jet);
                self.jet_call(JetConstant { id, jet }, args, to)
            }
            _ => {
                let callee = self.callee(function);
                self.call(callee, args, to)
            }
        }
    }

    /// The call target for a constant that is given as many arguments as its arity.
    fn callee(&mut self, function: Operand) -> Callee {
        let Operand::Constant(k) = function else { return Callee::Unknown(function) };
        let has_jet = self.builder.unit.constants[k].jet.is_some();
        let entry = if has_jet { None } else { self.builder.include_law(k, CALLEE_SIZE_LIMIT) };
        match (entry, law_of(self.builder.value(k))) {
            (Some(entry), _) => Callee::Local(entry),
            (None, Some(_)) => Callee::Known(k),
            (None, None) => Callee::Unknown(function),
        }
    }

    /// Lowers a call whose arguments are all lazy.
    pub(super) fn call(
        &mut self,
        callee: Callee,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        let args = args.iter().map(|arg| self.lazy(*arg)).collect();
        self.call_with_operands(Call { callee, args }, to)
    }

    pub(super) fn call_with_operands(&mut self, call: Call, to: Destination) -> Option<Operand> {
        if matches!(to, Destination::Return) {
            self.terminate(Terminator::Tail(call));
            return None;
        }
        let result = self.builder.unit.results_of(&call)[0];
        let value = self.emit(result, Op::Call(call));
        self.deliver(value, to)
    }

    // Branches.

    /// Lowers code that ends in several branches. `branches` writes them, and delivers their values
    /// to the destination that it gets.
    pub(super) fn branching(
        &mut self,
        to: Destination,
        branches: impl FnOnce(&mut Self, Destination),
    ) -> Option<Operand> {
        if !matches!(to, Destination::Operand) {
            branches(self, to);
            return None;
        }
        let value = self.function.new_var(Type::Whnf);
        let after = self.new_block();
        let join = self.function.new_join(vec![value], after, false);
        self.push(Stmt::Join(join));
        let depth = self.depth;
        branches(self, Destination::Jump(join));
        self.block = after;
        self.depth = depth + 1;
        self.deepest = self.deepest.max(self.depth);
        Some(value.into())
    }

    pub(super) fn new_block(&mut self) -> BlockId {
        self.function.new_block(Terminator::Return(vec![Operand::Small(0)]))
    }

    /// Writes a branch into a block.
    pub(super) fn branch(&mut self, block: BlockId, write: impl FnOnce(&mut Self)) {
        let depth = self.depth;
        self.block = block;
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        self.nesting += 1;
        write(self);
        self.nesting -= 1;
        self.depth = depth;
    }

    /// Lowers a branch that is an expression, applied to some variables.
    pub(super) fn branch_to(
        &mut self,
        block: BlockId,
        expr: Expr<'h>,
        vars: &[Var],
        to: Destination,
    ) {
        self.branch(block, |this| {
            let mut spine = this.spine(expr);
            spine.args.extend(vars.iter().map(|var| Expr::Operand((*var).into())));
            this.evaluate(&spine, to);
        });
    }

    /// Lowers a branch on a bit to one of two expressions.
    pub(super) fn choose(
        &mut self,
        condition: Operand,
        yes: Expr<'h>,
        no: Expr<'h>,
        to: Destination,
    ) -> Option<Operand> {
        self.branching(to, |this, to| {
            let (yes_block, no_block) = (this.new_block(), this.new_block());
            this.terminate(Terminator::If(condition, yes_block, no_block));
            this.branch_to(yes_block, yes, &[], to);
            this.branch_to(no_block, no, &[], to);
        })
    }

    /// Lowers PLAN's operation `2 z p x`: `z` if `x` is 0, else `p` of its predecessor.
    fn predecessor(&mut self, args: &[Expr<'h>], to: Destination) -> Option<Operand> {
        let value = self.strict(args[2]);
        let positive = self.prim(Prim::Truth, &[value]);
        let (zero, next) = (args[0], args[1]);
        self.branching(to, |this, to| {
            let (yes, no) = (this.new_block(), this.new_block());
            this.terminate(Terminator::If(positive, yes, no));
            this.block = yes;
            if let Operand::Var(less) = this.prim(Prim::Dec, &[value]) {
                this.branch_to(yes, next, &[less], to);
            }
            this.branch_to(no, zero, &[], to);
        })
    }

    /// Lowers PLAN's operation `1 p l a n x`: the function for the kind of `x`, applied to its
    /// parts.
    fn reflect(&mut self, args: &[Expr<'h>], to: Destination) -> Option<Operand> {
        let value = self.strict(args[4]);
        self.branching(to, |this, to| {
            let arms = Terminator::REFLECT_PARTS.map(|parts| Arm {
                params: parts.iter().map(|ty| this.function.new_var(*ty)).collect(),
                block: this.new_block(),
            });
            this.terminate(Terminator::Reflect(value, Box::new(arms.clone())));
            for (arm, expr) in arms.iter().zip(args) {
                this.branch_to(arm.block, *expr, &arm.params, to);
            }
        })
    }
}
