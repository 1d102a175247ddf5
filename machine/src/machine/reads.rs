//! Reads beside events: when they are evaluated.
//!
//! Events and reads take turns on the cog's thread, because they share its heap: a read needs no
//! copy of the state. A read that arrives is *fresh*; it gets one slice at once, which is enough
//! for most reads. One that takes longer is *long*: it goes on in short slices, in turns with the
//! other long reads.
//!
//! ```text
//! request ─▶ fresh ─FRESH_SLICE─┬▶ ended ─▶ answer, when the state it saw is durable
//!                               └▶ long ─LONG_SLICE─▶ long ─ ... ─▶ ended
//! ```
//!
//! - *While no request and no message waits*, long reads are evaluated. A slice is so short that
//!   the next event begins soon.
//! - *While events keep coming*, long reads get a tenth of the time, after events.
//! - *While an event is evaluated*, it is suspended every [`EVENT_SLICE`]. Fresh reads get their
//!   slice then. When the event has taken longer than [`SHORT_EVENT`], it takes turns with all
//!   reads. Fresh reads, and long ones that have taken less than [`RECENT_LIMIT`], get as much time
//!   as the event; the others get a tenth. So every read makes progress, however long the event
//!   is, and an endless read costs a long event a tenth of the time.
//!
//! One budget, `READ_BUDGET`, is for all fresh reads in a batch of requests, and another for
//! those beside a short event. So reads delay an event that takes up to [`SHORT_EVENT`] by at most
//! 8 ms (a batch before it arrives, the credit of long reads, the batch that it is in, the slices
//! beside it), and by the times from the end of a slice to the next safepoint. Other fresh reads
//! wait for the next batch.
//!
//! A read sees a state at least as new as everything that its driver has been answered for: it
//! begins with the current state, and what drivers are sent depends on this state or an earlier
//! one. It also sees what its driver wrote before: it waits for an event with such an input.

use super::Machine;
use super::effect_queue::Effect;
use super::read_queue::{BegunRead, ReadQueue, ReadRequest};
use crate::cog::{CogError, ReadProgress, ReadResult};
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::error::{AbortReason, RunError};
use crate::message::{CogRequest, ControlMessage, DriverMessage};
use crate::trace::ConsoleMessage;
use persist::Seq;
use std::time::Duration;

/// How long an event is evaluated until the loop looks for reads.
pub(super) const EVENT_SLICE: Duration = Duration::from_millis(2);
/// How long a read is evaluated at once when it arrives, at most.
const FRESH_SLICE: Duration = Duration::from_millis(2);
/// How long a long read is evaluated until the loop looks for other work.
const LONG_SLICE: Duration = Duration::from_millis(1);
/// An event that takes no longer gets its whole time at once, but for fresh reads.
const SHORT_EVENT: Duration = Duration::from_millis(10);
/// A long read that has taken this time does not get as much time as a long event any more.
const RECENT_LIMIT: Duration = Duration::from_millis(100);
/// The answers to reads that take less are sent in batches.
const LONG_BATCH: Duration = Duration::from_micros(50);
/// The most reads that have begun and not ended. Each has two stacks.
const BEGUN_MAX: usize = 256;

impl Machine {
    /// Evaluates fresh reads for a slice each, as long as the budget lasts.
    pub(super) fn run_fresh_reads(&mut self) -> Result<(), RunError> {
        while !self.reads.budget.is_zero()
            && self.reads.long.len() < BEGUN_MAX
            && let Some((request, query)) = self.reads.fresh.pop_front()
        {
            let Some(slot) = self.slot_of_reader(&request) else { continue };
            let (run, sees) = (self.cog.begin_read(slot, request.key, &query), self.applied);
            let slice = FRESH_SLICE.min(self.reads.budget);
            let read = BegunRead { request, run, sees, used: Duration::ZERO };
            let took = self.run_read(read, slice)?;
            self.reads.budget = self.reads.budget.saturating_sub(took);
        }
        Ok(())
    }

    /// Evaluates the next long read for a slice, or fresh reads if there are some. Nothing else
    /// waits.
    pub(super) fn run_reads_in_idle_time(&mut self) -> Result<(), RunError> {
        self.reads.renew_budget();
        self.run_fresh_reads()?;
        self.run_long_read().map(drop)
    }

    /// Evaluates long reads for the time that they have to their credit.
    pub(super) fn run_reads_on_credit(&mut self) -> Result<(), RunError> {
        while self.reads.credit >= LONG_SLICE && self.reads.has_long() {
            let took = self.run_long_read()?;
            self.reads.credit = self.reads.credit.saturating_sub(took.max(LONG_SLICE));
        }
        Ok(())
    }

    /// Evaluates reads while an event is suspended. It has been evaluated for `total`, and since
    /// reads were last evaluated for `slice`.
    fn run_reads_beside_event(&mut self, slice: Duration, total: Duration) -> Result<(), RunError> {
        if total <= SHORT_EVENT {
            return self.run_fresh_reads();
        }
        self.reads.budget = slice;
        self.reads.add_credit(slice);
        // One slice at least is left for recent reads, however many fresh ones arrive.
        self.run_recent_read()?;
        self.run_fresh_reads()?;
        while self.reads.budget >= LONG_SLICE && self.run_recent_read()? {}
        self.run_reads_on_credit()
    }

    /// Evaluates the next recent read for a slice, on the budget of fresh reads. Returns false if
    /// there is none.
    fn run_recent_read(&mut self) -> Result<bool, RunError> {
        let Some(read) = self.reads.take_recent(RECENT_LIMIT) else { return Ok(false) };
        let took = self.resume_long_read(read)?;
        self.reads.budget = self.reads.budget.saturating_sub(took.max(LONG_SLICE));
        Ok(true)
    }

    /// Evaluates the next long read for a slice. Returns how long that took.
    fn run_long_read(&mut self) -> Result<Duration, RunError> {
        match self.reads.long.pop_front() {
            Some(read) => self.resume_long_read(read),
            None => Ok(Duration::ZERO),
        }
    }

    /// Evaluates a long read for a slice, unless it was cancelled. Returns how long that took.
    fn resume_long_read(&mut self, read: BegunRead) -> Result<Duration, RunError> {
        if self.slot_of_reader(&read.request).is_none() {
            return Ok(Duration::ZERO);
        }
        self.run_read(read, LONG_SLICE)
    }

    /// The slot of the driver that reads. None if the driver, or its call, was cancelled.
    fn slot_of_reader(&self, request: &ReadRequest) -> Option<u64> {
        self.workers.slot_of(request.worker).filter(|_| !request.call.is_cancelled())
    }

    /// Evaluates a read for a slice, and answers it if it ends. Returns how long that took.
    fn run_read(&mut self, read: BegunRead, slice: Duration) -> Result<Duration, RunError> {
        let BegunRead { request, run, sees, used } = read;
        let start = self.settings.clock.instant();
        let progress = self.cog.resume_read(run, slice);
        let took = self.settings.clock.instant() - start;
        match progress {
            ReadProgress::Suspended(run) => {
                self.reads.long.push_back(BegunRead { request, run, sees, used: used + took });
            }
            ReadProgress::Ended(result) => self.end_read(request, sees, result)?,
        }
        let took = self.settings.clock.instant() - start;
        if took >= LONG_BATCH {
            self.pool.notify_drivers();
        }
        Ok(took)
    }

    /// Answers a query of a driver, when the state that it saw is durable. If the evaluation is
    /// aborted, there is no answer, and the driver begins anew.
    fn end_read(
        &mut self,
        request: ReadRequest,
        sees: Seq,
        result: ReadResult,
    ) -> Result<(), RunError> {
        let ReadRequest { worker, key, serial, .. } = request;
        let ReadResult { answer, reports } = result;
        let answer = match answer {
            Ok(value) => DriverMessage::ReadAnswer { key, serial, value },
            Err(CogError::Aborted(_)) => DriverMessage::ReadFailed { key, serial },
            Err(CogError::ShuttingDown) => return Ok(()),
            Err(error) => return Err(self.run_error(error)),
        };
        let mut effects = Vec::new();
        if !reports.is_empty() {
            effects.push(Effect::Report(reports));
        }
        effects.push(Effect::Message(worker, answer));
        self.perform_when_durable_up_to(sees, effects)
    }

    /// Looks for reads while an event is suspended whose inputs are from these workers, evaluates
    /// them, and lets effects happen that have become durable. The event has been evaluated for
    /// `total`, and since the last call for `slice`.
    pub(super) fn serve_beside_event(
        &mut self,
        writers: &[u64],
        slice: Duration,
        total: Duration,
    ) -> Result<(), RunError> {
        while let Some(control) = self.control.try_receive() {
            match control {
                ControlMessage::Durable(Ok(_)) => self.handle_control(control)?,
                other => self.postponed_control.push_back(other),
            }
        }
        while self.postponed_requests.len() < super::REQUEST_QUEUE
            && let Some(request) = self.requests.try_receive()
        {
            self.postpone(request, writers);
        }
        self.run_reads_beside_event(slice, total)?;
        self.pool.notify_drivers();
        Ok(())
    }

    /// Handles a request that arrives during an event, if that is possible. Any other request waits
    /// for the end of the event: a write, and the requests of a driver whose input waits.
    fn postpone(&mut self, request: CogRequest, writers: &[u64]) {
        let worker = request.worker();
        let waits = writers.contains(&worker)
            || self.postponed_requests.iter().any(|request| request.worker() == worker);
        match request {
            CogRequest::Read { worker, key, serial, query, call } if !waits => {
                self.reads.add(ReadRequest { worker, key, serial, call }, query);
            }
            request => self.postponed_requests.push_back(request),
        }
    }

    /// Ends the reads that have begun, for want of memory. Their drivers begin anew.
    pub(super) fn abort_long_reads(&mut self) -> Result<(), RunError> {
        for BegunRead { request, sees, run, .. } in std::mem::take(&mut self.reads.long) {
            drop(run);
            let Some(slot) = self.slot_of_reader(&request) else { continue };
            let ReadRequest { worker, key, serial, .. } = request;
            let notice = ConsoleNotice::Aborted(ReportOrigin::Read(slot), AbortReason::Memory);
            let effects = vec![
                Effect::Report(vec![ConsoleMessage::Notice(notice)]),
                Effect::Message(worker, DriverMessage::ReadFailed { key, serial }),
            ];
            self.perform_when_durable_up_to(sees, effects)?;
        }
        self.cog.cancel_dropped_evaluations();
        Ok(())
    }

    /// Drops all reads, and unwinds those that have begun.
    pub(super) fn drop_reads(&mut self) {
        self.reads = ReadQueue::default();
        self.cog.cancel_dropped_evaluations();
    }
}
