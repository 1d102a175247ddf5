//! Flips bits in every file of a store: each flip is noticed before the data is
//! used, or does not matter; and a store that cannot be opened is left as it is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::error::Error;
use std::sync::Arc;

use persist::collect::collect_on;
use persist::sim::{SimDisk, Survives};
use persist::{Damage, Disk, OpenError, PinError, ReadError, Settings, Store};
use support::{Action, Model, freeze, run, run_with, small, workload};
use vm::Hash;

/// A store with several segments, two snapshots and events after them.
fn sample() -> (SimDisk, Model) {
    let disk = SimDisk::new();
    let mut actions = workload(3, 40);
    actions.extend([Action::Snapshot { back: 2 }, Action::Append(700), Action::Append(5)]);
    actions.extend([Action::Commit, Action::Append(900), Action::Append(0), Action::Reopen]);
    let (model, done) = run(&disk, &actions);
    assert!(done);
    let names: Vec<String> = disk.files().into_keys().collect();
    for (dir, least) in
        [("log/", 2), ("snap/", 2), ("bodies/", 2), ("catalogue/", 1), ("index/", 3)]
    {
        assert!(names.iter().filter(|name| name.starts_with(dir)).count() >= least, "{names:?}");
    }
    (disk, model)
}

/// What became of a store that was tampered with.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Refused,
    /// Opened, but something was found damaged when it was read.
    Noticed,
    Harmless,
}

/// Opens a store and compares all that it gives with the model. Panics if any of
/// it is wrong; `name` is the file that was tampered with.
fn examine(disk: &SimDisk, model: &Model, name: &str) -> Outcome {
    let before = disk.files();
    let store = match Store::open_on(Arc::new(disk.clone()), small()) {
        Ok(store) => store,
        Err(error) => {
            assert!(is_about(&error, name), "{name}: {error}");
            assert!(disk.files() == before, "{name}: a failed open changed something");
            return Outcome::Refused;
        }
    };
    let mut outcome = Outcome::Harmless;
    let recovery = store.recover().unwrap();
    if !recovery.damaged.is_empty() {
        assert!(recovery.damaged[0].path.ends_with(name));
        outcome = Outcome::Noticed;
    }
    let mut last = recovery.snapshot.map_or(0, |snapshot| snapshot.covers.0 as usize);
    for record in recovery.records {
        assert_eq!(record.unwrap().payload, model.events[last], "{name}: event {last}");
        last += 1;
    }
    assert_eq!(last, model.events.len(), "{name}");
    if examine_pins(&store, model, name) {
        outcome = Outcome::Noticed;
    }
    if read_from_older_snapshots(&store, model, name) {
        outcome = Outcome::Noticed;
    }
    outcome
}

/// All pins are there and whole, or the damage is named: then true.
fn examine_pins(store: &Store, model: &Model, name: &str) -> bool {
    let mut kept = Vec::new();
    match store.each_pin(|entry| kept.push((entry.address, entry.hash))) {
        Ok(()) => {}
        Err(ReadError::Damaged(damage)) => {
            assert!(damage.path.ends_with(name));
            return true;
        }
        Err(error) => panic!("{name}: {error}"),
    }
    let hashes: Vec<Hash> = kept.iter().map(|(_, hash)| Hash(*hash)).collect();
    assert_eq!(hashes, model.pins, "{name}");
    let mut noticed = false;
    for (address, hash) in kept {
        match store.pin(address, &hash) {
            Ok(pin) => assert_eq!(pin.hash(), Hash(hash)),
            Err(PinError::Damaged(damage)) => {
                assert!(damage.path.ends_with(name) && damage.to_string().contains(name));
                noticed = true;
            }
            Err(error) => panic!("{name}: {error}"),
        }
        // The index may have lost it; what it does find is right.
        let found = store.space().find(&Hash(hash));
        assert!(
            found.is_ok_and(|found| found.is_none_or(|found| found.hash() == Hash(hash)))
                || name.starts_with("index/")
        );
    }
    noticed
}

fn is_about(error: &OpenError, name: &str) -> bool {
    let named = match error {
        OpenError::Damaged { damage: Damage { path, .. }, .. } => path,
        OpenError::NotAStore { path, .. } | OpenError::Version { path, .. } => path,
        _ => return false,
    };
    named.ends_with(name) && error.to_string().contains(name) && error.source().is_none()
}

/// The events since older snapshots are right, or the damage is named: then true.
fn read_from_older_snapshots(store: &Store, model: &Model, name: &str) -> bool {
    let mut noticed = false;
    for snapshot in store.snapshots() {
        let covers = snapshot.covers.0 as usize;
        for (record, event) in
            store.recover_from(&snapshot).unwrap().records.zip(&model.events[covers..])
        {
            match record {
                Ok(record) => assert_eq!(record.payload, *event),
                Err(ReadError::Damaged(damage)) => {
                    assert!(damage.path.ends_with(name));
                    noticed = true;
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    noticed
}

/// What is on a disk, but for a bit of one byte of a file with those contents: another one in each byte.
fn with_flipped_bit(disk: &SimDisk, name: &str, contents: &[u8], at: usize) -> SimDisk {
    let mut flipped = contents.to_vec();
    flipped[at] ^= 1 << ((at * 5 + at / 8) % 8);
    let copy = disk.crash(Survives::Everything);
    copy.overwrite(name, &flipped);
    copy
}

#[test]
fn a_flipped_bit_is_noticed_or_harmless() {
    let (disk, model) = sample();
    assert_eq!(examine(&disk.crash(Survives::Everything), &model, ""), Outcome::Harmless);
    let (mut refused, mut noticed, mut harmless) = (0, 0, 0);
    for (name, contents) in disk.files() {
        for at in 0..contents.len() {
            let copy = with_flipped_bit(&disk, &name, &contents, at);
            match examine(&copy, &model, &name) {
                Outcome::Refused => refused += 1,
                Outcome::Noticed => noticed += 1,
                Outcome::Harmless => harmless += 1,
            }
        }
    }
    println!("{refused} refused, {noticed} noticed, {harmless} harmless");
    // Harmless are: padding, seals, marks at the end, and events that every
    // snapshot covers and nobody reads.
    assert!(refused > 3000 && noticed > 3000, "{refused} refused, {noticed} noticed");
}

/// The same after a collection: the catalogue has gaps, and begins with a copy; the bodies have holes.
fn collected_sample() -> (SimDisk, Model) {
    let disk = SimDisk::new();
    let put = |size, edges| Action::Put { size, edges };
    let mut actions = vec![];
    for _ in 0..4 {
        actions.extend([put(9000, 0), put(700, 0), put(300, 1), Action::CommitPins]);
    }
    actions.extend([put(20, 2), Action::Append(30), Action::Commit]);
    actions.extend([Action::Snapshot { back: 0 }, Action::Snapshot { back: 0 }, Action::Reopen]);
    let settings = Settings { body_file: 25_000, ..small() };
    let (mut model, done) = run_with(&disk, &actions, settings);
    assert!(done);
    // Nobody has it open any more.
    let disk = disk.crash(Survives::Everything);
    let before = allocated(&disk);
    let collected = collect_on(Arc::new(disk.clone()), false, &mut |_, _, _| {}).unwrap();
    assert!(collected.freed_pins > 6 && collected.gaps > 0 && !collected.no_holes);
    assert!(allocated(&disk) < before);
    let store = Store::open_on(Arc::new(disk.clone()), small()).unwrap();
    let mut kept = vec![];
    store.each_pin(|entry| kept.push(Hash(entry.hash))).unwrap();
    assert_eq!(kept.len() as u64, collected.kept_pins);
    assert!(kept.iter().all(|hash| model.pins.contains(hash)));
    model.pins = kept;
    store.close().unwrap();
    (disk, model)
}

fn allocated(disk: &SimDisk) -> u64 {
    let names = disk.files().into_keys().filter(|name| name.starts_with("bodies/"));
    names.map(|name| disk.open(&name).unwrap().allocated().unwrap()).sum()
}

/// Freezes pins where there is room: no other pin is written over, whatever was flipped.
fn examine_gaps(disk: &SimDisk, name: &str) -> Outcome {
    let Ok(store) = Store::open_on(Arc::new(disk.clone()), small()) else {
        return Outcome::Refused;
    };
    let mut kept = Vec::new();
    // The catalogue itself may be what was flipped, and then it is another test that finds that.
    let _ = store.each_pin(|entry| kept.push((entry.address, entry.hash)));
    let count = |store: &Store| {
        let whole = |(address, hash): &&(u64, [u8; 32])| store.pin(*address, hash).is_ok();
        kept.iter().filter(whole).count()
    };
    let before = count(&store);
    let frozen = freeze(&store, 1000, 6000, &[]).and_then(|_| freeze(&store, 1001, 100, &[]));
    let outcome = match frozen.map(drop) {
        Ok(()) => Outcome::Harmless,
        Err(error) => {
            assert!(error.to_string().contains(name), "{name}: {error}");
            Outcome::Noticed
        }
    };
    let _ = store.close();
    // What was found whole before is read again, by one who has not seen it.
    let store = Store::open_on(Arc::new(disk.clone()), small());
    let store = store.unwrap_or_else(|error| panic!("{name}: it was opened before: {error}"));
    assert_eq!(count(&store), before, "{name}: a pin was written over");
    outcome
}

#[test]
fn a_flipped_bit_in_a_collected_store_is_noticed_or_harmless() {
    let (disk, model) = collected_sample();
    assert_eq!(examine(&disk.crash(Survives::Everything), &model, ""), Outcome::Harmless);
    let (mut refused, mut noticed, mut unfrozen) = (0, 0, 0);
    for (name, contents) in disk.files() {
        // Holes are read by nobody.
        let is_used = |at: &usize| contents[at / 64 * 64..].iter().take(64).any(|byte| *byte != 0);
        let step = if name.starts_with("index/") { 97 } else { 3 };
        for at in (0..contents.len()).step_by(step).filter(is_used) {
            let copy = with_flipped_bit(&disk, &name, &contents, at);
            match examine(&copy, &model, &name) {
                Outcome::Refused => refused += 1,
                Outcome::Noticed => noticed += 1,
                Outcome::Harmless => {}
            }
            let copy = with_flipped_bit(&disk, &name, &contents, at);
            unfrozen += usize::from(examine_gaps(&copy, &name) == Outcome::Noticed);
        }
    }
    println!("{refused} refused, {noticed} noticed, {unfrozen} when a pin was frozen");
    assert!(refused > 100 && noticed > 500, "{refused} refused, {noticed} noticed");
    assert!(unfrozen > 20, "{unfrozen} were found when a place was looked for");
}

#[test]
fn a_missing_file_is_noticed() {
    let (disk, model) = sample();
    for name in disk.files().into_keys() {
        let copy = disk.crash(Survives::Everything);
        copy.remove(&name).unwrap();
        let before = copy.files();
        match Store::open_on(Arc::new(copy.clone()), small()) {
            Err(_) => assert!(copy.files() == before),
            // Older than what the newest snapshot needs.
            Ok(store) => {
                let recovery = store.recover().unwrap();
                let covers = recovery.snapshot.as_ref().map_or(0, |it| it.covers.0 as usize);
                assert_eq!(covers + recovery.records.count(), model.events.len(), "{name}");
                assert!(!name.starts_with("catalogue/"), "{name}");
                // That one of several files of bodies is missing is found when a pin in it is looked at.
                assert_eq!(examine_pins(&store, &model, &name), name.starts_with("bodies/"));
            }
        }
    }
}

/// Cuts the last file of events at every length: what was acknowledged cannot
/// always be told from what was not, but what is given is a prefix, and whole.
#[test]
fn a_cut_file_gives_a_prefix_or_an_error() {
    let (disk, model) = sample();
    for (name, contents) in disk.files() {
        if name.starts_with("snap/") || name == "FORMAT" {
            continue;
        }
        for length in 0..contents.len() {
            let copy = disk.crash(Survives::Everything);
            copy.overwrite(&name, &contents[..length]);
            let before = copy.files();
            let Ok(store) = Store::open_on(Arc::new(copy.clone()), small()) else {
                assert!(copy.files() == before);
                continue;
            };
            let recovery = store.recover().unwrap();
            let covers = recovery.snapshot.map_or(0, |snapshot| snapshot.covers.0 as usize);
            for (record, event) in recovery.records.zip(&model.events[covers..]) {
                assert_eq!(record.unwrap().payload, *event);
            }
        }
    }
}
