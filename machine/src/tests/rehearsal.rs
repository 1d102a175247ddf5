//! Rehearsals: what a new program does with the last inputs, beside the old one. Nothing changes.

use super::harness::TestMachine;
use super::programs::{calling, cog, cycle, exec, when};
use super::terms::{PlanExpr, arg, call, law, nat, row};
use super::upgrade::{idle, log_input, marking, program, with_inputs};
use crate::error::UpgradeFailure;
use crate::program::UpgradeProgram;
use crate::state_diff::{DiffLimit, StateDiff};
use crate::{MachineHistory, RehearsalReport, RehearsedEnding, ReplayStatus, WorkerComparison};
use crossbeam_channel::unbounded;
use persist::StoreInspection;
use std::sync::Arc;

/// Calls `visit` with the history of a machine.
fn with_history<T>(machine: &TestMachine, visit: impl FnOnce(&MachineHistory) -> T) -> T {
    let disk = Arc::new(machine.disk.clone());
    let inspection = StoreInspection::open_on(disk).expect("a store");
    let history = MachineHistory::open(&inspection, machine.settings(unbounded().0));
    visit(&history.expect("a machine"))
}

fn rehearse(machine: &TestMachine, program: &UpgradeProgram, last: u64) -> RehearsalReport {
    let files = machine.disk.files();
    let report = with_history(machine, |history| history.rehearse(program, last));
    assert_eq!(machine.disk.files(), files, "a rehearsal changes nothing");
    report.expect("the machine can be replayed")
}

#[test]
fn a_program_that_does_the_same_is_clean_and_keeps_the_workers() {
    let machine = with_inputs(5);
    let report = rehearse(&machine, &program(&calling([idle()]), None), 3);
    assert!(report.is_clean());
    assert_eq!((report.from, report.to, report.events.len()), (2, 5, 3));
    assert!(report.events.iter().all(|event| !event.is_different() && event.old == event.new));
    let kept = WorkerComparison { kept: vec![0], ..WorkerComparison::default() };
    assert_eq!(report.workers, Some(kept));
}

#[test]
fn other_answers_and_workers_are_reported_and_nothing_is_worse() {
    let machine = with_inputs(3);
    let other = exec(cycle(vec![when()], &[]));
    let report = rehearse(&machine, &program(&marking([nat(0), other]), None), 2);
    assert!(report.is_clean() && report.events.iter().all(|event| event.is_different()));
    let workers = WorkerComparison { kept: vec![], ended: vec![0], started: vec![1] };
    assert_eq!(report.workers, Some(workers));
}

#[test]
fn events_that_crash_in_the_new_program_only_make_it_worse() {
    let machine = with_inputs(3);
    let crashing = cog(law(4, call(nat(99), [nat(5)])), nat(0), [idle()]);
    let report = rehearse(&machine, &program(&crashing, None), 2);
    assert!(!report.is_clean() && report.upgrade.is_ok());
    let crash = RehearsedEnding::Crashed("the cog crashed: 99 5".into());
    assert!(report.events.iter().all(|event| event.is_worse() && event.new == crash));
}

#[test]
fn a_program_that_finishes_makes_it_worse() {
    let machine = with_inputs(2);
    let report = rehearse(&machine, &program(&marking([nat(0)]), None), 1);
    assert!(report.upgrade.is_ok() && !report.is_clean());
    assert_eq!(report.events[0].new, RehearsedEnding::Finished);
}

/// A cog that keeps its state and answers each event with these messages to driver 0.
fn answering(messages: &[u64]) -> PlanExpr {
    let next = call(arg(0), [arg(1), arg(2), arg(3)]);
    let outputs = messages.iter().map(|message| row([nat(0), nat(3), nat(*message)]));
    cog(law(4, row([next, row(outputs)])), nat(0), [idle()])
}

#[test]
fn outputs_differ_by_their_values_and_by_their_order() {
    let machine = TestMachine::boot(&answering(&[1, 2]));
    log_input(&machine, 1);
    let differences = |messages: &[u64]| {
        let report = rehearse(&machine, &program(&answering(messages), None), 1);
        let event = &report.events[0];
        (event.missing_outputs.len(), event.added_outputs.len())
    };
    assert_eq!(differences(&[1, 2]), (0, 0));
    assert_eq!(differences(&[1, 3]), (1, 1));
    assert_eq!(differences(&[1, 2, 3]), (0, 1));
    assert_eq!(differences(&[2]), (1, 0));
    assert_eq!(differences(&[2, 1]), (2, 2));
}

#[test]
fn an_upgrade_that_fails_on_the_newest_state_only_is_not_clean() {
    let machine = TestMachine::boot(&marking([idle()]));
    (1..=3).for_each(|number| log_input(&machine, number));
    // The state is 0 first, and [8 ..] later: the migration of the later one is no cog.
    let PlanExpr::Call(function, args) = marking([idle()]) else { unreachable!("a call") };
    let fresh = call(*function, args);
    let skip = |arity| law(arity, nat(0));
    let migrate = law(
        1,
        call(nat(1), [skip(1), skip(3), law(2, nat(7)), call(law(2, arg(1)), [fresh]), arg(1)]),
    );
    let report = rehearse(&machine, &program(&nat(0), Some(&migrate)), 3);
    assert!(report.upgrade.is_ok());
    assert_eq!(report.upgrade_now.as_ref().err(), Some(&UpgradeFailure::NotACog));
    assert!(!report.is_clean() && report.workers.is_none());
}

#[test]
fn a_replay_goes_through_the_events_one_by_one() {
    let machine = with_inputs(4);
    with_history(&machine, |history| {
        let mut replay = history.replay_at(0).expect("the first state");
        let mut states = vec![replay.state_hash().expect("room")];
        replay
            .advance(4, |event| {
                assert!(event.outputs.is_empty() && !event.replaced_functions);
                states.push(event.state);
            })
            .expect("a log");
        assert_eq!((replay.event(), replay.status()), (4, ReplayStatus::Running));
        assert_eq!(states.len(), 5);
        for (event, state) in states.iter().enumerate() {
            let mut replay = history.replay_at(event as u64).expect("reachable");
            assert_eq!(replay.state_hash().expect("room"), *state);
        }
        let error = history.replay_at(5).err().expect("there is no event 5");
        assert!(error.to_string().contains("the states after the events from 0"), "{error}");
    });
    assert_eq!(with_history(&machine, MachineHistory::last), 4);
}

fn diff(machine: &TestMachine, from: u64, to: u64) -> StateDiff {
    with_history(machine, |history| {
        let mut replay = history.replay_at(from).expect("reachable");
        let limit = DiffLimit { changes: 2 };
        replay.diff_to(to, limit, &mut |value| super::harness::render(value)).expect("readable")
    })
}

#[test]
fn a_diff_goes_down_where_states_differ() {
    let machine = TestMachine::boot(&marking([idle()]));
    (1..=3).for_each(|number| log_input(&machine, number));
    let diff_between = |from, to| {
        let StateDiff { changes, more } = diff(&machine, from, to);
        let line = |change: &crate::StateChange| {
            let (old, new) = (change.old.as_deref(), change.new.as_deref());
            format!("{} {} {}", change.path.join("/"), old.unwrap_or("-"), new.unwrap_or("-"))
        };
        (changes.iter().map(line).collect::<Vec<_>>(), more)
    };
    assert_eq!(diff_between(2, 2), (vec![], 0));
    assert_eq!(diff_between(0, 1), (vec!["state 0 [8 0]".into()], 0));
    // [8 0] and [8 [8 0]] differ in the second item.
    assert_eq!(diff_between(1, 2), (vec!["state/1 0 [8 0]".into()], 0));
    assert_eq!(diff_between(2, 1), (vec!["state/1 [8 0] 0".into()], 0));
}
