//! The table of workers: which worker is in which slot of the cog.
//!
//! The table changes with the cog, and decides which inputs count. The threads follow later: a
//! [`WorkerChange`] is carried out when the event that caused it is durable.

use crate::codec::{self, SeedBytes};
use crate::protocol::{CogParts, WorkerRef};
use plan::{Ref, Val};
use std::collections::HashMap;
use vm::Vm;

/// The code of a worker.
pub(crate) enum WorkerSpec {
    /// The driver's initial value.
    Driver(SeedBytes),
    /// The row `[0 f args]`.
    Job(SeedBytes),
}

/// A worker that starts or ends.
pub(crate) enum WorkerChange {
    Start {
        worker: u64,
        slot: u64,
        spec: WorkerSpec,
    },
    Cancel {
        worker: u64,
    },
    /// The value in this slot is too large to be serialized, so its worker does not start.
    TooLarge {
        slot: u64,
    },
}

#[derive(Default)]
struct TableEntry {
    /// The value of the slot. None after a job has given its result: any value that the slot has
    /// then is a new worker.
    value: Option<Val>,
    /// The number of the worker that runs this value.
    worker: Option<u64>,
    is_driver: bool,
}

/// The table. Workers are numbered in the order in which they start, and no number is used twice.
#[derive(Default)]
pub(crate) struct WorkerTable {
    entries: Vec<TableEntry>,
    slot_of: HashMap<u64, u64>,
    next_worker: u64,
}

impl WorkerTable {
    /// The number that the next worker gets. All earlier workers have lower numbers.
    pub(crate) fn next_worker(&self) -> u64 {
        self.next_worker
    }

    /// The slot of a worker; None if the worker has been cancelled or is done.
    pub(crate) fn slot_of(&self, worker: u64) -> Option<u64> {
        self.slot_of.get(&worker).copied()
    }

    /// The number of the driver in a slot.
    pub(crate) fn driver_in(&self, slot: u64) -> Option<u64> {
        let entry = self.entries.get(usize::try_from(slot).ok()?)?;
        entry.worker.filter(|_| entry.is_driver)
    }

    /// Removes a job that has given its result, and returns its slot.
    pub(crate) fn job_done(&mut self, worker: u64) -> Option<u64> {
        let slot = self.slot_of.remove(&worker)?;
        self.entries[slot as usize] = TableEntry::default();
        Some(slot)
    }

    /// Updates the table to the slots of `cog`, and returns what changes. Without a cog all workers
    /// are cancelled.
    pub(crate) fn update(&mut self, vm: &Vm, cog: Option<&Val>) -> Vec<WorkerChange> {
        let parts = cog.map(|cog| CogParts::of(vm.look(cog)));
        let wanted: Vec<Ref<'_>> = parts.iter().flat_map(CogParts::slots).collect();
        let mut changes = Vec::new();
        for removed in self.entries.drain(wanted.len().min(self.entries.len())..) {
            cancel(&mut self.slot_of, removed.worker, &mut changes);
        }
        self.entries.resize_with(wanted.len(), TableEntry::default);
        for (index, wanted) in wanted.into_iter().enumerate() {
            let is_kept = self.entries[index].value.as_ref().is_some_and(|value| {
                let value = vm.look(value);
                value.is_same(wanted) || value.is_equal(wanted)
            });
            if !is_kept {
                cancel(&mut self.slot_of, self.entries[index].worker, &mut changes);
                self.replace(vm, index, wanted, &mut changes);
            }
        }
        changes
    }

    /// Fills a slot with the worker that a value asks for, if it asks for one.
    fn replace(&mut self, vm: &Vm, index: usize, wanted: Ref<'_>, changes: &mut Vec<WorkerChange>) {
        let slot = index as u64;
        let mut entry = TableEntry { value: Some(vm.hold(wanted)), worker: None, is_driver: false };
        match WorkerRef::of(wanted).map(|worker| serialize(vm, worker)) {
            Some(Some(spec)) => {
                let worker = self.next_worker;
                self.next_worker += 1;
                entry.worker = Some(worker);
                entry.is_driver = matches!(spec, WorkerSpec::Driver(_));
                self.slot_of.insert(worker, slot);
                changes.push(WorkerChange::Start { worker, slot, spec });
            }
            Some(None) => changes.push(WorkerChange::TooLarge { slot }),
            None => {}
        }
        self.entries[index] = entry;
    }
}

fn serialize(vm: &Vm, worker: WorkerRef<'_>) -> Option<WorkerSpec> {
    match worker {
        WorkerRef::Driver(value) => {
            codec::serialize(vm, &vm.hold(value)).ok().map(WorkerSpec::Driver)
        }
        WorkerRef::Job(row) => codec::serialize(vm, &vm.hold(row)).ok().map(WorkerSpec::Job),
    }
}

fn cancel(slot_of: &mut HashMap<u64, u64>, worker: Option<u64>, changes: &mut Vec<WorkerChange>) {
    if let Some(worker) = worker {
        slot_of.remove(&worker);
        changes.push(WorkerChange::Cancel { worker });
    }
}
