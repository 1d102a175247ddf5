//! [`UpgradeCheck`]: which rehearsal an upgrade demands; [`UpgradeReport`]: what it did.

use crate::error::UpgradeError;
use plan::Hash;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which rehearsal of its program an upgrade demands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpgradeCheck {
    /// None.
    Forced,
    /// A clean one on a state that is recent enough.
    Rehearsed {
        /// The last event of the state on which this very program was rehearsed. None if it never
        /// was.
        at: Option<u64>,
        /// How many events may have happened since.
        max_lag: u64,
    },
}

impl UpgradeCheck {
    /// Fails unless the program with this hash may take over the state after the event `now`.
    pub(crate) fn accept(self, program: Hash, now: u64) -> Result<(), UpgradeError> {
        let UpgradeCheck::Rehearsed { at, max_lag } = self else { return Ok(()) };
        match at {
            None => Err(UpgradeError::NotRehearsed { program }),
            // A rehearsal of a later state is one of another history, as after a rollback.
            Some(at) if at > now || now - at > max_lag => {
                Err(UpgradeError::OldRehearsal { at, now, max_lag })
            }
            Some(_) => Ok(()),
        }
    }
}

/// What an upgrade did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpgradeReport {
    /// The event of the upgrade.
    pub event: u64,
    /// The hash of the state before.
    pub before: Hash,
    /// The hash of the program.
    pub program: Hash,
    /// How long the evaluation took.
    pub took: Duration,
    /// Whether the new cog has no workers, so that it never does anything.
    pub is_finished: bool,
    /// The number of inputs of a crashed event that are set aside. None if the cog had not crashed,
    /// or the log does not have the event any more.
    pub set_aside: Option<usize>,
    /// The number of workers that keep running. It and the next two are 0 if the machine was not
    /// running.
    pub kept_workers: usize,
    /// The number of workers that ended.
    pub ended_workers: usize,
    /// The number of workers that started.
    pub started_workers: usize,
}

/// [`UpgradeReport`] as it passes through the control socket.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct UpgradeAnswerFields {
    event: u64,
    before: String,
    program: String,
    nanoseconds: u64,
    is_finished: bool,
    set_aside: Option<usize>,
    kept_workers: usize,
    ended_workers: usize,
    started_workers: usize,
}

impl From<&UpgradeReport> for UpgradeAnswerFields {
    fn from(report: &UpgradeReport) -> UpgradeAnswerFields {
        UpgradeAnswerFields {
            event: report.event,
            before: report.before.to_string(),
            program: report.program.to_string(),
            nanoseconds: u64::try_from(report.took.as_nanos()).unwrap_or(u64::MAX),
            is_finished: report.is_finished,
            set_aside: report.set_aside,
            kept_workers: report.kept_workers,
            ended_workers: report.ended_workers,
            started_workers: report.started_workers,
        }
    }
}

impl UpgradeAnswerFields {
    /// The report. None if a hash is not one.
    pub(crate) fn to_report(&self) -> Option<UpgradeReport> {
        Some(UpgradeReport {
            event: self.event,
            before: self.before.parse().ok()?,
            program: self.program.parse().ok()?,
            took: Duration::from_nanos(self.nanoseconds),
            is_finished: self.is_finished,
            set_aside: self.set_aside,
            kept_workers: self.kept_workers,
            ended_workers: self.ended_workers,
            started_workers: self.started_workers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_counts_for_as_many_events_as_it_may_lag() {
        let program = Hash([1; 32]);
        let accepts =
            |at, now| UpgradeCheck::Rehearsed { at, max_lag: 10 }.accept(program, now).is_ok();
        assert!(accepts(Some(5), 5) && accepts(Some(5), 15));
        assert!(!accepts(Some(5), 16) && !accepts(Some(5), 4) && !accepts(None, 0));
        assert!(UpgradeCheck::Forced.accept(program, 99).is_ok());
    }

    #[test]
    fn a_report_is_the_same_after_it_passed_through_the_socket() {
        let report = UpgradeReport {
            event: 7,
            before: Hash([1; 32]),
            program: Hash([3; 32]),
            took: Duration::from_nanos(5),
            is_finished: true,
            set_aside: Some(2),
            kept_workers: 3,
            ended_workers: 4,
            started_workers: 5,
        };
        assert_eq!(UpgradeAnswerFields::from(&report).to_report(), Some(report));
    }
}
