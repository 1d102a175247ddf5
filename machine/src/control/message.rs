//! Requests and answers, as lines of JSON.

use serde::{Deserialize, Serialize};

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
    /// Remove inputs that were set aside.
    Discard {
        /// Their ids, as hexadecimal digits.
        ids: Vec<String>,
    },
}

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
    /// The number of inputs that were removed.
    Discarded(usize),
    /// The request was not fulfilled, for this reason.
    Error(String),
}
