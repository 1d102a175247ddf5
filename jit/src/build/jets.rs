//! What the compiler knows of jets: which of them it lowers to operations and branches instead of
//! calls of native code.

use crate::ir::{JetSignature, NatOperation, Prim, Type};
use plan::PinRef;
use std::sync::Arc;
use vm::jet::{ControlForm, Jet, JetCode, JetOperation, JetTable, ResultShape, WordOperation as W};

/// The jets of a runtime, as the compiler looks them up.
#[derive(Clone, Default)]
pub struct JetLookup {
    table: Arc<JetTable>,
}

impl JetLookup {
    /// The jets of the library.
    pub fn library() -> JetLookup {
        JetLookup::of(Arc::new(jets::table()))
    }

    /// The jets of a table.
    pub fn of(table: Arc<JetTable>) -> JetLookup {
        JetLookup { table }
    }

    /// The jet of a pinned law.
    pub(super) fn find(&self, pin: PinRef<'_>) -> Option<&Jet> {
        // No jet has a law that is too large to be hashed.
        let jet = self.table.find(&pin.hash().ok()?)?;
        Some(self.table.get(jet))
    }
}

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
    Rotation(JetOperation),
    /// The difference of 32-bit words.
    Difference32,
    /// The first operand if a comparison holds, else the second.
    Choice(Prim),
    /// A branch on a nat to the items of a row.
    Switch,
    /// Control of evaluation.
    Control(ControlForm),
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
        Some(JetOperation::And) => connective(false, 0, false),
        Some(JetOperation::Or) => connective(true, 1, false),
        Some(JetOperation::NotAnd) => connective(false, 1, true),
        Some(JetOperation::NotOr) => connective(true, 0, true),
        Some(JetOperation::Least) => JetLowering::Choice(Prim::Le),
        Some(JetOperation::Greatest) => JetLowering::Choice(Prim::Ge),
        Some(JetOperation::Word32(W::Subtract)) => JetLowering::Difference32,
        Some(
            operation @ (JetOperation::Word32(W::RotateLeft | W::RotateRight)
            | JetOperation::Word64(W::RotateLeft | W::RotateRight)),
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
