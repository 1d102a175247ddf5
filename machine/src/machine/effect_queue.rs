//! [`Effect`]: what an event does to the outside world; [`EffectQueue`]: the effects that wait until
//! their events are durable.

use crate::message::{DriverMessage, UpgradeAnswer};
use crate::trace::ConsoleMessage;
use crate::upgrade_check::UpgradeReport;
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
    /// The requester of an upgrade gets the report.
    Upgraded(UpgradeAnswer, UpgradeReport),
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

    /// Removes the answers to requested upgrades.
    pub(super) fn take_upgrades(&mut self) -> Vec<(UpgradeAnswer, UpgradeReport)> {
        let mut taken = Vec::new();
        for (_, effects) in &mut self.0 {
            let upgrades = effects.extract_if(.., |effect| matches!(effect, Effect::Upgraded(..)));
            taken.extend(upgrades.filter_map(|effect| match effect {
                Effect::Upgraded(answer, report) => Some((answer, report)),
                _ => None,
            }));
        }
        taken
    }

    /// Removes the oldest effects if events up to `durable` are durable and they are among them.
    pub(super) fn pop(&mut self, durable: Seq) -> Option<Vec<Effect>> {
        self.0.pop_front_if(|(seq, _)| *seq <= durable).map(|(_, effects)| effects)
    }
}
