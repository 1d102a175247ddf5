//! Drivers without an event loop: a queue of requests that nothing empties.

use super::{DriverContext, DriverPool};
use crate::device::{DeviceRegistry, TimeDevice};
use crate::mailbox::{Doorbell, Inbox, mailbox};
use crate::message::{CogRequest, DriverMessage, RequestRow};
use crate::packed::{PackedMessage, PinLoader, PinPacker};
use crate::settings::{DriverSettings, MachineSettings};
use crate::tests::harness::TestMachine;
use crate::tests::programs::{cog, cycle, keep_inputs, read, wait, when, write};
use crate::tests::terms::{self, PlanExpr, arg, call, law, nat, row};
use crate::trace::ConsoleMessage;
use crate::watchdog::Watchdog;
use crate::worker_table::DriverBatch;
use crossbeam_channel::{Receiver, unbounded};
use runtime::RuntimeBuilder;
use std::sync::Arc;
use vm::Vm;

/// A pool of one thread, and what its drivers send: at most `room` requests.
struct TestPool {
    pool: DriverPool,
    requests: Inbox<CogRequest>,
    reports: Receiver<ConsoleMessage>,
    /// For values of drivers and messages.
    vm: Vm,
    packer: PinPacker,
}

impl TestPool {
    fn new(room: usize) -> TestPool {
        // The settings of machines in tests; the machine is not used.
        let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), []));
        let (console, reports) = unbounded();
        let drivers = DriverSettings { threads: 1, ..DriverSettings::default() };
        let settings = MachineSettings { drivers, ..machine.settings(console) };
        let time = TimeDevice::start(Arc::clone(&settings.clock)).expect("a thread");
        let doorbell = Arc::new(Doorbell::of_current_thread());
        let (sender, requests) = mailbox(&doorbell, room);
        let context = DriverContext {
            watchdog: Arc::new(Watchdog::start(&settings.clock).expect("a thread")),
            settings: Arc::new(settings),
            sampling: Arc::default(),
            devices: DeviceRegistry::new([Arc::new(time) as Arc<dyn crate::device::Device>]),
            requests: sender,
            control: mailbox(&doorbell, usize::MAX).0,
        };
        let vm =
            RuntimeBuilder::bare().heap(terms::options()).build().expect("a small heap").into();
        TestPool {
            pool: DriverPool::new(&Arc::new(context)),
            requests,
            reports,
            vm,
            packer: PinPacker::default(),
        }
    }

    /// Starts a driver. Worker and slot have one number.
    fn start(&mut self, number: u64, driver: &PlanExpr) {
        let value = driver.value(&mut self.vm);
        let values = self.packer.pack(&mut self.vm, &value).expect("a small value");
        let batch = DriverBatch { drivers: vec![(number, number)], values };
        self.pool.start(batch).expect("a thread");
    }

    /// The number in the next report.
    fn shown(&self) -> u64 {
        let report = self.reports.recv().expect("the thread runs");
        report.number().expect("a number")
    }

    /// The driver and value of the next write.
    fn written(&mut self) -> (u64, u64) {
        match self.requests.receive() {
            CogRequest::Write { row: RequestRow { worker, .. }, value } => {
                let mut loader = PinLoader::default();
                let value = value.load(&mut loader, &mut self.vm).expect("room");
                (worker, self.vm.look(&value).as_u64().expect("a nat"))
            }
            CogRequest::Read { .. } => panic!("a read"),
        }
    }

    fn send(&mut self, worker: u64, key: u64, value: u64) {
        let value = self.vm.nat(value);
        let value = PackedMessage::pack(&mut self.packer, &self.vm, &value).expect("small");
        self.pool.send(worker, DriverMessage::CogOutput { key, value });
        self.pool.notify();
    }
}

/// A driver that writes these numbers, and shows the messages that it gets.
fn writing(numbers: impl IntoIterator<Item = u64>) -> PlanExpr {
    let shows = law(3, terms::trace(arg(3), call(arg(0), [row([])])));
    let writes = numbers.into_iter().map(|number| row([nat(0), write(nat(number))]));
    call(shows, [row(writes)])
}

#[test]
fn a_driver_that_waits_for_room_delays_no_other_and_writes_in_order() {
    let mut pool = TestPool::new(1);
    pool.start(0, &writing(0..600));
    // There is room for one write of the first driver. The second one is called nevertheless.
    pool.start(1, &cycle(vec![when(), wait(nat(0))], &[0, 1]));
    assert_eq!([pool.shown(), pool.shown(), pool.shown()], [1_764_000_000, 0, 1_764_000_000]);
    // The third driver waits for room too, and gets it before the first has written everything.
    pool.start(2, &writing([7]));
    pool.send(0, 5, 77);
    let written: Vec<(u64, u64)> = (0..601).map(|_| pool.written()).collect();
    let of_first: Vec<u64> =
        written.iter().filter(|(worker, _)| *worker == 0).map(|(_, value)| *value).collect();
    assert_eq!(of_first, (0..600).collect::<Vec<u64>>());
    let third = written.iter().position(|it| *it == (2, 7)).expect("it has written");
    assert!(third < 600, "{third}");
    // A driver takes messages when its requests are made.
    while pool.shown() != 77 {}
}

#[test]
fn ten_thousand_drivers_end_when_the_pool_is_dropped_although_some_wait_for_room() {
    let mut pool = TestPool::new(1);
    for number in 0..10_000 {
        pool.start(number, &cycle(vec![read(), wait(nat(u64::MAX))], &[]));
    }
    pool.pool.cancel(17);
    drop(pool.pool);
    assert!(pool.requests.len() <= 1);
}
