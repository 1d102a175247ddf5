//! Modules: each prints to the byte what it printed, or fails; each binds what it bound.

use crate::{Corpus, facts, sha256};
use sire::{Library, Options, Output, Sire};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tests::{Laws, stderr};
use vm::{Hash, Shape, Val, Vm};

fn modules_print_what_they_did(laws: Laws) {
    let Some(corpus) = Corpus::open(laws) else { return };
    let mut printed = Printed::default();
    print_all(&corpus, &mut printed);
    let Printed { loaded, failed, lines, wrong } = printed;
    let count = wrong.len();
    corpus.tell(&format!(
        "{loaded} modules load and {failed} fail as they did; {lines} lines equal, {count} wrong"
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((loaded, failed), (82, 54));
}

tests::in_every_way! { modules_print_what_they_did }

#[test]
fn modules_bind_what_they_did() {
    let Some(corpus) = Corpus::open(Laws::Interpreted) else { return };
    let Bound { bindings, jets, wrong } = bind_all(&corpus);
    let count = wrong.len();
    corpus.tell(&format!("{bindings} bindings equal, {jets} jets found, {count} wrong"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((bindings, jets), (3111, 197));
}

/// What is printed as it was, and what is not.
#[derive(Default)]
struct Printed {
    loaded: usize,
    failed: usize,
    lines: usize,
    wrong: Vec<String>,
}

/// What is bound as it was, and what is not.
#[derive(Default)]
struct Bound {
    bindings: usize,
    jets: usize,
    wrong: Vec<String>,
}

/// Loads every module with everything before it in the cache, and compares what is printed.
fn print_all(corpus: &Corpus, tally: &mut Printed) {
    let mut last = "-".to_owned();
    for [module, before, outcome, _, lines, hash] in facts("modules.tsv") {
        if before != "-" && before != last {
            // It need not be loadable.
            corpus.session(&before, "");
        }
        last.clone_from(&module);
        let output = corpus.session(&module, "");
        let (code, told) = (output.status.code(), stderr(&output));
        if outcome != "ok" {
            let reason = told.starts_with("pallas: ") && !told.contains("jet mismatch");
            match reason && matches!(code, Some(1 | 2)) {
                true => tally.failed += 1,
                false => tally.wrong.push(format!("{module}: should fail, not {code:?}: {told}")),
            }
            continue;
        }
        if code != Some(0) || !told.is_empty() {
            tally.wrong.push(format!("{module}: ends with {code:?}: {told}"));
            continue;
        }
        tally.loaded += 1;
        // There are modules of which only the outcome is known.
        if lines == "-" {
            continue;
        }
        let printed = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
        if printed.to_string() == lines && sha256(&output.stdout) == hash {
            tally.lines += printed;
        } else {
            tally.wrong.push(format!("{module}: prints {printed} lines, where {lines} were"));
        }
    }
}

/// Loads every module in a process, compares the hashes of what it binds, and looks for the laws
/// that jets stand for.
fn bind_all(corpus: &Corpus) -> Bound {
    let mut expected: HashMap<String, Vec<String>> = HashMap::new();
    for [module, name, hash] in facts("bindings.tsv") {
        expected.entry(module).or_default().push(format!("{name} {hash}"));
    }
    let mut tally = Bound::default();
    let mut laws: HashSet<(String, Hash)> = HashSet::new();
    let mut sire = new_sire(corpus);
    for [module, ..] in facts::<6>("modules.tsv") {
        if sire.load(&module).is_err() {
            // Whether it should is for the other tests.
            continue;
        }
        let found: Vec<(String, Val)> = sire.definitions().collect();
        laws.extend(found.iter().filter_map(|(_, value)| named_law(sire.vm(), value)));
        // There are modules of which only the outcome is known.
        let Some(expected) = expected.remove(&module) else { continue };
        if found.len() != expected.len() {
            let (found, expected) = (found.len(), expected.len());
            tally.wrong.push(format!("{module}: {found} definitions, not {expected}"));
        }
        for ((name, value), expected) in found.iter().zip(&expected) {
            let name = vm::show::symbol_text(&name.as_str().into());
            let found = format!("{name} {}", sire.vm().hash(value).expect("a value that ends"));
            match found == *expected {
                true => tally.bindings += 1,
                false => tally.wrong.push(format!("{module}: {found}, not {expected}")),
            }
        }
    }
    tally.wrong.extend(expected.keys().map(|module| format!("{module}: its bindings are missing")));
    for law in jets::list().into_iter().filter(|law| !law.project_only) {
        match laws.contains(&(law.name.to_owned(), law.hash)) {
            true => tally.jets += 1,
            false => tally.wrong.push(format!("{}: no module defines {}", law.name, law.hash)),
        }
    }
    tally
}

/// A Sire that knows the prototype's modules only, and prints nothing.
fn new_sire(corpus: &Corpus) -> Sire {
    let vm = Vm::new(Default::default(), Arc::new(jets::table())).expect("a stack can be had");
    let output = Output::new(std::io::sink(), Default::default());
    let library = Library::only(corpus.reference.join("sire"));
    let options = Options { library, cache: None, diagnostics: output.clone(), output };
    Sire::new(vm, options).expect("there is room")
}

/// The name and the hash of a pinned law.
fn named_law(vm: &Vm, value: &Val) -> Option<(String, Hash)> {
    let Shape::Pin(pin) = vm.look(value).shape() else { return None };
    let Shape::Law(law) = pin.item().shape() else { return None };
    Some((law.name().text()?, pin.hash().ok()?))
}
