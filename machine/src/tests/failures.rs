//! Evaluations that fail: what they end, and what they do not end.

use super::harness::{LIMIT, TestMachine};
use super::programs::{cog, cycle, endless, exec, first_input, keep_inputs, read, when, writer};
use super::terms::{Expr, arg, call, law, nat, row};
use crate::machine::SHUTDOWN_GRACE;
use crate::trace::ConsoleMessage;
use crate::{AbortReason, Notice, Origin, RunOutcome};
use std::time::Duration;

/// A machine whose cog calls `function` with an input, and whose driver writes 5.
fn cog_that_calls(function: Expr) -> TestMachine {
    let handler = law(4, call(function, [first_input(arg(4))]));
    TestMachine::boot(&cog(handler, nat(7), [exec(writer(nat(5)))]))
}

#[test]
fn a_crash_ends_the_cog_and_is_remembered() {
    let machine = cog_that_calls(law(1, call(nat(99), [arg(1)])));
    let run = machine.run(|_| false);
    let crash = ConsoleMessage::Text("the cog crashed: 99 5".into());
    assert_eq!(run.messages, std::slice::from_ref(&crash));
    assert_eq!(run.outcome(), RunOutcome::Crashed);
    assert_eq!(machine.state(), "2 99 5 7");
    let again = machine.run(|_| false);
    assert_eq!(again.messages, [crash]);
    assert_eq!(again.outcome(), RunOutcome::Crashed);
}

#[test]
fn an_event_that_exceeds_its_limit_is_ended_and_logged() {
    let machine = cog_that_calls(endless()).with(|settings| settings.snapshots = None);
    let run = machine.run_into_limit();
    assert_eq!(run.messages, [ConsoleMessage::Notice(Notice::TimedOut(Origin::Cog))]);
    assert_eq!(run.outcome(), RunOutcome::TimedOut);
    // The replay takes the outcome from the log, and does not evaluate what has no end.
    assert_eq!(machine.open().expect("it opens").replayed(), 1);
    assert_eq!(machine.state(), "3 30000000000 7");
    assert_eq!(machine.run(|_| false).outcome(), RunOutcome::TimedOut);
}

#[test]
fn a_read_that_exceeds_its_limit_is_answered_0() {
    let reads = law(3, call(endless(), [arg(1)]));
    let driver = cycle(vec![read()], &[0]);
    let machine = TestMachine::boot(&call(keep_inputs(), [nat(7), reads, row([exec(driver)])]));
    let running = machine.start();
    // The read is the first evaluation with a limit: the driver's initial value is not called.
    machine.clock.wait_for_timer(LIMIT);
    machine.clock.advance(LIMIT);
    let reports = [running.reports.recv(), running.reports.recv()];
    let timed_out = ConsoleMessage::Notice(Notice::TimedOut(Origin::Read(0)));
    assert_eq!(reports, [Ok(timed_out), Ok(ConsoleMessage::Text("0".into()))]);
    // The driver reads again.
    running.stop();
    machine.clock.advance(SHUTDOWN_GRACE);
    let run = running.join(Vec::new());
    assert_eq!(run.messages, []);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
}

#[test]
fn a_driver_that_exceeds_its_limit_restarts() {
    let driver = cycle(vec![when(), call(endless(), [arg(2)])], &[]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    let running = machine.start();
    machine.clock.wait_for_timer(LIMIT);
    machine.clock.advance(LIMIT);
    let report = running.reports.recv().expect("the machine runs");
    assert_eq!(report, ConsoleMessage::Notice(Notice::TimedOut(Origin::Driver(0))));
    running.stop();
    machine.clock.advance(SHUTDOWN_GRACE);
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
}

#[test]
fn an_event_that_needs_too_much_stack_is_ended() {
    // f x = 3 (f x)
    let machine = cog_that_calls(law(1, call(nat(3), [call(arg(0), [arg(1)])])));
    let run = machine.run(|_| false);
    let notice = Notice::Aborted(Origin::Cog, AbortReason::Stack);
    assert_eq!(run.messages, [ConsoleMessage::Notice(notice)]);
    assert_eq!(run.outcome(), RunOutcome::Aborted(AbortReason::Stack));
    assert_eq!(machine.state(), "4 1 7");
    assert_eq!(machine.run(|_| false).outcome(), RunOutcome::Aborted(AbortReason::Stack));
}

#[test]
fn an_event_that_needs_too_much_memory_is_ended() {
    // f x = f [x x], forced at each turn so that it grows on the heap and not on the stack
    let grown = row([arg(1), arg(1)]);
    let machine = cog_that_calls(law(1, call(arg(0), [call(nat(4), [grown])]))).with(|settings| {
        settings.runtime.heap.max_heap = 1 << 20;
    });
    let run = machine.run(|_| false);
    let notice = Notice::Aborted(Origin::Cog, AbortReason::Memory);
    assert_eq!(run.messages, [ConsoleMessage::Notice(notice)]);
    assert_eq!(run.outcome(), RunOutcome::Aborted(AbortReason::Memory));
    assert_eq!(machine.state(), "4 2 7");
}

#[test]
fn a_stop_interrupts_an_evaluation_that_outlasts_the_grace() {
    let machine = cog_that_calls(endless());
    let run = machine.run_into_shutdown();
    assert_eq!(run.messages, []);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    // The event has not happened.
    assert_eq!(machine.state(), "0 7");
}

#[test]
fn a_driver_that_crashes_restarts_after_growing_pauses() {
    let driver = cycle(vec![read(), call(nat(99), [arg(2)])], &[]);
    // The timers of time limits are later than those of pauses.
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]))
        .with(|settings| settings.limit = Duration::from_secs(3600));
    let running = machine.start();
    let next_crash = || {
        let report = running.reports.recv().expect("the machine runs");
        assert_eq!(report, ConsoleMessage::Text("driver 0 crashed: 99 7".into()));
    };
    let ten_seconds = Duration::from_secs(10);
    // No pause after the first crash.
    next_crash();
    for pause in [100, 200, 400] {
        next_crash();
        let pause = Duration::from_millis(pause);
        assert_eq!(machine.clock.wait_for_timer(ten_seconds), pause);
        machine.clock.advance(pause);
    }
    // A pause does not count as a time without failures, although the longest one is as long as
    // the time after which a failure counts as the first again.
    for pause in [800, 1600, 3200, 6400, 10_000, 10_000, 10_000] {
        next_crash();
        let pause = Duration::from_millis(pause);
        assert_eq!(machine.clock.wait_for_timer(ten_seconds), pause);
        machine.clock.advance(pause + Duration::from_millis(1));
    }
    running.stop();
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
}

#[test]
fn a_read_that_crashes_is_answered_0() {
    let reads = law(3, call(nat(99), [arg(2)]));
    let driver = cycle(vec![when(), read()], &[1]);
    let machine = TestMachine::boot(&call(keep_inputs(), [nat(7), reads, row([exec(driver)])]));
    let run = machine.run_until_shown(1);
    // The key of the read is 1, and the crash shows it.
    let crash = ConsoleMessage::Text("the read for driver 0 crashed: 99 1".into());
    assert_eq!(run.messages[..2], [crash, ConsoleMessage::Text("0".into())]);
}
