//! When snapshots are written, and how. Another thread freezes the new parts of the state, which
//! hashes and copies them, and waits for the disk; events continue meanwhile, and so does a replay.
//! The last snapshot of a run is written in the same way, and its end is waited for.
//!
//! A snapshot is due by what it saves ([`SnapshotPolicy`]): bytes of log and time of evaluation, which
//! bound the next replay, and bytes of pins that may have become garbage. The number of events does
//! not count, so a million cheap events do not cause a snapshot. A replay
//! counts its events in the same way, by the time that it measures.

use crate::cog::Cog;
use crate::console::{Console, ConsoleNotice};
use crate::error::{RunError, StateError};
use crate::mailbox::Address;
use crate::message::{ControlMessage, SnapshotEnd};
use crate::settings::SnapshotPolicy;
use crossbeam_channel::{Receiver, bounded};
use persist::{PinError, Seq, SnapshotError, Store, WrittenPins};
use plan::pinspace::FrozenPin;
use profile::ProfileTimer;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// The rate at which snapshots may write pins: one that writes more per second of evaluation is due
/// later.
const WRITE_RATE: u64 = 8 << 20;

/// The largest factors by which the limits of log and of replay time grow with the cost of a snapshot.
const MAX_LOG_FACTOR: u64 = 4;
const MAX_REPLAY_FACTOR: u32 = 15;

/// Decides when a snapshot is due, and writes it.
pub(crate) struct SnapshotScheduler {
    policy: Option<SnapshotPolicy>,
    /// The pins that were written to the store.
    pins: Arc<WrittenPins>,
    since: SinceSnapshot,
    /// The bytes of pins that the last snapshot wrote.
    cost: u64,
    /// The thread that freezes the state and writes a snapshot.
    writer: Option<JoinHandle<()>>,
    /// The end of the snapshot that is being written in a replay, or at the end of a run.
    ended: Option<Receiver<SnapshotEnd>>,
}

/// What happened since the last snapshot.
#[derive(Default)]
struct SinceSnapshot {
    events: u64,
    log_bytes: u64,
    work: Duration,
    /// The bytes of all written pins when the snapshot had been frozen.
    pins_before: u64,
}

impl SinceSnapshot {
    /// Whether a limit is reached. `pin_bytes` are the bytes of all written pins, and `cost` those
    /// that the last snapshot wrote.
    fn reaches(&self, policy: &SnapshotPolicy, pin_bytes: u64, cost: u64) -> bool {
        let highest = policy.log_bytes.saturating_mul(MAX_LOG_FACTOR);
        let log_limit = cost.clamp(policy.log_bytes, highest);
        let highest = policy.replay_time.saturating_mul(MAX_REPLAY_FACTOR);
        let replay_limit =
            Duration::from_secs(cost / WRITE_RATE).clamp(policy.replay_time, highest);
        self.events >= policy.events
            || self.log_bytes >= log_limit
            || self.work >= replay_limit
            || pin_bytes - self.pins_before >= policy.pin_bytes
    }
}

impl SnapshotScheduler {
    /// A scheduler that follows a policy; without one it writes no snapshots. `pins` are the written
    /// pins of the store.
    pub(crate) fn new(policy: Option<SnapshotPolicy>, pins: Arc<WrittenPins>) -> SnapshotScheduler {
        let since = SinceSnapshot { pins_before: pins.bytes(), ..SinceSnapshot::default() };
        SnapshotScheduler { policy, pins, since, cost: 0, writer: None, ended: None }
    }

    /// Counts an event, with its size in the log and the time of its evaluation.
    pub(crate) fn count_event(&mut self, bytes: u64, work: Duration) {
        self.since.events += 1;
        self.since.log_bytes += bytes;
        self.since.work += work;
    }

    /// Starts a snapshot of the state after the event `applied`, if one is due and none is being
    /// written.
    pub(crate) fn start_if_due(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        applied: Seq,
        control: &Address<ControlMessage>,
        console: &dyn Console,
    ) -> Result<(), RunError> {
        // The collector of the store may read the heap for a moment: the next event looks again.
        if !self.is_due() || self.writer.is_some() || cog.heap().is_lent() {
            return Ok(());
        }
        let guard = ControlMessage::on_panic(control, "a snapshot");
        let control = control.clone();
        let started = self.start(cog, store, applied, move |end| {
            // If the event loop has ended, no thread receives the message.
            control.send(ControlMessage::SnapshotDone(end));
            drop(guard);
        });
        Ok(report(started, console)?)
    }

    /// Starts a snapshot in a replay, of the state after the event `applied`, if one is due and the
    /// newest one covers fewer events. The replay goes on meanwhile. It waits for the snapshot before,
    /// so the snapshots of a replay are of the same states, however slow the disk is.
    pub(crate) fn start_in_replay_if_due(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        applied: Seq,
        console: &dyn Console,
    ) -> Result<(), StateError> {
        if !self.is_due() {
            return Ok(());
        }
        self.finish_started(console)?;
        self.start_unless_covered(cog, store, applied, console)
    }

    /// Starts a snapshot of the state after the event `applied`, unless the newest one covers it. The
    /// end is waited for by [`SnapshotScheduler::finish_started`].
    fn start_unless_covered(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        applied: Seq,
        console: &dyn Console,
    ) -> Result<(), StateError> {
        if store.snapshots().first().is_some_and(|newest| newest.covers >= applied) {
            return Ok(());
        }
        let (sender, ended) = bounded(1);
        let started = self.start(cog, store, applied, move |end| {
            // If the replay has failed, no thread receives the message.
            let _ = sender.send(end);
        });
        self.ended = started.is_ok().then_some(ended);
        report(started, console)
    }

    /// Waits for the snapshot that a replay, or the end of a run, is writing, if there is one.
    pub(crate) fn finish_started(&mut self, console: &dyn Console) -> Result<(), StateError> {
        let Some(ended) = self.ended.take() else { return Ok(()) };
        match ended.recv() {
            Ok(end) => self.end(end, console),
            // The thread has panicked: the store has no such snapshot, and the log every event.
            Err(_) => {
                self.wait();
                Ok(())
            }
        }
    }

    /// Starts to freeze and write a snapshot on another thread, which calls `then` at the end, and
    /// begins to count anew.
    fn start(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        applied: Seq,
        then: impl FnOnce(SnapshotEnd) + Send + 'static,
    ) -> Result<(), StateError> {
        let before = self.pins.bytes();
        self.since = SinceSnapshot { pins_before: before, ..SinceSnapshot::default() };
        let pins = Arc::clone(&self.pins);
        let (track, of_store) = (cog.track().cloned(), Arc::clone(store));
        // Events go on meanwhile on the same track.
        let timer = ProfileTimer::start(track.as_ref());
        let write_frozen = move |saved: Result<FrozenPin, StateError>| {
            timer.overlapping_span("snapshot", "freeze");
            let pin_bytes = pins.bytes();
            let timer = ProfileTimer::start(track.as_ref());
            let result = saved.and_then(|root| Ok(write(&of_store, &root, applied)?));
            timer.overlapping_span("snapshot", "write");
            // The machine closes the store when it gets the message, so drop it before.
            drop(of_store);
            then(SnapshotEnd { result, pin_bytes, cost: pin_bytes - before });
        };
        let timer = ProfileTimer::start(cog.track());
        let (vm, state) = cog.parts();
        let started = state.save_in_background(vm, store, write_frozen);
        timer.span("snapshot", "begin", Vec::new);
        self.writer = Some(started?);
        Ok(())
    }

    fn is_due(&self) -> bool {
        let reaches = |policy| self.since.reaches(policy, self.pins.bytes(), self.cost);
        self.policy.as_ref().is_some_and(reaches)
    }

    /// Handles the end of the snapshot that was being written.
    pub(crate) fn done(&mut self, end: SnapshotEnd, console: &dyn Console) -> Result<(), RunError> {
        Ok(self.end(end, console)?)
    }

    fn end(&mut self, end: SnapshotEnd, console: &dyn Console) -> Result<(), StateError> {
        self.wait();
        self.cost = end.cost;
        self.since.pins_before = end.pin_bytes;
        report(end.result, console)
    }

    /// Whether a snapshot is being frozen or written.
    pub(crate) fn is_writing(&self) -> bool {
        self.writer.is_some()
    }

    /// Waits until no snapshot is being written.
    pub(crate) fn wait(&mut self) {
        if let Some(writer) = self.writer.take() {
            // The thread sends its result and cannot panic.
            let _ = writer.join();
        }
    }

    /// Writes a last snapshot, unless the newest one covers the event `applied`.
    pub(crate) fn finish(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        applied: Seq,
        console: &dyn Console,
    ) -> Result<(), RunError> {
        self.wait();
        if self.policy.is_some() {
            self.start_unless_covered(cog, store, applied, console)?;
            self.finish_started(console)?;
        }
        Ok(())
    }
}

impl Drop for SnapshotScheduler {
    /// Waits for the thread: after a replay that failed, it does not write to a store that may be
    /// opened again.
    fn drop(&mut self) {
        self.wait();
    }
}

/// Writes a snapshot, and drops the part of the log that no snapshot needs any more.
fn write(store: &Store, root: &FrozenPin, covers: Seq) -> Result<(), SnapshotError> {
    store.write_snapshot(root, covers)?;
    tracing::info!(covers = covers.0, "snapshot written");
    store.prune().map(drop)
}

/// Reports a snapshot that failed for lack of room, in memory or on the disk. Any other failure is an
/// error.
fn report(result: Result<(), StateError>, console: &dyn Console) -> Result<(), StateError> {
    match result {
        Err(
            error @ (StateError::NoRoom { .. }
            | StateError::Pin(PinError::Full(_) | PinError::TooLarge { .. })
            | StateError::Snapshot(SnapshotError::Full(_))),
        ) => {
            console.notice(&ConsoleNotice::SnapshotFailed(error.to_string()));
            Ok(())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(events: u64, log_bytes: u64, work: Duration) -> SinceSnapshot {
        SinceSnapshot { events, log_bytes, work, pins_before: 1000 }
    }

    #[test]
    fn a_snapshot_is_due_by_what_it_saves_and_not_by_the_number_of_events() {
        let policy = SnapshotPolicy::default();
        let limit = policy.log_bytes;
        let second = Duration::from_secs(1);
        assert!(second < policy.replay_time);
        assert!(!since(10_000_000, limit - 1, second).reaches(&policy, 1000, 0));
        assert!(since(1, limit, second).reaches(&policy, 1000, 0));
        assert!(since(1, 0, policy.replay_time).reaches(&policy, 1000, 0));
        assert!(!since(1, 0, second).reaches(&policy, 999 + policy.pin_bytes, 0));
        assert!(since(1, 0, second).reaches(&policy, 1000 + policy.pin_bytes, 0));
    }

    #[test]
    fn a_snapshot_that_writes_much_waits_for_a_longer_replay_up_to_a_limit() {
        let policy = SnapshotPolicy::default();
        let work = |seconds| since(1, 0, Duration::from_secs(seconds));
        let ten_seconds = 10 * WRITE_RATE;
        assert!(!work(9).reaches(&policy, 1000, ten_seconds));
        assert!(work(10).reaches(&policy, 1000, ten_seconds));
        assert!(work(30).reaches(&policy, 1000, 100 * ten_seconds));
        let unlimited = SnapshotPolicy { replay_time: Duration::MAX, ..policy };
        assert!(!work(30).reaches(&unlimited, 1000, 0));
    }

    #[test]
    fn a_snapshot_that_writes_much_waits_for_as_much_log_up_to_a_limit() {
        let policy = SnapshotPolicy::default();
        let limit = policy.log_bytes;
        let log = |bytes| since(1, bytes, Duration::ZERO);
        assert!(log(limit).reaches(&policy, 1000, limit / 2));
        assert!(!log(limit).reaches(&policy, 1000, 2 * limit));
        assert!(log(2 * limit).reaches(&policy, 1000, 2 * limit));
        assert!(log(4 * limit).reaches(&policy, 1000, 100 * limit));
        let unlimited = SnapshotPolicy { log_bytes: u64::MAX, ..policy };
        assert!(!log(limit).reaches(&unlimited, 1000, 2 * limit));
    }
}
