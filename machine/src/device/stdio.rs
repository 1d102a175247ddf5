//! `%console`: standard input and output, for command-line programs. The prototype has no such
//! device; the calls are like those of `%tcp`.
//!
//! ```text
//! [%console %take]    a bar: the next line of standard input with its newline, which only the last
//!                     line may lack; an empty bar at the end. A line of more than 65,536 bytes comes
//!                     in parts of that length
//! [%console %give b]  (0 n): the first n bytes of the bar b are written to standard output; 0, if it
//!                     is closed
//! ```
//!
//! Waiting calls of one kind are answered in the order in which they were made. Input is read when a
//! driver takes it. A line that was read for a call that is cancelled answers the next one. A `give`
//! keeps at most 64 KiB while it waits.
//!
//! Each direction has a thread, because a terminal or pipe blocks. The thread of the input cannot be
//! interrupted while it reads, so it ends with the process or after its next line.

use super::{CallerId, CancelCall, Device, DeviceAnswer, DeviceReply};
use crate::error::SystemError;
use parking_lot::{Condvar, Mutex};
use plan::Ref;
use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// The most bytes of a line, or of a `give`.
const PART_LIMIT: usize = 64 << 10;

/// The device of a command-line program's input and output.
pub struct ConsoleDevice {
    takes: Arc<CallQueue<()>>,
    gives: Arc<CallQueue<Box<[u8]>>>,
    next_number: AtomicU64,
}

/// Calls that wait for a thread, with what the thread needs to answer them.
struct CallQueue<T> {
    state: Mutex<QueueState<T>>,
    changed: Condvar,
}

struct QueueState<T> {
    waiting: BTreeMap<u64, (DeviceReply, T)>,
    is_shut_down: bool,
}

impl ConsoleDevice {
    /// Creates a device that reads lines from `input` and writes to `output`. Its threads end when it
    /// is dropped and `input` and `output` do not block.
    ///
    /// # Errors
    /// The system refuses to start the threads.
    pub fn start(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> Result<ConsoleDevice, SystemError> {
        let device = ConsoleDevice {
            takes: Arc::default(),
            gives: Arc::default(),
            next_number: AtomicU64::new(0),
        };
        let (takes, gives) = (Arc::clone(&device.takes), Arc::clone(&device.gives));
        let start = |name: &str| thread::Builder::new().name(name.into());
        start("pallas-input")
            .spawn(move || answer_takes(&takes, input))
            .and(start("pallas-output").spawn(move || answer_gives(&gives, output)))
            .map_err(SystemError::new("start a thread"))?;
        Ok(device)
    }
}

impl Device for ConsoleDevice {
    fn name(&self) -> &'static str {
        "console"
    }

    fn call(&self, _: CallerId, args: &[Ref<'_>], reply: DeviceReply) -> Option<CancelCall> {
        let name = args.first().and_then(|name| name.as_nat()).map(|name| name.bytes());
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        match (name.as_deref(), args.get(1..).unwrap_or_default()) {
            (Some(b"take"), []) => Some(self.takes.push(number, reply, ())),
            (Some(b"give"), [bytes]) if let Some(bytes) = bytes.as_bar() => {
                let part = bytes[..bytes.len().min(PART_LIMIT)].into();
                Some(self.gives.push(number, reply, part))
            }
            _ => {
                reply.send(DeviceAnswer::ZERO);
                None
            }
        }
    }
}

impl Drop for ConsoleDevice {
    fn drop(&mut self) {
        self.takes.shut_down();
        self.gives.shut_down();
    }
}

impl<T> Default for CallQueue<T> {
    fn default() -> CallQueue<T> {
        let state = QueueState { waiting: BTreeMap::new(), is_shut_down: false };
        CallQueue { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<T: Send + 'static> CallQueue<T> {
    /// Adds a call, and returns how to remove it.
    fn push(self: &Arc<Self>, number: u64, reply: DeviceReply, work: T) -> CancelCall {
        self.state.lock().waiting.insert(number, (reply, work));
        self.changed.notify_one();
        let queue = Arc::clone(self);
        Box::new(move || drop(queue.state.lock().waiting.remove(&number)))
    }

    fn shut_down(&self) {
        self.state.lock().is_shut_down = true;
        self.changed.notify_one();
    }

    /// Waits until there is a call. Returns false when the device is dropped.
    fn wait(&self) -> bool {
        let mut state = self.state.lock();
        while state.waiting.is_empty() && !state.is_shut_down {
            self.changed.wait(&mut state);
        }
        !state.is_shut_down
    }

    /// Removes the call that has waited longest.
    fn pop(&self) -> Option<(DeviceReply, T)> {
        self.state.lock().waiting.pop_first().map(|(_, call)| call)
    }
}

/// The input's thread.
fn answer_takes(takes: &CallQueue<()>, input: impl Read) {
    let mut input = std::io::BufReader::new(input);
    // What was read for a call that has been cancelled.
    let mut unclaimed = None;
    while takes.wait() {
        let line = unclaimed.take().unwrap_or_else(|| read_line(&mut input));
        match takes.pop() {
            Some((reply, ())) => reply.send(DeviceAnswer::Bytes(line)),
            None => unclaimed = Some(line),
        }
    }
}

/// Reads the next line or part of one. It is empty at the end of the input, or after an error.
fn read_line(input: &mut impl BufRead) -> Vec<u8> {
    let mut line = Vec::new();
    match input.take(PART_LIMIT as u64).read_until(b'\n', &mut line) {
        Ok(_) => line,
        Err(_) => Vec::new(),
    }
}

/// The output's thread.
fn answer_gives(gives: &CallQueue<Box<[u8]>>, mut output: impl Write) {
    while gives.wait() {
        if let Some((reply, bytes)) = gives.pop() {
            let written = output.write_all(&bytes).and_then(|()| output.flush());
            reply.send(match written {
                Ok(()) => DeviceAnswer::just(bytes.len() as u64),
                Err(_) => DeviceAnswer::ZERO,
            });
        }
    }
}

#[cfg(test)]
mod tests;
