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

fn keep(pins: &Pins, number: u64) -> Result<(), PinError> {
    let files = &mut *lock(pins.files());
    let (bytes, entry) = record(files, number);
    files.keep(&bytes, &entry).map(drop)
}

fn open(disk: &SimDisk) -> Result<Pins, OpenError> {
    PinSurvey::make(&home(disk), 0)?.resume()
}

/// Keeps and commits pins; says how many were committed.
fn work(pins: &Pins, from: u64, count: u64, durable: &mut u64) -> Result<(), PinError> {
    for number in from..from + count {
        keep(pins, number)?;
        if number % 3 == 2 {
            pins.commit()?;
            *durable = number + 1;
        }
    }
    pins.commit()?;
    *durable = from + count;
    Ok(pins.close()?)
}

/// What is in the files after all has been opened again: every pin, whole, found by its hash.
fn count_whole(pins: &Pins) -> u64 {
    let mut entries = Vec::new();
    let gather = |entry: &Entry| {
        entries.push(entry.clone());
        Ok(())
    };
    pins.each_entry(gather).expect("a whole catalogue");
    let files = lock(pins.files());
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

fn fresh() -> (SimDisk, Pins) {
    let disk = SimDisk::new();
    let home = home(&disk);
    make_dirs(&home).expect("made");
    let pins = Pins::create(home, 3).expect("made");
    (disk, pins)
}

#[test]
fn what_was_committed_is_there_after_a_crash_anywhere() {
    crash_anywhere(12);
}

#[test]
fn what_was_committed_is_there_after_a_crash_with_a_large_index() {
    crash_anywhere(90);
}

/// Keeps so many pins, and lets the power go at each operation.
fn crash_anywhere(count: u64) {
    let (disk, pins) = fresh();
    let begun = disk.steps();
    work(&pins, 0, count, &mut 0).expect("no fault");
    let steps = disk.steps() - begun;
    let mut crashes = 0;
    for step in 0..=steps {
        for survives in [
            Survives::Nothing,
            Survives::Everything,
            Survives::Anything(step),
            Survives::LengthsOnly,
        ] {
            let (disk, pins) = fresh();
            disk.fail_at(disk.steps() + step, Fault::PowerOff);
            let mut durable = 0;
            let _ = work(&pins, 0, count, &mut durable);
            let image = disk.crash(survives);
            let pins = open(&image).expect("opens after any crash");
            let whole = count_whole(&pins);
            assert!(whole >= durable, "{whole} of {durable} after step {step}");
            work(&pins, whole, 5, &mut 0).expect("goes on");
            drop(pins);
            assert_eq!(count_whole(&open(&image).expect("opens")), whole + 5);
            crashes += 1;
        }
    }
    assert!(crashes > 100, "{crashes}");
}

#[test]
fn after_a_loss_of_power_only_the_newest_groups_are_told_again() {
    let (disk, pins) = fresh();
    for number in 0..90 {
        keep(&pins, number).expect("room");
        if number % 3 == 2 {
            pins.commit().expect("room");
        }
    }
    let untold = |pins: &Pins| -> usize {
        let ledger = lock(&pins.ledger);
        ledger.told.untold.iter().map(|group| group.places.len() - group.told).sum()
    };
    assert_eq!(untold(&pins), 0);
    for seed in 0..20 {
        let image = disk.crash(Survives::Anything(seed));
        let pins = open(&image).expect("opens");
        let before = untold(&pins);
        assert!(before <= 9, "{before} pins are to be told again");
        assert_eq!(count_whole(&pins), 90);
        // A commit tells a few more than its own.
        keep(&pins, 90).expect("room");
        pins.commit().expect("room");
        assert_eq!(untold(&pins), before.saturating_sub(telling::BACKLOG));
        assert_eq!(count_whole(&pins), 91);
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let (disk, pins) = fresh();
    let mut durable = 0;
    let used = |disk: &SimDisk| disk.files().values().map(Vec::len).sum::<usize>();
    disk.set_capacity(Some(used(&disk) + 3000));
    let full = work(&pins, 0, 200, &mut durable);
    assert!(matches!(full, Err(PinError::Full(_))), "{full:?}");
    assert!(durable < 200);
    disk.set_capacity(None);
    pins.commit().expect("there is room");
    let before = count_whole(&pins);
    assert!(before >= durable);
    work(&pins, before, 200 - before, &mut durable).expect("there is room");
    drop(pins);
    assert_eq!(count_whole(&open(&disk).expect("opens")), 200);
}

#[test]
fn a_lost_index_is_built_anew() {
    let (disk, pins) = fresh();
    work(&pins, 0, 50, &mut 0).expect("no fault");
    drop(pins);
    for name in ["index/state", "index/directory", "index/buckets"] {
        disk.remove(name).expect("removed");
        assert_eq!(count_whole(&open(&disk).expect("opens")), 50, "{name}");
    }
}

#[test]
fn a_flipped_bit_in_the_catalogue_is_found() {
    let (disk, pins) = fresh();
    work(&pins, 0, 9, &mut 0).expect("no fault");
    drop(pins);
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
            if let Ok(pins) = open(&disk) {
                let mut count = 0;
                let visited = pins.each_entry(|_| {
                    count += 1;
                    Ok(())
                });
                assert!(visited.is_err() || count == 9, "{name} at {at}: {count}");
            }
        }
        disk.overwrite(&name, &whole);
    }
}

#[test]
fn pins_that_found_no_room_at_their_commit_are_durable_after_the_next() {
    let (disk, pins) = fresh();
    // Groups that are pushed and then not written: the journal's buffer finds no room.
    (0..5).for_each(|number| keep(&pins, number).expect("room"));
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set_capacity(Some(used));
    assert!(matches!(pins.commit(), Err(WriteError::Full(_))));
    disk.set_capacity(None);
    pins.commit().expect("there is room");
    drop(pins);
    let image = disk.crash(Survives::Nothing);
    assert_eq!(count_whole(&open(&image).expect("opens")), 5);
}

#[test]
fn pins_are_kept_and_found_while_others_are_flushed() {
    let (disk, pins) = fresh();
    let (begun, is_begun) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    lock(pins.files()).bodies[0].file = Arc::new(Slow {
        file: disk.open("bodies/003.body").expect("there"),
        begun,
        may_go_on: Mutex::new(may_go_on),
    });
    keep(&pins, 0).expect("room");
    std::thread::scope(|scope| {
        let committing = scope.spawn(|| pins.commit());
        is_begun.recv().expect("it flushes");
        keep(&pins, 1).expect("room");
        let first = *blake3::hash(&0u64.to_le_bytes()).as_bytes();
        assert!(lock(pins.files()).find(&first).expect("read").is_some());
        go_on.send(()).expect("it waits");
        committing.join().expect("no panic").expect("room");
    });
    let image = disk.crash(Survives::Nothing);
    assert_eq!(count_whole(&open(&image).expect("opens")), 1, "the second is not committed");
    go_on.send(()).expect("it is there");
    pins.commit().expect("room");
    go_on.send(()).expect("it is there");
    assert_eq!(count_whole(&pins), 2);
}

/// A file whose flushes wait until they are told to end.
struct Slow {
    file: Arc<dyn DiskFile>,
    begun: std::sync::mpsc::Sender<()>,
    may_go_on: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl DiskFile for Slow {
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn truncate(&self, length: u64) -> std::io::Result<()> {
        self.file.truncate(length)
    }

    fn flush(&self) -> std::io::Result<()> {
        self.begun.send(()).expect("somebody listens");
        lock(&self.may_go_on).recv().expect("somebody tells");
        self.file.flush()
    }
}
