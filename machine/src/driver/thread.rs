//! [`DriverThread`]: the loop of a thread that runs drivers.

use super::SHARED_VALUE_BYTES;
use super::dormancy::Dormancy;
use super::entry::{Driver, ThreadResources};
use super::inbox::{DriverIdentity, ThreadMessage};
use super::value::DriverValue;
use crate::codec;
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::device::reactor::Reactor;
use crate::mailbox::Inbox;
use crate::packed::{PackedValue, PinLoader};
use crate::sampling::send_profile;
use plan::{Map, Val};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::Vm;

/// The most messages that are received between two turns of drivers.
const MESSAGES_AT_A_TIME: usize = 1024;
/// How often sockets are looked at, and the event loop is notified, while drivers use their turns.
const POLL_INTERVAL: Duration = Duration::from_micros(200);

/// A thread's drivers, and which of them can use a turn.
pub(super) struct DriverThread {
    resources: ThreadResources,
    inbox: Inbox<ThreadMessage>,
    /// Messages from the inbox that are not handled yet.
    received: VecDeque<ThreadMessage>,
    /// Watches the sockets that the drivers have asked for.
    reactor: Reactor,
    /// When the reactor was polled last.
    polled: Instant,
    /// By number.
    drivers: Map<u64, QueuedDriver>,
    /// The drivers that can use a turn, in the order of their turns.
    ready: VecDeque<u64>,
    /// The driver that had the last turn.
    last_turn: Option<u64>,
    /// The number of drivers that may do something without another message of the event loop.
    acting: usize,
    /// The number of messages of the event loop that were handled.
    handled: u64,
    dormancy: Arc<Dormancy>,
    is_stopped: bool,
}

struct QueuedDriver {
    driver: Driver,
    /// Whether the driver is in the queue of those that can use a turn.
    is_queued: bool,
    /// Whether the driver is one of those that may do something.
    can_act: bool,
}

impl DriverThread {
    /// A thread without drivers, which receives messages from `inbox`, polls `reactor` and publishes
    /// when it is dormant.
    pub(super) fn new(
        resources: ThreadResources,
        inbox: Inbox<ThreadMessage>,
        reactor: Reactor,
        dormancy: Arc<Dormancy>,
    ) -> DriverThread {
        DriverThread {
            resources,
            inbox,
            received: VecDeque::new(),
            reactor,
            polled: Instant::now(),
            drivers: Map::default(),
            ready: VecDeque::new(),
            last_turn: None,
            acting: 0,
            handled: 0,
            dormancy,
            is_stopped: false,
        }
    }

    /// Runs the drivers until the thread is stopped.
    pub(super) fn run(mut self) {
        self.reactor.attach_to_thread();
        while !self.is_stopped {
            self.resources.requests.doorbell().silence();
            self.receive();
            self.wake_drivers();
            self.resources.requests.flush();
            if let Some(worker) = self.resources.requests.unblock() {
                self.with_driver(worker, |driver, _| driver.unblock());
            }
            match self.ready.pop_front() {
                Some(worker) => {
                    if let Some(queued) = self.drivers.get_mut(&worker) {
                        queued.is_queued = false;
                    }
                    // The requests of another driver do not wait for this one's turn.
                    if self.last_turn.replace(worker) != Some(worker) {
                        self.resources.requests.notify();
                    }
                    self.with_driver(worker, Driver::take_turn);
                    self.poll_now_and_then();
                }
                None if self.received.is_empty() && !self.is_stopped => self.wait(),
                None => {}
            }
        }
        for queued in self.drivers.values_mut() {
            queued.driver.end(&self.resources);
        }
    }

    /// Handles messages that have arrived, up to a limit, so that no driver waits long for its turn.
    fn receive(&mut self) {
        if self.received.is_empty() {
            self.inbox.receive_all(&mut self.received);
        }
        for _ in 0..MESSAGES_AT_A_TIME {
            let Some(message) = self.received.pop_front() else { break };
            self.handle(message);
        }
    }

    /// Does something with a driver, if it has not ended, and queues it if it can use a turn
    /// afterwards.
    fn with_driver(&mut self, worker: u64, action: impl FnOnce(&mut Driver, &mut ThreadResources)) {
        let Some(queued) = self.drivers.get_mut(&worker) else { return };
        action(&mut queued.driver, &mut self.resources);
        if !queued.is_queued && queued.driver.is_ready() {
            queued.is_queued = true;
            self.ready.push_back(worker);
        }
        let (could_act, can_act) = (queued.can_act, queued.driver.can_act());
        queued.can_act = can_act;
        self.acting = self.acting + usize::from(can_act) - usize::from(could_act);
    }

    /// Notifies the event loop if no driver can do anything any more. No message waits, and no driver
    /// has a turn.
    fn note_dormancy(&mut self) {
        let requests = &mut self.resources.requests;
        if self.acting == 0 && !requests.is_full() && self.dormancy.publish(self.handled) {
            requests.ring_later();
        }
    }

    /// Waits for a message, for a timer, for room in the event loop's queue, or until a socket of a
    /// driver is ready.
    fn wait(&mut self) {
        self.note_dormancy();
        let DriverThread { resources: ThreadResources { context, timers, requests, .. }, .. } =
            self;
        requests.notify();
        let doorbell = Arc::clone(requests.doorbell());
        let timeout = timers.sleep(&*context.settings.clock, &doorbell);
        let reactor = &mut self.reactor;
        doorbell.sleep(|| reactor.poll(timeout));
        self.polled = Instant::now();
    }

    /// Notifies the event loop of requests, and looks for sockets that are ready, if that was not
    /// done for a while. While one driver uses turn after turn, what it causes is handled in batches.
    fn poll_now_and_then(&mut self) {
        let now = Instant::now();
        if now - self.polled >= POLL_INTERVAL {
            self.resources.requests.notify();
            self.reactor.poll(Some(Duration::ZERO));
            self.polled = now;
        }
    }

    fn wake_drivers(&mut self) {
        if self.resources.timers.is_empty() {
            return;
        }
        let now = self.resources.context.settings.clock.instant();
        while let Some(worker) = self.resources.timers.take_due(now) {
            self.with_driver(worker, |driver, resources| driver.wake(now, resources));
        }
    }

    fn handle(&mut self, message: ThreadMessage) {
        self.handled += u64::from(message.is_from_event_loop());
        match message {
            ThreadMessage::Start { drivers, values } => self.start(drivers, &values),
            ThreadMessage::Deliver { worker, message } => {
                self.with_driver(worker, |driver, _| driver.receive(message));
            }
            ThreadMessage::Report { from, report } => {
                self.with_driver(from.worker, |driver, resources| {
                    driver.handle_report(from, report, resources);
                });
            }
            ThreadMessage::ListCalls { limit, list } => {
                for QueuedDriver { driver, .. } in self.drivers.values() {
                    // The client may have gone.
                    let _ = list.try_send(driver.open_calls(limit));
                }
            }
            // A thread without a profile is missing in that of the machine.
            ThreadMessage::BeginProfile(options) => {
                let _ = self.resources.runtime.vm_mut().start_sampling(options);
            }
            ThreadMessage::EndProfile(profiles) => {
                send_profile(self.resources.runtime.vm_mut(), "(drivers)", &profiles);
            }
            ThreadMessage::End { worker } => {
                if let Some(mut queued) = self.drivers.remove(&worker) {
                    self.acting -= usize::from(queued.can_act);
                    queued.driver.end(&self.resources);
                }
            }
            ThreadMessage::Stop => self.is_stopped = true,
        }
    }

    /// Starts drivers whose values were packed together.
    fn start(&mut self, drivers: Vec<DriverIdentity>, values: &PackedValue) {
        let values = self.values(values, drivers.len());
        for (identity, value) in drivers.into_iter().zip(values) {
            let Some(value) = value else {
                let origin = ReportOrigin::Driver(identity.slot);
                let console = &self.resources.context.settings.console;
                console.notice(&ConsoleNotice::TooLarge(origin));
                continue;
            };
            let worker = identity.worker;
            let driver = Driver::new(identity, value, &self.resources);
            self.drivers.insert(worker, QueuedDriver { driver, is_queued: true, can_act: true });
            self.acting += 1;
            self.ready.push_back(worker);
        }
    }

    /// The value of each of `count` drivers. None for a value that is too large for any heap.
    fn values(&mut self, packed: &PackedValue, count: usize) -> Vec<Option<DriverValue>> {
        let is_small = count > 1 || packed.size() <= SHARED_VALUE_BYTES;
        if is_small && let Ok(value) = self.resources.runtime.load_packed(packed) {
            let heap = self.resources.runtime.heap();
            return items(heap, value, count)
                .into_iter()
                .map(|item| item.map(DriverValue::Loaded))
                .collect();
        }
        // There is no room for them in the shared runtime, so each goes to a private one.
        let settings = &self.resources.context.settings;
        let Ok(mut vm) = settings.worker_runtime(None) else { return vec![None; count] };
        let Ok(value) = PinLoader::default().load(&mut vm, packed) else {
            return vec![None; count];
        };
        let serialize = |item: Option<Val>| {
            let bytes = codec::serialize(&vm, &item?).ok()?;
            Some(DriverValue::Serialized(Arc::new(bytes)))
        };
        items(&vm, value, count).into_iter().map(serialize).collect()
    }
}

/// The value itself if `count` is 1, else the items of the value, which is a row.
fn items(vm: &Vm, value: Val, count: usize) -> Vec<Option<Val>> {
    if count == 1 {
        return vec![Some(value)];
    }
    let row = vm.look(&value).as_row();
    let item = |index| row.and_then(|row| row.get(index)).map(|item| vm.hold(item));
    (0..count).map(item).collect()
}
