//! Sessions with modules of the library that is built into the binary.

use library_image::LIBRARY_IMAGE;
use runtime::RuntimeBuilder;
use sire::{ModuleArgument, ModuleLibrary, Sire, SireOptions, SireOutput};
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

/// A session that does not compile laws, with this built-in module, which is executed after the states of
/// the library image.
///
/// # Panics
/// If the module cannot be loaded, or has an assertion that fails.
pub fn interpreted_session(module: &str) -> Sire {
    let runtime = RuntimeBuilder::new().compile(runtime::CompileMode::Off);
    let mut sire = library_session(runtime, built_in_library());
    sire.start_from(&LIBRARY_IMAGE);
    let argument = ModuleArgument::parse(module).expect("the name of a module");
    let reports = sire.check_assertions(&argument);
    let reports = reports.unwrap_or_else(|error| panic!("{module}: {error}"));
    let failed = reports.iter().find(|report| report.failure.is_some());
    assert!(failed.is_none(), "{failed:?}");
    sire
}
