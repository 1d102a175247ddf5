//! Observing jets: counting their calls, and reporting *fallbacks*, calls that a jet leaves to its law.
//!
//! Counting costs nothing unless it is enabled: separate instructions count calls, and the decoder
//! emits them only then.

use super::declare::JetDeclaration;
use super::table::GenericJetTable;
use plan::Ref;
use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers of calls of a jet.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CallCounts {
    /// All its calls.
    pub all: u64,
    /// The calls that it left to its law.
    pub fell_back: u64,
}

/// The counters of one jet, shared by all threads that use the table.
#[derive(Default)]
pub(super) struct CallCounter {
    all: AtomicU64,
    fell_back: AtomicU64,
}

/// Gets a jet and the arguments of a call that it leaves to its law.
type FallbackHook<F> = Box<dyn Fn(&JetDeclaration<F>, &[Ref<'_>]) + Send + Sync>;

/// The policy for calls that a jet leaves to its law.
pub(super) enum FallbackPolicy<F> {
    /// The law runs.
    Run,
    /// The hook is called, and the law runs.
    Notify(FallbackHook<F>),
    /// The evaluation crashes.
    Crash,
}

impl<F: Copy> GenericJetTable<F> {
    /// Enables counting of jet calls. Laws that a runtime has decoded before are not counted.
    pub fn count_calls(&mut self) {
        self.counters = Some(self.jets.iter().map(|_| CallCounter::default()).collect());
    }

    /// The call counts of the jet with that number, if counting is enabled.
    pub fn calls(&self, id: u32) -> Option<CallCounts> {
        let counter = self.counters.as_ref()?.get(id as usize)?;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Some(CallCounts { all: read(&counter.all), fell_back: read(&counter.fell_back) })
    }

    /// Calls `hook` with the jet and its arguments, evaluated or not, whenever a jet leaves a call to
    /// its law.
    pub fn on_fallback(
        &mut self,
        hook: impl Fn(&JetDeclaration<F>, &[Ref<'_>]) + Send + Sync + 'static,
    ) {
        self.fallback = FallbackPolicy::Notify(Box::new(hook));
    }

    /// Makes every call that a jet would leave to its law crash, with the operation `deopt` and the row
    /// of the pinned law and its arguments. (prototype: lib/Fan/Jets.hs)
    pub fn crash_on_fallback(&mut self) {
        self.fallback = FallbackPolicy::Crash;
    }

    /// Whether calls are counted.
    #[inline(always)]
    pub(crate) fn counts_calls(&self) -> bool {
        self.counters.is_some()
    }

    /// Counts a call, if counting is enabled.
    #[inline(always)]
    pub(crate) fn count_call(&self, id: u32) {
        if let Some(counter) = self.counter(id) {
            counter.all.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counter(&self, id: u32) -> Option<&CallCounter> {
        self.counters.as_ref()?.get(id as usize)
    }

    /// Whether a call that is left to its law has an effect besides running the law.
    pub(crate) fn observes_fallbacks(&self) -> bool {
        self.counts_calls() || !matches!(self.fallback, FallbackPolicy::Run)
    }

    /// Counts and reports a call that is left to the law. Returns whether the call crashes instead.
    pub(crate) fn on_fallback_of(&self, id: u32, args: &[Ref<'_>]) -> bool {
        if let Some(counter) = self.counter(id) {
            counter.fell_back.fetch_add(1, Ordering::Relaxed);
        }
        if let FallbackPolicy::Notify(hook) = &self.fallback {
            hook(self.get(id), args);
        }
        matches!(self.fallback, FallbackPolicy::Crash)
    }
}
