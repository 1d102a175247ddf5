//! Upgrading the cog: another program takes over its state.
//!
//! The program's `migrate` is called with the old state and returns the new cog. Without it, the new
//! cog is `main` with the old state in place of its own. The call is watched like an event and can
//! be suspended like one, but a failure of any kind leaves the state as it was.

use super::Cog;
use crate::codec;
use crate::console::ReportOrigin;
use crate::error::{AbortReason, UpgradeFailure};
use crate::program::UpgradeProgram;
use crate::protocol::{self, CogParts};
use crate::status::CogStatus;
use crate::trace::ConsoleMessage;
use crate::watchdog::{Interruption, SlicedWatch};
use plan::{EvalError, Val};
use std::time::Duration;
use vm::{Evaluation, Progress};

/// The number of arguments from the state of a cog to its end.
const PARTS: usize = 3;

/// An upgrade that has begun.
pub(crate) struct UpgradeRun {
    evaluation: Evaluation,
    watch: SlicedWatch,
    took: Duration,
}

impl UpgradeRun {
    /// How long the upgrade has been evaluated.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }
}

/// What a slice of an upgrade has achieved.
pub(crate) enum UpgradeProgress {
    Suspended(UpgradeRun),
    /// The upgrade has happened, after this time, or not.
    Ended(Result<Duration, UpgradeFailure>),
}

/// The parts of a program, in the cog's heap.
struct LoadedProgram {
    main: Val,
    migrate: Option<Val>,
}

impl Cog {
    /// Begins an upgrade, and its first slice. An upgrade without `migrate` ends at once.
    pub(crate) fn begin_upgrade(
        &mut self,
        program: &UpgradeProgram,
        slice: Duration,
    ) -> UpgradeProgress {
        let start = self.settings.clock.instant();
        let begun = self.load_program(program).and_then(|(program, state)| {
            self.traces.set_silent(false);
            let Some(migrate) = program.migrate else {
                self.keep_state(&program.main, &state)?;
                return Ok(None);
            };
            let handle = self.vm.interrupt_handle();
            handle.clear();
            let watch = self.watchdog.watch_slices(handle, self.settings.limits.event);
            watch.begin(Some(slice));
            let evaluation = self.vm.begin_call_in_order(&migrate, &[state]);
            let evaluation = evaluation.map_err(|stop| self.failure(&stop))?;
            Ok(Some((evaluation, watch)))
        });
        let took = self.settings.clock.instant() - start;
        match begun {
            Ok(Some((evaluation, watch))) => {
                UpgradeProgress::Suspended(UpgradeRun { evaluation, watch, took })
            }
            Ok(None) => UpgradeProgress::Ended(Ok(took)),
            Err(failure) => UpgradeProgress::Ended(Err(failure)),
        }
    }

    /// Evaluates an upgrade for the time `slice` at most, or to the end of its first slice, and up
    /// to the next safepoint.
    pub(crate) fn resume_upgrade(&mut self, run: UpgradeRun, slice: Duration) -> UpgradeProgress {
        let UpgradeRun { evaluation, watch, took } = run;
        let start = self.settings.clock.instant();
        let progress = self.resume(evaluation, &watch, slice);
        let took = took + (self.settings.clock.instant() - start);
        let result = match progress {
            Progress::Suspended(evaluation) => {
                return UpgradeProgress::Suspended(UpgradeRun { evaluation, watch, took });
            }
            Progress::Done(result) => result,
        };
        let interruption = watch.finish();
        // A damaged pin reads as 0 until the evaluation is interrupted, so even a value is wrong.
        let ended = match self.vm.check_damage() {
            Err(damaged) => Err(UpgradeFailure::Damaged(damaged.to_string())),
            Ok(()) => match result {
                Ok(cog) => self.install(cog),
                Err(_) if interruption == Some(Interruption::Shutdown) => {
                    Err(UpgradeFailure::ShuttingDown)
                }
                Err(stop) => Err(self.failure(&stop)),
            },
        };
        UpgradeProgress::Ended(ended.map(|()| took))
    }

    /// Upgrades on this thread, without suspension.
    ///
    /// # Errors
    /// See [`UpgradeFailure`]. The state is as it was.
    pub(crate) fn upgrade(&mut self, program: &UpgradeProgram) -> Result<Duration, UpgradeFailure> {
        let mut progress = self.begin_upgrade(program, super::WHOLE_SLICE);
        loop {
            match progress {
                UpgradeProgress::Suspended(run) => {
                    progress = self.resume_upgrade(run, super::WHOLE_SLICE);
                }
                UpgradeProgress::Ended(result) => return result,
            }
        }
    }

    /// Repeats an upgrade of the log, without a time limit.
    ///
    /// # Errors
    /// See [`UpgradeFailure`]. The state is as it was.
    pub(crate) fn replay_upgrade(
        &mut self,
        program: &UpgradeProgram,
    ) -> Result<Duration, UpgradeFailure> {
        let start = self.settings.clock.instant();
        self.traces.set_silent(true);
        let (program, state) = self.load_program(program)?;
        match program.migrate {
            None => self.keep_state(&program.main, &state)?,
            Some(migrate) => {
                let cog = self.vm.call_in_order(&migrate, &[state]);
                if let Err(damaged) = self.vm.check_damage() {
                    return Err(UpgradeFailure::Damaged(damaged.to_string()));
                }
                let cog = cog.map_err(|stop| self.failure(&stop))?;
                self.install(cog)?;
            }
        }
        Ok(self.settings.clock.instant() - start)
    }

    /// Builds a program in the heap. Returns it with the state that it takes over.
    fn load_program(
        &mut self,
        program: &UpgradeProgram,
    ) -> Result<(LoadedProgram, Val), UpgradeFailure> {
        let row = codec::deserialize(&mut self.vm, &program.seed);
        let row = row.map_err(|error| match codec::evaluation_error(&error) {
            Some(stop) => self.failure(&stop),
            None => UpgradeFailure::NotAProgram(error.to_string()),
        })?;
        let hash = self.vm.hash(&row).map_err(|stop| self.failure(&stop))?;
        if hash != program.hash {
            return Err(UpgradeFailure::NotAProgram(format!("its value has the hash {hash}")));
        }
        let items: Vec<Val> = match self.vm.look(&row).as_row() {
            Some(items) => items.iter().map(|item| self.vm.hold(item)).collect(),
            None => Vec::new(),
        };
        let (main, migrate) = match &items[..] {
            [main] => (main.clone(), None),
            [main, migrate] => (main.clone(), Some(migrate.clone())),
            _ => return Err(UpgradeFailure::NotAProgram("it is not a row of `main`".into())),
        };
        let (CogStatus::Running(old)
        | CogStatus::Finished(old)
        | CogStatus::Crashed { cog: old, .. }) = &self.state.status;
        let state = CogParts::of(self.vm.look(old)).state.map(|state| self.vm.hold(state));
        // A damaged pin reads as 0.
        if let Err(damaged) = self.vm.check_damage() {
            return Err(UpgradeFailure::Damaged(damaged.to_string()));
        }
        Ok((LoadedProgram { main, migrate }, state.ok_or(UpgradeFailure::NoState)?))
    }

    /// Makes `main` the cog, with `state` in place of its own.
    fn keep_state(&mut self, main: &Val, state: &Val) -> Result<(), UpgradeFailure> {
        let main_ref = self.vm.look(main);
        if !protocol::is_cog(main_ref) {
            return Err(UpgradeFailure::NotACog);
        }
        let mut args: Vec<Val> =
            protocol::arguments(main_ref).map(|arg| self.vm.hold(arg)).collect();
        let head = protocol::head(main_ref).map(|head| self.vm.hold(head));
        let (Some(head), Some(at)) = (head, args.len().checked_sub(PARTS)) else {
            return Err(UpgradeFailure::NotACog);
        };
        args[at] = state.clone();
        let cog = self.vm.app(&head, &args).map_err(|stop| self.failure(&stop))?;
        self.install(cog)
    }

    /// Makes a value the cog, if it has the form of one. The cog runs if it has workers.
    fn install(&mut self, cog: Val) -> Result<(), UpgradeFailure> {
        let value = self.vm.look(&cog);
        if !protocol::is_cog(value) {
            return Err(UpgradeFailure::NotACog);
        }
        let has_workers = CogParts::of(value).has_workers();
        self.state.status =
            if has_workers { CogStatus::Running(cog) } else { CogStatus::Finished(cog) };
        Ok(())
    }

    /// What the error of an evaluation means for an upgrade.
    fn failure(&self, stop: &EvalError) -> UpgradeFailure {
        if let Some(reason) = AbortReason::of(stop) {
            return UpgradeFailure::Aborted(reason);
        }
        match stop {
            EvalError::Crash { .. } => {
                let (vm, origin) = (&self.vm, ReportOrigin::Cog);
                let report =
                    ConsoleMessage::of_failure(&self.settings, vm, vm.call_chain(), origin, stop);
                UpgradeFailure::Crashed(match report {
                    ConsoleMessage::Text(text) => text.trim_end().to_owned(),
                    ConsoleMessage::Notice(notice) | ConsoleMessage::NoticeWithCalls(notice, _) => {
                        notice.to_string()
                    }
                })
            }
            stop => UpgradeFailure::Damaged(stop.to_string()),
        }
    }
}
