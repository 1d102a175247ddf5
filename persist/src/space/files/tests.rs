use super::*;
use crate::disk::Disk;
use crate::health::Health;
use crate::sim::{Fault, SimDisk, Survives};

fn home(disk: &SimDisk) -> Home {
    Home { disk: Arc::new(disk.clone()), store: [5; 16], health: Arc::new(Health::default()) }
}

/// The bytes of a made-up record, and what the catalogue tells of it.
fn record(files: &mut Files, number: u64) -> (Vec<u8>, Entry) {
    let bytes = vec![number as u8 + 1; 64 + (number as usize * 24) % 300];
    let address = files.place(bytes.len()).expect("read").expect("room");
    let hash = *blake3::hash(&number.to_le_bytes()).as_bytes();
    (bytes.clone(), Entry { hash, address, bytes: bytes.len() as u64, edges: vec![number, 7] })
}

/// Keeps and commits pins; says how many were committed.
fn work(files: &mut Files, from: u64, count: u64, durable: &mut u64) -> Result<(), PinError> {
    for number in from..from + count {
        let (bytes, entry) = record(files, number);
        files.keep(&bytes, &entry)?;
        if number % 3 == 2 {
            files.commit()?;
            *durable = number + 1;
        }
    }
    files.commit()?;
    *durable = from + count;
    files.close()
}

/// What is in the files after all has been opened again: every pin, whole, found by its hash.
fn count_whole(files: &Files) -> u64 {
    let mut entries = Vec::new();
    let gather = |entry: &Entry| {
        entries.push(entry.clone());
        Ok(())
    };
    files.each_entry(gather).expect("a whole catalogue");
    for (number, entry) in entries.iter().enumerate() {
        let hash = *blake3::hash(&(number as u64).to_le_bytes()).as_bytes();
        assert_eq!(entry.hash, hash, "in order, each once");
        assert_eq!(files.find(&hash).expect("read"), Some(entry.address));
        let offset = entry.address % SLOT_SIZE as u64;
        let mut bytes = vec![0; entry.bytes as usize];
        files.bodies[0].file.read_at(offset, &mut bytes).expect("there");
        assert!(bytes.iter().all(|byte| *byte == number as u8 + 1), "pin {number}");
    }
    entries.len() as u64
}

fn fresh() -> (SimDisk, Files) {
    let disk = SimDisk::new();
    let home = home(&disk);
    make_dirs(&home).expect("made");
    let files = Files::create(home, 3).expect("made");
    (disk, files)
}

#[test]
fn what_was_committed_is_there_after_a_crash_anywhere() {
    let (disk, mut files) = fresh();
    let begun = disk.steps();
    work(&mut files, 0, 12, &mut 0).expect("no fault");
    let steps = disk.steps() - begun;
    let mut crashes = 0;
    for step in 0..=steps {
        for survives in [
            Survives::Nothing,
            Survives::Everything,
            Survives::Anything(step),
            Survives::LengthsOnly,
        ] {
            let (disk, mut files) = fresh();
            disk.fail_at(disk.steps() + step, Fault::PowerOff);
            let mut durable = 0;
            let _ = work(&mut files, 0, 12, &mut durable);
            let image = disk.crash(survives);
            let mut files = Files::open(home(&image)).expect("opens after any crash");
            let whole = count_whole(&files);
            assert!(whole >= durable, "{whole} of {durable} after step {step}");
            work(&mut files, whole, 5, &mut 0).expect("goes on");
            drop(files);
            assert_eq!(count_whole(&Files::open(home(&image)).expect("opens")), whole + 5);
            crashes += 1;
        }
    }
    assert!(crashes > 100, "{crashes}");
}

#[test]
fn a_full_disk_loses_nothing() {
    let (disk, mut files) = fresh();
    let mut durable = 0;
    let used = |disk: &SimDisk| disk.files().values().map(Vec::len).sum::<usize>();
    disk.set_capacity(Some(used(&disk) + 3000));
    let full = work(&mut files, 0, 200, &mut durable);
    assert!(matches!(full, Err(PinError::Full(_))), "{full:?}");
    assert!(durable < 200);
    disk.set_capacity(None);
    files.commit().expect("there is room");
    let before = count_whole(&files);
    assert!(before >= durable);
    work(&mut files, before, 200 - before, &mut durable).expect("there is room");
    drop(files);
    assert_eq!(count_whole(&Files::open(home(&disk)).expect("opens")), 200);
}

#[test]
fn a_lost_index_is_built_anew() {
    let (disk, mut files) = fresh();
    work(&mut files, 0, 50, &mut 0).expect("no fault");
    drop(files);
    for name in ["index/state", "index/directory", "index/buckets"] {
        disk.remove(name).expect("removed");
        assert_eq!(count_whole(&Files::open(home(&disk)).expect("opens")), 50, "{name}");
    }
}

#[test]
fn a_flipped_bit_in_the_catalogue_is_found() {
    let (disk, mut files) = fresh();
    work(&mut files, 0, 9, &mut 0).expect("no fault");
    drop(files);
    for (name, whole) in disk.files() {
        let in_catalogue = name.starts_with("catalogue/");
        if !in_catalogue && !name.starts_with("index/state") {
            continue;
        }
        for at in (0..whole.len()).step_by(3) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            disk.overwrite(&name, &flipped);
            // The index need not read the catalogue: whoever reads it finds the damage.
            if let Ok(files) = Files::open(home(&disk)) {
                let mut count = 0;
                let visited = files.each_entry(|_| {
                    count += 1;
                    Ok(())
                });
                assert!(visited.is_err() || count == 9, "{name} at {at}: {count}");
            }
        }
        disk.overwrite(&name, &whole);
    }
}
