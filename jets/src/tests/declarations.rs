//! Consistency of the declarations and the tables of known laws.

use crate::{LawSource, declarations, known_laws, list, project_laws, prototype_laws, table};
use plan::Hash;
use std::collections::HashSet;

/// Jets that implement only laws of this project's library.
const PROJECT_ONLY: [&str; 20] = [
    "_BarListOff",
    "barFind",
    "barGen",
    "barSpanOff",
    "barToRow",
    "dec32",
    "dec64",
    "ed25519Verify",
    "fieldLines",
    "iDiv32",
    "listSort",
    "listSortBy",
    "listSortOn",
    "rowToBar",
    "sha256",
    "sha512",
    "sort",
    "sortBy",
    "sortOn",
    "sortUniq",
];

#[test]
fn hashes_parse_and_are_unique() {
    let mut hashes = HashSet::new();
    let mut names = HashSet::new();
    for (name, text) in prototype_laws::LAWS {
        let hash: Result<Hash, _> = text.parse();
        assert!(hash.is_ok(), "{name}: {text}");
        assert!(hashes.insert(text), "{name}: the hash of another law as well");
        assert!(names.insert(name), "{name}: listed twice");
    }
    assert_eq!(hashes.len(), 197);
    for (name, text) in prototype_laws::LIBRARY_LAWS {
        let hash: Result<Hash, _> = text.parse();
        assert!(hash.is_ok(), "{name}: {text}");
        assert!(hashes.insert(text), "{name}: the hash of another law as well");
        assert!(names.insert(name), "{name}: listed twice");
    }
    assert!(prototype_laws::LIBRARY_LAWS.is_sorted(), "sorted by name");
    names.extend(PROJECT_ONLY);
    for (name, text) in project_laws::LAWS.iter().chain(project_laws::EARLIER_LAWS) {
        let hash: Result<Hash, _> = text.parse();
        assert!(hash.is_ok(), "{name}: {text}");
        assert!(hashes.insert(text), "{name}: the hash of another law as well");
        assert!(names.contains(name), "{name}: no such jet");
    }
    assert!(project_laws::LAWS.is_sorted(), "the project's laws are sorted by name");
    assert!(project_laws::EARLIER_LAWS.is_sorted(), "sorted by name");
}

#[test]
fn names_are_unique_and_known() {
    let known: HashSet<&str> = known_laws().map(|law| law.name).collect();
    let mut names = HashSet::new();
    for jet in declarations() {
        assert!(names.insert(jet.name), "{}: declared twice", jet.name);
        assert!(known.contains(jet.name), "{}: no law of that name", jet.name);
        assert!(!jet.demands.is_empty(), "{}: laws take arguments", jet.name);
    }
}

#[test]
fn the_list_marks_native_laws() {
    let list = list();
    let count = |source| list.iter().filter(|law| law.source == source).count();
    assert!(list.is_sorted_by_key(|law| law.name));
    assert!(list.iter().all(|law| law.native), "every known law has a jet");
    assert_eq!(count(LawSource::PrototypeJets), 197, "all of the prototype's table");
    let prototype = 197 + count(LawSource::PrototypeLibrary);
    assert_eq!(prototype + PROJECT_ONLY.len(), declarations().count());
    drop(table());
}
