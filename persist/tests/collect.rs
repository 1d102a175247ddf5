//! Collecting a store on the real file system, also while it is in use or damaged.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use persist::collect::{CollectError, CollectStats, collect};
use persist::inspect::PinVerifier;
use persist::{OpenError, Seq, Store, StoreInspection, StoreSettings};
use plan::Hash;
use plan::pinspace::FrozenPin;
use support::{freeze, small};

/// Accepts every pin.
struct AcceptAll;

impl PinVerifier for AcceptAll {
    fn pin(&mut self, _: &FrozenPin) -> Result<(), String> {
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}

fn settings() -> StoreSettings {
    StoreSettings { log_segment: 1 << 20, body_file: 1 << 30, ..small() }
}

fn run(dir: &Path, dry_run: bool) -> Result<CollectStats, CollectError> {
    collect(dir, dry_run, &mut |_, _, _| {})
}

/// Freezes `count` pins of 20,000 bytes, writes a snapshot of them and of `others`, and returns
/// both.
fn snapshot(store: &Store, first: usize, count: usize, others: &[Hash]) -> Vec<Hash> {
    let mut pins = others.to_vec();
    for n in first..first + count {
        pins.push(freeze(store, n, 20_000, &[]).unwrap().hash());
    }
    let root = freeze(store, first + 1_000_000, 10, &pins).unwrap();
    store.write_snapshot(&root, Seq::START).unwrap();
    pins
}

/// Creates a store in which half of the pins are garbage. Returns the others.
fn half_garbage(dir: &Path) -> Vec<Hash> {
    let store = Store::create_with(dir, settings()).unwrap();
    let all = snapshot(&store, 0, 60, &[]);
    let kept: Vec<Hash> = all.iter().copied().step_by(2).collect();
    // Two snapshots are kept, so the first one is removed.
    snapshot(&store, 100, 1, &kept);
    let kept = snapshot(&store, 200, 1, &kept);
    store.close().unwrap();
    kept
}

fn check(dir: &Path, kept: &[Hash]) {
    let report = StoreInspection::open(dir).unwrap().check(&mut AcceptAll).unwrap();
    assert_eq!(report.findings, []);
    assert!(report.snapshots.iter().all(|state| state.is_whole()));
    let store = Store::open_with(dir, settings()).unwrap();
    for hash in kept {
        assert!(store.space().find(hash).unwrap().is_some());
    }
}

fn body_bytes(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir.join("bodies")).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn garbage_is_freed_and_its_space_reused() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let dir = dir.path().join("store");
    let kept = half_garbage(&dir);
    let usage = StoreInspection::open(&dir).unwrap().usage().unwrap();
    let before = std::fs::read_dir(dir.join("catalogue")).unwrap().count();

    let dry = run(&dir, true).unwrap();
    assert_eq!(dry.freed_pins, usage.garbage_pins);
    assert_eq!((dry.freed_pins, dry.disk_after), (31, dry.disk_before));
    assert_eq!(std::fs::read_dir(dir.join("catalogue")).unwrap().count(), before);

    let done = run(&dir, false).unwrap();
    assert_eq!((done.freed_pins, done.kept_pins), (dry.freed_pins, dry.kept_pins));
    assert!(done.no_holes || done.disk_before - done.disk_after > 30 * 15_000, "{done:?}");
    check(&dir, &kept);
    let usage = StoreInspection::open(&dir).unwrap().usage().unwrap();
    assert_eq!((usage.pins, usage.garbage_pins), (done.kept_pins, 0));

    let again = run(&dir, false).unwrap();
    assert_eq!((again.freed_pins, again.kept_pins), (0, done.kept_pins));

    let length = body_bytes(&dir);
    let store = Store::open_with(&dir, settings()).unwrap();
    let kept = snapshot(&store, 300, 25, &kept);
    store.close().unwrap();
    assert_eq!(body_bytes(&dir), length, "gaps were filled");
    check(&dir, &kept);
}

#[test]
fn a_store_in_use_is_not_collected() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("store");
    half_garbage(&dir);
    let store = Store::open_with(&dir, settings()).unwrap();
    let refused = run(&dir, false).unwrap_err();
    assert!(matches!(refused, CollectError::Open(OpenError::InUse { .. })), "{refused}");
    assert!(refused.to_string().contains("in use"), "{refused}");
    drop(store);
    assert!(run(&dir, false).is_ok());
}

#[test]
fn nothing_is_freed_while_a_snapshot_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("store");
    half_garbage(&dir);
    let snapshots = std::fs::read_dir(dir.join("snap")).unwrap();
    let path = snapshots.map(|file| file.unwrap().path()).min().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[70] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    let refused = run(&dir, false).unwrap_err();
    assert!(matches!(refused, CollectError::Snapshot(_)), "{refused}");
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(run(&dir, false).unwrap().freed_pins, 31);
}

#[test]
fn a_store_without_a_snapshot_is_not_collected() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("store");
    let store = Store::create_with(&dir, settings()).unwrap();
    freeze(&store, 1, 10, &[]).unwrap();
    store.close().unwrap();
    assert!(matches!(run(&dir, false), Err(CollectError::NoSnapshot { .. })));
}
