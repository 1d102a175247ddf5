//! The machine's state: the cog and its status; as a value, and as a frozen pin of the store.
//!
//! The value is a row, and a snapshot's root is the pin around it:
//!
//! ```text
//! [0 cog]                spinning: waiting for inputs
//! [1 cog]                finished: it wants no worker any more
//! [2 op arg cog]         crashed
//! [3 nanoseconds cog]    ran out of time
//! [4 reason cog]         ended for another lack: 1 stack, 2 memory, 3 loop
//! ```
//!
//! In the last three the cog is the one before the event that it failed at, which has had no effect.
//! (The first four are the prototype's: lib/Server/Convert.hs.)

use crate::error::{Abort, StateError};
use persist::{PinError, Snapshot, Store};
use std::time::Duration;
use vm::pinspace::{FreezeError, Frozen};
use vm::{Hash, Ref, Shape, Stop, Val, Vm};

/// A cog and its status.
#[derive(Clone, Debug)]
pub(crate) enum Status {
    Spinning(Val),
    Finished(Val),
    Crashed { op: Val, arg: Val, cog: Val },
    TimedOut { after: Duration, cog: Val },
    Aborted { abort: Abort, cog: Val },
}

impl Status {
    /// The cog, if it waits for inputs.
    pub(crate) fn spinning(&self) -> Option<&Val> {
        match self {
            Status::Spinning(cog) => Some(cog),
            _ => None,
        }
    }

    /// The state as a value.
    pub(crate) fn to_value(&self, vm: &mut Vm) -> Result<Val, Stop> {
        let row = match self {
            Status::Spinning(cog) => vec![vm.nat(0), cog.clone()],
            Status::Finished(cog) => vec![vm.nat(1), cog.clone()],
            Status::Crashed { op, arg, cog } => {
                vec![vm.nat(2), op.clone(), arg.clone(), cog.clone()]
            }
            Status::TimedOut { after, cog } => {
                let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
                vec![vm.nat(3), vm.nat(nanos), cog.clone()]
            }
            Status::Aborted { abort, cog } => {
                let reason = match abort {
                    Abort::Stack => 1,
                    Abort::Memory => 2,
                    Abort::Loop => 3,
                };
                vec![vm.nat(4), vm.nat(reason), cog.clone()]
            }
        };
        let row = vm.row(&row)?;
        vm.force(&row)
    }

    /// The state that a value stands for.
    fn of_value(vm: &Vm, value: &Val) -> Option<Status> {
        let row = vm.look(value).as_row()?;
        let items: Vec<Ref<'_>> = row.iter().collect();
        let hold = |item: &Ref<'_>| vm.hold(*item);
        match (items.first()?.as_u64()?, &items[1..]) {
            (0, [cog]) => Some(Status::Spinning(hold(cog))),
            (1, [cog]) => Some(Status::Finished(hold(cog))),
            (2, [op, arg, cog]) => {
                Some(Status::Crashed { op: hold(op), arg: hold(arg), cog: hold(cog) })
            }
            (3, [after, cog]) => {
                let after = Duration::from_nanos(after.as_u64()?);
                Some(Status::TimedOut { after, cog: hold(cog) })
            }
            (4, [reason, cog]) => {
                let abort = match reason.as_u64()? {
                    1 => Abort::Stack,
                    2 => Abort::Memory,
                    3 => Abort::Loop,
                    _ => return None,
                };
                Some(Status::Aborted { abort, cog: hold(cog) })
            }
            _ => None,
        }
    }

    /// Freezes the state into the store, as far as it is not there; gives the root. It is not durable
    /// yet.
    pub(crate) fn save(&self, vm: &mut Vm, store: &Store) -> Result<Frozen, StateError> {
        let no_room = |stop: Stop| StateError::NoRoom {
            path: store.path().into(),
            problem: stop.to_string(),
        };
        let value = self.to_value(vm).map_err(no_room)?;
        vm.freeze(&value, store.space()).map_err(|error| match error {
            FreezeError::Stop(stop @ Stop::Damaged { .. }) => {
                StateError::Freeze { path: store.path().into(), problem: stop.to_string() }
            }
            FreezeError::Stop(stop) => no_room(stop),
            FreezeError::Space(error) => match error.downcast::<PinError>() {
                Ok(error) => StateError::Pin(*error),
                Err(error) => {
                    StateError::Freeze { path: store.path().into(), problem: error.to_string() }
                }
            },
        })
    }

    /// The state of a snapshot. Nothing but the root is read.
    pub(crate) fn load(
        vm: &mut Vm,
        store: &Store,
        snapshot: &Snapshot,
    ) -> Result<Status, StateError> {
        let root = vm.adopt(&store.root(snapshot)?);
        let item = match vm.look(&root).shape() {
            Shape::Pin(pin) => vm.hold(pin.item()),
            _ => unreachable!("a pin was adopted"),
        };
        let hash = Hash(snapshot.root);
        Status::of_value(vm, &item)
            .ok_or_else(|| StateError::NotAState { path: store.path().into(), hash })
    }
}
