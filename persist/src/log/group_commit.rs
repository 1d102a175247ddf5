//! Group commit: the queue of appended events, and the thread that commits it.
//!
//! Invariants:
//!
//! - Where a thread holds both locks, it locked the journal before the queue.
//! - The queue is only locked for short sections without I/O. A commit holds the journal's lock
//!   while it writes and flushes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::records::LogRecords;
use crate::context::StoreContext;
use crate::error::{DiskError, LogError, StoreReadError};
use crate::health::WriteError;
use crate::journal::{JournalWriter, PrunedLog};
use crate::settings::StoreSettings;
use crate::types::{MAX_EVENT, Seq};

/// The time between two attempts of the committer on a full disk.
const RETRY: Duration = Duration::from_millis(250);

/// The queued bytes above which the committer does not delay a commit.
const LARGE_GROUP: usize = 1 << 20;

pub(super) type Callback = Box<dyn FnOnce(Result<Seq, LogError>) + Send>;

/// The events that are not written yet, and the state of the log.
struct Queue {
    pending: VecDeque<Vec<u8>>,
    pending_bytes: usize,
    /// When the oldest event of `pending` was appended.
    oldest: Option<Instant>,
    /// The sequence of the last appended event.
    last: u64,
    /// The sequence of the last durable event.
    durable: u64,
    /// The callbacks that have not been called, by ascending sequence.
    callbacks: VecDeque<(u64, Callback)>,
    /// Whether a thread waits for a commit, so that the committer must not delay it.
    is_demanded: bool,
    /// Whether one of the waiting threads is committing for all of them.
    has_leader: bool,
    /// The number of commits so far.
    commits: u64,
    /// The error of the last commit if it found the disk full.
    full: Option<DiskError>,
    committer: Option<ThreadId>,
    is_closing: bool,
    /// The error that ended the log.
    stopped: Option<LogError>,
}

impl Queue {
    fn committer_has_work(&self) -> bool {
        let is_due = self.callbacks.front().is_some_and(|(seq, _)| *seq <= self.durable);
        let must_fail = self.stopped.is_some() && !self.callbacks.is_empty();
        is_due || must_fail || self.has_uncommitted()
    }

    fn has_uncommitted(&self) -> bool {
        self.stopped.is_none() && self.last > self.durable
    }

    /// Whether the calling thread must commit itself: there is no committer, or the thread is the
    /// committer and would wait for itself.
    fn must_commit_itself(&self) -> bool {
        self.committer.is_none_or(|committer| committer == thread::current().id())
    }
}

/// The queue, the journal and their synchronisation.
pub(super) struct GroupCommit {
    context: StoreContext,
    /// The store's directory.
    path: PathBuf,
    commit_delay: Duration,
    max_pending: usize,
    journal: Mutex<JournalWriter>,
    queue: Mutex<Queue>,
    /// Notified when the committer may have work.
    work: Condvar,
    /// Notified when a commit has ended.
    done: Condvar,
}

/// Held by the thread that commits for all waiting threads. Without a leader, each of them would
/// queue for the journal and flush a small group.
struct Leader<'a>(&'a GroupCommit);

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().has_leader = false;
        self.0.done.notify_all();
    }
}

impl GroupCommit {
    pub(super) fn new(
        context: StoreContext,
        settings: &StoreSettings,
        journal: JournalWriter,
    ) -> Self {
        let queue = Queue {
            pending: VecDeque::new(),
            pending_bytes: 0,
            oldest: None,
            last: journal.last(),
            durable: journal.durable(),
            callbacks: VecDeque::new(),
            is_demanded: false,
            has_leader: false,
            commits: 0,
            full: None,
            committer: None,
            is_closing: false,
            stopped: None,
        };
        Self {
            path: context.disk.path(""),
            context,
            commit_delay: settings.commit_delay,
            max_pending: settings.max_pending,
            journal: Mutex::new(journal),
            queue: Mutex::new(queue),
            work: Condvar::new(),
            done: Condvar::new(),
        }
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(super) fn check_health(&self) -> Result<(), LogError> {
        Ok(self.context.health.check()?)
    }

    pub(super) fn last(&self) -> Seq {
        Seq(self.queue.lock().last)
    }

    pub(super) fn durable(&self) -> Seq {
        Seq(self.queue.lock().durable)
    }

    pub(super) fn set_committer(&self, thread: ThreadId) {
        self.queue.lock().committer = Some(thread);
    }

    /// Returns the durable events from `next` on.
    pub(super) fn records(&self, next: u64) -> Result<LogRecords, StoreReadError> {
        let journal = self.journal.lock();
        let range = (next, journal.durable());
        LogRecords::new(self.context.clone(), journal.firsts(), range, journal.read_guard())
    }

    pub(super) fn with_journal<T>(&self, visit: impl FnOnce(&JournalWriter) -> T) -> T {
        visit(&self.journal.lock())
    }

    pub(super) fn bytes_since(&self, next: u64) -> u64 {
        self.journal.lock().bytes_since(next)
    }

    pub(super) fn drop_before(&self, needed: u64) -> Result<PrunedLog, DiskError> {
        self.journal.lock().drop_before(needed)
    }

    /// Queues an event. Blocks while too many bytes are queued.
    pub(super) fn append(
        &self,
        length: usize,
        payload: impl FnOnce() -> Vec<u8>,
        callback: Option<Callback>,
    ) -> Result<Seq, LogError> {
        if length as u64 > MAX_EVENT {
            let (path, length) = (self.path.clone(), length as u64);
            return Err(LogError::TooLarge { path, length, limit: MAX_EVENT });
        }
        self.check_health()?;
        let mut queue = self.wait_for_space(length)?;
        if queue.pending.is_empty() {
            queue.oldest = Some(Instant::now());
        }
        queue.pending.push_back(payload());
        queue.pending_bytes += length;
        queue.last += 1;
        let seq = queue.last;
        queue.callbacks.extend(callback.map(|callback| (seq, callback)));
        drop(queue);
        self.work.notify_one();
        Ok(Seq(seq))
    }

    /// Blocks an appender while too many bytes are queued.
    fn wait_for_space(&self, length: usize) -> Result<MutexGuard<'_, Queue>, LogError> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(stopped) = &queue.stopped {
                return Err(stopped.clone());
            }
            let fits = queue.pending_bytes.saturating_add(length) <= self.max_pending;
            if fits || queue.pending.is_empty() {
                return Ok(queue);
            }
            if let Some(full) = &queue.full {
                return Err(LogError::Full(full.clone()));
            }
            self.advance(&mut queue)?;
        }
    }

    /// Waits until an event is durable.
    pub(super) fn wait_durable(&self, seq: Seq) -> Result<(), LogError> {
        let mut queue = self.queue.lock();
        let commits = queue.commits;
        loop {
            if seq.0 <= queue.durable {
                return Ok(());
            }
            if let Some(stopped) = &queue.stopped {
                return Err(stopped.clone());
            }
            if seq.0 > queue.last {
                let (path, last) = (self.path.clone(), Seq(queue.last));
                return Err(LogError::NotAppended { path, seq, last });
            }
            if let Some(full) = queue.full.as_ref().filter(|_| queue.commits != commits) {
                return Err(LogError::Full(full.clone()));
            }
            self.advance(&mut queue)?;
        }
    }

    /// Commits a group, or waits for another thread that does.
    fn advance(&self, queue: &mut MutexGuard<'_, Queue>) -> Result<(), LogError> {
        if !queue.must_commit_itself() {
            queue.is_demanded = true;
            self.work.notify_one();
            self.done.wait(queue);
            return Ok(());
        }
        if queue.has_leader {
            self.done.wait(queue);
            return Ok(());
        }
        queue.has_leader = true;
        MutexGuard::unlocked(queue, || {
            let _leader = Leader(self);
            self.commit()
        })
    }

    /// Writes and flushes all queued events.
    fn commit(&self) -> Result<(), LogError> {
        let mut journal = self.journal.lock();
        let mut queue = self.queue.lock();
        if let Some(stopped) = &queue.stopped {
            return Err(stopped.clone());
        }
        let mut group = std::mem::take(&mut queue.pending);
        drop(queue);
        let result = write_group(&mut journal, &mut group);

        let mut queue = self.queue.lock();
        group.append(&mut queue.pending);
        queue.pending_bytes = group.iter().map(Vec::len).sum();
        queue.pending = group;
        queue.durable = journal.durable();
        queue.commits += 1;
        queue.full = None;
        match &result {
            Ok(()) => {}
            Err(WriteError::Full(error)) => queue.full = Some(error.clone()),
            Err(stopped) => queue.stopped = Some(stopped.clone().into()),
        }
        let is_idle = queue.pending.is_empty();
        drop(queue);
        self.done.notify_all();
        self.work.notify_one();
        if is_idle {
            journal.mark();
        }
        Ok(result?)
    }

    /// Runs the committer's thread until the log is closed.
    pub(super) fn run_committer(&self) {
        loop {
            let mut queue = self.queue.lock();
            while !queue.is_closing && !queue.committer_has_work() {
                self.work.wait(&mut queue);
            }
            if queue.is_closing {
                return;
            }
            self.delay_commit(&mut queue);
            let has_uncommitted = queue.has_uncommitted();
            queue.is_demanded = false;
            drop(queue);
            let is_full = has_uncommitted && matches!(self.commit(), Err(LogError::Full(_)));
            self.run_callbacks();
            if is_full {
                let mut queue = self.queue.lock();
                self.pause(&mut queue, Instant::now() + RETRY, usize::MAX);
            }
        }
    }

    /// Waits for more events, at most until the oldest event has waited for the commit delay.
    fn delay_commit(&self, queue: &mut MutexGuard<'_, Queue>) {
        if let Some(oldest) = queue.oldest
            && !self.commit_delay.is_zero()
            && !queue.pending.is_empty()
        {
            self.pause(queue, oldest + self.commit_delay, LARGE_GROUP);
        }
    }

    /// Waits until `until`, until a thread demands a commit, until the log closes, or until
    /// `enough` bytes are queued.
    fn pause(&self, queue: &mut MutexGuard<'_, Queue>, until: Instant, enough: usize) {
        while !queue.is_demanded && !queue.is_closing && queue.pending_bytes < enough {
            if self.work.wait_until(queue, until).timed_out() {
                break;
            }
        }
    }

    /// Calls the callbacks of the events that are durable or never will be.
    fn run_callbacks(&self) {
        loop {
            let mut queue = self.queue.lock();
            let durable = queue.durable;
            let Some((seq, _)) = queue.callbacks.front() else { return };
            let outcome = match &queue.stopped {
                _ if *seq <= durable => Ok(Seq(*seq)),
                Some(stopped) => Err(stopped.clone()),
                None => return,
            };
            let Some((_, callback)) = queue.callbacks.pop_front() else { return };
            drop(queue);
            // The panic hook has reported a panic in a callback. It must not end the thread that
            // all other threads wait for.
            let _ = catch_unwind(AssertUnwindSafe(|| callback(outcome)));
        }
    }

    /// Tells the committer to end.
    pub(super) fn stop_committer(&self) {
        self.queue.lock().is_closing = true;
        self.work.notify_all();
    }

    /// Commits all events and rejects later appends. The committer must have ended.
    pub(super) fn close(&self) -> Result<(), LogError> {
        let committed = self.commit();
        let closed = self.journal.lock().close().map_err(LogError::from);
        let mut queue = self.queue.lock();
        queue.stopped.get_or_insert(LogError::Closed { path: self.path.clone() });
        queue.committer = None;
        drop(queue);
        self.run_callbacks();
        self.done.notify_all();
        committed.and(closed)
    }
}

/// Moves the payloads of a group to the journal, and flushes it. After an error, the group holds
/// the payloads that were not moved.
fn write_group(
    journal: &mut JournalWriter,
    group: &mut VecDeque<Vec<u8>>,
) -> Result<(), WriteError> {
    while let Some(payload) = group.front() {
        journal.push(&[payload])?;
        group.pop_front();
    }
    journal.flush()
}
