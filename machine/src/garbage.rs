//! Garbage collection of the store while the machine runs.
//!
//! Garbage arises when a snapshot drops an older one, so the collector looks after each snapshot. A
//! collection is due when the pins that were written since the last one take as many bytes as all
//! others, and at least [`GarbagePolicy::min_bytes`]: then the store takes at most twice the space of
//! its live pins, and a collection reads little in proportion to what was written. The first look
//! of a run reads from the store how much was written since the last collection.
//!
//! The collector must know what the cog's heap refers to. The heap lends its objects to the
//! collector's thread, which finds that out ([`LentReferences`]), so no event waits for longer than a
//! young collection takes. The rest of the work is done with the lowest priority, for a quarter of the
//! time at most.

use crate::cog::Cog;
use crate::console::{Console, ConsoleNotice};
use crate::error::{RunError, SystemError};
use crate::mailbox::Address;
use crate::message::{ControlMessage, GarbageReport};
use crate::metrics::MetricsRecorder;
use crate::platform::lower_thread_priority;
use crate::settings::GarbagePolicy;
use persist::collect::{BackgroundCollection, CollectPace, GarbageEstimate};
use persist::{Store, WrittenPins};
use plan::LentReferences;
use plan::pinspace::HeapReferences;
use profile::ProfileTimer;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// For each unit of time that the thread works, it waits this many.
const PAUSE_FACTOR: u32 = 3;

/// The longest wait between two steps.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The pins of the store at the last collection.
struct CollectedPins {
    /// The bytes of the live pins.
    live: u64,
    /// The bytes of all pins that this run had written by then. Negative if pins of earlier runs have
    /// not been collected.
    written_before: i128,
}

/// Decides when the store is collected, and collects it.
pub(crate) struct GarbageCollector {
    policy: Option<GarbagePolicy>,
    /// The pins that this run has written.
    pins: Arc<WrittenPins>,
    /// None before the first estimate.
    collected: Option<CollectedPins>,
    /// The bytes of the pins that this run had written when the running collection began.
    written_at_begin: u64,
    thread: Option<JoinHandle<()>>,
    is_cancelled: Arc<AtomicBool>,
}

impl GarbageCollector {
    /// A collector that follows a policy; without one it does nothing.
    pub(crate) fn new(policy: Option<GarbagePolicy>, pins: Arc<WrittenPins>) -> GarbageCollector {
        GarbageCollector {
            policy,
            pins,
            collected: None,
            written_at_begin: 0,
            thread: None,
            is_cancelled: Arc::default(),
        }
    }

    /// Starts a collection if one is due and none is running, and no thread reads the cog's heap.
    pub(crate) fn start_if_due(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        control: &Address<ControlMessage>,
    ) -> Result<(), RunError> {
        let Some(policy) = self.policy.filter(|_| self.thread.is_none()) else { return Ok(()) };
        let Some(collected) = &self.collected else { return self.start_estimate(store, control) };
        let written = i128::from(self.pins.bytes()) - collected.written_before;
        if written < i128::from(policy.min_bytes.max(collected.live)) || cog.heap().is_lent() {
            return Ok(());
        }
        self.start(cog, store, control)
    }

    /// Starts a collection, unless a view of the store exists, or suspended evaluations have too much
    /// in the cog's heap. The next one is tried after the next snapshot then.
    pub(crate) fn start(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        control: &Address<ControlMessage>,
    ) -> Result<(), RunError> {
        let Some(collection) = BackgroundCollection::begin(store) else { return Ok(()) };
        self.written_at_begin = self.pins.bytes();
        let timer = ProfileTimer::start(cog.track());
        let lent = cog.parts().0.lend_references(store.space());
        timer.span("garbage", "lend", || vec![("lent", u64::from(lent.is_some()).into())]);
        let Some(lent) = lent else { return Ok(()) };
        let is_cancelled = Arc::clone(&self.is_cancelled);
        self.start_thread(control, move || {
            let survey = survey(&collection, lent, &is_cancelled);
            // The heap's full collections have waited for the survey, so it had the usual priority.
            lower_thread_priority();
            let Some(references) = survey else { return GarbageReport::Collected(None) };
            let mut pace = pace(is_cancelled);
            match collection.run(&[references], CollectPace::new(&mut pace)) {
                Ok(stats) => GarbageReport::Collected(stats),
                Err(error) => GarbageReport::Failed(error.to_string()),
            }
        })
    }

    fn start_estimate(
        &mut self,
        store: &Arc<Store>,
        control: &Address<ControlMessage>,
    ) -> Result<(), RunError> {
        let store = Arc::clone(store);
        self.written_at_begin = self.pins.bytes();
        self.start_thread(control, move || {
            lower_thread_priority();
            match GarbageEstimate::of(&store) {
                Ok(estimate) => GarbageReport::Estimated(estimate),
                Err(error) => GarbageReport::Failed(error.to_string()),
            }
        })
    }

    /// Runs `work` on a thread, which sends the result.
    fn start_thread(
        &mut self,
        control: &Address<ControlMessage>,
        work: impl FnOnce() -> GarbageReport + Send + 'static,
    ) -> Result<(), RunError> {
        let control = control.clone();
        let thread = thread::Builder::new()
            .name("pallas-garbage".into())
            .spawn(move || {
                // All references to the store are dropped before the message is sent.
                let report = work();
                // If the event loop has ended, no thread receives the message.
                control.send(ControlMessage::Garbage(report));
            })
            .map_err(SystemError::new("start a thread"))?;
        self.thread = Some(thread);
        Ok(())
    }

    /// Handles the report of a thread. Returns whether a collection may be due now.
    pub(crate) fn done(
        &mut self,
        report: GarbageReport,
        metrics: &MetricsRecorder,
        console: &dyn Console,
    ) -> bool {
        self.wait();
        let begin = i128::from(self.written_at_begin);
        match report {
            GarbageReport::Estimated(GarbageEstimate { written, live }) => {
                let written_before = begin - i128::from(written);
                self.collected = Some(CollectedPins { live, written_before });
                true
            }
            GarbageReport::Collected(stats) => {
                if let Some(stats) = stats {
                    metrics.count_collection(stats.freed_pins, stats.freed_bytes);
                    let (pins, bytes, kept) =
                        (stats.freed_pins, stats.freed_bytes, stats.kept_bytes);
                    tracing::info!(pins, bytes, kept, "garbage collected");
                    let live = stats.kept_bytes;
                    self.collected = Some(CollectedPins { live, written_before: begin });
                }
                // One that gave up is tried again after the next snapshot.
                false
            }
            GarbageReport::Failed(problem) => {
                // It would fail again: the damage stays. A start or `pallas check` tells more.
                self.policy = None;
                console.notice(&ConsoleNotice::CollectionFailed(problem));
                false
            }
        }
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // The thread sends its result and cannot panic.
            let _ = thread.join();
        }
    }

    /// Ends the thread, if there is one.
    pub(crate) fn stop(&mut self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
        self.wait();
    }
}

/// What the cog's heap refers to. `None` if the collection is cancelled, or delays a view.
fn survey(
    collection: &BackgroundCollection,
    lent: LentReferences,
    is_cancelled: &AtomicBool,
) -> Option<HeapReferences> {
    lent.list(|| !is_cancelled.load(Ordering::SeqCst) && !collection.delays_view())
}

/// A callback between two steps: waits in proportion to the time since the last call.
fn pace(is_cancelled: Arc<AtomicBool>) -> impl FnMut() -> bool {
    let mut since = Instant::now();
    move || {
        if is_cancelled.load(Ordering::SeqCst) {
            return false;
        }
        thread::sleep((since.elapsed() * PAUSE_FACTOR).min(LONGEST_PAUSE));
        since = Instant::now();
        true
    }
}
