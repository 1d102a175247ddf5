//! Modules: each prints the same text as in the prototype, or fails; each binds the same values.

use crate::{Corpus, sha256, table};
use plan::{Hash, Shape, Val};
use runtime::{CompileMode, RuntimeBuilder};
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use std::collections::{HashMap, HashSet};
use tests::{ExecutionMode, stderr};
use vm::Vm;

fn modules_print_the_same(mode: ExecutionMode) {
    let Some(corpus) = Corpus::open(mode) else { return };
    let LoadTally { loaded, failed, lines, wrong } = load_all(&corpus);
    let count = wrong.len();
    corpus.report(&format!(
        "{loaded} modules load and {failed} fail as in the prototype; {lines} lines equal, {count} wrong"
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((loaded, failed), (82, 54));
}

tests::in_every_mode! { modules_print_the_same }

#[test]
fn modules_bind_the_same() {
    let Some(corpus) = Corpus::open(ExecutionMode::Interpreted) else { return };
    let BindingTally { bindings, jets, wrong } = compare_bindings(&corpus);
    let count = wrong.len();
    corpus.report(&format!("{bindings} bindings equal, {jets} jets found, {count} wrong"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((bindings, jets), (3111, 197 + 53));
}

/// The result of loading all modules.
#[derive(Default)]
struct LoadTally {
    /// Modules that load, as they must.
    loaded: usize,
    /// Modules that fail, as they must.
    failed: usize,
    /// Printed lines that are equal.
    lines: usize,
    /// Messages about differences.
    wrong: Vec<String>,
}

/// The result of comparing all bindings.
#[derive(Default)]
struct BindingTally {
    /// Bindings with the same hash.
    bindings: usize,
    /// Jets of the prototype whose law a module defines.
    jets: usize,
    /// Messages about differences.
    wrong: Vec<String>,
}

/// Loads every module, with its dependencies in the cache, and compares the printed text.
fn load_all(corpus: &Corpus) -> LoadTally {
    let mut tally = LoadTally::default();
    let mut last = "-".to_owned();
    for [module, before, outcome, _, lines, hash] in table("modules.tsv") {
        if before != "-" && before != last {
            // This may fail.
            corpus.session(&before, "");
        }
        last.clone_from(&module);
        let output = corpus.session(&module, "");
        let (code, message) = (output.status.code(), stderr(&output));
        if outcome != "ok" {
            // A file whose header names another module is loaded, with a warning.
            let error = message.lines().find(|line| !line.starts_with("warning: "));
            let is_expected = error.is_some_and(|error| error.starts_with("pallas: "))
                && !message.contains("jet mismatch");
            match is_expected && matches!(code, Some(1 | 2)) {
                true => tally.failed += 1,
                false => {
                    tally.wrong.push(format!("{module}: should fail, not {code:?}: {message}"))
                }
            }
            continue;
        }
        if code != Some(0) || !message.is_empty() {
            tally.wrong.push(format!("{module}: exits with {code:?}: {message}"));
            continue;
        }
        tally.loaded += 1;
        // For some modules only the outcome is known.
        if lines == "-" {
            continue;
        }
        let printed = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
        if printed.to_string() == lines && sha256(&output.stdout) == hash {
            tally.lines += printed;
        } else {
            tally.wrong.push(format!("{module}: prints {printed} lines, expected {lines}"));
        }
    }
    tally
}

/// Loads every module in this process, compares the hashes of its bindings, and searches for the
/// law of each jet.
fn compare_bindings(corpus: &Corpus) -> BindingTally {
    let mut expected: HashMap<String, Vec<String>> = HashMap::new();
    for [module, name, hash] in table("bindings.tsv") {
        expected.entry(module).or_default().push(format!("{name} {hash}"));
    }
    let mut tally = BindingTally::default();
    let mut laws: HashSet<(String, Hash)> = HashSet::new();
    let mut sire = prototype_session(corpus);
    for [module, ..] in table::<6>("modules.tsv") {
        if sire.load(&module).is_err() {
            // The other test checks which modules fail.
            continue;
        }
        let found: Vec<(String, Val)> = sire.definitions().collect();
        laws.extend(found.iter().filter_map(|(_, value)| named_law(sire.vm(), value)));
        // For some modules only the outcome is known.
        let Some(expected) = expected.remove(&module) else { continue };
        if found.len() != expected.len() {
            let (found, expected) = (found.len(), expected.len());
            tally.wrong.push(format!("{module}: {found} definitions, not {expected}"));
        }
        for ((name, value), expected) in found.iter().zip(&expected) {
            let name = show::symbol_text(&name.as_str().into());
            let found = format!("{name} {}", sire.vm().hash(value).expect("the value has a hash"));
            match found == *expected {
                true => tally.bindings += 1,
                false => tally.wrong.push(format!("{module}: {found}, not {expected}")),
            }
        }
    }
    tally.wrong.extend(expected.keys().map(|module| format!("{module}: its bindings are missing")));
    let is_of_prototype = |source| {
        matches!(source, jets::LawSource::PrototypeJets | jets::LawSource::PrototypeLibrary)
    };
    for law in jets::list().into_iter().filter(|law| is_of_prototype(law.source)) {
        match laws.contains(&(law.name.to_owned(), law.hash)) {
            true => tally.jets += 1,
            false => tally.wrong.push(format!("{}: no module defines {}", law.name, law.hash)),
        }
    }
    tally
}

/// A session with the prototype's library, which prints nothing.
fn prototype_session(corpus: &Corpus) -> Sire {
    let runtime = RuntimeBuilder::new().compile(CompileMode::Off).build();
    let vm: Vm = runtime.expect("the stack can be reserved").into();
    let output = SireOutput::new(std::io::sink(), Default::default());
    let library = ModuleLibrary::only(corpus.checkout.join("sire"));
    let options = SireOptions { library, cache: None, diagnostics: output.clone(), output };
    Sire::new(vm, options).expect("the heap is large enough")
}

/// The name and hash of a value, if it is a pinned law.
fn named_law(vm: &Vm, value: &Val) -> Option<(String, Hash)> {
    let Shape::Pin(pin) = vm.look(value).shape() else { return None };
    let Shape::Law(law) = pin.item().shape() else { return None };
    Some((law.name().text()?, pin.hash().ok()?))
}
