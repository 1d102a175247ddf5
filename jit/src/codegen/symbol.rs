//! The names that machine code refers to until it is linked.

use cranelift_codegen::ir::UserExternalName;
use std::fmt;
use vm::native::{Helper, PARAMETERS_MAX};

/// Something whose address is known only when code is linked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LinkSymbol {
    /// A function of the same unit, by its number.
    Function(u32),
    /// A stub.
    Stub(Stub),
    /// The first word of the unit's constants.
    Constants,
    /// The entry cell of a constant, by the constant's number: the word that holds the address of
    /// the constant's code, or 0 while there is none.
    EntryCell(u32),
    /// A Rust function.
    Helper(Helper),
}

impl LinkSymbol {
    /// The name of the symbol in Cranelift's IR: the namespace is the kind of symbol.
    pub fn name(self) -> UserExternalName {
        let (namespace, index) = match self {
            LinkSymbol::Function(index) => (0, index),
            LinkSymbol::Stub(stub) => (1, stub.number()),
            LinkSymbol::Constants => (2, 0),
            LinkSymbol::EntryCell(index) => (3, index),
            LinkSymbol::Helper(helper) => (4, helper as u32),
        };
        UserExternalName { namespace, index }
    }

    /// The symbol of a name. None if no symbol has it.
    pub fn named(name: &UserExternalName) -> Option<LinkSymbol> {
        Some(match name.namespace {
            0 => LinkSymbol::Function(name.index),
            1 => LinkSymbol::Stub(Stub::numbered(name.index)?),
            2 if name.index == 0 => LinkSymbol::Constants,
            3 => LinkSymbol::EntryCell(name.index),
            4 => LinkSymbol::Helper(*Helper::ALL.get(name.index as usize)?),
            _ => return None,
        })
    }
}

impl fmt::Display for LinkSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkSymbol::Function(index) => write!(f, "function {index}"),
            LinkSymbol::Stub(stub) => write!(f, "stub {stub:?}"),
            LinkSymbol::Constants => write!(f, "constants"),
            LinkSymbol::EntryCell(index) => write!(f, "entry cell {index}"),
            LinkSymbol::Helper(helper) => write!(f, "helper {helper:?}"),
        }
    }
}

/// A routine that compiled code calls by the convention of compiled code. Most call a helper in
/// Rust.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stub {
    /// `(word)`, perhaps a thunk: its value.
    Force,
    /// Does the same through Rust.
    ForceSlowly,
    /// `(thunk)`: its value if that is cheap, else the thunk.
    CheapValue,
    /// `(word)`: its normal form.
    Normalise,
    /// `(words)`: collects until the nursery has that many free words.
    Room,
    /// `()`: leaves compiled code because the stack or the time is used up.
    Limit,
    /// `(value)`: takes the value apart.
    Parts,
    /// `(value)`: the kind of the value.
    Kind,
    /// `(value)`: the arity of the value.
    Arity,
    /// `(row, index)`: the item.
    Item,
    /// `(table, key, default)`: the value of the key, not evaluated.
    LookUp,
    /// Does the same through Rust.
    LookUpSlowly,
    /// `(table, key)`: the value of the key as an optional value.
    OptionalItem,
    /// Does the same through Rust.
    OptionalItemSlowly,
    /// `(keys, key)`: whether the key is one of them.
    HasKey,
    /// Does the same through Rust.
    HasKeySlowly,
    /// `(row, index, value, limit)`: the row with an item replaced.
    Put,
    /// `(row, index, value, mode)`: the same in an edit mode, without a limit.
    PutInPlace,
    /// `(table, key, value, mode)`: the table with a value for the key.
    TableInsert,
    /// Does the same through Rust.
    TableInsertSlowly,
    /// `(table, function, key, value, mode)`: the same, with the function applied to the value and the
    /// old one.
    TableInsertWith,
    /// `(set, key, mode)`: the set with the key.
    SetInsert,
    /// Does the same through Rust.
    SetInsertSlowly,
    /// `(table, key, mode)`: the table without the key.
    TableDelete,
    /// `(set, key, mode)`: the set without the key.
    SetDelete,
    /// `(keys)`: the least key.
    LeastKey,
    /// `(count, row)`: a row without its first items.
    DropItems,
    /// `(item, row)`: a row with an item before its own.
    ConsItem,
    /// `(row, item)`: a row with an item behind its own.
    SnocItem,
    /// `(length, nat)`: the bar of that many bytes of a nat.
    SizedBar,
    /// `(offset, width, bar)`: a part of a bar.
    BarSlice,
    /// `(bar)`: the row of its bytes.
    BarToRow,
    /// `(table)`: the row of its values.
    TableValues,
    /// `(keys)`: the row of the keys.
    KeysRow,
    /// Leaves what [`Stub::KeysRow`] does to Rust.
    KeysRowSlowly,
    /// `(left, right)`: the union of two short sets.
    SetUnion,
    /// `(left, right)`: the keys of one short set that another does not have.
    SetDifference,
    /// `(value)`: removes the mark of an owner.
    Disown,
    /// `(operation, a, b)`: the result of an operation on nats.
    Nat,
    /// `(object, index, value)`: writes a payload word, with the write barrier.
    Store,
    /// `(count)`: a row of that many zeros.
    ZeroRow,
    /// `(value)`: the number of items of a row.
    Length,
    /// `(row)`: the row as one object.
    Flat,
    /// `(row)`: the item at that index.
    ItemAt(u32),
    /// `(function, argument...)`: the value of the call.
    Apply(u32),
    /// Does the same through the interpreter.
    Call(u32),
    /// `(function, argument...)`: the application as a thunk, or as an app.
    Delay(u32),
    /// `(pin, argument...)`: the value of the call of a jet.
    Jet(u32),
    /// `(item, item...)`: a row. The number is that of the items after the first.
    Row(u32),
}

/// Variadic stubs exist for every number of words below this, the first word not counted, and those of an
/// item for every index below it.
const VARIANTS: u32 = PARAMETERS_MAX as u32;
const FIXED: [Stub; 43] = [
    Stub::Force,
    Stub::ForceSlowly,
    Stub::CheapValue,
    Stub::Normalise,
    Stub::Room,
    Stub::Limit,
    Stub::Parts,
    Stub::Kind,
    Stub::Arity,
    Stub::Item,
    Stub::LookUp,
    Stub::LookUpSlowly,
    Stub::OptionalItem,
    Stub::OptionalItemSlowly,
    Stub::HasKey,
    Stub::HasKeySlowly,
    Stub::Put,
    Stub::PutInPlace,
    Stub::TableInsert,
    Stub::TableInsertSlowly,
    Stub::TableInsertWith,
    Stub::SetInsert,
    Stub::SetInsertSlowly,
    Stub::TableDelete,
    Stub::SetDelete,
    Stub::LeastKey,
    Stub::DropItems,
    Stub::ConsItem,
    Stub::SnocItem,
    Stub::SizedBar,
    Stub::BarSlice,
    Stub::BarToRow,
    Stub::TableValues,
    Stub::KeysRow,
    Stub::KeysRowSlowly,
    Stub::SetUnion,
    Stub::SetDifference,
    Stub::Disown,
    Stub::Nat,
    Stub::Store,
    Stub::ZeroRow,
    Stub::Length,
    Stub::Flat,
];
const VARIADIC: [fn(u32) -> Stub; 6] =
    [Stub::Apply, Stub::Call, Stub::Delay, Stub::Jet, Stub::Row, Stub::ItemAt];

impl Stub {
    /// The count of stubs.
    pub const COUNT: usize = FIXED.len() + VARIADIC.len() * PARAMETERS_MAX;

    /// The number of the stub, which is below [`Stub::COUNT`].
    pub fn number(self) -> u32 {
        let variadic = |index: u32, count: u32| FIXED.len() as u32 + index * VARIANTS + count;
        match self {
            Stub::Apply(count) => variadic(0, count),
            Stub::Call(count) => variadic(1, count),
            Stub::Delay(count) => variadic(2, count),
            Stub::Jet(count) => variadic(3, count),
            Stub::Row(count) => variadic(4, count),
            Stub::ItemAt(index) => variadic(5, index),
            fixed => FIXED.iter().position(|stub| *stub == fixed).unwrap_or(0) as u32,
        }
    }

    /// The stub of that number. None if the number is not below [`Stub::COUNT`].
    pub fn numbered(number: u32) -> Option<Stub> {
        match number.checked_sub(FIXED.len() as u32) {
            None => FIXED.get(number as usize).copied(),
            Some(rest) => {
                VARIADIC.get((rest / VARIANTS) as usize).map(|stub| stub(rest % VARIANTS))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stub_has_a_number_of_its_own() {
        for number in 0..Stub::COUNT as u32 {
            assert_eq!(Stub::numbered(number).map(Stub::number), Some(number));
        }
        assert_eq!(Stub::numbered(Stub::COUNT as u32), None);
    }

    #[test]
    fn a_symbol_is_found_by_its_name() {
        let symbols = [
            LinkSymbol::Function(7),
            LinkSymbol::Stub(Stub::Jet(3)),
            LinkSymbol::Constants,
            LinkSymbol::EntryCell(9),
            LinkSymbol::Helper(Helper::Nat),
        ];
        for symbol in symbols {
            assert_eq!(LinkSymbol::named(&symbol.name()), Some(symbol));
        }
        assert_eq!(LinkSymbol::named(&UserExternalName { namespace: 5, index: 0 }), None);
    }
}
