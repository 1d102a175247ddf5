//! The prototype's own modules: each must load, or fail, as it does there, print as many lines, and
//! bind the same names to values of the same hashes.
//!
//! Runs where `PALLAS_REFERENCE` names a checkout of the prototype.

mod common;

use common::Rig;
use sire::Library;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn facts(file: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/corpus").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn modules_load_and_bind_the_same() {
    let Some(reference) = std::env::var_os("PALLAS_REFERENCE") else {
        eprintln!("skipped: PALLAS_REFERENCE is not set");
        return;
    };
    let mut expected: HashMap<String, Vec<String>> = HashMap::new();
    for row in facts("bindings.tsv") {
        let [module, name, hash] = &row[..] else { panic!("three columns: {row:?}") };
        expected.entry(module.clone()).or_default().push(format!("{name} {hash}"));
    }
    let mut rig = Rig::new(Library::only(PathBuf::from(reference).join("sire")), None);
    let mut wrong = Vec::new();
    let (mut loaded, mut compared) = (0, 0);
    for row in facts("modules.tsv") {
        let [module, before, outcome, _, lines, _] = &row[..] else { panic!("columns: {row:?}") };
        // What is loaded already is not printed again. It need not be loadable.
        let _ = rig.sire.load(before);
        rig.out.take();
        match (rig.sire.load(module), outcome == "ok") {
            (Err(_), false) => continue,
            (Ok(()), true) => loaded += 1,
            (Ok(()), false) => wrong.push(format!("{module}: loads, but should not")),
            (Err(error), true) => wrong.push(format!("{module}: {error}")),
        }
        let found = definitions(&mut rig);
        let printed = rig.session("").lines().count().to_string();
        if lines != "-" && *lines != printed {
            wrong.push(format!("{module}: {printed} lines of output, not {lines}"));
        }
        // There are modules of which only the outcome is known.
        let Some(expected) = expected.remove(module) else { continue };
        compared += found.len();
        if found.len() != expected.len() {
            let (found, expected) = (found.len(), expected.len());
            wrong.push(format!("{module}: {found} definitions, not {expected}"));
        }
        let pairs = found.iter().zip(&expected).filter(|(found, expected)| found != expected);
        wrong.extend(pairs.map(|(found, expected)| format!("{module}: {found}, not {expected}")));
    }
    eprintln!("{loaded} modules, {compared} bindings, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(expected.is_empty(), "not loaded: {:?}", expected.keys());
}

/// The names that were defined, as they print, and the hashes of their values.
fn definitions(rig: &mut Rig) -> Vec<String> {
    let definitions: Vec<_> = rig.sire.definitions().collect();
    let lines = definitions.into_iter().map(|(name, value)| {
        let name = vm::show::symbol_text(&name.as_str().into());
        format!("{name} {}", rig.sire.vm().hash(&value))
    });
    lines.collect()
}
