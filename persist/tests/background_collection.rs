//! Collections of an open store, whose heaps, held pins and snapshots change while they run, with a
//! crash at every operation.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;

use fastrand::Rng;
use persist::collect::{BackgroundCollection, CollectError, CollectPace, CollectStats};
use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{Seq, Store, StoreSettings};
use plan::pinspace::{FrozenPin, HeapReferences, PinSpace};
use plan::{Hash, Val};
use support::{payload, small};
use vm::Vm;

/// A pin of the model: its number, its size, and the pins that it refers to.
#[derive(Clone, Debug)]
struct ModelPin {
    number: usize,
    size: usize,
    edges: Vec<Hash>,
}

/// What was frozen and saved.
#[derive(Default)]
struct Model {
    /// Every pin that was ever frozen, by its hash.
    pins: BTreeMap<Hash, ModelPin>,
    /// The roots of the snapshots that were written, in order.
    written: Vec<Hash>,
    /// The roots of the snapshots that were begun, in order.
    begun: Vec<Hash>,
}

impl Model {
    /// The pins that these reach.
    fn reached(&self, from: impl IntoIterator<Item = Hash>) -> BTreeSet<Hash> {
        let mut reached = BTreeSet::new();
        let mut todo: Vec<Hash> = from.into_iter().collect();
        while let Some(pin) = todo.pop() {
            if reached.insert(pin) {
                todo.extend(&self.pins[&pin].edges);
            }
        }
        reached
    }
}

/// The owner of a store, who does this and that.
struct Owner {
    model: Model,
    store: Arc<Store>,
    /// A heap that refers to pins, also between two actions.
    vm: Vm,
    rng: Rng,
    next: usize,
    /// Pins that the heap refers to.
    values: Vec<(Hash, Val)>,
    /// Pins that are held outside of the heap.
    held: Vec<FrozenPin>,
    failed: bool,
    /// Whether the owner goes on after an error.
    is_tolerant: bool,
}

impl Owner {
    fn create(disk: &SimDisk, seed: u64, settings: StoreSettings) -> Option<Owner> {
        let store = Store::create_on(Arc::new(disk.clone()), settings).ok()?;
        Some(Owner {
            store: Arc::new(store),
            vm: support::vm(),
            rng: Rng::with_seed(seed),
            model: Model::default(),
            next: 0,
            values: vec![],
            held: vec![],
            failed: false,
            is_tolerant: false,
        })
    }

    /// The pins that the owner refers to now.
    fn used(&self) -> BTreeSet<Hash> {
        let values = self.values.iter().map(|(hash, _)| *hash);
        self.model.reached(values.chain(self.held.iter().map(FrozenPin::hash)))
    }

    /// Freezes a pin that holds a number and refers to some pins in use.
    fn freeze(&mut self, pin: ModelPin) -> Option<FrozenPin> {
        let mut items = vec![
            self.vm.nat(pin.number as u64),
            self.vm.bar(&payload(pin.number, pin.size)).unwrap(),
        ];
        for edge in &pin.edges {
            let held = self.values.iter().find(|(hash, _)| hash == edge);
            items.push(held.unwrap().1.clone());
        }
        let row = self.vm.row(&items).unwrap();
        match self.vm.freeze(&row, self.store.space()) {
            Ok(frozen) => {
                self.model.pins.insert(frozen.hash(), pin);
                Some(frozen)
            }
            Err(_) => {
                self.fail();
                None
            }
        }
    }

    fn fail(&mut self) {
        self.failed |= !self.is_tolerant;
    }

    fn add(&mut self) {
        // Sometimes a pin that existed before: it may be garbage now, or be found.
        let forgotten: Vec<&ModelPin> =
            self.model.pins.values().filter(|pin| pin.edges.is_empty()).collect();
        let again = match forgotten.len() {
            0 => None,
            count => Some(forgotten[self.rng.usize(..count)].clone()),
        };
        let pin = match again.filter(|_| self.rng.u8(..3) == 0) {
            Some(pin) => pin,
            None => {
                self.next += 1;
                let size = [0, 30, 300, 5000][self.rng.usize(..4)];
                let mut edges = BTreeSet::new();
                for _ in 0..self.rng.usize(..3) {
                    if !self.values.is_empty() {
                        edges.insert(self.values[self.rng.usize(..self.values.len())].0);
                    }
                }
                ModelPin { number: self.next, size, edges: edges.into_iter().collect() }
            }
        };
        let Some(frozen) = self.freeze(pin) else { return };
        if self.rng.bool() {
            let value = self.vm.adopt(&frozen);
            self.values.push((frozen.hash(), value));
        }
        if self.rng.u8(..4) == 0 {
            self.held.push(frozen);
        }
    }

    fn act(&mut self) {
        if self.failed {
            return;
        }
        match self.rng.u8(..12) {
            0..=4 => self.add(),
            5 if !self.values.is_empty() => {
                let value = self.rng.usize(..self.values.len());
                self.values.swap_remove(value);
            }
            6 if !self.held.is_empty() => {
                // From a held pin to a value of the heap.
                let held = self.rng.usize(..self.held.len());
                let frozen = self.held.swap_remove(held);
                let value = self.vm.adopt(&frozen);
                self.values.push((frozen.hash(), value));
            }
            7 => self.search(),
            8 if self.store.commit_pins().is_err() => self.fail(),
            9 => self.vm.collect(),
            10 => self.snapshot(),
            _ => {}
        }
    }

    /// Searches a pin by its hash. If it is found, it is used.
    fn search(&mut self) {
        let hashes: Vec<Hash> = self.model.pins.keys().copied().collect();
        if hashes.is_empty() {
            return;
        }
        let hash = hashes[self.rng.usize(..hashes.len())];
        match self.store.space().find(&hash) {
            Ok(Some(found)) => {
                assert_eq!(found.hash(), hash);
                self.held.push(found);
            }
            Ok(None) => assert!(!self.used().contains(&hash), "a pin in use is not found"),
            Err(_) => self.fail(),
        }
    }

    fn snapshot(&mut self) {
        let Some((hash, value)) = self.values.last().cloned() else { return };
        let frozen = self.vm.freeze(&value, self.store.space()).unwrap();
        assert_eq!(frozen.hash(), hash);
        self.model.begun.push(hash);
        match self.store.write_snapshot(&frozen, Seq::START) {
            Ok(_) => self.model.written.push(hash),
            // A failed snapshot may exist, except one that found the disk full.
            Err(error) => {
                if support::is_full(&error) {
                    self.model.begun.pop();
                }
                self.fail();
            }
        }
    }

    /// Runs a collection, and acts between its steps.
    fn collect(&mut self) -> Option<CollectStats> {
        let collection = BackgroundCollection::begin(&self.store)?;
        for _ in 0..self.rng.usize(..3) {
            self.act();
        }
        let space = Arc::clone(self.store.space());
        let reports = [self.report(&space)];
        let keep_going = &mut || {
            self.act();
            true
        };
        let collected = collection.run(&reports, CollectPace { entries_per_step: 5, keep_going });
        match collected {
            Ok(stats) => stats,
            // A store without a snapshot is not collected.
            Err(_) if self.model.written.is_empty() => None,
            Err(error) => {
                assert!(matches!(error, CollectError::Write(_) | CollectError::Read(_)), "{error}");
                self.fail();
                None
            }
        }
    }

    /// What the heap refers to, found in one of the two ways.
    fn report(&mut self, space: &Arc<PinSpace>) -> HeapReferences {
        if self.rng.bool() {
            return self.vm.survey_references(space);
        }
        let lent = self.vm.lend_references(space).expect("nothing is being evaluated");
        let list = thread::spawn(move || lent.list(|| true));
        for _ in 0..self.rng.usize(..3) {
            self.act();
        }
        list.join().expect("no panic").expect("the system has memory")
    }

    fn into_model(self) -> Model {
        self.model
    }

    /// Checks that all pins in use are as they were frozen, on disk and in the mapping.
    fn check(&mut self) {
        for hash in self.used() {
            let found = self.store.space().find(&hash).unwrap();
            let found = found.unwrap_or_else(|| panic!("{:?} is lost", self.model.pins[&hash]));
            check_pin(&mut self.vm, &self.store, &found, &self.model.pins[&hash]);
        }
    }
}

/// Checks the contents of a pin, in the file and through a heap.
fn check_pin(vm: &mut Vm, store: &Store, frozen: &FrozenPin, pin: &ModelPin) {
    store.space().check_file(frozen.address()).unwrap();
    let value = vm.adopt(frozen);
    let plan::Shape::Pin(found) = vm.look(&value).shape() else { panic!("a pin") };
    let row = found.item().as_row().unwrap();
    let items: Vec<plan::Ref<'_>> = row.iter().collect();
    assert_eq!(items[0].as_u64(), Some(pin.number as u64));
    assert_eq!(items.len(), 2 + pin.edges.len());
    let plan::Shape::Bar(bytes) = items[1].shape() else { panic!("a bar") };
    assert_eq!(bytes, &payload(pin.number, pin.size)[..]);
}

/// Opens a store after a crash, and checks that its snapshots are whole.
fn check_image(image: &SimDisk, model: &Model, point: &str) {
    let store = Store::open_on(Arc::new(image.clone()), settings()).unwrap();
    let snapshots = store.snapshots();
    let newest = snapshots.first().map_or(0, |it| it.generation as usize);
    assert!(newest >= model.written.len(), "{point}");
    let mut vm = support::vm();
    for snapshot in &snapshots {
        let root = Hash(snapshot.root);
        assert_eq!(root, model.begun[snapshot.generation as usize - 1], "{point}");
        assert_eq!(store.root(snapshot).unwrap().hash(), root, "{point}");
        for hash in model.reached([root]) {
            let found = store.space().find(&hash).unwrap();
            let found = found.unwrap_or_else(|| panic!("{point}: {:?}", model.pins[&hash]));
            check_pin(&mut vm, &store, &found, &model.pins[&hash]);
        }
    }
    // A later collection, and new pins in the gaps, lose nothing either.
    let store = Arc::new(store);
    for round in 0..2 {
        if let Some(snapshot) = snapshots.first() {
            let collection = BackgroundCollection::begin(&store).unwrap();
            let reports = [vm.survey_references(store.space())];
            collection.run(&reports, CollectPace::new(&mut || true)).unwrap().unwrap();
            let root = Hash(snapshot.root);
            for hash in model.reached([root]) {
                let found = store.space().find(&hash).unwrap().expect("it is live");
                check_pin(&mut vm, &store, &found, &model.pins[&hash]);
            }
            for number in 0..5 {
                let row = [vm.nat(round), vm.bar(&payload(number, 700)).unwrap()];
                let row = vm.row(&row).unwrap();
                vm.freeze(&row, store.space()).unwrap();
            }
            store.commit_pins().unwrap();
        }
    }
}

fn settings() -> StoreSettings {
    StoreSettings { body_file: 60_000, ..small() }
}

/// Runs a random history until its end or the first failure.
fn run(disk: &SimDisk, seed: u64, check: bool) -> Option<(Owner, u64)> {
    let mut owner = Owner::create(disk, seed, settings())?;
    let freed = owner.live(check);
    Some((owner, freed))
}

impl Owner {
    /// Works and collects. Returns the number of pins that were freed.
    fn live(&mut self, check: bool) -> u64 {
        let owner = self;
        let mut freed = 0;
        for round in 0..6 {
            for _ in 0..12 {
                owner.act();
            }
            owner.snapshot();
            if round == 3 {
                owner.values.truncate(2);
                owner.held.clear();
            }
            freed += owner.collect().map_or(0, |stats| stats.freed_pins);
            if owner.failed {
                return freed;
            }
            if check {
                owner.check();
            }
        }
        freed
    }
}

#[test]
fn pins_in_use_survive_collections_that_run_beside_random_work() {
    let seeds = std::env::var("PALLAS_CRASH_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    let mut freed = 0;
    for seed in 0..seeds.unwrap_or(60) {
        let disk = SimDisk::new();
        let (mut owner, freed_pins) = run(&disk, seed, true).unwrap();
        assert!(!owner.failed, "seed {seed}");
        owner.check();
        freed += freed_pins;
        support::check_slots(&disk);
        drop(owner);
    }
    assert!(freed > 500, "{freed}");
}

#[test]
fn snapshots_survive_a_crash_at_any_operation_beside_a_collection() {
    let mut points = 0;
    for seed in 0..2 {
        let whole = SimDisk::new();
        drop(run(&whole, seed, false).unwrap());
        for step in 1..=whole.steps() {
            let disk = SimDisk::new();
            disk.fail_at(step, InjectedFault::PowerOff);
            let Some((owner, _)) = run(&disk, seed, false) else { continue };
            // The store is closed when its last pin is dropped. The disk is off, so nothing changes.
            let model = owner.into_model();
            let remains = [
                SurvivingWrites::Nothing,
                SurvivingWrites::Everything,
                SurvivingWrites::LengthsOnly,
                SurvivingWrites::UpTo(step),
                SurvivingWrites::Anything(step),
                SurvivingWrites::Anything(step + 1_000_000),
            ];
            for survives in remains {
                let image = disk.crash(survives);
                check_image(&image, &model, &format!("seed {seed}, step {step}, {survives:?}"));
                points += 1;
            }
        }
    }
    println!("{points} crash points");
    assert!(points > 1000, "{points}");
}

#[test]
fn pins_in_use_survive_a_disk_that_is_full_for_an_operation() {
    let whole = SimDisk::new();
    drop(run(&whole, 7, false).unwrap());
    for step in 20..whole.steps() {
        let disk = SimDisk::new();
        disk.fail_at(step, InjectedFault::NoSpace);
        let Some(mut owner) = Owner::create(&disk, 7, settings()) else { continue };
        owner.is_tolerant = true;
        owner.live(true);
        let used = owner.used();
        let written = owner.model.written.clone();
        let Owner { model, store, vm, values, held, .. } = owner;
        drop((store, values, held, vm));
        assert!(used.len() < 1000 && written.len() < 100);
        check_image(&disk, &model, &format!("full at step {step}"));
    }
}

#[test]
fn space_stays_in_proportion_to_live_pins() {
    let disk = SimDisk::new();
    let settings = StoreSettings { body_file: 1 << 30, ..small() };
    let mut owner = Owner::create(&disk, 1, settings).unwrap();
    // The live pins: the newest 20, of 3,000 bytes each. Each snapshot replaces some.
    let (live, mut most) = (20 * 3_200, 0);
    for round in 0..150 {
        for _ in 0..6 {
            owner.next += 1;
            let pin = ModelPin { number: owner.next, size: 3000, edges: vec![] };
            let frozen = owner.freeze(pin).unwrap();
            let value = owner.vm.adopt(&frozen);
            owner.values.push((frozen.hash(), value));
        }
        let surplus = owner.values.len().saturating_sub(20);
        owner.values.drain(..surplus);
        owner.snapshot();
        if round % 5 == 4 {
            let collection = BackgroundCollection::begin(&owner.store).unwrap();
            let reports = [owner.vm.survey_references(owner.store.space())];
            assert!(collection.run(&reports, CollectPace::new(&mut || true)).unwrap().is_some());
        }
        let files = disk.files();
        let bytes = |dir: &str| -> usize {
            files.iter().filter(|it| it.0.starts_with(dir)).map(|it| it.1.len()).sum()
        };
        most = most.max(bytes("bodies/") + bytes("catalogue/"));
    }
    // 900 pins of 3,000 bytes were written.
    assert!(most < 3 * live + 50_000, "{most} bytes for {live} live ones");
    owner.check();
}
