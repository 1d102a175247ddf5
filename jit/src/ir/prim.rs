//! Primitive operations, each declared once.
//!
//! Operands are in weak head normal form, except that of `evaluated`. Nats have any size; an
//! operation on nats takes an operand that is no nat as 0. So every operation is defined on every evaluated value: generated code
//! handles the fast case itself (operands below 2^63, which it recognises by their sign bits) and
//! calls the runtime for the others. Operations on 32-bit words take nats below 2^32; operations on
//! 64-bit words take the low 64 bits of any nat. Where the types say that operands and result are
//! below 2^64, all of them are unboxed ([`Prim::takes_unboxed`]).
//!
//! Only `item` may return a value that is not evaluated, and only `evaluated` takes one.
//!
//! All operations are total except comparisons, which descend into apps and evaluate their parts as
//! far as the order needs. A comparison with a nat on either side does not descend and is total.
//! (`lsh` and `mul` may run out of memory.)

use super::{Operand, Type};

macro_rules! prims {
    ($($(#[$doc:meta])* $name:ident $text:literal ($($param:ident),*) $result:ident;)*) => {
        /// A primitive operation.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Prim {
            $($(#[$doc])* $name,)*
        }

        impl Prim {
            /// All primitive operations.
            pub const ALL: &'static [Prim] = &[$(Prim::$name),*];

            /// The name in the text form.
            pub fn name(self) -> &'static str {
                match self { $(Prim::$name => $text),* }
            }

            /// The types of the operands.
            pub fn params(self) -> &'static [Type] {
                match self { $(Prim::$name => &[$(Type::$param),*]),* }
            }

            /// The type of the result for any operands.
            pub fn result(self) -> Type {
                match self { $(Prim::$name => Type::$result),* }
            }
        }
    };
}

prims! {
    /// 1 if the value is evaluated; 0, or 1 for a thunk that is evaluated, if it is a thunk. It may
    /// change from 0 to 1.
    Evaluated "evaluated" (Any) Bit;
    /// The value itself if it is a nat, else 0.
    ToNat "tonat" (Whnf) Nat;
    /// 1 if the value is a nat other than 0, else 0.
    Truth "truth" (Whnf) Bit;
    /// 0 if the value is a nat other than 0, else 1.
    Not "not" (Whnf) Bit;
    /// Whether a value is the nat 0.
    IsZero "iszero" (Whnf) Bit;
    /// Whether a value is a nat.
    IsNat "isnat" (Whnf) Bit;
    /// Whether a value is a nat below 2^63.
    IsSmall "issmall" (Whnf) Bit;
    /// Whether a value is a nat below 2^64.
    IsU64 "isu64" (Whnf) Bit;
    /// The value itself if it is a nat below 2^63, else 0.
    Small "small" (Whnf) Small;
    /// The number itself, as a value: an object if it is 2^63 or more. The code generator writes it.
    Box "box" (U64) Nat;
    /// Whether a value is a pin.
    IsPin "ispin" (Whnf) Bit;
    /// Whether a value is a law.
    IsLaw "islaw" (Whnf) Bit;
    /// Whether a value is an app.
    IsApp "isapp" (Whnf) Bit;
    /// Whether a value is a set.
    IsSet "isset" (Whnf) Bit;
    /// Whether a value is a table.
    IsTable "istable" (Whnf) Bit;
    /// The successor.
    Inc "inc" (Whnf) Nat;
    /// The predecessor; 0 for 0.
    Dec "dec" (Whnf) Nat;
    /// The sum.
    Add "add" (Whnf, Whnf) Nat;
    /// The difference; 0 if it is negative.
    Sub "sub" (Whnf, Whnf) Nat;
    /// The product.
    Mul "mul" (Whnf, Whnf) Nat;
    /// The quotient; 0 if the divisor is 0.
    Div "div" (Whnf, Whnf) Nat;
    /// The remainder; the dividend if the divisor is 0.
    Mod "mod" (Whnf, Whnf) Nat;
    /// The lesser of two nats below 2^63.
    Min "min" (Small, Small) Small;
    /// The greater of two nats below 2^63.
    Max "max" (Small, Small) Small;
    /// Bitwise and.
    And "and" (Whnf, Whnf) Nat;
    /// Bitwise or.
    Or "or" (Whnf, Whnf) Nat;
    /// Bitwise exclusive or.
    Xor "xor" (Whnf, Whnf) Nat;
    /// The width of a nat in bits, without leading zeros; 0 for 0.
    BitWidth "bitwidth" (Whnf) Small;
    /// The first operand shifted left by the second, in bits.
    Lsh "lsh" (Whnf, Whnf) Nat;
    /// The first operand shifted right by the second, in bits.
    Rsh "rsh" (Whnf, Whnf) Nat;
    /// The low 32 bits of the product.
    Mul32 "mul32" (Half, Half) Half;
    /// The low 32 bits of the first operand shifted left by the second, in bits.
    Lsh32 "lsh32" (Half, Half) Half;
    /// The first operand as a word of 32 bits, rotated left by the second modulo 32, in bits.
    Rol32 "rol32" (Half, Half) Half;
    /// The low 64 bits.
    Low64 "low64" (Whnf) U64;
    /// The low 64 bits of the sum. This and the operations below take the low 64 bits of their
    /// operands.
    Add64 "add64" (Whnf, Whnf) U64;
    /// The difference modulo 2^64.
    Sub64 "sub64" (Whnf, Whnf) U64;
    /// The product modulo 2^64.
    Mul64 "mul64" (Whnf, Whnf) U64;
    /// The quotient; 0 if the divisor is 0.
    Div64 "div64" (Whnf, Whnf) U64;
    /// The quotient of numbers in two's complement, rounded towards 0, modulo 2^64; 0 if the divisor
    /// is 0.
    IDiv64 "idiv64" (Whnf, Whnf) U64;
    /// Bitwise and.
    And64 "and64" (Whnf, Whnf) U64;
    /// Bitwise or.
    Or64 "or64" (Whnf, Whnf) U64;
    /// Bitwise exclusive or.
    Xor64 "xor64" (Whnf, Whnf) U64;
    /// The first operand shifted left by the second, in bits.
    Lsh64 "lsh64" (Whnf, Whnf) U64;
    /// The first operand shifted right by the second, in bits.
    Rsh64 "rsh64" (Whnf, Whnf) U64;
    /// The first operand rotated left by the second modulo 64, in bits.
    Rol64 "rol64" (Whnf, Whnf) U64;
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
    /// 0, 1 or 2 if the first is less than, equal to or greater than the second.
    Cmp "cmp" (Whnf, Whnf) Small;
    /// Whether a value is a row of that number of items.
    IsRow "isrow" (Whnf, Small) Bit;
    /// The number of items of a row, or of arguments of any app; 0 for other values.
    Length "length" (Whnf) Small;
    /// The value itself. A long row in parts becomes one object, so that a loop reads its items in place.
    Flat "flat" (Whnf) Whnf;
    /// The number of keys of a set or of a table; 0 for other values.
    KeyCount "keycount" (Whnf) Small;
    /// The item of a row, or of any app read as one, at an index (an index that is no nat counts as
    /// 0), without evaluating it; 0 if the index is out of range.
    Item "item" (Whnf, Whnf) Any;
}

impl Prim {
    /// The operation with a name.
    pub fn named(name: &str) -> Option<Prim> {
        Prim::ALL.iter().copied().find(|prim| prim.name() == name)
    }

    /// Whether it compares values in PLAN's order on values.
    pub fn compares(self) -> bool {
        use Prim::{Cmp, Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge | Cmp)
    }

    /// Whether it is an operation on 64-bit words.
    pub fn is_word64(self) -> bool {
        use Prim::{
            Add64, And64, Div64, IDiv64, Low64, Lsh64, Mul64, Or64, Rol64, Rsh64, Sub64, Xor64,
        };
        matches!(self, Low64 | Add64 | Sub64 | Mul64 | Div64 | IDiv64)
            || matches!(self, And64 | Or64 | Xor64 | Lsh64 | Rsh64 | Rol64)
    }

    /// For an operation on nats whose result's low 64 bits depend only on the low 64 bits of its
    /// operands: the operation on 64-bit words that computes them.
    pub fn modulo_word64(self) -> Option<Prim> {
        Some(match self {
            Prim::ToNat => Prim::Low64,
            Prim::Inc | Prim::Add => Prim::Add64,
            Prim::Mul => Prim::Mul64,
            Prim::And => Prim::And64,
            Prim::Or => Prim::Or64,
            Prim::Xor => Prim::Xor64,
            _ => return None,
        })
    }

    /// Whether it takes operands of these types unboxed, where they are below 2^64. If not, such
    /// operands are boxed for it.
    pub fn takes_unboxed(self, operands: &[Operand], types: &[Type]) -> bool {
        let are_unboxed = types.iter().all(|ty| ty.is_unboxed());
        match self {
            _ if self.is_word64() => true,
            Prim::Inc | Prim::IsPin | Prim::IsLaw | Prim::IsApp | Prim::Item | Prim::Length => {
                false
            }
            Prim::Evaluated | Prim::IsSet | Prim::IsTable | Prim::KeyCount | Prim::Flat => false,
            Prim::IsRow => false,
            _ if self.compares() => are_unboxed,
            _ if types.len() == 1 => true,
            _ => are_unboxed && self.result_of(operands, types).is_unboxed(),
        }
    }

    /// For an operation on 64-bit words, the operation on nats that computes the same if the
    /// operands and the result are below 2^63.
    pub fn nat_equivalent(self) -> Option<Prim> {
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

    /// Whether it is total for operands of these types.
    pub fn is_total(self, params: &[Type]) -> bool {
        !self.compares() || params.iter().any(|ty| ty.is(Type::Nat))
    }

    /// Whether it takes a few instructions and a small result for operands of these types, so that
    /// it may run speculatively.
    pub fn is_cheap(self, params: &[Type]) -> bool {
        match self {
            Prim::Lsh | Prim::Flat => false,
            Prim::Mul => params.iter().all(|ty| ty.is(Type::Small)),
            Prim::Div | Prim::Mod => params.iter().all(|ty| ty.is(Type::U64)),
            _ => self.is_total(params),
        }
    }

    /// The type of the result for operands with these types: the declared one, or a subtype of it
    /// that follows from the widths of the operands.
    pub fn result_of(self, operands: &[Operand], types: &[Type]) -> Type {
        match (self, types.first()) {
            (Prim::ToNat, Some(ty)) => return Type::Nat.min(*ty),
            (Prim::Box, Some(ty)) => return ty.boxed(),
            _ => {}
        }
        let literal = |index: usize| match operands.get(index) {
            Some(Operand::Small(nat)) => Some(*nat),
            _ => None,
        };
        let width = |index: usize| match literal(index) {
            Some(nat) => Some(bits(nat)),
            None => types.get(index).and_then(|ty| ty.bits()),
        };
        let known = match self.nat_equivalent() {
            None => self.width(width(0), width(1), literal(1)),
            Some(same) => {
                let word = |index| Some(width(index).unwrap_or(u64::BITS));
                same.width(word(0), word(1), literal(1))
            }
        };
        let ty = known.map_or(self.result(), |bits| Type::of_bits(bits).min(self.result()));
        // A result is computed unboxed only from operands that are.
        let is_unboxed = self.is_word64() || types.iter().all(|ty| ty.is_unboxed());
        if ty == Type::U64 && !is_unboxed { Type::Nat } else { ty }
    }

    /// An upper bound of the result's width in bits, from the widths of the operands where they are
    /// known and the second operand if it is a literal.
    fn width(self, a: Option<u32>, b: Option<u32>, literal: Option<u64>) -> Option<u32> {
        let either = |join: fn(u32, u32) -> u32| a.zip(b).map(|(a, b)| join(a, b));
        match (self, literal) {
            (Prim::ToNat, _) => a,
            (Prim::Inc, _) => a.map(|a| a + 1),
            (Prim::BitWidth, _) => a.map(|a| bits(u64::from(a))),
            (Prim::Add, _) => either(u32::max).map(|most| most + 1),
            (Prim::Mul, _) => either(|a, b| a + b),
            (Prim::Or | Prim::Xor | Prim::Max, _) => either(u32::max),
            (Prim::And | Prim::Min, _) => a.into_iter().chain(b).min(),
            (Prim::Mod, Some(by @ 1..)) => Some(a.unwrap_or(u32::MAX).min(bits(by - 1))),
            (Prim::Div, Some(by @ 1..)) => a.map(|a| a.saturating_sub(bits(by) - 1)),
            (Prim::Rsh, Some(by)) => a.map(|a| a.saturating_sub(u32::try_from(by).unwrap_or(a))),
            (Prim::Lsh, Some(by)) => {
                a.zip(u32::try_from(by).ok()).and_then(|(a, by)| a.checked_add(by))
            }
            // The result is no larger than the first operand.
            (Prim::Dec | Prim::Sub | Prim::Div | Prim::Mod | Prim::Rsh, _) => a,
            _ => None,
        }
    }
}

/// The width of a number in bits.
fn bits(nat: u64) -> u32 {
    u64::BITS - nat.leading_zeros()
}
