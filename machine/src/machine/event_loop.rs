//! The event loop of a running machine.

use super::effect_queue::{Effect, EffectQueue};
use super::inputs::WorkerInput;
use super::read_queue::ReadRequest;
use super::{FULL_DISK_RETRY, Machine};
use crate::cog::CogOutput;
use crate::error::RunError;
use crate::event::{EventInput, EventRecord};
use crate::message::{self, CogRequest, ControlMessage, DriverMessage, RequestRow};
use crate::trace::ConsoleMessage;
use persist::LogError;
use profile::ProfileTimer;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// The most requests, and about the most bytes, that are handled as one batch. They limit the size
/// of an event.
const BATCH_REQUESTS: usize = 1024;
const BATCH_BYTES: usize = 16 << 20;

/// How long an event may be on its way to the disk before the loop asks the log for the reason.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

/// When the log is asked why an event has been on its way to the disk for long.
#[derive(Default)]
struct FlushPatience(Option<Instant>);

impl FlushPatience {
    /// Whether effects have waited for [`FLUSH_PATIENCE`] since they began to wait, or since this
    /// was last the case.
    fn is_over(&mut self, queue: &EffectQueue) -> bool {
        let now = Instant::now();
        let is_over = self.0.is_some_and(|at| at <= now) && !queue.is_empty();
        if is_over || queue.is_empty() {
            self.0 = None;
        }
        if !queue.is_empty() {
            self.0.get_or_insert(now + FLUSH_PATIENCE);
        }
        is_over
    }

    /// How long the patience lasts. None: no effects wait.
    fn time_left(&self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }
}

impl Machine {
    /// Handles messages until a stop is requested or the cog takes no more events.
    pub(super) fn serve(&mut self) -> Result<(), RunError> {
        let mut patience = FlushPatience::default();
        loop {
            self.doorbell.silence();
            while let Some(control) = self.next_control() {
                self.handle_control(control)?;
            }
            self.pool.notify_drivers();
            let is_over = self.cog.status().running().is_none() && self.queue.is_empty();
            if is_over || self.is_ending() {
                return Ok(());
            }
            if patience.is_over(&self.queue) {
                self.check_late_flush()?;
            }
            if let Some(request) = self.next_request() {
                self.handle_batch(request)?;
                self.run_reads_on_credit()?;
                self.end_survey(false)?;
            } else if !self.reads.is_empty() {
                self.run_reads_in_idle_time()?;
                self.end_survey(false)?;
            } else {
                self.end_survey(true)?;
                if self.is_stalled() {
                    let list = |limit, list| self.pool.list_calls(limit, &list);
                    self.stall = Some(message::collect_calls(list));
                    return Ok(());
                }
                self.wait(&patience);
            }
        }
    }

    /// Whether nothing can happen any more, and the machine is to end then. No request waits, and no
    /// read.
    fn is_stalled(&mut self) -> bool {
        if !self.settings.end_when_stalled || !self.queue.is_empty() || !self.pool.is_dormant() {
            return false;
        }
        // Of what the drivers did before they became dormant, something may have arrived since the
        // loop looked. It is handled in the next turn.
        self.postponed_requests.extend(self.requests.try_receive());
        self.postponed_control.extend(self.control.try_receive());
        self.postponed_requests.is_empty() && self.postponed_control.is_empty()
    }

    /// Waits for a message, or until the patience with the log is over.
    fn wait(&mut self, patience: &FlushPatience) {
        self.reads.renew_budget();
        self.doorbell.sleep(|| match patience.time_left() {
            None => thread::park(),
            Some(time) => thread::park_timeout(time),
        });
    }

    /// Goes on with a collection of the store that waits for the references of the cog's heap.
    /// The heap is collected for it if the machine is idle, but not while a snapshot is being frozen:
    /// the collection would wait for that.
    fn end_survey(&mut self, is_idle: bool) -> Result<(), RunError> {
        let collects = is_idle && !self.snapshots.is_writing();
        self.garbage.end_survey(&mut self.cog, &self.store, &self.control_sender, collects)
    }

    /// The next message, if one has arrived.
    fn next_control(&mut self) -> Option<ControlMessage> {
        self.postponed_control.pop_front().or_else(|| self.control.try_receive())
    }

    /// The next request, if one has arrived.
    fn next_request(&mut self) -> Option<CogRequest> {
        self.postponed_requests.pop_front().or_else(|| self.requests.try_receive())
    }

    /// Whether the machine takes no more inputs: a stop was requested, or an event exceeded a
    /// limit.
    pub(super) fn is_ending(&self) -> bool {
        self.stopping.load(Ordering::SeqCst) || self.limit_stop.is_some()
    }

    pub(super) fn handle_control(&mut self, control: ControlMessage) -> Result<(), RunError> {
        match control {
            ControlMessage::Durable(Ok(seq)) => {
                while let Some(effects) = self.queue.pop(seq) {
                    self.perform(effects)?;
                }
                self.notice_disk_has_room();
            }
            ControlMessage::Durable(Err(error)) => return Err(error.into()),
            ControlMessage::JobDone { worker, payload } => {
                if let Some(slot) = self.workers.job_done(worker) {
                    self.metrics.count_job();
                    self.pool.cancel(worker);
                    let input = EventInput { slot, payload };
                    let row = RequestRow { worker, number: 0 };
                    self.handle_inputs(vec![WorkerInput { row, input, value: None }])?;
                }
            }
            ControlMessage::WorkerFailed(error) => return Err(error.into()),
            ControlMessage::WorkerDamaged(problem) => return Err(self.damaged(problem)),
            ControlMessage::SnapshotDone(end) => {
                if end.result.is_ok() {
                    self.metrics.count_snapshot();
                }
                self.snapshots.done(end, &*self.settings.console)?;
                self.garbage.start_if_due(&mut self.cog, &self.store, &self.control_sender)?;
            }
            ControlMessage::Garbage(report) => {
                let is_due = self.garbage.done(report, &self.metrics, &*self.settings.console);
                // The cog's heap would wait for a running freeze. The end of the snapshot looks again.
                if is_due && !self.snapshots.is_writing() {
                    self.garbage.start_if_due(&mut self.cog, &self.store, &self.control_sender)?;
                }
            }
            ControlMessage::Panicked(thread) => {
                return Err(RunError::Defect(format!("the thread of {thread} panicked")));
            }
            ControlMessage::Upgrade(request) => self.handle_upgrade(*request)?,
            ControlMessage::ListCalls { limit, list } => self.pool.list_calls(limit, &list),
            ControlMessage::BeginProfile(request) => self.begin_profile(request),
            ControlMessage::EndProfile => self.end_profile(),
            // The loop looks at `stopping` itself.
            ControlMessage::Stop => {}
        }
        Ok(())
    }

    /// Handles a request and those that wait behind it. The writes are one event, unless a read is
    /// to see one of them. The loop notifies the drivers of the answers.
    fn handle_batch(&mut self, first: CogRequest) -> Result<(), RunError> {
        self.reads.renew_budget();
        self.run_fresh_reads()?;
        let mut inputs = Vec::new();
        let (mut requests, mut bytes) = (0, 0);
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                CogRequest::Write { row, value } => {
                    if let Some(slot) = self.workers.slot_of(row.worker)
                        && let Some(input) = self.written_input(row, slot, value)
                    {
                        bytes += input.input.payload.len();
                        inputs.push(input);
                    }
                }
                CogRequest::Read { row, key, serial, query, call } => {
                    if inputs.iter().any(|input| input.row == row) {
                        self.handle_inputs(std::mem::take(&mut inputs))?;
                    }
                    if !self.is_ending() {
                        let worker = row.worker;
                        self.reads.add(ReadRequest { worker, key, serial, call }, query);
                        self.run_fresh_reads()?;
                    }
                }
            }
            requests += 1;
            let is_full = requests >= BATCH_REQUESTS || bytes >= BATCH_BYTES;
            next = if is_full { None } else { self.next_request() };
        }
        self.handle_inputs(inputs)
    }

    /// Appends an event to the log. Waits while the disk is full.
    pub(super) fn append(&mut self, event: &EventRecord, took: Duration) -> Result<(), RunError> {
        let evaluated = Instant::now();
        self.metrics.set_heap(self.cog.heap().used_bytes(), self.cog.heap().statistics());
        self.metrics.set_workers(self.workers.count());
        loop {
            let payload = event.encode();
            let length = payload.len() as u64;
            let control = self.control_sender.clone();
            let metrics = Arc::clone(&self.metrics);
            let timer = ProfileTimer::start(self.commits.as_ref());
            let appended = self.appender.append(payload, move |result| {
                if result.is_ok() {
                    metrics.count_event(length, took + evaluated.elapsed());
                    timer.overlapping_span("log", "append to durable");
                }
                control.send(ControlMessage::Durable(result));
            });
            match appended {
                Ok(seq) => {
                    self.applied = seq;
                    self.snapshots.count_event(length, took);
                    return Ok(());
                }
                Err(LogError::Full(error)) if !self.stopping.load(Ordering::SeqCst) => {
                    self.notice_disk_is_full(&error.to_string());
                    thread::sleep(FULL_DISK_RETRY);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The effects of the event that was just applied, in the order in which they are to happen.
    pub(super) fn effects(
        &mut self,
        outputs: Vec<CogOutput>,
        reports: Vec<ConsoleMessage>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !reports.is_empty() {
            effects.push(Effect::Report(reports));
        }
        let first_new_worker = self.workers.next_worker();
        let (vm, state) = self.cog.parts();
        let changes = self.workers.update(vm, state.status.running());
        effects.extend(changes.into_iter().map(Effect::Worker));
        for CogOutput { slot, key, message: value } in outputs {
            // A driver that starts with this event has made no request yet, so the message was for
            // the one before it.
            let driver = self.workers.driver_in(slot).filter(|worker| *worker < first_new_worker);
            if let Some(worker) = driver {
                let message = DriverMessage::CogOutput { key, value };
                effects.push(Effect::Message(worker, message));
            }
        }
        effects
    }
}
