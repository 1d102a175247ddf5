//! A live event, which can be suspended so that reads are answered meanwhile.

use super::{AppliedEvent, Cog, CogError, StepError, outcome_name};
use crate::event::EventInput;
use crate::status::CogStatus;
use crate::watchdog::SlicedWatch;
use plan::Val;
use profile::ProfileTimer;
use std::time::Duration;
use vm::{Evaluation, Progress};

/// An event that has begun.
pub(crate) struct EventRun {
    /// The cog before the event.
    cog: Val,
    inputs: usize,
    evaluation: Result<Evaluation, StepError>,
    watch: SlicedWatch,
    /// How long it was evaluated.
    took: Duration,
    timer: ProfileTimer,
}

impl EventRun {
    /// How long the event has been evaluated.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }
}

/// What a slice of an event has achieved.
pub(crate) enum EventProgress {
    Suspended(EventRun),
    /// The event has happened, or not: see [`CogError`].
    Ended(Result<AppliedEvent, CogError>),
}

impl Cog {
    /// Begins an event with these inputs, and its first slice. `values` has the values of some of
    /// them in the heap, by index; it may be shorter.
    ///
    /// # Errors
    /// [`CogError::NotRunning`].
    pub(crate) fn begin_event(
        &mut self,
        inputs: &[EventInput],
        values: &[Option<Val>],
        slice: Duration,
    ) -> Result<EventRun, CogError> {
        let CogStatus::Running(cog) = &self.state.status else { return Err(CogError::NotRunning) };
        let cog = cog.clone();
        let timer = ProfileTimer::start(self.track.as_ref());
        self.traces.set_silent(false);
        let handle = self.vm.interrupt_handle();
        handle.clear();
        let watch = self.watchdog.watch_slices(handle, self.settings.limits.event);
        let start = self.settings.clock.instant();
        watch.begin(Some(slice));
        let evaluation = self.input_row(&cog, inputs, values).and_then(|inputs| {
            Ok(self.vm.begin_call_in_order(&cog, std::slice::from_ref(&inputs))?)
        });
        let took = self.settings.clock.instant() - start;
        Ok(EventRun { cog, inputs: inputs.len(), evaluation, watch, took, timer })
    }

    /// Evaluates an event for the time `slice` at most, or to the end of its first slice, and up to
    /// the next safepoint. Its end changes the state.
    pub(crate) fn resume_event(&mut self, run: EventRun, slice: Duration) -> EventProgress {
        let EventRun { cog, inputs, evaluation, watch, took, timer } = run;
        let start = self.settings.clock.instant();
        let progress = match evaluation {
            Ok(evaluation) => self.resume(evaluation, &watch, slice),
            Err(error) => return self.end_event(cog, inputs, Err(error), watch, took, timer),
        };
        let took = took + (self.settings.clock.instant() - start);
        match progress {
            Progress::Suspended(evaluation) => {
                let evaluation = Ok(evaluation);
                EventProgress::Suspended(EventRun { cog, inputs, evaluation, watch, took, timer })
            }
            Progress::Done(result) => {
                self.end_event(cog, inputs, result.map_err(StepError::from), watch, took, timer)
            }
        }
    }

    fn end_event(
        &mut self,
        cog: Val,
        inputs: usize,
        result: Result<Val, StepError>,
        watch: SlicedWatch,
        took: Duration,
        timer: ProfileTimer,
    ) -> EventProgress {
        let interruption = watch.finish();
        let result = self.conclude(cog, result, interruption, took);
        timer.span("event", "event", || {
            vec![("inputs", inputs.into()), ("outcome", outcome_name(&result).into())]
        });
        EventProgress::Ended(result)
    }

    /// Evaluates a slice of an evaluation, which may have begun. At the end of the evaluation, its
    /// watch is to be finished.
    pub(super) fn resume(
        &mut self,
        evaluation: Evaluation,
        watch: &SlicedWatch,
        slice: Duration,
    ) -> Progress {
        if !watch.is_running() {
            // The end of the slice before may have been requested too late.
            self.vm.interrupt_handle().clear();
            watch.begin(Some(slice));
        }
        let progress = self.vm.resume(evaluation);
        if matches!(progress, Progress::Suspended(_)) {
            watch.pause();
        }
        progress
    }
}
