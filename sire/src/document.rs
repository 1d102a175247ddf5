//! [`Sire::document`]: the documentation of a module.

use crate::documentation::{SourceDocumentation, type_text};
use crate::error::SireError;
use crate::interactive::NameInfo;
use crate::modules::ModuleArgument;
use crate::sire::Sire;
use plan::Hash;

/// The documentation of a module.
#[derive(Clone, Debug)]
pub struct ModuleDocumentation {
    /// The name of the module.
    pub name: String,
    /// The path of its file.
    pub file: String,
    /// The comment about the module, without semicolons; empty if there is none.
    pub comment: String,
    /// The names that the module defines and exports, in the order of the source.
    pub names: Vec<NameDocumentation>,
}

/// The documentation of a name.
#[derive(Clone, Debug)]
pub struct NameDocumentation {
    /// The name.
    pub name: String,
    /// The title of the section of the module that defines it; empty if there is none.
    pub section: String,
    /// The line of the definition, counted from 1; none if a macro defines the name.
    pub line: Option<usize>,
    /// The text of the definition.
    pub definition: Option<String>,
    /// A call that shows the arguments, such as `(add x y)`.
    pub call: Option<String>,
    /// What the comment in the source says about it; empty if it says nothing.
    pub comment: String,
    /// The name that this is another name for.
    pub alias_of: Option<String>,
    /// The type, such as `Nat > Nat`: as the source declares it, or a type table of the library.
    pub signature: Option<String>,
    /// Assertions in the source that show its use, the simplest ones.
    pub examples: Vec<String>,
    /// The number of arguments; none if the value is no function.
    pub arity: Option<u64>,
    /// The name of the jet that implements it.
    pub jet: Option<&'static str>,
    /// The hash of the value, if it is a pin.
    pub hash: Option<Hash>,
}

impl Sire {
    /// Returns whether the source of a module contains a text, without loading the module.
    pub fn source_contains(&mut self, module: &ModuleArgument, text: &str) -> bool {
        self.session.library.search_beside(module.folder.clone());
        self.session.library.text(&module.name).is_some_and(|(_, source)| source.contains(text))
    }

    /// Loads a module like [`Sire::load_argument`], and returns the documentation of the names that
    /// it defines and exports.
    ///
    /// # Errors
    ///
    /// Those of [`Sire::load`].
    pub fn document(&mut self, module: &ModuleArgument) -> Result<ModuleDocumentation, SireError> {
        self.load_argument(module)?;
        let name = self.module.clone().unwrap_or_default();
        let own = self.names().into_iter().filter_map(|found| {
            let (info, _) = self.value_info(&found)?;
            (info.module == name).then_some((found, info))
        });
        let own: Vec<(String, NameInfo)> = own.collect();
        let (file, text) = self.session.library.text(&module.name).unwrap_or_default();
        let exported: Vec<String> = own.iter().map(|(name, _)| name.clone()).collect();
        let source = SourceDocumentation::read(&file, text, &exported);
        let mut names: Vec<NameDocumentation> =
            own.into_iter().map(|(name, info)| documented(name, info, &source)).collect();
        for entry in &mut names {
            let declared = || self.session.types.declared_type(&name, &entry.name);
            entry.signature = entry.signature.take().or_else(declared);
        }
        names.sort_by_key(|name| name.line.unwrap_or(usize::MAX));
        Ok(ModuleDocumentation { name, file, comment: source.module_comment().to_owned(), names })
    }
}

fn documented(name: String, info: NameInfo, source: &SourceDocumentation) -> NameDocumentation {
    let found = source.name(&name);
    NameDocumentation {
        section: found.section,
        line: found.line,
        definition: found.text,
        call: found.call,
        comment: found.comment,
        alias_of: found.alias_of,
        signature: found.signature.as_deref().map(type_text),
        examples: found.examples,
        arity: info.arity,
        jet: info.jet,
        hash: info.hash,
        name,
    }
}
