//! What the threads of a machine tell the one that runs the cog.

use crate::codec::Portable;
use crate::error::SystemError;
use crate::record::Payload;
use crossbeam_channel::Sender;
use persist::{LogError, Seq, SnapshotError};
use std::thread;

/// What drivers ask of the cog.
pub(crate) enum Request {
    /// To take an input.
    Write { worker: u64, value: Portable },
    /// To answer a query.
    Read { worker: u64, key: u64, serial: u64, query: Portable },
}

/// What else the loop has to know.
pub(crate) enum Control {
    /// Events up to that one are durable, or never will be.
    Durable(Result<Seq, LogError>),
    /// A job has a result.
    JobDone { worker: u64, payload: Payload },
    /// A worker could not begin.
    WorkerFailed(SystemError),
    /// A snapshot has been written, or not.
    SnapshotDone(Result<(), SnapshotError>),
    /// A thread has panicked.
    Panicked(&'static str),
    /// To look whether to stop.
    Stop,
}

impl Control {
    /// Lets the machine know if the thread that holds the guard panics.
    pub(crate) fn on_panic(control: &Sender<Control>, what: &'static str) -> PanicGuard {
        PanicGuard { control: control.clone(), what }
    }
}

/// See [`Control::on_panic`].
pub(crate) struct PanicGuard {
    control: Sender<Control>,
    what: &'static str,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if thread::panicking() {
            // A machine that is gone need not know.
            let _ = self.control.send(Control::Panicked(self.what));
        }
    }
}
