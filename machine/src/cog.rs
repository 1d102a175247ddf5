//! The cog: its heap, its state, and the transitions of the state.
//!
//! An event changes the state: a live one at the end of [`Cog::resume_event`], one of the log in
//! [`Cog::replay`], a retry in [`Cog::retry`], and an [upgrade]. Live events and [reads](read) are
//! evaluations that are suspended at times, so that one thread evaluates several of them in turns.
//! An event that ends in an error ([`CogError`]) leaves the state as it was.

mod event_run;
mod read;
mod upgrade;
mod whole;

use crate::codec::{self, SeedBytes};
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::conventions::JobResultForm;
use crate::error::{AbortReason, SystemError, UpgradeFailure};
use crate::event::{EventInput, EventOutcome, InputPayload};
use crate::job;
use crate::packed::{PackedMessage, PinLoader, PinPacker};
use crate::protocol::{self, CogParts, WorkerRef};
use crate::settings::MachineSettings;
use crate::status::{CogStatus, MachineState};
use crate::trace::{self, ConsoleMessage, TraceBuffer};
use crate::watchdog::{Interruption, Watchdog};
use plan::seed::LoadError;
use plan::{EvalError, Hash, Val};
use profile::{ProfileTimer, ProfileTrack};
use std::sync::Arc;
use std::time::Duration;
use vm::Vm;

pub(crate) use self::event_run::EventProgress;
pub(crate) use self::read::{ReadProgress, ReadResult, ReadRun};
pub(crate) use self::upgrade::UpgradeProgress;

/// The largest crash operation or argument that the state keeps, in serialized bytes. A larger one
/// is replaced by 0.
const CRASH_LIMIT: usize = 64 << 20;

/// The slice of an evaluation that is not to be suspended.
const WHOLE_SLICE: Duration = Duration::from_secs(86_400);

/// A message of the cog to a driver.
pub(crate) struct CogOutput {
    /// The driver's slot.
    pub(crate) slot: u64,
    /// The key of the driver's request that the message answers.
    pub(crate) key: u64,
    pub(crate) message: PackedMessage,
}

/// The result of an event, besides the new state.
pub(crate) struct AppliedEvent {
    pub(crate) outcome: EventOutcome,
    /// Empty in a replay, unless the cog records them ([`Cog::record_outputs`]).
    pub(crate) outputs: Vec<CogOutput>,
    /// How long the evaluation took.
    pub(crate) took: Duration,
}

/// Why an evaluation was aborted.
#[derive(Debug)]
pub(crate) struct Abort {
    pub(crate) reason: AbortReason,
    /// The calls that were in progress, innermost first.
    pub(crate) calls: Vec<String>,
}

/// Why the cog could not do what was asked. The state is as it was.
#[derive(Debug)]
pub(crate) enum CogError {
    /// The machine is shutting down, and the evaluation took longer than the machine waits.
    ShuttingDown,
    /// The evaluation exceeded a limit, or cannot end.
    Aborted(Abort),
    /// In a replay: the evaluation failed like this, but the log says that it succeeded.
    Diverged(EvalError),
    /// The cog is not running, so it takes no events.
    NotRunning,
    /// The cog has not crashed, so it cannot be retried.
    NotCrashed,
    /// The bytes of the input from this slot are not a value.
    InvalidInput(u64, LoadError),
    /// In a replay: the job in this slot is missing, or computes another value than it did.
    JobDiverged(u64),
    /// The evaluation needed a damaged pin ([`EvalError::Damaged`]). The heap must not be used any
    /// more.
    Damaged(EvalError),
    /// In a replay: the upgrade cannot be repeated.
    UpgradeDiverged(UpgradeFailure),
    /// In a replay: this event went back to the state after another one. The caller loads that state
    /// ([`Cog::reload`]).
    RolledBack {
        /// The event.
        to: u64,
        /// The hash of the state after it.
        root: Hash,
    },
}

/// Why the evaluation of an event has no result.
enum StepError {
    /// The evaluation failed: that is an outcome of the event.
    Evaluation(EvalError),
    /// The event cannot be applied.
    Cog(CogError),
}

impl From<EvalError> for StepError {
    fn from(stop: EvalError) -> StepError {
        StepError::Evaluation(stop)
    }
}

/// The cog's heap and state. See the module's overview.
pub(crate) struct Cog {
    vm: Vm,
    /// The pins of queries.
    pins: PinLoader,
    /// Packs the pins of answers and outputs.
    packer: PinPacker,
    state: MachineState,
    traces: TraceBuffer,
    settings: Arc<MachineSettings>,
    watchdog: Arc<Watchdog>,
    /// Where evaluations are recorded, if they are.
    track: Option<ProfileTrack>,
    /// Whether a replay serializes the outputs of events.
    records_outputs: bool,
}

impl Cog {
    /// Makes a heap, and a cog whose state `load` brings into it.
    pub(crate) fn new<E: From<SystemError>>(
        settings: &Arc<MachineSettings>,
        watchdog: &Arc<Watchdog>,
        load: impl FnOnce(&mut Vm) -> Result<MachineState, E>,
    ) -> Result<Cog, E> {
        let track = settings.track("cog");
        let mut vm = settings.cog_runtime(track.as_ref())?;
        let state = load(&mut vm)?;
        let traces = TraceBuffer::default();
        traces.attach(&mut vm, &settings.console, &settings.clock);
        let (settings, watchdog) = (Arc::clone(settings), Arc::clone(watchdog));
        let (pins, packer) = (PinLoader::default(), PinPacker::default());
        let records_outputs = false;
        Ok(Cog { vm, pins, packer, state, traces, settings, watchdog, track, records_outputs })
    }

    /// Replaces the state by the one that `load` brings into the heap.
    pub(crate) fn reload<E>(
        &mut self,
        load: impl FnOnce(&mut Vm) -> Result<MachineState, E>,
    ) -> Result<(), E> {
        self.state = load(&mut self.vm)?;
        Ok(())
    }

    /// The cog and its status.
    pub(crate) fn status(&self) -> &CogStatus {
        &self.state.status
    }

    /// The form of job results that the cog expects.
    pub(crate) fn job_results(&self) -> JobResultForm {
        self.state.conventions.job_results
    }

    /// Makes replays return the outputs of events.
    pub(crate) fn record_outputs(&mut self) {
        self.records_outputs = true;
    }

    /// Where the cog's thread records what it does, if it does.
    pub(crate) fn track(&self) -> Option<&ProfileTrack> {
        self.track.as_ref()
    }

    /// The heap.
    pub(crate) fn heap(&self) -> &Vm {
        &self.vm
    }

    /// The heap and the state.
    pub(crate) fn parts(&mut self) -> (&mut Vm, &MachineState) {
        (&mut self.vm, &self.state)
    }

    /// Takes what the cog has reported since the last call.
    pub(crate) fn take_messages(&self) -> Vec<ConsoleMessage> {
        self.traces.take()
    }

    /// Unwinds the evaluations that were dropped while they were suspended.
    pub(crate) fn cancel_dropped_evaluations(&mut self) {
        self.vm.cancel_dropped();
    }

    /// The hash of the state: that of a snapshot's root.
    pub(crate) fn hash(&mut self) -> Result<Hash, EvalError> {
        let value = self.state.to_value(&mut self.vm)?;
        self.vm.hash(&value)
    }

    /// Applies an event of the log to the state. Only an event that succeeded is evaluated again,
    /// without a time limit.
    ///
    /// # Errors
    /// The state is as it was: see [`CogError`].
    pub(crate) fn replay(
        &mut self,
        inputs: &[EventInput],
        outcome: &EventOutcome,
    ) -> Result<AppliedEvent, CogError> {
        match outcome {
            EventOutcome::Retried => return self.retry(),
            EventOutcome::Upgraded(program) => {
                let upgraded = self.replay_upgrade(program);
                let took = upgraded.map_err(CogError::UpgradeDiverged)?;
                return Ok(AppliedEvent { outcome: outcome.clone(), outputs: Vec::new(), took });
            }
            EventOutcome::RolledBack { to, root } => {
                return Err(CogError::RolledBack { to: *to, root: *root });
            }
            _ => {}
        }
        let timer = ProfileTimer::start(self.track.as_ref());
        let result = self.try_replay(inputs, outcome);
        timer.span("event", "replay", || {
            vec![("inputs", inputs.len().into()), ("outcome", outcome_name(&result).into())]
        });
        result
    }

    fn try_replay(
        &mut self,
        inputs: &[EventInput],
        outcome: &EventOutcome,
    ) -> Result<AppliedEvent, CogError> {
        let CogStatus::Running(cog) = &self.state.status else { return Err(CogError::NotRunning) };
        let cog = cog.clone();
        let start = self.settings.clock.instant();
        let mut outputs = Vec::new();
        if *outcome == EventOutcome::Succeeded {
            self.traces.set_silent(true);
            let inputs = self.input_row(&cog, inputs, &[]).map_err(StepError::in_replay);
            let result = inputs.and_then(|inputs| {
                self.vm
                    .call_in_order(&cog, &[inputs])
                    .map_err(|stop| StepError::from(stop).in_replay())
            });
            self.check_damage()?;
            let result = result?;
            if self.records_outputs {
                outputs = self.outputs(&result);
                self.check_damage()?;
            }
            self.accept(&result);
        } else {
            self.repeat_failure(cog, outcome)?;
        }
        let took = self.settings.clock.instant() - start;
        Ok(AppliedEvent { outcome: outcome.clone(), outputs, took })
    }

    /// Makes a cog that has crashed run again, from the state before the event that crashed.
    ///
    /// # Errors
    /// [`CogError::NotCrashed`].
    pub(crate) fn retry(&mut self) -> Result<AppliedEvent, CogError> {
        let CogStatus::Crashed { cog, .. } = &self.state.status else {
            return Err(CogError::NotCrashed);
        };
        self.state.status = CogStatus::Running(cog.clone());
        let outcome = EventOutcome::Retried;
        Ok(AppliedEvent { outcome, outputs: Vec::new(), took: Duration::ZERO })
    }

    /// Makes the result of a live evaluation the new state.
    fn conclude(
        &mut self,
        cog: Val,
        result: Result<Val, StepError>,
        interruption: Option<Interruption>,
        took: Duration,
    ) -> Result<AppliedEvent, CogError> {
        // A damaged pin reads as 0 until the evaluation is interrupted, so even a value is wrong.
        self.check_damage()?;
        match result {
            Ok(result) => {
                let outputs = self.outputs(&result);
                self.check_damage()?;
                self.accept(&result);
                Ok(AppliedEvent { outcome: EventOutcome::Succeeded, outputs, took })
            }
            Err(StepError::Cog(error)) => Err(error),
            Err(StepError::Evaluation(_)) if interruption == Some(Interruption::Shutdown) => {
                Err(CogError::ShuttingDown)
            }
            Err(StepError::Evaluation(stop)) => {
                let outcome = self.crash(cog, stop)?;
                Ok(AppliedEvent { outcome, outputs: Vec::new(), took })
            }
        }
    }

    /// Fails if anything that the heap has looked at was damaged.
    ///
    /// # Errors
    /// [`CogError::Damaged`].
    pub(crate) fn check_damage(&self) -> Result<(), CogError> {
        self.vm.check_damage().map_err(CogError::Damaged)
    }

    /// Builds a value that a driver has written, unless it is large, and serializes it for the log.
    ///
    /// # Errors
    /// The message, if the heap has no room for it.
    pub(crate) fn receive(
        &mut self,
        message: PackedMessage,
    ) -> Result<(SeedBytes, Option<Val>), PackedMessage> {
        if let PackedMessage::Seed(seed) = message {
            return Ok((seed, None));
        }
        let Ok(value) = message.load(&mut self.pins, &mut self.vm) else { return Err(message) };
        match codec::serialize(&self.vm, &value) {
            Ok(seed) => Ok((seed, Some(value))),
            Err(_) => Err(message),
        }
    }

    /// The argument of the cog for an event with these inputs. `values` has the values of some of
    /// them, by index.
    fn input_row(
        &mut self,
        cog: &Val,
        inputs: &[EventInput],
        values: &[Option<Val>],
    ) -> Result<Val, StepError> {
        let mut rows = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            let slot = self.vm.nat(input.slot);
            let value = match values.get(index) {
                Some(Some(value)) => value.clone(),
                _ => self.input(cog, input)?,
            };
            rows.push(self.vm.row(&[slot, value])?);
        }
        Ok(self.vm.row(&rows)?)
    }

    /// Builds the value of an input.
    fn input(&mut self, cog: &Val, input: &EventInput) -> Result<Val, StepError> {
        let (expected, value) = match &input.payload {
            InputPayload::Written(value)
            | InputPayload::JobResult(value)
            | InputPayload::Offered(_, value) => (None, value),
            InputPayload::JobResultHash(_, Some(value)) => (None, value),
            InputPayload::JobResultHash(hash, None) => {
                (Some(hash), &self.recompute(cog, input.slot)?)
            }
        };
        let value =
            codec::deserialize(&mut self.vm, value).map_err(
                |error| match codec::evaluation_error(&error) {
                    Some(stop) => StepError::Evaluation(stop),
                    None => StepError::Cog(CogError::InvalidInput(input.slot, error)),
                },
            )?;
        match expected {
            Some(hash) if self.vm.hash(&value)? != *hash => {
                Err(StepError::Cog(CogError::JobDiverged(input.slot)))
            }
            _ => Ok(value),
        }
    }

    /// Runs the job in a slot again, whose result was too large for the log.
    fn recompute(&self, cog: &Val, slot: u64) -> Result<SeedBytes, StepError> {
        let diverged = || StepError::Cog(CogError::JobDiverged(slot));
        let mut slots = CogParts::of(self.vm.look(cog)).slots();
        let found = usize::try_from(slot).ok().and_then(|slot| slots.nth(slot));
        let Some(WorkerRef::Job(row)) = found.and_then(WorkerRef::of) else {
            return Err(diverged());
        };
        let row = self.vm.hold(row);
        let task = codec::serialize(&self.vm, &row).map_err(|_| diverged())?;
        let form = self.job_results();
        job::compute(&self.settings, &task, form).map(|result| result.value).map_err(|_| diverged())
    }

    /// Packs the messages in the result of a call.
    fn outputs(&mut self, result: &Val) -> Vec<CogOutput> {
        let (_, outputs) = protocol::cog_result(self.vm.look(result));
        let mut packed = Vec::with_capacity(outputs.len());
        for output in outputs {
            let message = self.vm.hold(output.message);
            match PackedMessage::pack(&mut self.packer, &self.vm, &message) {
                Ok(message) => {
                    packed.push(CogOutput { slot: output.slot, key: output.key, message });
                }
                Err(_) => {
                    self.traces
                        .push(ConsoleMessage::Notice(ConsoleNotice::TooLarge(ReportOrigin::Cog)));
                }
            }
        }
        packed
    }

    /// Makes the cog in the result of a call the new state.
    fn accept(&mut self, result: &Val) {
        let (next, _) = protocol::cog_result(self.vm.look(result));
        let has_workers = next.is_some_and(|cog| CogParts::of(cog).has_workers());
        let next = next.map(|cog| self.vm.hold(cog)).unwrap_or_else(|| self.vm.nat(0));
        self.state.status =
            if has_workers { CogStatus::Running(next) } else { CogStatus::Finished(next) };
    }

    /// Makes the state that of `cog` after an event that failed, and reports the failure. A crash
    /// is an outcome of the event; after any other failure the event has not happened.
    fn crash(&mut self, cog: Val, failure: EvalError) -> Result<EventOutcome, CogError> {
        if let Some(reason) = AbortReason::of(&failure) {
            let calls = trace::call_lines(&self.vm, self.vm.call_chain());
            return Err(CogError::Aborted(Abort { reason, calls }));
        }
        let EvalError::Crash { op, arg } = &failure else {
            return Err(CogError::Damaged(failure));
        };
        self.report(ReportOrigin::Cog, &failure);
        let outcome = EventOutcome::Crashed {
            op: self.serialize_crash_part(op),
            arg: self.serialize_crash_part(arg),
            calls: trace::call_lines(&self.vm, self.vm.call_chain()),
        };
        self.repeat_failure(cog, &outcome)?;
        Ok(outcome)
    }

    /// Serializes the operation or argument of a crash; 0 if it is too large.
    fn serialize_crash_part(&mut self, value: &Val) -> SeedBytes {
        let bytes = codec::serialize(&self.vm, value).ok().filter(|it| it.len() <= CRASH_LIMIT);
        bytes.unwrap_or_else(|| self.zero())
    }

    /// The value 0.
    pub(crate) fn zero(&mut self) -> SeedBytes {
        let zero = self.vm.nat(0);
        codec::serialize(&self.vm, &zero).expect("a nat is in normal form and small")
    }

    /// Reports that an evaluation failed.
    fn report(&self, origin: ReportOrigin, stop: &EvalError) {
        let (settings, vm) = (&self.settings, &self.vm);
        let message = ConsoleMessage::of_failure(settings, vm, vm.call_chain(), origin, stop);
        self.traces.push(message);
    }

    /// Reports the crash in the state, if the cog has crashed. The calls that were in progress, which
    /// are not part of the state, are those of the log.
    pub(crate) fn report_crash(&self, calls: &[String]) {
        if let CogStatus::Crashed { op, arg, .. } = &self.state.status {
            let (settings, vm, origin) = (&self.settings, &self.vm, ReportOrigin::Cog);
            self.traces.push(ConsoleMessage::of_crash(settings, vm, calls, origin, (op, arg)));
        }
    }

    /// Makes the state that of `cog` after an event with this outcome, which is not success. An
    /// event that exceeded a limit, as earlier versions logged it, has not happened.
    fn repeat_failure(&mut self, cog: Val, outcome: &EventOutcome) -> Result<(), CogError> {
        let mut load = |value| {
            codec::deserialize(&mut self.vm, value)
                .map_err(|error| CogError::InvalidInput(0, error))
        };
        if let EventOutcome::Crashed { op, arg, .. } = outcome {
            self.state.status = CogStatus::Crashed { op: load(op)?, arg: load(arg)?, cog };
        }
        Ok(())
    }
}

/// How an event ended, in a profile.
fn outcome_name(result: &Result<AppliedEvent, CogError>) -> &'static str {
    match result {
        Ok(AppliedEvent { outcome: EventOutcome::Succeeded, .. }) => "succeeded",
        Ok(AppliedEvent { outcome: EventOutcome::Crashed { .. }, .. }) => "crashed",
        Ok(_) => "not repeated",
        Err(_) => "has not happened",
    }
}

impl StepError {
    /// What the error means in a replay of an event that succeeded.
    fn in_replay(self) -> CogError {
        match self {
            StepError::Evaluation(stop) => CogError::Diverged(stop),
            StepError::Cog(error) => error,
        }
    }
}
