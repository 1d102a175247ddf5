//! Sectors that cannot be read, and files that another process cuts short while they are in use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs::{self, OpenOptions};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use persist::inspect::{CheckReport, DamageEffect, PinVerifier};
use persist::sim::SimDisk;
use persist::{CatalogueEntry, PinError, Seq, Store, StoreInspection, StoreSettings};
use plan::pinspace::{FrozenPin, PinFault};
use plan::{EvalError, Hash, Shape};
use support::{freeze, payload, slot, vm};
use vm::Vm;

const LOG: &str = "log/00000000000000000001.log";
/// The size of a pin's bytes: a page lies within each pin.
const SIZE: usize = 9000;
const PINS: usize = 12;

fn settings() -> StoreSettings {
    StoreSettings { slot: Some(slot()), ..StoreSettings::default() }
}

fn body() -> String {
    format!("bodies/{:03}.body", slot())
}

/// Fills a store with a chain of pins (each refers to the one before), one event for each, and a
/// snapshot of the last. Returns the hashes of the pins.
fn fill(store: &Store) -> Vec<Hash> {
    let mut hashes: Vec<Hash> = Vec::new();
    for n in 0..PINS {
        let before = hashes.last().copied();
        let frozen = freeze(store, n, SIZE, before.as_slice()).unwrap();
        hashes.push(frozen.hash());
        store.append(&payload(n, 3000)).unwrap();
        if n + 1 == PINS {
            store.write_snapshot(&frozen, Seq(n as u64 + 1)).unwrap();
        }
    }
    hashes
}

fn simulated() -> (SimDisk, Vec<Hash>) {
    let disk = SimDisk::new();
    let store = Store::create_on(Arc::new(disk.clone()), settings()).unwrap();
    let hashes = fill(&store);
    store.close().unwrap();
    (disk, hashes)
}

fn open(disk: &SimDisk) -> Store {
    Store::open_on(Arc::new(disk.clone()), StoreSettings::default()).unwrap()
}

/// Returns the entry of each pin, in the order of the pins.
fn entries(store: &Store) -> Vec<CatalogueEntry> {
    let mut entries = Vec::new();
    store.each_pin(|entry| entries.push(entry.clone())).unwrap();
    entries
}

const SLOT_SIZE: u64 = plan::pinspace::range::SLOT_SIZE as u64;

/// Returns a sector of a page that lies within the pin at an offset.
fn sector_in(offset: u64) -> Range<u64> {
    let page = (offset + 64).next_multiple_of(4096);
    page..page + 512
}

/// Reads the bytes in a pin.
fn read(vm: &mut Vm, pin: &FrozenPin) -> Result<Option<Vec<u8>>, EvalError> {
    let adopted = vm.adopt(pin);
    let bytes = match vm.look(&adopted).shape() {
        Shape::Pin(pin) => pin.item().as_row().and_then(|row| row.get(1)),
        _ => None,
    };
    let bytes = bytes.and_then(|bytes| match bytes.shape() {
        Shape::Bar(bytes) => Some(bytes.to_vec()),
        _ => None,
    });
    vm.check_damage()?;
    Ok(bytes)
}

#[test]
fn an_unreadable_sector_under_a_pin_is_an_error_with_file_and_offset() {
    let (disk, _) = simulated();
    let store = open(&disk);
    let pins = entries(&store);
    drop(store);
    let offset = pins[4].address() % SLOT_SIZE;
    disk.fail_reads(&body(), sector_in(offset));
    let store = open(&disk);
    let PinError::Damaged(damage) = store.pin(&pins[4]).expect_err("unreadable") else {
        panic!("no damage")
    };
    assert_eq!((damage.path, damage.offset), (Path::new("/simulated").join(body()), offset));
    let reason = "the pin at this offset: it cannot be read: injected input/output error";
    assert_eq!(damage.reason, reason);
    // An evaluation that gets to the pin from the one above it.
    let vm = &mut vm();
    let above = store.pin(&pins[5]).unwrap();
    let above = vm.adopt(&above);
    let Shape::Pin(above) = vm.look(&above).shape() else { panic!("no pin") };
    let within = above.item().as_row().and_then(|row| row.get(2)).expect("the pin below");
    let Shape::Pin(within) = within.shape() else { panic!("no pin") };
    assert_eq!(within.item().as_u64(), Some(0), "a damaged pin reads as the pin of 0");
    match vm.check_damage() {
        Err(EvalError::Damaged(damage)) if matches!(damage.fault, PinFault::Unreadable(_)) => {
            assert_eq!(damage.place, format!("/simulated/{}, byte {offset}", body()));
        }
        other => panic!("{other:?}"),
    }
    // The other pins are there.
    let vm = &mut support::vm();
    let other = store.pin(&pins[3]).unwrap();
    assert_eq!(read(vm, &other).unwrap(), Some(payload(3, SIZE)));
}

struct AcceptAll;

impl PinVerifier for AcceptAll {
    fn pin(&mut self, _: &FrozenPin) -> Result<(), String> {
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}

fn check(disk: &SimDisk) -> CheckReport {
    StoreInspection::open_on(Arc::new(disk.clone())).unwrap().check(&mut AcceptAll).unwrap()
}

#[test]
fn a_check_goes_on_behind_unreadable_sectors() {
    let (disk, hashes) = simulated();
    let store = open(&disk);
    let pins = entries(&store);
    drop(store);
    assert_eq!(check(&disk).findings, []);
    let offset = pins[4].address() % SLOT_SIZE;
    disk.fail_reads(&body(), sector_in(offset));
    // Within the payload of the third event, and over the header of the sixth.
    let frame = |event: u64| 128 + (event - 1) * (64 + 3008);
    disk.fail_reads(LOG, frame(3) + 1000..frame(3) + 1512);
    disk.fail_reads(LOG, frame(6)..frame(6) + 8);
    let report = check(&disk);
    let effects: Vec<DamageEffect> = report.findings.iter().map(|it| it.effect).collect();
    assert_eq!(
        effects,
        [
            DamageEffect::Pin(hashes[4].0),
            DamageEffect::Events { first: 3, last: 3 },
            DamageEffect::Events { first: 6, last: 6 },
        ]
    );
    let places: Vec<u64> = report.findings.iter().map(|finding| finding.damage.offset).collect();
    assert_eq!(places, [offset, frame(3), frame(6)]);
    for finding in &report.findings {
        assert!(finding.damage.reason.contains("injected input/output error"), "{finding:?}");
    }
    assert_eq!(report.pins, PINS as u64 - 1);
    assert_eq!(report.events, PINS as u64 - 2);
    assert_eq!(report.unfinished, []);
}

#[test]
fn an_unreadable_snapshot_is_skipped_and_reported() {
    let (disk, _) = simulated();
    let name = disk.files().into_keys().find(|name| name.starts_with("snap/")).unwrap();
    disk.fail_reads(&name, 0..1);
    let recovery = open(&disk).recover().unwrap();
    assert_eq!(recovery.snapshot, None);
    assert_eq!(
        recovery.damaged[0].reason,
        "the snapshot cannot be read: injected input/output error"
    );
    let report = check(&disk);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].effect, DamageEffect::Snapshot);
}

#[test]
fn a_mapping_that_is_cut_short_while_its_pins_are_in_use_is_damage() {
    let (disk, _) = simulated();
    let store = open(&disk);
    let pins = entries(&store);
    let vm = &mut vm();
    let held: Vec<FrozenPin> = pins.iter().map(|entry| store.pin(entry).unwrap()).collect();
    for (n, pin) in held.iter().enumerate() {
        assert_eq!(read(vm, pin).unwrap(), Some(payload(n, SIZE)));
    }
    disk.cut_mapping(&body(), 32 << 10).unwrap();
    let failure = held.iter().find_map(|pin| read(vm, pin).err()).expect("a page is lost");
    let EvalError::Damaged(damage) = &failure else { panic!("{failure}") };
    let place = &damage.place;
    assert!(matches!(damage.fault, PinFault::LostPage), "{failure}");
    assert!(place.starts_with(&format!("/simulated/{}, byte ", body())), "{place}");
    // Every later use of the heap fails in the same way.
    assert_eq!(read(vm, &held[0]).unwrap_err().to_string(), failure.to_string());
    // Another heap can use what is left, and nothing else.
    let vm = &mut support::vm();
    assert_eq!(read(vm, &held[0]).unwrap(), Some(payload(0, SIZE)));
    assert!(matches!(read(vm, &held[PINS - 1]), Err(EvalError::Damaged { .. })));
}

/// Truncates a file as another process would.
fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn an_index_file_that_is_too_short_is_found_at_open_and_built_again() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("store");
    let store = Store::create_with(&dir, settings()).unwrap();
    let hashes = fill(&store);
    store.close().unwrap();
    for name in ["index/directory", "index/buckets", "index/state"] {
        let path = dir.join(name);
        let whole = fs::read(&path).unwrap();
        // The checkpointed part: the directory has one number, the buckets have one page.
        let needed = if name == "index/directory" { 4 } else { whole.len() };
        for length in [0, 1, needed / 2, needed - 1] {
            cut(&path, length as u64);
            let store = Store::open(&dir).unwrap();
            for hash in &hashes {
                let found = store.space().find(hash).unwrap();
                assert_eq!(found.expect("it is indexed").hash(), *hash, "{name} of {length}");
            }
            store.close().unwrap();
            assert!(fs::read(&path).unwrap().len() >= needed, "{name} is whole again");
        }
    }
}

#[test]
fn an_index_that_is_cut_short_while_it_is_in_use_is_built_again() {
    for name in ["index/directory", "index/buckets"] {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path().join("store");
        let store = Store::create_with(&dir, settings()).unwrap();
        let hashes = fill(&store);
        store.close().unwrap();
        let store = Store::open(&dir).unwrap();
        assert!(store.space().find(&hashes[0]).unwrap().is_some());
        cut(&dir.join(name), 0);
        store.space().find(&hashes[0]).expect_err("the index cannot be read");
        // Freezing goes on, and the next commit builds the index again.
        let new = freeze(&store, 100, 10, &[]).unwrap().hash();
        store.commit_pins().unwrap();
        for hash in hashes.iter().chain([&new]) {
            let found = store.space().find(hash).unwrap();
            assert_eq!(found.expect("it is indexed again").hash(), *hash, "{name}");
        }
        store.close().unwrap();
        let store = Store::open(&dir).unwrap();
        assert!(store.space().find(&new).unwrap().is_some());
    }
}
