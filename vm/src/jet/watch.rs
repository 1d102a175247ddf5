//! Observing jets: counting their calls, and reporting *fallbacks*, calls that a jet leaves to its
//! law.
//!
//! Counting costs nothing unless it is enabled: separate instructions count calls, and the decoder
//! emits them only then.

use super::counts::{CallCounter, CallCounts, FallbackPolicy};
use super::declare::JetDeclaration;
use super::table::GenericJetTable;
use plan::Ref;
use std::sync::atomic::{AtomicU64, Ordering};

impl<F: Copy> GenericJetTable<F> {
    /// Enables counting of jet calls. Laws that a runtime has decoded before are not counted.
    pub fn enable_call_counts(&mut self) {
        self.counters = Some(self.jets.iter().map(|_| CallCounter::default()).collect());
    }

    /// The call counts of the jet with that number, if counting is enabled.
    pub fn calls(&self, id: u32) -> Option<CallCounts> {
        let counter = self.counters.as_ref()?.get(id as usize)?;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Some(CallCounts { all: read(&counter.all), fell_back: read(&counter.fell_back) })
    }

    /// Calls `hook` with the jet and its arguments, evaluated or not, whenever a jet leaves a call
    /// to its law.
    pub fn on_fallback(
        &mut self,
        hook: impl Fn(&JetDeclaration<F>, &[Ref<'_>]) + Send + Sync + 'static,
    ) {
        self.fallback = FallbackPolicy::Notify(Box::new(hook));
    }

    /// Makes every call that a jet would leave to its law crash, with the operation `deopt` and the
    /// row of the pinned law and its arguments. (prototype: lib/Fan/Jets.hs)
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
    pub(crate) fn record_fallback(&self, id: u32, args: &[Ref<'_>]) -> bool {
        if let Some(counter) = self.counter(id) {
            counter.fell_back.fetch_add(1, Ordering::Relaxed);
        }
        if let FallbackPolicy::Notify(hook) = &self.fallback {
            hook(self.get(id), args);
        }
        matches!(self.fallback, FallbackPolicy::Crash)
    }
}
