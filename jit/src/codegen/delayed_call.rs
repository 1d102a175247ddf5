//! Thunks whose code is the call of one jet, made at once where that takes a short time and evaluates
//! nothing: look-ups in tables, and edits of short rows and of tables.
//!
//! Such a thunk keeps its table or row alive. Programs often make one to change an entry of the same table,
//! or pass a state of several tables from turn to turn, one thunk on top of the other. The call is made only
//! if everything that the thunk's code evaluates is evaluated already.

use super::collection_edit::CollectionEdit;
use super::error::CompileError;
use super::key_search::{KeyEvaluation, KeySearch};
use super::row_edit::RowEdit;
use super::translator::FunctionTranslator;
use crate::ir::{
    ArgDemand, Callee, ConstantId, JetOperation, Op, Operand, Stmt, Terminator, Type, Unit, Var,
};
use cranelift_codegen::ir::{Block, Value};
use vm::jet::EditMode;

/// The call of a jet that the code of a thunk consists of, after it evaluates captured values.
pub(super) struct DelayedCall {
    operation: JetOperation,
    /// The arguments: captured values, evaluated or not, and constants.
    args: Vec<Operand>,
    /// The captured values that the code evaluates first.
    evaluated: Vec<Operand>,
    /// The captured values that it normalises.
    normalised: Vec<Operand>,
}

impl DelayedCall {
    /// The call that an operation delays, if it makes a thunk of one that can be made at once.
    fn of(unit: &Unit, op: &Op) -> Option<DelayedCall> {
        let (entry, captures) = match op {
            Op::Thunk(entry, captures) => (entry, captures),
            Op::Delay(Operand::Constant(jet), args) => {
                return DelayedCall::of_jet(unit, *jet, args);
            }
            _ => return None,
        };
        let code = &unit.functions[*entry];
        let block = &code.blocks[code.entry];
        let Terminator::Tail(call) = &block.terminator else { return None };
        let Callee::Jet(jet) = call.callee else { return None };
        let operation = unit.constants[jet].jet.as_ref()?.operation?;
        // The captured values that the variables stand for.
        let params = code.params.iter().copied();
        let mut values: Vec<(Var, Operand)> = params.zip(captures.iter().copied()).collect();
        let (mut evaluated, mut normalised) = (Vec::new(), Vec::new());
        for stmt in &block.stmts {
            let Stmt::Let(vars, op @ (Op::Force(from) | Op::Normalise(from))) = stmt else {
                return None;
            };
            let value = value_of(&values, *from)?;
            match op {
                Op::Force(_) => evaluated.push(value),
                _ => normalised.push(value),
            }
            values.push((*vars.first()?, value));
        }
        let args = call.args.iter().map(|arg| value_of(&values, *arg));
        let args = args.collect::<Option<Vec<Operand>>>()?;
        let delayed = DelayedCall { operation, args, evaluated, normalised };
        delayed.is_short().then_some(delayed)
    }

    /// The call of a jet that is applied lazily, if it can be made at once.
    fn of_jet(unit: &Unit, jet: ConstantId, args: &[Operand]) -> Option<DelayedCall> {
        let signature = unit.constants[jet].jet.as_ref()?;
        if args.len() != signature.demands.len() {
            return None;
        }
        let demanded = |wanted: ArgDemand| {
            let args = args.iter().zip(&signature.demands);
            args.filter(move |(_, demand)| **demand == wanted).map(|(arg, _)| *arg).collect()
        };
        let delayed = DelayedCall {
            operation: signature.operation?,
            args: args.to_vec(),
            evaluated: demanded(ArgDemand::Head),
            normalised: demanded(ArgDemand::Normal),
        };
        delayed.is_short().then_some(delayed)
    }

    /// Whether it takes a short time, as far as can be seen before it is made.
    fn is_short(&self) -> bool {
        matches!(
            KeySearch::of(self.operation, &self.args),
            Some(KeySearch::LookUp { .. } | KeySearch::Least { .. })
        ) || RowEdit::of(self.operation, &self.args).is_some()
            || matches!(
                self.operation,
                JetOperation::TableInsert
                    | JetOperation::SetInsert
                    | JetOperation::TableDelete
                    | JetOperation::SetDelete
            )
    }
}

/// The captured value or constant that an operand of a thunk's code stands for.
fn value_of(values: &[(Var, Operand)], operand: Operand) -> Option<Operand> {
    let Operand::Var(var) = operand else { return Some(operand) };
    values.iter().find_map(|(known, value)| (*known == var).then_some(*value))
}

impl FunctionTranslator<'_, '_> {
    /// The call of a jet that an operation delays, if it can be made at once.
    pub(super) fn delayed_call(&self, op: &Op) -> Option<DelayedCall> {
        DelayedCall::of(self.unit, op)
    }

    /// Defines a variable as the result of a call, or as a thunk of the call.
    pub(super) fn call_or_allocate(
        &mut self,
        delayed: &DelayedCall,
        var: Var,
        op: &Op,
    ) -> Result<(), CompileError> {
        self.define_or_allocate(var, op, |this, otherwise| this.made_at_once(delayed, otherwise))
    }

    /// The result of a delayed call. Continues only if nothing has to be evaluated for it.
    fn made_at_once(&mut self, delayed: &DelayedCall, otherwise: Block) -> Value {
        for operand in &delayed.evaluated {
            if !self.type_of(*operand).is(Type::Whnf) {
                let word = self.word(*operand);
                let is_thunk = self.emit.is_thunk(word);
                let evaluated = self.emit.block();
                self.emit.branch(is_thunk, otherwise, evaluated);
                self.emit.switch_to(evaluated);
            }
        }
        for operand in &delayed.normalised {
            if !self.type_of(*operand).is(Type::Nat) {
                let word = self.word(*operand);
                let is_object = self.emit.is_not_direct(word);
                let direct = self.emit.block();
                self.emit.branch(is_object, otherwise, direct);
                self.emit.switch_to(direct);
            }
        }
        let args = &delayed.args;
        if let Some(search) = KeySearch::of(delayed.operation, args) {
            return self.found(search, KeyEvaluation::Never, otherwise);
        }
        if let Some(edit) = RowEdit::of(delayed.operation, args) {
            return self.edited_short_row(edit, otherwise);
        }
        let Some(edit) = CollectionEdit::of(delayed.operation, args) else {
            unreachable!("a delayed call is a search or an edit")
        };
        self.edited_collection(edit, EditMode::Copy, KeyEvaluation::Never, otherwise)
    }
}
