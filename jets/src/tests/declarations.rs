//! The tables are consistent.

use crate::{declarations, hashes, known_laws, library, list, table};
use plan::Hash;
use std::collections::HashSet;

/// Jets of laws that are native in our library only.
const OURS_ALONE: [&str; 2] = ["barGen", "rowToBar"];

#[test]
fn every_hash_is_one_and_stands_for_one_law() {
    let mut hashes = HashSet::new();
    let mut names = HashSet::new();
    for (name, text) in hashes::PROTOTYPE {
        let hash: Result<Hash, _> = text.parse();
        assert!(hash.is_ok(), "{name}: {text}");
        assert!(hashes.insert(text), "{name}: the hash of another law as well");
        assert!(names.insert(name), "{name}: listed twice");
    }
    assert_eq!(hashes.len(), 197);
    names.extend(OURS_ALONE);
    for (name, text) in library::LAWS {
        let hash: Result<Hash, _> = text.parse();
        assert!(hash.is_ok(), "{name}: {text}");
        assert!(hashes.insert(text), "{name}: the hash of another law as well");
        assert!(names.contains(name), "{name}: no such jet");
    }
    assert!(library::LAWS.is_sorted(), "the laws of our library should be in order");
}

#[test]
fn names_are_unique_and_known() {
    let known: HashSet<&str> = known_laws().map(|(name, _)| name).collect();
    let mut names = HashSet::new();
    for jet in declarations() {
        assert!(names.insert(jet.name), "{}: declared twice", jet.name);
        assert!(known.contains(jet.name), "{}: no law of that name", jet.name);
        assert!(!jet.demands.is_empty(), "{}: laws take arguments", jet.name);
    }
}

#[test]
fn the_list_tells_what_is_native() {
    let list = list();
    let theirs = list.iter().filter(|law| !law.ours).count();
    assert!(list.is_sorted_by_key(|law| law.name));
    let natives = list.iter().filter(|law| law.native && !law.ours).count();
    assert_eq!((natives, theirs), (197, 197), "all of the prototype's table");
    assert_eq!(natives + OURS_ALONE.len(), declarations().count());
    drop(table());
}
