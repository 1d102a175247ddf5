//! The machine's state: the cog and its status; as a value, and as pins in the store.
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
use persist::inspect::Fetch;
use persist::{Snapshot, Store};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;
use vm::{Hash, Ref, Shape, Stop, Val, Vm, seed};

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

    /// Puts the state into the store, in memory as yet, as far as it is not there; gives the root.
    pub(crate) fn save(&self, vm: &mut Vm, store: &Store) -> Result<Hash, StateError> {
        let no_room = |stop| no_room(store.path(), &stop);
        let value = self.to_value(vm).map_err(no_room)?;
        let root = vm.pin(&value).map_err(no_room)?;
        let mut todo = vec![(root.clone(), false)];
        // A pin is put when it is met again, after all that it refers to.
        while let Some((pin, is_open)) = todo.pop() {
            let Shape::Pin(found) = vm.look(&pin).shape() else { continue };
            let hash = found.hash().map_err(no_room)?;
            if store.contains(hash.as_bytes()) {
                continue;
            }
            if !is_open {
                let edges = seed::edges(found).map_err(no_room)?;
                let edges: Vec<Val> = edges.into_iter().map(|it| vm.hold(it.value())).collect();
                todo.push((pin, true));
                todo.extend(edges.into_iter().map(|edge| (edge, false)));
                continue;
            }
            let failed = |source| StateError::Save { path: store.path().into(), source };
            let (edges, body) = seed::save_germ(vm, &pin).map_err(failed)?;
            let edges: Vec<[u8; 32]> = edges.into_iter().map(Into::into).collect();
            store.put(hash.into(), &edges, &body)?;
        }
        match vm.look(&root).shape() {
            Shape::Pin(root) => root.hash().map_err(no_room),
            _ => unreachable!("a pin was made"),
        }
    }

    /// The state of a snapshot.
    pub(crate) fn load(
        vm: &mut Vm,
        store: &Store,
        snapshot: &Snapshot,
    ) -> Result<Status, StateError> {
        let hash = Hash(snapshot.root);
        let root = load_pin(vm, store.path(), &mut |hash| store.get(hash), hash)?;
        let item = match vm.look(&root).shape() {
            Shape::Pin(pin) => vm.hold(pin.item()),
            _ => unreachable!("a pin was loaded"),
        };
        Status::of_value(vm, &item)
            .ok_or_else(|| StateError::NotAState { path: store.path().into(), hash })
    }
}

/// What is left to do to load a pin.
enum Task {
    /// Read it, and see to what it refers to.
    Open(Hash),
    /// Make it of this germ: all that it refers to is there.
    Make(Hash, persist::StoredPin),
}

/// Loads a pin and all that it refers to from the store at `path`, and checks their hashes.
pub(crate) fn load_pin(
    vm: &mut Vm,
    path: &Path,
    fetch: &mut Fetch<'_>,
    root: Hash,
) -> Result<Val, StateError> {
    let mut loaded: HashMap<Hash, Val> = HashMap::new();
    let mut opened: HashSet<Hash> = HashSet::new();
    let mut todo = vec![Task::Open(root)];
    while let Some(task) = todo.pop() {
        match task {
            // It is there, or will be when its turn comes. (If its turn does not come before it is
            // needed, it needs itself, which `make_pin` reports as missing.)
            Task::Open(hash) if !opened.insert(hash) => {}
            Task::Open(hash) => {
                let stored = fetch(hash.as_bytes())?;
                let stored =
                    stored.ok_or_else(|| StateError::Missing { path: path.into(), hash })?;
                let edges: Vec<Task> =
                    stored.edges.iter().map(|edge| Task::Open(Hash(*edge))).collect();
                todo.push(Task::Make(hash, stored));
                todo.extend(edges);
            }
            Task::Make(hash, stored) => {
                let pin = make_pin(vm, path, hash, &stored, &loaded)?;
                loaded.insert(hash, pin);
            }
        }
    }
    loaded.remove(&root).ok_or_else(|| StateError::Missing { path: path.into(), hash: root })
}

fn make_pin(
    vm: &mut Vm,
    path: &Path,
    hash: Hash,
    stored: &persist::StoredPin,
    loaded: &HashMap<Hash, Val>,
) -> Result<Val, StateError> {
    let missing = |hash| StateError::Missing { path: path.into(), hash };
    let hole = |edge: &[u8; 32]| {
        let hash = Hash(*edge);
        loaded.get(&hash).cloned().ok_or_else(|| missing(hash))
    };
    let holes = stored.edges.iter().map(hole).collect::<Result<Vec<Val>, _>>()?;
    let item = seed::load_germ(vm, &holes, &stored.body).map_err(|error| StateError::Load {
        path: path.into(),
        hash,
        problem: error.to_string(),
    })?;
    let pin = vm.pin(&item).map_err(|stop| no_room(path, &stop))?;
    let found = vm.hash(&item).map_err(|stop| no_room(path, &stop))?;
    if found == hash {
        return Ok(pin);
    }
    Err(StateError::WrongHash { path: path.into(), hash, found })
}

fn no_room(path: &Path, stop: &Stop) -> StateError {
    StateError::NoRoom { path: path.into(), problem: stop.to_string() }
}
