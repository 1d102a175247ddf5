//! Calls of jets, lowered to operations and branches where the compiler knows the jet.

use super::error::BuildError;
use super::jets::{JetConstant, JetLowering, jet_lowering};
use super::law::{Expr, LawLowering};
use super::replacements::ReplacementCall;
use super::strict::Destination;
use super::unit::{UnitBuilder, law_of};
use crate::ir::{
    Call, Callee, ConstantId, Function, FunctionId, FunctionRole, GuardedOperation, NatOperation,
    Op, Operand, Prim, Terminator, Type,
};
use vm::jet::{ArgDemand, Jet};
use vm::law::{
    AnalysedLaw, BodyNode, Choice, ChoiceTest, Connective, JetEvaluation, ReferenceScope, Spine,
    SwitchCases,
};

/// Writes the function `entry`, which calls a jet, the constant `id`, with its parameters.
///
/// # Errors
/// If the constant is no law with code.
pub(super) fn lower_jet(
    builder: &mut UnitBuilder<'_>,
    id: ConstantId,
    entry: FunctionId,
    jet: Jet,
) -> Result<(), BuildError> {
    let law = law_of(builder.value(id)).and_then(AnalysedLaw::of).ok_or(BuildError::NotALaw)?;
    let params = std::iter::repeat_n(Type::Any, jet.arity());
    let function = Function::with_params(FunctionRole::General, params).of_law(Some(id));
    let args: Vec<Expr<'_>> = function.param_operands().into_iter().map(Expr::Operand).collect();
    let mut lowering = LawLowering::new(builder, &law, function, ReferenceScope::new([]));
    lowering.jet_call(JetConstant { id, jet }, &args, Destination::Return);
    lowering.finish_function(entry);
    Ok(())
}

impl<'h> LawLowering<'_, 'h> {
    /// Lowers a call of a jet with as many arguments as its arity.
    pub(super) fn jet_call(
        &mut self,
        called: JetConstant,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        let jet = called.jet;
        match jet_lowering(&jet) {
            JetLowering::Arithmetic(operation) => {
                let operands = self.jet_operands(jet, args);
                let value = self.nat_operation(operation, &operands);
                self.deliver(value, to)
            }
            JetLowering::ZeroGuarded(operation, guard) => {
                self.zero_guarded(operation, guard, args, to)
            }
            JetLowering::Guarded(operation) => {
                let operands = self.jet_operands(jet, args);
                self.guarded_operation(called.id, operation, &operands, to)
            }
            JetLowering::Choice(prim) => {
                let operands = self.jet_operands(jet, args);
                if operands.iter().all(|operand| self.type_of(*operand).is(Type::Small)) {
                    let prim = if prim == Prim::Le { Prim::Min } else { Prim::Max };
                    let value = self.prim(prim, &operands);
                    return self.deliver(value, to);
                }
                let first = self.prim(prim, &operands);
                let [yes, no] = [operands[0], operands[1]].map(Expr::Operand);
                self.choose(first, yes, no, to)
            }
            JetLowering::CombineOrders => {
                let first = self.strict(args[0]);
                let is_equal = self.prim(Prim::Eq, &[first, Operand::Small(1)]);
                self.choose(is_equal, args[1], Expr::Operand(first), to)
            }
            JetLowering::DataTag => {
                let operands = self.jet_operands(jet, args);
                self.data_tag(operands[0], to)
            }
            JetLowering::Cdr => {
                let operands = self.jet_operands(jet, args);
                self.cdr(called.id, operands[0], to)
            }
            JetLowering::KeyCount { test, is_zero } => {
                let operands = self.jet_operands(jet, args);
                self.key_count(called.id, operands[0], test, is_zero, to)
            }
            JetLowering::Replacement(places) => {
                self.replacement(ReplacementCall { called, places, args: args.to_vec() }, to)
            }
            JetLowering::Evaluation(evaluation) => self.evaluated_jet(called, evaluation, args, to),
        }
    }

    /// A nat itself, or else item 0 of a value read as a row.
    fn data_tag(&mut self, value: Operand, to: Destination) -> Option<Operand> {
        if self.type_of(value).is(Type::Nat) {
            return self.deliver(value, to);
        }
        let is_nat = self.prim(Prim::IsNat, &[value]);
        self.branching(to, |this, to| {
            let (yes, no) = (this.new_block(), this.new_block());
            this.terminate(Terminator::If(is_nat, yes, no));
            this.branch(yes, |this| {
                this.deliver(value, to);
            });
            this.branch(no, |this| this.first_item(value, to));
        })
    }

    /// Item 0 of an app, or else the result of the jet's native code.
    fn cdr(&mut self, jet: ConstantId, value: Operand, to: Destination) -> Option<Operand> {
        if self.type_of(value).is(Type::Nat) {
            return self.deliver(Operand::Small(0), to);
        }
        let is_app = self.prim(Prim::IsApp, &[value]);
        self.branching(to, |this, to| {
            let (yes, no) = (this.new_block(), this.new_block());
            this.terminate(Terminator::If(is_app, yes, no));
            this.branch(yes, |this| this.first_item(value, to));
            this.branch(no, |this| {
                this.native_call(jet, vec![value], to);
            });
        })
    }

    /// The number of keys of a value, or whether it has none, if `test` holds of the value; else the
    /// result of the jet's native code.
    fn key_count(
        &mut self,
        jet: ConstantId,
        value: Operand,
        test: Prim,
        is_zero: bool,
        to: Destination,
    ) -> Option<Operand> {
        let has_keys = self.prim(test, &[value]);
        self.branching(to, |this, to| {
            let (yes, no) = (this.new_block(), this.new_block());
            this.terminate(Terminator::If(has_keys, yes, no));
            this.branch(yes, |this| {
                let count = this.prim(Prim::KeyCount, &[value]);
                let result = if is_zero { this.prim(Prim::IsZero, &[count]) } else { count };
                this.deliver(result, to);
            });
            this.branch(no, |this| {
                this.native_call(jet, vec![value], to);
            });
        })
    }

    /// Delivers item 0 of a value read as a row, evaluated.
    fn first_item(&mut self, value: Operand, to: Destination) {
        let item = self.prim(Prim::Item, &[value, Operand::Small(0)]);
        self.evaluate(&Spine::of_atom(Expr::Operand(item)), to);
    }

    /// Lowers a call of a jet as the jet is evaluated.
    fn evaluated_jet(
        &mut self,
        called: JetConstant,
        evaluation: JetEvaluation,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        match evaluation {
            JetEvaluation::Native => self.native(called, args, to),
            JetEvaluation::Connective(connective) => self.connective(connective, args, to),
            JetEvaluation::Switch(switch) => match SwitchCases::of(self, args[switch.cases]) {
                Some(cases) => self.switch(switch, &cases, args, to),
                None => self.native(called, args, to),
            },
            JetEvaluation::Choice(Choice { test, holds, fails }) => {
                let value = self.strict(args[0]);
                let condition = match test {
                    ChoiceTest::Truth => Prim::Truth,
                    ChoiceTest::IsZero => Prim::IsZero,
                };
                let condition = self.prim(condition, &[value]);
                self.choose(condition, args[holds], args[fails], to)
            }
            JetEvaluation::Sequence(demand) => {
                self.demanded(demand, args[0]);
                let spine = self.spine(args[1]);
                self.nesting += 1;
                let value = self.evaluate(&spine, to);
                self.nesting -= 1;
                value
            }
            JetEvaluation::Normalise => {
                let value = self.normal(args[0]);
                self.deliver(value, to)
            }
            JetEvaluation::General => self.call(Callee::Known(called.id), args, to),
        }
    }

    pub(super) fn native(
        &mut self,
        called: JetConstant,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        let args = self.jet_operands(called.jet, args);
        self.native_call(called.id, args, to)
    }

    pub(super) fn native_call(
        &mut self,
        jet: ConstantId,
        args: Vec<Operand>,
        to: Destination,
    ) -> Option<Operand> {
        self.call_with_operands(Call { callee: Callee::Jet(jet), args }, to)
    }

    /// An operation on words if its guard holds, else the result of the jet's native code.
    fn guarded_operation(
        &mut self,
        jet: ConstantId,
        operation: GuardedOperation,
        operands: &[Operand],
        to: Destination,
    ) -> Option<Operand> {
        let holds = operation.guard(operands, |prim, operands| self.prim(prim, operands));
        if holds == Operand::Small(1) {
            let emit = |prim, operands: &[Operand]| self.prim(prim, operands);
            let value = operation.emit_with(operands, emit);
            return self.deliver(value, to);
        }
        if holds == Operand::Small(0) {
            return self.native_call(jet, operands.to_vec(), to);
        }
        self.branching(to, |this, to| {
            let (yes, no) = (this.new_block(), this.new_block());
            this.terminate(Terminator::If(holds, yes, no));
            this.branch(yes, |this| {
                let emit = |prim, operands: &[Operand]| this.prim(prim, operands);
                let value = operation.emit_with(operands, emit);
                this.deliver(value, to);
            });
            this.branch(no, |this| {
                this.native_call(jet, operands.to_vec(), to);
            });
        })
    }

    /// Lowers the arguments of a jet as it demands them: the demanded ones first, in the order in
    /// which the jet evaluates them.
    fn jet_operands(&mut self, jet: Jet, args: &[Expr<'h>]) -> Vec<Operand> {
        let mut operands = vec![None; args.len()];
        for index in jet.evaluation_order() {
            operands[index] = Some(self.demanded(jet.demands[index], args[index]));
        }
        let lower_lazy = |(operand, arg): (Option<Operand>, &Expr<'h>)| match operand {
            Some(operand) => operand,
            None => self.lazy(*arg),
        };
        operands.into_iter().zip(args).map(lower_lazy).collect()
    }

    /// Lowers an argument, evaluated as demanded.
    fn demanded(&mut self, demand: ArgDemand, arg: Expr<'h>) -> Operand {
        match demand {
            ArgDemand::Lazy => self.lazy(arg),
            ArgDemand::Head => self.strict(arg),
            ArgDemand::Normal => self.normal(arg),
        }
    }

    /// Lowers an argument to its normal form.
    fn normal(&mut self, arg: Expr<'h>) -> Operand {
        let value = self.strict(arg);
        if self.type_of(value).is(Type::Nat) {
            return value;
        }
        self.emit(Type::Whnf, Op::Normalise(value))
    }

    fn nat_operation(&mut self, operation: NatOperation, operands: &[Operand]) -> Operand {
        operation.emit_with(operands, |prim, operands| self.prim(prim, operands))
    }

    /// Lowers an operation that does not evaluate one operand if the operand at `guard` is 0.
    fn zero_guarded(
        &mut self,
        operation: NatOperation,
        guard: usize,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        let first = self.strict(args[guard]);
        let is_same = self.are_same_reference(args[0], args[1]);
        if is_same || self.is_evaluated(args[1 - guard]) {
            return self.zero_guarded_rest(operation, guard, first, args, to);
        }
        // The operation does the same on what the guard leaves of the operand.
        let tested = operation.guard(first, |prim, operands| self.prim(prim, operands));
        if matches!(tested, Operand::Small(1..)) {
            return self.zero_guarded_rest(operation, guard, tested, args, to);
        }
        let positive = self.prim(Prim::Truth, &[tested]);
        self.branching(to, |this, to| {
            let (yes, no) = (this.new_block(), this.new_block());
            this.terminate(Terminator::If(positive, yes, no));
            this.branch(yes, |this| {
                this.zero_guarded_rest(operation, guard, tested, args, to);
            });
            this.branch(no, |this| {
                this.deliver(Operand::Small(0), to);
            });
        })
    }

    fn zero_guarded_rest(
        &mut self,
        operation: NatOperation,
        guard: usize,
        first: Operand,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        let second = self.strict(args[1 - guard]);
        let operands = if guard == 0 { [first, second] } else { [second, first] };
        let value = self.nat_operation(operation, &operands);
        self.deliver(value, to)
    }

    fn are_same_reference(&self, a: Expr<'h>, b: Expr<'h>) -> bool {
        let reference = |expr: Expr<'h>| match expr {
            Expr::Node(node) => match self.law.node(node) {
                BodyNode::Reference(reference) => Some(reference),
                _ => None,
            },
            _ => None,
        };
        reference(a).is_some_and(|a| reference(b) == Some(a))
    }

    /// Whether an expression is an operand that is already evaluated.
    pub(super) fn is_evaluated(&mut self, expr: Expr<'h>) -> bool {
        self.atom(expr).is_some_and(|atom| self.type_of(atom).is(Type::Whnf))
    }

    fn connective(
        &mut self,
        connective: Connective,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        let first = self.strict(args[0]);
        let first = self.prim(Prim::Truth, &[first]);
        self.branching(to, |this, to| {
            let (short, long) = (this.new_block(), this.new_block());
            let (yes, no) = if connective.decided_by { (short, long) } else { (long, short) };
            this.terminate(Terminator::If(first, yes, no));
            this.branch(short, |this| {
                this.deliver(Operand::Small(u64::from(connective.decided)), to);
            });
            this.branch(long, |this| {
                let second = this.strict(args[1]);
                let truth = if connective.negates { Prim::Not } else { Prim::Truth };
                let truth = this.prim(truth, &[second]);
                this.deliver(truth, to);
            });
        })
    }
}
