use std::sync::atomic::{AtomicUsize, Ordering};

use plan::{HeapOptions, Val};
use vm::Vm;

use super::*;
use crate::sim::{SimDisk, SurvivingWrites};
use crate::types::Seq;
use crate::{Store, StoreSettings};
use plan::pinspace::FrozenPin;
use std::sync::Arc;

/// Accepts every pin.
struct AcceptAll;

impl PinVerifier for AcceptAll {
    fn pin(&mut self, _: &FrozenPin) -> Result<(), String> {
        Ok(())
    }

    fn progress(&mut self, _: u64) {}
}

/// Returns settings with a slot that no other test uses. Tests run in one process, each on its own
/// thread.
fn settings() -> StoreSettings {
    static NEXT: AtomicUsize = AtomicUsize::new(32);
    thread_local!(static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    StoreSettings {
        log_segment: 700,
        slot: Some(SLOT.with(|slot| *slot)),
        ..StoreSettings::default()
    }
}

/// Creates a store with several log segments and two snapshots. The second snapshot reaches pins
/// that the first does not.
fn sample() -> SimDisk {
    let disk = SimDisk::new();
    let store = Store::create_on(Arc::new(disk.clone()), settings()).unwrap();
    let mut vm = Vm::new(HeapOptions::default(), Default::default()).unwrap();
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

fn check(disk: &SimDisk) -> CheckReport {
    StoreInspection::open_on(Arc::new(disk.clone())).unwrap().check(&mut AcceptAll).unwrap()
}

#[test]
fn an_intact_store_has_no_findings() {
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
fn every_significant_flipped_bit_is_found_in_its_file() {
    let disk = sample();
    let mut harmless = 0;
    for (name, contents) in disk.files() {
        for at in 0..contents.len() {
            let mut flipped = contents.clone();
            flipped[at] ^= 1 << (at % 8);
            let copy = disk.crash(SurvivingWrites::Everything);
            copy.overwrite(&name, &flipped);
            let before = copy.files();
            match StoreInspection::open_on(Arc::new(copy.clone())) {
                Err(error) => assert!(name == "FORMAT", "{name}: {error}"),
                Ok(inspection) => {
                    let report = inspection.check(&mut AcceptAll).unwrap();
                    assert!(copy.files() == before);
                    let about = |finding: &&DamageFinding| finding.damage.path.ends_with(&name);
                    let found = report.findings.iter().filter(about).count();
                    drop(inspection);
                    let opens =
                        Store::open_on(Arc::new(copy.clone()), StoreSettings::default()).is_ok();
                    assert!(found > 0 || opens, "{name}: {at} keeps the store from opening");
                    // A check ignores the index, which is derived.
                    harmless += usize::from(found == 0 && !name.starts_with("index/"));
                }
            }
        }
    }
    // Harmless are padding, seals, and the last marks.
    assert!(harmless < 1200, "{harmless}");
}

#[test]
fn findings_report_the_effect_of_damage() {
    let disk = sample();
    let (name, contents) =
        disk.files().into_iter().find(|(name, _)| name.starts_with("bodies/")).unwrap();
    let mut damaged = contents.clone();
    // Damage in the body of the first pin, which every snapshot reaches.
    damaged[64 + 100] ^= 1;
    let copy = disk.crash(SurvivingWrites::Everything);
    copy.overwrite(&name, &damaged);
    let report = check(&copy);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert!(matches!(report.findings[0].effect, DamageEffect::Pin(_)));
    assert_eq!((report.findings[0].damage.offset, report.pins), (64, 11));
    assert!(report.findings[0].damage.path.ends_with(&name));
    assert!(report.snapshots.iter().all(|it| it.first_bad.is_some()));

    // Damage in the first group of the catalogue.
    let name = "catalogue/00000000000000000001.cat";
    let mut contents = disk.files()[name].clone();
    contents[128 + 64 + 40] ^= 1;
    let copy = disk.crash(SurvivingWrites::Everything);
    copy.overwrite(name, &contents);
    let report = check(&copy);
    assert_eq!(report.findings[0].effect, DamageEffect::Groups { first: 1, last: 1 });
    assert_eq!(report.findings[0].damage.offset, 128);
    assert!(report.snapshots.iter().all(|it| !it.is_whole()));

    // Damage in the header of event 7, which only the older snapshot needs.
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
    let copy = disk.crash(SurvivingWrites::Everything);
    copy.overwrite(&name, &contents);
    let report = check(&copy);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert_eq!(report.findings[0].effect, DamageEffect::Events { first: 7, last: 7 });
    let lost: Vec<_> = report.snapshots.iter().map(|it| it.first_event).collect();
    assert_eq!(lost, [None, Some(Seq(7))]);
}

#[test]
fn usage_counts_shared_and_garbage_pins() {
    let inspection = StoreInspection::open_on(Arc::new(sample())).unwrap();
    let usage = inspection.usage().unwrap();
    assert_eq!((usage.pins, usage.shared_pins, usage.garbage_pins), (12, 5, 2));
    let of: Vec<_> = usage.snapshots.iter().map(|it| (it.pins, it.own_pins)).collect();
    assert_eq!(of, [(10, 5), (5, 0)]);
    assert!(usage.pin_bytes > 12 * (64 + 100) && usage.body_bytes >= usage.pin_bytes);
    assert!(usage.log_segments > 1 && usage.body_files == 1);
}

#[test]
fn usage_counts_spare_files() {
    let disk = sample();
    let store = Store::open_on(Arc::new(disk.clone()), settings()).unwrap();
    let pruned = store.prune().unwrap();
    store.close().unwrap();
    let usage = StoreInspection::open_on(Arc::new(disk.clone())).unwrap().usage().unwrap();
    assert_eq!(pruned.segments, 1);
    let files = disk.files();
    let spare = files.iter().filter(|(name, _)| name.ends_with(".spare"));
    let bytes: Vec<u64> = spare.map(|(_, bytes)| bytes.len() as u64).collect();
    assert_eq!((usage.spare_files, usage.spare_bytes), (1, bytes.iter().sum()));
}

#[test]
fn inputs_that_are_set_aside_are_counted_and_their_damage_is_found() {
    let disk = sample();
    let store = Store::open_on(Arc::new(disk.clone()), settings()).unwrap();
    for payload in [&b"one"[..], b"three"] {
        store.set_aside(payload).unwrap();
    }
    store.close().unwrap();
    assert_eq!(check(&disk).findings, []);
    let name = "set-aside/00000000000000000001.input";
    let whole = disk.files()[name].clone();
    let inspection = StoreInspection::open_on(Arc::new(disk.clone())).unwrap();
    let usage = inspection.usage().unwrap();
    assert_eq!((usage.set_aside_files, usage.set_aside_bytes), (2, 2 * (80 + 16) + 3 + 5));
    drop(inspection);

    let mut damaged = whole;
    damaged[81] ^= 1;
    disk.overwrite(name, &damaged);
    let report = check(&disk);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].effect, DamageEffect::SetAsideInput);
    assert!(report.findings[0].damage.path.ends_with(name));
    assert_eq!(report.findings[0].damage.offset, 80);
    // The store can be opened: no state depends on the input.
    let store = Store::open_on(Arc::new(disk.clone()), settings()).unwrap();
    let list = store.set_aside_inputs().unwrap();
    assert_eq!((list.records.len(), list.damaged.len()), (1, 1));
}
