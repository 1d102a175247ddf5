//! Workloads of freezing and collecting, cut short at every operation, against a model.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher};

use super::*;
use crate::lock::lock;
use crate::sim::{Fault, SimDisk, Survives};
use crate::space::catalogue::Entry;
use crate::space::files::Pins;

/// A generator of choices (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }

    fn pick(&mut self, from: &BTreeSet<usize>) -> Option<usize> {
        from.iter().nth(self.below(from.len())).copied()
    }
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Add(usize),
    Commit,
    Slot(usize),
    Collect(usize),
    Reopen,
}

/// Collects more and more, in one file and in several, until most of the catalogue is about what is
/// gone.
fn script(seed: u64) -> Vec<Action> {
    let mut dice = Dice(seed);
    let mut script = vec![];
    for round in 0..3 {
        for _ in 0..3 {
            script.extend([Action::Add(2 + dice.below(9)), Action::Commit]);
        }
        script.push(
            [Action::Reopen, Action::Slot(10 + round), Action::Commit][(seed as usize + round) % 3],
        );
        script.extend([Action::Add(1 + dice.below(4)), Action::Commit]);
        script.push(Action::Collect([8, 2, 1][round]));
    }
    script.extend([Action::Add(5), Action::Commit, Action::Collect(2), Action::Add(4)]);
    script.push(Action::Commit);
    script
}

fn hash_of(pin: usize) -> Hash {
    *blake3::hash(&(pin as u64).to_le_bytes()).as_bytes()
}

fn bytes_of(pin: usize) -> Vec<u8> {
    let size = if pin.is_multiple_of(5) { 9000 } else { 64 + (pin * 56) % 700 };
    vec![pin as u8 + 1; size]
}

/// What there is, and what there may be instead after a crash.
#[derive(Clone, Default)]
struct Model {
    created: bool,
    /// What each pin refers to.
    edges: Vec<Vec<usize>>,
    /// Pins that are there, as far as anyone knows.
    certain: BTreeSet<usize>,
    /// Pins that were kept since, in order: any number of the first may be there.
    pending: Vec<usize>,
    /// What a collection that is under way will leave.
    after: Option<BTreeSet<usize>>,
}

impl Model {
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

    /// A new pin, or one that was collected once more.
    fn next_pin(&mut self, dice: &mut Dice) -> usize {
        let there: BTreeSet<usize> = self.certain.iter().chain(&self.pending).copied().collect();
        let gone = (0..self.edges.len()).filter(|pin| !there.contains(pin));
        let gone: BTreeSet<usize> = gone.filter(|pin| self.edges[*pin].is_empty()).collect();
        if let (0, Some(pin)) = (dice.below(4), dice.pick(&gone)) {
            return pin;
        }
        let edges: BTreeSet<usize> = (0..dice.below(3)).filter_map(|_| dice.pick(&there)).collect();
        self.edges.push(edges.into_iter().collect());
        self.edges.len() - 1
    }

    fn add(&mut self, pins: &Pins, dice: &mut Dice) -> Result<(), CollectError> {
        let files = &mut *lock(pins.files());
        let pin = self.next_pin(dice);
        let record = bytes_of(pin);
        let find = |edge: &usize| files.find(&hash_of(*edge)).expect("read").expect("it is there");
        let mut edges: Vec<u64> = self.edges[pin].iter().map(find).collect();
        edges.sort_unstable();
        let address = files.place(record.len())?.expect("there is room");
        let bytes = record.len() as u64;
        files.keep(&record, &Entry { hash: hash_of(pin), address, bytes, edges })?;
        self.pending.push(pin);
        Ok(())
    }

    fn commit(&mut self, pins: &Pins) -> Result<(), CollectError> {
        pins.commit()?;
        self.certain.extend(self.pending.drain(..));
        Ok(())
    }

    fn collect(&mut self, disk: &SimDisk, roots: &[usize]) -> Result<Collected, CollectError> {
        let after = self.reached(roots);
        self.after = Some(after.clone());
        let pins = open(disk)?;
        let root = |pin: &usize| {
            let hash = hash_of(*pin);
            let address = lock(pins.files()).find(&hash).expect("read").expect("it is there");
            Root { address, hash }
        };
        let roots: Vec<Root> = roots.iter().map(root).collect();
        drop(pins);
        let done = collect_at(&home(disk), &roots, 0, false, &mut |_, _, _| {})?;
        assert_eq!(done.kept_pins as usize, after.len());
        // One that was there before the crash that this makes good is not freed twice.
        assert!(done.freed_pins as usize <= self.certain.len() - after.len());
        (self.certain, self.after) = (after, None);
        Ok(done)
    }

    /// Checks that a pin space has what it must have, and forgets what did not survive.
    fn check(&mut self, pins: &Pins) {
        let mut addresses = std::collections::HashMap::new();
        let mut there = BTreeSet::new();
        let visit = |entry: &Entry| {
            let pin = (0..self.edges.len()).find(|pin| hash_of(*pin) == entry.hash);
            let pin = pin.expect("one of ours");
            assert!(there.insert(pin), "each once");
            let edges: Vec<usize> = entry.edges.iter().map(|edge| addresses[edge]).collect();
            let edges: BTreeSet<usize> = edges.into_iter().collect();
            assert!(edges.iter().eq(&self.edges[pin]), "the edges of {pin}");
            addresses.insert(entry.address, pin);
            let files = lock(pins.files());
            assert_eq!(files.find(&entry.hash).expect("read"), Some(entry.address));
            let (slot, offset) = body::place(entry.address);
            let body = files.bodies.iter().find(|body| body.slot == slot);
            let mut bytes = vec![0; entry.bytes as usize];
            body.expect("open").file.read_at(offset, &mut bytes).expect("there");
            assert!(bytes == bytes_of(pin), "pin {pin}");
            Ok(())
        };
        pins.each_entry(visit).expect("a whole catalogue");
        for pin in (0..self.edges.len()).filter(|pin| !there.contains(pin)) {
            let found = lock(pins.files()).find(&hash_of(pin)).expect("read");
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

fn home(disk: &SimDisk) -> Home {
    Home { disk: Arc::new(disk.clone()), store: [5; 16], health: Arc::new(Health::default()) }
}

fn create(disk: &SimDisk) -> Result<Pins, CollectError> {
    let home = home(disk);
    files::make_dirs(&home)?;
    Ok(Pins::create(home, 3)?)
}

fn open(disk: &SimDisk) -> Result<Pins, OpenError> {
    PinSurvey::make(&home(disk), 0)?.resume()
}

/// Runs a script to its end or to the first error.
fn run(disk: &SimDisk, seed: u64) -> (Model, Result<(), CollectError>) {
    let mut model = Model::default();
    let result = run_on(disk, seed, &mut model);
    (model, result)
}

fn run_on(disk: &SimDisk, seed: u64, model: &mut Model) -> Result<(), CollectError> {
    let dice = &mut Dice(seed ^ 0xABCD);
    let mut pins = create(disk)?;
    model.created = true;
    for action in script(seed) {
        match action {
            Action::Add(count) => {
                for _ in 0..count {
                    model.add(&pins, dice)?;
                }
            }
            Action::Commit => model.commit(&pins)?,
            Action::Slot(slot) => drop(lock(pins.files()).add_slot(slot)?),
            Action::Reopen => {
                pins.close()?;
                pins = open(disk)?;
            }
            Action::Collect(roots) => {
                pins.close()?;
                let roots: Vec<usize> =
                    (0..roots).filter_map(|_| dice.pick(&model.certain)).collect();
                model.collect(disk, &roots)?;
                pins = open(disk)?;
                model.clone().check(&pins);
            }
        }
    }
    pins.close()?;
    Ok(())
}

/// Opens an image, checks it, collects, goes on and checks again.
fn check(image: &SimDisk, model: &Model, point: u64) {
    let model = &mut model.clone();
    let dice = &mut Dice(point);
    if !model.created {
        return;
    }
    model.check(&open(image).expect("opens after any crash"));
    let roots: Vec<usize> = (0..2).filter_map(|_| dice.pick(&model.certain)).collect();
    model.collect(image, &roots).expect("a collection");
    let pins = open(image).expect("opens after a collection");
    model.check(&pins);
    for _ in 0..6 {
        model.add(&pins, dice).expect("room");
    }
    model.commit(&pins).expect("room");
    pins.close().expect("room");
    drop(pins);
    model.check(&open(image).expect("opens"));
    // A second collection finds nothing to free, and changes nothing.
    let roots: Vec<usize> = model.certain.iter().copied().collect();
    let done = model.collect(image, &roots).expect("a collection");
    assert_eq!(done.freed_pins, 0);
    // What was closed stays, whatever happens.
    let after = image.crash(Survives::Nothing);
    model.check(&open(&after).expect("opens"));
}

fn digest(disk: &SimDisk) -> u64 {
    let mut hasher = DefaultHasher::new();
    disk.files().hash(&mut hasher);
    hasher.finish()
}

/// How many workloads are cut short; more on demand.
fn seeds() -> std::ops::RangeInclusive<u64> {
    let asked = std::env::var("PALLAS_CRASH_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    1..=asked.unwrap_or(2)
}

#[test]
fn a_crash_anywhere_leaves_all_that_is_reached() {
    let mut points = 0;
    for seed in seeds() {
        let whole = SimDisk::new();
        run(&whole, seed).1.expect("no fault");
        let mut seen = HashSet::new();
        for step in 1..=whole.steps() {
            let disk = SimDisk::new();
            disk.fail_at(step, Fault::PowerOff);
            let (model, _) = run(&disk, seed);
            let fixed = [Survives::Nothing, Survives::Everything, Survives::LengthsOnly];
            let moments = (0..3).map(|n| Survives::UpTo(10 * step + n));
            let mixtures = (0..6).map(|n| Survives::Anything(10 * step + n));
            for survives in fixed.into_iter().chain(moments).chain(mixtures) {
                let image = disk.crash(survives);
                if seen.insert((digest(&image), model.certain.clone(), model.pending.clone())) {
                    check(&image, &model, step);
                }
            }
            // Now it was not the power that went, but the process alone that ended.
            disk.revive();
            seen.insert((step, model.certain.clone(), model.pending.clone()));
            check(&disk, &model, step);
        }
        points += seen.len();
    }
    println!("{points} distinct crash points");
    assert!(points > 2000, "{points}");
}
