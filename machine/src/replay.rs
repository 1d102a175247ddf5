//! Replay: loading a snapshot, and applying the events since once more.

use crate::cog::{ApplyMode, Cog, CogError};
use crate::console::ConsoleNotice;
use crate::error::StartError;
use crate::event::EventRecord;
use crate::settings::{MachineSettings, ReplayFrom};
use crate::snapshot::SnapshotScheduler;
use crate::status::MachineState;
use crate::watchdog::Watchdog;
use persist::{LogRecord, RecoveryReport, SetAsideId, Store};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The state that a replay arrived at.
pub(crate) struct Replayed {
    pub(crate) cog: Cog,
    /// Counts the replayed events towards the next snapshot.
    pub(crate) snapshots: SnapshotScheduler,
    /// How many events were replayed.
    pub(crate) events: u64,
    /// The inputs of these events that had been set aside. They are applied, so they are not to be
    /// offered any more.
    pub(crate) offered: Vec<SetAsideId>,
}

/// Replays the machine in a store.
pub(crate) fn replay(
    store: &Store,
    settings: &Arc<MachineSettings>,
    watchdog: &Arc<Watchdog>,
) -> Result<Replayed, StartError> {
    let recovery = recover(store, settings)?;
    let Some(snapshot) = &recovery.snapshot else {
        return Err(StartError::NotBooted { path: store.path().into() });
    };
    let mut cog = Cog::new(settings, watchdog, |vm| {
        MachineState::load(vm, store, snapshot).map_err(StartError::from)
    })?;
    let mut snapshots = SnapshotScheduler::new(settings.snapshots);
    let (mut events, mut offered) = (0, Vec::new());
    let total = store.last().0.saturating_sub(snapshot.covers.0);
    settings.console.replay_progress(events, total);
    for record in recovery.records {
        let record = record?;
        let took = replay_event(&mut cog, store.path(), &record, &mut offered)?;
        snapshots.count_event(record.payload.len() as u64, took);
        events += 1;
        settings.console.replay_progress(events, total);
    }
    Ok(Replayed { cog, snapshots, events, offered })
}

/// Finds the snapshot to start from, and the records since.
fn recover(store: &Store, settings: &MachineSettings) -> Result<RecoveryReport, StartError> {
    let oldest = store.snapshots().pop();
    if let (ReplayFrom::Earliest, Some(oldest)) = (settings.replay, oldest) {
        return Ok(store.recover_from(&oldest)?);
    }
    let recovery = store.recover()?;
    for damage in &recovery.damaged {
        settings.console.notice(&ConsoleNotice::SnapshotSkipped(damage.to_string()));
    }
    Ok(recovery)
}

/// Applies a logged event once more. Returns how long its evaluation took, and adds to `offered`
/// the inputs that had been set aside.
fn replay_event(
    cog: &mut Cog,
    path: &Path,
    record: &LogRecord,
    offered: &mut Vec<SetAsideId>,
) -> Result<Duration, StartError> {
    let seq = record.seq;
    let unreadable = |offset, problem| {
        let path = path.into();
        StartError::Record { path, seq, offset, problem }
    };
    let event = EventRecord::decode(&record.payload)
        .map_err(|error| unreadable(error.offset, error.problem.into()))?;
    let failed = |problem| StartError::ReplayFailed { path: path.into(), seq, problem };
    if let Some(expected) = event.before {
        let found = cog.hash().map_err(|stop| failed(stop.to_string()))?;
        if found != expected {
            return Err(StartError::Diverged { path: path.into(), seq, expected, found });
        }
    }
    offered.extend(event.offered());
    match cog.apply(&event.inputs, &ApplyMode::Replay(&event.outcome)) {
        Ok(applied) => Ok(applied.took),
        Err(CogError::Diverged(stop) | CogError::Damaged(stop)) => Err(failed(stop.to_string())),
        Err(CogError::ShuttingDown) => Err(failed("it was interrupted".into())),
        Err(CogError::Aborted(reason)) => Err(failed(reason.to_string())),
        Err(CogError::NotRunning) => Err(failed("the cog takes no more events".into())),
        Err(CogError::NotCrashed) => Err(failed("the cog has not crashed".into())),
        Err(CogError::JobDiverged(slot)) => {
            Err(failed(format!("the job in slot {slot} computes another value than it did")))
        }
        Err(CogError::InvalidInput(slot, error)) => {
            Err(unreadable(error.offset, format!("the input of slot {slot}: {error}")))
        }
    }
}
