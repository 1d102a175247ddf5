//! [`DriverPool`]: the running drivers of a machine, and the threads that run them.

use super::DriverContext;
use super::dormancy::Dormancy;
use super::entry::ThreadResources;
use super::inbox::{DriverIdentity, ThreadMessage};
use super::private::PrivateRuntimes;
use super::requests::RequestSender;
use super::shared::SharedRuntime;
use super::thread::DriverThread;
use super::timers::DriverTimers;
use crate::cancellation::CancellationToken;
use crate::clock::{Clock, SystemClock};
use crate::device::reactor::Reactor;
use crate::error::SystemError;
use crate::mailbox::{Address, Doorbell, mailbox};
use crate::message::{ControlMessage, DriverMessage, WorkerCalls};
use crate::watchdog::Watchdog;
use crate::worker_table::DriverBatch;
use crossbeam_channel::Sender;
use profile::SampledProfile;
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use vm::SamplingOptions;

struct DriverThreadEntry {
    address: Address<ThreadMessage>,
    thread: JoinHandle<()>,
    /// The number of drivers that run on it.
    drivers: usize,
    /// Whether messages were sent and the thread was not notified since.
    is_ring_due: bool,
    /// The number of messages that were sent.
    sent: u64,
    dormancy: Arc<Dormancy>,
}

impl DriverThreadEntry {
    /// Sends a message, and wakes the thread if it sleeps.
    fn send(&mut self, message: ThreadMessage) {
        self.sent += 1;
        self.address.send(message);
    }
}

struct RunningDriver {
    token: Arc<CancellationToken>,
    /// The index of its thread.
    thread: usize,
}

/// The running drivers, by number. Dropping the pool cancels all of them, and waits for the threads.
pub(crate) struct DriverPool {
    context: Arc<DriverContext>,
    threads: Vec<DriverThreadEntry>,
    running: HashMap<u64, RunningDriver>,
    private: Arc<PrivateRuntimes>,
    /// Ends calls in shared runtimes that exceed their budget. It starts with the first thread, and
    /// reads the system's clock: a budget decides where a call runs, and is no limit of the program.
    budget_watchdog: Option<Arc<Watchdog>>,
}

impl DriverPool {
    /// A pool without drivers, which has no thread yet.
    pub(crate) fn new(context: &Arc<DriverContext>) -> DriverPool {
        DriverPool {
            context: Arc::clone(context),
            threads: Vec::new(),
            running: HashMap::new(),
            private: Arc::new(PrivateRuntimes::new(context)),
            budget_watchdog: None,
        }
    }

    /// Starts drivers, all on one thread: the one that has the fewest.
    pub(crate) fn start(&mut self, batch: DriverBatch) -> Result<(), SystemError> {
        let thread = self.choose_thread()?;
        let DriverBatch { drivers, values } = batch;
        let identity = |(worker, slot)| {
            let token = Arc::new(CancellationToken::default());
            DriverIdentity { worker, slot, token }
        };
        let drivers: Vec<DriverIdentity> = drivers.into_iter().map(identity).collect();
        for DriverIdentity { worker, token, .. } in &drivers {
            let token = Arc::clone(token);
            self.running.insert(*worker, RunningDriver { token, thread });
        }
        let entry = &mut self.threads[thread];
        entry.drivers += drivers.len();
        // The thread ends by itself only if it cannot run, which stops the machine.
        entry.send(ThreadMessage::Start { drivers, values });
        Ok(())
    }

    /// Sends a message to a driver, whose thread is notified by [`notify`](DriverPool::notify). Has no
    /// effect if the driver has ended.
    pub(crate) fn send(&mut self, worker: u64, message: DriverMessage) {
        if let Some(RunningDriver { thread, .. }) = self.running.get(&worker) {
            let entry = &mut self.threads[*thread];
            entry.sent += 1;
            entry.address.send_silently(ThreadMessage::Deliver { worker, message });
            entry.is_ring_due = true;
        }
    }

    /// Has all threads send the open calls of their drivers, at most `limit` calls of each.
    pub(crate) fn list_calls(&mut self, limit: usize, list: &Sender<WorkerCalls>) {
        for entry in &mut self.threads {
            entry.send(ThreadMessage::ListCalls { limit, list: list.clone() });
        }
    }

    /// Has all threads take a profile.
    pub(crate) fn begin_profile(&mut self, options: SamplingOptions) {
        for entry in &mut self.threads {
            entry.send(ThreadMessage::BeginProfile(options));
        }
    }

    /// Has all threads end the profile, and send it. The profile of the runtimes of single drivers has
    /// ended ([`WorkerSampling`](crate::worker_sampling::WorkerSampling)).
    pub(crate) fn end_profile(&mut self, profiles: &Sender<SampledProfile>) {
        for entry in &mut self.threads {
            entry.send(ThreadMessage::EndProfile(profiles.clone()));
        }
        self.private.align_profiles();
    }

    /// Wakes the threads to which messages were sent since the last time.
    pub(crate) fn notify(&mut self) {
        for entry in &mut self.threads {
            if std::mem::take(&mut entry.is_ring_due) {
                entry.address.ring();
            }
        }
    }

    /// Whether no driver can do anything before another message is sent to one. All requests that the
    /// drivers have made are in the event loop's queue then.
    pub(crate) fn is_dormant(&self) -> bool {
        self.threads.iter().all(|entry| entry.dormancy.is_dormant_after(entry.sent))
    }

    /// Cancels a driver, without waiting for it. Has no effect if there is none with this number.
    pub(crate) fn cancel(&mut self, worker: u64) {
        if let Some(RunningDriver { token, thread }) = self.running.remove(&worker) {
            token.cancel();
            let entry = &mut self.threads[thread];
            entry.drivers -= 1;
            entry.send(ThreadMessage::End { worker });
        }
    }

    /// The index of the thread for the next drivers. Starts one if all have drivers, and there are
    /// fewer than the settings allow.
    fn choose_thread(&mut self) -> Result<usize, SystemError> {
        let least = self.threads.iter().enumerate().min_by_key(|(_, entry)| entry.drivers);
        match least.map(|(index, entry)| (index, entry.drivers)) {
            Some((index, 0)) => Ok(index),
            Some((index, _)) if self.threads.len() >= self.context.settings.drivers.threads => {
                Ok(index)
            }
            _ => {
                let entry = self.start_thread()?;
                self.threads.push(entry);
                Ok(self.threads.len() - 1)
            }
        }
    }

    fn start_thread(&mut self) -> Result<DriverThreadEntry, SystemError> {
        let budget_watchdog = match &self.budget_watchdog {
            Some(watchdog) => Arc::clone(watchdog),
            None => {
                let clock: Arc<dyn Clock> = Arc::new(SystemClock);
                let watchdog = Arc::new(Watchdog::start(&clock)?);
                Arc::clone(self.budget_watchdog.insert(watchdog))
            }
        };
        let reactor = Reactor::new()?;
        let waker = reactor.handle();
        let doorbell = Arc::new(Doorbell::new(move || waker.wake()));
        let (address, inbox) = mailbox(&doorbell, usize::MAX);
        let (context, private) = (Arc::clone(&self.context), Arc::clone(&self.private));
        let own_address = address.clone();
        let dormancy = Arc::new(Dormancy::default());
        let own_dormancy = Arc::clone(&dormancy);
        let track = context.settings.track(&format!("driver thread {}", self.threads.len() + 1));
        let thread = thread::Builder::new()
            .name("pallas-driver".into())
            .spawn(move || {
                let _guard = ControlMessage::on_panic(&context.control, "a driver");
                let runtime = match SharedRuntime::new(&context, &budget_watchdog, track) {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        // If the event loop has ended, no thread receives the message.
                        context.control.send(ControlMessage::WorkerFailed(error));
                        return;
                    }
                };
                let resources = ThreadResources {
                    requests: RequestSender::new(context.requests.clone(), doorbell),
                    context: Arc::clone(&context),
                    runtime,
                    private,
                    timers: DriverTimers::default(),
                    address: own_address,
                };
                DriverThread::new(resources, inbox, reactor, own_dormancy).run();
            })
            .map_err(SystemError::new("start a thread"))?;
        let (drivers, sent, is_ring_due) = (0, 0, false);
        Ok(DriverThreadEntry { address, thread, drivers, is_ring_due, sent, dormancy })
    }
}

impl Drop for DriverPool {
    fn drop(&mut self) {
        self.running.values().for_each(|driver| driver.token.cancel());
        for entry in &self.threads {
            entry.address.send(ThreadMessage::Stop);
        }
        for entry in self.threads.drain(..) {
            // The thread's guard has reported a panic.
            let _ = entry.thread.join();
        }
        self.private.shut_down();
    }
}
