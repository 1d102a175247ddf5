//! Scopes: bindings by name, encoded as PLAN tables.

use crate::expr::{Binding, BindingCache};
use crate::malformed::MalformedValue;
use plan::{EvalError, Natural, Ref, Shape, Val, ValueBuilder};
use std::collections::BTreeMap;
use std::rc::Rc;
use vm::Vm;

/// A binding and its name.
#[derive(Clone)]
pub(super) struct ScopeEntry {
    /// The name as a value, which all encoded scopes share.
    pub(super) name: Val,
    pub(super) binding: Rc<Binding>,
}

/// Bindings by name.
pub(super) type ModuleScope = BTreeMap<Natural, ScopeEntry>;

/// Decodes a scope.
pub(super) fn decode_scope(
    vm: &Vm,
    bindings: &BindingCache,
    encoded: Ref<'_>,
) -> Result<ModuleScope, MalformedValue> {
    table_entries(encoded)?
        .map(|(key, value)| {
            let name = key.as_nat().ok_or(MalformedValue("scope: a name is not a nat"))?;
            let entry = ScopeEntry { name: vm.hold(key), binding: bindings.find(vm, value)? };
            Ok((name.to_natural(), entry))
        })
        .collect()
}

/// Returns the keys and values of a table.
pub(super) fn table_entries<'h>(
    table: Ref<'h>,
) -> Result<impl ExactSizeIterator<Item = (Ref<'h>, Ref<'h>)>, MalformedValue> {
    match table.shape() {
        Shape::Tab(keys, values) => Ok(keys.iter().zip(values.iter())),
        _ => Err(MalformedValue("state: a scope, or the modules, are not a table")),
    }
}

/// Encodes a scope, in normal form.
pub(super) fn encode_scope(vm: &mut Vm, scope: &ModuleScope) -> Result<Val, EvalError> {
    let entries = || scope.values().map(|entry| (&entry.name, &entry.binding.encoded));
    let table = vm.build(|b| push_table(b, scope.len(), entries))?;
    vm.force(&table)
}

/// Returns an encoded scope with these entries added or replaced.
pub(super) fn insert_entries<'e>(
    vm: &mut Vm,
    encoded: &Val,
    entries: impl Iterator<Item = &'e ScopeEntry>,
) -> Result<Val, EvalError> {
    vm.build(|b| {
        b.push(encoded);
        for entry in entries {
            b.push(&entry.name);
            b.push(&entry.binding.encoded);
            b.tab_insert()?;
        }
        Ok(())
    })
}

/// Pushes a table of `count` entries. The keys must be nats in ascending order.
pub(super) fn push_table<'v, I: Iterator<Item = (&'v Val, &'v Val)>>(
    b: &mut ValueBuilder<'_>,
    count: usize,
    entries: impl Fn() -> I,
) -> Result<(), EvalError> {
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
