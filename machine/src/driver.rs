//! Drivers: workers of the cog that interact with the outside, run by a pool of threads.
//!
//! A driver begins as the value in the cog's slot. It is called with one answer or message at a
//! time, and each call returns the driver's next value, which holds its new requests. The value is
//! not saved: after a failure, after an input of it was set aside, and at each start of the
//! machine, a driver begins anew from the value in the slot. (Prototype: lib/Server/Proc.hs)
//!
//! ```text
//! DriverPool ──messages──▶ DriverThread: drivers, SharedRuntime ──tasks──▶ PrivateRuntimes
//!                                   ▲─────────────────reports──────────────────┘
//! ```
//!
//! Each driver belongs to one thread for life. The thread keeps all that is known about the driver
//! (pending calls, messages that wait, pauses), issues its requests, and has one runtime for all of
//! its drivers. An idle driver owns its value in that heap and a few hundred bytes: no thread, no
//! heap, no stack, no channel and no timer.
//!
//! # Fairness and isolation
//!
//! - Drivers of a thread take turns. A turn is one call, or the issue of up to
//!   [`REQUESTS_AT_A_TIME`](serialized::REQUESTS_AT_A_TIME) requests.
//! - Calls are pure, so a call can be abandoned and made again. A call runs in the shared runtime
//!   with a budget: [`DriverSettings::call_budget`] of CPU time, 64 MB of new live data, 64 MB of
//!   stack. A call that exceeds it is abandoned, and made again in a private runtime, with the full limits.
//!   Traces of a call in the shared runtime are shown when it has ended, and dropped when it is
//!   abandoned, so each is shown once.
//! - A driver stays in a private runtime from then on: also after four long calls in a row
//!   ([`DriverSettings::long_call`]), and if its value, or a message, is large ([`SHARED_VALUE_WORDS`],
//!   [`SHARED_VALUE_BYTES`]). It returns after [`DriverSettings::return_after`] short calls in a
//!   row, if its value is small.
//! - At most [`DriverSettings::private_runtimes`] are kept for drivers that are idle. The value of the
//!   driver that has been idle longest is kept as bytes until its next call. Up to 64 drivers are at
//!   work in private runtimes at a time; the others that need one wait.
//! - The queue of requests to the event loop is bounded. A thread does not wait for room in it. A
//!   driver with requests for which there is no room waits, and takes no messages meanwhile; its
//!   requests stay in its value, so they need no memory. Drivers get room in the order in which they
//!   began to wait.
//!
//! A damaged pin makes the heap of a runtime unusable, and stops the machine.
//!
//! The event loop ends the machine when no driver can do anything any more ([`dormancy`]).
//!
//! [`DriverSettings::call_budget`]: crate::DriverSettings::call_budget
//! [`DriverSettings::long_call`]: crate::DriverSettings::long_call
//! [`DriverSettings::return_after`]: crate::DriverSettings::return_after
//! [`DriverSettings::private_runtimes`]: crate::DriverSettings::private_runtimes

mod backoff;
mod calls;
mod dormancy;
mod entry;
mod inbox;
mod placement;
mod pool;
mod private;
mod private_runtime;
mod requests;
mod serialized;
mod shared;
mod thread;
mod timers;
mod value;

pub(crate) use pool::DriverPool;

use crate::device::DeviceRegistry;
use crate::mailbox::Address;
use crate::message::{CogRequest, ControlMessage};
use crate::settings::MachineSettings;
use crate::watchdog::Watchdog;
use crate::worker_sampling::WorkerSampling;
use std::sync::Arc;

/// A driver's value whose objects take more words than this is not kept in a shared runtime: moving it
/// would delay the other drivers of the thread. What the parts of a value share counts once: the threads
/// of a server, one for each connection, share most of theirs.
const SHARED_VALUE_WORDS: usize = 1 << 19;
/// A serialized value or message with more bytes than this is not loaded into a shared runtime.
const SHARED_VALUE_BYTES: usize = 4 << 20;

/// What all drivers of a machine share.
pub(crate) struct DriverContext {
    pub(crate) settings: Arc<MachineSettings>,
    pub(crate) watchdog: Arc<Watchdog>,
    pub(crate) sampling: Arc<WorkerSampling>,
    pub(crate) devices: DeviceRegistry,
    /// To the event loop. The channel is bounded.
    pub(crate) requests: Address<CogRequest>,
    pub(crate) control: Address<ControlMessage>,
}

#[cfg(test)]
mod tests;
