//! The types of values: a chain of subtypes.

/// A static bound on a value. The order is the subtype order: the least type says the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Type {
    /// 0 or 1.
    Bit,
    /// A nat below 2^32.
    Half,
    /// A nat below 2^63.
    Small,
    /// A nat below 2^64.
    U64,
    /// An evaluated nat.
    Nat,
    /// In weak head normal form.
    Whnf,
    /// Perhaps a thunk.
    Any,
}

impl Type {
    /// Whether this type is `other` or a subtype of it.
    pub fn is(self, other: Type) -> bool {
        self <= other
    }

    /// Whether the number itself, in a register, represents its values. Such a value is boxed where
    /// it becomes one of a wider type, in memory or for other functions.
    pub fn is_unboxed(self) -> bool {
        self.is(Type::U64)
    }

    /// The least type of its values in memory, where a word is a number below 2^63 or a reference.
    pub fn boxed(self) -> Type {
        if self == Type::U64 { Type::Nat } else { self }
    }

    /// The width in bits of its largest nat, if all its values are below 2^64.
    pub fn bits(self) -> Option<u32> {
        match self {
            Type::Bit => Some(1),
            Type::Half => Some(32),
            Type::Small => Some(63),
            Type::U64 => Some(64),
            Type::Nat | Type::Whnf | Type::Any => None,
        }
    }

    /// The least type that holds all nats of a width in bits.
    pub fn of_bits(bits: u32) -> Type {
        match bits {
            0..=1 => Type::Bit,
            2..=32 => Type::Half,
            33..=63 => Type::Small,
            64 => Type::U64,
            _ => Type::Nat,
        }
    }
}
