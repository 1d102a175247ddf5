//! The dependencies between the files of a crate, and their strongly connected components.

use crate::modules::ModuleTree;
use crate::names::PathTarget;
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use std::fmt;

/// The files of a crate, by index. An edge leads to a file that the first one depends on, and holds
/// one of the paths that make it so.
pub(crate) struct FileGraph<'t> {
    tree: &'t ModuleTree,
    edges: DiGraphMap<usize, usize>,
    paths: Vec<String>,
}

/// Files that depend on each other, with one path for each dependency.
pub(crate) struct FileCycle {
    pub(crate) files: Vec<String>,
    dependencies: Vec<String>,
}

impl FileGraph<'_> {
    /// The dependencies in a crate.
    pub(crate) fn of(tree: &ModuleTree) -> FileGraph<'_> {
        let mut graph = FileGraph { tree, edges: DiGraphMap::new(), paths: Vec::new() };
        for (index, module) in tree.modules.iter().enumerate() {
            for import in &module.imports {
                let is_used =
                    import.alias.as_ref().is_none_or(|alias| module.identifiers.contains(alias));
                // A re-export that the module itself uses is an import too.
                if !import.is_reexport || is_used {
                    graph.add(index, &import.path, import.alias.is_none());
                }
            }
            for path in &module.paths {
                graph.add(index, path, false);
            }
        }
        graph
    }

    /// Adds the dependency of a module on the file that defines the name at the end of a path.
    fn add(&mut self, module: usize, path: &[String], is_glob: bool) {
        let to = match self.tree.resolve(module, path) {
            Some(PathTarget::ItemIn(file)) => file,
            Some(PathTarget::Module(found)) if is_glob => self.tree.modules[found].file,
            // The paths that begin with the module's name lead to what is used of it.
            Some(PathTarget::Module(_)) | None => return,
        };
        let from = self.tree.modules[module].file;
        if from != to && !self.edges.contains_edge(from, to) {
            self.edges.add_edge(from, to, self.paths.len());
            self.paths.push(path.join("::"));
        }
    }

    /// The components of more than one file.
    pub(crate) fn components(&self) -> Vec<FileCycle> {
        let name = |file: usize| self.tree.files[file].name.clone();
        let components = tarjan_scc(&self.edges).into_iter().filter(|files| files.len() > 1);
        let component = |files: Vec<usize>| {
            let inside = self
                .edges
                .all_edges()
                .filter(|(from, to, _)| files.contains(from) && files.contains(to));
            let dependencies = inside.map(|(from, to, path)| {
                format!("{} uses {}: {}", name(from), name(to), self.paths[*path])
            });
            FileCycle {
                dependencies: dependencies.collect(),
                files: files.iter().map(|file| name(*file)).collect(),
            }
        };
        components.map(component).collect()
    }
}

impl fmt::Display for FileCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files depend on each other in a circle", self.files.len())?;
        self.dependencies.iter().try_for_each(|dependency| write!(f, "\n  {dependency}"))
    }
}
