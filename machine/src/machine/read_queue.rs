//! [`ReadQueue`]: the reads of drivers that have not ended, and the time that they may take. `reads`
//! says how it is used.

use crate::cog::ReadRun;
use crate::message::ReadCall;
use crate::packed::PackedMessage;
use persist::Seq;
use std::collections::VecDeque;
use std::time::Duration;

/// How long fresh reads may be evaluated together while something else may wait.
const READ_BUDGET: Duration = Duration::from_millis(2);
/// The most credit of long reads.
const CREDIT_MAX: Duration = Duration::from_millis(2);
/// The part of the time of events that long reads get as well: a ninth, which is a tenth of the
/// whole.
const LONG_SHARE: u32 = 9;

/// Who reads: the driver's number, the key of its request, and its call.
pub(super) struct ReadRequest {
    pub(super) worker: u64,
    pub(super) key: u64,
    pub(super) serial: u64,
    pub(super) call: ReadCall,
}

/// A read that has begun and is suspended.
pub(super) struct BegunRead {
    pub(super) request: ReadRequest,
    pub(super) run: ReadRun,
    /// The last event in the state that it sees.
    pub(super) sees: Seq,
    /// How long it has been evaluated.
    pub(super) used: Duration,
}

/// The reads that have not ended.
pub(super) struct ReadQueue {
    /// Those that have not begun, and their queries.
    pub(super) fresh: VecDeque<(ReadRequest, PackedMessage)>,
    /// Those that have begun, the next one first.
    pub(super) long: VecDeque<BegunRead>,
    /// What is left of [`READ_BUDGET`], or of the turn of reads beside a long event.
    pub(super) budget: Duration,
    /// The time that long reads have to their credit.
    pub(super) credit: Duration,
}

impl Default for ReadQueue {
    fn default() -> ReadQueue {
        let (fresh, long) = Default::default();
        ReadQueue { fresh, long, budget: READ_BUDGET, credit: Duration::ZERO }
    }
}

impl ReadQueue {
    /// Adds a read.
    pub(super) fn add(&mut self, request: ReadRequest, query: PackedMessage) {
        self.fresh.push_back((request, query));
    }

    /// Whether no read is left.
    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.long.is_empty()
    }

    /// Takes the next long read that has been evaluated for less than `limit`.
    pub(super) fn take_recent(&mut self, limit: Duration) -> Option<BegunRead> {
        let index = self.long.iter().position(|read| read.used < limit)?;
        self.long.remove(index)
    }

    /// Whether a read has begun and not ended.
    pub(super) fn has_long(&self) -> bool {
        !self.long.is_empty()
    }

    /// Renews the budget of fresh reads: a batch of requests or an event begins, or nothing waits.
    pub(super) fn renew_budget(&mut self) {
        self.budget = READ_BUDGET;
    }

    /// Gives long reads credit for the time that an event, or a slice of one, took.
    pub(super) fn add_credit(&mut self, event: Duration) {
        self.credit = (self.credit + event / LONG_SHARE).min(CREDIT_MAX);
    }
}
