//! Group commit: the queue of appended events, and the thread that commits it.
//!
//! Handing an event to the committer's thread, and its callback back, takes longer than a flush does
//! on a fast disk. So while flushes are fast, a thread that appends an event with a callback commits
//! it itself, unless another commit is under way ([`GroupCommit::commit_inline`]).
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

/// How long the committer waits, after a thread has committed its own event, until it marks the end
/// of the journal.
const MARK_DELAY: Duration = Duration::from_millis(10);

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
    /// How long commits take of late. None before the first.
    commit_time: Option<Duration>,
    /// Whether a thread runs callbacks. It runs those as well that become due meanwhile.
    is_calling: bool,
    /// Whether the committer is to mark the end of the journal.
    is_unmarked: bool,
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

    /// Counts a commit that took so long, in a mean over about eight commits.
    fn count_commit(&mut self, took: Duration) {
        self.commits += 1;
        self.commit_time = Some(self.commit_time.map_or(took, |mean| (mean * 7 + took) / 8));
    }

    fn has_uncommitted(&self) -> bool {
        self.stopped.is_none() && self.last > self.durable
    }

    /// Removes the first callback, if its event is durable or never will be.
    fn next_callback(&mut self) -> Option<(Callback, Result<Seq, LogError>)> {
        let (seq, _) = self.callbacks.front()?;
        let outcome = match &self.stopped {
            _ if *seq <= self.durable => Ok(Seq(*seq)),
            Some(stopped) => Err(stopped.clone()),
            None => return None,
        };
        self.callbacks.pop_front().map(|(_, callback)| (callback, outcome))
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
    /// Threads commit their own events while commits take less than this.
    inline_commit: Duration,
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
            commit_time: None,
            is_calling: false,
            is_unmarked: false,
            full: None,
            committer: None,
            is_closing: false,
            stopped: None,
        };
        Self {
            path: context.disk.path(""),
            context,
            commit_delay: settings.commit_delay,
            // A delay is there to make groups larger.
            inline_commit: match settings.commit_delay {
                Duration::ZERO => settings.inline_commit,
                _ => Duration::ZERO,
            },
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
        let has_callback = callback.is_some();
        queue.callbacks.extend(callback.map(|callback| (seq, callback)));
        let is_fast = queue.commit_time.is_some_and(|time| time < self.inline_commit);
        drop(queue);
        if !(has_callback && is_fast && self.commit_inline()) {
            self.work.notify_one();
        }
        Ok(Seq(seq))
    }

    /// Commits on the calling thread, and runs callbacks there, unless another thread commits.
    /// Returns whether everything that was queued is committed; else the committer has work.
    fn commit_inline(&self) -> bool {
        let Some(mut journal) = self.journal.try_lock() else { return false };
        let (result, _) = self.commit_group(&mut journal);
        drop(journal);
        self.run_callbacks();
        let was_unmarked = std::mem::replace(&mut self.queue.lock().is_unmarked, true);
        result.is_ok() && was_unmarked
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

    /// Writes and flushes all queued events, and marks the end of the journal if no others follow.
    fn commit(&self) -> Result<(), LogError> {
        let mut journal = self.journal.lock();
        let (result, is_idle) = self.commit_group(&mut journal);
        self.work.notify_one();
        if is_idle {
            journal.mark();
        }
        result
    }

    /// Writes and flushes all queued events. Returns also whether no others follow.
    fn commit_group(&self, journal: &mut JournalWriter) -> (Result<(), LogError>, bool) {
        let mut queue = self.queue.lock();
        if let Some(stopped) = &queue.stopped {
            return (Err(stopped.clone()), false);
        }
        let mut group = std::mem::take(&mut queue.pending);
        drop(queue);
        let events = group.len();
        let begin = Instant::now();
        let result = write_group(journal, &mut group);
        let took = begin.elapsed();
        if events > 0 {
            let is_durable = result.is_ok();
            tracing::debug!(events, last = journal.durable(), is_durable, ?took, "group committed");
        }

        let mut queue = self.queue.lock();
        group.append(&mut queue.pending);
        queue.pending_bytes = group.iter().map(Vec::len).sum();
        queue.pending = group;
        queue.durable = journal.durable();
        queue.count_commit(took);
        queue.full = None;
        match &result {
            Ok(()) => {}
            Err(WriteError::Full(error)) => queue.full = Some(error.clone()),
            Err(stopped) => queue.stopped = Some(stopped.clone().into()),
        }
        let is_idle = queue.pending.is_empty();
        drop(queue);
        self.done.notify_all();
        (result.map_err(LogError::from), is_idle)
    }

    /// Runs the committer's thread until the log is closed.
    pub(super) fn run_committer(&self) {
        loop {
            let mut queue = self.queue.lock();
            while !queue.is_closing && !queue.committer_has_work() {
                self.wait_for_work(&mut queue);
            }
            if queue.is_closing {
                return;
            }
            self.delay_commit(&mut queue);
            let has_uncommitted = queue.has_uncommitted();
            queue.is_demanded = false;
            drop(queue);
            let (committed, is_idle) = match has_uncommitted {
                true => self.commit_group(&mut self.journal.lock()),
                false => (Ok(()), false),
            };
            self.run_callbacks();
            // Afterwards: nothing waits for the mark.
            if is_idle {
                self.journal.lock().mark();
            }
            if matches!(committed, Err(LogError::Full(_))) {
                let mut queue = self.queue.lock();
                self.pause(&mut queue, Instant::now() + RETRY, usize::MAX);
            }
        }
    }

    /// Waits for a notification, and marks the end of the journal if it is to be marked and no
    /// commit follows for a while.
    fn wait_for_work(&self, queue: &mut MutexGuard<'_, Queue>) {
        if !queue.is_unmarked {
            return self.work.wait(queue);
        }
        let commits = queue.commits;
        let has_waited = self.work.wait_until(queue, Instant::now() + MARK_DELAY).timed_out();
        if has_waited && queue.commits == commits && !queue.committer_has_work() {
            queue.is_unmarked = false;
            MutexGuard::unlocked(queue, || self.journal.lock().mark());
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

    /// Calls the callbacks of the events that are durable or never will be, unless another thread
    /// does so.
    fn run_callbacks(&self) {
        let mut queue = self.queue.lock();
        if std::mem::replace(&mut queue.is_calling, true) {
            return;
        }
        while let Some((callback, outcome)) = queue.next_callback() {
            MutexGuard::unlocked(&mut queue, || {
                // The panic hook has reported a panic in a callback. It must not end the thread that
                // all other threads wait for.
                let _ = catch_unwind(AssertUnwindSafe(|| callback(outcome)));
            });
        }
        queue.is_calling = false;
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
