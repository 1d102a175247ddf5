//! The machine's state: the cog and its status, as a value and as a frozen pin of the store.
//!
//! The value is a row, and a snapshot's root is the pin of this row:
//!
//! ```text
//! [0 cog]                running: takes events
//! [1 cog]                finished: asks for no worker
//! [2 op arg cog]         crashed
//! [3 nanoseconds cog]    exceeded the time limit
//! [4 reason cog]         aborted: 1 stack, 2 memory, 3 loop
//! ```
//!
//! In the last three, the cog is the one before the event that failed. (The first four are the
//! prototype's: lib/Server/Convert.hs, where "running" is "spinning".)

use crate::error::{AbortReason, StateError};
use persist::{PinError, Snapshot, Store};
use plan::{EvalError, Hash, Ref, Shape, Val};
use plan::{FreezeError, pinspace::FrozenPin};
use std::time::Duration;
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
    /// An event exceeded its time limit, and was stopped after this time.
    TimedOut { after: Duration, cog: Val },
    /// An event ended for another reason.
    Aborted { reason: AbortReason, cog: Val },
}

impl CogStatus {
    /// The cog, if it takes events.
    pub(crate) fn running(&self) -> Option<&Val> {
        match self {
            CogStatus::Running(cog) => Some(cog),
            _ => None,
        }
    }

    /// The state as a value.
    pub(crate) fn to_value(&self, vm: &mut Vm) -> Result<Val, EvalError> {
        let row = match self {
            CogStatus::Running(cog) => vec![vm.nat(0), cog.clone()],
            CogStatus::Finished(cog) => vec![vm.nat(1), cog.clone()],
            CogStatus::Crashed { op, arg, cog } => {
                vec![vm.nat(2), op.clone(), arg.clone(), cog.clone()]
            }
            CogStatus::TimedOut { after, cog } => {
                let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
                vec![vm.nat(3), vm.nat(nanos), cog.clone()]
            }
            CogStatus::Aborted { reason, cog } => {
                let reason = match reason {
                    AbortReason::Stack => 1,
                    AbortReason::Memory => 2,
                    AbortReason::Loop => 3,
                };
                vec![vm.nat(4), vm.nat(reason), cog.clone()]
            }
        };
        let row = vm.row(&row)?;
        vm.force(&row)
    }

    /// The state with this value; None if the value is no state.
    fn of_value(vm: &Vm, value: &Val) -> Option<CogStatus> {
        let row = vm.look(value).as_row()?;
        let items: Vec<Ref<'_>> = row.iter().collect();
        let hold = |item: &Ref<'_>| vm.hold(*item);
        match (items.first()?.as_u64()?, &items[1..]) {
            (0, [cog]) => Some(CogStatus::Running(hold(cog))),
            (1, [cog]) => Some(CogStatus::Finished(hold(cog))),
            (2, [op, arg, cog]) => {
                Some(CogStatus::Crashed { op: hold(op), arg: hold(arg), cog: hold(cog) })
            }
            (3, [after, cog]) => {
                let after = Duration::from_nanos(after.as_u64()?);
                Some(CogStatus::TimedOut { after, cog: hold(cog) })
            }
            (4, [reason, cog]) => {
                let reason = match reason.as_u64()? {
                    1 => AbortReason::Stack,
                    2 => AbortReason::Memory,
                    3 => AbortReason::Loop,
                    _ => return None,
                };
                Some(CogStatus::Aborted { reason, cog: hold(cog) })
            }
            _ => None,
        }
    }

    /// Freezes the parts of the state that the store does not have yet, and returns the root pin.
    /// The pins are not durable yet.
    pub(crate) fn save(&self, vm: &mut Vm, store: &Store) -> Result<FrozenPin, StateError> {
        let value = self.to_value(vm).map_err(|stop| failed(store, &stop))?;
        vm.freeze(&value, store.space()).map_err(|error| match error {
            FreezeError::NotNormal => {
                StateError::Freeze { path: store.path().into(), problem: error.to_string() }
            }
            FreezeError::Eval(stop) => failed(store, &stop),
            FreezeError::Space(error) => match error.downcast::<PinError>() {
                Ok(error) => StateError::Pin(*error),
                Err(error) => {
                    StateError::Freeze { path: store.path().into(), problem: error.to_string() }
                }
            },
        })
    }

    /// Loads the state of a snapshot. Reads the root pin only.
    pub(crate) fn load(
        vm: &mut Vm,
        store: &Store,
        snapshot: &Snapshot,
    ) -> Result<CogStatus, StateError> {
        let root = vm.adopt(&store.root(snapshot)?);
        let item = match vm.look(&root).shape() {
            Shape::Pin(pin) => vm.hold(pin.item()),
            _ => unreachable!("a pin was adopted"),
        };
        let status = CogStatus::of_value(vm, &item);
        // A damaged pin reads as 0, which is no state.
        vm.check_damage().map_err(|stop| failed(store, &stop))?;
        let hash = Hash(snapshot.root);
        status.ok_or_else(|| StateError::NotAState { path: store.path().into(), hash })
    }
}

/// The error when the value of a state could not be evaluated, looked at or hashed.
pub(crate) fn failed(store: &Store, stop: &EvalError) -> StateError {
    let (path, problem) = (store.path().into(), stop.to_string());
    match stop {
        EvalError::Damaged { .. } => StateError::Damaged { path, problem },
        _ => StateError::NoRoom { path, problem },
    }
}
