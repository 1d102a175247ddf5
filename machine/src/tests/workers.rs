//! Drivers, devices, and changes of the row of workers.

use super::harness::TestMachine;
use super::programs::{cog, cycle, exec, keep_inputs, read, wait, when, writer};
use super::terms::{PlanExpr, arg, call, law, nat, row, trace};
use crate::device::{CallerId, CancelCall, Device, DeviceReply};
use crate::trace::ConsoleMessage;
use crate::{ConsoleNotice, RunOutcome};
use crossbeam_channel::{Sender, unbounded};
use plan::Ref;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn an_unknown_device_answers_0() {
    let driver = cycle(vec![row([PlanExpr::Text("nope"), nat(5)])], &[0]);
    let run = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)])).run_until_shown(1);
    let notice = ConsoleNotice::UnknownDevice { driver: 0, device: "nope".into() };
    assert_eq!(
        run.messages[..2],
        [ConsoleMessage::Notice(notice), ConsoleMessage::Text("0".into())]
    );
}

/// The answers come at once at first, and then later and later: the machine does not spin.
#[test]
fn a_driver_that_repeats_an_unknown_call_is_reported_once_and_waits() {
    let driver = cycle(vec![row([PlanExpr::Text("nope")])], &[0]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    let running = machine.start();
    let mut messages: Vec<ConsoleMessage> = running.reports.iter().take(9).collect();
    for delay in [1, 2, 4].map(Duration::from_millis) {
        assert_eq!(machine.clock.wait_for_timer(Duration::from_secs(1)), delay);
        assert!(running.reports.is_empty());
        machine.clock.advance(delay);
        messages.extend(running.reports.recv());
    }
    running.stop();
    let run = running.join(messages);
    let notice = ConsoleNotice::UnknownDevice { driver: 0, device: "nope".into() };
    assert_eq!(run.messages[0], ConsoleMessage::Notice(notice));
    assert_eq!(run.numbers(), [0; 8 + 3]);
}

#[test]
fn the_time_is_in_seconds_and_a_wait_lasts_until_its_time() {
    let driver = cycle(vec![when(), wait(nat(1_764_000_100)), when()], &[0, 1, 2]);
    let run = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)])).run_until_shown(3);
    assert_eq!(run.numbers()[..3], [1_764_000_000, 0, 1_764_000_100]);
}

#[test]
fn malformed_calls_of_the_time_device_are_answered_0() {
    let odd = row([PlanExpr::Text("time"), PlanExpr::Text("wait"), row([])]);
    let driver = cycle(vec![odd, row([PlanExpr::Text("time")])], &[0, 1]);
    let run = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)])).run_until_shown(2);
    assert_eq!(run.numbers()[..2], [0, 0]);
}

/// A device that records its calls and their cancellations, and answers none.
struct RecordingDevice(Sender<(&'static str, u64)>);

impl Device for RecordingDevice {
    fn name(&self) -> &'static str {
        "record"
    }

    fn call(&self, _: CallerId, args: &[Ref<'_>], _: DeviceReply) -> Option<CancelCall> {
        let (number, records) = (args[0].as_u64().expect("a number"), self.0.clone());
        records.send(("call", number)).expect("the test waits");
        // The test may have ended when the machine stops.
        Some(Box::new(move || {
            let _ = records.send(("cancel", number));
        }))
    }
}

#[test]
fn a_call_is_cancelled_before_the_call_that_replaces_it() {
    let request = |number| row([nat(0), row([PlanExpr::Text("record"), nat(number)])]);
    let driver = call(law(3, call(arg(0), [row([])])), [row([request(1), request(2)])]);
    let (sender, records) = unbounded();
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), [exec(driver)]))
        .with(move |settings| settings.devices.push(Arc::new(RecordingDevice(sender.clone()))));
    let running = machine.start();
    let first: Vec<(&str, u64)> = records.iter().take(3).collect();
    running.stop();
    running.join(Vec::new());
    assert_eq!(first, [("call", 1), ("cancel", 1), ("call", 2)]);
}

#[test]
fn a_new_driver_replaces_the_old_one() {
    let second = exec(cycle(vec![read()], &[0]));
    let next = call(arg(0), [nat(8), arg(2), row([second])]);
    let swapping = law(4, row([next, row([row([nat(0), nat(0), nat(55)])])]));
    let machine = TestMachine::boot(&cog(swapping, nat(7), [exec(writer(nat(5)))]));
    // The message of the event was for the old driver, and is not shown.
    assert_eq!(machine.run_until_shown(2).numbers()[..2], [8, 8]);
}

#[test]
fn one_malformed_output_drops_all_outputs() {
    let message = |request| row([nat(0), request, nat(9)]);
    for (outputs, expected) in [
        (row([message(nat(0)), message(nat(0))]), vec![9, 9]),
        (row([message(nat(0)), row([nat(0)])]), vec![]),
        (row([message(nat(0)), message(row([]))]), vec![]),
        (nat(0), vec![]),
    ] {
        let next = call(arg(0), [arg(1), arg(2), arg(3)]);
        let function = law(4, row([next, outputs]));
        // Writes once, and shows the messages that it gets.
        let shows = law(3, trace(arg(3), call(arg(0), [row([])])));
        let driver = call(shows, [row([row([nat(0), super::programs::write(nat(5))])])]);
        let timer = exec(cycle(vec![wait(nat(0)), read()], &[1]));
        let machine = TestMachine::boot(&cog(function, nat(77), [exec(driver), timer]));
        let run = machine.run(|messages| {
            let events = messages.iter().filter(|it| it.number() == Some(77)).count();
            events >= 20 && messages.len() - events >= expected.len()
        });
        let shown: Vec<u64> = run.numbers().into_iter().filter(|number| *number != 77).collect();
        assert_eq!(shown, expected);
    }
}

/// The inputs may be batched into any number of events.
#[test]
fn every_write_of_many_drivers_is_an_input_once() {
    let next = call(arg(0), [row([arg(4), arg(1)]), arg(2), arg(3)]);
    let collecting = law(4, row([next, row([])]));
    let writers = (0..20).map(|number| exec(writer(nat(100 + number))));
    let watcher = exec(cycle(vec![when(), read()], &[1]));
    let machine = TestMachine::boot(&cog(collecting, nat(0), writers.chain([watcher])));
    let input = |slot: u64| format!("[{slot} {}]", 100 + slot);
    let run = machine.run(|messages| {
        let Some(ConsoleMessage::Text(last)) = messages.last() else { return false };
        (0..20).all(|slot| last.contains(&input(slot)))
    });
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    let state = machine.state();
    assert!((0..20).all(|slot| state.matches(&input(slot)).count() == 1), "{state}");
}

/// `[%tcp %open ip port]`, to this listener.
fn open(listener: &TcpListener) -> PlanExpr {
    let port = listener.local_addr().expect("an address").port();
    row([PlanExpr::Text("tcp"), PlanExpr::Text("open"), nat(16_777_343), nat(port.into())])
}

/// Accepts a connection, and waits until its other end is closed.
fn accept_until_closed(listener: &TcpListener) {
    let (mut peer, _) = listener.accept().expect("a connection");
    assert_eq!(peer.read(&mut [0]).expect("the end"), 0);
}

#[test]
fn connections_are_closed_when_the_driver_ends() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let driver = cycle(vec![open(&listener), super::programs::write(arg(2))], &[0]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    let running = machine.start();
    accept_until_closed(&listener);
    // The cog finished with the answer as its input: (0 handle).
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Finished);
    assert_eq!(machine.state(), "1 [[0 _]]");
}

#[test]
fn connections_are_closed_when_the_driver_begins_anew() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let crash = call(nat(0), [nat(0), nat(0), nat(0)]);
    let driver = cycle(vec![open(&listener), crash], &[]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    let running = machine.start();
    for _ in 0..2 {
        accept_until_closed(&listener);
    }
    running.stop();
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
}
