//! Pins that are frozen into files and found after reopening.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use persist::{CreateError, OpenError, Seq, Store, StoreSettings};
use plan::{Hash, Shape, Val, plain};
use spec::Term;
use spec::generate::TermGenerator;
use support::{freeze, slot, vm};
use vm::Vm;

fn create(path: &std::path::Path) -> Store {
    try_create(path).expect("made")
}

fn try_create(path: &std::path::Path) -> Result<Store, CreateError> {
    Store::create_with(path, StoreSettings { slot: Some(slot()), ..StoreSettings::default() })
}

fn terms() -> impl Iterator<Item = Term> {
    let mut generator = TermGenerator::new(11);
    (0..300).map(move |index| generator.term(1 + index % 60))
}

fn pin_of(vm: &mut Vm, term: &Term) -> Val {
    let value = plain::from_term(vm, term).expect("a value");
    vm.pin(&value).expect("room")
}

#[test]
fn pins_are_found_after_reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("pins");
    let mut kept: Vec<(Hash, usize)> = Vec::new();
    {
        let files = create(&path);
        let vm = &mut vm();
        for (number, term) in terms().enumerate() {
            let pin = pin_of(vm, &term);
            let frozen = vm.freeze(&pin, files.space()).expect("room");
            kept.push((frozen.hash(), frozen.address()));
            if number % 50 == 0 {
                files.commit_pins().expect("room");
            }
        }
        files.close().expect("room");
    }
    let files = Store::open(&path).expect("opens");
    let vm = &mut vm();
    for (term, (hash, address)) in terms().zip(&kept) {
        let frozen = files.space().find(hash).expect("read").expect("it is there");
        assert_eq!(frozen.address(), *address);
        let pin = vm.adopt(&frozen);
        let Shape::Pin(pin) = vm.look(&pin).shape() else { panic!("not a pin") };
        assert_eq!(plain::to_term(pin.item()), term);
        // An existing pin is not written again.
        let again = pin_of(vm, &term);
        assert_eq!(vm.freeze(&again, files.space()).expect("room").address(), *address);
    }
    let mut seen = std::collections::HashSet::new();
    let visit = |entry: &persist::CatalogueEntry| {
        assert!(entry.edges().iter().all(|edge| seen.contains(edge)), "edges come first");
        seen.insert(entry.address());
    };
    files.each_pin(visit).expect("a whole catalogue");
    assert!(kept.iter().all(|(_, address)| seen.contains(&(*address as u64))));
}

#[test]
fn pins_continue_in_another_slot_when_one_is_full() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("pins");
    let settings =
        StoreSettings { slot: Some(slot()), body_file: 5000, ..StoreSettings::default() };
    let files = Store::create_with(&path, settings.clone()).expect("made");
    let sizes = [100, 4000, 3000, 10, 20_000, 10, 900, 4700, 1];
    let mut before = vec![];
    for (number, size) in sizes.into_iter().enumerate() {
        before.push(freeze(&files, number, size, &before).expect("room").hash());
    }
    let root = files.space().find(&before[8]).expect("read").expect("there");
    files.write_snapshot(&root, Seq::START).expect("room");
    drop(root);
    files.close().expect("room");
    let lengths = || -> Vec<u64> {
        let names = std::fs::read_dir(path.join("bodies")).expect("read");
        let length = |name: std::io::Result<std::fs::DirEntry>| name?.metadata();
        let mut found: Vec<u64> = names.map(|name| length(name).expect("read").len()).collect();
        found.sort_unstable();
        found
    };
    let found = lengths();
    // The large pin has a file of its own, and no other file exceeds the limit.
    assert!(found.len() >= 4 && found[found.len() - 2] <= 5000, "{found:?}");
    assert!((20_000..21_000).contains(&found[found.len() - 1]), "{found:?}");
    let files = Store::open_with(&path, settings).expect("opens");
    for hash in &before {
        assert_eq!(files.space().find(hash).expect("read").expect("there").hash(), *hash);
    }
    // The store continues in the newest slot.
    freeze(&files, 100, 200, &before).expect("room");
    files.close().expect("room");
    assert!(lengths().len() <= found.len() + 1);
}

#[test]
fn uncommitted_pins_are_lost_and_overwritten_after_a_crash() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("pins");
    create(&path).close().expect("room");
    let copy = dir.path().join("copy");
    let first = {
        let files = Store::open(&path).expect("opens");
        let vm = &mut vm();
        let pin = pin_of(vm, &Term::from(1).pin());
        vm.freeze(&pin, files.space()).expect("room");
        files.commit_pins().expect("room");
        let lost = pin_of(vm, &Term::from(2));
        let lost = vm.freeze(&lost, files.space()).expect("room");
        // The files as a crash of the process leaves them.
        copy_dir(&path, &copy);
        lost
    };
    drop(first.clone());
    let hash = first.hash();
    drop(first);
    let files = Store::open(&copy).expect("opens");
    assert!(files.space().find(&hash).expect("read").is_none());
    let vm = &mut vm();
    let other = pin_of(vm, &Term::from(3));
    let other = vm.freeze(&other, files.space()).expect("room");
    files.commit_pins().expect("room");
    assert!(files.space().find(&other.hash()).expect("read").is_some());
}

fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("read").is_dir() {
            copy_dir(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).expect("copied");
        }
    }
}

#[test]
fn a_flipped_bit_in_a_body_is_detected_before_the_pin_is_used() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("pins");
    let hash = {
        let files = create(&path);
        let vm = &mut vm();
        let pin = pin_of(vm, &Term::parse("({5 9 0} 1 2 {1 1 353})").expect("a term"));
        let frozen = vm.freeze(&pin, files.space()).expect("room");
        files.commit_pins().expect("room");
        frozen.hash()
    };
    let bodies = std::fs::read_dir(path.join("bodies")).expect("read");
    let body = bodies.map(|entry| entry.expect("read").path()).next().expect("a file");
    let whole = std::fs::read(&body).expect("read");
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(&body, &flipped).expect("written");
        match Store::open(&path) {
            Err(OpenError::Damaged { .. } | OpenError::Version { .. }) => {
                assert!(at < 64, "the header")
            }
            Err(other) => panic!("{other}"),
            Ok(files) => {
                assert!(at >= 64, "the header");
                assert!(files.space().find(&hash).expect("read").is_none(), "byte {at}");
            }
        }
    }
}

#[test]
fn two_stores_with_the_same_slot_cannot_be_open_together() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("pins");
    let files = create(&path);
    assert!(matches!(Store::open(&path), Err(OpenError::InUse { .. })));
    let copy = dir.path().join("copy");
    copy_dir(&path, &copy);
    assert!(matches!(Store::open(&copy), Err(OpenError::Range { .. })));
    files.close().expect("room");
    assert!(Store::open(&copy).is_ok());
}
