//! Cogs that have crashed and run again from the state before: the retry is in the log, the inputs
//! of the event that crashed are set aside, and nothing else changes.

use super::harness::{MachineFailure, TestMachine, store_settings};
use super::programs::{calling, cog, cycle, exec, first_input, input, read, writer};
use super::terms::{PlanExpr, arg, call, law, nat};
use crate::conventions::{JobResultForm, ProgramConventions};
use crate::event::{EventInput, EventOutcome, EventRecord, InputPayload};
use crate::set_aside::SetAsideReason;
use crate::status::{CogStatus, MachineState};
use crate::trace::ConsoleMessage;
use crate::{ConsoleNotice, ReplayFrom, RunOutcome};
use persist::sim::{InjectedFault, SurvivingWrites};
use persist::{Seq, Store};
use runtime::RuntimeBuilder;
use std::sync::Arc;
use vm::Vm;

fn small_heap() -> Vm {
    RuntimeBuilder::bare().heap(super::terms::options()).build().expect("a small heap").into()
}

fn serialized(value: &PlanExpr) -> crate::codec::SeedBytes {
    let mut vm = small_heap();
    let value = value.value(&mut vm);
    crate::codec::serialize(&vm, &value).expect("a small value")
}

fn written(slot: u64, number: u64) -> EventInput {
    let value = serialized(&input(super::programs::harmless(), number));
    EventInput { slot, payload: InputPayload::Written(value) }
}

/// The event that crashes a machine of [`calling`]: its inputs are two equal ones, another one, and
/// the result of a job.
fn crash() -> EventRecord {
    let (op, arg) = (serialized(&nat(99)), serialized(&nat(5)));
    let calls = vec!["inner".into(), "outer  (2 times)".into()];
    let outcome = EventOutcome::Crashed { op, arg, calls };
    let payload = InputPayload::JobResult(serialized(&nat(8)));
    let result = EventInput { slot: 2, payload };
    let inputs = vec![written(0, 5), written(0, 5), written(0, 6), result];
    EventRecord { time: 0, before: None, outcome, inputs }
}

/// A machine that was crashed by its second event. Its driver shows the numbers of its reads, which
/// are answered 7.
fn crashed() -> TestMachine {
    let reads = law(3, nat(7));
    let driver = exec(cycle(vec![read()], &[0]));
    let PlanExpr::Call(function, args) = calling([driver]) else { unreachable!("a call") };
    let [state, _, workers] = args.try_into().unwrap_or_else(|_| unreachable!("three arguments"));
    let machine = TestMachine::boot(&call(*function, [state, reads, workers]));
    let (outcome, inputs) = (EventOutcome::Succeeded, vec![written(0, 4)]);
    let good = EventRecord { time: 0, before: None, outcome, inputs };
    super::disk::append(&machine, &good.encode());
    super::disk::append(&machine, &crash().encode());
    assert_eq!(machine.state(), "2 99 5 [[[0 [_ 4]]] 7]");
    machine
}

/// The same machine, which runs again if it has crashed.
fn retrying(machine: &TestMachine) -> TestMachine {
    TestMachine::on(machine.disk.clone()).with(|settings| settings.retry_crash = true)
}

fn retried(set_aside: Option<usize>) -> ConsoleMessage {
    ConsoleMessage::Notice(ConsoleNotice::Retried(set_aside))
}

#[test]
fn a_cog_that_crashed_goes_on_from_the_state_before_without_the_inputs() {
    let machine = crashed();
    assert!(matches!(machine.run(|_| false).outcome(), RunOutcome::Crashed(Some(_))));
    let run = retrying(&machine).run_until_shown(1);
    assert_eq!(run.messages[..2], [retried(Some(3)), ConsoleMessage::Text("7".into())]);
    assert_eq!(run.outcome(), RunOutcome::Stopped);
    assert_eq!(machine.state(), "0 [[[0 [_ 4]]] 7]");
    let inputs = machine.set_aside();
    assert!(inputs.iter().all(|it| it.after == 2 && it.reason == SetAsideReason::Crashed));
    let values: Vec<_> = inputs.into_iter().map(|input| (input.slot, input.value)).collect();
    let expected: Vec<_> = [5, 5, 6]
        .map(|number| (0, serialized(&input(super::programs::harmless(), number))))
        .to_vec();
    assert_eq!(values, expected);

    // The retry is an event of the log.
    let hash = machine.hash();
    let all = TestMachine::on(machine.disk.clone())
        .with(|settings| settings.replay = ReplayFrom::Earliest);
    assert_eq!(all.hash(), hash);
    assert_eq!(all.open().expect("it opens").replayed(), 3);
    // A cog that runs is not retried.
    let run = retrying(&machine).run_until_shown(1);
    assert_eq!(run.messages[0], ConsoleMessage::Text("7".into()));
    assert_eq!(machine.set_aside().len(), 3);
}

#[test]
fn the_inputs_of_a_crash_are_offered_like_others() {
    let machine = crashed();
    let offering = retrying(&machine).with(|settings| {
        settings.retry_crash = true;
        settings.offer_set_aside = true;
    });
    offering.run_until_shown(1).outcome();
    assert_eq!(machine.set_aside(), []);
    let first = "[[[0 [_ 4]]] 7]";
    assert_eq!(machine.state(), format!("0 [[[0 [_ 6]]] [[[0 [_ 5]]] [[[0 [_ 5]]] {first}]]]"));
}

#[test]
fn a_cog_that_crashes_again_can_be_retried_again() {
    let crashing = law(1, call(nat(99), [arg(1)]));
    let handler = law(4, call(crashing, [first_input(arg(4))]));
    let machine = TestMachine::boot(&cog(handler, nat(7), [exec(writer(nat(5)))]));
    let crash = ConsoleMessage::Text("the cog crashed: 99 5".into());
    assert_eq!(machine.run(|_| false).messages, std::slice::from_ref(&crash));
    for count in 1..=3 {
        let run = retrying(&machine).run(|_| false);
        assert_eq!(run.messages, [retried(Some(1)), crash.clone()]);
        assert!(matches!(run.outcome(), RunOutcome::Crashed(Some(_))));
        assert_eq!(machine.state(), "2 99 5 7");
        assert_eq!(machine.set_aside().len(), count);
    }
}

#[test]
fn a_crash_that_is_not_in_the_log_is_retried_without_its_inputs() {
    let disk = persist::sim::SimDisk::new();
    let store = Store::create_on(Arc::new(disk.clone()), store_settings()).expect("room");
    let mut vm = small_heap();
    let driver = exec(cycle(vec![read()], &[0]));
    let cog = calling([driver]).value(&mut vm);
    let status = CogStatus::Crashed { op: vm.nat(99), arg: vm.nat(5), cog };
    let conventions =
        ProgramConventions { job_results: JobResultForm::Tagged, ..Default::default() };
    let state = MachineState { status, conventions };
    let root = state.save(&mut vm, &store).expect("room");
    store.write_snapshot(&root, Seq::START).expect("room");
    store.close().expect("room");
    drop((root, vm));
    let machine = TestMachine::on(disk);
    assert_eq!(machine.state(), "2 99 5 7");
    let run = retrying(&machine).run_until_shown(1);
    assert_eq!(run.messages[..2], [retried(None), ConsoleMessage::Text("7".into())]);
    assert_eq!(machine.state(), "0 7");
    assert_eq!(machine.set_aside(), []);
}

#[test]
fn a_retry_in_the_log_of_a_cog_that_has_not_crashed_is_an_error() {
    let machine = TestMachine::boot(&calling([exec(writer(nat(5)))]));
    let outcome = EventOutcome::Retried;
    let event = EventRecord { time: 0, before: None, outcome, inputs: Vec::new() };
    super::disk::append(&machine, &event.encode());
    let error = machine.open().err().expect("it does not open");
    assert!(error.to_string().contains("the cog has not crashed"), "{error}");
}

/// The power goes at each operation of the disk in turn.
#[test]
fn no_input_is_lost_or_kept_twice_when_the_power_goes_during_a_retry() {
    let booted = crashed();
    let (mut failures, mut running, mut partial) = (0, 0, 0);
    for step in 1..50 {
        let machine = retrying(&TestMachine::on(booted.disk.crash(SurvivingWrites::Everything)));
        machine.disk.fail_at(machine.disk.steps() + step, InjectedFault::PowerOff);
        let run = machine.run_until_shown(1);
        let shown = run.numbers().len();
        failures += usize::from(matches!(run.result, Err(MachineFailure::Run(_))));
        for survives in
            [SurvivingWrites::Nothing, SurvivingWrites::Everything, SurvivingWrites::Anything(step)]
        {
            let after = TestMachine::on(machine.disk.crash(survives));
            let (found, state) = (after.set_aside().len(), after.state());
            let place = format!("step {step}, {survives:?}: {found} in {state}");
            match state.as_str() {
                "2 99 5 [[[0 [_ 4]]] 7]" => assert!(shown == 0 && found <= 3, "{place}"),
                "0 [[[0 [_ 4]]] 7]" => assert_eq!(found, 3, "{place}"),
                _ => panic!("{place}"),
            }
            running += usize::from(state.starts_with("0 "));
            partial += usize::from((1..3).contains(&found));
            retrying(&after).run_until_shown(1).outcome();
            assert_eq!(after.set_aside().len(), 3, "{place}");
            assert_eq!(after.state(), "0 [[[0 [_ 4]]] 7]", "{place}");
        }
    }
    assert!(failures > 5 && running > 5 && partial > 3, "{failures} {running} {partial}");
}
