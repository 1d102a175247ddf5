//! Answering queries of drivers beside events.
//!
//! A read is an [evaluation](vm::Evaluation) that can be suspended. It holds the state that it
//! began with, whatever events happen meanwhile, and has time limit and reports of its own.

use super::{Abort, Cog, CogError};
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::error::AbortReason;
use crate::packed::PackedMessage;
use crate::protocol::CogParts;
use crate::trace::{BufferContents, ConsoleMessage};
use crate::watchdog::{Interruption, SlicedWatch};
use plan::{EvalError, Val};
use profile::ProfileTimer;
use std::time::Duration;
use vm::{Evaluation, Progress};

/// A read that has begun.
pub(crate) struct ReadRun {
    /// The slot of the driver that reads.
    slot: u64,
    /// An error if it could not begin.
    evaluation: Result<Evaluation, EvalError>,
    watch: SlicedWatch,
    /// What the read has reported.
    reports: BufferContents,
}

/// What a slice of a read has achieved.
pub(crate) enum ReadProgress {
    Suspended(ReadRun),
    Ended(ReadResult),
}

/// How a read ended.
pub(crate) struct ReadResult {
    /// The answer. A read that crashes is answered 0.
    ///
    /// Errors are [`CogError::ShuttingDown`], [`CogError::Aborted`], which is reported, and
    /// [`CogError::Damaged`].
    pub(crate) answer: Result<PackedMessage, CogError>,
    /// What the read has reported.
    pub(crate) reports: Vec<ConsoleMessage>,
}

/// Why a read has no answer.
enum ReadFailure {
    Evaluation(EvalError),
    /// The answer has too many parts to be packed.
    TooLarge,
}

impl Cog {
    /// Begins to answer a query of the driver in a slot, on the current state.
    pub(crate) fn begin_read(&mut self, slot: u64, key: u64, query: &PackedMessage) -> ReadRun {
        let handle = self.vm.interrupt_handle();
        let watch = self.watchdog.watch_slices(handle, self.settings.limits.read);
        let evaluation = self.read_evaluation(slot, key, query);
        ReadRun { slot, evaluation, watch, reports: BufferContents::default() }
    }

    /// Begins the evaluation of the call of `reads`.
    fn read_evaluation(
        &mut self,
        slot: u64,
        key: u64,
        query: &PackedMessage,
    ) -> Result<Evaluation, EvalError> {
        let query = query.load(&mut self.pins, &mut self.vm)?;
        let zero = self.vm.nat(0);
        let parts = self.state.status.running().map(|cog| CogParts::of(self.vm.look(cog)));
        let hold = |part: Option<plan::Ref<'_>>| part.map(|part| self.vm.hold(part));
        let state = parts.as_ref().and_then(|parts| hold(parts.state)).unwrap_or(zero.clone());
        let reads = parts.as_ref().and_then(|parts| hold(parts.reads)).unwrap_or(zero);
        let [slot, key] = [slot, key].map(|nat| self.vm.nat(nat));
        let order = self.state.conventions.read_arguments;
        self.vm.begin_call(&reads, &order.arguments(slot, state, key, query))
    }

    /// Evaluates a read for the time `slice` at most, up to the next safepoint.
    pub(crate) fn resume_read(&mut self, run: ReadRun, slice: Duration) -> ReadProgress {
        let ReadRun { slot, evaluation, watch, mut reports } = run;
        self.traces.exchange(&mut reports);
        let was_silent = self.traces.set_silent(false);
        let timer = ProfileTimer::start(self.track.as_ref());
        let progress = match evaluation {
            Ok(evaluation) => self.resume(evaluation, &watch, slice),
            Err(stop) => Progress::Done(Err(stop)),
        };
        timer.span("evaluation", "read", || vec![("driver", slot.into())]);
        let ended = match (progress, self.check_damage()) {
            (_, Err(damaged)) => Err(damaged),
            (Progress::Done(result), Ok(())) => Ok(result),
            (Progress::Suspended(evaluation), Ok(())) => {
                self.traces.set_silent(was_silent);
                self.traces.exchange(&mut reports);
                let evaluation = Ok(evaluation);
                return ReadProgress::Suspended(ReadRun { slot, evaluation, watch, reports });
            }
        };
        let interruption = watch.finish();
        let answer = ended.and_then(|result| {
            let value = result.map_err(ReadFailure::Evaluation);
            let packed = value.and_then(|value| self.pack_answer(&value));
            self.check_damage()?;
            self.answer(slot, packed, interruption)
        });
        self.traces.set_silent(was_silent);
        let messages = self.traces.take();
        self.traces.exchange(&mut reports);
        ReadProgress::Ended(ReadResult { answer, reports: messages })
    }

    fn pack_answer(&mut self, value: &Val) -> Result<PackedMessage, ReadFailure> {
        PackedMessage::pack(&mut self.packer, &self.vm, value).map_err(|_| ReadFailure::TooLarge)
    }

    /// The answer for the result of a read. A read that crashes is reported, and answered 0. A read
    /// that is aborted has no answer: 0 would be a wrong one.
    fn answer(
        &mut self,
        slot: u64,
        result: Result<PackedMessage, ReadFailure>,
        interruption: Option<Interruption>,
    ) -> Result<PackedMessage, CogError> {
        match result {
            Ok(answer) => Ok(answer),
            Err(_) if interruption == Some(Interruption::Shutdown) => Err(CogError::ShuttingDown),
            Err(ReadFailure::Evaluation(stop)) => {
                self.report(ReportOrigin::Read(slot), &stop);
                AbortReason::of(&stop).map_or_else(
                    || Ok(PackedMessage::Seed(self.zero())),
                    |reason| Err(CogError::Aborted(Abort { reason, calls: Vec::new() })),
                )
            }
            Err(ReadFailure::TooLarge) => {
                self.traces.push(ConsoleMessage::Notice(ConsoleNotice::TooLarge(
                    ReportOrigin::Read(slot),
                )));
                Err(CogError::Aborted(Abort { reason: AbortReason::Memory, calls: Vec::new() }))
            }
        }
    }
}
