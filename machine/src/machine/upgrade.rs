//! Upgrading a machine: a program takes over the state of the cog, as one event of the log.
//!
//! The event names the hash of the state before and holds the program, so it happens whole or not at
//! all, and a replay repeats it. Everything that can fail comes before the event is appended:
//!
//! ```text
//! check of the rehearsal ─▶ migrate, within the limits ─▶ append ─▶ durable ─▶ workers, answer
//! ```
//!
//! A running machine is upgraded between two events. Reads go on while `migrate` is evaluated, and
//! workers whose items are equal in both cogs keep running. A machine that has stopped is upgraded
//! before it starts again; a cog that has crashed runs again, and the inputs of the event that
//! crashed are set aside as by a retry ([`super::retry`]).

use super::Machine;
use super::effect_queue::Effect;
use super::reads::EVENT_SLICE;
use crate::cog::UpgradeProgress;
use crate::console::ConsoleNotice;
use crate::error::{RunError, UpgradeError, UpgradeFailure};
use crate::event::{EventOutcome, EventRecord};
use crate::message::{UpgradeAnswer, UpgradeRequest};
use crate::program::UpgradeProgram;
use crate::status::CogStatus;
use crate::upgrade_check::{UpgradeCheck, UpgradeReport};
use crate::worker_table::WorkerChange;
use std::time::Duration;

impl Machine {
    /// Upgrades a machine that does not run: `program` takes over its state, durably.
    /// [`Machine::close`] or [`Machine::run`] comes next.
    ///
    /// # Errors
    /// See [`UpgradeError`]. Unless it is [`UpgradeError::Run`], the machine is as it was.
    pub fn upgrade(
        &mut self,
        program: &UpgradeProgram,
        check: UpgradeCheck,
    ) -> Result<UpgradeReport, UpgradeError> {
        let report = self.apply_upgrade(program, check)?;
        self.wait_until_durable()?;
        Ok(report)
    }

    /// Closes a machine that does not run, after a snapshot.
    ///
    /// # Errors
    /// Why the snapshot could not be written or the store not be closed. No event is lost.
    pub fn close(self) -> Result<(), RunError> {
        self.shut_down(Ok(()))
    }

    /// Upgrades the running machine. The requester gets the answer when the event is durable.
    pub(super) fn handle_upgrade(&mut self, request: UpgradeRequest) -> Result<(), RunError> {
        let UpgradeRequest { program, check, answer } = request;
        let before = self.workers.count();
        let mut report = match self.apply_upgrade(&program, check) {
            Ok(report) => report,
            Err(UpgradeError::Run(error)) => return Err(error),
            Err(refused) => {
                // If the requester has gone, it needs no answer.
                let _ = answer.send(Err(refused.to_string()));
                return Ok(());
            }
        };
        let reports = self.cog.take_messages();
        let mut effects = self.effects(Vec::new(), reports);
        for effect in &effects {
            match effect {
                Effect::Worker(WorkerChange::Cancel { .. }) => report.ended_workers += 1,
                Effect::Worker(WorkerChange::StartDrivers(batch)) => {
                    report.started_workers += batch.drivers.len();
                }
                Effect::Worker(WorkerChange::StartJob(_)) => report.started_workers += 1,
                _ => {}
            }
        }
        report.kept_workers = before - report.ended_workers;
        effects.push(Effect::Upgraded(answer, report));
        self.check_damage()?;
        self.perform_when_durable(effects)?;
        if self.unremoved_offers == 0 {
            let Machine { snapshots, cog, store, control_sender, settings, .. } = self;
            snapshots.start_if_due(cog, store, self.applied, control_sender, &*settings.console)?;
        }
        Ok(())
    }

    /// Tells the requester that its upgrade is durable.
    pub(super) fn finish_upgrade(&self, answer: &UpgradeAnswer, report: UpgradeReport) {
        let notice = ConsoleNotice::Upgraded(report.event, report.program);
        self.settings.console.notice(&notice);
        // If the requester has gone, it needs no answer.
        let _ = answer.send(Ok(report));
    }

    /// Applies an upgrade to the cog and appends its event.
    fn apply_upgrade(
        &mut self,
        program: &UpgradeProgram,
        check: UpgradeCheck,
    ) -> Result<UpgradeReport, UpgradeError> {
        check.accept(program.hash(), self.applied.0)?;
        let before = self.state_hash().map_err(RunError::from)?;
        let is_crashed = matches!(self.cog.status(), CogStatus::Crashed { .. });
        let took = self.evaluate_upgrade(program)??;
        let set_aside = if is_crashed { self.set_aside_crash()? } else { None };
        let (time, outcome) = (self.time(), EventOutcome::Upgraded(program.clone()));
        let record = EventRecord { time, before: Some(before), outcome, inputs: Vec::new() };
        self.append(&record, took)?;
        tracing::info!(event = self.applied.0, program = %program.hash(), ?took, "upgraded");
        let is_finished = matches!(self.cog.status(), CogStatus::Finished(_));
        Ok(UpgradeReport {
            event: self.applied.0,
            before,
            program: program.hash(),
            took,
            is_finished,
            set_aside,
            kept_workers: 0,
            ended_workers: 0,
            started_workers: 0,
        })
    }

    /// Evaluates an upgrade, and reads beside it.
    fn evaluate_upgrade(
        &mut self,
        program: &UpgradeProgram,
    ) -> Result<Result<Duration, UpgradeFailure>, RunError> {
        self.reads.renew_budget();
        let mut total = Duration::ZERO;
        let mut progress = self.cog.begin_upgrade(program, EVENT_SLICE);
        let result = loop {
            match progress {
                UpgradeProgress::Suspended(run) => {
                    let slice = run.took() - total;
                    total = run.took();
                    self.serve_beside_event(&[], slice, total)?;
                    progress = self.cog.resume_upgrade(run, EVENT_SLICE);
                }
                UpgradeProgress::Ended(result) => break result,
            }
        };
        self.reads.renew_budget();
        match &result {
            Ok(took) => self.reads.add_credit(*took),
            // The upgrade has not happened, so nothing is shown of it.
            Err(_) => drop(self.cog.take_messages()),
        }
        Ok(result)
    }
}
