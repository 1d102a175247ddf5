//! The order in which modules are loaded: each after everything that it depends on.
//!
//! The order is that of a depth-first search, with the dependencies of each module in the order of
//! its text. So the order of a chained module that imports only predecessors is its chain.

use super::library::{ModuleFile, ModuleLibrary};
use super::outline::{ModuleDependency, ModuleForm, ModuleOutline, outline};
use crate::error::SireError;
use foldhash::{HashSet, HashSetExt};
use std::vec;

/// A module to load, after those before it in the order.
pub(crate) struct OrderedModule {
    /// The name in its header, by which the state knows it.
    pub(crate) name: String,
    pub(crate) form: ModuleForm,
    /// A warning if that is not the name of its file.
    pub(crate) warning: Option<String>,
    /// The file's name, for messages.
    pub(crate) file: String,
    /// The file's path, for messages about its syntax.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Returns the modules to load for these modules, which come after all that they depend on. A
/// module for which `is_loaded` holds is left out, with what only it depends on.
///
/// An imported module that does not exist is left out too: its import fails, and the error of the
/// command has its place.
///
/// # Errors
///
/// If a module of `roots`, or a predecessor, does not exist; if a module cannot be read, or has no
/// header; if modules depend on each other.
pub(crate) fn load_order<'n>(
    library: &ModuleLibrary,
    roots: impl IntoIterator<Item = &'n str>,
    is_loaded: impl Fn(&str) -> bool,
) -> Result<Vec<OrderedModule>, SireError> {
    let is_loaded = &is_loaded;
    let mut search = OrderSearch {
        library,
        is_loaded,
        open: Vec::new(),
        order: Vec::new(),
        files: HashSet::new(),
        headers: HashSet::new(),
    };
    roots.into_iter().try_for_each(|root| search.visit(root))?;
    Ok(search.order)
}

/// A module whose dependencies are being visited.
struct OpenModule {
    /// The name of its file.
    stem: String,
    module: OrderedModule,
    dependencies: vec::IntoIter<ModuleDependency>,
}

/// A depth-first search of the modules that others depend on.
struct OrderSearch<'a> {
    library: &'a ModuleLibrary,
    is_loaded: &'a dyn Fn(&str) -> bool,
    /// The modules on the path to the current one.
    open: Vec<OpenModule>,
    /// The modules that are done.
    order: Vec<OrderedModule>,
    /// The names of their files.
    files: HashSet<String>,
    /// The names in their headers.
    headers: HashSet<String>,
}

impl OrderSearch<'_> {
    /// Adds a module, and all that it depends on.
    fn visit(&mut self, root: &str) -> Result<(), SireError> {
        if !self.is_done(root) {
            self.open(root, None)?;
        }
        while let Some(current) = self.open.last_mut() {
            let Some(dependency) = current.dependencies.next() else {
                self.close();
                continue;
            };
            let ModuleDependency { name, line, is_predecessor } = dependency;
            let place = format!("{}:{line}", current.module.path);
            // A state is found by the name in the header of its module.
            let is_known = !is_predecessor && self.headers.contains(&name);
            if is_known || self.is_done(&name) {
                continue;
            }
            if let Some(start) = self.open.iter().position(|module| module.stem == name) {
                let path = self.open[start..].iter().map(|module| module.stem.clone());
                let modules = path.chain([name]).collect();
                return Err(SireError::Cycle { place, modules });
            }
            match self.open(&name, Some(&place)) {
                Err(SireError::NoModule { .. }) if !is_predecessor => {}
                result => result?,
            }
        }
        Ok(())
    }

    fn is_done(&self, name: &str) -> bool {
        self.files.contains(name) || (self.is_loaded)(name)
    }

    /// Reads a module, and begins with its dependencies. `required_by` is the file and line that
    /// name it.
    fn open(&mut self, stem: &str, required_by: Option<&str>) -> Result<(), SireError> {
        let file = self.library.read(stem, required_by)?;
        let text = rex::decode(&file.bytes, &file.path).map_err(SireError::Syntax)?.to_owned();
        // A test checks this of the built-in modules. The start of a session is faster for it.
        let imports_only_predecessors = file.is_built_in;
        let outline = outline(&file, &text, imports_only_predecessors)?;
        let ModuleOutline { name, line, form, dependencies } = outline;
        let ModuleFile { name: file, path, .. } = file;
        let warning = (name != stem).then(|| {
            format!("{path}:{line}: the header names the module {name}, but the file is {file}")
        });
        let module = OrderedModule { name, form, warning, file, path, text };
        let dependencies = dependencies.into_iter();
        self.open.push(OpenModule { stem: stem.to_owned(), module, dependencies });
        Ok(())
    }

    /// Adds the current module to the order.
    fn close(&mut self) {
        if let Some(OpenModule { stem, module, .. }) = self.open.pop() {
            self.files.insert(stem);
            self.headers.insert(module.name.clone());
            self.order.push(module);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::library::BUILT_IN;
    use super::*;

    #[test]
    fn chained_modules_that_are_built_in_import_only_predecessors() {
        let library = ModuleLibrary::only("/nonexistent");
        assert!(load_order(&library, ["prelude"], |_| false).is_err());
        let library = ModuleLibrary::new("/nonexistent");
        for (name, _) in BUILT_IN {
            let order = load_order(&library, [*name], |_| false).expect("it can be read");
            let known: HashSet<&str> = order.iter().map(|module| module.name.as_str()).collect();
            for module in &order {
                let file = library.read(&module.name, None).expect("it can be read");
                let outline = outline(&file, &module.text, false).expect("it has a header");
                for dependency in outline.dependencies {
                    let name = dependency.name.as_str();
                    assert!(known.contains(name), "{}: {name}", module.name);
                }
            }
        }
    }
}
