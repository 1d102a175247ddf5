//! Primitive operations, each declared once.
//!
//! Operands are evaluated to their outermost shape. Nats are of any size; where an operation is of
//! nats, an operand that is no nat counts as 0. So all take any evaluated value, generated code
//! tests for the one case it handles itself (operands below 2^63, seen by their signs), and leaves
//! the rest to the runtime.
//!
//! `item` alone gives a value that is perhaps not evaluated.
//!
//! All are total but the comparisons, which look into apps as far as they must, and evaluate what
//! they find there. With a nat on either side they need not. (`lsh` and `mul` may run out of memory.)

use super::Type;

macro_rules! prims {
    ($($(#[$doc:meta])* $name:ident $text:literal ($($param:ident),*) $result:ident;)*) => {
        /// A primitive operation.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Prim {
            $($(#[$doc])* $name,)*
        }

        impl Prim {
            /// All of them.
            pub const ALL: &'static [Prim] = &[$(Prim::$name),*];

            /// Its name in the text form.
            pub fn name(self) -> &'static str {
                match self { $(Prim::$name => $text),* }
            }

            /// The types of its operands.
            pub fn params(self) -> &'static [Type] {
                match self { $(Prim::$name => &[$(Type::$param),*]),* }
            }

            /// What its result is, whatever the operands.
            pub fn result(self) -> Type {
                match self { $(Prim::$name => Type::$result),* }
            }
        }
    };
}

prims! {
    /// The nat that a value is, 0 if it is none.
    ToNat "tonat" (Whnf) Nat;
    /// 1 unless a value is 0 or not a nat.
    Truth "truth" (Whnf) Bit;
    /// 0 unless a value is 0 or not a nat.
    Not "not" (Whnf) Bit;
    /// Whether a value is the nat 0.
    IsZero "iszero" (Whnf) Bit;
    /// Whether a value is a nat.
    IsNat "isnat" (Whnf) Bit;
    /// Whether a value is a pin.
    IsPin "ispin" (Whnf) Bit;
    /// Whether a value is a law.
    IsLaw "islaw" (Whnf) Bit;
    /// Whether a value is an app.
    IsApp "isapp" (Whnf) Bit;
    /// The successor.
    Inc "inc" (Whnf) Nat;
    /// The predecessor, of 0 0.
    Dec "dec" (Whnf) Nat;
    /// The sum.
    Add "add" (Whnf, Whnf) Nat;
    /// The difference, 0 if that is negative.
    Sub "sub" (Whnf, Whnf) Nat;
    /// The product.
    Mul "mul" (Whnf, Whnf) Nat;
    /// The quotient, by 0 0.
    Div "div" (Whnf, Whnf) Nat;
    /// The remainder, by 0 the dividend.
    Mod "mod" (Whnf, Whnf) Nat;
    /// Both bits.
    And "and" (Whnf, Whnf) Nat;
    /// Either bit.
    Or "or" (Whnf, Whnf) Nat;
    /// Differing bits.
    Xor "xor" (Whnf, Whnf) Nat;
    /// Shifted up by so many bits.
    Lsh "lsh" (Whnf, Whnf) Nat;
    /// Shifted down by so many bits.
    Rsh "rsh" (Whnf, Whnf) Nat;
    /// Whether two values are equal.
    Eq "eq" (Whnf, Whnf) Bit;
    /// Whether two values differ.
    Ne "ne" (Whnf, Whnf) Bit;
    /// Whether the first is less.
    Lt "lt" (Whnf, Whnf) Bit;
    /// Whether the first is less or equal.
    Le "le" (Whnf, Whnf) Bit;
    /// Whether the first is greater.
    Gt "gt" (Whnf, Whnf) Bit;
    /// Whether the first is greater or equal.
    Ge "ge" (Whnf, Whnf) Bit;
    /// 0, 1 or 2: whether the first is less, equal, greater.
    Cmp "cmp" (Whnf, Whnf) Small;
    /// The item of a row, or of any app seen as one, with that number, as it lies there; 0 if there is
    /// none.
    Item "item" (Whnf, Whnf) Any;
}

impl Prim {
    /// The operation of that name.
    pub fn named(name: &str) -> Option<Prim> {
        Prim::ALL.iter().copied().find(|prim| prim.name() == name)
    }

    /// Whether it compares values in PLAN's order.
    pub fn compares(self) -> bool {
        use Prim::{Cmp, Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge | Cmp)
    }

    /// Whether it ends without a crash for operands of these types.
    pub fn is_total(self, params: &[Type]) -> bool {
        !self.compares() || params.iter().any(|ty| ty.is(Type::Nat))
    }

    /// Whether it is done in a few instructions, and its result takes little room, for operands of
    /// these types: then it may be done without being asked for.
    pub fn is_cheap(self, params: &[Type]) -> bool {
        match self {
            Prim::Lsh => false,
            Prim::Mul | Prim::Div | Prim::Mod => params.iter().all(|ty| ty.is(Type::Small)),
            _ => self.is_total(params),
        }
    }

    /// What its result is when its operands are of these types, as far as that narrows it.
    pub fn result_of(self, params: &[Type]) -> Type {
        let small = |index: usize| params.get(index).is_some_and(|ty| ty.is(Type::Small));
        match self {
            Prim::ToNat => params.first().map_or(Type::Nat, |ty| Type::Nat.min(*ty)),
            // Not above the first operand.
            Prim::Dec | Prim::Sub | Prim::Div | Prim::Mod | Prim::Rsh if small(0) => Type::Small,
            Prim::And if small(0) || small(1) => Type::Small,
            Prim::Or | Prim::Xor if small(0) && small(1) => Type::Small,
            _ => self.result(),
        }
    }
}
