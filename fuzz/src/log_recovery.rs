//! After a crash and any damage to its files, a store opens with a prefix of what was stored, or it
//! reports the damage and changes nothing.
//!
//! The bytes describe operations on a store on a simulated disk, a crash, and then nothing more, or
//! damage, or forgery. After damage, all data that the store returns must be correct. A forgery
//! also corrects the checksums of the changed parts. A forger can make a store return anything; it
//! only must not panic.

use crate::terms::{below, number};
use arbitrary::Unstructured;
use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{OpenError, RecoveryReport, Retention, Seq, Store, StoreSettings};
use plan::{FreezeError, pinspace::FrozenPin};
use plan::{Hash, HeapOptions};
use runtime::RuntimeBuilder;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The expected contents of the store.
#[derive(Default)]
struct ExpectedStore {
    created: bool,
    events: Vec<Vec<u8>>,
    /// Number of events that are durable.
    durable_events: usize,
    pins: Vec<Hash>,
    /// The root and the last covered event of each snapshot that was started, in order of
    /// generation.
    snapshots: Vec<(Hash, Seq)>,
    /// Number of snapshots that are durable.
    durable_snapshots: usize,
}

/// What happens to the files after the crash.
#[derive(Clone, Copy, PartialEq)]
enum Tampering {
    Nothing,
    /// Some bytes are changed.
    Damage,
    /// Some bytes are changed, and the checksums match them.
    Forgery,
}

/// Decodes the operations, the crash and the damage from the bytes, and executes them.
///
/// # Panics
/// If the store breaks a promise of its documentation.
pub fn check(bytes: &[u8]) {
    let bytes = &mut Unstructured::new(bytes);
    let disk = SimDisk::new();
    if below(bytes, 2) == 1 {
        let fault = [InjectedFault::PowerOff, InjectedFault::Io, InjectedFault::NoSpace]
            [usize::from(below(bytes, 3))];
        disk.fail_at(1 + u64::from(below(bytes, 120)), fault);
    }
    let tampering =
        [Tampering::Nothing, Tampering::Damage, Tampering::Forgery][usize::from(below(bytes, 3))];
    let changes = 1 + below(bytes, 4);
    let seed = number(bytes);
    let survives = match below(bytes, 5) {
        0 => SurvivingWrites::Nothing,
        1 => SurvivingWrites::Everything,
        2 => SurvivingWrites::UpTo(seed),
        3 => SurvivingWrites::Anything(seed),
        _ => SurvivingWrites::LengthsOnly,
    };
    let mut damage = Unstructured::new(bytes.bytes(16.min(bytes.len())).unwrap_or_default());
    let (expected, store) = fill(&disk, bytes);
    let image = disk.crash(survives);
    // Dropping the store makes everything durable, so it must outlive the crash.
    drop(store);
    for _ in 0..changes {
        match tampering {
            Tampering::Nothing => {}
            Tampering::Damage => change(&image, &mut damage, false),
            Tampering::Forgery => change(&image, &mut damage, true),
        }
    }
    check_store(&image, &expected, tampering);
}

/// Settings with segments so small that a few operations fill one.
fn settings() -> StoreSettings {
    StoreSettings {
        log_segment: 1500,
        slot: Some(0),
        body_file: 2000,
        log_preallocation: 400,
        log_spare_files: 1,
        commit_delay: Duration::ZERO,
        inline_commit: Duration::ZERO,
        retention: Retention { snapshots: 2, ..Retention::default() },
        max_pending: 1 << 20,
    }
}

fn open(disk: &SimDisk) -> Result<Store, OpenError> {
    Store::open_on(Arc::new(disk.clone()), settings())
}

/// Creates a store and executes operations until the bytes end or an operation fails. Returns the
/// store open, unless it could not be created or reopened.
fn fill(disk: &SimDisk, bytes: &mut Unstructured<'_>) -> (ExpectedStore, Option<Store>) {
    let mut expected = ExpectedStore::default();
    let Ok(mut store) = Store::create_on(Arc::new(disk.clone()), settings()) else {
        return (expected, None);
    };
    expected.created = true;
    while !bytes.is_empty() {
        let succeeded = match below(bytes, 8) {
            0..=2 => append(&store, &mut expected, number(bytes) as usize % 1000),
            3 => commit(&store, &mut expected),
            4 | 5 => put(&store, &mut expected, number(bytes) as usize % 1000),
            6 => snapshot(&store, &mut expected, below(bytes, 3).into()),
            _ if below(bytes, 2) == 0 => store.prune().is_ok(),
            _ => match reopen(disk, store, &mut expected) {
                Some(reopened) => {
                    store = reopened;
                    true
                }
                None => return (expected, None),
            },
        };
        if !succeeded {
            break;
        }
    }
    (expected, Some(store))
}

/// Contents that differ for each event or pin.
fn payload(n: usize, size: usize) -> Vec<u8> {
    (0..size).map(|i| (n * 31 + i * 7) as u8).collect()
}

fn append(store: &Store, expected: &mut ExpectedStore, size: usize) -> bool {
    let event = payload(expected.events.len(), size);
    let appended = store.append(&event).is_ok();
    if appended {
        expected.events.push(event);
    }
    appended
}

fn commit(store: &Store, expected: &mut ExpectedStore) -> bool {
    let committed = store.commit().is_ok();
    if committed {
        expected.durable_events = expected.events.len();
    }
    committed
}

fn put(store: &Store, expected: &mut ExpectedStore, size: usize) -> bool {
    let n = expected.pins.len();
    let edges = &expected.pins[n.saturating_sub(size % 4)..];
    let frozen = freeze(store, &payload(n, size), edges);
    let succeeded = frozen.is_ok();
    expected.pins.extend(frozen.map(|frozen| frozen.hash()));
    succeeded
}

/// Freezes a pin that contains these bytes and the pins with these hashes.
fn freeze(store: &Store, bytes: &[u8], edges: &[Hash]) -> Result<FrozenPin, FreezeError> {
    let options = HeapOptions { nursery: 1 << 15, max_stack: 1 << 20, ..HeapOptions::default() };
    let mut vm = RuntimeBuilder::bare().heap(options).build().expect("the stack can be reserved");
    let mut items = vec![vm.bar(bytes)?];
    for edge in edges {
        let found = store.space().find(edge)?;
        items.extend(found.map(|found| vm.adopt(&found)));
    }
    let row = vm.row(&items)?;
    vm.freeze(&row, store.space())
}

fn snapshot(store: &Store, expected: &mut ExpectedStore, back: usize) -> bool {
    let Some(root) = expected.pins.last().copied() else { return true };
    let Ok(Some(frozen)) = store.space().find(&root) else { return false };
    let earlier = expected.snapshots.last().map_or(0, |snapshot| snapshot.1.0);
    let covers = Seq((expected.events.len().saturating_sub(back) as u64).max(earlier));
    expected.snapshots.push((root, covers));
    let written = store.write_snapshot(&frozen, covers).is_ok();
    if written {
        expected.durable_events = expected.durable_events.max(covers.0 as usize);
        expected.durable_snapshots = expected.snapshots.len();
    }
    written
}

fn reopen(disk: &SimDisk, store: Store, expected: &mut ExpectedStore) -> Option<Store> {
    store.close().ok()?;
    expected.durable_events = expected.events.len();
    open(disk).ok()
}

/// Changes or removes a file. `forge` corrects its checksums afterwards.
fn change(disk: &SimDisk, bytes: &mut Unstructured<'_>, forge: bool) {
    let files: Vec<(String, Vec<u8>)> = disk.files().into_iter().collect();
    let Some((name, mut contents)) =
        files.into_iter().nth(usize::from(below(bytes, 255)) % disk.files().len().max(1))
    else {
        return;
    };
    let at = number(bytes) as usize % contents.len().max(1);
    match below(bytes, 8) {
        _ if contents.is_empty() => contents = vec![below(bytes, 255)],
        0..=2 => contents[at] ^= 1 << below(bytes, 8),
        3 => contents.truncate(at),
        4 => contents.extend(vec![below(bytes, 255); usize::from(below(bytes, 255))]),
        5 => contents[at..].fill(below(bytes, 255)),
        6 if forge => set_field(&mut contents, at, bytes),
        6 => contents.rotate_left(at),
        _ => {
            // This fails only if the file was removed before.
            let _ = persist::Disk::remove(disk, &name);
            return;
        }
    }
    if forge {
        correct_checksums(&name, &mut contents, bytes);
    }
    disk.overwrite(&name, &contents);
}

/// Sets the 8-byte field at an offset to a number that may be out of range.
fn set_field(contents: &mut [u8], at: usize, bytes: &mut Unstructured<'_>) {
    let value = match below(bytes, 4) {
        0 => u64::from(below(bytes, 8)),
        1 => u64::MAX - u64::from(below(bytes, 100)),
        2 => 1 << below(bytes, 64),
        _ => number(bytes),
    };
    if let Some(field) = contents.get_mut(at - at % 8..).and_then(|rest| rest.get_mut(..8)) {
        field.copy_from_slice(&value.to_le_bytes());
    }
}

/// Corrects the checksums of a file, at the offsets that `persist/FORMAT.md` documents: that of the
/// header, and those of every frame that is recognised.
fn correct_checksums(name: &str, contents: &mut [u8], bytes: &mut Unstructured<'_>) {
    let short = |hash: blake3::Hash| <[u8; 16]>::try_from(&hash.as_bytes()[..16]);
    let covered = if name == "FORMAT" { 48 } else { 112 };
    if contents.len() < covered + 16 {
        return;
    }
    if let Ok(check) = short(blake3::hash(&contents[..covered])) {
        contents[covered..covered + 16].copy_from_slice(&check);
    }
    let Ok(key) = <[u8; 32]>::try_from(&contents[48.min(contents.len() - 32)..][..32]) else {
        return;
    };
    let payloads_too = below(bytes, 2) == 0;
    for at in (128..contents.len().saturating_sub(63)).step_by(16) {
        if contents[at..at + 4] != [0xF7, 0x50, 0x4C, 0x4E] {
            continue;
        }
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(&(at as u64).to_le_bytes()).update(&contents[at..at + 32]);
        let Ok(check) = short(hasher.finalize()) else { continue };
        contents[at + 32..at + 48].copy_from_slice(&check);
        let mut length = [0; 8];
        length.copy_from_slice(&contents[at + 24..at + 32]);
        let end = usize::try_from(u64::from_le_bytes(length)).ok();
        let end = end.and_then(|length| length.checked_add(at + 64));
        if let Some(payload) = end.and_then(|end| contents.get(at + 64..end))
            && payloads_too
        {
            let mut hasher = blake3::Hasher::new_keyed(&key);
            let Ok(check) = short(hasher.update(&check).update(payload).finalize()) else {
                continue;
            };
            contents[at + 48..at + 64].copy_from_slice(&check);
        }
    }
}

/// Opens the store, and compares its contents with the expected ones.
fn check_store(disk: &SimDisk, expected: &ExpectedStore, tampering: Tampering) {
    let before = disk.files();
    let store = match open(disk) {
        Ok(store) => store,
        Err(error) => {
            assert!(tampering != Tampering::Nothing || !expected.created, "a crash alone: {error}");
            assert!(disk.files() == before, "a store that did not open was changed: {error}");
            return;
        }
    };
    let last = check_events(&store, expected, tampering);
    if tampering == Tampering::Nothing {
        assert!(last.is_some_and(|last| last >= expected.durable_events), "{last:?} events");
        let newest = store.snapshots().first().map_or(0, |snapshot| snapshot.generation as usize);
        assert!(newest >= expected.durable_snapshots, "the newest snapshot is {newest}");
    }
    let known: HashSet<&Hash> = expected.pins.iter().collect();
    let mut entries = Vec::new();
    // Damage of the catalogue ends the iteration with an error.
    let _ = store.each_pin(|entry| entries.push(entry.clone()));
    for entry in entries {
        if store.pin(&entry).is_ok() {
            assert!(
                known.contains(&Hash(entry.hash())) || tampering == Tampering::Forgery,
                "a pin differs"
            );
        }
    }
    if tampering != Tampering::Forgery {
        check_append(disk, store, last);
    }
}

/// Reads all events. Returns the number of the last one, or None if one cannot be read.
fn check_events(store: &Store, expected: &ExpectedStore, tampering: Tampering) -> Option<usize> {
    let RecoveryReport { snapshot, records, .. } = match store.recover() {
        Ok(recovery) => recovery,
        Err(error) => {
            assert!(tampering != Tampering::Nothing, "a crash alone: {error}");
            return None;
        }
    };
    if let Some(snapshot) = &snapshot
        && tampering != Tampering::Forgery
    {
        let started = expected.snapshots.get(snapshot.generation as usize - 1);
        assert_eq!(started, Some(&(Hash(snapshot.root), snapshot.covers)), "a snapshot differs");
    }
    let mut last = snapshot.map_or(0, |snapshot| snapshot.covers.0 as usize);
    for record in records {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                assert!(tampering != Tampering::Nothing, "a crash alone: {error}");
                return None;
            }
        };
        if tampering != Tampering::Forgery {
            assert_eq!(record.seq.0 as usize, last + 1);
            assert_eq!(expected.events.get(last), Some(&record.payload), "event {}", last + 1);
        }
        last = record.seq.0 as usize;
    }
    Some(last)
}

/// An event that is appended to a readable store is present when the store is opened again.
fn check_append(disk: &SimDisk, store: Store, last: Option<usize>) {
    let appended = store.append(b"appended later");
    let closed = store.close();
    let (Some(last), Ok(seq), Ok(())) = (last, appended, closed) else { return };
    assert_eq!(seq.0 as usize, last.saturating_add(1));
    let store = open(disk).expect("the store was open before");
    let recovery = store.recover().expect("the store was readable before");
    let end =
        recovery.records.last().expect("an event was appended").expect("the event was committed");
    assert_eq!((end.seq, &end.payload[..]), (seq, &b"appended later"[..]));
}
