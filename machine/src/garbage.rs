//! Garbage collection of the store while the machine runs.
//!
//! Garbage arises when a snapshot drops an older one, so the collector looks after each snapshot. A
//! collection is due when the pins that were written since the last one take as many bytes as all
//! others, and at least [`GarbagePolicy::min_bytes`]: then the store takes at most twice the space of
//! its live pins, and a collection reads little in proportion to what was written. The first look
//! of a run reads from the store how much was written since the last collection.
//!
//! The collector must know what the cog's heap refers to. A full collection of that heap records it,
//! and takes long if the state is large. So none is made while requests wait: the heap's next full
//! collection records the references, as do idle moments and, so that no collection waits forever,
//! the end of the next snapshot. The rest runs on a thread with the lowest priority, which works for
//! a quarter of the time at most.

use crate::cog::Cog;
use crate::console::{Console, ConsoleNotice};
use crate::error::{RunError, SystemError};
use crate::mailbox::Address;
use crate::message::{ControlMessage, GarbageReport};
use crate::metrics::MetricsRecorder;
use crate::settings::GarbagePolicy;
use persist::collect::{BackgroundCollection, CollectPace, GarbageEstimate};
use persist::{Store, WrittenPins};
use plan::ReferenceRecording;
use profile::ProfileTimer;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// For each unit of time that the thread works, it waits this many.
const PAUSE_FACTOR: u32 = 3;

/// The longest wait between two steps.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The lowest priority of a thread.
const LOWEST_PRIORITY: i32 = 19;

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
    /// A collection that has begun, and waits for the references of the cog's heap.
    surveying: Option<Survey>,
    thread: Option<JoinHandle<()>>,
    is_cancelled: Arc<AtomicBool>,
}

/// A collection of the store whose survey of the cog's heap goes on.
struct Survey {
    collection: BackgroundCollection,
    recording: ReferenceRecording,
}

impl GarbageCollector {
    /// A collector that follows a policy; without one it does nothing.
    pub(crate) fn new(policy: Option<GarbagePolicy>, pins: Arc<WrittenPins>) -> GarbageCollector {
        GarbageCollector {
            policy,
            pins,
            collected: None,
            written_at_begin: 0,
            surveying: None,
            thread: None,
            is_cancelled: Arc::default(),
        }
    }

    /// Starts a collection if one is due and none is running. Its survey ends later
    /// ([`GarbageCollector::end_survey`]).
    pub(crate) fn start_if_due(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        control: &Address<ControlMessage>,
    ) -> Result<(), RunError> {
        let Some(policy) = self.policy.filter(|_| self.thread.is_none()) else { return Ok(()) };
        if self.surveying.is_some() {
            return self.end_survey(cog, store, control, true);
        }
        let Some(collected) = &self.collected else { return self.start_estimate(store, control) };
        let written = i128::from(self.pins.bytes()) - collected.written_before;
        if written < i128::from(policy.min_bytes.max(collected.live)) {
            return Ok(());
        }
        self.begin(cog, store);
        Ok(())
    }

    /// Begins a collection, unless a view exists.
    pub(crate) fn begin(&mut self, cog: &mut Cog, store: &Arc<Store>) {
        let Some(collection) = BackgroundCollection::begin(store) else { return };
        self.written_at_begin = self.pins.bytes();
        let recording = cog.parts().0.record_references(store.space());
        self.surveying = Some(Survey { collection, recording });
    }

    /// Whether a collection waits for the references of the cog's heap.
    #[cfg(test)]
    pub(crate) fn is_surveying(&self) -> bool {
        self.surveying.is_some()
    }

    /// Goes on with the collection that waits for the references of the cog's heap, if one does and
    /// the heap has recorded them. With `collects`, the heap is collected for that. A view of the
    /// store ends the collection.
    pub(crate) fn end_survey(
        &mut self,
        cog: &mut Cog,
        store: &Arc<Store>,
        control: &Address<ControlMessage>,
        collects: bool,
    ) -> Result<(), RunError> {
        let Some(Survey { collection, recording }) = self.surveying.take() else { return Ok(()) };
        if collection.delays_view() {
            return Ok(());
        }
        let timer = ProfileTimer::start(cog.track());
        let vm = cog.parts().0;
        let mut references = vm.recorded_references(store.space(), &recording);
        if references.is_none() && collects {
            vm.collect();
            references = vm.recorded_references(store.space(), &recording);
        }
        let Some(references) = references else {
            self.surveying = Some(Survey { collection, recording });
            return Ok(());
        };
        timer.span("garbage", "survey", || vec![("references", references.count().into())]);
        let reports = [references];
        let is_cancelled = Arc::clone(&self.is_cancelled);
        self.start_thread(control, move || {
            let mut pace = pace(is_cancelled);
            match collection.run(&reports, CollectPace::new(&mut pace)) {
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
        self.start_thread(control, move || match GarbageEstimate::of(&store) {
            Ok(estimate) => GarbageReport::Estimated(estimate),
            Err(error) => GarbageReport::Failed(error.to_string()),
        })
    }

    /// Runs `work` on a thread with low priority, which sends the result.
    fn start_thread(
        &mut self,
        control: &Address<ControlMessage>,
        work: impl FnOnce() -> GarbageReport + Send + 'static,
    ) -> Result<(), RunError> {
        let control = control.clone();
        let thread = thread::Builder::new()
            .name("pallas-garbage".into())
            .spawn(move || {
                // On Linux this concerns the calling thread alone. Without it, the work takes the
                // same share of the time at normal priority.
                let _ = rustix::process::setpriority_process(None, LOWEST_PRIORITY);
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
        self.surveying = None;
        self.is_cancelled.store(true, Ordering::SeqCst);
        self.wait();
    }
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
