//! The definitions of our library.

use plan::Val;
use runtime::RuntimeBuilder;
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use std::io;
use std::sync::{Arc, LazyLock};
use vm::Vm;
use vm::jet::JetTable;

/// The modules of our library that define all laws with jets.
const MODULES: &[&str] = &[
    "plan",
    "nat",
    "compare",
    "row",
    "maybe",
    "list_basics",
    "list",
    "text",
    "set",
    "tab",
    "pad",
    "bar",
    "word",
    "data",
    "hash",
    "ed25519",
    "http_syntax",
];

/// The table of all jets.
pub(crate) static JETS: LazyLock<Arc<JetTable>> = LazyLock::new(|| Arc::new(::jets::table()));

/// Calls `visit` with the name and value of each definition, and the runtime of the value.
pub(crate) fn visit_definitions(mut visit: impl FnMut(&str, &Vm, &Val)) {
    let builder = RuntimeBuilder::bare().jets(Arc::clone(&JETS));
    let runtime = builder.build().expect("the stack can be reserved");
    let output = SireOutput::new(io::sink(), Default::default());
    let library = ModuleLibrary::new("/nonexistent");
    let options = SireOptions { library, cache: None, diagnostics: output.clone(), output };
    let mut sire = Sire::new(runtime.into(), options).expect("the heap is large enough");
    for module in MODULES {
        sire.load(module).expect("our library loads");
        let defined: Vec<(String, Val)> = sire.definitions().collect();
        defined.iter().for_each(|(name, value)| visit(name, sire.vm(), value));
    }
}
