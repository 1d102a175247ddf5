//! The laws of our library that bear a jet's name are known to the jets by their hashes.
//!
//! Jets are found by hash alone: a law whose definition was changed would just run slowly, and
//! nobody would be told. So this suite is told, and says what to write into
//! `jets/src/project_laws.rs`. Whether law and jet agree is for the suite `jet_agreement`.

use sire::{Library, Options, Output, Sire};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};
use vm::{Hash, Shape, Val, Vm};

/// The pinned laws that the library's modules define: their names and hashes.
fn pinned_laws() -> &'static BTreeSet<(String, Hash)> {
    static LAWS: OnceLock<BTreeSet<(String, Hash)>> = OnceLock::new();
    LAWS.get_or_init(|| Library::built_in().flat_map(laws_of).collect())
}

/// Those of one module. Each is loaded anew: of a module that is loaded already, Sire does not tell
/// what it defined.
fn laws_of(module: &str) -> Vec<(String, Hash)> {
    let vm = Vm::new(Default::default(), Arc::new(jets::table())).expect("a stack can be had");
    let output = Output::new(std::io::sink(), Default::default());
    let library = Library::new("/nonexistent");
    let options = Options { library, cache: None, diagnostics: output.clone(), output };
    let mut sire = Sire::new(vm, options).expect("there is room");
    sire.load(module).unwrap_or_else(|error| panic!("{module}: {error}"));
    let values: Vec<Val> = sire.definitions().map(|(_, value)| value).collect();
    values.iter().filter_map(|value| named_law(sire.vm(), value)).collect()
}

/// The name and the hash of a pinned law.
fn named_law(vm: &Vm, value: &Val) -> Option<(String, Hash)> {
    let Shape::Pin(pin) = vm.look(value).shape() else { return None };
    let Shape::Law(law) = pin.item().shape() else { return None };
    Some((law.name().text()?, pin.hash().ok()?))
}

/// The lines of the table in `jets/src/project_laws.rs` that these laws are.
fn lines<'l>(laws: impl IntoIterator<Item = (&'l str, Hash)>) -> String {
    laws.into_iter().map(|(name, hash)| format!("    (\"{name}\", \"{hash}\"),\n")).collect()
}

#[test]
fn laws_with_the_name_of_a_jet_are_known() {
    let mut known: HashMap<&str, Vec<Hash>> = HashMap::new();
    for law in jets::list() {
        known.entry(law.name).or_default().push(law.hash);
    }
    let laws = pinned_laws();
    let unknown = laws.iter().filter_map(|(name, hash)| {
        let hashes = known.get(name.as_str())?;
        (!hashes.contains(hash)).then_some((name.as_str(), *hash))
    });
    let missing = lines(unknown);
    let gone = lines(jets::list().into_iter().filter_map(|law| {
        let there = laws.contains(&(law.name.to_owned(), law.hash));
        (law.project_only && !there).then_some((law.name, law.hash))
    }));
    assert!(
        missing.is_empty() && gone.is_empty(),
        "jets/src/project_laws.rs is out of date.\n\nAdd, in order of their names:\n{missing}\n\
         Remove:\n{gone}"
    );
}

#[test]
fn most_jets_have_their_law_in_the_library() {
    let laws = pinned_laws();
    let names: BTreeSet<&str> = laws.iter().map(|(name, _)| name.as_str()).collect();
    let natives: BTreeSet<&str> =
        jets::list().iter().filter(|law| law.native).map(|law| law.name).collect();
    let absent: Vec<&str> = natives.difference(&names).copied().collect();
    // Hashes, seeds and catching crashes: not written yet.
    let unwritten = [
        "_Blake3",
        "_LoadGerm",
        "_LoadSeed",
        "_PinHash",
        "_PlanHash",
        "_SaveGerm",
        "_SaveSeed",
        "_Try",
        "_TryExp",
    ];
    assert_eq!(absent, unwritten);
}
