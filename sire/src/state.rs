//! The state of a session, as the compiler and as macros see it.
//!
//! * [`scope`]: bindings by name, and their encoded form;
//! * [`sire_state`]: the whole state.

mod scope;
mod sire_state;

pub(crate) use sire_state::{ImportError, MissingNames, SireState};
