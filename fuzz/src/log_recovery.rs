//! Whatever becomes of a store's files: it opens and gives a prefix of what was stored, or says
//! that it is damaged and leaves the files alone.
//!
//! The bytes spell what is done with a store on a simulated disk, how the power goes, and then one
//! of three things: nothing more; damage, after which everything that is given out must still be
//! right; or forgery, where the checks of what was changed are made right again. A forger can make
//! a store say anything; there it only must not panic.

use crate::terms::{below, number};
use arbitrary::Unstructured;
use persist::sim::{InjectedFault, SimDisk, Survives};
use persist::{OpenError, Recovery, Seq, Store, StoreSettings};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use vm::pinspace::{FreezeError, Frozen};
use vm::{Hash, Options, Vm};

/// What was stored.
#[derive(Default)]
struct Model {
    created: bool,
    /// In order; of these, how many are certain to survive.
    events: Vec<Vec<u8>>,
    certain: usize,
    /// In order.
    pins: Vec<Hash>,
    /// Root and events covered of each snapshot that was begun, in order of generation; of these,
    /// how many are certain to survive.
    snapshots: Vec<(Hash, Seq)>,
    certain_snapshots: usize,
}

/// How much the store's files can be trusted.
#[derive(Clone, Copy, PartialEq)]
enum Trust {
    /// They are what a crash left.
    Intact,
    /// Some bytes are different.
    Damaged,
    /// Some bytes are different, and their checks agree with that.
    Forged,
}

/// Does with a store what the bytes spell.
///
/// # Panics
/// If the store breaks its word.
pub fn check(bytes: &[u8]) {
    let bytes = &mut Unstructured::new(bytes);
    let disk = SimDisk::new();
    if below(bytes, 2) == 1 {
        let fault = [InjectedFault::PowerOff, InjectedFault::Io, InjectedFault::NoSpace]
            [usize::from(below(bytes, 3))];
        disk.fail_at(1 + u64::from(below(bytes, 120)), fault);
    }
    let trust = [Trust::Intact, Trust::Damaged, Trust::Forged][usize::from(below(bytes, 3))];
    let changes = 1 + below(bytes, 4);
    let seed = number(bytes);
    let survives = match below(bytes, 5) {
        0 => Survives::Nothing,
        1 => Survives::Everything,
        2 => Survives::UpTo(seed),
        3 => Survives::Anything(seed),
        _ => Survives::LengthsOnly,
    };
    let mut damage = Unstructured::new(bytes.bytes(16.min(bytes.len())).unwrap_or_default());
    let (model, store) = fill(&disk, bytes);
    let image = disk.crash(survives);
    // Only now: it would make everything durable.
    drop(store);
    for _ in 0..changes {
        match trust {
            Trust::Intact => {}
            Trust::Damaged => change(&image, &mut damage, false),
            Trust::Forged => change(&image, &mut damage, true),
        }
    }
    examine(&image, &model, trust);
}

/// Segments so small that every few operations begin a new one.
fn settings() -> StoreSettings {
    StoreSettings {
        log_segment: 1500,
        slot: Some(0),
        body_file: 2000,
        log_preallocation: 400,
        log_spare_files: 1,
        commit_delay: Duration::ZERO,
        keep_snapshots: 2,
        max_pending: 1 << 20,
    }
}

fn open(disk: &SimDisk) -> Result<Store, OpenError> {
    Store::open_on(Arc::new(disk.clone()), settings())
}

/// Creates a store and works on it until the bytes end, or an operation fails. The store is still
/// open, if there is one.
fn fill(disk: &SimDisk, bytes: &mut Unstructured<'_>) -> (Model, Option<Store>) {
    let mut model = Model::default();
    let Ok(mut store) = Store::create_on(Arc::new(disk.clone()), settings()) else {
        return (model, None);
    };
    model.created = true;
    while !bytes.is_empty() {
        let done = match below(bytes, 8) {
            0..=2 => append(&store, &mut model, number(bytes) as usize % 1000),
            3 => commit(&store, &mut model),
            4 | 5 => put(&store, &mut model, number(bytes) as usize % 1000),
            6 => snapshot(&store, &mut model, below(bytes, 3).into()),
            _ if below(bytes, 2) == 0 => store.prune().is_ok(),
            _ => match reopen(disk, store, &mut model) {
                Some(reopened) => {
                    store = reopened;
                    true
                }
                None => return (model, None),
            },
        };
        if !done {
            break;
        }
    }
    (model, Some(store))
}

/// Contents that tell which event or pin they belong to.
fn payload(n: usize, size: usize) -> Vec<u8> {
    (0..size).map(|i| (n * 31 + i * 7) as u8).collect()
}

fn append(store: &Store, model: &mut Model, size: usize) -> bool {
    let event = payload(model.events.len(), size);
    let appended = store.append(&event).is_ok();
    if appended {
        model.events.push(event);
    }
    appended
}

fn commit(store: &Store, model: &mut Model) -> bool {
    let done = store.commit().is_ok();
    if done {
        model.certain = model.events.len();
    }
    done
}

fn put(store: &Store, model: &mut Model, size: usize) -> bool {
    let n = model.pins.len();
    let edges = &model.pins[n.saturating_sub(size % 4)..];
    let frozen = freeze(store, &payload(n, size), edges);
    let kept = frozen.is_ok();
    model.pins.extend(frozen.map(|frozen| frozen.hash()));
    kept
}

/// Freezes a pin with these bytes that refers to these pins.
fn freeze(store: &Store, bytes: &[u8], edges: &[Hash]) -> Result<Frozen, FreezeError> {
    let options = Options { nursery: 1 << 15, max_stack: 1 << 20, ..Options::default() };
    let mut vm = Vm::new(options, Default::default()).expect("there are addresses");
    let mut items = vec![vm.bar(bytes)?];
    for edge in edges {
        let found = store.space().find(edge)?;
        items.extend(found.map(|found| vm.adopt(&found)));
    }
    let row = vm.row(&items)?;
    vm.freeze(&row, store.space())
}

fn snapshot(store: &Store, model: &mut Model, back: usize) -> bool {
    let Some(root) = model.pins.last().copied() else { return true };
    let Ok(Some(frozen)) = store.space().find(&root) else { return false };
    let earlier = model.snapshots.last().map_or(0, |snapshot| snapshot.1.0);
    let covers = Seq((model.events.len().saturating_sub(back) as u64).max(earlier));
    model.snapshots.push((root, covers));
    let written = store.write_snapshot(&frozen, covers).is_ok();
    if written {
        model.certain = model.certain.max(covers.0 as usize);
        model.certain_snapshots = model.snapshots.len();
    }
    written
}

fn reopen(disk: &SimDisk, store: Store, model: &mut Model) -> Option<Store> {
    store.close().ok()?;
    model.certain = model.events.len();
    open(disk).ok()
}

/// Changes a file, or removes it; `forge` makes its checks right again.
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
            // Removing it may fail only where it is gone already.
            let _ = persist::Disk::remove(disk, &name);
            return;
        }
    }
    if forge {
        sign(&name, &mut contents, bytes);
    }
    disk.overwrite(&name, &contents);
}

/// Sets the 8 bytes around a place to a number that may be too large for what it is.
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

/// Makes the checks of a file agree with its contents (FORMAT.md says where they are). Of a
/// segment's frames, each that is recognised as one.
fn sign(name: &str, contents: &mut [u8], bytes: &mut Unstructured<'_>) {
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

/// Opens what is left, and compares what it gives with the model.
fn examine(disk: &SimDisk, model: &Model, trust: Trust) {
    let before = disk.files();
    let store = match open(disk) {
        Ok(store) => store,
        Err(error) => {
            assert!(trust != Trust::Intact || !model.created, "a crash alone: {error}");
            assert!(disk.files() == before, "a store that was not opened was changed: {error}");
            return;
        }
    };
    let last = recovered(&store, model, trust);
    if trust == Trust::Intact {
        assert!(last.is_some_and(|last| last >= model.certain), "{last:?} events");
        let newest = store.snapshots().first().map_or(0, |snapshot| snapshot.generation as usize);
        assert!(newest >= model.certain_snapshots, "snapshot {newest} is the newest");
    }
    let known: HashSet<&Hash> = model.pins.iter().collect();
    let mut kept = Vec::new();
    // Damage of the catalogue is found by whoever reads it.
    let _ = store.each_pin(|entry| kept.push((entry.address, entry.hash)));
    for (address, hash) in kept {
        if store.pin(address, &hash).is_ok() {
            assert!(known.contains(&Hash(hash)) || trust == Trust::Forged, "a pin is different");
        }
    }
    if trust != Trust::Forged {
        go_on(disk, store, last);
    }
}

/// Reads all events; tells the last, if all can be read.
fn recovered(store: &Store, model: &Model, trust: Trust) -> Option<usize> {
    let Recovery { snapshot, records, .. } = match store.recover() {
        Ok(recovery) => recovery,
        Err(error) => {
            assert!(trust != Trust::Intact, "a crash alone: {error}");
            return None;
        }
    };
    if let Some(snapshot) = &snapshot
        && trust != Trust::Forged
    {
        let begun = model.snapshots.get(snapshot.generation as usize - 1);
        assert_eq!(begun, Some(&(Hash(snapshot.root), snapshot.covers)), "a snapshot is different");
    }
    let mut last = snapshot.map_or(0, |snapshot| snapshot.covers.0 as usize);
    for record in records {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                assert!(trust != Trust::Intact, "a crash alone: {error}");
                return None;
            }
        };
        if trust != Trust::Forged {
            assert_eq!(record.seq.0 as usize, last + 1);
            assert_eq!(model.events.get(last), Some(&record.payload), "event {}", last + 1);
        }
        last = record.seq.0 as usize;
    }
    Some(last)
}

/// What is appended to a store that could be read is there when it is opened again.
fn go_on(disk: &SimDisk, store: Store, last: Option<usize>) {
    let appended = store.append(b"after it all");
    let closed = store.close();
    let (Some(last), Ok(seq), Ok(())) = (last, appended, closed) else { return };
    assert_eq!(seq.0 as usize, last.saturating_add(1));
    let store = open(disk).expect("it was opened and closed just now");
    let recovery = store.recover().expect("it could be read just now");
    let end = recovery.records.last().expect("an event was appended").expect("and committed");
    assert_eq!((end.seq, &end.payload[..]), (seq, &b"after it all"[..]));
}
