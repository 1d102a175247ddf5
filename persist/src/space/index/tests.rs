use super::*;
use crate::sim::{SimDisk, Survives};

fn hash(number: u64) -> Hash {
    *blake3::hash(&number.to_le_bytes()).as_bytes()
}

fn address(number: u64) -> u64 {
    64 * (number + 1)
}

fn empty() -> (SimDisk, Arc<dyn Disk>, Index) {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    disk.make_dir("index").expect("made");
    disk.sync_dir("").expect("made");
    let index = Index::create(&disk).expect("made");
    (sim, disk, index)
}

fn insert(index: &mut Index, numbers: std::ops::Range<u64>) {
    numbers.for_each(|it| index.insert(&hash(it), address(it)).expect("room"));
}

/// Flushes it and gives its shape, as whoever writes that down would.
fn settle(disk: &Arc<dyn Disk>, index: &mut Index) -> Shape {
    index.files().iter().for_each(|(_, file)| file.flush().expect("flushed"));
    disk.sync_dir("index").expect("flushed");
    let shape = index.shape();
    index.settle().expect("written");
    shape
}

#[test]
fn what_was_put_in_is_found_also_when_opened_again() {
    let (_, disk, mut index) = empty();
    insert(&mut index, 0..20_000);
    index.insert(&hash(7), 1).expect("room");
    let shape = settle(&disk, &mut index);
    drop(index);
    let index = Index::open(&disk, shape).expect("read").expect("an index");
    for number in (0..20_000).filter(|number| *number != 7) {
        assert_eq!(index.find(&hash(number)).expect("read"), Some(address(number)));
    }
    assert_eq!(index.find(&hash(7)).expect("read"), Some(1));
    assert_eq!(index.find(&hash(20_000)).expect("read"), None);
}

#[test]
fn an_index_cut_off_anywhere_is_none_or_one() {
    let (sim, disk, mut index) = empty();
    insert(&mut index, 0..2_000);
    let shape = settle(&disk, &mut index);
    drop(index);
    for (name, whole) in sim.files() {
        for length in [0, 1, 4, 5, whole.len() / 2, whole.len() - 1] {
            sim.overwrite(&name, &whole[..length]);
            if let Some(index) = Index::open(&disk, shape.clone()).expect("read") {
                for number in 0..2_000 {
                    let found = index.find(&hash(number)).unwrap_or(None);
                    assert!(found.is_none() || found == Some(address(number)));
                }
            }
        }
        sim.overwrite(&name, &whole);
    }
}

/// Settles now and then; in between, lets the power go with any remains, takes the index up as it was
/// settled, and tells it again what came since.
#[test]
fn a_loss_of_power_leaves_what_had_been_settled() {
    let (sim, disk, mut index) = empty();
    let mut shape = settle(&disk, &mut index);
    let mut settled = 0;
    for round in 1..=12 {
        let end = settled + 150;
        insert(&mut index, settled..end);
        let fixed = [Survives::Nothing, Survives::Everything, Survives::LengthsOnly];
        let mixtures = (0..12).map(|n| Survives::Anything(100 * round + n));
        let moments = (0..4).map(|n| Survives::UpTo(100 * round + n));
        for survives in fixed.into_iter().chain(mixtures).chain(moments) {
            let image: Arc<dyn Disk> = Arc::new(sim.crash(survives));
            let again = Index::open(&image, shape.clone()).expect("read");
            let mut again = again.expect("an index");
            for number in 0..settled {
                let found = again.find(&hash(number)).expect("whole");
                assert_eq!(found, Some(address(number)), "{number}, {survives:?}");
            }
            insert(&mut again, settled..end);
            for number in 0..end {
                let found = again.find(&hash(number)).expect("whole");
                assert_eq!(found, Some(address(number)), "{number}, {survives:?}");
            }
        }
        // What a settled directory does not name is used again.
        assert!(shape.free.len() < 60, "{} free pages", shape.free.len());
        shape = settle(&disk, &mut index);
        settled = end;
    }
    assert!(shape.depth > 5 && !shape.free.is_empty());
}

#[test]
fn what_was_taken_out_is_gone_whatever_remains() {
    let (sim, disk, mut index) = empty();
    insert(&mut index, 0..600);
    let shape = settle(&disk, &mut index);
    let mut gone = Ranges::default();
    gone.push(address(100), address(400));
    index.remove_all(&gone).expect("whole");
    let is_gone = |index: &Index, number: u64| {
        let expected = (!(100..400).contains(&number)).then(|| address(number));
        assert_eq!(index.find(&hash(number)).expect("whole"), expected, "{number}");
    };
    (0..600).for_each(|number| is_gone(&index, number));
    for seed in 0..20 {
        let image: Arc<dyn Disk> = Arc::new(sim.crash(Survives::Anything(seed)));
        let again = Index::open(&image, shape.clone()).expect("read");
        let mut again = again.expect("an index");
        again.remove_all(&gone).expect("whole");
        (0..600).for_each(|number| is_gone(&again, number));
    }
    // Holes are filled.
    let before = settle(&disk, &mut index).count;
    insert(&mut index, 100..400);
    assert_eq!(settle(&disk, &mut index).count, before);
}
