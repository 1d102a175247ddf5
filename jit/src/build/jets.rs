//! What the compiler knows of jets: which of them it lowers to operations and branches instead of
//! calls of native code.

use crate::ir::{JetSignature, NatOperation, Prim, Type};
use vm::jet::{Control, Jet, JetCode, Operation, ResultShape, WordOperation as W};

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

/// How a call of a jet with as many arguments as its arity is lowered.
#[derive(Clone, Copy)]
pub(super) enum JetLowering {
    /// A call of native code.
    Native,
    /// An operation on evaluated operands.
    Arithmetic(NatOperation),
    /// An operation that is 0 if the operand at an index is 0, and then does not evaluate the
    /// other.
    ZeroGuarded(NatOperation, usize),
    /// A logical connective. If the truth of the first operand is `short_on`, the result is
    /// `decided`; else it is the truth of the second operand, or its negation if `negate` is set.
    Connective { short_on: bool, decided: u64, negate: bool },
    /// A rotation of words.
    Rotation(Operation),
    /// The difference of 32-bit words.
    Difference32,
    /// The first operand if a comparison holds, else the second.
    Choice(Prim),
    /// A branch on a nat to the items of a row.
    Switch,
    /// Control of evaluation.
    Control(Control),
}

pub(super) fn jet_lowering(jet: &Jet) -> JetLowering {
    if let JetCode::Control(control) = jet.code {
        return JetLowering::Control(control);
    }
    if jet.name == "_Switch" {
        return JetLowering::Switch;
    }
    let connective =
        |short_on, decided, negate| JetLowering::Connective { short_on, decided, negate };
    match jet.operation {
        Some(Operation::And) => connective(false, 0, false),
        Some(Operation::Or) => connective(true, 1, false),
        Some(Operation::NotAnd) => connective(false, 1, true),
        Some(Operation::NotOr) => connective(true, 0, true),
        Some(Operation::Least) => JetLowering::Choice(Prim::Le),
        Some(Operation::Greatest) => JetLowering::Choice(Prim::Ge),
        Some(Operation::Word32(W::Subtract)) => JetLowering::Difference32,
        Some(
            operation @ (Operation::Word32(W::RotateLeft | W::RotateRight)
            | Operation::Word64(W::RotateLeft | W::RotateRight)),
        ) => JetLowering::Rotation(operation),
        Some(operation) => match NatOperation::zero_guarded(operation) {
            Some((arithmetic, guard)) => JetLowering::ZeroGuarded(arithmetic, guard),
            None => {
                NatOperation::of(operation).map_or(JetLowering::Native, JetLowering::Arithmetic)
            }
        },
        None => JetLowering::Native,
    }
}
