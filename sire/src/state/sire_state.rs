//! [`SireState`]: what commands change and macros see.
//!
//! Its encoded form is the row `[nextKey context scope modules]`: the key of the next binding, the
//! name of the current module, the bindings of the current module by name, and those of completed
//! modules, each in a pin. The state is encoded when a macro needs it, and parts that did not
//! change keep their encoded form. A state that a macro returns is decoded only where it differs
//! from the state that the macro was given.
//!
//! A failed command has no effect: [`SireState::begin`] records a savepoint, and
//! [`SireState::roll_back`] returns to it.

use super::import::{
    ClashRule, ImportError, ImportedNames, MissingNames, ModuleNames, NameClash, check_names,
};
use super::scope::{
    ModuleScope, ScopeEntry, decode_scope, encode_scope, insert_entries, push_table, table_entries,
};
use crate::expr::{Binding, BindingCache, Definition, new_binding};
use crate::malformed::MalformedValue;
use plan::{EvalError, Natural, Ref, Shape, Val};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use vm::Vm;

/// A module that is complete: another one has been entered since.
struct CompletedModule {
    name: Val,
    /// The module's encoded scope, in a pin.
    pin: Val,
    scope: OnceCell<ModuleScope>,
}

/// Modules by name.
type Modules = BTreeMap<Natural, Rc<CompletedModule>>;

/// The maximum number of changed names that are inserted into the encoded scope. With more changes,
/// the scope is encoded as a whole.
const CHANGES_MAX: usize = 32;

/// The state without the current scope, which is large.
#[derive(Clone)]
struct StateFields {
    next_key: Natural,
    /// The name of the current module; 0 before the first.
    context: Natural,
    modules: Rc<Modules>,
    /// The encoded scope before the changes in `changed`, if it is known.
    encoded_scope: Option<Val>,
    /// The names whose entries have changed since.
    changed: Vec<Natural>,
    /// The encoded modules, if they are known.
    encoded_modules: Option<Val>,
    /// The encoded state, if it is known.
    encoded: Option<Val>,
    names: Rc<ModuleNames>,
}

/// Undoes a change of the scope.
enum ScopeUndo {
    /// Restore the entry of a name, or remove the name.
    Entry(Natural, Option<ScopeEntry>),
    /// Restore the whole scope.
    Scope(ModuleScope),
}

/// The state of a session, with a savepoint. See the module documentation.
pub(crate) struct SireState {
    fields: StateFields,
    scope: ModuleScope,
    /// The fields at the savepoint.
    saved: StateFields,
    /// The changes of the scope since the savepoint.
    undo_log: Vec<ScopeUndo>,
}

impl SireState {
    /// Makes the state before the first command.
    pub(crate) fn new() -> SireState {
        let fields = StateFields {
            next_key: 1u8.into(),
            context: 0u8.into(),
            modules: Rc::default(),
            encoded_scope: None,
            changed: Vec::new(),
            encoded_modules: None,
            encoded: None,
            names: Rc::default(),
        };
        SireState { saved: fields.clone(), fields, scope: ModuleScope::new(), undo_log: Vec::new() }
    }

    /// Makes the state before a module that is loaded beside the current one: it has the same
    /// completed modules, and new keys.
    pub(crate) fn beside(&self) -> SireState {
        let mut state = SireState::new();
        state.fields.next_key = self.fields.next_key.clone();
        state.fields.modules = Rc::clone(&self.fields.modules);
        state.fields.encoded_modules.clone_from(&self.fields.encoded_modules);
        state
    }

    /// Adds the modules of a state that began as [`beside`](SireState::beside), the current one of
    /// that state included.
    pub(crate) fn add_modules(
        &mut self,
        vm: &mut Vm,
        mut beside: SireState,
    ) -> Result<(), EvalError> {
        beside.complete_module(vm)?;
        self.fields.next_key = beside.fields.next_key;
        self.fields.modules = beside.fields.modules;
        self.fields.encoded_modules = None;
        self.fields.encoded = None;
        Ok(())
    }

    /// Decodes a state, which must be in normal form.
    pub(crate) fn decode(
        vm: &Vm,
        bindings: &BindingCache,
        encoded: &Val,
    ) -> Result<SireState, MalformedValue> {
        let mut state = SireState::new();
        state.update(vm, bindings, encoded)?;
        Ok(state)
    }

    /// Returns a copy of the state, which is its own savepoint.
    pub(crate) fn copy(&self) -> SireState {
        SireState {
            fields: self.fields.clone(),
            scope: self.scope.clone(),
            saved: self.fields.clone(),
            undo_log: Vec::new(),
        }
    }

    /// Records a savepoint.
    pub(crate) fn begin(&mut self) {
        self.saved = self.fields.clone();
        self.undo_log.clear();
    }

    /// Returns to the last savepoint.
    pub(crate) fn roll_back(&mut self) {
        while let Some(undo) = self.undo_log.pop() {
            match undo {
                ScopeUndo::Scope(scope) => self.scope = scope,
                ScopeUndo::Entry(name, Some(entry)) => {
                    self.scope.insert(name, entry);
                }
                ScopeUndo::Entry(name, None) => {
                    self.scope.remove(&name);
                }
            }
        }
        self.fields = self.saved.clone();
    }

    /// Returns the name of the current module; 0 before the first.
    pub(crate) fn context(&self) -> &Natural {
        &self.fields.context
    }

    /// Returns whether no module has been entered and no name is bound.
    pub(crate) fn is_initial(&self) -> bool {
        self.fields.context == 0 && self.scope.is_empty()
    }

    /// Returns the names in the current scope, in ascending order as nats.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Natural> {
        self.scope.keys()
    }

    /// Returns the names of the completed modules.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &Natural> {
        self.fields.modules.keys()
    }

    /// Returns the binding of a name in the current scope.
    pub(crate) fn lookup(&self, name: &Natural) -> Option<&Rc<Binding>> {
        self.scope.get(name).map(|entry| &entry.binding)
    }

    /// Returns whether a module is complete.
    pub(crate) fn has_module(&self, name: &Natural) -> bool {
        self.fields.modules.contains_key(name)
    }

    /// Returns the aliases of the current module, with the modules that they stand for.
    pub(crate) fn aliases(&self) -> impl Iterator<Item = (&Natural, &Natural)> {
        self.fields.names.aliases.iter()
    }

    /// Returns the module that a qualifier stands for: the one of an alias, or the one of that name.
    pub(crate) fn qualified_module<'s>(&'s self, qualifier: &'s Natural) -> &'s Natural {
        self.fields.names.aliases.get(qualifier).unwrap_or(qualifier)
    }

    /// Returns the names that a completed module exports, in ascending order as nats.
    pub(crate) fn exported_names(&self, vm: &Vm, module: &Natural) -> Vec<Natural> {
        let Some(module) = self.fields.modules.get(module) else { return Vec::new() };
        let Shape::Pin(pin) = vm.look(&module.pin).shape() else { return Vec::new() };
        let Ok(entries) = table_entries(pin.item()) else { return Vec::new() };
        entries.filter_map(|(name, _)| Some(name.as_nat()?.to_natural())).collect()
    }

    /// Returns the binding of a name in a completed module.
    pub(crate) fn lookup_in(
        &self,
        vm: &Vm,
        bindings: &BindingCache,
        module: &Natural,
        name: &Natural,
    ) -> Result<Option<Rc<Binding>>, MalformedValue> {
        let Some(module) = self.fields.modules.get(module) else { return Ok(None) };
        Ok(module.scope(vm, bindings)?.get(name).map(|entry| Rc::clone(&entry.binding)))
    }

    /// Returns the bindings of all completed modules. A binding that several modules export occurs
    /// several times.
    pub(crate) fn completed_bindings(
        &self,
        vm: &Vm,
        bindings: &BindingCache,
    ) -> Result<Vec<Rc<Binding>>, MalformedValue> {
        let mut found = Vec::new();
        for module in self.fields.modules.values() {
            let scope = module.scope(vm, bindings)?;
            found.extend(scope.values().map(|entry| Rc::clone(&entry.binding)));
        }
        Ok(found)
    }

    /// Binds a name. The key 0 requests a new key.
    pub(crate) fn define(
        &mut self,
        vm: &mut Vm,
        bindings: &BindingCache,
        definition: Definition<'_>,
    ) -> Result<(), EvalError> {
        let mut key = definition.key.clone();
        while key == 0 {
            key = self.fields.next_key.clone();
            self.fields.next_key += Natural::from(1u8);
        }
        let name = definition.name;
        let definition = Definition { key: &key, ..definition };
        let binding = new_binding(vm, &self.fields.context, definition)?;
        let entry = ScopeEntry { name: vm.natural(name)?, binding: bindings.add(&key, binding) };
        self.insert(name.clone(), entry);
        self.note_change(name.clone());
        Ok(())
    }

    fn insert(&mut self, name: Natural, entry: ScopeEntry) {
        let old = self.scope.insert(name.clone(), entry);
        self.undo_log.push(ScopeUndo::Entry(name, old));
    }

    fn replace_scope(&mut self, scope: ModuleScope) {
        self.undo_log.push(ScopeUndo::Scope(std::mem::replace(&mut self.scope, scope)));
        self.invalidate_scope();
    }

    /// Records that the entry of a name differs from the encoded scope.
    fn note_change(&mut self, name: Natural) {
        self.fields.encoded = None;
        if self.fields.changed.len() >= CHANGES_MAX {
            self.set_encoded_scope(None);
        } else if self.fields.encoded_scope.is_some() {
            self.fields.changed.push(name);
        }
    }

    fn invalidate_scope(&mut self) {
        self.set_encoded_scope(None);
        self.fields.encoded = None;
    }

    fn set_encoded_scope(&mut self, encoded: Option<Val>) {
        self.fields.encoded_scope = encoded;
        self.fields.changed.clear();
    }

    /// Completes the current module and enters a new one, whose scope is empty.
    pub(crate) fn enter_module(&mut self, vm: &mut Vm, module: Natural) -> Result<(), EvalError> {
        self.complete_module(vm)?;
        self.fields.context = module;
        self.fields.names = Rc::default();
        self.replace_scope(ModuleScope::new());
        Ok(())
    }

    /// Adds the current module to the completed ones.
    fn complete_module(&mut self, vm: &mut Vm) -> Result<(), EvalError> {
        let old = self.fields.context.clone();
        if old != 0 {
            let scope = self.encode_scope(vm)?;
            let completed = CompletedModule {
                name: vm.natural(&old)?,
                pin: vm.pin(&scope)?,
                scope: OnceCell::from(self.scope.clone()),
            };
            let mut modules = Modules::clone(&self.fields.modules);
            modules.insert(old, Rc::new(completed));
            self.fields.modules = Rc::new(modules);
            self.fields.encoded_modules = None;
        }
        Ok(())
    }

    /// Imports a completed module: adds its bindings to the scope, or sets an alias for it.
    pub(crate) fn import(
        &mut self,
        vm: &Vm,
        bindings: &BindingCache,
        module: &Natural,
        names: &ImportedNames,
        rule: ClashRule,
    ) -> Result<(), ImportError> {
        let completed = self.fields.modules.get(module).ok_or(ImportError::NotLoaded)?;
        let completed = Rc::clone(completed);
        let is_listed = match names {
            ImportedNames::All => false,
            ImportedNames::Listed(_) => true,
            ImportedNames::Qualified(alias) => return self.set_alias(alias, module, rule),
        };
        let scope = completed.scope(vm, bindings)?;
        let mut entries: Vec<(&Natural, &ScopeEntry)> = match names {
            ImportedNames::Listed(names) => {
                check_names(names, scope).map_err(ImportError::MissingNames)?;
                names.iter().filter_map(|name| scope.get_key_value(name)).collect()
            }
            _ => scope.iter().collect(),
        };
        if rule == ClashRule::Reject {
            self.resolve_clashes(vm, &mut entries, is_listed)?;
        }
        if is_listed {
            let names = entries.iter().map(|(name, _)| (*name).clone());
            Rc::make_mut(&mut self.fields.names).listed.extend(names);
        }
        for (name, entry) in entries {
            self.insert(name.clone(), entry.clone());
        }
        self.invalidate_scope();
        Ok(())
    }

    fn set_alias(
        &mut self,
        alias: &Natural,
        module: &Natural,
        rule: ClashRule,
    ) -> Result<(), ImportError> {
        let aliases = &mut Rc::make_mut(&mut self.fields.names).aliases;
        match aliases.get(alias) {
            Some(other) if other != module && rule == ClashRule::Reject => {
                let (alias, module) = (alias.clone(), other.clone());
                Err(ImportError::AliasInUse { alias, module })
            }
            _ => {
                aliases.insert(alias.clone(), module.clone());
                Ok(())
            }
        }
    }

    /// Drops the entries of an import that have less priority than those in scope.
    ///
    /// # Errors
    ///
    /// If an entry and the one in scope differ and have the same priority.
    fn resolve_clashes(
        &self,
        vm: &Vm,
        entries: &mut Vec<(&Natural, &ScopeEntry)>,
        is_listed: bool,
    ) -> Result<(), ImportError> {
        let mut clashes = Vec::new();
        entries.retain(|&(name, entry)| {
            let Some(old) = self.scope.get(name) else { return true };
            if vm.look(&old.binding.encoded).is_equal(vm.look(&entry.binding.encoded)) {
                return true;
            }
            let module = |entry: &ScopeEntry| entry.binding.location(vm).unwrap_or_default();
            let (earlier, later) = (module(old), module(entry));
            let is_import = earlier != self.fields.context;
            match (self.fields.names.listed.contains(name), is_listed) {
                (true, false) => false,
                (false, true) if is_import => true,
                _ => {
                    clashes.push(NameClash { name: name.clone(), earlier, later });
                    true
                }
            }
        });
        if clashes.is_empty() { Ok(()) } else { Err(ImportError::Clashes(clashes)) }
    }

    /// Removes all names from the scope except these.
    pub(crate) fn retain(&mut self, names: &BTreeSet<Natural>) -> Result<(), MissingNames> {
        check_names(names, &self.scope)?;
        let kept = names.iter().filter_map(|name| self.scope.get_key_value(name));
        let scope = kept.map(|(name, entry)| (name.clone(), entry.clone())).collect();
        self.replace_scope(scope);
        Ok(())
    }

    fn encode_scope(&mut self, vm: &mut Vm) -> Result<Val, EvalError> {
        let encoded = match &self.fields.encoded_scope {
            Some(encoded) if self.fields.changed.is_empty() => return Ok(encoded.clone()),
            Some(encoded) => {
                let entries = self.fields.changed.iter().map(|name| self.scope.get(name));
                insert_entries(vm, encoded, entries.flatten())?
            }
            None => encode_scope(vm, &self.scope)?,
        };
        self.set_encoded_scope(Some(encoded.clone()));
        Ok(encoded)
    }

    fn encode_modules(&mut self, vm: &mut Vm) -> Result<Val, EvalError> {
        if let Some(encoded) = &self.fields.encoded_modules {
            return Ok(encoded.clone());
        }
        let modules = &self.fields.modules;
        let entries = || modules.values().map(|module| (&module.name, &module.pin));
        let encoded = vm.build(|b| push_table(b, modules.len(), entries))?;
        self.fields.encoded_modules = Some(encoded.clone());
        Ok(encoded)
    }

    /// Encodes the state, in normal form.
    pub(crate) fn encode(&mut self, vm: &mut Vm) -> Result<Val, EvalError> {
        if let Some(encoded) = &self.fields.encoded {
            return Ok(encoded.clone());
        }
        let scope = self.encode_scope(vm)?;
        let modules = self.encode_modules(vm)?;
        let StateFields { next_key, context, .. } = &self.fields;
        let row = vm.build(|b| {
            b.push_natural(next_key)?;
            b.push_natural(context)?;
            b.push(&scope);
            b.push(&modules);
            b.row(4)
        })?;
        let encoded = vm.force(&row)?;
        self.fields.encoded = Some(encoded.clone());
        Ok(encoded)
    }

    /// Updates the state to an encoded one, which must be in normal form.
    ///
    /// # Errors
    ///
    /// If the value is not a state. The state may then be partly updated, and the caller has to
    /// roll it back.
    pub(crate) fn update(
        &mut self,
        vm: &Vm,
        bindings: &BindingCache,
        encoded: &Val,
    ) -> Result<(), MalformedValue> {
        let new = vm.look(encoded);
        if is_same(vm, &self.fields.encoded, new) {
            return Ok(());
        }
        let row: Vec<Ref<'_>> = new.as_row().into_iter().flat_map(|row| row.iter()).collect();
        let [next_key, context, scope, modules] = row[..] else {
            return Err(MalformedValue("state: it is not a row of four"));
        };
        let next_key =
            next_key.as_nat().ok_or(MalformedValue("state: the next key is not a nat"))?;
        let context = context.as_nat().ok_or(MalformedValue("state: the context is not a nat"))?;
        self.fields.next_key = next_key.to_natural();
        self.fields.context = context.to_natural();
        if !self.fields.changed.is_empty() || !is_same(vm, &self.fields.encoded_scope, scope) {
            self.update_scope(vm, bindings, scope)?;
        }
        if !is_same(vm, &self.fields.encoded_modules, modules) {
            let encoded_modules = vm.hold(modules);
            self.fields.modules = Rc::new(self.decode_modules(vm, modules)?);
            self.fields.encoded_modules = Some(encoded_modules);
        }
        self.fields.encoded = Some(encoded.clone());
        Ok(())
    }

    fn update_scope(
        &mut self,
        vm: &Vm,
        bindings: &BindingCache,
        encoded: Ref<'_>,
    ) -> Result<(), MalformedValue> {
        if self.scope.is_empty() {
            self.replace_scope(decode_scope(vm, bindings, encoded)?);
            self.set_encoded_scope(Some(vm.hold(encoded)));
            return Ok(());
        }
        let entries = table_entries(encoded)?;
        let count = entries.len();
        for (key, value) in entries {
            let name = key.as_nat().ok_or(MalformedValue("scope: a name is not a nat"))?;
            let name = name.to_natural();
            let old = self.scope.get(&name);
            if old.is_none_or(|old| !vm.look(&old.binding.encoded).is_same(value)) {
                let entry = ScopeEntry { name: vm.hold(key), binding: bindings.find(vm, value)? };
                self.insert(name, entry);
            }
        }
        // The loop above has inserted every new entry, so other lengths mean that some are gone.
        if self.scope.len() != count {
            let scope = decode_scope(vm, bindings, encoded)?;
            self.replace_scope(scope);
        }
        self.set_encoded_scope(Some(vm.hold(encoded)));
        Ok(())
    }

    fn decode_modules(&self, vm: &Vm, encoded: Ref<'_>) -> Result<Modules, MalformedValue> {
        table_entries(encoded)?
            .map(|(key, pin)| {
                let name = key.as_nat().ok_or(MalformedValue("modules: a name is not a nat"))?;
                let name = name.to_natural();
                let module = match self.fields.modules.get(&name) {
                    Some(module) if vm.look(&module.pin).is_same(pin) => Rc::clone(module),
                    _ => Rc::new(CompletedModule {
                        name: vm.hold(key),
                        pin: vm.hold(pin),
                        scope: OnceCell::new(),
                    }),
                };
                Ok((name, module))
            })
            .collect()
    }
}

/// Returns whether a value is identical to a known one.
fn is_same(vm: &Vm, known: &Option<Val>, value: Ref<'_>) -> bool {
    known.as_ref().is_some_and(|known| vm.look(known).is_same(value))
}

impl CompletedModule {
    /// Returns the module's scope. The first call decodes it.
    fn scope(&self, vm: &Vm, bindings: &BindingCache) -> Result<&ModuleScope, MalformedValue> {
        if let Some(scope) = self.scope.get() {
            return Ok(scope);
        }
        let Shape::Pin(pin) = vm.look(&self.pin).shape() else {
            return Err(MalformedValue("state: a module is not a pin"));
        };
        let scope = decode_scope(vm, bindings, pin.item())?;
        Ok(self.scope.get_or_init(|| scope))
    }
}
