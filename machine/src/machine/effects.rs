//! The effects of events on the outside world, and the queue in which they wait until the events
//! are durable.

use super::Machine;
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::error::{RunError, StateError};
use crate::message::DriverMessage;
use crate::trace::ConsoleMessage;
use crate::worker_table::WorkerChange;
use persist::{Seq, SetAsideId};
use std::collections::VecDeque;

/// An effect of an event, or of an answer to a read.
pub(super) enum Effect {
    /// A worker starts or ends.
    Worker(WorkerChange),
    /// A message to the driver with this number.
    Message(u64, DriverMessage),
    /// Reports are shown on the console.
    Report(Vec<ConsoleMessage>),
    /// An input that had been set aside is removed, because it is applied.
    RemoveSetAside(SetAsideId),
}

/// The effects of events that are not durable yet, in the order of the events.
#[derive(Default)]
pub(super) struct EffectQueue(VecDeque<(Seq, Vec<Effect>)>);

impl EffectQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The oldest event whose effects wait.
    pub(super) fn oldest(&self) -> Option<Seq> {
        self.0.front().map(|(seq, _)| *seq)
    }

    /// Adds effects that may happen when the event `seq` is durable, behind those of this event and
    /// the ones before.
    pub(super) fn push(&mut self, seq: Seq, effects: Vec<Effect>) {
        let place = self.0.partition_point(|(other, _)| *other <= seq);
        self.0.insert(place, (seq, effects));
    }

    /// Removes the oldest effects if events up to `durable` are durable and they are among them.
    pub(super) fn pop(&mut self, durable: Seq) -> Option<Vec<Effect>> {
        self.0.pop_front_if(|(seq, _)| *seq <= durable).map(|(_, effects)| effects)
    }
}

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
                Effect::RemoveSetAside(id) => {
                    self.store.remove_set_aside(&[id]).map_err(StateError::from)?;
                    self.unremoved_offers -= 1;
                }
            }
        }
        Ok(())
    }
}
