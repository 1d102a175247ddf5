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
use crate::codec::SeedBytes;
use crate::cog::{Abort, AppliedEvent, CogError, EventProgress};
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::error::{AbortReason, LimitStop, LimitStopCause, RunError};
use crate::event::{EventInput, EventRecord, InputPayload};
use crate::message::{DriverMessage, RequestRow};
use crate::packed::{PackedMessage, PinLoader};
use crate::set_aside::SetAsideInput;
use crate::trace::ConsoleMessage;
use persist::{LogError, SetAsideRecord};
use plan::Val;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// An input, and the row of requests that it is from. The result of a job has the job's number as
/// its worker.
pub(super) struct WorkerInput {
    pub(super) row: RequestRow,
    pub(super) input: EventInput,
    /// The value of the input in the cog's heap, if it has been built.
    pub(super) value: Option<Val>,
}

/// How an attempt to apply an event ended.
pub(super) enum EventAttempt {
    /// The event was applied and logged, or the cog takes no event any more.
    Done,
    /// The event exceeded a limit, and has not happened.
    Aborted(Vec<EventInput>, Abort),
}

impl Machine {
    /// The input that a driver in this slot has written. Serializes it for the log here, because the
    /// thread of drivers has more to do than this one, and keeps the value for the event. None,
    /// after a notice, if no heap has room for it.
    pub(super) fn written_input(
        &mut self,
        row: RequestRow,
        slot: u64,
        value: PackedMessage,
    ) -> Option<WorkerInput> {
        let (seed, value) = match self.cog.receive(value) {
            Ok((seed, value)) => (Some(seed), value),
            // The event, with less in the heap by then, may have room for it.
            Err(value) => (self.serialize_aside(value), None),
        };
        let Some(seed) = seed else {
            self.settings.console.notice(&ConsoleNotice::TooLarge(ReportOrigin::Driver(slot)));
            return None;
        };
        let input = EventInput { slot, payload: InputPayload::Written(seed) };
        Some(WorkerInput { row, input, value })
    }

    /// Serializes a message in a heap of its own.
    fn serialize_aside(&self, value: PackedMessage) -> Option<SeedBytes> {
        let mut vm = self.settings.worker_runtime(None).ok()?;
        value.into_seed(&mut PinLoader::default(), &mut vm).ok()
    }

    /// Applies inputs as one event, or one by one if that exceeds a limit.
    pub(super) fn handle_inputs(&mut self, inputs: Vec<WorkerInput>) -> Result<(), RunError> {
        let mut rows = Vec::with_capacity(inputs.len());
        let (inputs, values): (Vec<EventInput>, Vec<Option<Val>>) = inputs
            .into_iter()
            .map(|WorkerInput { row, input, value }| {
                rows.push(row);
                (input, value)
            })
            .unzip();
        let attempt = self.try_event_of(&rows, inputs, values)?;
        let EventAttempt::Aborted(inputs, mut abort) = attempt else { return Ok(()) };
        let is_single = inputs.len() == 1;
        for (RequestRow { worker, .. }, input) in rows.iter().copied().zip(inputs) {
            if is_single {
                let calls = std::mem::take(&mut abort.calls);
                self.give_up_input(worker, input, Abort { calls, ..abort })?;
            } else if self.workers.slot_of(worker) == Some(input.slot) {
                // Otherwise an event of this loop has cancelled the worker, which drops its inputs.
                let attempt = self.try_event(&rows, vec![input])?;
                if let EventAttempt::Aborted(mut inputs, abort) = attempt
                    && let Some(input) = inputs.pop()
                {
                    self.give_up_input(worker, input, abort)?;
                }
            }
        }
        Ok(())
    }

    /// Applies an event to the cog, appends it to the log, and queues its effects. The inputs are
    /// from these rows.
    pub(super) fn try_event(
        &mut self,
        rows: &[RequestRow],
        inputs: Vec<EventInput>,
    ) -> Result<EventAttempt, RunError> {
        self.try_event_of(rows, inputs, Vec::new())
    }

    /// [`Machine::try_event`] with the values of the inputs that have been built.
    fn try_event_of(
        &mut self,
        rows: &[RequestRow],
        inputs: Vec<EventInput>,
        values: Vec<Option<Val>>,
    ) -> Result<EventAttempt, RunError> {
        if inputs.is_empty() || self.is_ending() || self.cog.status().running().is_none() {
            return Ok(EventAttempt::Done);
        }
        let clock = &*self.settings.clock;
        let before = self.state_hashes.hash(&mut self.cog, clock);
        let before = before.map_err(|error| self.run_error(error))?;
        let applied = match self.evaluate_event(rows, &inputs, &values)? {
            Ok(applied) => applied,
            Err(CogError::ShuttingDown) => {
                // The event has not happened, so nothing is shown of it.
                self.cog.take_messages();
                return Ok(EventAttempt::Done);
            }
            Err(CogError::Aborted(abort)) => {
                self.cog.take_messages();
                return Ok(EventAttempt::Aborted(inputs, abort));
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
        rows: &[RequestRow],
        inputs: &[EventInput],
        values: &[Option<Val>],
    ) -> Result<Result<AppliedEvent, CogError>, RunError> {
        loop {
            let result = self.evaluate_beside_reads(rows, inputs, values)?;
            let is_full = matches!(
                &result,
                Err(CogError::Aborted(Abort { reason: AbortReason::Memory, .. }))
            );
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
        rows: &[RequestRow],
        inputs: &[EventInput],
        values: &[Option<Val>],
    ) -> Result<Result<AppliedEvent, CogError>, RunError> {
        self.reads.renew_budget();
        self.pool.notify_drivers();
        let mut run = match self.cog.begin_event(inputs, values, EVENT_SLICE) {
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
            self.serve_beside_event(rows, slice, total)?;
        }
    }

    /// Sets an input aside that exceeds a limit by itself, or makes the machine stop.
    fn give_up_input(
        &mut self,
        worker: u64,
        input: EventInput,
        abort: Abort,
    ) -> Result<(), RunError> {
        let Abort { reason, calls } = abort;
        let EventInput { slot, payload } = input;
        let InputPayload::Written(value) = payload else {
            let cause = LimitStopCause::JobResult(slot);
            self.limit_stop = Some(LimitStop { reason, cause });
            // The end of the machine is reported after them.
            self.settings.console.calls_of_notice(&calls);
            return Ok(());
        };
        let (time, after) = (self.time(), self.applied.0);
        let input = SetAsideInput { time, after, slot, reason: reason.into(), value };
        self.set_aside(&input)?;
        let notice = ConsoleMessage::of_notice(ConsoleNotice::SetAside(slot, reason), calls);
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
                EventAttempt::Aborted(_, abort) => abort.reason.to_string(),
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
