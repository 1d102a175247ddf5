//! Going back to an earlier state.
//!
//! A rollback is an event of the log: from it on, the state is the one after an earlier event, and a
//! replay does the same. Nothing is deleted: the log keeps the events in between. The state has a
//! snapshot at once, so a replay that meets the event finds it.
//!
//! ```text
//! replay to the earlier state ─▶ append ─▶ durable ─▶ snapshot ─▶ inputs since then, on request
//! ```

use super::Machine;
use super::inputs::EventAttempt;
use crate::error::{RollbackError, RunError, StartError};
use crate::event::{EventInput, EventOutcome, EventRecord, InputPayload};
use crate::logged::LoggedEvent;
use crate::replay;
use crate::set_aside::SetAsideInput;
use persist::{Seq, StoreReadError};

/// What a rollback did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RollbackReport {
    /// The event of the rollback.
    pub event: u64,
    /// The event to whose state it went back.
    pub to: u64,
    /// The hash of that state.
    pub root: plan::Hash,
}

/// What became of inputs that were offered again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OfferReport {
    /// They are inputs of new events.
    pub applied: usize,
    /// They exceeded a limit by themselves and are set aside.
    pub set_aside: usize,
    /// They were not offered, because the cog takes no more events.
    pub left: usize,
}

impl Machine {
    /// The last event before the newest upgrade in the log. None if the log has no upgrade.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn before_last_upgrade(&self) -> Result<Option<u64>, StartError> {
        let oldest = self.store.snapshots().last().map_or(Seq::START, |oldest| oldest.covers);
        let mut found = None;
        for record in self.store.records_from(oldest.next())? {
            let record = record?;
            let event = EventRecord::decode(&record.payload);
            if event.is_ok_and(|event| matches!(event.outcome, EventOutcome::Upgraded(_))) {
                found = Some(record.seq.0 - 1);
            }
        }
        Ok(found)
    }

    /// The events after one, as the log has them.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn events_after(&self, event: u64) -> Result<Vec<LoggedEvent>, StartError> {
        let records = self.records_after(event)?;
        Ok(records
            .into_iter()
            .map(|(event, record, size)| LoggedEvent::of(event, record, size))
            .collect())
    }

    fn records_after(&self, event: u64) -> Result<Vec<(u64, EventRecord, usize)>, StartError> {
        let mut events = Vec::new();
        if event >= self.applied.0 {
            return Ok(events);
        }
        for record in self.store.records_from(Seq(event).next())? {
            let record = record?;
            let decoded = EventRecord::decode(&record.payload).map_err(|error| {
                let (path, problem) = (self.store.path().into(), error.problem.into());
                StartError::Record { path, seq: record.seq, offset: error.offset, problem }
            })?;
            events.push((record.seq.0, decoded, record.payload.len()));
        }
        Ok(events)
    }

    /// Makes a machine that does not run go back to the state after the event `to`, durably.
    ///
    /// # Errors
    /// See [`RollbackError`]. Unless it is [`RollbackError::Run`], the store is as it was, and the
    /// machine must not be used any more.
    pub fn roll_back(&mut self, to: u64) -> Result<RollbackReport, RollbackError> {
        if to >= self.applied.0 {
            return Err(RollbackError::NotEarlier { to, last: self.applied.0 });
        }
        let before = self.state_hash().map_err(RunError::from)?;
        replay::move_to(&mut self.cog, &*self.store, Seq(to))?;
        let root = self.state_hash().map_err(RunError::from)?;
        let (time, outcome) = (self.time(), EventOutcome::RolledBack { to, root });
        let record = EventRecord { time, before: Some(before), outcome, inputs: Vec::new() };
        self.append(&record, std::time::Duration::ZERO)?;
        self.wait_until_durable()?;
        let Machine { snapshots, cog, store, settings, .. } = self;
        snapshots.finish(cog, store, self.applied, &*settings.console)?;
        Ok(RollbackReport { event: self.applied.0, to, root })
    }

    /// Offers the inputs that drivers wrote in these events to the cog again, with one event for
    /// each. Results of jobs are not offered: their jobs are computed again.
    ///
    /// # Errors
    /// The log cannot be read, or the machine had to stop.
    pub fn offer_again(&mut self, first: u64, last: u64) -> Result<OfferReport, RollbackError> {
        let mut report = OfferReport::default();
        let events = self.records_after(first.saturating_sub(1))?;
        for (_, event, _) in events.into_iter().filter(|(event, ..)| *event <= last) {
            let inputs: Vec<EventInput> =
                event.inputs.into_iter().filter_map(written_again).collect();
            let count = inputs.len();
            if self.cog.status().running().is_none() {
                report.left += count;
                continue;
            }
            match self.try_event(&[], inputs)? {
                EventAttempt::Done => report.applied += count,
                EventAttempt::Aborted(inputs, _) => {
                    for input in inputs {
                        self.offer_single(input, &mut report)?;
                    }
                }
            }
        }
        self.wait_until_durable()?;
        Ok(report)
    }

    /// Offers an input as an event of its own. It is set aside if it exceeds a limit.
    fn offer_single(
        &mut self,
        input: EventInput,
        report: &mut OfferReport,
    ) -> Result<(), RunError> {
        let slot = input.slot;
        let EventAttempt::Aborted(inputs, abort) = self.try_event(&[], vec![input])? else {
            report.applied += 1;
            return Ok(());
        };
        for EventInput { payload, .. } in inputs {
            if let InputPayload::Written(value) = payload {
                let (time, after) = (self.time(), self.applied.0);
                let reason = abort.reason.into();
                self.set_aside(&SetAsideInput { time, after, slot, reason, value })?;
                report.set_aside += 1;
            }
        }
        Ok(())
    }
}

/// The input as a new one. None if a job gave it.
fn written_again(input: EventInput) -> Option<EventInput> {
    match input.payload {
        InputPayload::Written(value) | InputPayload::Offered(_, value) => {
            Some(EventInput { slot: input.slot, payload: InputPayload::Written(value) })
        }
        InputPayload::JobResult(_) | InputPayload::JobResultHash(..) => None,
    }
}

impl From<StoreReadError> for RollbackError {
    fn from(error: StoreReadError) -> RollbackError {
        RollbackError::State(error.into())
    }
}
