//! Our library, whose laws jets stand for.

use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use std::io;
use std::sync::{Arc, LazyLock};
use vm::jet::JetTable;
use vm::{Val, Vm};

/// Modules of our library in which all laws are that jets stand for.
const MODULES: &[&str] =
    &["plan", "nat", "compare", "row", "list", "text", "set", "tab", "pad", "bar", "word", "data"];

/// The jets.
pub(crate) static JETS: LazyLock<Arc<JetTable>> = LazyLock::new(|| Arc::new(::jets::table()));

/// Looks at everything that these modules define: its name, and its value in that runtime.
pub(crate) fn definitions(mut look: impl FnMut(&str, &Vm, &Val)) {
    let vm = Vm::new(vm::Options::default(), Arc::clone(&JETS)).expect("a stack can be had");
    let output = SireOutput::new(io::sink(), Default::default());
    let library = ModuleLibrary::new("/nonexistent");
    let options = SireOptions { library, cache: None, diagnostics: output.clone(), output };
    let mut sire = Sire::new(vm, options).expect("there is room for a session");
    for module in MODULES {
        sire.load(module).expect("our library loads");
        let defined: Vec<(String, Val)> = sire.definitions().collect();
        defined.iter().for_each(|(name, value)| look(name, sire.vm(), value));
    }
}
