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
//! driver takes it. A line that was read for a call that is cancelled answers the next one, even if
//! the call was answered and its driver did not get the answer. A `give` keeps at most 64 KiB while
//! it waits.
//!
//! Each direction has a thread, because a terminal or pipe blocks. The thread of the input cannot be
//! interrupted while it reads, so it ends with the process or after its next line.

use super::take_queue::TakeQueue;
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
    takes: Arc<SharedCalls<TakeQueue>>,
    gives: Arc<SharedCalls<GiveQueue>>,
    next_number: AtomicU64,
}

/// Calls of `give` and their bytes, by number.
type GiveQueue = BTreeMap<u64, (DeviceReply, Box<[u8]>)>;

/// Calls that wait for a thread.
#[derive(Default)]
struct SharedCalls<Q> {
    state: Mutex<CallState<Q>>,
    changed: Condvar,
}

#[derive(Default)]
struct CallState<Q> {
    calls: Q,
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
            (Some(b"take"), []) => {
                let receipt = self.takes.change(|calls| calls.add(number, reply));
                let takes = Arc::clone(&self.takes);
                Some(Box::new(move || takes.change(|calls| calls.cancel(number, &receipt))))
            }
            (Some(b"give"), [bytes]) if let Some(bytes) = bytes.as_bar() => {
                let part = bytes[..bytes.len().min(PART_LIMIT)].into();
                self.gives.change(|calls| calls.insert(number, (reply, part)));
                let gives = Arc::clone(&self.gives);
                Some(Box::new(move || drop(gives.change(|calls| calls.remove(&number)))))
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

impl<Q> SharedCalls<Q> {
    /// Changes the calls.
    fn change<R>(&self, change: impl FnOnce(&mut Q) -> R) -> R {
        let result = change(&mut self.state.lock().calls);
        self.changed.notify_one();
        result
    }

    fn shut_down(&self) {
        self.state.lock().is_shut_down = true;
        self.changed.notify_one();
    }

    /// Waits until there is a call. Returns false when the device is dropped.
    fn wait(&self, is_empty: impl Fn(&Q) -> bool) -> bool {
        let mut state = self.state.lock();
        while is_empty(&state.calls) && !state.is_shut_down {
            self.changed.wait(&mut state);
        }
        !state.is_shut_down
    }
}

/// The input's thread.
fn answer_takes(takes: &SharedCalls<TakeQueue>, input: impl Read) {
    let mut input = std::io::BufReader::new(input);
    // What was read for a call that has been cancelled meanwhile.
    let mut unclaimed = None;
    while takes.wait(TakeQueue::is_empty) {
        let line = unclaimed.take().unwrap_or_else(|| DeviceAnswer::Bytes(read_line(&mut input)));
        unclaimed = takes.change(|calls| calls.answer(line)).err();
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
fn answer_gives(gives: &SharedCalls<GiveQueue>, mut output: impl Write) {
    while gives.wait(GiveQueue::is_empty) {
        if let Some((_, (reply, bytes))) = gives.change(GiveQueue::pop_first) {
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
