//! Reads beside events. Slices end by the manual clock, so no test depends on time.

use super::harness::{LIMIT, MachineRun, RunningMachine, START, TestMachine};
use super::programs::{
    calling, calling_law, counting_law, cycle, endless, exec, harmless, input, read, wait, when,
    write, writer,
};
use super::terms::{PlanExpr, arg, call, case, inc, law, nat, row, trace};
use crate::clock::ManualClock;
use crate::machine::SHUTDOWN_GRACE;
use crate::trace::ConsoleMessage;
use crate::{AbortReason, ConsoleNotice, ReportOrigin, RunOutcome};
use jiff::Timestamp;
use persist::sim::{InjectedFault, SurvivingWrites};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// `reads` of a cog: the state for the query 0, and no end for any other query.
fn reads_or_loops() -> PlanExpr {
    // The law's arguments: state, key, query.
    let loops = law(2, call(endless(), [arg(1)]));
    law(3, case(arg(3), arg(1), call(loops, [nat(0)])))
}

/// A read that has no end.
fn endless_read() -> PlanExpr {
    row([nat(0), PlanExpr::Text("read"), nat(7)])
}

/// A driver that makes this request once, under key 1, and no other.
fn asks_once(request: PlanExpr) -> PlanExpr {
    call(law(3, call(arg(0), [row([])])), [row([row([nat(1), request])])])
}

/// A driver like that of the counter.
fn counting_driver() -> PlanExpr {
    cycle(vec![read(), when(), wait(inc(arg(2))), write(nat(0))], &[0])
}

/// A counter with another worker, whose reads end only for the query 0.
fn counter_beside(other: PlanExpr) -> PlanExpr {
    let workers = row([exec(counting_driver()), exec(other)]);
    call(counting_law(), [nat(1), reads_or_loops(), workers])
}

/// A law of one argument that takes many slices by the clock of these tests.
fn long() -> PlanExpr {
    let step = law(2, call(arg(1), [arg(2)]));
    let count = law(1, case(arg(1), nat(0), call(step, [arg(0)])));
    law(1, call(count, [nat(300_000)]))
}

/// Boots a machine without limits: in these tests the clock moves on with each slice, so it may pass
/// any limit before an evaluation has done its work.
fn boot(program: &PlanExpr) -> TestMachine {
    TestMachine::boot(program).with(|settings| {
        let limits = &mut settings.limits;
        (limits.event, limits.read, limits.driver) = (None, None, None);
    })
}

/// Runs a machine until `is_enough` holds for its reports. Slices end as soon as they have begun.
fn run_in_slices(
    machine: &TestMachine,
    running: RunningMachine,
    is_enough: impl Fn(&[ConsoleMessage]) -> bool,
) -> MachineRun {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| machine.clock.end_slices_until(|| is_over.load(Ordering::SeqCst)));
        let mut messages = Vec::new();
        while !is_enough(&messages)
            && let Ok(message) = running.reports.recv()
        {
            messages.push(message);
        }
        running.stop();
        let run = running.join(messages);
        is_over.store(true, Ordering::SeqCst);
        run
    })
}

fn count_of_numbers(messages: &[ConsoleMessage]) -> usize {
    messages.iter().filter_map(ConsoleMessage::number).count()
}

/// A machine whose wall time stands until the test moves it.
fn standing(program: &PlanExpr) -> TestMachine {
    let mut machine = boot(program);
    let start = Timestamp::from_second(START).expect("in range");
    machine.clock = Arc::new(ManualClock::standing(start));
    machine
}

#[test]
fn events_go_on_beside_an_endless_read() {
    let machine = boot(&counter_beside(asks_once(endless_read())));
    let run = run_in_slices(&machine, machine.start(), |messages| count_of_numbers(messages) >= 20);
    let numbers = run.numbers();
    assert!(numbers.iter().zip(1..).all(|(number, count)| *number == count), "{numbers:?}");
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    // The machine replays the events, and no read.
    let again =
        run_in_slices(&machine, machine.start(), |messages| count_of_numbers(messages) >= 5);
    assert!(again.numbers()[0] >= *numbers.last().expect("some"));
    assert_eq!(machine.hash(), machine.hash());
}

#[test]
fn many_endless_reads_take_turns_with_events() {
    // Each driver makes 20 endless reads, and one that ends, whose answer it shows in a row.
    let requests: Vec<PlanExpr> = (1..=20)
        .map(|key| row([nat(key), endless_read()]))
        .chain([row([nat(99), read()])])
        .collect();
    let shows = law(3, trace(row([arg(3)]), call(arg(0), [row([])])));
    let asker = call(shows, [row(requests)]);
    let workers = row([exec(counting_driver()), exec(asker.clone()), exec(asker)]);
    let program = call(counting_law(), [nat(1), reads_or_loops(), workers]);
    let machine = boot(&program);
    let answers = |messages: &[ConsoleMessage]| {
        let is_answer = |it: &&ConsoleMessage| matches!(it, ConsoleMessage::Text(text) if text.starts_with('['));
        messages.iter().filter(is_answer).count()
    };
    let run = run_in_slices(&machine, machine.start(), |messages| {
        count_of_numbers(messages) >= 30 && answers(messages) == 2
    });
    assert_eq!(run.outcome(), RunOutcome::Stopped);
}

/// Checks that a read is answered with the state, 7, while an event has no end. The cog has this
/// `reads`.
fn check_read_beside_an_endless_event(reads: PlanExpr) {
    let requests = vec![wait(nat(START as u64 + 1)), read(), wait(nat(u64::MAX))];
    let workers = row([exec(writer(input(endless(), 5))), exec(cycle(requests, &[1]))]);
    let machine = standing(&call(calling_law(), [nat(7), reads, workers]));
    let running = machine.start();
    machine.clock.wait_for_slice();
    machine.clock.advance(Duration::from_secs(1));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| machine.clock.end_slices_until(|| is_over.load(Ordering::SeqCst)));
        // The state before the event.
        let answer = running.reports.recv().expect("the machine runs");
        assert_eq!(answer, ConsoleMessage::Text("7".into()));
        running.stop();
        // The event is interrupted when the clock has moved on by the grace of a shutdown.
        machine.clock.advance(SHUTDOWN_GRACE);
        let run = running.join(Vec::new());
        is_over.store(true, Ordering::SeqCst);
        assert_eq!(run.outcome(), RunOutcome::Stopped);
        assert_eq!(machine.state(), "0 7");
    });
}

#[test]
fn a_read_is_answered_while_an_event_has_no_end() {
    check_read_beside_an_endless_event(law(3, arg(1)));
}

#[test]
fn a_read_of_many_slices_is_answered_while_an_event_has_no_end() {
    check_read_beside_an_endless_event(law(3, case(call(long(), [nat(0)]), arg(1), harmless())));
}

#[test]
fn a_read_sees_what_its_driver_wrote_during_an_event() {
    let requests = [write(input(harmless(), 9)), read()];
    // The two requests are made at the same time.
    let both = law(3, trace(arg(3), call(arg(0), [row([])])));
    let after_wait = law(
        3,
        call(both, [row([row([nat(1), requests[0].clone()]), row([nat(2), requests[1].clone()])])]),
    );
    let waits = wait(nat(START as u64 + 1));
    let second = call(after_wait, [row([row([nat(0), waits])])]);
    let machine = standing(&calling([exec(writer(input(long(), 5))), exec(second)]));
    let running = machine.start();
    machine.clock.wait_for_slice();
    machine.clock.advance(Duration::from_secs(1));
    let run = run_in_slices(&machine, running, |messages| !messages.is_empty());
    let [ConsoleMessage::Text(state)] = &run.messages[..] else { panic!("{:?}", run.messages) };
    assert!(state.contains("[1 [_ 9]]") && state.contains("[0 [_ 5]]"), "{state}");
}

#[test]
fn a_read_of_a_driver_that_was_cancelled_is_dropped() {
    // The first event takes driver 1 out of its slot.
    let driver = cycle(vec![when(), wait(inc(arg(2))), write(nat(0)), read()], &[3]);
    let next = call(arg(0), [inc(arg(1)), arg(2), row([exec(driver.clone())])]);
    let function = law(4, row([next, row([row([nat(0), nat(2), nat(0)])])]));
    let workers = row([exec(driver), exec(asks_once(endless_read()))]);
    let program = call(function, [nat(1), reads_or_loops(), workers]);
    // Only reads have a limit: the clock moves beyond it, whatever is evaluated then.
    let machine = boot(&program).with(|settings| settings.limits.read = Some(LIMIT));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let running = machine.start();
        scope.spawn(|| machine.clock.end_slices_until(|| is_over.load(Ordering::SeqCst)));
        let mut messages = Vec::new();
        while count_of_numbers(&messages) < 10 {
            messages.push(running.reports.recv().expect("the machine runs"));
            if count_of_numbers(&messages) == 5 {
                // Enough for the limit of the read, if it went on.
                machine.clock.advance(LIMIT);
            }
        }
        running.stop();
        let run = running.join(messages);
        is_over.store(true, Ordering::SeqCst);
        let reason = AbortReason::Time;
        let aborted = ConsoleNotice::Aborted(ReportOrigin::Read(1), reason);
        assert!(!run.messages.contains(&ConsoleMessage::Notice(aborted)), "{:?}", run.messages);
    });
}

#[test]
fn a_read_that_exceeds_its_limit_makes_only_its_driver_begin_anew() {
    let machine = boot(&counter_beside(asks_once(endless_read()))).with(|settings| {
        settings.limits.read = Some(Duration::from_millis(50));
    });
    let notice =
        ConsoleMessage::Notice(ConsoleNotice::Aborted(ReportOrigin::Read(1), AbortReason::Time));
    let run = run_in_slices(&machine, machine.start(), |messages| {
        messages.contains(&notice) && count_of_numbers(messages) >= 5
    });
    let numbers = run.numbers();
    assert!(numbers.iter().zip(1..).all(|(number, count)| *number == count), "{numbers:?}");
    assert_eq!(run.outcome(), RunOutcome::Stopped);
}

#[test]
fn an_event_gets_the_memory_of_the_reads_that_have_begun() {
    // The read holds more and more data; the event needs a large part of the heap.
    let grows = law(2, call(arg(0), [arg(1), row([arg(2), arg(2)])]));
    let reads = law(3, case(arg(3), arg(1), call(grows, [nat(0)])));
    let next = call(arg(0), [inc(arg(1)), arg(2), arg(3)]);
    let answer = row([next, row([row([nat(0), nat(3), nat(0)])])]);
    let function = law(4, answer);
    let workers = row([exec(counting_driver()), exec(asks_once(endless_read()))]);
    let machine = boot(&call(function, [nat(1), reads, workers]))
        .with(|settings| settings.runtime.heap.max_heap = 1 << 22);
    let aborted =
        ConsoleMessage::Notice(ConsoleNotice::Aborted(ReportOrigin::Read(1), AbortReason::Memory));
    let run = run_in_slices(&machine, machine.start(), |messages| {
        messages.contains(&aborted) && count_of_numbers(messages) >= 5
    });
    assert_eq!(run.outcome(), RunOutcome::Stopped);
}

#[test]
fn the_machine_stops_while_a_read_has_no_end() {
    let machine = boot(&counter_beside(asks_once(endless_read())));
    let running = machine.start();
    machine.clock.wait_for_slice();
    running.stop();
    let run = run_in_slices(&machine, running, |_| true);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
}

/// The power goes at operations of the disk, while a read is suspended.
#[test]
fn nothing_that_was_shown_beside_a_read_is_lost() {
    let booted = boot(&counter_beside(asks_once(endless_read())));
    let mut most = 0;
    for step in 1..30 {
        let machine = TestMachine::on(booted.disk.crash(SurvivingWrites::Everything));
        machine.disk.fail_at(machine.disk.steps() + step, InjectedFault::PowerOff);
        let run = run_in_slices(&machine, machine.start(), |_| false);
        let seen = run.numbers().into_iter().max().unwrap_or(1);
        most = most.max(seen);
        let state = TestMachine::on(machine.disk.crash(SurvivingWrites::Nothing)).state();
        let left: u64 = state.strip_prefix("0 ").and_then(|it| it.parse().ok()).expect("a count");
        assert!(left >= seen, "step {step}: {seen} was shown, {left} is left");
    }
    assert!(most > 1, "nothing was shown at all");
}
