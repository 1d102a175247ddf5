//! Booting: making a machine's store from the value of a program.

use crate::conventions::{JobResultForm, ProgramConventions, ReadArgumentOrder};
use crate::error::{BootError, StateError};
use crate::protocol::{CogParts, WorkerRef};
use crate::status::{CogStatus, MachineState};
use persist::{CreateError, Seq, SnapshotError, Store};
use plan::{Ref, Val};
use std::path::Path;
use vm::Vm;

/// What the user of [`Machine::boot`](crate::Machine::boot) chooses, and the state keeps.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BootOptions {
    /// The form of job results that the cog expects. None: tagged for a cog of the kernel of the
    /// prototype's branch port-fulltag, and plain for any other.
    pub job_results: Option<JobResultForm>,
    /// The arguments that the cog's `reads` expects. None: slot, state and query if `reads` is the
    /// function `_Get` of a row, as in the kernels of the prototype's branches message-passing and
    /// port-fulltag; and state, key and query for any other.
    pub read_arguments: Option<ReadArgumentOrder>,
}

impl BootOptions {
    /// The conventions of a machine with this cog.
    fn conventions(self, cog: Ref<'_>) -> ProgramConventions {
        let expected = ProgramConventions::of_cog(cog);
        ProgramConventions {
            job_results: self.job_results.unwrap_or(expected.job_results),
            read_arguments: self.read_arguments.unwrap_or(expected.read_arguments),
        }
    }
}

/// What [`Machine::boot`](crate::Machine::boot) made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BootReport {
    /// The form that job results have in this machine.
    pub job_results: JobResultForm,
    /// The arguments of reads in this machine.
    pub read_arguments: ReadArgumentOrder,
    /// How many workers the cog asks for. A cog without workers never does anything.
    pub workers: usize,
}

/// Creates the store in `dir` and boots a machine in it.
pub(crate) fn boot(
    dir: &Path,
    vm: &mut Vm,
    main: &Val,
    options: BootOptions,
) -> Result<BootReport, BootError> {
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
    boot_on(store, vm, &main, options)
}

/// Boots a machine in a store that is open and empty.
pub(crate) fn boot_on(
    store: Store,
    vm: &mut Vm,
    main: &Val,
    options: BootOptions,
) -> Result<BootReport, BootError> {
    let main = evaluate(vm, main)?;
    let cog = vm.look(&main);
    let workers = CogParts::of(cog).slots().filter(|slot| WorkerRef::of(*slot).is_some()).count();
    let conventions = options.conventions(cog);
    let root = MachineState { status: CogStatus::Running(main), conventions }.save(vm, &store)?;
    store.write_snapshot(&root, Seq::START).map_err(StateError::from)?;
    store.close().map_err(SnapshotError::from).map_err(StateError::from)?;
    let ProgramConventions { job_results, read_arguments } = conventions;
    Ok(BootReport { job_results, read_arguments, workers })
}

/// See [`Machine::is_cog`](crate::Machine::is_cog).
pub(crate) fn is_cog(vm: &mut Vm, main: &Val) -> Result<bool, BootError> {
    let main = evaluate(vm, main)?;
    let parts = CogParts::of(vm.look(&main));
    Ok(parts.state.is_some() && parts.reads.is_some() && parts.workers.is_some())
}

fn evaluate(vm: &mut Vm, main: &Val) -> Result<Val, BootError> {
    vm.force(main).map_err(|stop| BootError::Evaluation(stop.to_string()))
}
