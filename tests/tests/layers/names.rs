//! Which file defines the name at the end of a path.

use crate::modules::ModuleTree;

/// Re-exports are followed no further than this, in case they form a circle.
const MAX_DEPTH: usize = 16;

/// The target of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathTarget {
    Module(usize),
    /// An item that is defined in this file.
    ItemIn(usize),
}

impl ModuleTree {
    /// The target of a path in a module. None if it leaves the crate.
    pub(crate) fn resolve(&self, module: usize, path: &[String]) -> Option<PathTarget> {
        self.resolve_within(module, path, MAX_DEPTH)
    }

    fn resolve_within(&self, module: usize, path: &[String], depth: usize) -> Option<PathTarget> {
        let depth = depth.checked_sub(1)?;
        let (first, mut rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => PathTarget::Module(0),
            "self" => PathTarget::Module(module),
            "super" => PathTarget::Module(self.modules[module].parent),
            name => self.member(module, name, depth)?,
        };
        while let (PathTarget::Module(current), Some((name, after))) = (target, rest.split_first())
        {
            target = match name.as_str() {
                "super" => PathTarget::Module(self.modules[current].parent),
                // A name that is not found is made by a macro in that module.
                name => self
                    .member(current, name, depth)
                    .unwrap_or(PathTarget::ItemIn(self.modules[current].file)),
            };
            rest = after;
        }
        Some(target)
    }

    /// The meaning of a name in the scope of a module: a module in it, an item of it, or an
    /// import.
    fn member(&self, module: usize, name: &str, depth: usize) -> Option<PathTarget> {
        let scope = &self.modules[module];
        if let Some(child) = scope.children.get(name) {
            return Some(PathTarget::Module(*child));
        }
        if scope.items.contains(name) {
            return Some(PathTarget::ItemIn(scope.file));
        }
        let named = scope.imports.iter().filter(|import| import.alias.as_deref() == Some(name));
        for import in named {
            // `use name;` or `use name::part as name;` of another crate does not refer to itself.
            if import.path.first().is_some_and(|first| first != name) {
                return self.resolve_within(module, &import.path, depth);
            }
        }
        let globs = scope.imports.iter().filter(|import| import.alias.is_none());
        globs.map(|glob| self.resolve_within(module, &glob.path, depth)).find_map(|found| {
            let Some(PathTarget::Module(found)) = found else { return None };
            if found == module { None } else { self.member(found, name, depth.checked_sub(1)?) }
        })
    }
}
