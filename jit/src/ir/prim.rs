//! Primitive operations, each declared once.
//!
//! Operands are evaluated to their outermost shape. Nats are of any size; where an operation is of
//! nats, an operand that is no nat counts as 0. So all take any evaluated value, generated code
//! tests for the one case it handles itself (operands below 2^63, seen by their signs), and leaves
//! the rest to the runtime. Operations on words of 32 bits take nats that are no wider, those on words
//! of 64 bits the low bits of any nat.
//!
//! `item` alone gives a value that is perhaps not evaluated.
//!
//! All are total but the comparisons, which look into apps as far as they must, and evaluate what
//! they find there. With a nat on either side they need not. (`lsh` and `mul` may run out of memory.)

use super::{Operand, Type};

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
    /// Whether a value is a nat below 2^63.
    IsSmall "issmall" (Whnf) Bit;
    /// The nat below 2^63 that a value is, 0 if it is none.
    Small "small" (Whnf) Small;
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
    /// The low 32 bits of the product.
    Mul32 "mul32" (Half, Half) Half;
    /// The low 32 bits of the first shifted up by so many bits as the second says.
    Lsh32 "lsh32" (Half, Half) Half;
    /// The low 64 bits.
    Low64 "low64" (Whnf) Nat;
    /// The low 64 bits of the sum; like all of these, of the low 64 bits of its operands.
    Add64 "add64" (Whnf, Whnf) Nat;
    /// The product.
    Mul64 "mul64" (Whnf, Whnf) Nat;
    /// The quotient, by 0 0.
    Div64 "div64" (Whnf, Whnf) Nat;
    /// Both bits.
    And64 "and64" (Whnf, Whnf) Nat;
    /// Either bit.
    Or64 "or64" (Whnf, Whnf) Nat;
    /// Differing bits.
    Xor64 "xor64" (Whnf, Whnf) Nat;
    /// Shifted up by so many bits.
    Lsh64 "lsh64" (Whnf, Whnf) Nat;
    /// Shifted down by so many bits.
    Rsh64 "rsh64" (Whnf, Whnf) Nat;
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
    /// The item of a row, or of any app seen as one, with that number (0 if it is no nat), as it lies
    /// there; 0 if there is none.
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

    /// Whether it is an operation on the low 64 bits of its operands.
    pub fn is_of_words(self) -> bool {
        use Prim::{Add64, And64, Div64, Low64, Lsh64, Mul64, Or64, Rsh64, Xor64};
        matches!(self, Low64 | Add64 | Mul64 | Div64 | And64 | Or64 | Xor64 | Lsh64 | Rsh64)
    }

    /// The operation on nats that it is if all of its operands, and its result, are below 2^63.
    pub fn of_nats(self) -> Option<Prim> {
        Some(match self {
            Prim::Low64 => Prim::ToNat,
            Prim::Add64 => Prim::Add,
            Prim::Mul64 => Prim::Mul,
            Prim::Div64 => Prim::Div,
            Prim::And64 => Prim::And,
            Prim::Or64 => Prim::Or,
            Prim::Xor64 => Prim::Xor,
            Prim::Lsh64 => Prim::Lsh,
            Prim::Rsh64 => Prim::Rsh,
            _ => return None,
        })
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

    /// What its result is for these operands, which are of these types, as far as that narrows it.
    pub fn result_of(self, operands: &[Operand], types: &[Type]) -> Type {
        if let (Prim::ToNat, Some(ty)) = (self, types.first()) {
            return Type::Nat.min(*ty);
        }
        let number = |index: usize| match operands.get(index) {
            Some(Operand::Small(nat)) => Some(*nat),
            _ => None,
        };
        let width = |index: usize| match number(index) {
            Some(nat) => Some(bits(nat)),
            None => types.get(index).and_then(|ty| ty.bits()),
        };
        let known = match self.of_nats() {
            None => self.width(width(0), width(1), number(1)),
            Some(same) => {
                let word = |index| Some(width(index).unwrap_or(u64::BITS));
                same.width(word(0), word(1), number(1))
            }
        };
        known.map_or(self.result(), |bits| Type::of_bits(bits).min(self.result()))
    }

    /// How many bits its result takes at most, by those of its operands where they are known, and
    /// by the second operand if that is a number.
    fn width(self, a: Option<u32>, b: Option<u32>, number: Option<u64>) -> Option<u32> {
        let either = |join: fn(u32, u32) -> u32| a.zip(b).map(|(a, b)| join(a, b));
        match (self, number) {
            (Prim::ToNat, _) => a,
            (Prim::Inc, _) => a.map(|a| a + 1),
            (Prim::Add, _) => either(u32::max).map(|most| most + 1),
            (Prim::Mul, _) => either(|a, b| a + b),
            (Prim::Or | Prim::Xor, _) => either(u32::max),
            (Prim::And, _) => a.into_iter().chain(b).min(),
            (Prim::Mod, Some(by @ 1..)) => Some(a.unwrap_or(u32::MAX).min(bits(by - 1))),
            (Prim::Div, Some(by @ 1..)) => a.map(|a| a.saturating_sub(bits(by) - 1)),
            (Prim::Rsh, Some(by)) => a.map(|a| a.saturating_sub(u32::try_from(by).unwrap_or(a))),
            (Prim::Lsh, Some(by)) => {
                a.zip(u32::try_from(by).ok()).and_then(|(a, by)| a.checked_add(by))
            }
            // Not above the first operand.
            (Prim::Dec | Prim::Sub | Prim::Div | Prim::Mod | Prim::Rsh, _) => a,
            _ => None,
        }
    }
}

/// How many bits it takes to write a number.
fn bits(nat: u64) -> u32 {
    u64::BITS - nat.leading_zeros()
}
