//! Making a machine out of a program's value.

use crate::error::{BootError, StateError};
use crate::machine::Machine;
use crate::protocol::CogParts;
use crate::state::Status;
use persist::{CreateError, Seq, SnapshotError, Store};
use std::path::Path;
use vm::{Val, Vm};

/// What was booted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Booted {
    /// How many workers the cog begins with. One without any has nothing to do, ever.
    pub workers: usize,
}

impl Machine {
    /// Makes a machine in a directory that is empty or does not exist, with this value as its cog. Pins of
    /// `vm` may be in the machine's store from then on, which is locked as long as they are.
    ///
    /// # Errors
    /// See [`BootError`]. A machine that is there is never touched.
    pub fn boot(dir: &Path, vm: &mut Vm, main: &Val) -> Result<Booted, BootError> {
        // Before anything is created.
        let main = vm.force(main).map_err(|stop| BootError::Evaluation(stop.to_string()))?;
        let store = match Store::create(dir) {
            Ok(store) => store,
            Err(CreateError::HoldsStore { path }) => {
                let store = Store::open(dir)?;
                // Booting may have been interrupted before there was a machine.
                if !store.snapshots().is_empty() || store.last() > Seq::START {
                    return Err(BootError::Exists { path });
                }
                store
            }
            Err(error) => return Err(error.into()),
        };
        Machine::boot_on(store, vm, &main)
    }

    /// As [`Machine::boot`], in a store that is open and empty.
    ///
    /// # Errors
    /// As there.
    pub fn boot_on(store: Store, vm: &mut Vm, main: &Val) -> Result<Booted, BootError> {
        let main = vm.force(main).map_err(|stop| BootError::Evaluation(stop.to_string()))?;
        let slots = CogParts::of(vm.look(&main)).slots();
        let workers = slots.filter(|slot| crate::protocol::Worker::of(*slot).is_some()).count();
        let root = Status::Spinning(main).save(vm, &store)?;
        store.write_snapshot(&root, Seq::START).map_err(StateError::from)?;
        store.close().map_err(SnapshotError::from).map_err(StateError::from)?;
        Ok(Booted { workers })
    }
}
