//! Drivers on a pool of threads: many of them, those that compute for long, and those that move
//! between a shared and a private runtime.

use super::harness::{LIMIT, TestMachine};
use super::profile::tracks_of_calls;
use super::programs::{
    cog, counting_law, cycle, endless, exec, keep_inputs, read, wait, when, write, writer,
};
use super::terms::{PlanExpr, arg, call, case, inc, law, nat, row, trace};
use crate::machine::SHUTDOWN_GRACE;
use crate::trace::ConsoleMessage;
use crate::{
    AbortReason, ConsoleNotice, DriverSettings, MachineSettings, ReportOrigin, RunOutcome,
};
use std::time::Duration;

/// A budget that no call exceeds, so that only other rules move drivers.
const UNLIMITED: Duration = Duration::from_secs(1 << 20);

/// One thread for all drivers, with these other settings.
fn on_one_thread(drivers: DriverSettings) -> impl Fn(&mut MachineSettings) + Send + Sync {
    move |settings| settings.drivers = DriverSettings { threads: 1, ..drivers }
}

/// A law of two arguments: the second, after some work in proportion to the first.
fn after_work() -> PlanExpr {
    let again = law(3, call(arg(1), [arg(3), arg(2)]));
    law(2, case(arg(1), arg(2), call(again, [arg(0), arg(2)])))
}

/// Many drivers start, are answered, and stop.
fn run_idle_drivers(count: usize) {
    let idle = exec(cycle(vec![when(), wait(nat(u64::MAX))], &[0]));
    let drivers = std::iter::repeat_n(idle, count);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), drivers));
    let run = machine.run_until_shown(count);
    assert!(run.numbers().iter().all(|time| *time == 1_764_000_000));
    assert_eq!(run.outcome(), RunOutcome::Stopped);
}

#[test]
fn twenty_thousand_drivers_start_are_answered_and_stop() {
    run_idle_drivers(20_000);
}

#[test]
#[ignore = "a measurement: cargo test -p machine --lib hundred_thousand -- --ignored"]
fn a_hundred_thousand_drivers_start_are_answered_and_stop() {
    run_idle_drivers(100_000);
}

#[test]
fn a_driver_without_an_end_delays_no_other() {
    // The drivers share one thread. The first never ends its call: the clock of its limit stands.
    let endless = cycle(vec![when(), call(endless(), [arg(2)])], &[]);
    let counter = cycle(vec![write(nat(0)), read()], &[1]);
    let outputs = row([row([nat(1), nat(0), nat(0)])]);
    let next = call(arg(0), [inc(arg(1)), arg(2), arg(3)]);
    let program = cog(law(4, row([next, outputs])), nat(0), [exec(endless), exec(counter)]);
    let machine = TestMachine::boot(&program).with(on_one_thread(DriverSettings::default()));
    let running = machine.start();
    machine.clock.wait_for_timer(LIMIT);
    let numbers: Vec<ConsoleMessage> = running.reports.iter().take(100).collect();
    running.stop();
    let run = running.join(numbers);
    assert_eq!(run.numbers()[..100], (1..=100).collect::<Vec<u64>>());
    assert_eq!(run.outcome(), RunOutcome::Stopped);
}

#[test]
fn a_driver_that_needs_too_much_memory_or_stack_fails_alone() {
    // A row in a row, and so on without an end.
    let nest = law(1, call(arg(0), [row([arg(1)])]));
    let deep = law(1, call(nat(3), [call(arg(0), [arg(1)])]));
    for (function, reason) in [(nest, AbortReason::Memory), (deep, AbortReason::Stack)] {
        let bad = cycle(vec![when(), call(function, [arg(2)])], &[]);
        let good = cycle(vec![wait(nat(0)), read()], &[1]);
        let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(bad), exec(good)]));
        let machine = machine.with(|settings| {
            settings.drivers = DriverSettings { threads: 1, ..DriverSettings::default() };
            settings.runtime.heap.max_heap = 1 << 20;
            settings.runtime.heap.max_stack = 1 << 20;
            settings.snapshots = None;
        });
        let aborted = ConsoleNotice::Aborted(ReportOrigin::Driver(0), reason);
        let aborted = ConsoleMessage::Notice(aborted);
        let run = machine.run(|messages| {
            messages.contains(&aborted)
                && messages.iter().filter(|it| it.number() == Some(7)).count() >= 10
        });
        assert!(run.messages.iter().all(|it| *it == aborted || it.number() == Some(7)));
        assert_eq!(run.outcome(), RunOutcome::Stopped);
    }
}

/// A driver that shows what it gets, in a row behind `name`, and that writes when it gets something
/// under key 1.
fn shower(name: u64, work: u64, writes: bool) -> PlanExpr {
    let request = row([row([nat(1), write(nat(0))])]);
    let after = call(arg(0), [case(arg(2), row([]), law(1, request.clone()))]);
    let handler = trace(row([nat(name), arg(3)]), after);
    let handler = law(3, call(after_work(), [nat(work), handler]));
    call(handler, [if writes { request } else { row([]) }])
}

/// The cog's outputs of an event with a count, to each of three drivers.
fn outputs(count: &PlanExpr) -> PlanExpr {
    let messages = |slot: u64| {
        let key = u64::from(slot == 0);
        [
            row([nat(slot), nat(0), count.clone()]),
            row([nat(slot), nat(0), row([count.clone()])]),
            row([nat(slot), nat(key), row([count.clone(), count.clone()])]),
        ]
    };
    row([0, 1, 2].into_iter().flat_map(messages))
}

/// Three drivers get three messages an event. Whatever moves them from one runtime to another, each
/// gets its messages in order, and each message once.
#[test]
fn drivers_get_their_messages_in_order_while_they_move() {
    let next = call(arg(0), [inc(arg(1)), arg(2), arg(3)]);
    let function = law(4, row([next, outputs(&inc(arg(1)))]));
    let mut random = fastrand::Rng::with_seed(15);
    for round in 0..12 {
        let workers = [0, 1, 2].map(|slot| {
            let work = random.u64(0..2000);
            exec(shower(slot, work, slot == 0))
        });
        let drivers = DriverSettings {
            threads: random.usize(1..3),
            // Every third run makes all calls in private runtimes.
            call_budget: Duration::from_micros(if round % 3 == 0 { 0 } else { random.u64(1..200) }),
            private_runtimes: random.usize(1..4),
            return_after: random.u32(1..4),
            ..DriverSettings::default()
        };
        let machine = TestMachine::boot(&cog(function.clone(), nat(0), workers));
        let machine = machine.with(move |settings| {
            settings.drivers = drivers;
            settings.snapshots = None;
        });
        let run = machine.run(|messages| messages.len() >= 300);
        let texts: Vec<String> = run.messages.iter().map(text).collect();
        for slot in 0..3 {
            let prefix = format!("[{slot} ");
            let of_driver: Vec<&String> =
                texts.iter().filter(|text| text.starts_with(&prefix)).collect();
            let expected = (1..).flat_map(|count| {
                [
                    format!("[{slot} {count}]"),
                    format!("[{slot} [{count}]]"),
                    format!("[{slot} [{count} {count}]]"),
                ]
            });
            let expected: Vec<String> = expected.take(of_driver.len()).collect();
            assert!(of_driver.iter().copied().eq(&expected), "{drivers:?}: {of_driver:?}");
        }
        assert_eq!(run.outcome(), RunOutcome::Stopped);
    }
}

fn text(message: &ConsoleMessage) -> String {
    match message {
        ConsoleMessage::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_driver_with_a_large_value_is_private_and_returns() {
    // The state, 9 MB, is the answer to the read. The driver's next value holds it in a request, the
    // value after that does not.
    let holding = row([PlanExpr::Text("time"), arg(2)]);
    let driver = cycle(vec![when(), read(), holding, when(), when(), when(), when()], &[6]);
    let state = PlanExpr::Bar(vec![7; 9 << 20]);
    let machine = TestMachine::boot(&cog(keep_inputs(), state, [exec(driver)]));
    let drivers = DriverSettings {
        call_budget: UNLIMITED,
        long_call: UNLIMITED,
        return_after: 1,
        ..DriverSettings::default()
    };
    let tracks = tracks_of_calls(machine.with(on_one_thread(drivers)), |machine| {
        assert_eq!(machine.run_until_shown(1).outcome(), RunOutcome::Stopped);
    });
    let shared = "driver thread 1";
    let private = "private driver thread 1";
    // The answer to the read makes the value large: it is looked at, and stays. It is looked at again
    // after two more calls.
    assert_eq!(tracks[..2], [shared, private]);
    let returned = tracks[2..].iter().position(|track| track == shared);
    assert_eq!(returned, Some(2), "{tracks:?}");
}

#[test]
fn a_large_message_is_handled_in_a_private_runtime_and_the_driver_returns() {
    let driver = cycle(vec![read(), when(), when()], &[2]);
    let state = PlanExpr::Bar(vec![7; 9 << 20]);
    let machine = TestMachine::boot(&cog(keep_inputs(), state, [exec(driver)]));
    let drivers = DriverSettings {
        call_budget: UNLIMITED,
        long_call: UNLIMITED,
        ..DriverSettings::default()
    };
    let tracks = tracks_of_calls(machine.with(on_one_thread(drivers)), |machine| {
        assert_eq!(machine.run_until_shown(1).outcome(), RunOutcome::Stopped);
    });
    let (shared, private) = ("driver thread 1", "private driver thread 1");
    assert_eq!(tracks[..3], [private, shared, shared]);
}

#[test]
fn a_driver_whose_initial_value_is_large_runs() {
    let large = PlanExpr::Bar(vec![7; 9 << 20]);
    let keeping = law(4, trace(arg(4), call(arg(0), [arg(1), row([])])));
    let driver = call(keeping, [large, row([row([nat(0), when()])])]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    assert_eq!(machine.run_until_shown(1).numbers(), [1_764_000_000]);
}

#[test]
fn traces_of_a_call_that_is_abandoned_are_shown_once() {
    // The call shows 33, does not end within its budget, and then shows 34.
    let work = call(after_work(), [nat(300_000), trace(nat(34), arg(2))]);
    let driver = cycle(vec![when(), trace(nat(33), write(work))], &[]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    let call_budget = Duration::from_nanos(1);
    let drivers = DriverSettings { call_budget, ..DriverSettings::default() };
    let run = machine.with(on_one_thread(drivers)).run(|_| false);
    assert_eq!(run.numbers(), [33, 34]);
    assert_eq!(run.outcome(), RunOutcome::Finished);
}

/// Runs a driver that reads and then crashes, in the runtimes that `call_budget` chooses.
fn crashes_with_pauses(call_budget: Duration) {
    let driver = cycle(vec![read(), call(nat(99), [arg(2)])], &[]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    let machine = machine.with(move |settings| {
        // Timers of limits would be those that the test waits for.
        let limit = Some(Duration::from_secs(3600));
        settings.limits.driver = limit;
        settings.limits.read = limit;
        settings.drivers = DriverSettings { call_budget, ..DriverSettings::default() };
    });
    let running = machine.start();
    let crash = ConsoleMessage::Text("driver 0 crashed: 99 7".into());
    assert_eq!(running.reports.recv().as_ref(), Ok(&crash));
    for pause in [100, 200, 400].map(Duration::from_millis) {
        assert_eq!(running.reports.recv().as_ref(), Ok(&crash));
        assert_eq!(machine.clock.wait_for_timer(Duration::from_secs(10)), pause);
        machine.clock.advance(pause);
    }
    running.stop();
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
}

#[test]
fn a_driver_that_crashes_begins_anew_in_either_runtime() {
    crashes_with_pauses(UNLIMITED);
    crashes_with_pauses(Duration::ZERO);
}

#[test]
fn a_driver_begins_anew_in_a_private_runtime_when_its_input_is_set_aside() {
    let deep = law(1, call(nat(3), [call(arg(0), [arg(1)])]));
    let handler = law(4, call(deep, [arg(4)]));
    let driver = cycle(vec![when(), write(nat(5))], &[0]);
    let machine = TestMachine::boot(&cog(handler, nat(7), [exec(driver)]));
    let drivers = DriverSettings { call_budget: Duration::ZERO, ..DriverSettings::default() };
    let run = machine.with(on_one_thread(drivers)).run(|messages| messages.len() >= 4);
    let set_aside = ConsoleNotice::SetAside(0, AbortReason::Stack);
    let set_aside = ConsoleMessage::Notice(set_aside);
    let time = ConsoleMessage::Text("1764000000".into());
    assert_eq!(run.messages[..4], [time.clone(), set_aside.clone(), time, set_aside]);
}

/// The writes of one row exceed the event loop's queue, and are inputs in their order.
#[test]
fn many_writes_of_one_call_are_inputs_in_order() {
    let collecting = law(4, row([call(arg(0), [row([arg(4), arg(1)]), arg(2), arg(3)]), row([])]));
    for call_budget in [UNLIMITED, Duration::ZERO] {
        let writes = (0..3000).map(|number| row([nat(0), write(nat(1_000_000 + number))]));
        let last = row([nat(1), read()]);
        let driver = law(3, trace(arg(3), call(arg(0), [row([])])));
        let driver = call(driver, [row(writes.chain([last]))]);
        let machine = TestMachine::boot(&cog(collecting.clone(), nat(0), [exec(driver)]));
        let drivers = DriverSettings { call_budget, ..DriverSettings::default() };
        let run = machine.with(on_one_thread(drivers)).run(|messages| !messages.is_empty());
        let shown = text(&run.messages[0]);
        // The state has the inputs of the last event first.
        let events: Vec<Vec<u64>> = shown
            .split("[[")
            .map(|event| {
                let numbers = event.split(|c: char| !c.is_ascii_digit());
                numbers.filter_map(|it| it.parse().ok()).filter(|it| *it >= 1_000_000).collect()
            })
            .collect();
        let inputs: Vec<u64> = events.into_iter().rev().flatten().collect();
        assert_eq!(inputs, (0..3000).map(|it| 1_000_000 + it).collect::<Vec<u64>>());
        assert_eq!(run.outcome(), RunOutcome::Stopped);
    }
}

#[test]
fn a_driver_that_exceeds_its_limit_in_a_private_runtime_leaves_others_alone() {
    let endless = cycle(vec![when(), call(endless(), [arg(2)])], &[]);
    let drivers = [exec(endless), exec(writer(nat(0))), nat(0)];
    let machine = TestMachine::boot(&cog(counting_law(), nat(0), drivers))
        .with(|settings| settings.limits.event = None);
    let running = machine.start();
    let aborted = ConsoleNotice::Aborted(ReportOrigin::Driver(0), AbortReason::Time);
    let first = loop {
        // The first timer may be that of another evaluation.
        machine.clock.wait_for_timer(LIMIT);
        machine.clock.advance(LIMIT);
        if let Ok(first) = running.reports.recv_timeout(Duration::from_millis(20)) {
            break first;
        }
    };
    assert_eq!(first, ConsoleMessage::Notice(aborted));
    running.stop();
    machine.clock.advance(SHUTDOWN_GRACE);
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
    assert_eq!(machine.state(), "0 1");
}
