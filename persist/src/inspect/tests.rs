use super::*;
use crate::sim::{SimDisk, Survives};
use crate::{Settings, Store};

/// Believes every body that is not empty.
struct Trusting;

impl Judge for Trusting {
    fn pin(&mut self, _: &Hash, pin: &StoredPin) -> Verdict {
        if pin.body.is_empty() { Verdict::Wrong("it is empty".into()) } else { Verdict::Whole }
    }

    fn settle(&mut self, _: &Hash, _: &mut Fetch<'_>) -> Result<(), String> {
        unreachable!("it is never unsure")
    }

    fn progress(&mut self, _: u64) {}
}

/// Several segments of each kind; two snapshots, of which the second reaches pins of its own.
fn sample() -> SimDisk {
    let disk = SimDisk::new();
    let settings = Settings { log_segment: 700, pin_segment: 900, ..Settings::default() };
    let store = Store::create_on(Arc::new(disk.clone()), settings).unwrap();
    let mut before: Vec<Hash> = Vec::new();
    for n in 1..=12_u8 {
        let edges: Vec<Hash> = before.last().copied().into_iter().collect();
        store.put([n; 32], &edges, &[n; 100]).unwrap();
        before.push([n; 32]);
        store.append(&[n; 80]).unwrap();
        if n == 5 || n == 10 {
            store.write_snapshot([n; 32], Seq(n.into())).unwrap();
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
                    harmless += usize::from(found == 0);
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
    let name = "pins/00000000000000000001.pins";
    let mut contents = disk.files()[name].clone();
    // The body of the first pin, which every snapshot reaches.
    contents[128 + 64 + 64 + 3] ^= 1;
    let copy = disk.crash(Survives::Everything);
    copy.overwrite(name, &contents);
    let report = check(&copy);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert_eq!(report.findings[0].effect, Effect::Pins { first: 1, last: 1 });
    assert_eq!(report.findings[0].damage.offset, 128);
    assert!(report.snapshots.iter().all(|it| it.first_bad == Some([1; 32])));

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
    assert_eq!(usage.pin_bytes, 12 * 164 + 11 * 32);
    assert!(usage.log_segments > 1 && usage.pin_segments > 1);
}
