use super::*;
use crate::disk::Disk;
use crate::error::OpenError;
use crate::sim::{InjectedFault, SimDisk, SurvivingWrites};
use crate::space::layout::make_dirs;
use crate::space::survey::PinSurvey;

fn context(disk: &SimDisk) -> StoreContext {
    StoreContext::new(Arc::new(disk.clone()), [5; 16])
}

/// Returns the bytes of a fake record, and its entry in the catalogue.
fn record(table: &mut PinTable, number: u64) -> (Vec<u8>, CatalogueEntry) {
    let bytes = vec![number as u8 + 1; 64 + (number as usize * 24) % 300];
    let address = table.find_space(bytes.len()).expect("read").expect("room");
    let hash = *blake3::hash(&number.to_le_bytes()).as_bytes();
    (
        bytes.clone(),
        CatalogueEntry { hash, address, bytes: bytes.len() as u64, edges: vec![number, 7] },
    )
}

fn insert(pins: &PinFiles, number: u64) -> Result<(), PinError> {
    let table = &mut *pins.table().lock();
    let (bytes, entry) = record(table, number);
    table.insert(&bytes, &entry)
}

fn open(disk: &SimDisk) -> Result<PinFiles, OpenError> {
    PinSurvey::scan(&context(disk), 0)?.resume()
}

/// Inserts and commits pins. Sets `durable` to the number of committed pins.
fn work(pins: &PinFiles, from: u64, count: u64, durable: &mut u64) -> Result<(), PinError> {
    for number in from..from + count {
        insert(pins, number)?;
        if number % 3 == 2 {
            pins.commit()?;
            *durable = number + 1;
        }
    }
    pins.commit()?;
    *durable = from + count;
    Ok(pins.close()?)
}

/// Checks that all catalogued pins are intact and found by hash. Returns their number.
fn count_intact(pins: &PinFiles) -> u64 {
    let mut entries = Vec::new();
    let collect = |entry: &CatalogueEntry| {
        entries.push(entry.clone());
        Ok(())
    };
    pins.each_entry(collect).expect("a whole catalogue");
    let table = pins.table().lock();
    for (number, entry) in entries.iter().enumerate() {
        let hash = *blake3::hash(&(number as u64).to_le_bytes()).as_bytes();
        assert_eq!(entry.hash, hash, "in order, each once");
        assert_eq!(table.find(&hash).expect("read"), Some(entry.address));
        let offset = entry.address % SLOT_SIZE as u64;
        let mut bytes = vec![0; entry.bytes as usize];
        table.bodies[0].file.read_at(offset, &mut bytes).expect("there");
        assert!(bytes.iter().all(|byte| *byte == number as u8 + 1), "pin {number}");
    }
    entries.len() as u64
}

fn fresh() -> (SimDisk, PinFiles) {
    let disk = SimDisk::new();
    let context = context(&disk);
    make_dirs(&context).expect("made");
    let pins = PinFiles::create(context, 3).expect("made");
    (disk, pins)
}

#[test]
fn committed_pins_survive_a_crash_at_any_operation() {
    crash_anywhere(12);
}

#[test]
fn committed_pins_survive_a_crash_with_a_large_index() {
    crash_anywhere(90);
}

/// Inserts `count` pins, and simulates a loss of power at each operation.
fn crash_anywhere(count: u64) {
    let (disk, pins) = fresh();
    let begun = disk.steps();
    work(&pins, 0, count, &mut 0).expect("no fault");
    let steps = disk.steps() - begun;
    let mut crashes = 0;
    for step in 0..=steps {
        for survives in [
            SurvivingWrites::Nothing,
            SurvivingWrites::Everything,
            SurvivingWrites::Anything(step),
            SurvivingWrites::LengthsOnly,
        ] {
            let (disk, pins) = fresh();
            disk.fail_at(disk.steps() + step, InjectedFault::PowerOff);
            let mut durable = 0;
            let _ = work(&pins, 0, count, &mut durable);
            let image = disk.crash(survives);
            let pins = open(&image).expect("opens after any crash");
            let intact = count_intact(&pins);
            assert!(intact >= durable, "{intact} of {durable} after step {step}");
            work(&pins, intact, 5, &mut 0).expect("goes on");
            drop(pins);
            assert_eq!(count_intact(&open(&image).expect("opens")), intact + 5);
            crashes += 1;
        }
    }
    assert!(crashes > 100, "{crashes}");
}

#[test]
fn after_a_loss_of_power_only_the_newest_groups_are_unindexed() {
    let (disk, pins) = fresh();
    for number in 0..90 {
        insert(&pins, number).expect("room");
        if number % 3 == 2 {
            pins.commit().expect("room");
        }
    }
    let unindexed = |pins: &PinFiles| -> usize {
        let catalogue = pins.catalogue.lock();
        let groups = catalogue.progress.unindexed.iter();
        groups.map(|group| group.pins.len() - group.indexed).sum()
    };
    assert_eq!(unindexed(&pins), 0);
    for seed in 0..20 {
        let image = disk.crash(SurvivingWrites::Anything(seed));
        let pins = open(&image).expect("opens");
        let before = unindexed(&pins);
        assert!(before <= 9, "{before} pins are not indexed");
        assert_eq!(count_intact(&pins), 90);
        // A commit indexes a few more pins than its own.
        insert(&pins, 90).expect("room");
        pins.commit().expect("room");
        assert_eq!(unindexed(&pins), before.saturating_sub(indexing::CATCH_UP_PINS));
        assert_eq!(count_intact(&pins), 91);
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
    let before = count_intact(&pins);
    assert!(before >= durable);
    work(&pins, before, 200 - before, &mut durable).expect("there is room");
    drop(pins);
    assert_eq!(count_intact(&open(&disk).expect("opens")), 200);
}

#[test]
fn a_lost_index_is_rebuilt() {
    let (disk, pins) = fresh();
    work(&pins, 0, 50, &mut 0).expect("no fault");
    drop(pins);
    for name in ["index/state", "index/directory", "index/buckets"] {
        disk.remove(name).expect("removed");
        assert_eq!(count_intact(&open(&disk).expect("opens")), 50, "{name}");
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
            // Opening need not read the whole catalogue. Reading it finds the damage.
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
fn pins_of_a_commit_on_a_full_disk_are_durable_after_the_next_commit() {
    let (disk, pins) = fresh();
    // The groups are in the journal's buffer, which cannot be written.
    (0..5).for_each(|number| insert(&pins, number).expect("room"));
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set_capacity(Some(used));
    assert!(matches!(pins.commit(), Err(WriteError::Full(_))));
    disk.set_capacity(None);
    pins.commit().expect("there is room");
    drop(pins);
    let image = disk.crash(SurvivingWrites::Nothing);
    assert_eq!(count_intact(&open(&image).expect("opens")), 5);
}

#[test]
fn pins_are_inserted_and_found_during_a_commit() {
    let (disk, pins) = fresh();
    let (begun, is_begun) = std::sync::mpsc::channel();
    let (resume, resumed) = std::sync::mpsc::channel();
    pins.table().lock().bodies[0].file = Arc::new(SlowFile {
        file: disk.open("bodies/003.body").expect("there"),
        begun,
        resumed: Mutex::new(resumed),
    });
    insert(&pins, 0).expect("room");
    std::thread::scope(|scope| {
        let committing = scope.spawn(|| pins.commit());
        is_begun.recv().expect("it flushes");
        insert(&pins, 1).expect("room");
        let first = *blake3::hash(&0u64.to_le_bytes()).as_bytes();
        assert!(pins.table().lock().find(&first).expect("read").is_some());
        resume.send(()).expect("it waits");
        committing.join().expect("no panic").expect("room");
    });
    let image = disk.crash(SurvivingWrites::Nothing);
    assert_eq!(count_intact(&open(&image).expect("opens")), 1, "the second is not committed");
    resume.send(()).expect("it is there");
    pins.commit().expect("room");
    resume.send(()).expect("it is there");
    assert_eq!(count_intact(&pins), 2);
}

/// A file whose flushes wait for a message.
struct SlowFile {
    file: Arc<dyn DiskFile>,
    begun: std::sync::mpsc::Sender<()>,
    resumed: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl DiskFile for SlowFile {
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
        self.begun.send(()).expect("the test listens");
        self.resumed.lock().recv().expect("the test sends");
        self.file.flush()
    }
}
