//! The sources of a module and of all that it depends on, for programs that watch files.

use super::library::{ModuleArgument, ModuleLibrary};
use super::outline::outline;
use std::path::PathBuf;

/// The source of a module: its name and its text, as they are in a file or built into the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleSource {
    /// The name of the module's file, without its extension.
    pub name: String,
    /// The path of the file; none if the module is built in.
    pub path: Option<PathBuf>,
    /// The contents of the file.
    pub bytes: Vec<u8>,
}

/// Returns the sources of a module and of all modules that it depends on, the module's own first.
/// Modules that cannot be read are left out, and so is what only a module with a wrong header depends
/// on. So the result is of use while a person edits the files.
pub fn module_sources(library: &ModuleLibrary, module: &ModuleArgument) -> Vec<ModuleSource> {
    let mut library = library.clone();
    library.search_beside(module.folder.clone());
    let mut sources: Vec<ModuleSource> = Vec::new();
    let mut pending = vec![module.name.clone()];
    while let Some(name) = pending.pop() {
        if sources.iter().any(|source| source.name == name) {
            continue;
        }
        let Ok(file) = library.read(&name, None) else { continue };
        let text = rex::decode(&file.bytes, &file.path).ok();
        let outline = text.and_then(|text| outline(&file, text, file.is_built_in).ok());
        let dependencies = outline.into_iter().flat_map(|outline| outline.dependencies);
        pending.extend(dependencies.map(|dependency| dependency.name));
        let path = (!file.is_built_in).then(|| PathBuf::from(file.path));
        sources.push(ModuleSource { name, path, bytes: file.bytes });
    }
    sources
}
