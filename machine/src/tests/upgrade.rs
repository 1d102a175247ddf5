//! Upgrades: a program takes over the state of a machine, whole or not at all.

use super::harness::{LIMIT, TestMachine};
use super::programs::{calling, cog, counter, cycle, deep, endless, exec, harmless, input, read};
use super::programs::{wait, when, write, writer};
use super::terms::{PlanExpr, arg, call, inc, law, nat, row};
use super::tiers::TIERS;
use crate::error::{AbortReason, UpgradeError, UpgradeFailure};
use crate::event::{EventInput, EventOutcome, EventRecord, InputPayload};
use crate::logged::{LoggedEnding, LoggedEvent};
use crate::program::UpgradeProgram;
use crate::upgrade_check::{UpgradeCheck, UpgradeReport};
use crate::{Machine, MachineHistory, ReplayFrom, RunOutcome};
use crossbeam_channel::unbounded;
use persist::StoreInspection;
use persist::sim::{InjectedFault, SurvivingWrites};
use plan::Hash;
use runtime::RuntimeBuilder;
use std::sync::Arc;
use vm::Vm;

fn small_heap() -> Vm {
    RuntimeBuilder::bare().heap(super::terms::options()).build().expect("a small heap").into()
}

/// A program of this `main`, and of this `migrate` if there is one.
pub(super) fn program(main: &PlanExpr, migrate: Option<&PlanExpr>) -> UpgradeProgram {
    let mut vm = small_heap();
    let main = main.value(&mut vm);
    let migrate = migrate.map(|migrate| migrate.value(&mut vm));
    UpgradeProgram::new(&mut vm, &main, migrate.as_ref()).expect("a small program")
}

/// An event in which driver 0 has written an input of [`calling`] with this function.
pub(super) fn event_of(function: PlanExpr, number: u64) -> EventRecord {
    let mut vm = small_heap();
    let value = input(function, number).value(&mut vm);
    let value = crate::codec::serialize(&vm, &value).expect("small");
    let inputs = vec![EventInput { slot: 0, payload: InputPayload::Written(value) }];
    EventRecord { time: 0, before: None, outcome: EventOutcome::Succeeded, inputs }
}

/// Adds an event with this number to the log of a machine.
pub(super) fn log_input(machine: &TestMachine, number: u64) {
    super::disk::append(machine, &event_of(harmless(), number).encode());
}

/// A driver that does nothing that the tests look at.
pub(super) fn idle() -> PlanExpr {
    exec(cycle(vec![read()], &[]))
}

/// A machine of [`calling`] whose log has the inputs 1 to `count`.
pub(super) fn with_inputs(count: u64) -> TestMachine {
    let machine = TestMachine::boot(&calling([idle()]));
    (1..=count).for_each(|number| log_input(&machine, number));
    machine
}

/// A cog that puts 8 before its state at each event, with 0 as its own state.
pub(super) fn marking(workers: impl IntoIterator<Item = PlanExpr>) -> PlanExpr {
    let next = call(arg(0), [row([nat(8), arg(1)]), arg(2), arg(3)]);
    cog(law(4, row([next, row([])])), nat(0), workers)
}

/// `migrate`: the cog [`marking`] with `[5 old]` as its state.
pub(super) fn wrap_in_marking() -> PlanExpr {
    let PlanExpr::Call(function, args) = marking([idle()]) else { unreachable!("a call") };
    let [_, reads, workers] = args.try_into().unwrap_or_else(|_| unreachable!("three arguments"));
    law(1, call(*function, [row([nat(5), arg(1)]), reads, workers]))
}

fn upgrade(machine: &TestMachine, program: &UpgradeProgram) -> Result<UpgradeReport, UpgradeError> {
    let mut opened = machine.open().expect("it opens");
    let report = opened.upgrade(program, UpgradeCheck::Forced);
    opened.close().expect("it closes");
    report
}

/// The events in the log.
fn events(machine: &TestMachine) -> Vec<LoggedEvent> {
    let disk = Arc::new(machine.disk.clone());
    let inspection = StoreInspection::open_on(disk).expect("a store");
    let history = MachineHistory::open(&inspection, machine.settings(unbounded().0));
    let history = history.expect("a machine");
    let events = history.events(history.first(), history.last()).expect("a log");
    events.collect::<Result<_, _>>().expect("readable")
}

/// The hash of the state after a replay of the whole log.
pub(super) fn replayed(machine: &TestMachine) -> Hash {
    let again = TestMachine::on(machine.disk.clone());
    again.with(|settings| settings.replay = ReplayFrom::Earliest).hash()
}

/// Checks that a change of a machine from the first state to the second one happens whole or not at
/// all when the power goes at each operation of the disk in turn, and that it has happened once
/// `change` has returned true.
pub(super) fn assert_whole_or_not_at_all(
    booted: &TestMachine,
    [before, after]: [Hash; 2],
    change: impl Fn(&mut Machine) -> bool,
) {
    let (mut old, mut new) = (0, 0);
    for step in 1..60 {
        let machine = TestMachine::on(booted.disk.crash(SurvivingWrites::Everything));
        machine.disk.fail_at(machine.disk.steps() + step, InjectedFault::PowerOff);
        let acknowledged = machine.open().is_ok_and(|mut opened| {
            let is_done = change(&mut opened);
            // The power may go when the machine is closed.
            let _ = opened.close();
            is_done
        });
        for survives in
            [SurvivingWrites::Nothing, SurvivingWrites::Everything, SurvivingWrites::Anything(step)]
        {
            let crashed = TestMachine::on(machine.disk.crash(survives));
            let found = crashed.hash();
            let place = format!("step {step}, {survives:?}, acknowledged: {acknowledged}");
            assert!(found == after || (found == before && !acknowledged), "{place}");
            assert_eq!(replayed(&crashed), found, "{place}");
            old += usize::from(found == before);
            new += usize::from(found == after);
        }
    }
    assert!(old > 5 && new > 5, "{old} {new}");
}

#[test]
fn a_program_without_migrate_keeps_the_state_and_brings_its_functions() {
    let machine = with_inputs(2);
    let before = machine.hash();
    let kept = "[[[0 [_ 2]]] [[[0 [_ 1]]] 7]]";
    assert_eq!(machine.state(), format!("0 {kept}"));
    let program = program(&marking([idle()]), None);
    let report = upgrade(&machine, &program).expect("upgraded");
    assert_eq!((report.event, report.before, report.program), (3, before, program.hash()));
    assert!(!report.is_finished && report.set_aside.is_none());
    assert_eq!(machine.state(), format!("0 {kept}"));
    let logged = events(&machine);
    assert_eq!(logged[2].ending, LoggedEnding::Upgraded(program.hash()));
    assert_eq!((logged[2].before, logged.len()), (Some(before), 3));
    log_input(&machine, 9);
    assert_eq!(machine.state(), format!("0 [8 {kept}]"));
    assert_ne!(machine.hash(), before);
}

#[test]
fn a_replay_repeats_an_upgrade_in_any_tier() {
    let machine = with_inputs(3);
    let program = program(&nat(0), Some(&wrap_in_marking()));
    upgrade(&machine, &program).expect("upgraded");
    log_input(&machine, 9);
    let expected = machine.hash();
    assert_eq!(machine.state(), "0 [8 [5 [[[0 [_ 3]]] [[[0 [_ 2]]] [[[0 [_ 1]]] 7]]]]]");
    for tier in TIERS {
        let again = TestMachine::on(machine.disk.clone()).with(move |settings| {
            settings.runtime.mode = tier;
            settings.replay = ReplayFrom::Earliest;
        });
        assert_eq!(again.hash(), expected, "{tier:?}");
    }
}

#[test]
fn an_upgrade_that_fails_leaves_the_machine_as_it_was() {
    let machine = with_inputs(2);
    let (state, count) = (machine.hash(), events(&machine).len());
    let crashing = law(1, call(nat(99), [nat(5)]));
    let cases = [
        (
            program(&nat(0), Some(&crashing)),
            UpgradeFailure::Crashed("the cog crashed: 99 5".into()),
        ),
        (program(&nat(0), Some(&deep())), UpgradeFailure::Aborted(AbortReason::Stack)),
        (program(&nat(0), Some(&law(1, nat(7)))), UpgradeFailure::NotACog),
        (program(&nat(0), None), UpgradeFailure::NotACog),
        // A cog that lacks two arguments.
        (program(&call(law(5, nat(0)), [nat(0), nat(0), row([])]), None), UpgradeFailure::NotACog),
        (
            UpgradeProgram::from_seed(Hash([1; 32]), b"no seed".to_vec()),
            UpgradeFailure::NotAProgram(String::new()),
        ),
    ];
    for (program, expected) in cases {
        let Err(UpgradeError::Failed(failure)) = upgrade(&machine, &program) else {
            panic!("{expected:?} is expected")
        };
        match expected {
            UpgradeFailure::NotAProgram(_) => {
                assert!(matches!(failure, UpgradeFailure::NotAProgram(_)), "{failure}");
            }
            expected => assert_eq!(failure, expected),
        }
        assert_eq!((machine.hash(), events(&machine).len()), (state, count));
    }
}

#[test]
fn a_migration_without_end_or_with_too_much_memory_leaves_the_machine_as_it_was() {
    let machine = with_inputs(2);
    let state = machine.hash();
    // f a b = f [a b] a: the live data grows at each step.
    let grow = law(2, call(arg(0), [row([arg(1), arg(2)]), arg(1)]));
    let growing = call(grow, [PlanExpr::Bar(vec![7; 64])]);
    for (migrate, reason) in [(endless(), AbortReason::Time), (growing, AbortReason::Memory)] {
        let program = program(&nat(0), Some(&migrate));
        let clock = Arc::clone(&machine.clock);
        let advance = std::thread::spawn(move || {
            if reason == AbortReason::Time {
                clock.wait_for_timer(LIMIT);
                clock.advance(LIMIT);
            }
        });
        let result = upgrade(&machine, &program);
        advance.join().expect("the clock is advanced");
        let Err(UpgradeError::Failed(UpgradeFailure::Aborted(found))) = result else {
            panic!("{reason:?}: {result:?}")
        };
        assert_eq!(found, reason);
        assert_eq!(machine.hash(), state);
    }
}

#[test]
fn an_upgrade_repairs_a_cog_that_has_crashed_and_sets_its_inputs_aside() {
    let machine = with_inputs(1);
    let crashing = law(1, call(nat(99), [arg(1)]));
    let mut vm = small_heap();
    let part = |number: u64, vm: &mut Vm| {
        let value = nat(number).value(vm);
        crate::codec::serialize(vm, &value).expect("small")
    };
    let (op, arg) = (part(99, &mut vm), part(0, &mut vm));
    let outcome = EventOutcome::Crashed { op, arg, calls: Vec::new() };
    let crash = EventRecord { outcome, ..event_of(crashing, 6) };
    super::disk::append(&machine, &crash.encode());
    assert_eq!(machine.state(), "2 99 0 [[[0 [_ 1]]] 7]");
    let report = upgrade(&machine, &program(&marking([idle()]), None)).expect("upgraded");
    assert_eq!(report.set_aside, Some(1));
    assert_eq!(machine.state(), "0 [[[0 [_ 1]]] 7]");
    assert_eq!(machine.set_aside().len(), 1);
    assert_eq!(replayed(&machine), machine.hash());
    // The new program takes the input that crashed the old one.
    let offering = TestMachine::on(machine.disk.clone()).with(|settings| {
        settings.offer_set_aside = true;
    });
    let running = offering.start();
    let handle = running.handle.clone().expect("it runs");
    while handle.metrics().events == 0 {
        std::thread::yield_now();
    }
    running.stop();
    assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Stopped);
    assert_eq!((machine.state().as_str(), machine.set_aside().len()), ("0 [8 [[[0 [_ 1]]] 7]]", 0));
}

/// A counter like [`counter`] that counts by two, with the same driver.
fn by_two() -> PlanExpr {
    let next = call(arg(0), [inc(inc(arg(1))), arg(2), arg(3)]);
    let function = law(4, row([next, row([row([nat(0), nat(3), nat(0)])])]));
    let driver = cycle(vec![read(), when(), wait(inc(arg(2))), write(nat(0))], &[0]);
    cog(function, nat(0), [exec(driver), exec(writer(nat(1)))])
}

#[test]
fn a_running_machine_is_upgraded_and_equal_workers_keep_running() {
    let machine = TestMachine::boot(&counter());
    let running = machine.start();
    let handle = running.handle.clone().expect("it runs");
    let next = || loop {
        let message = running.reports.recv().expect("it counts");
        if let Some(number) = message.number() {
            return number;
        }
    };
    assert_eq!([next(), next(), next()], [1, 2, 3]);
    let program = program(&by_two(), None);
    let refused = handle.upgrade(program.clone(), UpgradeCheck::Rehearsed { at: None, max_lag: 9 });
    assert!(refused.expect_err("it was not rehearsed").contains("no clean rehearsal"));
    let report = handle.upgrade(program, UpgradeCheck::Forced).expect("upgraded");
    assert_eq!((report.kept_workers, report.ended_workers, report.started_workers), (1, 0, 1));
    // The driver goes on with what it was doing, and its inputs count double from some number on. The
    // one input of the second driver counts too.
    let mut last = next();
    let mut steps_of_two = 0;
    while steps_of_two < 5 {
        let number = next();
        assert!((1..=4).contains(&(number - last)), "{number} after {last}");
        steps_of_two += usize::from(number == last + 2);
        last = number;
    }
    running.stop();
    let run = running.join(Vec::new());
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    assert_eq!(replayed(&machine), machine.hash());
}

/// The power goes at each operation of the disk in turn.
#[test]
fn an_upgrade_happens_whole_or_not_at_all_when_the_power_goes() {
    let booted = with_inputs(2);
    let before = booted.hash();
    let program = program(&marking([idle()]), Some(&wrap_in_marking()));
    let upgraded = TestMachine::on(booted.disk.crash(SurvivingWrites::Everything));
    upgrade(&upgraded, &program).expect("upgraded");
    let after = upgraded.hash();
    assert_whole_or_not_at_all(&booted, [before, after], |machine| {
        machine.upgrade(&program, UpgradeCheck::Forced).is_ok()
    });
}
