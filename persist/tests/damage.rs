//! The line between a torn tail, which is truncated, and damage, which is reported.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{OpenError, Seq, Store, StoreDamage, StoreSettings};
use support::{freeze, slot};

const LOG: &str = "log/00000000000000000001.log";
const CATALOGUE: &str = "catalogue/00000000000000000001.cat";
/// The lengths of the headers of a segment and of a frame, in bytes (FORMAT.md).
const HEADER: usize = 128;
const FRAME: usize = 64;

fn open(disk: &SimDisk) -> Result<Store, OpenError> {
    Store::open_on(Arc::new(disk.clone()), StoreSettings::default())
}

fn create() -> (SimDisk, Store) {
    let disk = SimDisk::new();
    let settings = StoreSettings { slot: Some(slot()), ..StoreSettings::default() };
    let store = Store::create_on(Arc::new(disk.clone()), settings).unwrap();
    (disk, store)
}

/// Returns the disk after a loss of power, with one file changed.
fn tampered(disk: &SimDisk, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> SimDisk {
    let image = disk.crash(SurvivingWrites::Nothing);
    let mut contents = image.files()[name].clone();
    change(&mut contents);
    image.overwrite(name, &contents);
    image
}

fn events(disk: &SimDisk) -> Vec<Vec<u8>> {
    let store = open(disk).unwrap();
    let records = store.recover().unwrap().records;
    records.map(|record| record.unwrap().payload).collect()
}

fn damage(disk: &SimDisk) -> (StoreDamage, usize) {
    let before = disk.files();
    match open(disk).err().unwrap() {
        OpenError::Damaged { damage, usable } => {
            assert!(disk.files() == before);
            (damage, usable.len())
        }
        error => panic!("{error}"),
    }
}

/// Returns a disk with two events that were flushed separately. The mark after the second one was
/// not flushed.
fn two_events() -> SimDisk {
    let (disk, store) = create();
    for event in [[1; 100], [2; 100]] {
        store.append(&event).unwrap();
        store.commit().unwrap();
    }
    let image = disk.crash(SurvivingWrites::Nothing);
    drop(store);
    assert_eq!(events(&image.crash(SurvivingWrites::Everything)), [[1; 100], [2; 100]]);
    image
}

#[test]
fn a_bad_frame_before_a_later_flush_is_damage() {
    let disk = two_events();
    for at in [0, 9, 33, 50, FRAME, FRAME + 99] {
        let image = tampered(&disk, LOG, |bytes| bytes[HEADER + at] ^= 4);
        let (damage, _) = damage(&image);
        assert_eq!(damage.offset, HEADER as u64, "the offset is that of the frame");
        assert!(damage.path.ends_with(LOG));
    }
    let zeroed = tampered(&disk, LOG, |bytes| bytes[HEADER..HEADER + 100].fill(0));
    assert_eq!(damage(&zeroed).0.offset, HEADER as u64);
}

#[test]
fn a_bad_frame_at_the_end_is_truncated() {
    // The second frame follows the first one and its mark.
    let second = HEADER + (FRAME + 112) + FRAME;
    let disk = two_events();
    for at in [0, 9, 33, 50, FRAME, FRAME + 99] {
        let image = tampered(&disk, LOG, |bytes| bytes[second + at] ^= 4);
        assert_eq!(events(&image), [[1; 100]]);
    }
    for garbage in [vec![0; 5000], vec![0xFF; 5000], b"short".to_vec()] {
        let image = tampered(&disk, LOG, |bytes| bytes.extend(garbage));
        assert_eq!(events(&image), [[1; 100], [2; 100]]);
    }
}

#[test]
fn a_bad_last_frame_before_a_mark_is_damage() {
    let (disk, store) = create();
    store.append(&[1; 100]).unwrap();
    store.close().unwrap();
    for at in [0, 33, FRAME + 50] {
        let image = tampered(&disk, LOG, |bytes| bytes[HEADER + at] ^= 1);
        assert_eq!(damage(&image).0.offset, HEADER as u64);
    }
}

#[test]
fn a_group_without_its_first_sectors_is_truncated() {
    let (disk, store) = create();
    store.append(&[1; 100]).unwrap();
    store.commit().unwrap();
    for event in [[2; 600], [3; 600], [4; 600]] {
        store.append(&event).unwrap();
    }
    // The write succeeds, the flush does not.
    disk.fail_at(disk.steps() + 2, InjectedFault::PowerOff);
    store.commit().unwrap_err();
    drop(store);
    let all = disk.crash(SurvivingWrites::Everything);
    assert_eq!(events(&all.crash(SurvivingWrites::Everything)).len(), 4);
    let second = HEADER + (FRAME + 112) + FRAME;
    for lost in [second..second + 64, second + 64..second + 600] {
        let image = tampered(&all, LOG, |bytes| bytes[lost].fill(0));
        assert_eq!(events(&image), [[1; 100]], "the third and fourth were not acknowledged");
        assert_eq!(events(&image), [[1; 100]], "opening again finds the same");
    }
}

#[test]
fn truncated_frames_do_not_reappear() {
    let (disk, store) = create();
    store.append(&[1; 600]).unwrap();
    store.append(&[2; 600]).unwrap();
    disk.fail_at(disk.steps() + 2, InjectedFault::PowerOff);
    store.commit().unwrap_err();
    drop(store);
    let all = disk.crash(SurvivingWrites::Everything);
    let image = tampered(&all, LOG, |bytes| bytes[HEADER + 100..HEADER + 500].fill(0));
    let store = open(&image).unwrap();
    assert_eq!(store.last(), Seq::START);
    // The same length, so that the second frame would follow directly.
    store.append(&[3; 600]).unwrap();
    store.commit().unwrap();
    let after = image.crash(SurvivingWrites::Nothing);
    drop(store);
    assert_eq!(events(&after), [[3; 600]]);
}

#[test]
fn a_payload_that_contains_frames_proves_nothing() {
    let decoy = two_events().files()[LOG].clone();
    let (disk, store) = create();
    store.append(b"first").unwrap();
    store.commit().unwrap();
    store.append(&decoy).unwrap();
    store.commit().unwrap();
    let own = disk.crash(SurvivingWrites::Nothing).files()[LOG].clone();
    store.append(&own).unwrap();
    store.commit().unwrap();
    let third = own.len() + FRAME;
    let disk = disk.crash(SurvivingWrites::Nothing);
    drop(store);
    let image = tampered(&disk, LOG, |bytes| bytes[third] ^= 1);
    assert_eq!(events(&image), [b"first".to_vec(), decoy]);
}

#[test]
fn a_snapshot_proves_that_its_events_were_durable() {
    let (disk, store) = create();
    for n in 0..4 {
        store.append(&[n; 100]).unwrap();
    }
    let state = freeze(&store, 9, 10, &[]).unwrap();
    store.write_snapshot(&state, Seq(4)).unwrap();
    drop((state, store));
    let third = HEADER + 2 * (FRAME + 112);
    let image = tampered(&disk, LOG, |bytes| bytes.truncate(third));
    let (damage, usable) = damage(&image);
    assert_eq!((damage.offset, usable), (third as u64, 1));
    assert!(damage.reason.contains("event 3"), "{damage}");
}

#[test]
fn snapshots_before_damage_in_the_catalogue_stay_usable() {
    let (disk, store) = create();
    let mut ends = Vec::new();
    for n in 1..=3 {
        let state = freeze(&store, n, 10, &[]).unwrap();
        store.write_snapshot(&state, Seq::START).unwrap();
        ends.push(disk.files()[CATALOGUE].len());
    }
    let disk = disk.crash(SurvivingWrites::Nothing);
    drop(store);
    for at in [0, 33, FRAME, FRAME + 32, FRAME + 41] {
        let image = tampered(&disk, CATALOGUE, |bytes| bytes[ends[1] + at] ^= 1);
        let (found, usable) = damage(&image);
        assert_eq!((found.offset, usable), (ends[1] as u64, 2), "{found}");
    }
}

#[test]
fn a_damaged_body_is_reported_when_its_pin_is_read() {
    let (disk, store) = create();
    let mut places = Vec::new();
    for n in 1..=3 {
        let state = freeze(&store, n, 10, &[]).unwrap();
        let (name, offset) = locate(&state);
        store.write_snapshot(&state, Seq::START).unwrap();
        places.push((name, offset));
    }
    let disk = disk.crash(SurvivingWrites::Nothing);
    drop(store);
    let (name, offset) = &places[2];
    let image = tampered(&disk, name, |bytes| bytes[offset + 70] ^= 1);
    let store = open(&image).unwrap();
    let snapshots = store.snapshots();
    let error = store.root(&snapshots[0]).unwrap_err().to_string();
    assert!(error.contains(name) && error.contains(&format!("byte {offset}")), "{error}");
    assert!(store.root(&snapshots[1]).is_ok());
}

/// A snapshot with another address could lead into the middle of a pin.
#[test]
fn a_snapshot_of_another_store_has_no_root() {
    let (_, store) = create();
    let state = freeze(&store, 1, 10, &[]).unwrap();
    store.write_snapshot(&state, Seq::START).unwrap();
    let mut snapshot = store.snapshots().remove(0);
    assert!(store.root(&snapshot).is_ok());
    snapshot.generation += 1;
    assert!(store.root(&snapshot).is_err());
}

/// Returns the body file of a pin and the offset in it.
fn locate(pin: &plan::pinspace::FrozenPin) -> (String, usize) {
    let at = pin.address() - plan::pinspace::range::BASE;
    let slot = plan::pinspace::range::SLOT_SIZE;
    (format!("bodies/{:03}.body", at / slot), at % slot)
}

#[test]
fn a_damaged_snapshot_is_skipped() {
    let (disk, store) = create();
    store.append(b"one").unwrap();
    store.append(b"two").unwrap();
    for n in 1..=2 {
        let state = freeze(&store, n, 10, &[]).unwrap();
        store.write_snapshot(&state, Seq(n as u64)).unwrap();
    }
    let disk = disk.crash(SurvivingWrites::Nothing);
    drop(store);
    let name = "snap/00000000000000000002.snap";
    let image = tampered(&disk, name, |bytes| bytes[70] ^= 1);
    let store = open(&image).unwrap();
    let recovery = store.recover().unwrap();
    assert_eq!(recovery.snapshot.unwrap().generation, 1);
    assert!(recovery.damaged[0].path.ends_with(name));
    assert_eq!(recovery.records.count(), 1);
    let state = freeze(&store, 2, 10, &[]).unwrap();
    let next = store.write_snapshot(&state, Seq(2)).unwrap();
    assert_eq!(next.generation, 3, "the generation of a damaged snapshot is not reused");
    assert!(image.files().contains_key(name), "a damaged snapshot is kept like an intact one");
}
