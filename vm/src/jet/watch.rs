//! Watching jets at work: counting calls, and telling of those that a jet left to its law.
//!
//! Nothing of this costs anything where it was not asked for: calls are counted by instructions of
//! their own, which are only decoded into laws then.

use super::declare::JetDeclaration;
use super::table::GenericJetTable;
use plan::Ref;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often a jet was called.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CallCounts {
    /// All its calls.
    pub all: u64,
    /// Those that it left to its law.
    pub fell_back: u64,
}

/// CallCounts that are being counted, by however many threads use the table.
#[derive(Default)]
pub(super) struct CallCounter {
    all: AtomicU64,
    fell_back: AtomicU64,
}

/// Is called with a jet and the arguments of a call that it leaves to its law.
type FallbackHook<F> = Box<dyn Fn(&JetDeclaration<F>, &[Ref<'_>]) + Send + Sync>;

/// What happens when a jet leaves a call to its law.
pub(super) enum FallbackPolicy<F> {
    /// The law runs.
    Run,
    /// Somebody is told, and the law runs.
    Notify(FallbackHook<F>),
    /// The evaluation crashes.
    Crash,
}

impl<F: Copy> GenericJetTable<F> {
    /// Counts the calls of jets from now on. No runtime may have used the table before.
    pub fn count_calls(&mut self) {
        self.counters = Some(self.jets.iter().map(|_| CallCounter::default()).collect());
    }

    /// How often the jet of that number was called, if calls are counted.
    pub fn calls(&self, id: u32) -> Option<CallCounts> {
        let counter = self.counters.as_ref()?.get(id as usize)?;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Some(CallCounts { all: read(&counter.all), fell_back: read(&counter.fell_back) })
    }

    /// CallCounts `hook` with the jet and its arguments, evaluated or not, whenever a jet leaves a call to
    /// its law.
    pub fn on_fallback(
        &mut self,
        hook: impl Fn(&JetDeclaration<F>, &[Ref<'_>]) + Send + Sync + 'static,
    ) {
        self.fallback = FallbackPolicy::Notify(Box::new(hook));
    }

    /// Makes a call that a jet would leave to its law crash instead: with the operation `deopt`,
    /// and the row of the pinned law and its arguments. (prototype: lib/Fan/Jets.hs)
    pub fn crash_on_fallback(&mut self) {
        self.fallback = FallbackPolicy::Crash;
    }

    /// Whether calls are counted.
    #[inline(always)]
    pub(crate) fn counts_calls(&self) -> bool {
        self.counters.is_some()
    }

    /// Counts a call, if that was asked for.
    #[inline(always)]
    pub(crate) fn count_call(&self, id: u32) {
        if let Some(counter) = self.counter(id) {
            counter.all.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counter(&self, id: u32) -> Option<&CallCounter> {
        self.counters.as_ref()?.get(id as usize)
    }

    /// Whether anybody wants to know of calls that are left to laws.
    pub(crate) fn observes_fallbacks(&self) -> bool {
        self.counts_calls() || !matches!(self.fallback, FallbackPolicy::Run)
    }

    /// Counts and tells of a call that is left to the law. Says whether it crashes instead.
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
