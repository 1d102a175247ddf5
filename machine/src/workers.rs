//! Which worker is in which slot of the cog: the table that says whose inputs count.
//!
//! It follows the cog at once. What has to be done about it (starting and ending threads) is
//! handed out as [`Change`]s, to be made when the event is durable.

use crate::codec::{self, Portable};
use crate::protocol::{CogParts, Worker};
use std::collections::HashMap;
use vm::{Ref, Val, Vm};

/// What is to run.
pub(crate) enum Spec {
    /// The driver's first value.
    Driver(Portable),
    /// The row `[0 f args]`.
    Job(Portable),
}

/// A worker that begins or ends.
pub(crate) enum Change {
    Start {
        worker: u64,
        slot: u64,
        spec: Spec,
    },
    End {
        worker: u64,
    },
    /// The worker in that slot has no bytes, and is not started.
    TooLarge {
        slot: u64,
    },
}

#[derive(Default)]
struct Slot {
    /// What the cog has there. None where a job was that has given its result: whatever is
    /// there then is another.
    value: Option<Val>,
    /// The worker that came of it.
    worker: Option<u64>,
    is_driver: bool,
}

/// The table. Workers are numbered as they come, and a number is not used again.
#[derive(Default)]
pub(crate) struct Workers {
    slots: Vec<Slot>,
    slot_of: HashMap<u64, u64>,
    next: u64,
}

impl Workers {
    /// The number that the next worker gets: those below are there already, or were.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The slot of a worker, if it still is one.
    pub(crate) fn slot_of(&self, worker: u64) -> Option<u64> {
        self.slot_of.get(&worker).copied()
    }

    /// The driver in a slot.
    pub(crate) fn driver_in(&self, slot: u64) -> Option<u64> {
        let slot = self.slots.get(usize::try_from(slot).ok()?)?;
        slot.worker.filter(|_| slot.is_driver)
    }

    /// Takes note that a job has given its result, and says in which slot it is.
    pub(crate) fn job_done(&mut self, worker: u64) -> Option<u64> {
        let slot = self.slot_of.remove(&worker)?;
        self.slots[slot as usize] = Slot::default();
        Some(slot)
    }

    /// Follows the cog; without one all workers end.
    pub(crate) fn follow(&mut self, vm: &Vm, cog: Option<&Val>) -> Vec<Change> {
        let parts = cog.map(|cog| CogParts::of(vm.look(cog)));
        let wanted: Vec<Ref<'_>> = parts.iter().flat_map(CogParts::slots).collect();
        let mut changes = Vec::new();
        for gone in self.slots.drain(wanted.len().min(self.slots.len())..) {
            end(&mut self.slot_of, gone.worker, &mut changes);
        }
        self.slots.resize_with(wanted.len(), Slot::default);
        for (index, wanted) in wanted.into_iter().enumerate() {
            let slot = &mut self.slots[index];
            let is_kept = slot.value.as_ref().is_some_and(|value| {
                let value = vm.look(value);
                value.is_same(wanted) || value.is_equal(wanted)
            });
            if is_kept {
                continue;
            }
            end(&mut self.slot_of, slot.worker, &mut changes);
            let spec = Worker::of(wanted).map(|worker| pack(vm, worker));
            let worker = matches!(spec, Some(Some(_))).then_some(self.next);
            let is_driver = matches!(spec, Some(Some(Spec::Driver(_))));
            *slot = Slot { value: Some(vm.hold(wanted)), worker, is_driver };
            let number = index as u64;
            match spec {
                Some(Some(spec)) => {
                    self.slot_of.insert(self.next, number);
                    changes.push(Change::Start { worker: self.next, slot: number, spec });
                    self.next += 1;
                }
                Some(None) => changes.push(Change::TooLarge { slot: number }),
                None => {}
            }
        }
        changes
    }
}

fn pack(vm: &Vm, worker: Worker<'_>) -> Option<Spec> {
    match worker {
        Worker::Driver(value) => codec::pack(vm, &vm.hold(value)).ok().map(Spec::Driver),
        Worker::Job(row) => codec::pack(vm, &vm.hold(row)).ok().map(Spec::Job),
    }
}

fn end(slot_of: &mut HashMap<u64, u64>, worker: Option<u64>, changes: &mut Vec<Change>) {
    if let Some(worker) = worker {
        slot_of.remove(&worker);
        changes.push(Change::End { worker });
    }
}
