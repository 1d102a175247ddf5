//! Requests and answers, as lines of JSON.

use crate::message::WorkerCalls;
use crate::upgrade_check::UpgradeAnswerFields;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of the protocol.
pub(super) const VERSION: u32 = 1;

/// A request.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct ControlRequest {
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) operation: ControlOperation,
}

/// What a client asks for.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub enum ControlOperation {
    /// Make a view of the store, which replaces the one of this connection.
    View,
    /// Confirm that the view of this connection still exists.
    Confirm,
    /// Return the metrics, in the text format of Prometheus.
    Metrics,
    /// Return the open calls of the drivers.
    Calls,
    /// Return events, as hexadecimal digits of their records.
    Events {
        /// The event before the first one to return.
        after: u64,
    },
    /// Sample the cog, and return the profile.
    Profile {
        /// For how long, in seconds.
        seconds: u32,
        /// The mean number of bytes between two samples of allocation. None: CPU time is sampled.
        allocation_interval: Option<usize>,
    },
    /// Upgrade the machine.
    Upgrade {
        /// The file of the program, as a seed.
        file: PathBuf,
        /// The hash of the program.
        program: String,
        /// The last event of the state on which the program was rehearsed.
        rehearsed: Option<u64>,
        /// How many events may have happened since. None: no rehearsal is demanded.
        max_lag: Option<u64>,
    },
    /// Remove inputs that were set aside.
    Discard {
        /// Their ids, as hexadecimal digits.
        ids: Vec<String>,
    },
}

/// The number of an event, and its record as hexadecimal digits.
pub type LoggedBytes = (u64, String);

/// The answer to a request.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum ControlAnswer {
    /// The files of the view.
    View(Vec<persist::ViewFile>),
    /// The view still exists.
    Confirmed,
    /// The metrics.
    Metrics(String),
    /// The open calls of the drivers, by ascending slots.
    Calls(Vec<WorkerCalls>),
    /// The number of inputs that were removed.
    Discarded(usize),
    /// The events after the one that was named, as far as they are durable and fit in an answer.
    Events(Vec<LoggedBytes>),
    /// The profile.
    Profile(profile::SampledProfile),
    /// What the upgrade did.
    Upgraded(UpgradeAnswerFields),
    /// The request was not fulfilled, for this reason.
    Error(String),
}
