//! The event log: a queue in memory before a journal on disk.
//!
//! Appending assigns a sequence to an event and queues it. A commit writes all queued events and
//! flushes once (group commit). A caller that needs an event to be durable waits for it or passes a
//! callback.
//!
//! Without a committer, one of the waiting threads commits for all of them. The first
//! [`LogAppender`] starts a committer: a thread that commits queued events at most
//! [`crate::StoreSettings::commit_delay`] after they were appended. The next group forms while a
//! flush is in progress. The thread sleeps while there is no work.
//!
//! ```text
//! log             Log: the log of an open store
//! appender        LogAppender, CommitTicket: appending from other threads
//! group_commit    the queue, the commits and the committer thread
//! records         LogRecords: reading events back
//! ```
//!
//! A failed flush stops the log: events that were durable stay acknowledged, and no further event
//! is. On a full disk, in contrast, all queued events are kept and the committer retries.

mod appender;
mod group_commit;
mod records;

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

pub use appender::{CommitTicket, LogAppender};
pub use records::{LogRecord, LogRecords};

use crate::context::StoreContext;
use crate::error::{DiskError, LogError, SnapshotError, StoreReadError};
use crate::journal::{JournalWriter, PrunedLog};
use crate::settings::StoreSettings;
use crate::types::Seq;
use group_commit::GroupCommit;

/// The log of an open store.
pub(crate) struct EventLog {
    shared: Arc<GroupCommit>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl EventLog {
    /// Opens the log with its journal.
    pub(crate) fn new(
        context: StoreContext,
        settings: &StoreSettings,
        journal: JournalWriter,
    ) -> Self {
        let shared = Arc::new(GroupCommit::new(context, settings, journal));
        Self { shared, committer: Mutex::new(None) }
    }

    /// See [`crate::Store::append`].
    pub(crate) fn append(&self, payload: &[u8]) -> Result<Seq, LogError> {
        self.shared.append(payload.len(), || payload.to_vec(), None)
    }

    /// See [`crate::Store::commit`].
    pub(crate) fn commit(&self) -> Result<Seq, LogError> {
        self.shared.check_health()?;
        let last = self.last();
        self.shared.wait_durable(last)?;
        Ok(last)
    }

    /// See [`crate::Store::wait_durable`].
    pub(crate) fn wait_durable(&self, seq: Seq) -> Result<(), LogError> {
        self.shared.wait_durable(seq)
    }

    /// See [`crate::Store::last`].
    pub(crate) fn last(&self) -> Seq {
        self.shared.last()
    }

    /// See [`crate::Store::durable`].
    pub(crate) fn durable(&self) -> Seq {
        self.shared.durable()
    }

    /// Returns the durable events from `next` on.
    pub(crate) fn records(&self, next: u64) -> Result<LogRecords, StoreReadError> {
        self.shared.records(next)
    }

    /// Calls `visit` while no event is written.
    pub(crate) fn with_journal<T>(&self, visit: impl FnOnce(&JournalWriter) -> T) -> T {
        self.shared.with_journal(visit)
    }

    /// Returns the size of the segments that hold the events from `next` on, in bytes.
    pub(crate) fn bytes_since(&self, next: u64) -> u64 {
        self.shared.bytes_since(next)
    }

    /// Removes the segments that end before the sequence `needed`.
    pub(crate) fn prune(&self, needed: u64) -> Result<PrunedLog, SnapshotError> {
        Ok(self.shared.drop_before(needed)?)
    }

    /// Returns a handle for other threads. The first call starts the committer.
    pub(crate) fn appender(&self) -> Result<LogAppender, LogError> {
        let mut committer = self.committer.lock();
        if committer.is_none() {
            let shared = Arc::clone(&self.shared);
            let started = thread::Builder::new()
                .name("pallas-log".into())
                .spawn(move || shared.run_committer())
                .map_err(|error| {
                    let path = self.shared.path().clone();
                    LogError::NoCommitter(DiskError::new(path, "start a thread for", error))
                })?;
            self.shared.set_committer(started.thread().id());
            *committer = Some(started);
        }
        Ok(LogAppender::new(Arc::clone(&self.shared)))
    }

    /// Commits all events, ends the committer, and rejects later appends.
    pub(crate) fn close(&self) -> Result<(), LogError> {
        self.shared.stop_committer();
        let committer = self.committer.lock().take();
        if let Some(committer) = committer.filter(|it| it.thread().id() != thread::current().id()) {
            // The committer does not panic: it catches the panics of callbacks.
            let _ = committer.join();
        }
        self.shared.close()
    }
}
