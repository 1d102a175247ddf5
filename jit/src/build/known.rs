//! Jets that are more to the compiler than calls of native code: operations and branches.

use super::arithmetic::Arithmetic;
use crate::ir::{Prim, Twin, Type};
use std::sync::Arc;
use vm::PinRef;
use vm::jet::{Code, Control, Gives, Jet, JetTable, Operation, WordOperation as W};

/// The jets that a runtime has.
#[derive(Clone, Default)]
pub struct Jets {
    table: Arc<JetTable>,
}

impl Jets {
    /// Those of the library.
    pub fn library() -> Jets {
        Jets::of(Arc::new(jets::table()))
    }

    /// Those of a table.
    pub fn of(table: Arc<JetTable>) -> Jets {
        Jets { table }
    }

    /// The jet of a pinned law.
    pub(super) fn find(&self, pin: PinRef<'_>) -> Option<&Jet> {
        // A law too large to be hashed is none that is known.
        let jet = self.table.find(&pin.hash().ok()?)?;
        Some(self.table.get(jet))
    }
}

/// What passes may know of a jet.
pub(super) fn twin(jet: &Jet) -> Twin {
    let result = match jet.gives {
        Gives::Bit => Type::Bit,
        Gives::Small => Type::Small,
        Gives::Nat => Type::Nat,
        Gives::Any | Gives::Bar | Gives::Row | Gives::Set | Gives::Tab => Type::Whnf,
    };
    Twin { demands: jet.demands.to_vec(), result, operation: jet.operation }
}

/// What a jet is to the compiler.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    /// A call of native code.
    Native,
    /// An operation on evaluated operands.
    Arithmetic(Arithmetic),
    /// One that is 0 if the operand at that index is, whatever the other, which then is not looked
    /// at.
    Guarded(Arithmetic, usize),
    /// A connective: `decided` if the first operand is true, or is not, as `on` says; else the truth
    /// of the second, or its opposite, as `negate` says.
    Connective { on: bool, decided: u64, negate: bool },
    /// A rotation of words.
    Rotation(Operation),
    /// The difference of words of 32 bits.
    Difference32,
    /// The operand for which a comparison with the other one holds; the first, if it does for both.
    Choice(Prim),
    /// A branch by a nat, among the items of a row.
    Switch,
    /// A form of control.
    Control(Control),
}

pub(super) fn meaning(jet: &Jet) -> Meaning {
    if let Code::Control(control) = jet.code {
        return Meaning::Control(control);
    }
    if jet.name == "_Switch" {
        return Meaning::Switch;
    }
    let connective = |on, decided, negate| Meaning::Connective { on, decided, negate };
    match jet.operation {
        Some(Operation::And) => connective(false, 0, false),
        Some(Operation::Or) => connective(true, 1, false),
        Some(Operation::NotAnd) => connective(false, 1, true),
        Some(Operation::NotOr) => connective(true, 0, true),
        Some(Operation::Least) => Meaning::Choice(Prim::Le),
        Some(Operation::Greatest) => Meaning::Choice(Prim::Ge),
        Some(Operation::Word32(W::Subtract)) => Meaning::Difference32,
        Some(
            operation @ (Operation::Word32(W::RotateLeft | W::RotateRight)
            | Operation::Word64(W::RotateLeft | W::RotateRight)),
        ) => Meaning::Rotation(operation),
        Some(operation) => match Arithmetic::guarded(operation) {
            Some((arithmetic, guard)) => Meaning::Guarded(arithmetic, guard),
            None => Arithmetic::of(operation).map_or(Meaning::Native, Meaning::Arithmetic),
        },
        None => Meaning::Native,
    }
}
