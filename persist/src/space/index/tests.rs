use super::*;
use crate::sim::{SimDisk, SurvivingWrites};

fn hash(number: u64) -> PinHash {
    *blake3::hash(&number.to_le_bytes()).as_bytes()
}

fn address(number: u64) -> u64 {
    64 * (number + 1)
}

fn empty() -> (SimDisk, Arc<dyn Disk>, PinIndex) {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    disk.make_dir("index").expect("made");
    disk.sync_dir("").expect("made");
    let index = PinIndex::create(&disk).expect("made");
    (sim, disk, index)
}

fn insert(index: &mut PinIndex, numbers: std::ops::Range<u64>) {
    numbers.for_each(|it| index.insert(&hash(it), address(it)).expect("room"));
}

/// Checkpoints the index and returns its shape.
fn checkpoint(disk: &Arc<dyn Disk>, index: &mut PinIndex) -> IndexShape {
    index.files().iter().for_each(|(_, file)| file.flush().expect("flushed"));
    disk.sync_dir("index").expect("flushed");
    let shape = index.shape();
    index.finish_checkpoint().expect("written");
    shape
}

#[test]
fn inserted_pins_are_found_after_reopening() {
    let (_, disk, mut index) = empty();
    insert(&mut index, 0..20_000);
    index.insert(&hash(7), 1).expect("room");
    let shape = checkpoint(&disk, &mut index);
    drop(index);
    let index = PinIndex::open(&disk, shape).expect("read").expect("an index");
    for number in (0..20_000).filter(|number| *number != 7) {
        assert_eq!(index.find(&hash(number)).expect("read"), Some(address(number)));
    }
    assert_eq!(index.find(&hash(7)).expect("read"), Some(1));
    assert_eq!(index.find(&hash(20_000)).expect("read"), None);
}

#[test]
fn a_truncated_index_is_rejected_or_finds_no_wrong_address() {
    let (sim, disk, mut index) = empty();
    insert(&mut index, 0..2_000);
    let shape = checkpoint(&disk, &mut index);
    drop(index);
    for (name, whole) in sim.files() {
        for length in [0, 1, 4, 5, whole.len() / 2, whole.len() - 1] {
            sim.overwrite(&name, &whole[..length]);
            if let Some(index) = PinIndex::open(&disk, shape.clone()).expect("read") {
                for number in 0..2_000 {
                    let found = index.find(&hash(number)).unwrap_or(None);
                    assert!(found.is_none() || found == Some(address(number)));
                }
            }
        }
        sim.overwrite(&name, &whole);
    }
}

/// Writes checkpoints. In between, simulates losses of power, reopens the index at the last
/// checkpoint, and inserts the later pins again.
#[test]
fn checkpointed_entries_survive_a_loss_of_power() {
    let (sim, disk, mut index) = empty();
    let mut shape = checkpoint(&disk, &mut index);
    let mut checkpointed = 0;
    for round in 1..=12 {
        let end = checkpointed + 150;
        insert(&mut index, checkpointed..end);
        let fixed =
            [SurvivingWrites::Nothing, SurvivingWrites::Everything, SurvivingWrites::LengthsOnly];
        let mixtures = (0..12).map(|n| SurvivingWrites::Anything(100 * round + n));
        let moments = (0..4).map(|n| SurvivingWrites::UpTo(100 * round + n));
        for survives in fixed.into_iter().chain(mixtures).chain(moments) {
            let image: Arc<dyn Disk> = Arc::new(sim.crash(survives));
            let again = PinIndex::open(&image, shape.clone()).expect("read");
            let mut again = again.expect("an index");
            for number in 0..checkpointed {
                let found = again.find(&hash(number)).expect("whole");
                assert_eq!(found, Some(address(number)), "{number}, {survives:?}");
            }
            insert(&mut again, checkpointed..end);
            for number in 0..end {
                let found = again.find(&hash(number)).expect("whole");
                assert_eq!(found, Some(address(number)), "{number}, {survives:?}");
            }
        }
        // Pages that the checkpointed directory does not refer to are reused.
        assert!(shape.free.len() < 60, "{} free pages", shape.free.len());
        shape = checkpoint(&disk, &mut index);
        checkpointed = end;
    }
    assert!(shape.depth > 5 && !shape.free.is_empty());
}

#[test]
fn removed_entries_stay_removed_after_a_loss_of_power() {
    let (sim, disk, mut index) = empty();
    insert(&mut index, 0..600);
    let shape = checkpoint(&disk, &mut index);
    let mut gone = AddressRanges::default();
    gone.push(address(100), address(400));
    index.remove_all(&gone).expect("whole");
    let is_gone = |index: &PinIndex, number: u64| {
        let expected = (!(100..400).contains(&number)).then(|| address(number));
        assert_eq!(index.find(&hash(number)).expect("whole"), expected, "{number}");
    };
    (0..600).for_each(|number| is_gone(&index, number));
    for seed in 0..20 {
        let image: Arc<dyn Disk> = Arc::new(sim.crash(SurvivingWrites::Anything(seed)));
        let again = PinIndex::open(&image, shape.clone()).expect("read");
        let mut again = again.expect("an index");
        again.remove_all(&gone).expect("whole");
        (0..600).for_each(|number| is_gone(&again, number));
    }
    // Holes are high_water.
    let before = checkpoint(&disk, &mut index).count;
    insert(&mut index, 100..400);
    assert_eq!(checkpoint(&disk, &mut index).count, before);
}
