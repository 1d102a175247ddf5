//! Retrying a cog that has crashed: it runs again from the state before the event that crashed.
//!
//! The inputs of this event that drivers wrote are set aside, and the others are results of jobs,
//! whose jobs are still in the slots of the state before and are computed again. Then an event of
//! its own, without inputs, makes the cog run:
//!
//! ```text
//! .. event n: crashed ─▶ inputs of n set aside, durable ─▶ event n+1: retried, durable ─▶ workers
//! ```
//!
//! A crash of the machine between the two steps leaves a cog that has crashed, and some of the
//! inputs set aside. The next retry finds them, by the number of the event, and does not set them
//! aside twice.

use super::{CogCrash, FULL_DISK_RETRY, Machine};
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::error::RunError;
use crate::event::{EventInput, EventOutcome, EventRecord, InputPayload};
use crate::set_aside::{SetAsideInput, SetAsideReason};
use crate::status::CogStatus;
use persist::{LogError, StoreReadError};
use std::sync::atomic::Ordering;
use std::thread;

impl Machine {
    /// Makes the cog run again, if it has crashed.
    pub(super) fn retry_crash(&mut self) -> Result<(), RunError> {
        if !matches!(self.cog.status(), CogStatus::Crashed { .. }) {
            return Ok(());
        }
        let set_aside = self.set_aside_crash()?;
        let clock = &*self.settings.clock;
        let before = self.state_hashes.hash(&mut self.cog, clock);
        let before = before.map_err(|error| self.run_error(error))?;
        let applied = self.cog.retry().map_err(|error| self.run_error(error))?;
        let (time, outcome) = (self.time(), applied.outcome);
        self.append(&EventRecord { time, before, outcome, inputs: Vec::new() }, applied.took)?;
        self.wait_until_durable()?;
        self.settings.console.notice(&ConsoleNotice::Retried(set_aside));
        Ok(())
    }

    /// Sets the inputs of the event that crashed aside, and returns how many there are. None if the
    /// log does not have the event any more.
    pub(super) fn set_aside_crash(&mut self) -> Result<Option<usize>, RunError> {
        match self.crashed_event()? {
            Some(event) => self.set_aside_crashed(event.inputs).map(Some),
            None => Ok(None),
        }
    }

    /// The event that crashed. None if the log does not have it any more, or cannot be read.
    pub(super) fn crash(&self) -> Option<CogCrash> {
        let inputs = self.crashed_event().ok()??.inputs;
        let first = inputs.first().map(|EventInput { slot, payload }| match payload {
            InputPayload::Written(_) | InputPayload::Offered(..) => ReportOrigin::Driver(*slot),
            InputPayload::JobResult(_) | InputPayload::JobResultHash(..) => {
                ReportOrigin::Job(*slot)
            }
        });
        Some(CogCrash { event: self.applied.0, inputs: inputs.len(), first })
    }

    /// The calls that were in progress when the cog crashed, if it has and the log has them.
    pub(super) fn calls_of_crash(&self) -> Vec<String> {
        match self.crashed_event() {
            Ok(Some(EventRecord { outcome: EventOutcome::Crashed { calls, .. }, .. })) => calls,
            _ => Vec::new(),
        }
    }

    /// Reads the event that crashed, which is the last one in the log: a cog that has
    /// crashed takes no events. None if the log does not have it any more, as in an imported
    /// machine.
    fn crashed_event(&self) -> Result<Option<EventRecord>, RunError> {
        let record = match self.store.records_from(self.applied) {
            Ok(mut records) => records.next().transpose()?,
            Err(StoreReadError::Gap { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let event = record.and_then(|record| EventRecord::decode(&record.payload).ok());
        Ok(event.filter(|event| matches!(event.outcome, EventOutcome::Crashed { .. })))
    }

    /// Sets the inputs of the event that crashed aside, except those that an interrupted retry has
    /// set aside already. Returns how many are set aside now.
    fn set_aside_crashed(&mut self, inputs: Vec<EventInput>) -> Result<usize, RunError> {
        let (after, reason) = (self.applied.0, SetAsideReason::Crashed);
        let list = self.store.set_aside_inputs()?;
        let kept = list.records.iter().filter_map(|it| SetAsideInput::decode(&it.payload).ok());
        let mut kept: Vec<SetAsideInput> =
            kept.filter(|input| input.after == after && input.reason == reason).collect();
        let mut count = 0;
        for EventInput { slot, payload } in inputs {
            let (InputPayload::Written(value) | InputPayload::Offered(_, value)) = payload else {
                continue;
            };
            count += 1;
            let found = kept.iter().position(|it| it.slot == slot && it.value == value);
            match found {
                Some(found) => drop(kept.swap_remove(found)),
                None => {
                    let time = self.time();
                    self.set_aside(&SetAsideInput { time, after, slot, reason, value })?;
                }
            }
        }
        Ok(count)
    }

    /// Waits until the last event is durable, also while the disk is full.
    pub(super) fn wait_until_durable(&mut self) -> Result<(), RunError> {
        loop {
            match self.store.wait_durable(self.applied) {
                Ok(()) => return Ok(()),
                Err(LogError::Full(error)) if !self.stopping.load(Ordering::SeqCst) => {
                    self.notice_disk_is_full(&error.to_string());
                    thread::sleep(FULL_DISK_RETRY);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
