//! The cache of states: it gives the same results as loading, and rejects damaged files.

mod common;

use common::TestSession;
use proptest::prelude::*;
use sire::ModuleLibrary;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ONE: &str = "#### one\n\n= (k a b) | a\n= (**twice f x) | f (f x)\n";
const TWO: &str =
    "#### two <- one\n\n:| one\n\n= (add2 x) | twice 3 x\n= t | (0 1 2 (0 0 3 0 2 1))\n";
const MAIN: &str = "#### main <- two\n\n:| two\n\n= main | 0 (add2 5) t\n";

fn modules() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [("one", ONE), ("two", TWO), ("main", MAIN)] {
        fs::write(folder.path().join(format!("{name}.sire")), text).expect("a file");
    }
    folder
}

fn rig(modules: &TempDir, cache: &Path) -> TestSession {
    TestSession::new(ModuleLibrary::only(modules.path()), Some(cache.to_owned()))
}

/// Loads `main` in a new session. Returns the output, the hash of `main`, and the warnings.
fn load(modules: &TempDir, cache: &Path) -> (String, String, String) {
    let mut rig = rig(modules, cache);
    rig.sire.load("main").expect("it loads");
    let main = rig.sire.binding("main").expect("it is defined");
    let hash = rig.sire.vm().hash(&main).expect("a finite value").to_string();
    (rig.out.take(), hash, rig.diagnostics.take())
}

fn files(cache: &Path) -> Vec<PathBuf> {
    fs::read_dir(cache).expect("the cache").map(|entry| entry.expect("a file").path()).collect()
}

#[test]
fn cached_modules_are_not_run_again() {
    let (modules, cache) = (modules(), tempfile::tempdir().expect("a temporary folder"));
    let (printed, hash, _) = load(&modules, cache.path());
    assert!(printed.contains("main="), "{printed}");
    let again = load(&modules, cache.path());
    assert_eq!(again, (String::new(), hash.clone(), String::new()));
    fs::write(modules.path().join("main.sire"), format!("{MAIN}= last 7\n")).expect("a file");
    let (printed, changed, warnings) = load(&modules, cache.path());
    assert!(printed.ends_with("last=7\n\n") && !printed.contains("add2"), "{printed}");
    assert_eq!((changed, warnings), (hash, String::new()));
}

#[test]
fn changing_a_predecessor_invalidates_the_states_after_it() {
    let (modules, cache) = (modules(), tempfile::tempdir().expect("a temporary folder"));
    let (all, hash, _) = load(&modules, cache.path());
    fs::write(modules.path().join("one.sire"), ONE.replace("| f (f x)", "| f x")).expect("a file");
    let (printed, changed, _) = load(&modules, cache.path());
    assert_eq!(printed.lines().count(), all.lines().count());
    assert_ne!(changed, hash);
}

#[test]
fn cached_definitions_can_be_inlined() {
    let (modules, cache) = (modules(), tempfile::tempdir().expect("a temporary folder"));
    let session = "(k 1 2)\n\n= (f x) | twice 3 x\n";
    let mut first = rig(&modules, cache.path());
    first.sire.load("one").expect("it loads");
    first.out.take();
    let mut second = rig(&modules, cache.path());
    second.sire.load("one").expect("it loads");
    assert_eq!(second.out.take(), "");
    let printed = second.session(session);
    assert_eq!(printed, first.session(session));
    assert!(printed.ends_with("(f a)=(3 3-a)\n\n"), "{printed}");
}

#[test]
fn an_unwritable_cache_causes_a_warning() {
    let modules = modules();
    let file = modules.path().join("one.sire");
    let (printed, _, warnings) = load(&modules, &file);
    assert!(printed.contains("main="), "{printed}");
    assert!(warnings.starts_with("warning: the cache "), "{warnings}");
}

#[test]
fn old_files_are_deleted() {
    let (modules, cache) = (modules(), tempfile::tempdir().expect("a temporary folder"));
    for round in 0..20 {
        let text = format!("{MAIN}= round {round}\n");
        fs::write(modules.path().join("main.sire"), text).expect("a file");
        load(&modules, cache.path());
    }
    assert_eq!(files(cache.path()).len(), 16);
}

#[test]
fn a_foreign_file_causes_a_warning() {
    let (modules, cache) = (modules(), tempfile::tempdir().expect("a temporary folder"));
    let (all, ..) = load(&modules, cache.path());
    for content in [&b""[..], b"something else entirely, and longer than any header would be ....."]
    {
        fs::write(&files(cache.path())[0], content).expect("a file");
        let (printed, _, warnings) = load(&modules, cache.path());
        assert_eq!(printed, all);
        assert!(warnings.contains("it is not an image of pins"), "{warnings}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_damaged_file_is_never_used(position in 0.0..1.0, bit in 0..8u32, truncate: bool) {
        let (modules, cache) = (modules(), tempfile::tempdir().expect("a temporary folder"));
        let (all, hash, _) = load(&modules, cache.path());
        let file = &files(cache.path())[0];
        let mut bytes = fs::read(file).expect("the cache");
        let at = (position * bytes.len() as f64) as usize;
        if truncate {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << bit;
        }
        fs::write(file, bytes).expect("a file");
        let (printed, again, warnings) = load(&modules, cache.path());
        prop_assert_eq!((printed, again), (all, hash));
        prop_assert!(warnings.starts_with("warning: the cache "), "{}", warnings);
        let (printed, _, warnings) = load(&modules, cache.path());
        prop_assert_eq!((printed, warnings), (String::new(), String::new()));
    }
}
