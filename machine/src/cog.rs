//! The cog: its heap, its state, and what can happen to it.
//!
//! [`Cog::apply`] is the one way in which the state changes, live and in replay alike.

use crate::codec::{self, Portable};
use crate::console::{Notice, Who};
use crate::error::{Abort, SystemError};
use crate::job;
use crate::protocol::{self, CogParts, Worker};
use crate::record::{Fate, Input, Payload};
use crate::settings::Settings;
use crate::state::Status;
use crate::trace::{Said, Traces};
use crate::watchdog::{Overrun, Watchdog};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::seed::LoadError;
use vm::{Hash, Stop, Val, Vm};

/// The longest crash argument that is kept, in bytes; 0 takes the place of longer ones.
const CRASH_LIMIT: usize = 64 << 20;

/// Where the word on an event's end comes from.
pub(crate) enum Word<'a> {
    /// It is found out.
    Live,
    /// It is in the log.
    Logged(&'a Fate),
}

/// A message of the cog to a worker.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Output {
    /// The worker's slot.
    pub(crate) slot: u64,
    /// The request of the driver that it answers, if it does.
    pub(crate) key: u64,
    pub(crate) message: Portable,
}

/// What an event led to, besides the state.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) fate: Fate,
    /// None in a replay.
    pub(crate) outputs: Vec<Output>,
    /// How long its evaluation took.
    pub(crate) took: Duration,
}

/// Why an event could not be applied. The state is as it was.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The machine is to stop, and the evaluation took longer than it can wait.
    Hurried,
    /// The evaluation ended like this, though the log says it succeeded.
    Stuck(Stop),
    /// The log has an event for a cog that does not take any.
    NotSpinning,
    /// The log's bytes of that input are no value.
    Input(u64, LoadError),
    /// The job in that slot, computed again, is not there or gave another value than it did.
    Job(u64),
    /// A pin of the state is damaged: [`Stop::Damaged`].
    Damaged(Stop),
}

/// The cog. See the module's overview.
pub(crate) struct Cog {
    vm: Vm,
    status: Status,
    traces: Traces,
    settings: Arc<Settings>,
    watchdog: Arc<Watchdog>,
}

/// Why a step was not made.
enum Failure {
    Stop(Stop),
    Refused(Refused),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Failure {
        Failure::Stop(stop)
    }
}

impl Cog {
    /// A cog whose state `load` brings into its heap.
    pub(crate) fn new<E: From<SystemError>>(
        settings: &Arc<Settings>,
        watchdog: &Arc<Watchdog>,
        load: impl FnOnce(&mut Vm) -> Result<Status, E>,
    ) -> Result<Cog, E> {
        let mut vm = settings.runtime(settings.heap.clone())?;
        let status = load(&mut vm)?;
        let traces = Traces::default();
        traces.attach(&mut vm, &settings.console, &settings.clock);
        let (settings, watchdog) = (Arc::clone(settings), Arc::clone(watchdog));
        Ok(Cog { vm, status, traces, settings, watchdog })
    }

    /// Its state.
    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// Its heap.
    pub(crate) fn heap(&self) -> &Vm {
        &self.vm
    }

    /// Its heap and its state.
    pub(crate) fn parts(&mut self) -> (&mut Vm, &Status) {
        (&mut self.vm, &self.status)
    }

    /// What it said since it was last asked.
    pub(crate) fn take_said(&self) -> Vec<Said> {
        self.traces.take()
    }

    /// The hash of its state: that of a snapshot's root.
    pub(crate) fn hash(&mut self) -> Result<Hash, Stop> {
        let value = self.status.to_value(&mut self.vm)?;
        self.vm.hash(&value)
    }

    /// Lets an event happen.
    pub(crate) fn apply(&mut self, inputs: &[Input], word: &Word<'_>) -> Result<Applied, Refused> {
        let Status::Spinning(cog) = &self.status else { return Err(Refused::NotSpinning) };
        let cog = cog.clone();
        let begun = Instant::now();
        if let Word::Logged(fate) = word
            && **fate != Fate::Done
        {
            self.conclude(cog, fate).map_err(|error| Refused::Input(0, error))?;
            return Ok(Applied { fate: (*fate).clone(), outputs: vec![], took: begun.elapsed() });
        }
        let is_replay = matches!(word, Word::Logged(_));
        self.traces.silence(is_replay);
        let (result, overrun) = if is_replay {
            (self.step(&cog, inputs), None)
        } else {
            self.watched(|this| this.step(&cog, inputs))
        };
        let took = begun.elapsed();
        // Of an evaluation that came upon damage nothing counts, whatever it came to.
        self.check_damage()?;
        match result {
            Ok(result) => {
                let outputs = if is_replay { Vec::new() } else { self.outputs(&result) };
                self.check_damage()?;
                self.accept(&result);
                Ok(Applied { fate: Fate::Done, outputs, took })
            }
            Err(Failure::Refused(refused)) => Err(refused),
            Err(Failure::Stop(stop)) if is_replay => Err(Refused::Stuck(stop)),
            Err(Failure::Stop(_)) if overrun == Some(Overrun::Hurry) => Err(Refused::Hurried),
            Err(Failure::Stop(stop)) => {
                let fate = self.fate(stop, took);
                self.conclude(cog, &fate).map_err(|error| Refused::Input(0, error))?;
                Ok(Applied { fate, outputs: Vec::new(), took })
            }
        }
    }

    /// Fails if anything of the state that has been looked at was damaged.
    pub(crate) fn check_damage(&self) -> Result<(), Refused> {
        self.vm.check_damage().map_err(Refused::Damaged)
    }

    /// Runs something under the time limit.
    fn watched<T>(&mut self, run: impl FnOnce(&mut Cog) -> T) -> (T, Option<Overrun>) {
        let interrupt = self.vm.interrupt_flag();
        let watchdog = Arc::clone(&self.watchdog);
        let watch = watchdog.watch(&interrupt, self.settings.limit);
        let result = run(self);
        (result, watch.end())
    }

    /// What the cog makes of inputs, in normal form.
    fn step(&mut self, cog: &Val, inputs: &[Input]) -> Result<Val, Failure> {
        let mut rows = Vec::with_capacity(inputs.len());
        for input in inputs {
            let slot = self.vm.nat(input.slot);
            let value = self.input(cog, input)?;
            rows.push(self.vm.row(&[slot, value])?);
        }
        let inputs = self.vm.row(&rows)?;
        Ok(self.vm.call_in_order(cog, &[inputs])?)
    }

    /// The value of an input.
    fn input(&mut self, cog: &Val, input: &Input) -> Result<Val, Failure> {
        let (expected, value) = match &input.payload {
            Payload::Written(value) | Payload::Result(value) => (None, value),
            Payload::Noted(_, Some(value)) => (None, value),
            Payload::Noted(hash, None) => (Some(hash), &self.recompute(cog, input.slot)?),
        };
        let value =
            codec::unpack(&mut self.vm, value).map_err(|error| {
                match codec::out_of_room(&error) {
                    Some(stop) => Failure::Stop(stop),
                    None => Failure::Refused(Refused::Input(input.slot, error)),
                }
            })?;
        match expected {
            Some(hash) if self.vm.hash(&value).map_err(Failure::Stop)? != *hash => {
                Err(Failure::Refused(Refused::Job(input.slot)))
            }
            _ => Ok(value),
        }
    }

    /// Runs the job in that slot once more.
    fn recompute(&self, cog: &Val, slot: u64) -> Result<Portable, Failure> {
        let refused = || Failure::Refused(Refused::Job(slot));
        let mut slots = CogParts::of(self.vm.look(cog)).slots();
        let found = usize::try_from(slot).ok().and_then(|slot| slots.nth(slot));
        let Some(Worker::Job(row)) = found.and_then(Worker::of) else { return Err(refused()) };
        let row = self.vm.hold(row);
        let task = codec::pack(&self.vm, &row).map_err(|_| refused())?;
        job::compute(&self.settings, &task).map(|done| done.value).map_err(|_| refused())
    }

    /// The messages that came of a call.
    fn outputs(&self, result: &Val) -> Vec<Output> {
        let (_, outputs) = protocol::reply(self.vm.look(result));
        let mut packed = Vec::with_capacity(outputs.len());
        for output in outputs {
            let message = self.vm.hold(output.message);
            match codec::pack(&self.vm, &message) {
                Ok(message) => {
                    packed.push(Output { slot: output.slot, key: output.key, message });
                }
                Err(_) => self.traces.push(Said::Notice(Notice::TooLarge(Who::Cog))),
            }
        }
        packed
    }

    /// Goes on with what a call gave.
    fn accept(&mut self, result: &Val) {
        let (next, _) = protocol::reply(self.vm.look(result));
        let is_working = next.is_some_and(|cog| CogParts::of(cog).is_working());
        let next = next.map(|cog| self.vm.hold(cog)).unwrap_or_else(|| self.vm.nat(0));
        self.status = if is_working { Status::Spinning(next) } else { Status::Finished(next) };
    }

    /// How an event that gave no value ended.
    fn fate(&mut self, stop: Stop, took: Duration) -> Fate {
        self.say(Who::Cog, &stop);
        match stop {
            Stop::Crash { op, arg } => {
                Fate::Crashed { op: self.pack_short(&op), arg: self.pack_short(&arg) }
            }
            Stop::Interrupted => Fate::TimedOut(took),
            Stop::Loop => Fate::Aborted(Abort::Loop),
            Stop::StackFull => Fate::Aborted(Abort::Stack),
            Stop::HeapFull | Stop::TooLarge { .. } => Fate::Aborted(Abort::Memory),
            Stop::Damaged { .. } => unreachable!("damage is no end that an event can have"),
        }
    }

    /// A part of a crash, or 0 if it is too large to be kept.
    fn pack_short(&mut self, value: &Val) -> Portable {
        let packed = codec::pack(&self.vm, value).ok().filter(|it| it.len() <= CRASH_LIMIT);
        packed.unwrap_or_else(|| self.zero())
    }

    fn zero(&mut self) -> Portable {
        let zero = self.vm.nat(0);
        codec::pack(&self.vm, &zero).expect("a nat is in normal form and small")
    }

    /// Puts an end without a value into words.
    fn say(&self, who: Who, stop: &Stop) {
        self.traces.push(Said::of_stop(&self.settings, &self.vm, who, stop));
    }

    /// Says again what the cog crashed with, if it has.
    pub(crate) fn say_crash(&self) {
        if let Status::Crashed { op, arg, .. } = &self.status {
            self.say(Who::Cog, &Stop::Crash { op: op.clone(), arg: arg.clone() });
        }
    }

    /// Puts the cog into the state in which an event that failed leaves it.
    fn conclude(&mut self, cog: Val, fate: &Fate) -> Result<(), LoadError> {
        self.status = match fate {
            Fate::Done => Status::Spinning(cog),
            Fate::Crashed { op, arg } => {
                let op = codec::unpack(&mut self.vm, op)?;
                let arg = codec::unpack(&mut self.vm, arg)?;
                Status::Crashed { op, arg, cog }
            }
            Fate::TimedOut(after) => Status::TimedOut { after: *after, cog },
            Fate::Aborted(abort) => Status::Aborted { abort: *abort, cog },
        };
        Ok(())
    }

    /// What the cog answers to a query of the driver in that slot: 0 if it fails to. None if the
    /// machine is to stop.
    pub(crate) fn read(&mut self, slot: u64, key: u64, query: &Portable) -> Option<Portable> {
        self.traces.silence(false);
        let (result, overrun) = self.watched(|this| this.try_read(key, query));
        match result {
            Ok(answer) => return Some(answer),
            Err(_) if overrun == Some(Overrun::Hurry) => return None,
            Err(Failure::Stop(stop)) => self.say(Who::Read(slot), &stop),
            Err(Failure::Refused(_)) => {
                self.traces.push(Said::Notice(Notice::TooLarge(Who::Read(slot))));
            }
        }
        Some(self.zero())
    }

    fn try_read(&mut self, key: u64, query: &Portable) -> Result<Portable, Failure> {
        let unreadable = |error: LoadError| match codec::out_of_room(&error) {
            Some(stop) => Failure::Stop(stop),
            None => Failure::Refused(Refused::Input(0, error)),
        };
        let query = codec::unpack(&mut self.vm, query).map_err(unreadable)?;
        let zero = self.vm.nat(0);
        let parts = self.status.spinning().map(|cog| CogParts::of(self.vm.look(cog)));
        let hold = |part: Option<vm::Ref<'_>>| part.map(|part| self.vm.hold(part));
        let state = parts.as_ref().and_then(|parts| hold(parts.state)).unwrap_or(zero.clone());
        let reads = parts.as_ref().and_then(|parts| hold(parts.reads)).unwrap_or(zero);
        let key = self.vm.nat(key);
        let call = self.vm.app(&reads, &[state, key, query])?;
        let answer = self.vm.force(&call)?;
        codec::pack(&self.vm, &answer).map_err(|_| Failure::Refused(Refused::Stuck(Stop::HeapFull)))
    }
}
