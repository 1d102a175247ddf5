//! The counters of jets' calls, and the policy for fallbacks: the state of `watch`.

use super::declare::JetDeclaration;
use plan::Ref;
use std::sync::atomic::AtomicU64;

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
    pub(super) all: AtomicU64,
    pub(super) fell_back: AtomicU64,
}

/// Gets a jet and the arguments of a call that it leaves to its law.
pub(super) type FallbackHook<F> = Box<dyn Fn(&JetDeclaration<F>, &[Ref<'_>]) + Send + Sync>;

/// The policy for calls that a jet leaves to its law.
pub(super) enum FallbackPolicy<F> {
    /// The law runs.
    Run,
    /// The hook is called, and the law runs.
    Notify(FallbackHook<F>),
    /// The evaluation crashes.
    Crash,
}
