//! Primitive operations, each declared once.
//!
//! They are total and lazy in nothing: operands are evaluated, and there is a result for all of
//! them. Nats are of any size: what a register cannot do, generated code leaves to the runtime.

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
    Inc "inc" (Nat) Nat;
    /// The predecessor, of 0 0.
    Dec "dec" (Nat) Nat;
    /// The sum.
    Add "add" (Nat, Nat) Nat;
    /// The difference, 0 if that is negative.
    Sub "sub" (Nat, Nat) Nat;
    /// The quotient, by 0 0.
    Div "div" (Nat, Nat) Nat;
    /// The remainder, by 0 the dividend.
    Mod "mod" (Nat, Nat) Nat;
    /// Both bits.
    And "and" (Nat, Nat) Nat;
    /// Either bit.
    Or "or" (Nat, Nat) Nat;
    /// Differing bits.
    Xor "xor" (Nat, Nat) Nat;
    /// Shifted down by so many bits.
    Rsh "rsh" (Nat, Nat) Nat;
    /// Whether two nats are equal.
    Eq "eq" (Nat, Nat) Bit;
    /// Whether two nats differ.
    Ne "ne" (Nat, Nat) Bit;
    /// Whether the first is less.
    Lt "lt" (Nat, Nat) Bit;
    /// Whether the first is less or equal.
    Le "le" (Nat, Nat) Bit;
    /// Whether the first is greater.
    Gt "gt" (Nat, Nat) Bit;
    /// Whether the first is greater or equal.
    Ge "ge" (Nat, Nat) Bit;
    /// 0, 1 or 2: whether the first is less, equal, greater.
    Cmp "cmp" (Nat, Nat) Small;
    /// How many items a row has; 0 if a value is none.
    RowLen "rowlen" (Whnf) Small;
    /// The item of a row (the first operand) at an index; 0 if there is none.
    RowItem "rowitem" (Whnf, Nat) Any;
    /// Whether a value has the machine shape of a row.
    IsRow "isrow" (Whnf) Bit;
    /// How many arguments a value takes, those above 2^63 - 1 counting as that.
    Arity "arity" (Whnf) Small;
}

impl Prim {
    /// The operation of that name.
    pub fn named(name: &str) -> Option<Prim> {
        Prim::ALL.iter().copied().find(|prim| prim.name() == name)
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
