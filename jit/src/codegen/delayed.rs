//! Thunks whose code is the call of one jet that may be made at once: look-ups in tables, and edits of
//! short rows, tables and sets. [`super::delayed_call`] writes their code.

use crate::analysis::collections::is_short;
use crate::ir::{
    ArgDemand, Callee, ConstantId, JetOperation, Op, Operand, Stmt, Terminator, Unit, Var,
};

/// The call of a jet that the code of a thunk consists of, after it evaluates captured values.
pub(super) struct DelayedCall {
    pub(super) operation: JetOperation,
    /// The arguments: captured values, evaluated or not, and constants.
    pub(super) args: Vec<Operand>,
    /// The captured values that the code evaluates first.
    pub(super) evaluated: Vec<Operand>,
    /// The captured values that it normalises.
    pub(super) normalised: Vec<Operand>,
}

impl DelayedCall {
    /// The call that an operation delays, if it makes a thunk of one that can be made at once.
    pub(super) fn of(unit: &Unit, op: &Op) -> Option<DelayedCall> {
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
        if !is_short(operation) {
            return None;
        }
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
        Some(DelayedCall { operation, args, evaluated, normalised })
    }

    /// The call of a jet that is applied lazily, if it can be made at once.
    fn of_jet(unit: &Unit, jet: ConstantId, args: &[Operand]) -> Option<DelayedCall> {
        let signature = unit.constants[jet].jet.as_ref()?;
        let operation = signature.operation.filter(|operation| is_short(*operation))?;
        if args.len() != signature.demands.len() {
            return None;
        }
        let demanded = |wanted: ArgDemand| {
            let args = args.iter().zip(&signature.demands);
            args.filter(move |(_, demand)| **demand == wanted).map(|(arg, _)| *arg).collect()
        };
        let (evaluated, normalised) = (demanded(ArgDemand::Head), demanded(ArgDemand::Normal));
        Some(DelayedCall { operation, args: args.to_vec(), evaluated, normalised })
    }
}

/// The captured value or constant that an operand of a thunk's code stands for.
fn value_of(values: &[(Var, Operand)], operand: Operand) -> Option<Operand> {
    let Operand::Var(var) = operand else { return Some(operand) };
    values.iter().find_map(|(known, value)| (*known == var).then_some(*value))
}
