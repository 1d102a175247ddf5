//! The run loop of a machine: inputs become events, events are logged, and what came of them goes
//! out when the log is durable.
//!
//! ```text
//! requests ─▶ batch ─▶ cog.apply ─▶ append ─┬▶ ... ─▶ durable ─▶ release: messages, workers, traces
//!                          ▲                └▶ held, in order
//! job results ─────────────┘
//! ```
//!
//! The loop runs on the thread that the machine was opened on, which is the cog's. While an event
//! is on its way to the disk, the next ones are applied.

mod leave;

use crate::checks::Checks;
use crate::codec::Portable;
use crate::cog::{Applied, Cog, Output, Refused, Word};
use crate::console::{Notice, Who};
use crate::crew::Crew;
use crate::driver::ToDriver;
use crate::error::{Abort, RunError};
use crate::messages::{Control, Request};
use crate::record::{Event, Input, Payload};
use crate::settings::Settings;
use crate::snapshot::Snapshots;
use crate::state::Status;
use crate::trace::Said;
use crate::watchdog::Watchdog;
use crate::workers::{Change, Workers};
use crossbeam_channel::{Receiver, Sender, after, never, select};
use persist::{LogAppender, LogError, Seq, Store};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use vm::Hash;

/// The most requests, and about the most bytes, that are taken at once, and so the most of one event.
const BATCH_REQUESTS: usize = 1024;
const BATCH_BYTES: usize = 16 << 20;

/// How many requests of drivers may be waiting before drivers have to.
pub(crate) const QUEUE: usize = 1024;

/// How long a stop waits for an evaluation that is under way.
const GRACE: Duration = Duration::from_secs(1);

/// How often a full disk is looked at again.
const RETRY: Duration = Duration::from_millis(250);

/// How long events may be on their way to the disk before the reason is asked for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a machine stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was told to.
    Stopped,
    /// The cog wants nothing to run any more, so nothing can ever happen to it.
    Finished,
    /// The cog crashed, now or in an earlier run.
    Crashed,
    /// The cog took too long to handle an event, now or in an earlier run.
    TimedOut,
    /// The cog could not handle an event, now or in an earlier run.
    Aborted(Abort),
}

/// Stops a running machine from another thread.
#[derive(Clone)]
pub struct Handle {
    control: Sender<Control>,
    stopping: Arc<AtomicBool>,
    watchdog: Arc<Watchdog>,
}

impl Handle {
    /// Has the machine finish what it is at, write a snapshot and leave. An evaluation that takes
    /// longer than a second is given up; its event has then not happened.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.watchdog.hurry(GRACE);
        // A machine that is gone has stopped.
        let _ = self.control.send(Control::Stop);
    }
}

/// Something that depends on an event.
enum Effect {
    Change(Change),
    Tell(u64, ToDriver),
    Say(Vec<Said>),
}

/// A machine, ready to run. It belongs to the thread that opened it.
pub struct Machine {
    pub(crate) settings: Arc<Settings>,
    pub(crate) store: Arc<Store>,
    pub(crate) appender: LogAppender,
    pub(crate) watchdog: Arc<Watchdog>,
    pub(crate) cog: Cog,
    pub(crate) workers: Workers,
    pub(crate) crew: Crew,
    pub(crate) requests: Receiver<Request>,
    pub(crate) control: Receiver<Control>,
    pub(crate) to_control: Sender<Control>,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) snapshots: Snapshots,
    pub(crate) checks: Checks,
    pub(crate) replayed: u64,
    /// The last event that happened to the cog.
    pub(crate) applied: Seq,
    /// What came of events that are not durable, in order.
    pub(crate) held: Held,
    pub(crate) disk_is_full: bool,
}

/// What waits for events to be durable.
#[derive(Default)]
pub(crate) struct Held(VecDeque<(Seq, Vec<Effect>)>);

impl Machine {
    /// A handle that stops the machine.
    pub fn handle(&self) -> Handle {
        Handle {
            control: self.to_control.clone(),
            stopping: Arc::clone(&self.stopping),
            watchdog: Arc::clone(&self.watchdog),
        }
    }

    /// How many events were replayed when the machine was opened.
    pub fn replayed(&self) -> u64 {
        self.replayed
    }

    /// The hash of the machine's state: what a snapshot taken now would have as its root. None if
    /// the heap has no room for computing it.
    pub fn state_hash(&mut self) -> Option<Hash> {
        self.cog.hash().ok()
    }

    /// Runs the machine until it is stopped or has nothing to do ever again.
    ///
    /// # Errors
    /// Why it had to stop. Everything that was seen of it outside is in its store.
    pub fn run(mut self) -> Result<Outcome, RunError> {
        self.cog.say_crash();
        let said = self.cog.take_said();
        let changes = self.workers.follow(self.cog.heap(), self.cog.status().spinning());
        if let Err(damaged) = self.check_damage() {
            return self.leave(Err(damaged)).map(|()| Outcome::Stopped);
        }
        // All that it stands on is durable.
        self.release(vec![Effect::Say(said)])?;
        self.release(changes.into_iter().map(Effect::Change).collect())?;
        let served = self.serve();
        let outcome = self.outcome();
        self.leave(served).map(|()| outcome)
    }

    fn outcome(&self) -> Outcome {
        if self.stopping.load(Ordering::SeqCst) {
            return Outcome::Stopped;
        }
        match self.cog.status() {
            Status::Spinning(_) => Outcome::Stopped,
            Status::Finished(_) => Outcome::Finished,
            Status::Crashed { .. } => Outcome::Crashed,
            Status::TimedOut { .. } => Outcome::TimedOut,
            Status::Aborted { abort, .. } => Outcome::Aborted(*abort),
        }
    }

    /// Handles whatever comes, until it is time to stop.
    fn serve(&mut self) -> Result<(), RunError> {
        loop {
            while let Ok(control) = self.control.try_recv() {
                self.control(control)?;
            }
            let is_over = self.cog.status().spinning().is_none() && self.held.0.is_empty();
            if is_over || self.stopping.load(Ordering::SeqCst) {
                return Ok(());
            }
            let late = match self.held.0.front() {
                Some(_) => after(PATIENCE),
                None => never(),
            };
            select! {
                recv(self.control) -> control => {
                    // The machine holds a sender itself.
                    if let Ok(control) = control { self.control(control)?; }
                }
                recv(self.requests) -> request => {
                    // And the crew holds one of these.
                    if let Ok(request) = request { self.batch(request)?; }
                }
                recv(late) -> _ => self.ask_why_late()?,
            }
        }
    }

    fn control(&mut self, control: Control) -> Result<(), RunError> {
        match control {
            Control::Durable(Ok(seq)) => {
                while let Some((_, effects)) = self.held.0.pop_front_if(|(at, _)| *at <= seq) {
                    self.release(effects)?;
                }
                self.note_room();
            }
            Control::Durable(Err(error)) => return Err(error.into()),
            Control::JobDone { worker, payload } => {
                if let Some(slot) = self.workers.job_done(worker) {
                    self.crew.end(worker);
                    self.event(vec![Input { slot, payload }])?;
                }
            }
            Control::WorkerFailed(error) => return Err(error.into()),
            Control::SnapshotDone(result) => {
                self.snapshots.done(result, &*self.settings.console)?
            }
            Control::Panicked(what) => {
                return Err(RunError::Defect(format!("the thread of {what} panicked")));
            }
            Control::Stop => {}
        }
        Ok(())
    }

    /// Handles a request and those that have come after it: writes in a row are one event.
    fn batch(&mut self, first: Request) -> Result<(), RunError> {
        let mut inputs = Vec::new();
        let (mut requests, mut bytes) = (0, 0);
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Write { worker, value } => {
                    if let Some(slot) = self.workers.slot_of(worker) {
                        bytes += value.len();
                        inputs.push(Input { slot, payload: Payload::Written(value) });
                    }
                }
                Request::Read { worker, key, serial, query } => {
                    self.event(std::mem::take(&mut inputs))?;
                    self.read(worker, key, serial, &query)?;
                }
            }
            requests += 1;
            let is_full = requests >= BATCH_REQUESTS || bytes >= BATCH_BYTES;
            next = if is_full { None } else { self.requests.try_recv().ok() };
        }
        self.event(inputs)
    }

    /// Lets an event happen: to the cog at once, to the world when it is durable.
    fn event(&mut self, inputs: Vec<Input>) -> Result<(), RunError> {
        let is_stopping = self.stopping.load(Ordering::SeqCst);
        if inputs.is_empty() || is_stopping || self.cog.status().spinning().is_none() {
            return Ok(());
        }
        let before = self.checks.hash(&mut self.cog);
        let Applied { fate, outputs, took } = match self.cog.apply(&inputs, &Word::Live) {
            Ok(applied) => applied,
            // It has not happened. The machine stops.
            Err(Refused::Hurried) => {
                self.cog.take_said();
                return Ok(());
            }
            Err(refused) => return Err(self.refused(refused)),
        };
        let now = self.settings.clock.now().as_nanosecond();
        let time = u64::try_from(now).unwrap_or(0);
        let record = Event { time, before, fate, inputs };
        self.append(&record, took)?;
        let said = self.cog.take_said();
        let effects = self.effects(outputs, said);
        self.check_damage()?;
        self.held.0.push_back((self.applied, effects));
        let Machine { snapshots, cog, store, to_control, settings, .. } = self;
        snapshots.begin_if_due(cog, store, self.applied, to_control, &*settings.console)
    }

    fn refused(&self, refused: Refused) -> RunError {
        match refused {
            Refused::Damaged(stop) => {
                let path = self.store.path().into();
                RunError::Damaged { path, problem: stop.to_string() }
            }
            refused => RunError::Defect(format!("an event was refused: {refused:?}")),
        }
    }

    fn check_damage(&self) -> Result<(), RunError> {
        self.cog.check_damage().map_err(|refused| self.refused(refused))
    }

    /// Appends an event to the log, waiting while the disk is full.
    fn append(&mut self, event: &Event, took: Duration) -> Result<(), RunError> {
        loop {
            let payload = event.encode();
            let length = payload.len() as u64;
            let control = self.to_control.clone();
            let appended = self.appender.append(payload, move |result| {
                // A machine that is gone need not know.
                let _ = control.send(Control::Durable(result));
            });
            match appended {
                Ok(seq) => {
                    self.applied = seq;
                    self.snapshots.count(length, took);
                    return Ok(());
                }
                Err(LogError::Full(error)) if !self.stopping.load(Ordering::SeqCst) => {
                    self.note_full(&error.to_string());
                    thread::sleep(RETRY);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What is to go out into the world after an event.
    fn effects(&mut self, outputs: Vec<Output>, said: Vec<Said>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !said.is_empty() {
            effects.push(Effect::Say(said));
        }
        let newcomers = self.workers.next();
        let changes = self.workers.follow(self.cog.heap(), self.cog.status().spinning());
        effects.extend(changes.into_iter().map(Effect::Change));
        for Output { slot, key, message } in outputs {
            // A worker that has just begun has asked for nothing yet.
            let known = self.workers.driver_in(slot).filter(|worker| *worker < newcomers);
            if let Some(worker) = known {
                effects.push(Effect::Tell(worker, ToDriver::Message { key, value: message }));
            }
        }
        effects
    }

    /// Answers a query of a driver, when the state it is answered from is durable.
    fn read(
        &mut self,
        worker: u64,
        key: u64,
        serial: u64,
        query: &Portable,
    ) -> Result<(), RunError> {
        let Some(slot) = self.workers.slot_of(worker) else { return Ok(()) };
        let answer = self.cog.read(slot, key, query);
        self.check_damage()?;
        let Some(value) = answer else { return Ok(()) };
        let mut effects = Vec::new();
        let said = self.cog.take_said();
        if !said.is_empty() {
            effects.push(Effect::Say(said));
        }
        effects.push(Effect::Tell(worker, ToDriver::Read { key, serial, value }));
        if self.held.0.is_empty() && self.store.durable() >= self.applied {
            return self.release(effects);
        }
        self.held.0.push_back((self.applied, effects));
        Ok(())
    }

    /// Lets out what has waited.
    fn release(&mut self, effects: Vec<Effect>) -> Result<(), RunError> {
        for effect in effects {
            match effect {
                Effect::Change(Change::Start { worker, slot, spec }) => {
                    self.crew.start(worker, slot, spec)?;
                }
                Effect::Change(Change::End { worker }) => self.crew.end(worker),
                Effect::Change(Change::TooLarge { slot }) => {
                    self.settings.console.notice(&Notice::TooLarge(Who::Driver(slot)));
                }
                Effect::Tell(worker, what) => self.crew.tell(worker, what),
                Effect::Say(said) => said.iter().for_each(|it| it.show(&*self.settings.console)),
            }
        }
        Ok(())
    }
}
