//! What the compiler knows of jets: which of them it lowers to operations and branches instead of
//! calls of native code.

use crate::ir::{ConstantId, GuardedOperation, JetSignature, NatOperation, Prim, Type};
use vm::jet::{Jet, JetOperation, ResultShape};
use vm::law::JetEvaluation;

/// The declaration of a jet, as far as passes use it.
pub(super) fn jet_signature(jet: &Jet) -> JetSignature {
    let result = match jet.result {
        ResultShape::Bit => Type::Bit,
        ResultShape::Small => Type::Small,
        ResultShape::Nat => Type::Nat,
        ResultShape::Any
        | ResultShape::Bar
        | ResultShape::Row
        | ResultShape::Set
        | ResultShape::Tab => Type::Whnf,
    };
    JetSignature { demands: jet.demands.to_vec(), result, operation: jet.operation }
}

/// Whether a call of a jet is lowered to code that a pass cannot write when it finds that a function that
/// it calls is the jet: more than an operation, and less than a call as of a law.
pub(super) fn has_code_of_its_own(jet: &Jet) -> bool {
    !matches!(
        jet_lowering(jet),
        JetLowering::Arithmetic(_)
            | JetLowering::ZeroGuarded(..)
            | JetLowering::Choice(_)
            | JetLowering::Evaluation(JetEvaluation::General)
    )
}

/// How a call of a jet with as many arguments as its arity is lowered.
#[derive(Clone, Copy)]
pub(super) enum JetLowering {
    /// As the jet is evaluated, without code of its own.
    Evaluation(JetEvaluation),
    /// An operation on evaluated operands.
    Arithmetic(NatOperation),
    /// An operation that is 0 if the operand at an index is 0, and then does not evaluate the
    /// other.
    ZeroGuarded(NatOperation, usize),
    /// An operation on words that is defined by a condition on its operands.
    Guarded(GuardedOperation),
    /// The first operand if a comparison holds, else the second.
    Choice(Prim),
    /// The first operand unless it is the nat 1, else the second, which is evaluated only then.
    CombineOrders,
    /// The operand if it is a nat, else item 0 of it, evaluated.
    DataTag,
    /// Item 0 of an app, evaluated, else the result of the jet's native code.
    Cdr,
    /// The number of keys of the operand if a test holds of it (or whether there are none), else the
    /// result of the jet's native code.
    KeyCount { test: Prim, is_zero: bool },
    /// An operand if it is no app, else the result of the jet's native code, which then evaluates the
    /// index.
    Replacement(ReplacementPlaces),
}

/// A constant that has a jet.
#[derive(Clone, Copy)]
pub(super) struct JetConstant {
    pub(super) id: ConstantId,
    pub(super) jet: Jet,
}

/// Which operands of a jet that replaces an item of a row are the row and the index.
#[derive(Clone, Copy)]
pub(super) struct ReplacementPlaces {
    pub(super) row: usize,
    pub(super) index: usize,
}

pub(super) fn jet_lowering(jet: &Jet) -> JetLowering {
    match JetEvaluation::of(jet) {
        JetEvaluation::Native => jet
            .operation
            .and_then(operation_lowering)
            .unwrap_or(JetLowering::Evaluation(JetEvaluation::Native)),
        evaluation => JetLowering::Evaluation(evaluation),
    }
}

/// How an operation is lowered, if there is code for it.
fn operation_lowering(operation: JetOperation) -> Option<JetLowering> {
    Some(match operation {
        JetOperation::Least => JetLowering::Choice(Prim::Le),
        JetOperation::Greatest => JetLowering::Choice(Prim::Ge),
        JetOperation::CombineOrders => JetLowering::CombineOrders,
        JetOperation::DataTag => JetLowering::DataTag,
        JetOperation::Cdr => JetLowering::Cdr,
        JetOperation::Put => JetLowering::Replacement(ReplacementPlaces { row: 0, index: 1 }),
        JetOperation::Mutate => JetLowering::Replacement(ReplacementPlaces { row: 2, index: 0 }),
        JetOperation::TableLength => JetLowering::KeyCount { test: Prim::IsTable, is_zero: false },
        JetOperation::TableIsEmpty => JetLowering::KeyCount { test: Prim::IsTable, is_zero: true },
        JetOperation::SetLength => JetLowering::KeyCount { test: Prim::IsSet, is_zero: false },
        JetOperation::SetIsEmpty => JetLowering::KeyCount { test: Prim::IsSet, is_zero: true },
        _ => match (GuardedOperation::of(operation), NatOperation::zero_guarded(operation)) {
            (Some(guarded), _) => JetLowering::Guarded(guarded),
            (_, Some((arithmetic, guard))) => JetLowering::ZeroGuarded(arithmetic, guard),
            _ => JetLowering::Arithmetic(NatOperation::of(operation)?),
        },
    })
}
