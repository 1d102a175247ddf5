//! Typed indices of the entities of a unit, and the operands made of them.

use cranelift_entity::{EntityRef, SecondaryMap, entity_impl};

macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident $prefix:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        entity_impl!($name, $prefix);

        impl $name {
            /// Its index in the table of entities of its kind.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

entities! {
    /// A variable of a function.
    Var "v"
    /// A join point of a function.
    JoinId "j"
    /// A block of a function.
    BlockId "block"
    /// A function of a unit.
    FunctionId "f"
    /// A constant of a unit.
    ConstantId "k"
}

impl FunctionId {
    /// The general entry that code outside the unit calls.
    pub const ROOT: FunctionId = FunctionId(0);
}

impl ConstantId {
    /// The law that the unit is made for.
    pub const ROOT: ConstantId = ConstantId(0);
}

impl BlockId {
    /// The first block of a new function.
    pub const FIRST: BlockId = BlockId(0);
}

/// A table with a default value for each of `len` entities. (A map that grows as it is written
/// costs a resize per entity.)
pub(crate) fn side_table<K: EntityRef, V: Clone + Default>(len: usize) -> SecondaryMap<K, V> {
    let mut table = SecondaryMap::new();
    table.resize(len);
    table
}

/// An argument of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operand {
    /// A variable in scope.
    Var(Var),
    /// A nat literal below 2^63.
    Small(u64),
    /// A constant of the unit.
    Constant(ConstantId),
}

impl Operand {
    /// The variable, if it is one.
    pub fn var(self) -> Option<Var> {
        match self {
            Operand::Var(var) => Some(var),
            _ => None,
        }
    }
}

impl From<Var> for Operand {
    fn from(var: Var) -> Operand {
        Operand::Var(var)
    }
}
