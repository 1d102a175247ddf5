//! Replay: loading a snapshot, and applying the events since once more. A long replay writes
//! snapshots on its way, as a running machine does, and reports how far it is.

use crate::cog::{AppliedEvent, Cog, CogError};
use crate::console::ConsoleNotice;
use crate::error::{StartError, StateError};
use crate::event::EventRecord;
use crate::replay_source::ReplaySource;
use crate::settings::{MachineSettings, ReplayFrom};
use crate::snapshot::SnapshotScheduler;
use crate::status::MachineState;
use crate::watchdog::Watchdog;
use persist::{LogRecord, RecoveryReport, Seq, SetAsideId, Snapshot, Store};
use plan::Hash;
use std::sync::Arc;
use std::time::Duration;
use vm::Vm;

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
    store: &Arc<Store>,
    settings: &Arc<MachineSettings>,
    watchdog: &Arc<Watchdog>,
) -> Result<Replayed, StartError> {
    let recovery = recover(store, settings)?;
    let Some(snapshot) = &recovery.snapshot else {
        return Err(StartError::NotBooted { path: store.path().into() });
    };
    let total = store.durable().0 - snapshot.covers.0;
    let mut cog = Cog::new(settings, watchdog, |vm| load(vm, &**store, snapshot))?;
    let mut snapshots = SnapshotScheduler::new(settings.snapshots, store.written_pins());
    let (clock, console) = (&*settings.clock, &*settings.console);
    let (mut events, mut offered) = (0, Vec::new());
    console.replay_progress(events, total);
    let mut shown = clock.instant();
    for record in recovery.records {
        let record = record?;
        let took = replay_event(&mut cog, &**store, &record, &mut offered)?.took;
        snapshots.count_event(record.payload.len() as u64, took);
        events += 1;
        console.replay_progress(events, total);
        // Before a snapshot that covers the event, because a later replay would not find it.
        if !offered.is_empty() {
            store.remove_set_aside(&offered).map_err(StateError::from)?;
            offered.clear();
        }
        // A replay that is interrupted continues from there.
        snapshots.start_in_replay_if_due(&mut cog, store, record.seq, console)?;
        if clock.instant() - shown >= PROGRESS_INTERVAL {
            shown = clock.instant();
            console.notice(&ConsoleNotice::Replaying { events, total });
        }
    }
    tracing::info!(events, snapshot = snapshot.covers.0, "log replayed");
    snapshots.finish_replay(console)?;
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

/// Loads the state of a snapshot.
fn load(
    vm: &mut Vm,
    source: &impl ReplaySource,
    snapshot: &Snapshot,
) -> Result<MachineState, StartError> {
    let root = source.snapshot_root(snapshot).map_err(StateError::from)?;
    Ok(MachineState::load(vm, &source.directory(), &root)?)
}

/// Makes a cog with the state of the newest snapshot no later than the event `seq`, and replays the
/// events from there to `seq`.
///
/// # Errors
/// [`StartError::Unreachable`] if there is no such snapshot or event; see [`StartError`].
pub(crate) fn cog_at(
    source: &impl ReplaySource,
    seq: Seq,
    settings: &Arc<MachineSettings>,
    watchdog: &Arc<Watchdog>,
) -> Result<Cog, StartError> {
    let snapshot = snapshot_before(source, seq)?;
    let mut cog = Cog::new(settings, watchdog, |vm| load(vm, source, &snapshot))?;
    replay_range(&mut cog, source, &snapshot, seq)?;
    Ok(cog)
}

/// Brings a cog to the state after the event `seq`.
///
/// # Errors
/// As for [`cog_at`].
pub(crate) fn move_to(
    cog: &mut Cog,
    source: &impl ReplaySource,
    seq: Seq,
) -> Result<(), StartError> {
    let snapshot = snapshot_before(source, seq)?;
    cog.reload(|vm| load(vm, source, &snapshot))?;
    replay_range(cog, source, &snapshot, seq)
}

/// Finds the newest snapshot no later than the event `seq`.
fn snapshot_before(source: &impl ReplaySource, seq: Seq) -> Result<Snapshot, StartError> {
    let snapshots = source.kept_snapshots();
    let found = snapshots.iter().find(|snapshot| snapshot.covers <= seq).cloned();
    found.ok_or_else(|| unreachable_state(source, seq))
}

/// The error that the state after the event `wanted` cannot be computed.
fn unreachable_state(source: &impl ReplaySource, wanted: Seq) -> StartError {
    let first = source.kept_snapshots().last().map_or(Seq::START, |oldest| oldest.covers);
    StartError::Unreachable { path: source.directory(), wanted, first }
}

/// Replays the events after a snapshot up to `seq`.
fn replay_range(
    cog: &mut Cog,
    source: &impl ReplaySource,
    snapshot: &Snapshot,
    seq: Seq,
) -> Result<(), StartError> {
    let mut at = snapshot.covers;
    for record in source.events_from(at.next())? {
        if at >= seq {
            break;
        }
        let record = record?;
        at = record.seq;
        replay_event(cog, source, &record, &mut Vec::new())?;
    }
    if at < seq { Err(unreachable_state(source, seq)) } else { Ok(()) }
}

/// Goes back to the state after the event `to`, which has the hash `root`. A snapshot of this state
/// is written when a rollback happens. If that was interrupted, or the snapshot is not kept any
/// more, the state is computed again.
fn roll_back(
    cog: &mut Cog,
    source: &impl ReplaySource,
    seq: Seq,
    (to, root): (Seq, Hash),
) -> Result<(), StartError> {
    let snapshots = source.kept_snapshots();
    if let Some(snapshot) = snapshots.iter().find(|snapshot| Hash(snapshot.root) == root) {
        return cog.reload(|vm| load(vm, source, snapshot));
    }
    move_to(cog, source, to)?;
    let path = source.directory();
    let found = cog.hash().map_err(|stop| StartError::ReplayFailed {
        path: path.clone(),
        seq,
        problem: stop.to_string(),
    })?;
    if found != root {
        return Err(StartError::Diverged { path, seq, expected: root, found });
    }
    Ok(())
}

/// Applies a logged event once more. Adds to `offered` the inputs that had been set aside.
pub(crate) fn replay_event(
    cog: &mut Cog,
    source: &impl ReplaySource,
    record: &LogRecord,
    offered: &mut Vec<SetAsideId>,
) -> Result<AppliedEvent, StartError> {
    let seq = record.seq;
    let unreadable = |offset, problem| {
        let path = source.directory();
        StartError::Record { path, seq, offset, problem }
    };
    let event = EventRecord::decode(&record.payload)
        .map_err(|error| unreadable(error.offset, error.problem.into()))?;
    let failed = |problem| StartError::ReplayFailed { path: source.directory(), seq, problem };
    if let Some(expected) = event.before {
        let found = cog.hash().map_err(|stop| failed(stop.to_string()))?;
        if found != expected {
            return Err(StartError::Diverged { path: source.directory(), seq, expected, found });
        }
    }
    offered.extend(event.offered());
    match cog.replay(&event.inputs, &event.outcome) {
        Ok(applied) => Ok(applied),
        Err(CogError::RolledBack { to, root }) => {
            roll_back(cog, source, seq, (Seq(to), root))?;
            let (outcome, outputs, took) = (event.outcome, Vec::new(), Duration::ZERO);
            Ok(AppliedEvent { outcome, outputs, took })
        }
        Err(CogError::Diverged(stop) | CogError::Damaged(stop)) => Err(failed(stop.to_string())),
        Err(CogError::UpgradeDiverged(failure)) => Err(failed(failure.to_string())),
        Err(CogError::ShuttingDown) => Err(failed("it was interrupted".into())),
        Err(CogError::Aborted(abort)) => Err(failed(abort.reason.to_string())),
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
