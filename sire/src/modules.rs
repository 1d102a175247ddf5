//! Modules: their files, what they depend on, and the cache of the states after them.
//!
//! * [`library`]: finds the text of a module by its name;
//! * [`overlay`]: texts that an editor has open, in place of files;
//! * [`outline`]: the header of a module and its imports;
//! * [`load_order`]: a module and all that it depends on, in the order in which they are loaded;
//! * [`sources`]: the files of a module and of all that it depends on;
//! * [`state_cache`]: keeps the states after modules in files;
//! * [`library_image`]: has the states after the modules of the library in the program.

mod library;
#[allow(unsafe_code, reason = "opens an image, which is trusted")]
mod library_image;
mod load_order;
mod outline;
mod overlay;
mod sources;
#[allow(unsafe_code, reason = "opens images, which are trusted")]
mod state_cache;

pub(crate) use library::built_in_text;
pub use library::{ModuleArgument, ModuleLibrary};
pub use library_image::LibraryImage;
pub(crate) use library_image::write_library_image;
pub(crate) use load_order::{OrderedModule, load_order};
pub(crate) use outline::{ModuleForm, ModuleOutline, imported_modules, outline_of_edited};
pub use overlay::SourceOverlay;
pub use sources::{ModuleSource, module_sources};
pub(crate) use state_cache::{StateCache, StateKey, pack_state, unpack_state};
