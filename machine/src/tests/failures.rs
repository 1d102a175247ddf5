//! Evaluations that fail: what they end, and what they do not end. (`limits` has the events, reads
//! and jobs that exceed a limit.)

use super::harness::{LIMIT, START, TestMachine};
use super::programs::{
    cog, cycle, endless, exec, first_input, keep_inputs, read, wait, when, write, writer,
};
use super::terms::{PlanExpr, arg, call, case, law, nat, row, trace};
use crate::clock::ManualClock;
use crate::machine::SHUTDOWN_GRACE;
use crate::settings::TimeLimits;
use crate::trace::ConsoleMessage;
use crate::{AbortReason, ConsoleNotice, ReportOrigin, RunOutcome};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// A machine whose cog calls `function` with an input, and whose driver writes 5.
fn cog_that_calls(function: PlanExpr) -> TestMachine {
    let handler = law(4, call(function, [first_input(arg(4))]));
    TestMachine::boot(&cog(handler, nat(7), [exec(writer(nat(5)))]))
}

#[test]
fn a_crash_ends_the_cog_and_is_remembered() {
    let machine = cog_that_calls(law(1, call(nat(99), [arg(1)])));
    let run = machine.run(|_| false);
    let crash = ConsoleMessage::Text("the cog crashed: 99 5".into());
    assert_eq!(run.messages, std::slice::from_ref(&crash));
    assert!(matches!(run.outcome(), RunOutcome::Crashed(Some(_))));
    assert_eq!(machine.state(), "2 99 5 7");
    let again = machine.run(|_| false);
    assert_eq!(again.messages, [crash]);
    assert!(matches!(again.outcome(), RunOutcome::Crashed(Some(_))));
}

#[test]
fn a_driver_that_exceeds_its_limit_restarts() {
    let driver = cycle(vec![when(), call(endless(), [arg(2)])], &[]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)]));
    let running = machine.start();
    machine.clock.wait_for_timer(LIMIT);
    machine.clock.advance(LIMIT);
    let report = running.reports.recv().expect("the machine runs");
    assert_eq!(
        report,
        ConsoleMessage::Notice(ConsoleNotice::Aborted(ReportOrigin::Driver(0), AbortReason::Time))
    );
    running.stop();
    machine.clock.advance(SHUTDOWN_GRACE);
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
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
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(7), [exec(driver)])).with(|settings| {
        let limit = Some(Duration::from_secs(3600));
        settings.limits = TimeLimits { event: limit, read: limit, driver: limit, job: limit };
    });
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
fn a_message_of_the_cog_to_a_driver_that_pauses_is_kept() {
    let start = Timestamp::from_second(START).expect("in range");
    // Driver 0 shows messages under key 5, and crashes when its read is answered.
    let shows = law(3, trace(arg(2), call(arg(1), [row([])])));
    let handles = law(3, case(arg(2), call(nat(99), [arg(3)]), call(shows, [arg(0), arg(3)])));
    let fails = call(handles, [row([row([nat(0), read()])])]);
    // Driver 1 writes at second 2, and shows the state afterwards.
    let last = wait(nat(u64::MAX));
    let steps = vec![wait(nat(START as u64 + 2)), write(nat(0)), read(), last];
    let writes = cycle(steps, &[2]);
    let outputs = row([row([nat(0), nat(5), nat(42)]), row([nat(1), nat(1), nat(0)])]);
    let next = call(arg(0), [arg(1), arg(2), arg(3)]);
    let program = cog(law(4, row([next, outputs])), nat(7), [exec(fails), exec(writes)]);
    let mut machine = TestMachine::boot(&program);
    machine.clock = Arc::new(ManualClock::standing(start));
    let running = machine.start();
    let next = || running.reports.recv().expect("the machine runs");
    let crash = ConsoleMessage::Text("driver 0 crashed: 99 7".into());
    let ten_seconds = Duration::from_secs(10);
    assert_eq!(next(), crash);
    for pause in [100, 200, 400, 800] {
        assert_eq!(next(), crash);
        let pause = Duration::from_millis(pause);
        assert_eq!(machine.clock.wait_for_timer(ten_seconds), pause);
        machine.clock.advance(pause);
    }
    // The next pause begins at 1.5 s and ends at 3.1 s. The message comes at 2 s.
    assert_eq!(next(), crash);
    assert_eq!(machine.clock.wait_for_timer(ten_seconds), Duration::from_millis(1600));
    machine.clock.advance(Duration::from_millis(500));
    assert_eq!(next(), ConsoleMessage::Text("7".into()));
    machine.clock.advance(Duration::from_millis(1100));
    assert_eq!(next(), ConsoleMessage::Text("42".into()));
    assert_eq!(next(), crash);
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
