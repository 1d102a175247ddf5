//! What an import brings into scope, and why it fails.

use super::scope::ModuleScope;
use crate::malformed::MalformedValue;
use plan::Natural;
use std::collections::{BTreeMap, BTreeSet};

/// What the imports of the current module say beside the names that they bring into scope. Macros do
/// not see it, and a later module does not either.
#[derive(Clone, Default)]
pub(super) struct ModuleNames {
    /// The modules by their aliases.
    pub(super) aliases: BTreeMap<Natural, Natural>,
    /// The names in scope that an import lists.
    pub(super) listed: BTreeSet<Natural>,
}

/// The names that a module or scope was expected to have and does not have.
#[derive(Debug)]
pub(crate) struct MissingNames(pub(crate) Vec<Natural>);

/// What an import brings into scope.
pub(crate) enum ImportedNames {
    /// All names of the module.
    All,
    /// These names.
    Listed(BTreeSet<Natural>),
    /// No name by itself, but this alias for the module.
    Qualified(Natural),
}

/// What happens if an import brings a name into scope that has another value there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClashRule {
    /// The import replaces it.
    Replace,
    /// The import fails, unless only one of both imports lists the name. That one has priority.
    Reject,
}

/// A name that two imports bring into scope with different values.
#[derive(Debug)]
pub(crate) struct NameClash {
    pub(crate) name: Natural,
    /// The module that defines the value in scope.
    pub(crate) earlier: Natural,
    /// The module that defines the value that is imported.
    pub(crate) later: Natural,
}

/// Why a module could not be imported.
#[derive(Debug)]
pub(crate) enum ImportError {
    NotLoaded,
    MissingNames(MissingNames),
    Clashes(Vec<NameClash>),
    /// The alias is that of another module.
    AliasInUse {
        alias: Natural,
        module: Natural,
    },
    Malformed(MalformedValue),
}

impl From<MalformedValue> for ImportError {
    fn from(malformed: MalformedValue) -> ImportError {
        ImportError::Malformed(malformed)
    }
}

/// Checks that a scope has all these names.
pub(super) fn check_names(
    names: &BTreeSet<Natural>,
    scope: &ModuleScope,
) -> Result<(), MissingNames> {
    let missing: Vec<Natural> =
        names.iter().filter(|name| !scope.contains_key(name)).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(MissingNames(missing)) }
}
