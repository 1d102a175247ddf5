//! Each law of our library with the name of a jet is found by its hash.
//!
//! Jets are found by hash alone. If the definition of a law changed, the law would lose its jet and
//! only run slower, without any error. This suite fails instead, and prints the lines to write into
//! `jets/src/project_laws.rs`. The suite `jet_agreement` checks that laws and jets agree.

use plan::{Hash, Shape, Val};
use sire::ModuleLibrary;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;
use tests::interpreted_session;
use vm::Vm;

/// Names and hashes of the pinned laws that the modules of the library define.
fn pinned_laws() -> &'static BTreeSet<(String, Hash)> {
    static LAWS: OnceLock<BTreeSet<(String, Hash)>> = OnceLock::new();
    LAWS.get_or_init(|| ModuleLibrary::built_in().flat_map(laws_of).collect())
}

/// [`pinned_laws`] of one module. Each module gets a session of its own, because a session does not
/// list the definitions of a module that it loaded before as a dependency.
fn laws_of(module: &str) -> Vec<(String, Hash)> {
    let mut sire = interpreted_session(module);
    let values: Vec<Val> = sire.definitions().map(|(_, value)| value).collect();
    values.iter().filter_map(|value| named_law(sire.vm(), value)).collect()
}

/// The name and hash of a value, if it is a pinned law.
fn named_law(vm: &Vm, value: &Val) -> Option<(String, Hash)> {
    let Shape::Pin(pin) = vm.look(value).shape() else { return None };
    let Shape::Law(law) = pin.item().shape() else { return None };
    Some((law.name().text()?, pin.hash().ok()?))
}

/// The lines for these laws in the table of `jets/src/project_laws.rs`.
fn table_lines<'l>(laws: impl IntoIterator<Item = (&'l str, Hash)>) -> String {
    laws.into_iter().map(|(name, hash)| format!("    (\"{name}\", \"{hash}\"),\n")).collect()
}

#[test]
fn laws_with_the_name_of_a_jet_have_known_hashes() {
    let mut known: HashMap<&str, Vec<Hash>> = HashMap::new();
    for law in jets::list() {
        known.entry(law.name).or_default().push(law.hash);
    }
    let laws = pinned_laws();
    let unknown = laws.iter().filter_map(|(name, hash)| {
        let hashes = known.get(name.as_str())?;
        (!hashes.contains(hash)).then_some((name.as_str(), *hash))
    });
    let missing = table_lines(unknown);
    let obsolete = table_lines(jets::list().into_iter().filter_map(|law| {
        let is_defined = laws.contains(&(law.name.to_owned(), law.hash));
        (law.source == jets::LawSource::Project && !is_defined).then_some((law.name, law.hash))
    }));
    assert!(
        missing.is_empty() && obsolete.is_empty(),
        "jets/src/project_laws.rs is out of date.\n\nAdd, in the order of names:\n{missing}\n\
         Remove:\n{obsolete}"
    );
}

#[test]
fn most_jets_have_their_law_in_the_library() {
    let laws = pinned_laws();
    let names: BTreeSet<&str> = laws.iter().map(|(name, _)| name.as_str()).collect();
    let natives: BTreeSet<&str> =
        jets::list().iter().filter(|law| law.native).map(|law| law.name).collect();
    let absent: Vec<&str> = natives.difference(&names).copied().collect();
    // The library has no hashes of values, seeds and catching of crashes in expressions yet.
    let not_in_library =
        ["_LoadGerm", "_LoadSeed", "_PinHash", "_PlanHash", "_SaveGerm", "_SaveSeed", "_TryExp"];
    assert_eq!(absent, not_in_library);
}
