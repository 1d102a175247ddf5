//! Modules: their files, their predecessors, and the cache of the states after them.
//!
//! * [`library`]: finds the text of a module by its name;
//! * [`chain`]: a module and all modules before it;
//! * [`state_cache`]: keeps the states after modules in files.

mod chain;
mod library;
#[allow(unsafe_code, reason = "opens images, which are trusted")]
mod state_cache;

pub(crate) use chain::{ChainedModule, module_chain};
pub use chain::{ModuleSource, module_sources};
#[cfg(test)]
pub(crate) use library::BUILT_IN;
pub use library::{ModuleArgument, ModuleLibrary};
pub(crate) use state_cache::{StateCache, StateKey, pack_state, unpack_state};
