//! How the machine lets the effects of events happen.

use super::Machine;
use super::effect_queue::Effect;
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::error::{RunError, StateError};
use crate::worker_table::WorkerChange;
use persist::Seq;

impl Machine {
    /// Lets effects happen when the last event is durable and the effects before are done: at once,
    /// if they are.
    pub(super) fn perform_when_durable(&mut self, effects: Vec<Effect>) -> Result<(), RunError> {
        self.perform_when_durable_up_to(self.applied, effects)
    }

    /// Lets effects happen when the event `seq` is durable and its effects and those before are
    /// done: at once, if they are.
    pub(super) fn perform_when_durable_up_to(
        &mut self,
        seq: Seq,
        effects: Vec<Effect>,
    ) -> Result<(), RunError> {
        let is_first = self.queue.oldest().is_none_or(|oldest| oldest > seq);
        if is_first && self.store.durable() >= seq {
            return self.perform(effects);
        }
        self.queue.push(seq, effects);
        Ok(())
    }

    /// Lets effects happen, whose events are durable.
    pub(super) fn perform(&mut self, effects: Vec<Effect>) -> Result<(), RunError> {
        let console = &*self.settings.console;
        for effect in effects {
            match effect {
                Effect::Worker(WorkerChange::StartDrivers(batch)) => {
                    self.pool.start_drivers(batch)?;
                }
                Effect::Worker(WorkerChange::StartJob(job)) => self.pool.start_job(job)?,
                Effect::Worker(WorkerChange::Cancel { worker }) => self.pool.cancel(worker),
                Effect::Worker(WorkerChange::TooLarge { slot }) => {
                    console.notice(&ConsoleNotice::TooLarge(ReportOrigin::Driver(slot)));
                }
                Effect::Message(worker, message) => self.pool.send(worker, message),
                Effect::Report(messages) => {
                    messages.iter().for_each(|message| message.show(console));
                }
                Effect::Upgraded(answer, report) => self.finish_upgrade(&answer, report),
                Effect::RemoveSetAside(id) => {
                    self.store.remove_set_aside(&[id]).map_err(StateError::from)?;
                    self.unremoved_offers -= 1;
                }
            }
        }
        Ok(())
    }
}
