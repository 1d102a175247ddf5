//! Applying inputs to the cog, and what happens if that exceeds a limit.
//!
//! Waiting inputs become one event. An event that runs out of CPU time, stack or memory has not
//! happened, and nothing of it is logged; the same holds for one that can never end. Its inputs are
//! then tried one by one, each as an event of its own:
//!
//! ```text
//! inputs ─▶ one event ─ok─▶ log
//!               └─aborted─▶ one event for each input ─ok─▶ log
//!                                      └─aborted─▶ set aside, and the driver begins anew
//! ```
//!
//! An input that fails by itself is set aside: it is kept in the store, and can be offered again at
//! a later start, with larger limits. The machine stops after [`MAX_SET_ASIDE`] such inputs without
//! an event between them, and where there is nothing to set aside, because the input is the result
//! of a job. The state is then the one before the event, and the next start tries again.
//!
//! A set-aside input is durable before its driver begins anew. An input that is applied after all
//! is removed from the store when its event is durable; no snapshot begins in between, so that a
//! replay after a crash finds the event and removes the input.

use super::effect_queue::Effect;
use super::reads::EVENT_SLICE;
use super::{FULL_DISK_RETRY, MAX_SET_ASIDE, Machine};
use crate::cog::{AppliedEvent, CogError, EventProgress};
use crate::console::ConsoleNotice;
use crate::error::{AbortReason, LimitStop, LimitStopCause, RunError};
use crate::event::{EventInput, EventRecord, InputPayload};
use crate::message::DriverMessage;
use crate::set_aside::SetAsideInput;
use crate::trace::ConsoleMessage;
use persist::{LogError, SetAsideRecord};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// An input, and the number of the worker that it is from.
pub(super) struct WorkerInput {
    pub(super) worker: u64,
    pub(super) input: EventInput,
}

/// How an attempt to apply an event ended.
pub(super) enum EventAttempt {
    /// The event was applied and logged, or the cog takes no event any more.
    Done,
    /// The event exceeded a limit, and has not happened.
    Aborted(Vec<EventInput>, AbortReason),
}

impl Machine {
    /// Applies inputs as one event, or one by one if that exceeds a limit.
    pub(super) fn handle_inputs(&mut self, inputs: Vec<WorkerInput>) -> Result<(), RunError> {
        let (workers, inputs): (Vec<u64>, Vec<EventInput>) =
            inputs.into_iter().map(|WorkerInput { worker, input }| (worker, input)).unzip();
        let attempt = self.try_event(&workers, inputs)?;
        let EventAttempt::Aborted(inputs, reason) = attempt else { return Ok(()) };
        let is_single = inputs.len() == 1;
        for (worker, input) in workers.iter().copied().zip(inputs) {
            if is_single {
                self.give_up_input(worker, input, reason)?;
            } else if self.workers.slot_of(worker) == Some(input.slot) {
                // Otherwise an event of this loop has cancelled the worker, which drops its inputs.
                if let EventAttempt::Aborted(inputs, reason) =
                    self.try_event(&workers, vec![input])?
                {
                    for input in inputs {
                        self.give_up_input(worker, input, reason)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Applies an event to the cog, appends it to the log, and queues its effects. The inputs are
    /// from these workers.
    pub(super) fn try_event(
        &mut self,
        workers: &[u64],
        inputs: Vec<EventInput>,
    ) -> Result<EventAttempt, RunError> {
        if inputs.is_empty() || self.is_ending() || self.cog.status().running().is_none() {
            return Ok(EventAttempt::Done);
        }
        let clock = &*self.settings.clock;
        let before = self.state_hashes.hash(&mut self.cog, clock);
        let before = before.map_err(|error| self.run_error(error))?;
        let applied = match self.evaluate_event(workers, &inputs)? {
            Ok(applied) => applied,
            Err(CogError::ShuttingDown) => {
                // The event has not happened, so nothing is shown of it.
                self.cog.take_messages();
                return Ok(EventAttempt::Done);
            }
            Err(CogError::Aborted(reason)) => {
                self.cog.take_messages();
                return Ok(EventAttempt::Aborted(inputs, reason));
            }
            Err(error) => return Err(self.run_error(error)),
        };
        let AppliedEvent { outcome, outputs, took } = applied;
        let time = self.time();
        let record = EventRecord { time, before, outcome, inputs };
        self.append(&record, took)?;
        self.set_aside_in_row = 0;
        let reports = self.cog.take_messages();
        let mut effects = self.effects(outputs, reports);
        effects.extend(record.offered().map(Effect::RemoveSetAside));
        self.unremoved_offers += record.offered().count();
        self.check_damage()?;
        self.queue.push(self.applied, effects);
        if self.unremoved_offers == 0 {
            let Machine { snapshots, cog, store, control_sender, settings, .. } = self;
            snapshots.start_if_due(cog, store, self.applied, control_sender, &*settings.console)?;
        }
        Ok(EventAttempt::Done)
    }

    /// Evaluates an event. If there is not enough memory for it and for the reads that have begun,
    /// they are ended, and the event is evaluated again.
    fn evaluate_event(
        &mut self,
        workers: &[u64],
        inputs: &[EventInput],
    ) -> Result<Result<AppliedEvent, CogError>, RunError> {
        loop {
            let result = self.evaluate_beside_reads(workers, inputs)?;
            let is_full = matches!(result, Err(CogError::Aborted(AbortReason::Memory)));
            if !is_full || !self.reads.has_long() {
                return Ok(result);
            }
            self.cog.take_messages();
            self.abort_long_reads()?;
        }
    }

    /// Evaluates an event, and reads beside it.
    fn evaluate_beside_reads(
        &mut self,
        workers: &[u64],
        inputs: &[EventInput],
    ) -> Result<Result<AppliedEvent, CogError>, RunError> {
        self.reads.renew_budget();
        self.pool.notify_drivers();
        let mut run = match self.cog.begin_event(inputs, EVENT_SLICE) {
            Ok(run) => run,
            Err(error) => return Ok(Err(error)),
        };
        let mut total = Duration::ZERO;
        loop {
            match self.cog.resume_event(run, EVENT_SLICE) {
                EventProgress::Suspended(suspended) => run = suspended,
                EventProgress::Ended(result) => {
                    self.reads.renew_budget();
                    if let Ok(AppliedEvent { took, .. }) = &result {
                        self.reads.add_credit(*took);
                    }
                    return Ok(result);
                }
            }
            let slice = run.took() - total;
            total = run.took();
            self.serve_beside_event(workers, slice, total)?;
        }
    }

    /// Sets an input aside that exceeds a limit by itself, or makes the machine stop.
    fn give_up_input(
        &mut self,
        worker: u64,
        input: EventInput,
        reason: AbortReason,
    ) -> Result<(), RunError> {
        let EventInput { slot, payload } = input;
        let InputPayload::Written(value) = payload else {
            let cause = LimitStopCause::JobResult(slot);
            self.limit_stop = Some(LimitStop { reason, cause });
            return Ok(());
        };
        let (time, after) = (self.time(), self.applied.0);
        let input = SetAsideInput { time, after, slot, reason: reason.into(), value };
        self.set_aside(&input)?;
        let notice = ConsoleMessage::Notice(ConsoleNotice::SetAside(slot, reason));
        let restart = Effect::Message(worker, DriverMessage::InputSetAside);
        self.perform_when_durable(vec![Effect::Report(vec![notice]), restart])?;
        self.set_aside_in_row += 1;
        if self.set_aside_in_row >= MAX_SET_ASIDE {
            let cause = LimitStopCause::SetAsideInRow(self.set_aside_in_row);
            self.limit_stop = Some(LimitStop { reason, cause });
        }
        Ok(())
    }

    /// Stores an input that is set aside. Waits while the disk is full.
    pub(super) fn set_aside(&mut self, input: &SetAsideInput) -> Result<(), RunError> {
        let record = input.encode();
        loop {
            match self.store.set_aside(&record) {
                Ok(_) => return Ok(()),
                Err(LogError::Full(error)) if !self.stopping.load(Ordering::SeqCst) => {
                    self.notice_disk_is_full(&error.to_string());
                    thread::sleep(FULL_DISK_RETRY);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Offers the inputs that were set aside to the cog, each as an event of its own.
    pub(super) fn offer_set_aside(&mut self) -> Result<(), RunError> {
        let list = self.store.set_aside_inputs()?;
        for damage in list.damaged {
            self.settings.console.notice(&ConsoleNotice::NotOffered(damage.to_string()));
        }
        list.records.into_iter().try_for_each(|record| self.offer(record))
    }

    /// Offers one input to the cog. It stays set aside if there is no driver in its slot, or if it
    /// exceeds a limit again.
    fn offer(&mut self, record: SetAsideRecord) -> Result<(), RunError> {
        let SetAsideInput { slot, value, .. } = match SetAsideInput::decode(&record.payload) {
            Ok(input) => input,
            Err(error) => {
                self.settings.console.notice(&ConsoleNotice::NotOffered(error.to_string()));
                return Ok(());
            }
        };
        let problem = if self.workers.driver_in(slot).is_none() {
            "there is no driver in its slot".into()
        } else {
            let payload = InputPayload::Offered(record.id, value);
            match self.try_event(&[], vec![EventInput { slot, payload }])? {
                EventAttempt::Done => return Ok(()),
                EventAttempt::Aborted(_, reason) => reason.to_string(),
            }
        };
        let notice = ConsoleMessage::Notice(ConsoleNotice::NotApplied(slot, problem));
        self.perform_when_durable(vec![Effect::Report(vec![notice])])
    }

    /// The wall time, in nanoseconds since 1970; 0 before.
    pub(super) fn time(&self) -> u64 {
        u64::try_from(self.settings.clock.now().as_nanosecond()).unwrap_or(0)
    }
}
