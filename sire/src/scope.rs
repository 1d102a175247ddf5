//! Tables of bindings by name, and the nouns they are.

use crate::bind::{Bind, Binds, Malformed};
use std::collections::BTreeMap;
use std::rc::Rc;
use vm::{Builder, Natural, Ref, Shape, Stop, Val, Vm};

/// What a name stands for.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The name as a value, so that no new one is made for each noun.
    pub(crate) name: Val,
    pub(crate) bind: Rc<Bind>,
}

/// Bindings by name.
pub(crate) type Table = BTreeMap<Natural, Entry>;

/// The bindings of a noun that is a table of them.
pub(crate) fn decode(vm: &Vm, binds: &Binds, noun: Ref<'_>) -> Result<Table, Malformed> {
    entries(noun)?
        .map(|(key, value)| {
            let name = key.as_nat().ok_or(Malformed("scope: a name is not a nat"))?;
            let entry = Entry { name: vm.hold(key), bind: binds.find(vm, value)? };
            Ok((name.to_natural(), entry))
        })
        .collect()
}

/// The keys and values of a table.
pub(crate) fn entries<'h>(
    noun: Ref<'h>,
) -> Result<impl ExactSizeIterator<Item = (Ref<'h>, Ref<'h>)>, Malformed> {
    match noun.shape() {
        Shape::Tab(keys, values) => Ok(keys.iter().zip(values.iter())),
        _ => Err(Malformed("state: a scope, or the modules, are not a table")),
    }
}

/// The noun of a table.
pub(crate) fn noun(vm: &mut Vm, table: &Table) -> Result<Val, Stop> {
    let entries = || table.values().map(|entry| (&entry.name, &entry.bind.noun));
    let tab = vm.build(|b| push_tab(b, table.len(), entries))?;
    vm.force(&tab)
}

/// The noun of a table that has these entries and otherwise is that noun.
pub(crate) fn with_entries<'e>(
    vm: &mut Vm,
    noun: &Val,
    entries: impl Iterator<Item = &'e Entry>,
) -> Result<Val, Stop> {
    vm.build(|b| {
        b.push(noun);
        for entry in entries {
            b.push(&entry.name);
            b.push(&entry.bind.noun);
            b.tab_insert()?;
        }
        Ok(())
    })
}

/// Pushes the table of these entries, whose keys are nats in ascending order.
pub(crate) fn push_tab<'v, I: Iterator<Item = (&'v Val, &'v Val)>>(
    b: &mut Builder<'_>,
    count: usize,
    entries: impl Fn() -> I,
) -> Result<(), Stop> {
    b.room_for(2 * count + 4)?;
    // A set is the law {1 2 keys}; a table is a set applied to the row of its values.
    b.push_nat(1)?;
    b.push_nat(2)?;
    entries().for_each(|(key, _)| b.push(key));
    b.row(count)?;
    b.law()?;
    entries().for_each(|(_, value)| b.push(value));
    b.row(count)?;
    b.tab()
}
