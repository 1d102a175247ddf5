//! A model of a store, and workloads that run on both.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of this")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use persist::sim::SimDisk;
use persist::{LogError, OpenError, Retention, Seq, Snapshot, SnapshotError, Store, StoreSettings};
use plan::{FreezeError, pinspace::FrozenPin};
use plan::{Hash, HeapOptions};
use vm::Vm;

/// The number of slots per test: more than a workload fills, since a store that runs out of these
/// would claim those of another test.
pub const SLOTS: usize = 48;

/// Returns the first of [`SLOTS`] slots that no other test uses. Tests run in one process, each on
/// its own thread.
pub fn slot() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SLOT: usize = NEXT.fetch_add(SLOTS, Ordering::Relaxed));
    SLOT.with(|slot| *slot)
}

/// Panics if a store has claimed slots of another test.
pub fn check_slots(disk: &SimDisk) {
    let own = slot()..slot() + SLOTS;
    for name in disk.files().keys() {
        let number = name.strip_prefix("bodies/").and_then(|name| name.strip_suffix(".body"));
        if let Some(number) = number {
            let number: usize = number.parse().expect("a body file's name is a number");
            assert!(own.contains(&number), "slot {number} is not in {own:?}: raise SLOTS");
        }
    }
}

/// Creates a VM with a small heap.
pub fn vm() -> Vm {
    let options = HeapOptions { nursery: 1 << 15, max_stack: 1 << 20, ..HeapOptions::default() };
    Vm::new(options, Default::default()).expect("a small heap")
}

/// Freezes a pin that holds the number `n` and `size` bytes, and refers to other pins.
pub fn freeze(
    store: &Store,
    n: usize,
    size: usize,
    edges: &[Hash],
) -> Result<FrozenPin, FreezeError> {
    let mut vm = vm();
    let mut items = vec![vm.nat(n as u64), vm.bar(&payload(n, size))?];
    for edge in edges {
        let found = store.space().find(edge)?.expect("edges are there");
        items.push(vm.adopt(&found));
    }
    let row = vm.row(&items)?;
    vm.freeze(&row, store.space())
}

/// Returns settings with small files, so that every few operations begin a new one.
pub fn small() -> StoreSettings {
    StoreSettings {
        log_segment: 1500,
        slot: Some(slot()),
        body_file: 2000,
        log_preallocation: 400,
        log_spare_files: 1,
        commit_delay: Duration::ZERO,
        inline_commit: Duration::ZERO,
        retention: Retention { snapshots: 2, ..Retention::default() },
        max_pending: 1 << 20,
    }
}

/// One step of a workload.
#[derive(Debug, Clone)]
pub enum StoreAction {
    Append(usize),
    Commit,
    Put { size: usize, edges: usize },
    CommitPins,
    Snapshot { back: usize },
    Prune,
    Reopen,
}

/// The data that a store must contain, and data that it may contain.
#[derive(Debug, Clone, Default)]
pub struct StoreModel {
    pub created: bool,
    /// All appended events, in order.
    pub events: Vec<Vec<u8>>,
    /// The number of events that must survive: the first ones.
    pub certain_events: usize,
    /// All frozen pins, in order.
    pub pins: Vec<Hash>,
    /// The number of pins that must survive: the first ones.
    pub certain_pins: usize,
    /// The roots and covered events of all snapshots that were begun.
    pub snapshots: Vec<(Hash, Seq)>,
    /// The number of snapshots that must survive: the first ones.
    pub certain_snapshots: usize,
}

/// Returns contents that identify event or pin number `n`.
pub fn payload(n: usize, size: usize) -> Vec<u8> {
    (0..size).map(|i| (n * 31 + i * 7) as u8).collect()
}

/// Returns a random workload of `count` actions.
pub fn workload(seed: u64, count: usize) -> Vec<StoreAction> {
    let mut rng = Rng::with_seed(seed);
    let mut roll = move |limit: usize| rng.usize(..limit);
    let mut actions = Vec::new();
    for _ in 0..count {
        actions.push(match roll(20) {
            0..=6 => StoreAction::Append([0, 1, 40, 300, 900, 2000][roll(6)]),
            7..=9 => StoreAction::Commit,
            10..=13 => StoreAction::Put { size: [0, 10, 500, 1500][roll(4)], edges: roll(4) },
            14 => StoreAction::CommitPins,
            15..=17 => StoreAction::Snapshot { back: roll(3) },
            18 => StoreAction::Prune,
            _ => StoreAction::Reopen,
        });
    }
    actions
}

impl StoreModel {
    /// Runs an action on a store and on the model. Returns false if the store reported an error.
    pub fn step(&mut self, store: &Store, action: &StoreAction) -> bool {
        match action {
            StoreAction::Append(size) => {
                let n = self.events.len();
                let payload = payload(n, *size);
                self.events.push(payload.clone());
                match store.append(&payload) {
                    Ok(seq) => assert_eq!(seq.0, self.events.len() as u64),
                    Err(_) => drop(self.events.pop()),
                }
                store.last().0 == n as u64 + 1
            }
            StoreAction::Commit => self.note_durable(store.commit().is_ok()),
            StoreAction::Put { size, edges } => self.put(store, *size, *edges),
            StoreAction::CommitPins => {
                let done = store.commit_pins().is_ok();
                if done {
                    self.certain_pins = self.pins.len();
                }
                done
            }
            StoreAction::Snapshot { back } => self.snapshot(store, *back),
            StoreAction::Prune => store.prune().is_ok(),
            StoreAction::Reopen => unreachable!("`run_with` reopens the store"),
        }
    }

    pub fn note_durable(&mut self, committed: bool) -> bool {
        if committed {
            self.certain_events = self.events.len();
        }
        committed
    }

    fn put(&mut self, store: &Store, size: usize, edges: usize) -> bool {
        let n = self.pins.len();
        let edges: Vec<Hash> = self.pins.iter().rev().take(edges).copied().collect();
        if let Ok(frozen) = freeze(store, n, size, &edges) {
            self.pins.push(frozen.hash());
        }
        self.pins.len() > n
    }

    fn snapshot(&mut self, store: &Store, back: usize) -> bool {
        let Some(root) = self.pins.last().copied() else { return true };
        let Ok(Some(frozen)) = store.space().find(&root) else { return false };
        let earlier = self.snapshots.last().map_or(0, |snapshot| snapshot.1.0);
        let covers = Seq((self.events.len().saturating_sub(back) as u64).max(earlier));
        self.snapshots.push((root, covers));
        let written = match store.write_snapshot(&frozen, covers) {
            Ok(written) => written,
            // A failed snapshot may exist, except one that found the disk full.
            Err(error) => {
                if is_full(&error) {
                    self.snapshots.pop();
                }
                return false;
            }
        };
        assert_eq!((written.root, written.covers), (root.into(), covers));
        self.certain_events = self.certain_events.max(covers.0 as usize);
        self.certain_pins = self.pins.len();
        self.certain_snapshots = self.snapshots.len();
        true
    }

    /// Checks that a reopened store contains all data that must survive and only data of the model.
    /// Then removes the data that did not survive from the model.
    pub fn check(&mut self, store: &Store) {
        let recovery = store.recover().unwrap();
        assert!(recovery.damaged.is_empty());
        let covers = self.check_snapshots(store, recovery.snapshot.as_ref());
        let mut last = covers.0 as usize;
        for record in recovery.records {
            let record = record.unwrap();
            assert_eq!(record.seq.0 as usize, last + 1);
            assert_eq!(self.events.get(last), Some(&record.payload), "event {}", last + 1);
            last += 1;
        }
        assert!(last >= self.certain_events, "{last} of {} events", self.certain_events);
        assert_eq!((store.last(), store.durable()), (Seq(last as u64), Seq(last as u64)));
        self.events.truncate(last);
        self.certain_events = last;

        let mut kept = Vec::new();
        store
            .each_pin(|entry| {
                assert!(store.pin(entry).is_ok(), "pin {}", kept.len());
                kept.push(Hash(entry.hash()));
            })
            .unwrap();
        assert_eq!(self.pins[..kept.len()], kept, "each once, in order, intact");
        let certain = self.certain_pins;
        assert!(kept.len() >= certain, "{} of {certain} pins", kept.len());
        for hash in &kept {
            let found = store.space().find(hash).unwrap().expect("the index has it");
            assert_eq!(found.hash(), *hash);
        }
        self.pins = kept;
        self.certain_pins = self.pins.len();
    }

    /// Checks the snapshots. Returns the events that the recovered one covers.
    fn check_snapshots(&mut self, store: &Store, recovered: Option<&Snapshot>) -> Seq {
        let listed = store.snapshots();
        assert_eq!(listed.first(), recovered);
        for snapshot in &listed {
            let model = self.snapshots[snapshot.generation as usize - 1];
            assert_eq!((Hash(snapshot.root), snapshot.covers), model);
            assert_eq!(store.root(snapshot).unwrap().hash(), model.0);
        }
        // The newest two certain snapshots exist, unless an uncertain one has replaced the older.
        let newest = recovered.map_or(0, |snapshot| snapshot.generation as usize);
        assert!(newest >= self.certain_snapshots);
        assert!(listed.len() >= newest.min(2), "{listed:?} after {newest}");
        self.snapshots.truncate(newest);
        self.certain_snapshots = newest;
        recovered.map_or(Seq::START, |snapshot| snapshot.covers)
    }
}

pub fn is_full(error: &SnapshotError) -> bool {
    matches!(error, SnapshotError::Full(_) | SnapshotError::Log(LogError::Full(_)))
}

/// Creates a store and runs a workload until its end or the first error.
pub fn run(disk: &SimDisk, actions: &[StoreAction]) -> (StoreModel, bool) {
    run_with(disk, actions, small())
}

/// Runs a workload like [`run`], with the given settings.
pub fn run_with(
    disk: &SimDisk,
    actions: &[StoreAction],
    settings: StoreSettings,
) -> (StoreModel, bool) {
    let mut model = StoreModel::default();
    let Ok(store) = Store::create_on(Arc::new(disk.clone()), settings.clone()) else {
        return (model, false);
    };
    model.created = true;
    let mut store = Some(store);
    for action in actions {
        let done = if matches!(action, StoreAction::Reopen) {
            reopen(disk, &mut store, &mut model, &settings)
        } else {
            store.as_ref().is_some_and(|store| model.step(store, action))
        };
        if !done {
            return (model, false);
        }
    }
    check_slots(disk);
    (model, true)
}

fn reopen(
    disk: &SimDisk,
    store: &mut Option<Store>,
    model: &mut StoreModel,
    settings: &StoreSettings,
) -> bool {
    let closed = store.take().is_some_and(|store| store.close().is_ok());
    if closed {
        model.certain_events = model.events.len();
        model.certain_pins = model.pins.len();
        *store = Store::open_on(Arc::new(disk.clone()), settings.clone()).ok();
    }
    store.is_some()
}

/// Opens a store after a crash. Creates it again if its creation did not finish.
pub fn open_after_crash(disk: &SimDisk, model: &StoreModel) -> Result<Store, Box<dyn Error>> {
    match Store::open_on(Arc::new(disk.clone()), small()) {
        Err(OpenError::NotAStore { .. }) if !model.created => {
            Ok(Store::create_on(Arc::new(disk.clone()), small())?)
        }
        other => Ok(other?),
    }
}
