//! `%time`: the wall clock, in whole seconds since 1970.
//!
//! ```text
//! [%time %when]      the time now
//! [%time %wait t]    0, as soon as the clock shows t or later; never, for a t of 2^63 or more
//! ```
//!
//! One thread sleeps until the earliest time that somebody waits for. (prototype:
//! lib/Server/Hardware/Time.hs)

use super::{Answer, Cancel, Device, Reply};
use crate::clock::Clock;
use crate::error::SystemError;
use crossbeam_channel::{Receiver, Sender, never, select, unbounded};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use vm::Ref;

enum ToThread {
    Wait { until: u64, number: u64, reply: Reply },
    Cancel { until: u64, number: u64 },
    End,
}

/// The time device.
pub struct Time {
    clock: Arc<dyn Clock>,
    inbox: Sender<ToThread>,
    thread: Option<JoinHandle<()>>,
    next: AtomicU64,
}

impl Time {
    /// The device that tells the time of that clock. Its thread ends when it is dropped.
    ///
    /// # Errors
    /// If the system does not grant the thread.
    pub fn start(clock: Arc<dyn Clock>) -> Result<Time, SystemError> {
        let (inbox, orders) = unbounded();
        let thread_clock = Arc::clone(&clock);
        let thread = thread::Builder::new()
            .name("pallas-time".into())
            .spawn(move || run(&*thread_clock, &orders))
            .map_err(SystemError::new("start a thread"))?;
        Ok(Time { clock, inbox, thread: Some(thread), next: AtomicU64::new(0) })
    }

    fn wait(&self, until: u64, reply: Reply) -> Option<Cancel> {
        let inbox = self.inbox.clone();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // The thread lives as long as the device.
        let _ = inbox.send(ToThread::Wait { until, number, reply });
        Some(Box::new(move || {
            let _ = inbox.send(ToThread::Cancel { until, number });
        }))
    }
}

impl Device for Time {
    fn name(&self) -> &'static str {
        "time"
    }

    fn call(&self, args: &[Ref<'_>], reply: Reply) -> Option<Cancel> {
        match Request::of(args) {
            Some(Request::When) => {
                reply.send(seconds(self.clock.now()).into());
                None
            }
            Some(Request::Wait(until)) => self.wait(until, reply),
            Some(Request::WaitForever) => None,
            None => {
                reply.send(Answer::NOTHING);
                None
            }
        }
    }
}

impl Drop for Time {
    fn drop(&mut self) {
        // Calls may hold the channel open beyond this, so that closing it would not do.
        let _ = self.inbox.send(ToThread::End);
        if let Some(thread) = self.thread.take() {
            // It holds nothing that could be lost.
            let _ = thread.join();
        }
    }
}

enum Request {
    When,
    Wait(u64),
    WaitForever,
}

impl Request {
    fn of(args: &[Ref<'_>]) -> Option<Request> {
        let name = args.first()?.as_nat()?.bytes();
        match (name.as_slice(), &args[1..]) {
            (b"when", []) => Some(Request::When),
            (b"wait", [until]) => {
                let until = until.as_nat()?.to_u64().filter(|until| i64::try_from(*until).is_ok());
                Some(until.map_or(Request::WaitForever, Request::Wait))
            }
            _ => None,
        }
    }
}

/// Whole seconds since 1970; 0 before.
fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or(0)
}

/// The thread: answers each wait when its time has come.
fn run(clock: &dyn Clock, orders: &Receiver<ToThread>) {
    let mut waits: BTreeMap<(u64, u64), Reply> = BTreeMap::new();
    loop {
        let now = seconds(clock.now());
        while let Some(first) = waits.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().send(Answer::NOTHING);
        }
        let alarm = match waits.first_key_value() {
            Some((&(until, _), _)) => {
                let until = i64::try_from(until).ok().map(Timestamp::from_second);
                clock.alarm(until.and_then(Result::ok).unwrap_or(Timestamp::MAX))
            }
            None => never(),
        };
        select! {
            recv(orders) -> order => match order {
                Ok(ToThread::Wait { until, number, reply }) => {
                    waits.insert((until, number), reply);
                }
                Ok(ToThread::Cancel { until, number }) => {
                    waits.remove(&(until, number));
                }
                Ok(ToThread::End) | Err(_) => return,
            },
            recv(alarm) -> _ => {}
        }
    }
}
