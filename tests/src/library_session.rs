//! Sessions with modules of the library that is built into the binary.

use library_image::LIBRARY_IMAGE;
use runtime::RuntimeBuilder;
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use vm::Vm;

/// A session with this runtime and these modules, which prints nothing and keeps no cache.
///
/// # Panics
/// If the runtime or the session cannot be made.
pub fn library_session(runtime: RuntimeBuilder, library: ModuleLibrary) -> Sire {
    let vm: Vm = runtime.build().expect("this machine can run it").into();
    let output = SireOutput::new(std::io::sink(), Default::default());
    let options = SireOptions { library, cache: None, diagnostics: output.clone(), output };
    Sire::new(vm, options).expect("the heap is large enough")
}

/// The modules that are built in, without those of any directory.
pub fn built_in_library() -> ModuleLibrary {
    ModuleLibrary::new("/nonexistent")
}

/// A session that does not compile laws, with this module, which the library image has. It has no
/// definitions ([`Sire::definitions`]).
///
/// # Panics
/// If the module cannot be loaded.
pub fn started_session(module: &str) -> Sire {
    let runtime = RuntimeBuilder::new().compile(runtime::CompileMode::Off);
    let mut sire = library_session(runtime, built_in_library());
    sire.start_from(&LIBRARY_IMAGE);
    sire.load(module).unwrap_or_else(|error| panic!("{module}: {error}"));
    sire
}

/// A session that does not compile laws, with this built-in module, compiled from its source.
///
/// # Panics
/// If the module cannot be loaded.
pub fn interpreted_session(module: &str) -> Sire {
    let runtime = RuntimeBuilder::new().compile(runtime::CompileMode::Off);
    let mut sire = library_session(runtime, built_in_library());
    sire.load(module).unwrap_or_else(|error| panic!("{module}: {error}"));
    sire
}
