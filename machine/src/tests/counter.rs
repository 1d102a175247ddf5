//! The counter never skips a number or counts one twice, whatever happens to its machine.

use super::harness::{MachineFailure, TestMachine};
use super::programs::{cog, counter, cycle, exec, read, replying_law, when, write};
use super::terms::{PlanExpr, arg, call, inc, law, nat, row, trace};
use crate::{RunError, RunOutcome};
use persist::sim::{InjectedFault, SurvivingWrites};

pub(super) fn assert_consecutive(numbers: &[u64]) {
    let pairs = numbers.windows(2);
    assert!(pairs.clone().all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

#[test]
fn a_counter_continues_where_it_was_stopped() {
    let machine = TestMachine::boot(&counter());
    let mut last = None;
    for _ in 0..5 {
        let run = machine.run_until_shown(10);
        let numbers = run.numbers();
        assert_eq!(run.outcome(), RunOutcome::Stopped);
        assert_consecutive(&numbers);
        let first = numbers[0];
        assert!(last.map_or(first == 1, |last| first == last || first == last + 1), "{numbers:?}");
        last = numbers.last().copied();
    }
}

/// The power goes at each operation of the disk in turn.
#[test]
fn a_counter_never_skips_or_goes_back_when_the_power_goes() {
    let booted = TestMachine::boot(&counter());
    let survivals = |step| {
        [
            SurvivingWrites::Nothing,
            SurvivingWrites::Everything,
            SurvivingWrites::UpTo(step),
            SurvivingWrites::Anything(step),
        ]
    };
    for step in 1..60 {
        let machine = TestMachine::on(booted.disk.crash(SurvivingWrites::Everything));
        machine.disk.fail_at(machine.disk.steps() + step, InjectedFault::PowerOff);
        let run = machine.run_until_shown(40);
        let before = run.numbers();
        assert_consecutive(&before);
        match run.result {
            Ok(RunOutcome::Stopped)
            | Err(
                MachineFailure::Run(RunError::Log(_) | RunError::State(_))
                | MachineFailure::Start(_),
            ) => {}
            other => panic!("step {step}: {other:?}"),
        }
        for survives in survivals(step) {
            let again = TestMachine::on(machine.disk.crash(survives)).run_until_shown(3);
            let numbers = again.numbers();
            assert_consecutive(&numbers);
            let (last, first) = (before.last().copied().unwrap_or(1), numbers[0]);
            assert!(
                first == last || first == last + 1,
                "step {step}, {survives:?}: {before:?}, then {numbers:?}"
            );
        }
    }
}

/// Runs a program that shows counts, lets the power go at many operations of the disk, and checks
/// that the state that is left has every count that was shown.
fn assert_nothing_shown_is_lost(program: &PlanExpr) {
    let booted = TestMachine::boot(program);
    let mut most = 0;
    for step in (1..40).chain([100, 200, 400]) {
        let machine = TestMachine::on(booted.disk.crash(SurvivingWrites::Everything));
        machine.disk.fail_at(machine.disk.steps() + step, InjectedFault::PowerOff);
        let seen = machine.run(|_| false).numbers().into_iter().max().unwrap_or(1);
        most = most.max(seen);
        let again = TestMachine::on(machine.disk.crash(SurvivingWrites::Nothing));
        let state = again.state();
        let left: u64 = state.strip_prefix("0 ").and_then(|it| it.parse().ok()).expect("a count");
        assert!(left >= seen, "step {step}: {seen} was shown, {left} is left");
    }
    assert!(most > 1, "nothing was shown at all");
}

#[test]
fn the_answer_to_a_read_is_never_lost() {
    let counts = cycle(vec![write(nat(0)), read()], &[]);
    let watches = cycle(vec![when(), read()], &[1]);
    let law = replying_law(|count| count);
    assert_nothing_shown_is_lost(&cog(law, nat(1), [exec(counts), exec(watches)]));
}

#[test]
fn a_message_of_the_cog_is_never_lost() {
    let counts = cycle(vec![write(nat(0))], &[0]);
    assert_nothing_shown_is_lost(&cog(replying_law(|count| count), nat(1), [exec(counts)]));
}

#[test]
fn a_trace_of_the_cog_is_never_lost() {
    let counts = cycle(vec![write(nat(0))], &[]);
    let law = replying_law(|count| trace(count, nat(0)));
    assert_nothing_shown_is_lost(&cog(law, nat(1), [exec(counts)]));
}

#[test]
fn a_trace_of_a_job_is_never_lost() {
    // The result of each job is an event, which starts the job for the next count.
    let job = |count: PlanExpr| row([nat(0), law(1, trace(arg(1), nat(0))), row([count])]);
    let next = call(arg(0), [inc(arg(1)), arg(2), row([job(inc(arg(1)))])]);
    let program = cog(law(4, row([next, row([])])), nat(1), [job(nat(1))]);
    assert_nothing_shown_is_lost(&program);
    assert_consecutive(&TestMachine::boot(&program).run_until_shown(20).numbers());
}

#[test]
fn snapshots_are_written_while_it_runs() {
    let machine = TestMachine::boot(&counter());
    machine.disk.fail_at(machine.disk.steps() + 300, InjectedFault::PowerOff);
    let last = machine.run(|_| false).numbers().into_iter().max().expect("it counted");
    let again = TestMachine::on(machine.disk.crash(SurvivingWrites::Nothing));
    let replayed = again.open().expect("it opens").replayed();
    assert!(replayed + 7 <= last, "{replayed} of {last} were replayed");
}

#[test]
fn the_metrics_count_durable_events_and_written_pins() {
    let machine = TestMachine::boot(&counter()).with(|settings| {
        settings.snapshots =
            Some(crate::SnapshotPolicy { events: 1, ..crate::SnapshotPolicy::default() });
    });
    let running = machine.start();
    let handle = running.handle.clone().expect("it starts");
    let before = handle.metrics();
    while running.reports.recv().expect("the machine runs").number() != Some(20) {}
    running.stop();
    running.join(Vec::new()).outcome();
    let now = handle.metrics();
    assert!(now.events >= 19, "{}", now.events);
    assert!(now.log_bytes >= now.events * 16 && now.heap_bytes > 0);
    assert!(now.pins >= 1 && now.pin_bytes > 0);
    assert!(now.latency_since(&before, 0.99) >= now.latency_since(&before, 0.5));
    assert!(now.latency_since(&before, 0.5).is_some());
}
