//! When snapshots are written, and writing them: the cog's thread freezes what is new, which copies it
//! and no more; what has to wait for the disk is done by another thread while events go on.

use crate::cog::Cog;
use crate::console::{Console, Notice};
use crate::error::{RunError, StateError, SystemError};
use crate::messages::Control;
use crate::settings::SnapshotRule;
use crossbeam_channel::Sender;
use persist::{PinError, Seq, SnapshotError, Store};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use vm::pinspace::Frozen;

/// What has happened since the last snapshot.
pub(crate) struct Snapshots {
    rule: Option<SnapshotRule>,
    events: u64,
    bytes: u64,
    work: Duration,
    writer: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Snapshots by that rule.
    pub(crate) fn new(rule: Option<SnapshotRule>) -> Snapshots {
        Snapshots { rule, events: 0, bytes: 0, work: Duration::ZERO, writer: None }
    }

    /// Counts an event.
    pub(crate) fn count(&mut self, bytes: u64, work: Duration) {
        self.events += 1;
        self.bytes += bytes;
        self.work += work;
    }

    /// Begins a snapshot of the state after the event `applied`, if it is time for one.
    pub(crate) fn begin_if_due(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        applied: Seq,
        control: &Sender<Control>,
        console: &dyn Console,
    ) -> Result<(), RunError> {
        let is_due = self.rule.is_some_and(|rule| {
            self.events >= rule.events || self.bytes >= rule.bytes || self.work >= rule.work
        });
        if !is_due || self.writer.is_some() {
            return Ok(());
        }
        (self.events, self.bytes, self.work) = (0, 0, Duration::ZERO);
        let Some(root) = put(cog, store, console)? else { return Ok(()) };
        let (store, control) = (Arc::clone(store), control.clone());
        let writer = thread::Builder::new()
            .name("pallas-snapshot".into())
            .spawn(move || {
                let result = write(&store, &root, applied);
                drop((root, store));
                // A machine that is gone need not know.
                let _ = control.send(Control::SnapshotDone(result));
            })
            .map_err(SystemError::new("start a thread"))?;
        self.writer = Some(writer);
        Ok(())
    }

    /// The snapshot that was begun is written, or not.
    pub(crate) fn done(
        &mut self,
        result: Result<(), SnapshotError>,
        console: &dyn Console,
    ) -> Result<(), RunError> {
        self.wait();
        judge(result, console)
    }

    /// Waits until no snapshot is being written.
    pub(crate) fn wait(&mut self) {
        if let Some(writer) = self.writer.take() {
            // It sends its result and cannot panic.
            let _ = writer.join();
        }
    }

    /// Writes a last snapshot, if something has happened that the newest does not cover.
    pub(crate) fn finish(
        &mut self,
        cog: &mut Cog,
        store: &Store,
        applied: Seq,
        console: &dyn Console,
    ) -> Result<(), RunError> {
        self.wait();
        let is_covered = store.snapshots().first().is_some_and(|newest| newest.covers >= applied);
        if self.rule.is_none() || is_covered {
            return Ok(());
        }
        match put(cog, store, console)? {
            Some(root) => judge(write(store, &root, applied), console),
            None => Ok(()),
        }
    }
}

/// Freezes the state into the store. None if there is no room for it, which is no reason to stop: the
/// log has everything.
fn put(cog: &mut Cog, store: &Store, console: &dyn Console) -> Result<Option<Frozen>, RunError> {
    let (vm, status) = cog.parts();
    match status.save(vm, store) {
        Ok(root) => Ok(Some(root)),
        Err(
            error @ (StateError::NoRoom { .. }
            | StateError::Pin(PinError::Full(_) | PinError::TooLarge { .. })),
        ) => {
            console.notice(&Notice::SnapshotFailed(error.to_string()));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes the snapshot, and drops the part of the log that none needs any more.
fn write(store: &Store, root: &Frozen, covers: Seq) -> Result<(), SnapshotError> {
    store.write_snapshot(root, covers)?;
    store.prune().map(drop)
}

fn judge(result: Result<(), SnapshotError>, console: &dyn Console) -> Result<(), RunError> {
    match result {
        Err(error @ SnapshotError::Full(_)) => {
            console.notice(&Notice::SnapshotFailed(error.to_string()));
            Ok(())
        }
        result => Ok(result.map_err(StateError::from)?),
    }
}
