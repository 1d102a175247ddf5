//! Jets that are more to the compiler than calls of native code: operations and branches.

use crate::ir::Prim;
use vm::PinRef;
use vm::jet::{Code, Control, Jet, JetTable};

/// The jets that a runtime has.
#[derive(Default)]
pub struct Jets {
    table: JetTable,
}

impl Jets {
    /// Those of the library.
    pub fn library() -> Jets {
        Jets::of(jets::table())
    }

    /// Those of a table.
    pub fn of(table: JetTable) -> Jets {
        Jets { table }
    }

    /// The jet of a pinned law.
    pub(super) fn find(&self, pin: PinRef<'_>) -> Option<&Jet> {
        // A law too large to be hashed is none that is known.
        let jet = self.table.find(&pin.hash().ok()?)?;
        Some(self.table.get(jet))
    }
}

/// What a jet is to the compiler.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    /// A call of native code.
    Native,
    /// An operation on evaluated operands.
    Prim(Prim),
    /// An operation on the truth of evaluated operands.
    OfTruth(Prim),
    /// An operation that is 0 if the operand at that index is, whatever the other, which then is not
    /// looked at.
    Guarded(Prim, usize),
    /// A connective: `decided` if the first operand is true, or is not, as `on` says; else the truth
    /// of the second, or its opposite, as `negate` says.
    Connective { on: bool, decided: u64, negate: bool },
    /// A branch by a nat, among the items of a row.
    Switch,
    /// A form of control.
    Control(Control),
}

pub(super) fn meaning(jet: &Jet) -> Meaning {
    if let Code::Control(control) = jet.code {
        return Meaning::Control(control);
    }
    let connective = |on, decided, negate| Meaning::Connective { on, decided, negate };
    match jet.name {
        "_Mul" => Meaning::Guarded(Prim::Mul, 1),
        "_Lsh" => Meaning::Guarded(Prim::Lsh, 0),
        "_And" => connective(false, 0, false),
        "_Or" => connective(true, 1, false),
        "_Nand" => connective(false, 1, true),
        "_Nor" => connective(true, 0, true),
        "_Xor" => Meaning::OfTruth(Prim::Ne),
        "_Xnor" => Meaning::OfTruth(Prim::Eq),
        "_Switch" => Meaning::Switch,
        name => prim(name).map_or(Meaning::Native, Meaning::Prim),
    }
}

/// The operation that the jet of that name is, if it is one.
pub(crate) fn prim(name: &str) -> Option<Prim> {
    Some(match name {
        "_ToNat" => Prim::ToNat,
        "_Bit" => Prim::Truth,
        "_Not" => Prim::Not,
        "_Eqz" => Prim::IsZero,
        "_IsNat" => Prim::IsNat,
        "_IsPin" => Prim::IsPin,
        "_IsLaw" => Prim::IsLaw,
        "_IsApp" => Prim::IsApp,
        "_Dec" => Prim::Dec,
        "_Add" => Prim::Add,
        "_Sub" => Prim::Sub,
        "_Div" => Prim::Div,
        "_Mod" => Prim::Mod,
        "_Con" => Prim::And,
        "_Dis" => Prim::Or,
        "_Mix" => Prim::Xor,
        "_Rsh" => Prim::Rsh,
        "_Eql" => Prim::Eq,
        "_Neq" => Prim::Ne,
        "_Lth" => Prim::Lt,
        "_Lte" => Prim::Le,
        "_Gth" => Prim::Gt,
        "_Gte" => Prim::Ge,
        "_Cmp" => Prim::Cmp,
        _ => return None,
    })
}
