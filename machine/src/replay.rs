//! Opening a machine: the newest snapshot, and the events since once more.

use crate::checks::Checks;
use crate::cog::{Cog, Refused, Word};
use crate::console::Notice;
use crate::crew::Crew;
use crate::device::{Device, Devices, Time};
use crate::driver::Context;
use crate::error::{StartError, SystemError};
use crate::machine::{Held, Machine, QUEUE};
use crate::record::Event;
use crate::settings::{ReplayFrom, Settings};
use crate::snapshot::Snapshots;
use crate::state::Status;
use crate::watchdog::Watchdog;
use crate::workers::Workers;
use crossbeam_channel::{bounded, unbounded};
use persist::{LogRecord, Recovery, Snapshot, Store};
use std::iter;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

impl Machine {
    /// Opens the machine in that directory, and brings it to the state it was in. Nothing of it
    /// runs before [`Machine::run`], which must be called on the same thread.
    ///
    /// # Errors
    /// See [`StartError`]. The store is as it was.
    pub fn open(dir: &Path, settings: Settings) -> Result<Machine, StartError> {
        let store = Store::open_with(dir, settings.store.clone())?;
        Machine::open_on(store, settings)
    }

    /// As [`Machine::open`], of a store that is open.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(store: Store, settings: Settings) -> Result<Machine, StartError> {
        let settings = Arc::new(settings);
        let watchdog = Arc::new(Watchdog::start()?);
        let recovery = recover(&store, &settings)?;
        let Some(snapshot) = &recovery.snapshot else {
            return Err(StartError::NotBooted { path: store.path().into() });
        };
        let mut snapshots = Snapshots::new(settings.snapshots);
        let mut cog = load(&store, snapshot, &settings, &watchdog)?;
        let mut replayed = 0;
        for record in recovery.records {
            let record = record?;
            let took = replay(&mut cog, store.path(), &record)?;
            snapshots.count(record.payload.len() as u64, took);
            replayed += 1;
        }
        Machine::assemble(store, settings, watchdog, cog, snapshots, replayed)
    }

    fn assemble(
        store: Store,
        settings: Arc<Settings>,
        watchdog: Arc<Watchdog>,
        cog: Cog,
        snapshots: Snapshots,
        replayed: u64,
    ) -> Result<Machine, StartError> {
        let time: Arc<dyn Device> = Arc::new(Time::start(Arc::clone(&settings.clock))?);
        let devices = Devices::new(settings.devices.iter().cloned().chain(iter::once(time)));
        let (to_requests, requests) = bounded(QUEUE);
        let (to_control, control) = unbounded();
        let crew = Crew::new(Context {
            settings: Arc::clone(&settings),
            watchdog: Arc::clone(&watchdog),
            devices,
            requests: to_requests,
            control: to_control.clone(),
        });
        let appender = store.appender().map_err(|error| {
            SystemError::new("start the log's thread")(std::io::Error::other(error.to_string()))
        })?;
        Ok(Machine {
            applied: store.last(),
            store: Arc::new(store),
            settings,
            appender,
            watchdog,
            cog,
            workers: Workers::default(),
            crew,
            requests,
            control,
            to_control,
            stopping: Arc::default(),
            snapshots,
            checks: Checks::default(),
            replayed,
            held: Held::default(),
            disk_is_full: false,
        })
    }
}

fn recover(store: &Store, settings: &Settings) -> Result<Recovery, StartError> {
    let oldest = store.snapshots().pop();
    if let (ReplayFrom::Earliest, Some(oldest)) = (settings.replay, oldest) {
        return Ok(store.recover_from(&oldest)?);
    }
    let recovery = store.recover()?;
    for damage in &recovery.damaged {
        settings.console.notice(&Notice::SnapshotPassedOver(damage.to_string()));
    }
    Ok(recovery)
}

fn load(
    store: &Store,
    snapshot: &Snapshot,
    settings: &Arc<Settings>,
    watchdog: &Arc<Watchdog>,
) -> Result<Cog, StartError> {
    Cog::new(settings, watchdog, |vm| Ok::<_, StartError>(Status::load(vm, store, snapshot)?))
}

/// Lets a logged event happen once more; says how long it took.
fn replay(cog: &mut Cog, path: &Path, record: &LogRecord) -> Result<Duration, StartError> {
    let seq = record.seq;
    let unreadable = |offset, problem| {
        let path = path.into();
        StartError::Record { path, seq, offset, problem }
    };
    let event = Event::decode(&record.payload)
        .map_err(|error| unreadable(error.offset, error.problem.into()))?;
    let stuck = |problem| StartError::Stuck { path: path.into(), seq, problem };
    if let Some(expected) = event.before {
        let found = cog.hash().map_err(|stop| stuck(stop.to_string()))?;
        if found != expected {
            return Err(StartError::Astray { path: path.into(), seq, expected, found });
        }
    }
    match cog.apply(&event.inputs, &Word::Logged(&event.fate)) {
        Ok(applied) => Ok(applied.took),
        Err(Refused::Stuck(stop) | Refused::Damaged(stop)) => Err(stuck(stop.to_string())),
        Err(Refused::Hurried) => Err(stuck("it was interrupted".into())),
        Err(Refused::NotSpinning) => Err(stuck("the cog takes no more events".into())),
        Err(Refused::Job(slot)) => {
            Err(stuck(format!("the job in slot {slot} gives another value than it gave")))
        }
        Err(Refused::Input(slot, error)) => {
            Err(unreadable(error.offset, format!("the input of slot {slot}: {error}")))
        }
    }
}
