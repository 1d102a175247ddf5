//! Workloads of freezing and collecting with a crash at every operation, compared with a model.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher};

use fastrand::Rng;

use super::*;
use crate::error::OpenError;
use crate::sim::{InjectedFault, SimDisk, SurvivingWrites};
use crate::space::body;
use crate::space::catalogue::CatalogueEntry;
use crate::space::layout::make_dirs;
use crate::space::pin_files::PinFiles;
use crate::types::PinHash;

/// Returns a random element of a set; `None` if it is empty.
fn choose(rng: &mut Rng, from: &BTreeSet<usize>) -> Option<usize> {
    rng.choice(from).copied()
}

/// Returns a random number below `limit`.
fn below(rng: &mut Rng, limit: usize) -> usize {
    rng.usize(..limit)
}

#[derive(Debug, Clone, Copy)]
enum CollectionStep {
    Add(usize),
    Commit,
    Slot(usize),
    Collect(usize),
    Reopen,
}

/// Returns a script that collects more and more, in one file and in several, until most of the
/// catalogue concerns freed pins.
fn script(seed: u64) -> Vec<CollectionStep> {
    let rng = &mut Rng::with_seed(seed);
    let mut script = vec![];
    for round in 0..3 {
        for _ in 0..3 {
            script.extend([CollectionStep::Add(2 + below(rng, 9)), CollectionStep::Commit]);
        }
        script.push(
            [CollectionStep::Reopen, CollectionStep::Slot(10 + round), CollectionStep::Commit]
                [(seed as usize + round) % 3],
        );
        script.extend([CollectionStep::Add(1 + below(rng, 4)), CollectionStep::Commit]);
        script.push(CollectionStep::Collect([8, 2, 1][round]));
    }
    script.extend([
        CollectionStep::Add(5),
        CollectionStep::Commit,
        CollectionStep::Collect(2),
        CollectionStep::Add(4),
    ]);
    script.push(CollectionStep::Commit);
    script
}

fn hash_of(pin: usize) -> PinHash {
    *blake3::hash(&(pin as u64).to_le_bytes()).as_bytes()
}

fn bytes_of(pin: usize) -> Vec<u8> {
    let size = if pin.is_multiple_of(5) { 9000 } else { 64 + (pin * 56) % 700 };
    vec![pin as u8 + 1; size]
}

/// The pins that must exist, and those that may exist instead after a crash.
#[derive(Clone, Default)]
struct PinModel {
    created: bool,
    /// The pins that each pin refers to.
    edges: Vec<Vec<usize>>,
    /// The pins that must exist.
    certain: BTreeSet<usize>,
    /// The pins that were inserted since, in order. Any prefix of them may exist.
    pending: Vec<usize>,
    /// The pins that a collection in progress will leave.
    after: Option<BTreeSet<usize>>,
}

impl PinModel {
    fn reached(&self, roots: &[usize]) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut todo = roots.to_vec();
        while let Some(pin) = todo.pop() {
            if reached.insert(pin) {
                todo.extend(&self.edges[pin]);
            }
        }
        reached
    }

    /// Returns a new pin, or one that was collected before.
    fn next_pin(&mut self, rng: &mut Rng) -> usize {
        let there: BTreeSet<usize> = self.certain.iter().chain(&self.pending).copied().collect();
        let gone = (0..self.edges.len()).filter(|pin| !there.contains(pin));
        let gone: BTreeSet<usize> = gone.filter(|pin| self.edges[*pin].is_empty()).collect();
        if let (0, Some(pin)) = (below(rng, 4), choose(rng, &gone)) {
            return pin;
        }
        let edges: BTreeSet<usize> =
            (0..below(rng, 3)).filter_map(|_| choose(rng, &there)).collect();
        self.edges.push(edges.into_iter().collect());
        self.edges.len() - 1
    }

    fn add(&mut self, pins: &PinFiles, rng: &mut Rng) -> Result<(), CollectError> {
        let table = &mut *pins.table().lock();
        let pin = self.next_pin(rng);
        let record = bytes_of(pin);
        let find = |edge: &usize| table.find(&hash_of(*edge)).expect("read").expect("it is there");
        let mut edges: Vec<u64> = self.edges[pin].iter().map(find).collect();
        edges.sort_unstable();
        let address = table.find_space(record.len())?.expect("there is room");
        let bytes = record.len() as u64;
        table.insert(&record, &CatalogueEntry { hash: hash_of(pin), address, bytes, edges })?;
        self.pending.push(pin);
        Ok(())
    }

    fn commit(&mut self, pins: &PinFiles) -> Result<(), CollectError> {
        pins.commit()?;
        self.certain.extend(self.pending.drain(..));
        Ok(())
    }

    fn collect(&mut self, disk: &SimDisk, roots: &[usize]) -> Result<CollectStats, CollectError> {
        let after = self.reached(roots);
        self.after = Some(after.clone());
        let pins = open(disk)?;
        let root = |pin: &usize| {
            let hash = hash_of(*pin);
            let address = pins.table().lock().find(&hash).expect("read").expect("it is there");
            SnapshotRoot { address, hash }
        };
        let roots: Vec<SnapshotRoot> = roots.iter().map(root).collect();
        drop(pins);
        let done = collect_roots(&context(disk), &roots, 0, false, &mut |_, _, _| {})?;
        assert_eq!(done.kept_pins as usize, after.len());
        // The collection that this one continues may have freed some pins already.
        assert!(done.freed_pins as usize <= self.certain.len() - after.len());
        (self.certain, self.after) = (after, None);
        Ok(done)
    }

    /// Checks that the pins are there that must be, and forgets those that did not survive.
    fn check(&mut self, pins: &PinFiles) {
        let mut addresses = std::collections::HashMap::new();
        let mut there = BTreeSet::new();
        let visit = |entry: &CatalogueEntry| {
            let pin = (0..self.edges.len()).find(|pin| hash_of(*pin) == entry.hash);
            let pin = pin.expect("one of ours");
            assert!(there.insert(pin), "each once");
            let edges: Vec<usize> = entry.edges.iter().map(|edge| addresses[edge]).collect();
            let edges: BTreeSet<usize> = edges.into_iter().collect();
            assert!(edges.iter().eq(&self.edges[pin]), "the edges of {pin}");
            addresses.insert(entry.address, pin);
            let table = pins.table().lock();
            assert_eq!(table.find(&entry.hash).expect("read"), Some(entry.address));
            let (slot, offset) = body::locate(entry.address);
            let body = table.bodies.iter().find(|body| body.slot == slot);
            let mut bytes = vec![0; entry.bytes as usize];
            body.expect("open").file.read_at(offset, &mut bytes).expect("there");
            assert!(bytes == bytes_of(pin), "pin {pin}");
            Ok(())
        };
        pins.each_entry(visit).expect("a whole catalogue");
        for pin in (0..self.edges.len()).filter(|pin| !there.contains(pin)) {
            let found = pins.table().lock().find(&hash_of(pin)).expect("read");
            assert_eq!(found, None, "{pin} is gone");
        }
        let mut as_before = self.certain.clone();
        let mut possible = vec![as_before.clone()];
        for pin in &self.pending {
            as_before.insert(*pin);
            possible.push(as_before.clone());
        }
        possible.extend(self.after.take());
        assert!(possible.contains(&there), "{there:?} instead of {possible:?}");
        (self.certain, self.pending) = (there, vec![]);
    }
}

fn context(disk: &SimDisk) -> StoreContext {
    StoreContext::new(Arc::new(disk.clone()), [5; 16])
}

fn create(disk: &SimDisk) -> Result<PinFiles, CollectError> {
    let context = context(disk);
    make_dirs(&context)?;
    Ok(PinFiles::create(context, 3)?)
}

fn open(disk: &SimDisk) -> Result<PinFiles, OpenError> {
    PinSurvey::scan(&context(disk), 0)?.resume()
}

/// Runs a script to its end or to the first error.
fn run(disk: &SimDisk, seed: u64) -> (PinModel, Result<(), CollectError>) {
    let mut model = PinModel::default();
    let result = run_on(disk, seed, &mut model);
    (model, result)
}

fn run_on(disk: &SimDisk, seed: u64, model: &mut PinModel) -> Result<(), CollectError> {
    let rng = &mut Rng::with_seed(seed ^ 0xABCD);
    let mut pins = create(disk)?;
    model.created = true;
    for action in script(seed) {
        match action {
            CollectionStep::Add(count) => {
                for _ in 0..count {
                    model.add(&pins, rng)?;
                }
            }
            CollectionStep::Commit => model.commit(&pins)?,
            CollectionStep::Slot(slot) => drop(pins.table().lock().add_slot(slot)?),
            CollectionStep::Reopen => {
                pins.close()?;
                pins = open(disk)?;
            }
            CollectionStep::Collect(roots) => {
                pins.close()?;
                let roots: Vec<usize> =
                    (0..roots).filter_map(|_| choose(rng, &model.certain)).collect();
                model.collect(disk, &roots)?;
                pins = open(disk)?;
                model.clone().check(&pins);
            }
        }
    }
    pins.close()?;
    Ok(())
}

/// Opens an image, checks it, collects, inserts more pins, and checks again.
fn check(image: &SimDisk, model: &PinModel, point: u64) {
    let model = &mut model.clone();
    let rng = &mut Rng::with_seed(point);
    if !model.created {
        return;
    }
    model.check(&open(image).expect("opens after any crash"));
    let roots: Vec<usize> = (0..2).filter_map(|_| choose(rng, &model.certain)).collect();
    model.collect(image, &roots).expect("a collection");
    let pins = open(image).expect("opens after a collection");
    model.check(&pins);
    for _ in 0..6 {
        model.add(&pins, rng).expect("room");
    }
    model.commit(&pins).expect("room");
    pins.close().expect("room");
    drop(pins);
    model.check(&open(image).expect("opens"));
    // A second collection finds nothing to free, and changes nothing.
    let roots: Vec<usize> = model.certain.iter().copied().collect();
    let done = model.collect(image, &roots).expect("a collection");
    assert_eq!(done.freed_pins, 0);
    // After closing, everything survives a loss of power.
    let after = image.crash(SurvivingWrites::Nothing);
    model.check(&open(&after).expect("opens"));
}

fn digest(disk: &SimDisk) -> u64 {
    let mut hasher = DefaultHasher::new();
    disk.files().hash(&mut hasher);
    hasher.finish()
}

/// Returns the seeds of the workloads. An environment variable requests more.
fn seeds() -> std::ops::RangeInclusive<u64> {
    let asked = std::env::var("PALLAS_CRASH_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    1..=asked.unwrap_or(2)
}

#[test]
fn live_pins_survive_a_crash_at_any_operation_of_a_collection() {
    let mut points = 0;
    for seed in seeds() {
        let whole = SimDisk::new();
        run(&whole, seed).1.expect("no fault");
        let mut seen = HashSet::new();
        for step in 1..=whole.steps() {
            let disk = SimDisk::new();
            disk.fail_at(step, InjectedFault::PowerOff);
            let (model, _) = run(&disk, seed);
            let fixed = [
                SurvivingWrites::Nothing,
                SurvivingWrites::Everything,
                SurvivingWrites::LengthsOnly,
            ];
            let moments = (0..3).map(|n| SurvivingWrites::UpTo(10 * step + n));
            let mixtures = (0..6).map(|n| SurvivingWrites::Anything(10 * step + n));
            for survives in fixed.into_iter().chain(moments).chain(mixtures) {
                let image = disk.crash(survives);
                if seen.insert((digest(&image), model.certain.clone(), model.pending.clone())) {
                    check(&image, &model, step);
                }
            }
            // The same crash of the process alone, without a loss of power.
            disk.revive();
            seen.insert((step, model.certain.clone(), model.pending.clone()));
            check(&disk, &model, step);
        }
        points += seen.len();
    }
    println!("{points} distinct crash points");
    assert!(points > 2000, "{points}");
}
