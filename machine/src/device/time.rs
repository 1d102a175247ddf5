//! `%time`: the wall time, in whole seconds since 1970.
//!
//! ```text
//! [%time %when]      the time now
//! [%time %wait t]    0, as soon as the clock shows t or later; never, if t is 2^63 or more
//! ```
//!
//! One thread sleeps until the earliest time that any call waits for. (Prototype:
//! lib/Server/Hardware/Time.hs)

use super::{CallerId, CancelCall, Device, DeviceAnswer, DeviceReply};
use crate::clock::Clock;
use crate::error::SystemError;
use crossbeam_channel::{Receiver, Sender, never, select, unbounded};
use jiff::Timestamp;
use plan::Ref;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// A message to the device's thread. `until` is in seconds since 1970, and `number` tells apart
/// calls that wait for the same time.
enum TimerMessage {
    Wait { until: u64, number: u64, reply: DeviceReply },
    Cancel { until: u64, number: u64 },
    Shutdown,
}

/// The time device.
pub struct TimeDevice {
    clock: Arc<dyn Clock>,
    inbox: Sender<TimerMessage>,
    thread: Option<JoinHandle<()>>,
    next_number: AtomicU64,
}

impl TimeDevice {
    /// Starts a device that reports the wall time of `clock`. Its thread ends when it is dropped.
    ///
    /// # Errors
    /// The system refuses to start the thread.
    pub fn start(clock: Arc<dyn Clock>) -> Result<TimeDevice, SystemError> {
        let (inbox, messages) = unbounded();
        let thread_clock = Arc::clone(&clock);
        let thread = thread::Builder::new()
            .name("pallas-time".into())
            .spawn(move || run(&*thread_clock, &messages))
            .map_err(SystemError::new("start a thread"))?;
        Ok(TimeDevice { clock, inbox, thread: Some(thread), next_number: AtomicU64::new(0) })
    }

    fn wait(&self, until: u64, reply: DeviceReply) -> Option<CancelCall> {
        let inbox = self.inbox.clone();
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        // The thread lives as long as the device.
        let _ = inbox.send(TimerMessage::Wait { until, number, reply });
        Some(Box::new(move || {
            let _ = inbox.send(TimerMessage::Cancel { until, number });
        }))
    }
}

impl Device for TimeDevice {
    fn name(&self) -> &'static str {
        "time"
    }

    fn call(&self, _: CallerId, args: &[Ref<'_>], reply: DeviceReply) -> Option<CancelCall> {
        match TimeCall::parse(args) {
            Some(TimeCall::When) => {
                reply.send(seconds(self.clock.now()).into());
                None
            }
            Some(TimeCall::Wait(until)) => self.wait(until, reply),
            Some(TimeCall::WaitForever) => {
                reply.never();
                None
            }
            None => {
                reply.send(DeviceAnswer::ZERO);
                None
            }
        }
    }
}

impl Drop for TimeDevice {
    fn drop(&mut self) {
        // The cancel functions of calls hold senders too, so dropping ours would not end the
        // thread.
        let _ = self.inbox.send(TimerMessage::Shutdown);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread loses nothing: it holds no data.
            let _ = thread.join();
        }
    }
}

enum TimeCall {
    When,
    /// In seconds since 1970, below 2^63.
    Wait(u64),
    WaitForever,
}

impl TimeCall {
    /// The call with these arguments; None if it is malformed.
    fn parse(args: &[Ref<'_>]) -> Option<TimeCall> {
        let name = args.first()?.as_nat()?.bytes();
        match (name.as_slice(), &args[1..]) {
            (b"when", []) => Some(TimeCall::When),
            (b"wait", [until]) => {
                let until = until.as_nat()?.to_u64().filter(|until| i64::try_from(*until).is_ok());
                Some(until.map_or(TimeCall::WaitForever, TimeCall::Wait))
            }
            _ => None,
        }
    }
}

/// Whole seconds since 1970; 0 for an earlier time.
fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or(0)
}

/// The device's thread: answers each waiting call when its time has come.
fn run(clock: &dyn Clock, messages: &Receiver<TimerMessage>) {
    let mut waiting: BTreeMap<(u64, u64), DeviceReply> = BTreeMap::new();
    loop {
        let now = seconds(clock.now());
        while let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().send(DeviceAnswer::ZERO);
        }
        let alarm = match waiting.first_key_value() {
            Some((&(until, _), _)) => {
                let until = i64::try_from(until).ok().map(Timestamp::from_second);
                clock.alarm(until.and_then(Result::ok).unwrap_or(Timestamp::MAX))
            }
            None => never(),
        };
        select! {
            recv(messages) -> message => match message {
                Ok(TimerMessage::Wait { until, number, reply }) => {
                    waiting.insert((until, number), reply);
                }
                Ok(TimerMessage::Cancel { until, number }) => {
                    waiting.remove(&(until, number));
                }
                Ok(TimerMessage::Shutdown) | Err(_) => return,
            },
            recv(alarm) -> _ => {}
        }
    }
}
