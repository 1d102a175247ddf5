//! The event log: a queue in memory before a journal on disk.
//!
//! Appending numbers an event and queues it. A commit takes all that is queued,
//! writes it and flushes once (group commit). Whoever needs an event to be
//! durable waits for it, or leaves a callback.
//!
//! Commits are made by whoever waits, one for all that wait, as long as there is no
//! committer. The first [`Appender`] starts one: a thread that commits whatever is queued, at
//! the latest [`crate::Settings::commit_delay`] after it was appended. While a
//! flush is under way the next group gathers by itself. Without work the thread
//! sleeps.
//!
//! A failed flush stops the log: what was durable stays acknowledged, nothing
//! else ever is. When there is no room, on the other hand, everything is kept
//! and the committer tries again every [`RETRY`].

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use crate::error::{DiskError, LogError, ReadError, SnapshotError};
use crate::health::WriteError;
use crate::journal::{Home, Journal, Pruned};
use crate::lock::lock;
use crate::records::Records;
use crate::segment::Family;
use crate::{MAX_EVENT, Seq, Settings};

/// Events on disk.
pub(crate) const LOG: Family =
    Family { dir: "log", ending: ".log", magic: *b"PALLASLG", item: "event" };

/// How long the committer waits before it tries again on a full disk.
const RETRY: Duration = Duration::from_millis(250);

/// A group is not kept waiting for company beyond this many bytes.
const LARGE_GROUP: usize = 1 << 20;

type Callback = Box<dyn FnOnce(Result<Seq, LogError>) + Send>;

/// What was appended and not yet written, and what is known of the rest.
struct Queue {
    pending: VecDeque<Vec<u8>>,
    pending_bytes: usize,
    /// When the oldest of `pending` came.
    since: Option<Instant>,
    last: u64,
    durable: u64,
    /// Callbacks for events that are not durable, or whose turn has not come, in
    /// order of sequence.
    callbacks: VecDeque<(u64, Callback)>,
    /// Whether somebody is waiting, so that a commit must not be put off.
    demanded: bool,
    /// Whether somebody who waits is committing for all who do.
    led: bool,
    /// Commits made so far, and why the last one found no room, if it did.
    commits: u64,
    full: Option<DiskError>,
    committer: Option<ThreadId>,
    closing: bool,
    /// Why nothing can be appended any more.
    stopped: Option<LogError>,
}

impl Queue {
    fn committer_has_work(&self) -> bool {
        let due = self.callbacks.front().is_some_and(|(seq, _)| *seq <= self.durable);
        let over = self.stopped.is_some() && !self.callbacks.is_empty();
        let pending = self.stopped.is_none() && self.last > self.durable;
        due || over || pending
    }

    /// Whether the caller would wait for itself if it waited for a commit.
    fn commits_itself(&self) -> bool {
        self.committer.is_none_or(|committer| committer == thread::current().id())
    }
}

struct Shared {
    home: Home,
    path: PathBuf,
    delay: Duration,
    max_pending: usize,
    // Where both are held, the journal is taken first.
    journal: Mutex<Journal>,
    queue: Mutex<Queue>,
    /// The committer may have something to do.
    work: Condvar,
    /// A commit has ended.
    done: Condvar,
}

/// The log of an open store.
pub(crate) struct Log {
    shared: Arc<Shared>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    pub(crate) fn new(home: Home, settings: &Settings, journal: Journal) -> Self {
        let queue = Queue {
            pending: VecDeque::new(),
            pending_bytes: 0,
            since: None,
            last: journal.last(),
            durable: journal.durable(),
            callbacks: VecDeque::new(),
            demanded: false,
            led: false,
            commits: 0,
            full: None,
            committer: None,
            closing: false,
            stopped: None,
        };
        let shared = Shared {
            path: home.disk.path(""),
            home,
            delay: settings.commit_delay,
            max_pending: settings.max_pending,
            journal: Mutex::new(journal),
            queue: Mutex::new(queue),
            work: Condvar::new(),
            done: Condvar::new(),
        };
        Self { shared: Arc::new(shared), committer: Mutex::new(None) }
    }

    pub(crate) fn append(&self, payload: &[u8]) -> Result<Seq, LogError> {
        self.shared.append(payload.len(), || payload.to_vec(), None)
    }

    pub(crate) fn commit(&self) -> Result<Seq, LogError> {
        self.shared.home.health.check()?;
        let last = self.last();
        self.shared.wait_durable(last)?;
        Ok(last)
    }

    pub(crate) fn wait_durable(&self, seq: Seq) -> Result<(), LogError> {
        self.shared.wait_durable(seq)
    }

    pub(crate) fn last(&self) -> Seq {
        Seq(lock(&self.shared.queue).last)
    }

    pub(crate) fn durable(&self) -> Seq {
        Seq(lock(&self.shared.queue).durable)
    }

    /// The durable events from `next` on.
    pub(crate) fn records(&self, next: u64) -> Result<Records, ReadError> {
        let journal = lock(&self.shared.journal);
        let home = self.shared.home.clone();
        Records::new(home, journal.firsts(), (next, journal.durable()), journal.reading())
    }

    pub(crate) fn prune(&self, needed: u64) -> Result<Pruned, SnapshotError> {
        Ok(lock(&self.shared.journal).drop_before(needed)?)
    }

    /// A handle for other threads. Starts the committer if there is none.
    pub(crate) fn appender(&self) -> Result<Appender, LogError> {
        let mut committer = lock(&self.committer);
        if committer.is_none() {
            let shared = Arc::clone(&self.shared);
            let started = thread::Builder::new()
                .name("pallas-log".into())
                .spawn(move || shared.run_committer())
                .map_err(|error| {
                    let path = self.shared.path.clone();
                    LogError::NoCommitter(DiskError::new(path, "start a thread for", error))
                })?;
            lock(&self.shared.queue).committer = Some(started.thread().id());
            *committer = Some(started);
        }
        Ok(Appender { shared: Arc::clone(&self.shared) })
    }

    /// Commits everything, ends the committer, and refuses anything further.
    pub(crate) fn close(&self) -> Result<(), LogError> {
        lock(&self.shared.queue).closing = true;
        self.shared.work.notify_all();
        let committer = lock(&self.committer).take();
        if let Some(committer) = committer.filter(|it| it.thread().id() != thread::current().id()) {
            // It ends without panicking: callbacks are caught.
            let _ = committer.join();
        }
        let committed = self.shared.commit();
        let closed = lock(&self.shared.journal).close().map_err(LogError::from);
        let mut queue = lock(&self.shared.queue);
        queue.stopped.get_or_insert(LogError::Closed { path: self.shared.path.clone() });
        queue.committer = None;
        drop(queue);
        self.shared.run_callbacks();
        self.shared.done.notify_all();
        committed.and(closed)
    }
}

/// Appends events from any thread, to be committed in the background. Cheap to
/// clone. Once the store is closed, it refuses.
#[derive(Clone)]
pub struct Appender {
    shared: Arc<Shared>,
}

impl Appender {
    /// Appends an event and returns at once. When it is durable, `on_durable` is
    /// called with its sequence on the committer's thread, in order of sequence;
    /// or with the error, when it is certain that it never will be acknowledged.
    /// While the disk is full the callback waits.
    ///
    /// A callback should be short, since it keeps others waiting: send a message.
    /// It may append, commit and wait for events, but not for another thread.
    ///
    /// # Errors
    /// As [`crate::Store::append`]; then `on_durable` is dropped without a call.
    pub fn append(
        &self,
        payload: Vec<u8>,
        on_durable: impl FnOnce(Result<Seq, LogError>) + Send + 'static,
    ) -> Result<Seq, LogError> {
        self.shared.append(payload.len(), || payload, Some(Box::new(on_durable)))
    }

    /// Appends an event and returns a ticket with which to wait for it.
    ///
    /// # Errors
    /// As [`crate::Store::append`].
    pub fn submit(&self, payload: Vec<u8>) -> Result<Ticket, LogError> {
        let seq = self.shared.append(payload.len(), || payload, None)?;
        Ok(Ticket { shared: Arc::clone(&self.shared), seq })
    }
}

/// An event on its way to the disk.
pub struct Ticket {
    shared: Arc<Shared>,
    seq: Seq,
}

impl Ticket {
    /// The event's sequence.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Waits until the event is durable.
    ///
    /// # Errors
    /// As [`crate::Store::wait_durable`].
    pub fn wait(&self) -> Result<(), LogError> {
        self.shared.wait_durable(self.seq)
    }
}

/// Held while committing for all who wait; they would otherwise queue up for the journal, each to flush
/// what little came in the meantime.
struct Leading<'a>(&'a Shared);

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        lock(&self.0.queue).led = false;
        self.0.done.notify_all();
    }
}

impl Shared {
    fn wait<'a>(&self, on: &Condvar, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        on.wait(queue).unwrap_or_else(PoisonError::into_inner)
    }

    fn append(
        &self,
        length: usize,
        payload: impl FnOnce() -> Vec<u8>,
        callback: Option<Callback>,
    ) -> Result<Seq, LogError> {
        if length as u64 > MAX_EVENT {
            let (path, length) = (self.path.clone(), length as u64);
            return Err(LogError::TooLarge { path, length, limit: MAX_EVENT });
        }
        self.home.health.check()?;
        let mut queue = self.make_room(length)?;
        if queue.pending.is_empty() {
            queue.since = Some(Instant::now());
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

    /// Has a group committed, or waits for one that is.
    fn advance<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
    ) -> Result<MutexGuard<'a, Queue>, LogError> {
        if queue.commits_itself() {
            if queue.led {
                return Ok(self.wait(&self.done, queue));
            }
            queue.led = true;
            drop(queue);
            let leading = Leading(self);
            self.commit()?;
            drop(leading);
            return Ok(lock(&self.queue));
        }
        queue.demanded = true;
        self.work.notify_one();
        Ok(self.wait(&self.done, queue))
    }

    /// Holds an appender back while too much is queued already.
    fn make_room(&self, length: usize) -> Result<MutexGuard<'_, Queue>, LogError> {
        let mut queue = lock(&self.queue);
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
            queue = self.advance(queue)?;
        }
    }

    fn wait_durable(&self, seq: Seq) -> Result<(), LogError> {
        let mut queue = lock(&self.queue);
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
            queue = self.advance(queue)?;
        }
    }

    /// Writes and flushes everything queued.
    fn commit(&self) -> Result<(), LogError> {
        let mut journal = lock(&self.journal);
        let mut queue = lock(&self.queue);
        if let Some(stopped) = &queue.stopped {
            return Err(stopped.clone());
        }
        let mut group = std::mem::take(&mut queue.pending);
        drop(queue);
        let result = write_group(&mut journal, &mut group);

        let mut queue = lock(&self.queue);
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
        let idle = queue.pending.is_empty();
        drop(queue);
        self.done.notify_all();
        self.work.notify_one();
        if idle {
            journal.mark();
        }
        Ok(result?)
    }

    /// The committer's thread.
    fn run_committer(&self) {
        loop {
            let mut queue = lock(&self.queue);
            while !queue.closing && !queue.committer_has_work() {
                queue = self.wait(&self.work, queue);
            }
            if queue.closing {
                return;
            }
            queue = self.gather(queue);
            let pending = queue.stopped.is_none() && queue.last > queue.durable;
            queue.demanded = false;
            drop(queue);
            let full = pending && matches!(self.commit(), Err(LogError::Full(_)));
            self.run_callbacks();
            if full {
                drop(self.pause(lock(&self.queue), Instant::now() + RETRY, usize::MAX));
            }
        }
    }

    /// Waits for more events to come, for as long as the oldest may be put off.
    fn gather<'a>(&self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        match queue.since {
            Some(since) if !self.delay.is_zero() && !queue.pending.is_empty() => {
                self.pause(queue, since + self.delay, LARGE_GROUP)
            }
            _ => queue,
        }
    }

    /// Waits until `until`, or until somebody demands a commit, or the store is
    /// to be closed, or `enough` bytes are queued.
    fn pause<'a>(
        &self,
        mut queue: MutexGuard<'a, Queue>,
        until: Instant,
        enough: usize,
    ) -> MutexGuard<'a, Queue> {
        while !queue.demanded && !queue.closing && queue.pending_bytes < enough {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.work.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue
    }

    /// Calls back for what has become durable, or never will.
    fn run_callbacks(&self) {
        loop {
            let mut queue = lock(&self.queue);
            let durable = queue.durable;
            let Some((seq, _)) = queue.callbacks.front() else { return };
            let outcome = match &queue.stopped {
                _ if *seq <= durable => Ok(Seq(*seq)),
                Some(stopped) => Err(stopped.clone()),
                None => return,
            };
            let Some((_, callback)) = queue.callbacks.pop_front() else { return };
            drop(queue);
            // A panic in a callback has been reported by the panic hook, and must
            // not end the thread that everybody else waits for.
            let _ = catch_unwind(AssertUnwindSafe(|| callback(outcome)));
        }
    }
}

/// Moves payloads from the group to the journal, and flushes it. What was not
/// taken stays in the group.
fn write_group(journal: &mut Journal, group: &mut VecDeque<Vec<u8>>) -> Result<(), WriteError> {
    while let Some(payload) = group.front() {
        journal.push(&[payload])?;
        group.pop_front();
    }
    journal.flush()
}
