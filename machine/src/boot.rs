//! Booting: making a machine's store from the value of a program.

use crate::error::{BootError, StateError};
use crate::protocol::{CogParts, WorkerRef};
use crate::status::CogStatus;
use persist::{CreateError, Seq, SnapshotError, Store};
use plan::Val;
use std::path::Path;
use vm::Vm;

/// What [`Machine::boot`](crate::Machine::boot) made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BootReport {
    /// How many workers the cog asks for. A cog without workers never does anything.
    pub workers: usize,
}

/// Creates the store in `dir` and boots a machine in it.
pub(crate) fn boot(dir: &Path, vm: &mut Vm, main: &Val) -> Result<BootReport, BootError> {
    // A program without a value must fail before anything is created.
    let main = evaluate(vm, main)?;
    let store = match Store::create(dir) {
        Ok(store) => store,
        Err(CreateError::HoldsStore { path }) => {
            let store = Store::open(dir)?;
            // A boot that was interrupted leaves a store without a snapshot.
            if !store.snapshots().is_empty() || store.last() > Seq::START {
                return Err(BootError::Exists { path });
            }
            store
        }
        Err(error) => return Err(error.into()),
    };
    boot_on(store, vm, &main)
}

/// Boots a machine in a store that is open and empty.
pub(crate) fn boot_on(store: Store, vm: &mut Vm, main: &Val) -> Result<BootReport, BootError> {
    let main = evaluate(vm, main)?;
    let slots = CogParts::of(vm.look(&main)).slots();
    let workers = slots.filter(|slot| WorkerRef::of(*slot).is_some()).count();
    let root = CogStatus::Running(main).save(vm, &store)?;
    store.write_snapshot(&root, Seq::START).map_err(StateError::from)?;
    store.close().map_err(SnapshotError::from).map_err(StateError::from)?;
    Ok(BootReport { workers })
}

fn evaluate(vm: &mut Vm, main: &Val) -> Result<Val, BootError> {
    vm.force(main).map_err(|stop| BootError::Evaluation(stop.to_string()))
}
