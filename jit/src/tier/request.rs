//! Requests for code.

use super::cache::CacheKey;
use super::reclaim::RuntimeToken;
use crate::build::ExpectedCallee;
use crate::codegen::UnitEnvironment;
use crate::ir::Unit;
use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use vm::native::{EntryCell, LawFingerprint};

/// The count of requests that may wait.
pub(super) const QUEUE: usize = 64;
/// The count of requests that wait or are in progress, and one more while the linking thread works.
static PENDING: AtomicUsize = AtomicUsize::new(0);

/// What the first function of a unit does, once it is optimised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EntryKind {
    /// It calls the law, or the jet.
    Call,
    /// It is the law's lazy entry (see [`make_lazy_entry`](crate::passes::make_lazy_entry)).
    Lazy,
}

/// A unit to be compiled. It is plain data: nothing in it looks into a heap.
pub(super) struct CompileRequest {
    pub(super) unit: Unit,
    /// What the entry of the unit expects as its arguments.
    pub(super) expected: Vec<ExpectedCallee>,
    pub(super) environment: UnitEnvironment,
    pub(super) kind: EntryKind,
    /// What the code is named by in the cache.
    pub(super) key: CacheKey,
    /// What the code is known by in later runs, if it is to be looked for early there.
    pub(super) code: Option<LawFingerprint>,
    /// The cell that gets the address of the unit's first function.
    pub(super) entry: EntryCell,
    /// The entry cells of the laws that are part of the unit, without `entry`.
    pub(super) parts: Vec<EntryCell>,
    /// The runtime that asks.
    pub(super) runtime: Weak<RuntimeToken>,
    /// Is dropped with the request, when the work on it has ended, which a thread may wait for.
    pub(super) done: Option<SyncSender<()>>,
    pub(super) _ticket: PendingTicket,
}

impl CompileRequest {
    /// The count of operations of the unit.
    pub(super) fn size(&self) -> usize {
        let blocks = self.unit.functions.values().flat_map(|function| function.blocks.values());
        blocks.map(|block| 1 + block.stmts.len()).sum()
    }

    /// Whether the law of another request is part of the unit, and not the law that it is for.
    pub(super) fn contains_law_of(&self, other: &CompileRequest) -> bool {
        self.parts.iter().any(|part| part.is_same(&other.entry))
    }
}

/// Counts a request as pending while it exists.
pub(super) struct PendingTicket;

impl PendingTicket {
    pub(super) fn take() -> PendingTicket {
        PENDING.fetch_add(1, Ordering::Relaxed);
        PendingTicket
    }
}

impl Drop for PendingTicket {
    fn drop(&mut self) {
        PENDING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether a request waits or is in progress.
pub(super) fn has_pending() -> bool {
    PENDING.load(Ordering::Relaxed) > 0
}

/// Whether the queue has room for one more request. If not, building a unit would be wasted work.
pub(super) fn queue_has_room() -> bool {
    PENDING.load(Ordering::Relaxed) < QUEUE
}
