//! Replay: loading a snapshot, and applying the events since once more. A long replay writes
//! snapshots on its way, as a running machine does, and reports how far it is.

use crate::cog::{Cog, CogError};
use crate::console::ConsoleNotice;
use crate::error::{StartError, StateError};
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
}

/// How often a replay reports how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

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
    let total = store.durable().0 - snapshot.covers.0;
    let mut cog = Cog::new(settings, watchdog, |vm| {
        MachineState::load(vm, store, snapshot).map_err(StartError::from)
    })?;
    let mut snapshots = SnapshotScheduler::new(settings.snapshots, store.written_pins());
    let (clock, console) = (&*settings.clock, &*settings.console);
    let (mut events, mut offered) = (0, Vec::new());
    console.replay_progress(events, total);
    let mut shown = clock.instant();
    for record in recovery.records {
        let record = record?;
        let took = replay_event(&mut cog, store.path(), &record, &mut offered)?;
        snapshots.count_event(record.payload.len() as u64, took);
        events += 1;
        console.replay_progress(events, total);
        // Before a snapshot that covers the event, because a later replay would not find it.
        if !offered.is_empty() {
            store.remove_set_aside(&offered).map_err(StateError::from)?;
            offered.clear();
        }
        // A replay that is interrupted continues from there.
        snapshots.write_if_due(&mut cog, store, record.seq, console)?;
        if clock.instant() - shown >= PROGRESS_INTERVAL {
            shown = clock.instant();
            console.notice(&ConsoleNotice::Replaying { events, total });
        }
    }
    Ok(Replayed { cog, snapshots, events })
}

/// Finds the snapshot to start from, and the records since.
fn recover(store: &Store, settings: &MachineSettings) -> Result<RecoveryReport, StartError> {
    let snapshots = store.snapshots();
    let chosen = match settings.replay {
        ReplayFrom::Latest => None,
        ReplayFrom::Earliest => snapshots.last(),
        ReplayFrom::Number(number) => {
            let chosen = snapshots.iter().find(|snapshot| snapshot.generation == number);
            Some(chosen.ok_or_else(|| StartError::NoSnapshot {
                path: store.path().into(),
                number,
                usable: snapshots.iter().map(|snapshot| snapshot.generation).collect(),
            })?)
        }
    };
    if let Some(chosen) = chosen {
        return Ok(store.recover_from(chosen)?);
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
    match cog.replay(&event.inputs, &event.outcome) {
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
