//! The types of global names, and the names of embedded values.

use super::declared::{DeclaredType, DeclaredTypes, read_tables};
use crate::expr::{Binding, BindingCache};
use crate::malformed::MalformedValue;
use crate::nat_text;
use crate::state::SireState;
use foldhash::{HashMap, HashMapExt, HashSet};
use plan::{Natural, Ref, Shape};
use std::rc::Rc;
use types::{Scheme, TypeNames};
use vm::Vm;

/// A global name with its module.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct GlobalName {
    pub(super) module: String,
    pub(super) name: String,
}

/// The types of the global names that a session knows.
pub(super) struct GlobalTypes {
    pub(super) names: TypeNames,
    library: HashMap<&'static str, HashMap<String, DeclaredType>>,
    /// The lines of the library's tables that cannot be read.
    pub(super) errors: Vec<String>,
    /// The modules whose text is not that of the library's module of the same name. The library's
    /// types do not hold for them.
    pub(super) replaced: HashSet<String>,
    /// The types of names that the session has checked; none for a name without a type.
    checked: HashMap<GlobalName, Option<Rc<Scheme>>>,
    /// The bindings of complete modules by the names of their laws.
    by_law: HashMap<Natural, Vec<Rc<Binding>>>,
    /// The number of complete modules when `by_law` was made.
    indexed_modules: usize,
}

impl GlobalTypes {
    /// Reads the types of the library, for a session in which the `replaced` modules are not the
    /// library's.
    pub(super) fn new(replaced: HashSet<String>) -> GlobalTypes {
        let DeclaredTypes { names, by_module: library, errors } = read_tables();
        let (checked, by_law) = (HashMap::new(), HashMap::new());
        GlobalTypes { names, library, errors, replaced, checked, by_law, indexed_modules: 0 }
    }

    /// Returns the declared type of a name of the library.
    pub(super) fn declared(&self, name: &GlobalName) -> Option<&DeclaredType> {
        if self.replaced.contains(&name.module) {
            return None;
        }
        self.library.get(name.module.as_str())?.get(&name.name)
    }

    /// Returns the names of the library that have a declared type, each with its module.
    pub(super) fn table_names(&self) -> Vec<(&'static str, String)> {
        let of_module = |(module, types): (&&'static str, &HashMap<String, DeclaredType>)| {
            let module = *module;
            types.keys().map(|name| (module, name.clone())).collect::<Vec<_>>()
        };
        self.library.iter().flat_map(of_module).collect()
    }

    /// Returns whether the session has checked a name.
    pub(super) fn is_checked(&self, name: &GlobalName) -> bool {
        self.checked.contains_key(name)
    }

    /// Records the type of a name that the session has checked.
    pub(super) fn record(&mut self, name: GlobalName, scheme: Option<Rc<Scheme>>) {
        self.checked.insert(name, scheme);
    }

    /// Returns the type of a name.
    pub(super) fn scheme(&self, name: &GlobalName) -> Option<Rc<Scheme>> {
        match self.checked.get(name) {
            Some(scheme) => scheme.clone(),
            None => self.declared(name).map(|declared| Rc::clone(&declared.scheme)),
        }
    }

    /// Indexes the bindings of complete modules, if there are new ones.
    pub(super) fn index_laws(
        &mut self,
        vm: &Vm,
        bindings: &BindingCache,
        state: &SireState,
    ) -> Result<(), MalformedValue> {
        let modules = state.modules().count();
        if modules == self.indexed_modules {
            return Ok(());
        }
        self.by_law.clear();
        for binding in state.completed_bindings(vm, bindings)? {
            if let Some(name) = law_name(vm.look(&binding.value)) {
                self.by_law.entry(name).or_default().push(binding);
            }
        }
        self.indexed_modules = modules;
        Ok(())
    }

    /// Returns the name of a binding with this value, which is a law or a pin of one. A name with a
    /// type takes precedence.
    pub(super) fn name_of_value(&self, vm: &Vm, value: Ref<'_>) -> Option<GlobalName> {
        let candidates = self.by_law.get(&law_name(value)?)?;
        let equal = candidates.iter().filter(|it| vm.look(&it.value).is_equal(value));
        let mut names = equal.filter_map(|binding| global_name(vm, binding)).peekable();
        let first = names.peek().cloned();
        names.find(|name| self.scheme(name).is_some()).or(first)
    }
}

/// Returns the name of a binding, with its module.
pub(super) fn global_name(vm: &Vm, binding: &Binding) -> Option<GlobalName> {
    let module = nat_text::to_text(&binding.location(vm)?);
    Some(GlobalName { module, name: nat_text::to_text(&binding.name(vm)?) })
}

/// Returns the name of a law, or of the law in a pin.
fn law_name(value: Ref<'_>) -> Option<Natural> {
    match value.shape() {
        Shape::Law(law) => Some(law.name().to_natural()),
        Shape::Pin(pin) => match pin.item().shape() {
            Shape::Law(law) => Some(law.name().to_natural()),
            _ => None,
        },
        _ => None,
    }
}
