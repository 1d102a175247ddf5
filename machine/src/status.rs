//! The machine's state: the cog, its status and its conventions, as a value and as a frozen pin of
//! the store.
//!
//! The value is a row, and a snapshot's root is the pin of this row:
//!
//! ```text
//! [0 cog]                running: takes events
//! [1 cog]                finished: asks for no worker
//! [2 op arg cog]         crashed
//! [3 nanoseconds cog]    running: an earlier version ended it, because an event took too long
//! [4 reason cog]         running: an earlier version ended it, because an event ran out of stack
//!                        (1) or memory (2), or a value was needed to compute itself (3)
//! [5 c status]           one of the first three, of a cog that expects other conventions than the
//!                        first versions had: c is the sum of 1, if job results are tagged, and of
//!                        2, if reads are called with slot, state and query
//! ```
//!
//! In rows 2 to 4, the cog is the one before the event that failed. An event that exceeds a limit
//! has not happened, so rows 3 and 4 are read and not written: the cog goes on. (The first four are
//! the prototype's: lib/Server/Convert.hs, where "running" is "spinning".)
//!
//! The conventions are part of the state so that a replay gives the cog the inputs that it had. A
//! state with the conventions of the first versions has no row 5, so its hash is what it was.

use crate::conventions::ProgramConventions;
use crate::error::StateError;
use persist::{PinError, Store};
use plan::{EvalError, Ref, Shape, Val};
use plan::{FreezeError, pinspace::FrozenPin};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use vm::Vm;

/// A cog and its status.
#[derive(Clone, Debug)]
pub(crate) enum CogStatus {
    /// It takes events.
    Running(Val),
    /// It asks for no worker, so it never gets an input again.
    Finished(Val),
    /// An event ended by calling the nat `op` with `arg`.
    Crashed { op: Val, arg: Val, cog: Val },
}

impl CogStatus {
    /// The cog, if it takes events.
    pub(crate) fn running(&self) -> Option<&Val> {
        match self {
            CogStatus::Running(cog) => Some(cog),
            _ => None,
        }
    }

    fn to_row(&self, vm: &mut Vm) -> Vec<Val> {
        match self {
            CogStatus::Running(cog) => vec![vm.nat(0), cog.clone()],
            CogStatus::Finished(cog) => vec![vm.nat(1), cog.clone()],
            CogStatus::Crashed { op, arg, cog } => {
                vec![vm.nat(2), op.clone(), arg.clone(), cog.clone()]
            }
        }
    }

    fn of_items(vm: &Vm, items: &[Ref<'_>]) -> Option<CogStatus> {
        let hold = |item: &Ref<'_>| vm.hold(*item);
        match (items.first()?.as_u64()?, &items[1..]) {
            (0, [cog]) => Some(CogStatus::Running(hold(cog))),
            (1, [cog]) => Some(CogStatus::Finished(hold(cog))),
            (2, [op, arg, cog]) => {
                Some(CogStatus::Crashed { op: hold(op), arg: hold(arg), cog: hold(cog) })
            }
            (3 | 4, [_, cog]) => Some(CogStatus::Running(hold(cog))),
            _ => None,
        }
    }
}

/// The state of a machine.
#[derive(Clone, Debug)]
pub(crate) struct MachineState {
    pub(crate) status: CogStatus,
    /// What the cog expects of the machine. It never changes.
    pub(crate) conventions: ProgramConventions,
}

/// First item of the row that holds a status and the conventions of the cog.
const WITH_CONVENTIONS: u64 = 5;

impl MachineState {
    /// The state as a value.
    pub(crate) fn to_value(&self, vm: &mut Vm) -> Result<Val, EvalError> {
        let row = self.status.to_row(vm);
        let mut row = vm.row(&row)?;
        if self.conventions != ProgramConventions::default() {
            let [tag, conventions] =
                [WITH_CONVENTIONS, self.conventions.to_bits()].map(|item| vm.nat(item));
            row = vm.row(&[tag, conventions, row])?;
        }
        vm.force(&row)
    }

    /// The state with this value; None if the value is no state.
    pub(crate) fn of_value(vm: &Vm, value: &Val) -> Option<MachineState> {
        let row = vm.look(value).as_row()?;
        let items: Vec<Ref<'_>> = row.iter().collect();
        if items.first()?.as_u64()? != WITH_CONVENTIONS {
            let status = CogStatus::of_items(vm, &items)?;
            return Some(MachineState { status, conventions: ProgramConventions::default() });
        }
        let [_, conventions, status] = &items[..] else { return None };
        let conventions = ProgramConventions::of_bits(conventions.as_u64()?)?;
        // The default has a row of its own, so that each state has one value.
        if conventions == ProgramConventions::default() {
            return None;
        }
        let items: Vec<Ref<'_>> = status.as_row()?.iter().collect();
        let status = CogStatus::of_items(vm, &items)?;
        Some(MachineState { status, conventions })
    }

    /// Freezes the parts of the state that the store does not have yet, and returns the root pin.
    /// The pins are not durable yet.
    pub(crate) fn save(&self, vm: &mut Vm, store: &Store) -> Result<FrozenPin, StateError> {
        let value =
            self.to_value(vm).map_err(|stop| StateError::from_evaluation(store.path(), &stop))?;
        vm.freeze(&value, store.space()).map_err(|error| freeze_failed(store, error))
    }

    /// Does the work of [`MachineState::save`] on another thread, which calls `then` with the
    /// result. Evaluation can go on meanwhile.
    pub(crate) fn save_in_background(
        &self,
        vm: &mut Vm,
        store: &Arc<Store>,
        then: impl FnOnce(Result<FrozenPin, StateError>) + Send + 'static,
    ) -> Result<JoinHandle<()>, StateError> {
        let value =
            self.to_value(vm).map_err(|stop| StateError::from_evaluation(store.path(), &stop))?;
        let of_store = Arc::clone(store);
        let then = move |frozen: Result<FrozenPin, FreezeError>| {
            let saved = frozen.map_err(|error| freeze_failed(&of_store, error));
            // The machine closes the store after `then` has sent a message.
            drop(of_store);
            then(saved);
        };
        let started = vm.freeze_in_background(&value, store.space(), then);
        started.map_err(|error| freeze_failed(store, error))
    }

    /// Loads the state of a snapshot of the store in a directory. Reads the root pin only.
    pub(crate) fn load(
        vm: &mut Vm,
        directory: &Path,
        root: &FrozenPin,
    ) -> Result<MachineState, StateError> {
        let hash = root.hash();
        let root = vm.adopt(root);
        let item = match vm.look(&root).shape() {
            Shape::Pin(pin) => vm.hold(pin.item()),
            _ => unreachable!("a pin was adopted"),
        };
        let state = MachineState::of_value(vm, &item);
        // A damaged pin reads as 0, which is no state.
        vm.check_damage().map_err(|stop| StateError::from_evaluation(directory, &stop))?;
        state.ok_or_else(|| StateError::NotAState { path: directory.into(), hash })
    }
}

/// The error of a freeze of the state.
fn freeze_failed(store: &Store, error: FreezeError) -> StateError {
    let (path, problem) = (store.path().into(), error.to_string());
    match error {
        FreezeError::Damaged(_) => StateError::Damaged { path, problem },
        FreezeError::Limit(_) => StateError::NoRoom { path, problem },
        FreezeError::Space(error) => match error.downcast::<PinError>() {
            Ok(error) => StateError::Pin(*error),
            Err(error) => StateError::Freeze { path, problem: error.to_string() },
        },
        FreezeError::NotNormal | FreezeError::Thread(_) => StateError::Freeze { path, problem },
    }
}
