use std::sync::atomic::{AtomicUsize, Ordering};

use vm::{Options, Val, Vm};

use super::*;
use crate::sim::{SimDisk, Survives};
use crate::{Settings, Store};

/// Believes every pin.
struct Trusting;

impl Judge for Trusting {
    fn pin(&mut self, _: &Frozen) -> Result<(), String> {
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}

/// Disks whose stores have slots of their own: tests run in one process, each on its thread.
fn settings() -> Settings {
    static NEXT: AtomicUsize = AtomicUsize::new(32);
    thread_local!(static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    Settings { log_segment: 700, slot: Some(SLOT.with(|slot| *slot)), ..Settings::default() }
}

/// Several segments of the log; two snapshots, of which the second reaches pins of its own.
fn sample() -> SimDisk {
    let disk = SimDisk::new();
    let store = Store::create_on(Arc::new(disk.clone()), settings()).unwrap();
    let mut vm = Vm::new(Options::default(), Default::default()).unwrap();
    let mut before: Vec<Val> = Vec::new();
    for n in 1..=12_u64 {
        let mut items = vec![vm.bar(&[n as u8; 100]).unwrap()];
        items.extend(before.last().cloned());
        let row = vm.row(&items).unwrap();
        let frozen = vm.freeze(&row, store.space()).unwrap();
        before.push(vm.adopt(&frozen));
        store.append(&[n as u8; 80]).unwrap();
        if n == 5 || n == 10 {
            store.write_snapshot(&frozen, Seq(n)).unwrap();
        }
    }
    store.close().unwrap();
    disk
}

fn check(disk: &SimDisk) -> Report {
    Inspection::open_on(Arc::new(disk.clone())).unwrap().check(&mut Trusting).unwrap()
}

#[test]
fn a_whole_store_is_found_whole() {
    let disk = sample();
    let before = disk.files();
    let report = check(&disk);
    assert_eq!(report.findings, []);
    assert_eq!(report.unfinished, []);
    assert_eq!((report.pins, report.events), (12, 12));
    assert_eq!(report.snapshots.len(), 2);
    assert!(report.snapshots.iter().all(|it| it.is_whole() && it.first_event.is_none()));
    assert!(disk.files() == before);
}

#[test]
fn every_bit_that_matters_is_found_and_its_file_named() {
    let disk = sample();
    let mut harmless = 0;
    for (name, contents) in disk.files() {
        for at in 0..contents.len() {
            let mut flipped = contents.clone();
            flipped[at] ^= 1 << (at % 8);
            let copy = disk.crash(Survives::Everything);
            copy.overwrite(&name, &flipped);
            let before = copy.files();
            match Inspection::open_on(Arc::new(copy.clone())) {
                Err(error) => assert!(name == "FORMAT", "{name}: {error}"),
                Ok(inspection) => {
                    let report = inspection.check(&mut Trusting).unwrap();
                    assert!(copy.files() == before);
                    let about = |finding: &&Finding| finding.damage.path.ends_with(&name);
                    let found = report.findings.iter().filter(about).count();
                    drop(inspection);
                    let opens = Store::open_on(Arc::new(copy.clone()), Settings::default()).is_ok();
                    assert!(found > 0 || opens, "{name}: {at} keeps the store from opening");
                    // The index is derived, and not looked at.
                    harmless += usize::from(found == 0 && !name.starts_with("index/"));
                }
            }
        }
    }
    // Padding, seals, and the last marks.
    assert!(harmless < 1200, "{harmless}");
}

#[test]
fn what_damage_costs_is_told() {
    let disk = sample();
    let (name, contents) =
        disk.files().into_iter().find(|(name, _)| name.starts_with("bodies/")).unwrap();
    let mut damaged = contents.clone();
    // The body of the first pin, which every snapshot reaches.
    damaged[64 + 100] ^= 1;
    let copy = disk.crash(Survives::Everything);
    copy.overwrite(&name, &damaged);
    let report = check(&copy);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert!(matches!(report.findings[0].effect, Effect::Pin(_)));
    assert_eq!((report.findings[0].damage.offset, report.pins), (64, 11));
    assert!(report.findings[0].damage.path.ends_with(&name));
    assert!(report.snapshots.iter().all(|it| it.first_bad.is_some()));

    // The first group of the catalogue.
    let name = "catalogue/00000000000000000001.cat";
    let mut contents = disk.files()[name].clone();
    contents[128 + 64 + 40] ^= 1;
    let copy = disk.crash(Survives::Everything);
    copy.overwrite(name, &contents);
    let report = check(&copy);
    assert_eq!(report.findings[0].effect, Effect::Groups { first: 1, last: 1 });
    assert_eq!(report.findings[0].damage.offset, 128);
    assert!(report.snapshots.iter().all(|it| !it.is_whole()));

    // The header of event 7, which only the older snapshot needs.
    let (name, contents) = disk
        .files()
        .into_iter()
        .find(|(name, contents)| {
            name.starts_with("log/") && contents.windows(80).any(|it| it == [7; 80])
        })
        .unwrap();
    let at = contents.windows(80).position(|it| it == [7; 80]).unwrap() - 64;
    let mut contents = contents.clone();
    contents[at + 8] ^= 1;
    let copy = disk.crash(Survives::Everything);
    copy.overwrite(&name, &contents);
    let report = check(&copy);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert_eq!(report.findings[0].effect, Effect::Events { first: 7, last: 7 });
    let lost: Vec<_> = report.snapshots.iter().map(|it| it.first_event).collect();
    assert_eq!(lost, [None, Some(Seq(7))]);
}

#[test]
fn usage_tells_what_is_shared_and_what_is_garbage() {
    let inspection = Inspection::open_on(Arc::new(sample())).unwrap();
    let usage = inspection.usage().unwrap();
    assert_eq!((usage.pins, usage.shared_pins, usage.garbage_pins), (12, 5, 2));
    let of: Vec<_> = usage.snapshots.iter().map(|it| (it.pins, it.own_pins)).collect();
    assert_eq!(of, [(10, 5), (5, 0)]);
    assert!(usage.pin_bytes > 12 * (64 + 100) && usage.body_bytes >= usage.pin_bytes);
    assert!(usage.log_segments > 1 && usage.body_files == 1);
}

#[test]
fn files_that_the_log_will_write_over_are_told_of() {
    let disk = sample();
    let store = Store::open_on(Arc::new(disk.clone()), settings()).unwrap();
    let pruned = store.prune().unwrap();
    store.close().unwrap();
    let usage = Inspection::open_on(Arc::new(disk.clone())).unwrap().usage().unwrap();
    assert_eq!(pruned.segments, 1);
    let files = disk.files();
    let spare = files.iter().filter(|(name, _)| name.ends_with(".spare"));
    let bytes: Vec<u64> = spare.map(|(_, bytes)| bytes.len() as u64).collect();
    assert_eq!((usage.spare_files, usage.spare_bytes), (1, bytes.iter().sum()));
}
