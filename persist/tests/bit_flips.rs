//! Flips bits in every file of a store. Each flip is detected before the data is used, or it is
//! harmless. A store that cannot be opened is not changed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::error::Error;
use std::sync::Arc;

use persist::collect::collect_on;
use persist::sim::{SimDisk, SurvivingWrites};
use persist::{Disk, OpenError, PinError, Store, StoreDamage, StoreReadError, StoreSettings};
use plan::Hash;
use support::{StoreAction, StoreModel, freeze, run, run_with, small, workload};

/// Creates a store with several segments, two snapshots and events after them.
fn sample() -> (SimDisk, StoreModel) {
    let disk = SimDisk::new();
    let mut actions = workload(3, 40);
    actions.extend([
        StoreAction::Snapshot { back: 2 },
        StoreAction::Append(700),
        StoreAction::Append(5),
    ]);
    actions.extend([
        StoreAction::Commit,
        StoreAction::Append(900),
        StoreAction::Append(0),
        StoreAction::Reopen,
    ]);
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

/// The outcome of opening and reading a modified store.
#[derive(Debug, PartialEq, Eq)]
enum OpenOutcome {
    /// The store was not opened.
    Refused,
    /// The store was opened, and reading it reported damage.
    Noticed,
    Harmless,
}

/// Opens a store and compares its contents with the model. Panics if any of them are wrong. `name`
/// is the modified file.
fn examine(disk: &SimDisk, model: &StoreModel, name: &str) -> OpenOutcome {
    let before = disk.files();
    let store = match Store::open_on(Arc::new(disk.clone()), small()) {
        Ok(store) => store,
        Err(error) => {
            assert!(is_about(&error, name), "{name}: {error}");
            assert!(disk.files() == before, "{name}: a failed open changed something");
            return OpenOutcome::Refused;
        }
    };
    let mut outcome = OpenOutcome::Harmless;
    let recovery = store.recover().unwrap();
    if !recovery.damaged.is_empty() {
        assert!(recovery.damaged[0].path.ends_with(name));
        outcome = OpenOutcome::Noticed;
    }
    let mut last = recovery.snapshot.map_or(0, |snapshot| snapshot.covers.0 as usize);
    for record in recovery.records {
        assert_eq!(record.unwrap().payload, model.events[last], "{name}: event {last}");
        last += 1;
    }
    assert_eq!(last, model.events.len(), "{name}");
    if examine_pins(&store, model, name) {
        outcome = OpenOutcome::Noticed;
    }
    if read_from_older_snapshots(&store, model, name) {
        outcome = OpenOutcome::Noticed;
    }
    outcome
}

/// Checks that all pins exist and are intact, or that an error names the modified file. Returns
/// whether there was an error.
fn examine_pins(store: &Store, model: &StoreModel, name: &str) -> bool {
    let mut kept = Vec::new();
    match store.each_pin(|entry| kept.push(entry.clone())) {
        Ok(()) => {}
        Err(StoreReadError::Damaged(damage)) => {
            assert!(damage.path.ends_with(name));
            return true;
        }
        Err(error) => panic!("{name}: {error}"),
    }
    let hashes: Vec<Hash> = kept.iter().map(|entry| Hash(entry.hash())).collect();
    assert_eq!(hashes, model.pins, "{name}");
    let mut noticed = false;
    for entry in kept {
        let hash = entry.hash();
        match store.pin(&entry) {
            Ok(pin) => assert_eq!(pin.hash(), Hash(hash)),
            Err(PinError::Damaged(damage)) => {
                assert!(damage.path.ends_with(name) && damage.to_string().contains(name));
                noticed = true;
            }
            Err(error) => panic!("{name}: {error}"),
        }
        // A damaged index may lose the pin, but it must not return another one.
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
        OpenError::Damaged { damage: StoreDamage { path, .. }, .. } => path,
        OpenError::NotAStore { path, .. } | OpenError::Version { path, .. } => path,
        _ => return false,
    };
    named.ends_with(name) && error.to_string().contains(name) && error.source().is_none()
}

/// Checks that the events after older snapshots are correct, or that an error names the modified
/// file. Returns whether there was an error.
fn read_from_older_snapshots(store: &Store, model: &StoreModel, name: &str) -> bool {
    let mut noticed = false;
    for snapshot in store.snapshots() {
        let covers = snapshot.covers.0 as usize;
        for (record, event) in
            store.recover_from(&snapshot).unwrap().records.zip(&model.events[covers..])
        {
            match record {
                Ok(record) => assert_eq!(record.payload, *event),
                Err(StoreReadError::Damaged(damage)) => {
                    assert!(damage.path.ends_with(name));
                    noticed = true;
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    noticed
}

/// Copies a disk and flips one bit in a byte of a file. The bit depends on the byte.
fn with_flipped_bit(disk: &SimDisk, name: &str, contents: &[u8], at: usize) -> SimDisk {
    let mut flipped = contents.to_vec();
    flipped[at] ^= 1 << ((at * 5 + at / 8) % 8);
    let copy = disk.crash(SurvivingWrites::Everything);
    copy.overwrite(name, &flipped);
    copy
}

#[test]
fn a_flipped_bit_is_detected_or_harmless() {
    let (disk, model) = sample();
    assert_eq!(
        examine(&disk.crash(SurvivingWrites::Everything), &model, ""),
        OpenOutcome::Harmless
    );
    let (mut refused, mut noticed, mut harmless) = (0, 0, 0);
    for (name, contents) in disk.files() {
        for at in 0..contents.len() {
            let copy = with_flipped_bit(&disk, &name, &contents, at);
            match examine(&copy, &model, &name) {
                OpenOutcome::Refused => refused += 1,
                OpenOutcome::Noticed => noticed += 1,
                OpenOutcome::Harmless => harmless += 1,
            }
        }
    }
    println!("{refused} refused, {noticed} noticed, {harmless} harmless");
    // Harmless are padding, seals, marks at the end, and events that every snapshot covers, so that
    // nothing reads them.
    assert!(refused > 3000 && noticed > 3000, "{refused} refused, {noticed} noticed");
}

/// Creates a store after a collection: the catalogue has gaps and begins with a copy, and the
/// bodies have holes.
fn collected_sample() -> (SimDisk, StoreModel) {
    let disk = SimDisk::new();
    let put = |size, edges| StoreAction::Put { size, edges };
    let mut actions = vec![];
    for _ in 0..4 {
        actions.extend([put(9000, 0), put(700, 0), put(300, 1), StoreAction::CommitPins]);
    }
    actions.extend([put(20, 2), StoreAction::Append(30), StoreAction::Commit]);
    actions.extend([
        StoreAction::Snapshot { back: 0 },
        StoreAction::Snapshot { back: 0 },
        StoreAction::Reopen,
    ]);
    let settings = StoreSettings { body_file: 25_000, ..small() };
    let (mut model, done) = run_with(&disk, &actions, settings);
    assert!(done);
    // The copy is not locked.
    let disk = disk.crash(SurvivingWrites::Everything);
    let before = allocated(&disk);
    let collected = collect_on(Arc::new(disk.clone()), false, &mut |_, _, _| {}).unwrap();
    assert!(collected.freed_pins > 6 && collected.gaps > 0 && !collected.no_holes);
    assert!(allocated(&disk) < before);
    let store = Store::open_on(Arc::new(disk.clone()), small()).unwrap();
    let mut kept = vec![];
    store.each_pin(|entry| kept.push(Hash(entry.hash()))).unwrap();
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

/// Freezes pins in the gaps and checks that no other pin is overwritten.
fn examine_gaps(disk: &SimDisk, name: &str) -> OpenOutcome {
    let Ok(store) = Store::open_on(Arc::new(disk.clone()), small()) else {
        return OpenOutcome::Refused;
    };
    let mut kept = Vec::new();
    // If the flip is in the catalogue, `examine` checks the error.
    let _ = store.each_pin(|entry| kept.push(entry.clone()));
    let count = |store: &Store| kept.iter().filter(|entry| store.pin(entry).is_ok()).count();
    let before = count(&store);
    let frozen = freeze(&store, 1000, 6000, &[]).and_then(|_| freeze(&store, 1001, 100, &[]));
    let outcome = match frozen.map(drop) {
        Ok(()) => OpenOutcome::Harmless,
        Err(error) => {
            assert!(error.to_string().contains(name), "{name}: {error}");
            OpenOutcome::Noticed
        }
    };
    let _ = store.close();
    // Verify again after reopening, since a pin is verified once per opening.
    let store = Store::open_on(Arc::new(disk.clone()), small());
    let store = store.unwrap_or_else(|error| panic!("{name}: it opened before: {error}"));
    assert_eq!(count(&store), before, "{name}: a pin was overwritten");
    outcome
}

#[test]
fn a_flipped_bit_in_a_collected_store_is_detected_or_harmless() {
    let (disk, model) = collected_sample();
    assert_eq!(
        examine(&disk.crash(SurvivingWrites::Everything), &model, ""),
        OpenOutcome::Harmless
    );
    let (mut refused, mut noticed, mut not_frozen) = (0, 0, 0);
    for (name, contents) in disk.files() {
        // Nothing reads holes.
        let is_used = |at: &usize| contents[at / 64 * 64..].iter().take(64).any(|byte| *byte != 0);
        let step = if name.starts_with("index/") { 97 } else { 3 };
        for at in (0..contents.len()).step_by(step).filter(is_used) {
            let copy = with_flipped_bit(&disk, &name, &contents, at);
            match examine(&copy, &model, &name) {
                OpenOutcome::Refused => refused += 1,
                OpenOutcome::Noticed => noticed += 1,
                OpenOutcome::Harmless => {}
            }
            let copy = with_flipped_bit(&disk, &name, &contents, at);
            not_frozen += usize::from(examine_gaps(&copy, &name) == OpenOutcome::Noticed);
        }
    }
    println!("{refused} refused, {noticed} noticed, {not_frozen} when a pin was frozen");
    assert!(refused > 100 && noticed > 500, "{refused} refused, {noticed} noticed");
    assert!(not_frozen > 20, "{not_frozen} flips were detected during an allocation");
}

#[test]
fn a_missing_file_is_detected() {
    let (disk, model) = sample();
    for name in disk.files().into_keys() {
        let copy = disk.crash(SurvivingWrites::Everything);
        copy.remove(&name).unwrap();
        let before = copy.files();
        match Store::open_on(Arc::new(copy.clone()), small()) {
            Err(_) => assert!(copy.files() == before),
            // The newest snapshot does not need the file.
            Ok(store) => {
                let recovery = store.recover().unwrap();
                let covers = recovery.snapshot.as_ref().map_or(0, |it| it.covers.0 as usize);
                assert_eq!(covers + recovery.records.count(), model.events.len(), "{name}");
                assert!(!name.starts_with("catalogue/"), "{name}");
                // A missing body file is detected when one of its pins is read.
                assert_eq!(examine_pins(&store, &model, &name), name.starts_with("bodies/"));
            }
        }
    }
}

/// Truncates files at every length. The loss of acknowledged events cannot always be detected, but
/// the remaining events are an intact prefix.
#[test]
fn a_truncated_file_yields_a_prefix_or_an_error() {
    let (disk, model) = sample();
    for (name, contents) in disk.files() {
        if name.starts_with("snap/") || name == "FORMAT" {
            continue;
        }
        for length in 0..contents.len() {
            let copy = disk.crash(SurvivingWrites::Everything);
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
