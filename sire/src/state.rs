//! The state of Sire: what its commands change and its macros see.
//!
//! As a noun it is `[nextKey context scope modules]`: the key of the next binding, the name of the
//! current module, its bindings by name, and those of the modules before, each in a pin. The noun is
//! made when a macro is to see it, and parts that did not change are not made again; a macro's own
//! state is taken apart only where it differs from the one it was given.
//!
//! A command that fails leaves no trace: [`State::begin`] marks the point that
//! [`State::roll_back`] returns to.

use crate::bind::{Bind, Binds, Definition, Malformed};
use crate::scope::{self, Entry, Table};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use vm::{Natural, Ref, Shape, Stop, Val, Vm};

/// A module that has been left.
struct Module {
    name: Val,
    /// Its bindings, in a pin.
    pin: Val,
    table: OnceCell<Table>,
}

/// The modules by name.
type Modules = BTreeMap<Natural, Rc<Module>>;

/// The scope's noun is made anew if more names than these have changed.
const CHANGES_MAX: usize = 32;

/// Everything but the bindings of the current module, which are many.
#[derive(Clone)]
struct Fields {
    next_key: Natural,
    /// 0 before the first module.
    context: Natural,
    modules: Rc<Modules>,
    /// The noun of the scope as it was before some names got other values, if it is known.
    scope_noun: Option<Val>,
    /// Those names.
    changed: Vec<Natural>,
    /// The nouns of the modules and of the whole, if they are known.
    modules_noun: Option<Val>,
    noun: Option<Val>,
}

/// How a change to the scope is undone.
enum Undo {
    /// The name had this entry, or none.
    Entry(Natural, Option<Entry>),
    /// The scope was this one.
    Scope(Table),
}

/// See the module's overview.
pub(crate) struct State {
    fields: Fields,
    scope: Table,
    saved: Fields,
    undo: Vec<Undo>,
}

/// Which names of a module were asked for that it does not have.
pub(crate) struct Missing(pub(crate) Vec<Natural>);

/// Why a module could not be imported.
pub(crate) enum ImportError {
    NotLoaded,
    Missing(Missing),
    Malformed(Malformed),
}

impl From<Malformed> for ImportError {
    fn from(malformed: Malformed) -> ImportError {
        ImportError::Malformed(malformed)
    }
}

impl State {
    /// The state before the first command.
    pub(crate) fn new() -> State {
        let fields = Fields {
            next_key: 1u8.into(),
            context: 0u8.into(),
            modules: Rc::default(),
            scope_noun: None,
            changed: Vec::new(),
            modules_noun: None,
            noun: None,
        };
        State { saved: fields.clone(), fields, scope: Table::new(), undo: Vec::new() }
    }

    /// The state that this noun is.
    pub(crate) fn of_noun(vm: &Vm, binds: &Binds, noun: &Val) -> Result<State, Malformed> {
        let mut state = State::new();
        state.adopt(vm, binds, noun)?;
        Ok(state)
    }

    /// Marks the state as one to return to.
    pub(crate) fn begin(&mut self) {
        self.saved = self.fields.clone();
        self.undo.clear();
    }

    /// Returns to the state that was marked last.
    pub(crate) fn roll_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Scope(scope) => self.scope = scope,
                Undo::Entry(name, Some(entry)) => {
                    self.scope.insert(name, entry);
                }
                Undo::Entry(name, None) => {
                    self.scope.remove(&name);
                }
            }
        }
        self.fields = self.saved.clone();
    }

    /// The name of the current module; 0 before the first.
    pub(crate) fn context(&self) -> &Natural {
        &self.fields.context
    }

    /// Whether no module has been entered, and nothing bound.
    pub(crate) fn is_initial(&self) -> bool {
        self.fields.context == 0 && self.scope.is_empty()
    }

    /// What a name stands for.
    pub(crate) fn lookup(&self, name: &Natural) -> Option<&Rc<Bind>> {
        self.scope.get(name).map(|entry| &entry.bind)
    }

    /// What a name stands for in a module that has been left.
    pub(crate) fn lookup_in(
        &self,
        vm: &Vm,
        binds: &Binds,
        module: &Natural,
        name: &Natural,
    ) -> Result<Option<Rc<Bind>>, Malformed> {
        let Some(module) = self.fields.modules.get(module) else { return Ok(None) };
        Ok(module.table(vm, binds)?.get(name).map(|entry| Rc::clone(&entry.bind)))
    }

    /// Binds a name. A key of 0 stands for a new one.
    pub(crate) fn define(
        &mut self,
        vm: &mut Vm,
        binds: &Binds,
        definition: Definition<'_>,
    ) -> Result<(), Stop> {
        let mut key = definition.key.clone();
        while key == 0 {
            key = self.fields.next_key.clone();
            self.fields.next_key += Natural::from(1u8);
        }
        let name = definition.name;
        let definition = Definition { key: &key, ..definition };
        let bind = Bind::new(vm, &self.fields.context, definition)?;
        let entry = Entry { name: vm.natural(name)?, bind: binds.add(&key, bind) };
        self.insert(name.clone(), entry);
        self.forget_entry(name.clone());
        Ok(())
    }

    fn insert(&mut self, name: Natural, entry: Entry) {
        let old = self.scope.insert(name.clone(), entry);
        self.undo.push(Undo::Entry(name, old));
    }

    fn replace_scope(&mut self, scope: Table) {
        self.undo.push(Undo::Scope(std::mem::replace(&mut self.scope, scope)));
        self.forget_scope_noun();
    }

    /// Notes that the scope's noun has another entry for a name, or none.
    fn forget_entry(&mut self, name: Natural) {
        self.fields.noun = None;
        if self.fields.changed.len() >= CHANGES_MAX {
            self.set_scope_noun(None);
        } else if self.fields.scope_noun.is_some() {
            self.fields.changed.push(name);
        }
    }

    fn forget_scope_noun(&mut self) {
        self.set_scope_noun(None);
        self.fields.noun = None;
    }

    fn set_scope_noun(&mut self, noun: Option<Val>) {
        self.fields.scope_noun = noun;
        self.fields.changed.clear();
    }

    /// Leaves the current module for a new one, with nothing in scope.
    pub(crate) fn switch(&mut self, vm: &mut Vm, module: Natural) -> Result<(), Stop> {
        let old = std::mem::replace(&mut self.fields.context, module);
        if old != 0 {
            let scope = self.scope_noun(vm)?;
            let left = Module {
                name: vm.natural(&old)?,
                pin: vm.pin(&scope)?,
                table: OnceCell::from(self.scope.clone()),
            };
            let mut modules = Modules::clone(&self.fields.modules);
            modules.insert(old, Rc::new(left));
            self.fields.modules = Rc::new(modules);
            self.fields.modules_noun = None;
        }
        self.replace_scope(Table::new());
        Ok(())
    }

    /// Adds a module's bindings to the scope, or only those with these names.
    pub(crate) fn import(
        &mut self,
        vm: &Vm,
        binds: &Binds,
        module: &Natural,
        names: Option<&BTreeSet<Natural>>,
    ) -> Result<(), ImportError> {
        let module = self.fields.modules.get(module).ok_or(ImportError::NotLoaded)?;
        let module = Rc::clone(module);
        let table = module.table(vm, binds)?;
        match names {
            None => {
                for (name, entry) in table {
                    self.insert(name.clone(), entry.clone());
                }
            }
            Some(names) => {
                missing(names, table).map_err(ImportError::Missing)?;
                for (name, entry) in names.iter().filter_map(|name| table.get_key_value(name)) {
                    self.insert(name.clone(), entry.clone());
                }
            }
        }
        self.forget_scope_noun();
        Ok(())
    }

    /// Drops everything from the scope but these names.
    pub(crate) fn filter(&mut self, names: &BTreeSet<Natural>) -> Result<(), Missing> {
        missing(names, &self.scope)?;
        let kept = names.iter().filter_map(|name| self.scope.get_key_value(name));
        let scope = kept.map(|(name, entry)| (name.clone(), entry.clone())).collect();
        self.replace_scope(scope);
        Ok(())
    }

    fn scope_noun(&mut self, vm: &mut Vm) -> Result<Val, Stop> {
        let noun = match &self.fields.scope_noun {
            Some(noun) if self.fields.changed.is_empty() => return Ok(noun.clone()),
            Some(noun) => {
                let entries = self.fields.changed.iter().map(|name| self.scope.get(name));
                scope::with_entries(vm, noun, entries.flatten())?
            }
            None => scope::noun(vm, &self.scope)?,
        };
        self.set_scope_noun(Some(noun.clone()));
        Ok(noun)
    }

    fn modules_noun(&mut self, vm: &mut Vm) -> Result<Val, Stop> {
        if let Some(noun) = &self.fields.modules_noun {
            return Ok(noun.clone());
        }
        let modules = &self.fields.modules;
        let entries = || modules.values().map(|module| (&module.name, &module.pin));
        let noun = vm.build(|b| scope::push_tab(b, modules.len(), entries))?;
        self.fields.modules_noun = Some(noun.clone());
        Ok(noun)
    }

    /// The state as macros see it, in normal form.
    pub(crate) fn noun(&mut self, vm: &mut Vm) -> Result<Val, Stop> {
        if let Some(noun) = &self.fields.noun {
            return Ok(noun.clone());
        }
        let scope = self.scope_noun(vm)?;
        let modules = self.modules_noun(vm)?;
        let Fields { next_key, context, .. } = &self.fields;
        let noun = vm.build(|b| {
            b.push_natural(next_key)?;
            b.push_natural(context)?;
            b.push(&scope);
            b.push(&modules);
            b.row(4)
        })?;
        let noun = vm.force(&noun)?;
        self.fields.noun = Some(noun.clone());
        Ok(noun)
    }

    /// Becomes the state that this noun is, which must be in normal form. An error leaves the state
    /// half changed: it has to be rolled back.
    pub(crate) fn adopt(&mut self, vm: &Vm, binds: &Binds, noun: &Val) -> Result<(), Malformed> {
        let new = vm.look(noun);
        if is_known(vm, &self.fields.noun, new) {
            return Ok(());
        }
        let row: Vec<Ref<'_>> = new.as_row().into_iter().flat_map(|row| row.iter()).collect();
        let [next_key, context, scope, modules] = row[..] else {
            return Err(Malformed("state: it is not a row of four"));
        };
        let next_key = next_key.as_nat().ok_or(Malformed("state: the next key is not a nat"))?;
        let context = context.as_nat().ok_or(Malformed("state: the context is not a nat"))?;
        self.fields.next_key = next_key.to_natural();
        self.fields.context = context.to_natural();
        if !self.fields.changed.is_empty() || !is_known(vm, &self.fields.scope_noun, scope) {
            self.adopt_scope(vm, binds, scope)?;
        }
        if !is_known(vm, &self.fields.modules_noun, modules) {
            let modules_noun = vm.hold(modules);
            self.fields.modules = Rc::new(self.decode_modules(vm, modules)?);
            self.fields.modules_noun = Some(modules_noun);
        }
        self.fields.noun = Some(noun.clone());
        Ok(())
    }

    fn adopt_scope(&mut self, vm: &Vm, binds: &Binds, noun: Ref<'_>) -> Result<(), Malformed> {
        if self.scope.is_empty() {
            self.replace_scope(scope::decode(vm, binds, noun)?);
            self.set_scope_noun(Some(vm.hold(noun)));
            return Ok(());
        }
        let entries = scope::entries(noun)?;
        let count = entries.len();
        for (key, value) in entries {
            let name = key.as_nat().ok_or(Malformed("scope: a name is not a nat"))?.to_natural();
            let old = self.scope.get(&name);
            if old.is_none_or(|old| !vm.look(&old.bind.noun).is_same(value)) {
                let entry = Entry { name: vm.hold(key), bind: binds.find(vm, value)? };
                self.insert(name, entry);
            }
        }
        if self.scope.len() != count {
            let table = scope::decode(vm, binds, noun)?;
            self.replace_scope(table);
        }
        self.set_scope_noun(Some(vm.hold(noun)));
        Ok(())
    }

    fn decode_modules(&self, vm: &Vm, noun: Ref<'_>) -> Result<Modules, Malformed> {
        scope::entries(noun)?
            .map(|(key, pin)| {
                let name = key.as_nat().ok_or(Malformed("modules: a name is not a nat"))?;
                let name = name.to_natural();
                let known = self.fields.modules.get(&name);
                let module = match known {
                    Some(module) if vm.look(&module.pin).is_same(pin) => Rc::clone(module),
                    _ => Rc::new(Module {
                        name: vm.hold(key),
                        pin: vm.hold(pin),
                        table: OnceCell::new(),
                    }),
                };
                Ok((name, module))
            })
            .collect()
    }
}

/// Whether a noun is the one that is known already.
fn is_known(vm: &Vm, known: &Option<Val>, noun: Ref<'_>) -> bool {
    known.as_ref().is_some_and(|known| vm.look(known).is_same(noun))
}

/// Checks that a table has all these names.
fn missing(names: &BTreeSet<Natural>, table: &Table) -> Result<(), Missing> {
    let missing: Vec<Natural> =
        names.iter().filter(|name| !table.contains_key(name)).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(Missing(missing)) }
}

impl Module {
    fn table(&self, vm: &Vm, binds: &Binds) -> Result<&Table, Malformed> {
        if let Some(table) = self.table.get() {
            return Ok(table);
        }
        let Shape::Pin(pin) = vm.look(&self.pin).shape() else {
            return Err(Malformed("state: a module is not a pin"));
        };
        let table = scope::decode(vm, binds, pin.item())?;
        Ok(self.table.get_or_init(|| table))
    }
}
