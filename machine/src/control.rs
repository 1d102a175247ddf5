//! The control socket of a running machine: `control.sock` in the directory of its store.
//!
//! Other processes of the same user ask the machine for what only it can tell or do while it has the
//! store locked. The lock on the directory stays the guard against two writers; the socket only says
//! who to ask.
//!
//! # Protocol, version 1
//!
//! A client connects, sends requests, and reads one answer to each. Requests and answers are JSON
//! objects, one a line:
//!
//! ```text
//! {"version":1,"operation":"view"}              {"view":[["log/00000000000000000001.log",4096],..]}
//! {"version":1,"operation":"confirm"}           "confirmed"
//! {"version":1,"operation":"metrics"}           {"metrics":"# HELP pallas_events_total .."}
//! {"version":1,"operation":"calls"}             {"calls":[{"slot":0,"calls":[{"key":1,"device":"tcp"}]},..]}
//! {"version":1,"operation":"discard","ids":[..]} {"discarded":2}
//! {"version":1,"operation":"events","after":7}  {"events":[[8,"01.."],..]}
//! {"version":1,"operation":"profile","seconds":5} {"profile":{"resource":"cpu-time",..}}
//! {"version":1,"operation":"upgrade","file":..}  {"upgraded":{"event":9,..}}
//! anything else                                 {"error":"..."}
//! ```
//!
//! A *view* is the list of the store's files with their lengths. Until the connection is closed,
//! these bytes do not change, so `check`, `du` and `export` read the files themselves, with the same
//! code as those of a closed store, and nothing passes through the socket or the machine
//! (`persist::StoreView`). At the end the client has the view confirmed. A view lasts for an hour
//! after the last request.
//!
//! *Events* are the records of the log after one, up to the last that is durable or 1 MiB. An
//! *upgrade* names a file with the program as a seed, because a request is one short line. Its answer
//! comes when the event is durable (`machine/src/machine/upgrade.rs`).
//!
//! A *profile* samples the event loop's thread for the seconds of the request; the answer comes
//! then. One profile is taken at a time.
//!
//! A client that sends garbage gets an error. One that is silent for too long is disconnected, and so
//! are those beyond the 16th: each has a thread.

mod client;
mod inspected;
mod message;
mod server;

pub use client::{ControlClient, ControlError};
pub use inspected::{InspectError, InspectedStore};
pub use message::{ControlAnswer, ControlOperation, LoggedBytes};
pub(crate) use server::{ControlServer, ControlledMachine};

/// The name of the socket in the directory of a store.
const SOCKET_NAME: &str = "control.sock";

#[cfg(test)]
mod tests;
