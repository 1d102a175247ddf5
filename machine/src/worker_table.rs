//! The table of workers: which worker is in which slot of the cog.
//!
//! The table changes with the cog, and decides which inputs count. The threads follow later: a
//! [`WorkerChange`] is carried out when the event that caused it is durable.
//!
//! An update costs what has changed. The table keeps the row of workers that it was last updated
//! to, and values are immutable: where the next row has the same object, the worker stays, and a
//! part of a long row that both share is skipped. Only items that are other objects are compared as
//! values; as the table keeps the newest row, an item is compared once.
//!
//! Drivers that start together are packed together, so that a part that they share is packed once and
//! loaded once. Pins, such as their code, are shared with all drivers of a thread ([`PinPacker`]).

use crate::codec::{self, SeedBytes};
use crate::packed::{PackedValue, PinPacker};
use crate::protocol::{CogParts, WorkerRef};
use plan::Val;
use std::collections::HashMap;
use vm::Vm;

/// The most drivers that are packed together.
const BATCH_DRIVERS: usize = 1024;
/// The most bytes of drivers that are packed together, without pins, unless it is one driver.
const BATCH_BYTES: usize = 4 << 20;

/// Drivers that start, and whose values were packed together.
pub(crate) struct DriverBatch {
    /// The number and slot of each; at least one.
    pub(crate) drivers: Vec<(u64, u64)>,
    /// The driver's value if there is one driver, else a row with the value of each.
    pub(crate) values: PackedValue,
}

/// A job that starts.
pub(crate) struct NewJob {
    pub(crate) worker: u64,
    pub(crate) slot: u64,
    /// The row `[0 f args]`.
    pub(crate) job: SeedBytes,
}

/// Workers that start or end.
pub(crate) enum WorkerChange {
    StartDrivers(DriverBatch),
    StartJob(NewJob),
    Cancel {
        worker: u64,
    },
    /// The value in this slot is too large to be serialized, so its worker does not start.
    TooLarge {
        slot: u64,
    },
}

#[derive(Clone, Copy, Default)]
struct TableEntry {
    /// The number of the worker that runs the value in the slot.
    worker: Option<u64>,
    is_driver: bool,
    /// Set after a job has given its result: any value that the slot has then is a new worker.
    is_done: bool,
}

/// The table. Workers are numbered in the order in which they start, and no number is used twice.
pub(crate) struct WorkerTable {
    /// The row of workers at the last update.
    row: Option<Val>,
    entries: Vec<TableEntry>,
    /// The slots whose jobs are done.
    done: Vec<usize>,
    slot_of: HashMap<u64, u64>,
    next_worker: u64,
    driver_threads: usize,
    packer: PinPacker,
}

impl WorkerTable {
    /// An empty table of a machine that runs drivers on this many threads.
    pub(crate) fn new(driver_threads: usize) -> WorkerTable {
        WorkerTable {
            row: None,
            entries: Vec::new(),
            done: Vec::new(),
            slot_of: HashMap::new(),
            next_worker: 0,
            driver_threads: driver_threads.max(1),
            packer: PinPacker::default(),
        }
    }

    /// The number that the next worker gets. All earlier workers have lower numbers.
    pub(crate) fn next_worker(&self) -> u64 {
        self.next_worker
    }

    /// The number of workers.
    pub(crate) fn count(&self) -> usize {
        self.slot_of.len()
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
        self.entries[slot as usize] = TableEntry { is_done: true, ..TableEntry::default() };
        self.done.push(slot as usize);
        Some(slot)
    }

    /// Updates the table to the slots of `cog`, and returns what changes. Without a cog all workers
    /// are cancelled.
    pub(crate) fn update(&mut self, vm: &mut Vm, cog: Option<&Val>) -> Vec<WorkerChange> {
        let row = cog.and_then(|cog| CogParts::of(vm.look(cog)).workers);
        let row = row.map(|row| vm.hold(row));
        let mut changes = Vec::new();
        let mut drivers = Vec::new();
        for index in self.changed_slots(vm, row.as_ref()) {
            cancel(&mut self.slot_of, self.entries[index].worker, &mut changes);
            self.fill(vm, row.as_ref(), index, &mut changes, &mut drivers);
        }
        let count = row.as_ref().and_then(|row| vm.look(row).as_row()).map_or(0, plan::Items::len);
        for removed in self.entries.drain(count.min(self.entries.len())..) {
            cancel(&mut self.slot_of, removed.worker, &mut changes);
        }
        self.row = row;
        self.start(vm, drivers, &mut changes);
        changes
    }

    /// The slots of the next row whose workers do not stay, in order. Makes entries for new slots.
    fn changed_slots(&mut self, vm: &Vm, next: Option<&Val>) -> Vec<usize> {
        let items = |row: Option<&Val>| row.and_then(|row| vm.look(row).as_row());
        let mut changed = std::mem::take(&mut self.done);
        let Some(next) = items(next) else { return Vec::new() };
        let known = self.entries.len().min(next.len());
        changed.retain(|index| *index < known);
        if let Some(last) = items(self.row.as_ref()) {
            let mut from = 0;
            while let Some(index) = last.next_difference(next, from) {
                from = index + 1;
                let differs = match (last.get(index), next.get(index)) {
                    (Some(last), Some(next)) => !last.is_equal(next),
                    _ => true,
                };
                if differs && !self.entries[index].is_done {
                    changed.push(index);
                }
            }
        }
        changed.sort_unstable();
        changed.extend(known..next.len());
        self.entries.resize_with(next.len().max(self.entries.len()), TableEntry::default);
        changed
    }

    /// Fills a slot of the row with the worker that its value asks for, if it asks for one. A driver
    /// is added to `drivers`.
    fn fill(
        &mut self,
        vm: &Vm,
        row: Option<&Val>,
        index: usize,
        changes: &mut Vec<WorkerChange>,
        drivers: &mut Vec<NewDriver>,
    ) {
        let slot = index as u64;
        self.entries[index] = TableEntry::default();
        let wanted = row.and_then(|row| vm.look(row).as_row()).and_then(|row| row.get(index));
        match wanted.and_then(WorkerRef::of) {
            Some(WorkerRef::Driver(value)) => {
                let worker = self.number(index, true);
                drivers.push(NewDriver { worker, slot, value: vm.hold(value) });
            }
            Some(WorkerRef::Job(row)) => match codec::serialize(vm, &vm.hold(row)) {
                Ok(job) => {
                    let worker = self.number(index, false);
                    changes.push(WorkerChange::StartJob(NewJob { worker, slot, job }));
                }
                Err(_) => changes.push(WorkerChange::TooLarge { slot }),
            },
            None => {}
        }
    }

    /// Gives the next number to a worker in a slot.
    fn number(&mut self, index: usize, is_driver: bool) -> u64 {
        let worker = self.next_worker;
        self.next_worker += 1;
        self.entries[index] = TableEntry { worker: Some(worker), is_driver, is_done: false };
        self.slot_of.insert(worker, index as u64);
        worker
    }

    /// Packs drivers, in batches that the threads share evenly.
    fn start(&mut self, vm: &mut Vm, drivers: Vec<NewDriver>, changes: &mut Vec<WorkerChange>) {
        let size = drivers.len().div_ceil(self.driver_threads).clamp(1, BATCH_DRIVERS);
        for batch in drivers.chunks(size) {
            if batch.len() > 1
                && let Some(values) = pack_together(&mut self.packer, vm, batch)
            {
                let drivers = batch.iter().map(|it| (it.worker, it.slot)).collect();
                changes.push(WorkerChange::StartDrivers(DriverBatch { drivers, values }));
                continue;
            }
            for NewDriver { worker, slot, value } in batch {
                match self.packer.pack(vm, value) {
                    Ok(values) => {
                        let drivers = vec![(*worker, *slot)];
                        changes.push(WorkerChange::StartDrivers(DriverBatch { drivers, values }));
                    }
                    Err(_) => {
                        self.slot_of.remove(worker);
                        self.entries[*slot as usize] = TableEntry::default();
                        changes.push(WorkerChange::TooLarge { slot: *slot });
                    }
                }
            }
        }
    }
}

/// A driver that is to start.
struct NewDriver {
    worker: u64,
    slot: u64,
    value: Val,
}

/// Packs the values of drivers as a row; None if that is too large.
fn pack_together(
    packer: &mut PinPacker,
    vm: &mut Vm,
    drivers: &[NewDriver],
) -> Option<PackedValue> {
    let values: Vec<Val> = drivers.iter().map(|it| it.value.clone()).collect();
    let row = vm.row(&values).ok()?;
    packer.pack(vm, &row).ok().filter(|packed| packed.own_size() <= BATCH_BYTES)
}

fn cancel(slot_of: &mut HashMap<u64, u64>, worker: Option<u64>, changes: &mut Vec<WorkerChange>) {
    if let Some(worker) = worker {
        slot_of.remove(&worker);
        changes.push(WorkerChange::Cancel { worker });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::programs::{cog, cycle, eval, exec, keep_inputs, wait, when};
    use crate::tests::terms::{PlanExpr, nat, options};
    use runtime::RuntimeBuilder;

    /// A table, and the heap of its cog.
    struct TestTable {
        vm: Vm,
        table: WorkerTable,
    }

    impl TestTable {
        fn new(threads: usize) -> TestTable {
            let vm = RuntimeBuilder::bare().heap(options()).build().expect("a small heap");
            TestTable { vm: vm.into(), table: WorkerTable::new(threads) }
        }

        fn cog(&mut self, workers: &[PlanExpr]) -> Val {
            cog(keep_inputs(), nat(0), workers.iter().cloned()).value(&mut self.vm)
        }

        /// The changes, as texts.
        fn update(&mut self, cog: Option<&Val>) -> Vec<String> {
            let changes = self.table.update(&mut self.vm, cog);
            let text = |change: &WorkerChange| match change {
                WorkerChange::StartDrivers(batch) => format!("drivers {:?}", batch.drivers),
                WorkerChange::StartJob(job) => format!("job {} in {}", job.worker, job.slot),
                WorkerChange::Cancel { worker } => format!("cancel {worker}"),
                WorkerChange::TooLarge { slot } => format!("{slot} is too large"),
            };
            changes.iter().map(text).collect()
        }

        fn update_to(&mut self, workers: &[PlanExpr]) -> Vec<String> {
            let cog = self.cog(workers);
            self.update(Some(&cog))
        }
    }

    fn driver(number: u64) -> PlanExpr {
        exec(cycle(vec![when(), wait(nat(number))], &[]))
    }

    fn job(number: u64) -> PlanExpr {
        eval(nat(number), [nat(number)])
    }

    #[test]
    fn only_items_that_differ_are_changes() {
        let mut table = TestTable::new(1);
        let row = [driver(1), nat(5), job(2)];
        assert_eq!(table.update_to(&row), ["job 1 in 2", "drivers [(0, 0)]"]);
        // Equal items of another row keep their workers.
        let cog = table.cog(&row);
        assert!(table.update(Some(&cog)).is_empty() && table.update(Some(&cog)).is_empty());
        assert_eq!(table.table.driver_in(0), Some(0));
        assert_eq!([0, 1, 2].map(|worker| table.table.slot_of(worker)), [Some(0), Some(2), None]);
        let other = [driver(3), driver(1), job(2), driver(4)];
        assert_eq!(table.update_to(&other), ["cancel 0", "drivers [(2, 0), (3, 1), (4, 3)]"]);
        assert_eq!(table.update_to(&other[..1]), ["cancel 3", "cancel 1", "cancel 4"]);
        assert_eq!(table.update(None), ["cancel 2"]);
        assert_eq!(table.table.slot_of(2), None);
        assert_eq!(table.update_to(&other[..1]), ["drivers [(5, 0)]"]);
    }

    #[test]
    fn the_value_in_the_slot_of_a_job_that_is_done_is_a_new_worker() {
        let mut table = TestTable::new(1);
        let cog = table.cog(&[job(1), job(2)]);
        assert_eq!(table.update(Some(&cog)), ["job 0 in 0", "job 1 in 1"]);
        assert_eq!(table.table.job_done(0), Some(0));
        assert_eq!(table.table.job_done(0), None);
        assert_eq!(table.update(Some(&cog)), ["job 2 in 0"]);
        assert_eq!(table.table.job_done(1), Some(1));
        assert_eq!(table.update_to(&[job(1), nat(0)]), Vec::<String>::new());
        assert_eq!(table.table.job_done(2), Some(0));
        // The slot is gone with the next row.
        assert_eq!(table.update_to(&[]), Vec::<String>::new());
        assert_eq!(table.update_to(&[job(1)]), ["job 3 in 0"]);
    }

    #[test]
    fn drivers_that_start_together_are_shared_out_among_the_threads() {
        let mut table = TestTable::new(2);
        let row: Vec<PlanExpr> = (0..5).map(driver).collect();
        let batches = ["drivers [(0, 0), (1, 1), (2, 2)]", "drivers [(3, 3), (4, 4)]"];
        assert_eq!(table.update_to(&row), batches);
        let large = exec(PlanExpr::Bar(vec![7; BATCH_BYTES]));
        let row = [large.clone(), driver(0), large, driver(0)];
        let changes = table.update_to(&row);
        let cancelled: Vec<String> = (0..5).map(|worker| format!("cancel {worker}")).collect();
        assert_eq!(changes[..5], cancelled);
        // Two such drivers together would be too large.
        let single = [(5, 0), (6, 1), (7, 2), (8, 3)].map(|driver| format!("drivers [{driver:?}]"));
        assert_eq!(changes[5..], single);
    }
}
