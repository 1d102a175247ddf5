//! The end of a machine to which nothing can happen any more, and what keeps one running.

use super::harness::TestMachine;
use super::programs::{
    calling, cog, counter, cycle, eval, exec, harmless, keep_inputs, replying_law, wait, when,
    write, writer,
};
use super::terms::{PlanExpr, arg, call, law, nat, row, trace};
use crate::device::{CallerId, CancelCall, Device, DeviceReply};
use crate::message::{OpenCall, WorkerCalls};
use crate::trace::ConsoleMessage;
use crate::{ConsoleNotice, RunOutcome};
use crossbeam_channel::{Sender, unbounded};
use plan::Ref;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// A machine of this program that ends when nothing can happen to it any more.
fn ending(program: &PlanExpr) -> TestMachine {
    TestMachine::boot(program).with(|settings| settings.end_when_stalled = true)
}

/// A cog with these drivers, which keeps all inputs.
fn cog_with(drivers: impl IntoIterator<Item = PlanExpr>) -> PlanExpr {
    calling(drivers.into_iter().map(exec))
}

/// A driver that makes these requests and shows each answer.
fn asking(requests: impl IntoIterator<Item = PlanExpr>) -> PlanExpr {
    let requests = requests.into_iter().enumerate();
    let requests = requests.map(|(key, request)| row([nat(key as u64), request]));
    call(law(3, trace(arg(3), call(arg(0), [row([])]))), [row(requests)])
}

/// The call of a device by its name and arguments.
fn device_call(device: &'static str, args: impl IntoIterator<Item = PlanExpr>) -> PlanExpr {
    row([PlanExpr::Text(device)].into_iter().chain(args))
}

/// The time of a `wait` that never ends.
fn never() -> PlanExpr {
    nat(1 << 63)
}

fn open_call(key: u64, device: &str) -> OpenCall {
    OpenCall { key, device: device.into() }
}

/// Runs a machine to its end, and returns its drivers with their calls.
fn stalled(machine: &TestMachine) -> Vec<WorkerCalls> {
    match machine.run(|_| false).outcome() {
        RunOutcome::Stalled(drivers) => drivers,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_machine_ends_when_its_drivers_wait_for_nothing() {
    let machine = ending(&cog_with([writer(row([harmless(), nat(5)]))]));
    let idle = WorkerCalls { slot: 0, calls: Vec::new() };
    assert_eq!(stalled(&machine), std::slice::from_ref(&idle));
    assert_eq!(machine.state(), "0 [[[0 [_ 5]]] 7]");
    // At the next start the driver begins anew, and writes again.
    assert_eq!(stalled(&machine), [idle]);
    assert_eq!(machine.state(), "0 [[[0 [_ 5]]] [[[0 [_ 5]]] 7]]");
}

#[test]
fn calls_that_will_never_be_answered_keep_no_machine_running() {
    let waiting = [asking([wait(never()), wait(never())]), asking([wait(nat(9)), wait(never())])];
    let machine = ending(&cog_with(waiting));
    let expected = [
        WorkerCalls { slot: 0, calls: vec![open_call(0, "time"), open_call(1, "time")] },
        WorkerCalls { slot: 1, calls: vec![open_call(1, "time")] },
    ];
    assert_eq!(stalled(&machine), expected);
}

#[test]
fn a_call_that_replaces_one_without_an_answer_is_waited_for() {
    // The second request replaces the first one, and is answered. Then nothing is left.
    let requests = row([row([nat(3), wait(never())]), row([nat(3), when()])]);
    let driver = call(law(3, trace(arg(3), call(arg(0), [row([])]))), [requests]);
    let machine = ending(&cog_with([driver]));
    let run = machine.run(|_| false);
    assert_eq!(run.numbers(), [1_764_000_000]);
    assert_eq!(run.outcome(), RunOutcome::Stalled(vec![WorkerCalls { slot: 0, calls: vec![] }]));
}

#[test]
fn timers_events_and_jobs_keep_a_machine_running() {
    assert_eq!(ending(&counter()).run_until_shown(20).outcome(), RunOutcome::Stopped);
    // The driver waits for messages of the cog only.
    let echoing =
        cog(replying_law(|count| count), nat(0), [exec(cycle(vec![write(nat(0))], &[0]))]);
    let run = ending(&echoing).run_until_shown(100);
    assert_eq!(run.numbers()[..100], (1..=100).collect::<Vec<u64>>());
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    // The cog finishes with the result of its job.
    let job = cog(keep_inputs(), nat(7), [eval(law(1, arg(1)), [nat(5)]), exec(idle_driver())]);
    assert_eq!(ending(&job).run(|_| false).outcome(), RunOutcome::Finished);
}

/// A driver that makes no request.
fn idle_driver() -> PlanExpr {
    call(law(3, call(arg(0), [row([])])), [row([])])
}

#[test]
fn drivers_in_private_runtimes_keep_a_machine_running() {
    let run = ending(&counter())
        .with(|settings| settings.drivers.call_budget = Duration::ZERO)
        .run_until_shown(20);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    let machine = ending(&cog_with([asking([when(), wait(never())])]))
        .with(|settings| settings.drivers.call_budget = Duration::ZERO);
    let run = machine.run(|_| false);
    assert_eq!(run.numbers(), [1_764_000_000]);
    let calls = vec![open_call(1, "time")];
    assert_eq!(run.outcome(), RunOutcome::Stalled(vec![WorkerCalls { slot: 0, calls }]));
}

#[test]
fn a_listener_keeps_a_machine_running() {
    let machine = ending(&cog_with([asking([device_call("tcp", [PlanExpr::Text("hear")])])]));
    let running = machine.start();
    let listening = running.reports.recv().expect("it listens");
    let ConsoleMessage::Notice(ConsoleNotice::Listening(address)) = listening else {
        panic!("{listening:?}")
    };
    let client = TcpStream::connect(address).expect("the machine runs");
    // The driver has shown the connection. It asks for no other one.
    assert!(matches!(running.reports.recv(), Ok(ConsoleMessage::Text(_))));
    let run = running.join(Vec::new());
    drop(client);
    assert_eq!(run.outcome(), RunOutcome::Stalled(vec![WorkerCalls { slot: 0, calls: vec![] }]));
}

/// A device that passes on the replies to its calls.
struct SlowDevice(Sender<DeviceReply>);

impl Device for SlowDevice {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn call(&self, _: CallerId, _: &[Ref<'_>], reply: DeviceReply) -> Option<CancelCall> {
        // The test may have ended.
        let _ = self.0.send(reply);
        None
    }
}

#[test]
fn the_open_call_of_a_device_keeps_a_machine_running_until_the_device_gives_up() {
    let (sender, replies) = unbounded();
    let program =
        cog_with([asking([device_call("slow", []), device_call("slow", [])]), idle_driver()]);
    let machine = ending(&program)
        .with(move |settings| settings.devices.push(Arc::new(SlowDevice(sender.clone()))));
    let running = machine.start();
    let [first, second] = [replies.recv(), replies.recv()].map(|reply| reply.expect("a call"));
    first.send(5_u64.into());
    assert_eq!(running.reports.recv(), Ok(ConsoleMessage::Text("5".into())));
    second.never();
    let expected = [
        WorkerCalls { slot: 0, calls: vec![open_call(1, "slow")] },
        WorkerCalls { slot: 1, calls: Vec::new() },
    ];
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stalled(expected.into()));
}
