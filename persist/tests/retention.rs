//! Which snapshots and which part of the log are kept.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use persist::sim::SimDisk;
use persist::{Retention, Store, StoreSettings};
use support::{freeze, payload, small};

const DAY: u64 = 86_400;

/// Writes a snapshot each day, after 10 events of 100 bytes. Returns the store.
fn days(disk: &SimDisk, count: u64, retention: Retention) -> Store {
    let settings = StoreSettings { retention, ..small() };
    let store = Store::create_on(Arc::new(disk.clone()), settings).unwrap();
    for day in 0..count {
        disk.set_seconds(1_000_000 + day * DAY);
        for n in 0..10 {
            store.append(&payload(n, 100)).unwrap();
        }
        let root = freeze(&store, day as usize, 10, &[]).unwrap();
        store.write_snapshot(&root, store.last()).unwrap();
        store.prune().unwrap();
    }
    store
}

/// The numbers of the kept snapshots.
fn kept(store: &Store) -> Vec<u64> {
    store.snapshots().iter().map(|snapshot| snapshot.generation).collect()
}

#[test]
fn the_newest_snapshots_are_kept_in_any_case() {
    let two = Retention { snapshots: 0, ..Retention::default() };
    assert_eq!(kept(&days(&SimDisk::new(), 5, two)), [5, 4]);
    assert_eq!(kept(&days(&SimDisk::new(), 5, Retention::default())), [5, 4, 3]);
    let nothing_older = Retention { age: Some(Duration::ZERO), ..Retention::default() };
    assert_eq!(kept(&days(&SimDisk::new(), 5, nothing_older)), [5, 4, 3]);
}

#[test]
fn older_snapshots_are_kept_up_to_an_age() {
    let age = Some(Duration::from_secs(4 * DAY));
    let retention = Retention { snapshots: 2, age, ..Retention::default() };
    let disk = SimDisk::new();
    let store = days(&disk, 9, retention);
    assert_eq!(kept(&store), [9, 8, 7, 6, 5]);
    // The log since the oldest of them is there.
    let oldest = store.snapshots().pop().unwrap();
    assert_eq!(store.recover_from(&oldest).unwrap().records.count(), 40);
    assert_eq!(oldest.written, 1_000_000 + 4 * DAY);
    store.close().unwrap();
    // A later run may have another rule.
    let settings = StoreSettings { retention: Retention::default(), ..small() };
    let store = Store::open_on(Arc::new(disk), settings).unwrap();
    assert_eq!(store.snapshots().pop().unwrap(), oldest);
    let root = freeze(&store, 99, 10, &[]).unwrap();
    store.write_snapshot(&root, store.last()).unwrap();
    assert_eq!(kept(&store), [10, 9, 8]);
}

#[test]
fn older_snapshots_are_kept_up_to_a_size_of_log() {
    let size = |log_bytes| Retention { snapshots: 2, log_bytes, ..Retention::default() };
    // Events of a day take 1,480 bytes in segments of 1,500, and whole segments count.
    assert_eq!(kept(&days(&SimDisk::new(), 9, size(Some(5000)))).len(), 3);
    assert_eq!(kept(&days(&SimDisk::new(), 9, size(Some(100)))).len(), 2);
    assert_eq!(kept(&days(&SimDisk::new(), 9, size(Some(1 << 30)))).len(), 9);
    // All bounds that are set count.
    let age = Some(Duration::from_secs(DAY));
    let both = Retention { age, ..size(Some(1 << 30)) };
    assert_eq!(kept(&days(&SimDisk::new(), 9, both)).len(), 2);
}
