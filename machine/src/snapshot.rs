//! When snapshots are written, and how. The cog's thread freezes the new parts of the state, which
//! copies them; another thread waits for the disk while events continue.

use crate::cog::Cog;
use crate::console::{Console, ConsoleNotice};
use crate::error::{RunError, StateError, SystemError};
use crate::message::ControlMessage;
use crate::settings::SnapshotPolicy;
use crossbeam_channel::Sender;
use persist::{PinError, Seq, SnapshotError, Store};
use plan::pinspace::FrozenPin;
use profile::ProfileTimer;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Decides when a snapshot is due, and writes it.
pub(crate) struct SnapshotScheduler {
    policy: Option<SnapshotPolicy>,
    // Since the last snapshot: events, bytes of log, and time of evaluation.
    events: u64,
    bytes: u64,
    work: Duration,
    /// The thread that writes a snapshot.
    writer: Option<JoinHandle<()>>,
}

impl SnapshotScheduler {
    /// A scheduler that follows a policy; without one it writes no snapshots.
    pub(crate) fn new(policy: Option<SnapshotPolicy>) -> SnapshotScheduler {
        SnapshotScheduler { policy, events: 0, bytes: 0, work: Duration::ZERO, writer: None }
    }

    /// Counts an event, with its size in the log and the time of its evaluation.
    pub(crate) fn count_event(&mut self, bytes: u64, work: Duration) {
        self.events += 1;
        self.bytes += bytes;
        self.work += work;
    }

    /// Starts a snapshot of the state after the event `applied`, if one is due and none is being
    /// written.
    pub(crate) fn start_if_due(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        applied: Seq,
        control: &Sender<ControlMessage>,
        console: &dyn Console,
    ) -> Result<(), RunError> {
        if !self.is_due() || self.writer.is_some() {
            return Ok(());
        }
        (self.events, self.bytes, self.work) = (0, 0, Duration::ZERO);
        let Some(root) = freeze(cog, store, console)? else { return Ok(()) };
        let (store, control) = (Arc::clone(store), control.clone());
        let track = cog.track().cloned();
        let writer = thread::Builder::new()
            .name("pallas-snapshot".into())
            .spawn(move || {
                let timer = ProfileTimer::start(track.as_ref());
                let result = write(&store, &root, applied);
                // Events go on meanwhile on the same track.
                timer.overlapping_span("snapshot", "write");
                // The machine closes the store when it gets the message, so drop it before.
                drop((root, store));
                // If the event loop has ended, no thread receives the message.
                let _ = control.send(ControlMessage::SnapshotDone(result));
            })
            .map_err(SystemError::new("start a thread"))?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Writes a snapshot of the state after the event `applied`, if one is due and the newest one
    /// covers fewer events. Waits for the disk: no other work is waiting during a replay.
    pub(crate) fn write_if_due(
        &mut self,
        cog: &mut Cog,
        store: &Store,
        applied: Seq,
        console: &dyn Console,
    ) -> Result<(), StateError> {
        let is_covered = store.snapshots().first().is_some_and(|newest| newest.covers >= applied);
        if !self.is_due() || is_covered {
            return Ok(());
        }
        (self.events, self.bytes, self.work) = (0, 0, Duration::ZERO);
        match freeze(cog, store, console)? {
            Some(root) => report(write(store, &root, applied), console),
            None => Ok(()),
        }
    }

    fn is_due(&self) -> bool {
        self.policy.is_some_and(|policy| {
            self.events >= policy.events || self.bytes >= policy.bytes || self.work >= policy.work
        })
    }

    /// Handles the end of the snapshot that was being written.
    pub(crate) fn done(
        &mut self,
        result: Result<(), SnapshotError>,
        console: &dyn Console,
    ) -> Result<(), RunError> {
        self.wait();
        Ok(report(result, console)?)
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
        store: &Store,
        applied: Seq,
        console: &dyn Console,
    ) -> Result<(), RunError> {
        self.wait();
        let is_covered = store.snapshots().first().is_some_and(|newest| newest.covers >= applied);
        if self.policy.is_none() || is_covered {
            return Ok(());
        }
        match freeze(cog, store, console)? {
            Some(root) => Ok(report(write(store, &root, applied), console)?),
            None => Ok(()),
        }
    }
}

/// Freezes the state into the store. Returns None, after a notice, if there is no room: the machine
/// continues, because the log has every event.
fn freeze(
    cog: &mut Cog,
    store: &Store,
    console: &dyn Console,
) -> Result<Option<FrozenPin>, StateError> {
    let timer = ProfileTimer::start(cog.track());
    let (vm, state) = cog.parts();
    let saved = state.save(vm, store);
    timer.span("snapshot", "freeze", Vec::new);
    match saved {
        Ok(root) => Ok(Some(root)),
        Err(
            error @ (StateError::NoRoom { .. }
            | StateError::Pin(PinError::Full(_) | PinError::TooLarge { .. })),
        ) => {
            console.notice(&ConsoleNotice::SnapshotFailed(error.to_string()));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Writes a snapshot, and drops the part of the log that no snapshot needs any more.
fn write(store: &Store, root: &FrozenPin, covers: Seq) -> Result<(), SnapshotError> {
    store.write_snapshot(root, covers)?;
    store.prune().map(drop)
}

/// Reports a snapshot that failed for lack of room on the disk. Any other failure is an error.
fn report(result: Result<(), SnapshotError>, console: &dyn Console) -> Result<(), StateError> {
    match result {
        Err(error @ SnapshotError::Full(_)) => {
            console.notice(&ConsoleNotice::SnapshotFailed(error.to_string()));
            Ok(())
        }
        result => Ok(result?),
    }
}
