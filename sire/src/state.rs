//! The state of a session, as the compiler and as macros see it.
//!
//! * [`scope`]: bindings by name, and their encoded form;
//! * [`import`]: what an import brings into scope, and why it fails;
//! * [`sire_state`]: the whole state.

mod import;
mod scope;
mod sire_state;

pub(crate) use import::{ClashRule, ImportError, ImportedNames, MissingNames, NameClash};
pub(crate) use sire_state::SireState;
