//! Messages that end a run with an error, and batches of inputs that exceed a limit.

use super::inputs::WorkerInput;
use super::*;
use crate::codec;
use crate::error::{AbortReason, LimitStopCause};
use crate::event::{EventInput, InputPayload};
use crate::message::RequestRow;
use crate::set_aside::SetAsideInput;
use crate::settings::ReplayFrom;
use crate::tests::harness::TestMachine;
use crate::tests::programs::{calling, counter, deep, exec, harmless, input, writer};
use crate::tests::terms::{PlanExpr, nat, options};
use plan::EvalError;
use plan::pinspace::{DamagedPin, PinFault};

/// Runs a machine whose event loop finds `message` in its queue.
fn run_with(message: ControlMessage) -> Result<RunOutcome, RunError> {
    let machine = TestMachine::boot(&counter()).open().expect("it opens");
    machine.control_sender.send(message);
    machine.run()
}

#[test]
fn damage_in_the_evaluation_of_a_worker_stops_the_machine() {
    let damaged = DamagedPin { place: "bodies/0, byte 64".into(), fault: PinFault::Mismatch };
    let damage = EvalError::Damaged(Arc::new(damaged));
    let message = ControlMessage::of_damage(&damage).expect("damage");
    match run_with(message) {
        Err(RunError::Damaged { problem, .. }) => assert_eq!(problem, damage.to_string()),
        other => panic!("{other:?}"),
    }
    assert!(
        ControlMessage::of_damage(&EvalError::Loop).is_none(),
        "a failure ends the worker only"
    );
}

#[test]
fn the_panic_of_a_thread_stops_the_machine() {
    match run_with(ControlMessage::Panicked("a job")) {
        Err(RunError::Defect(defect)) => assert_eq!(defect, "the thread of a job panicked"),
        other => panic!("{other:?}"),
    }
}

/// A machine with drivers in six slots, whose workers do not run. Worker and slot have one number.
fn machine_without_threads() -> (TestMachine, Machine) {
    let drivers = (0..6).map(|_| exec(writer(nat(0))));
    let booted = TestMachine::boot(&calling(drivers));
    let mut machine = booted.open().expect("it opens");
    let (vm, state) = machine.cog.parts();
    machine.workers.update(vm, state.status.running());
    (booted, machine)
}

/// The inputs of drivers that write these functions, each with its slot as its number.
fn inputs(functions: &[PlanExpr]) -> Vec<WorkerInput> {
    let mut vm = Vm::new(options(), Arc::default()).expect("a small heap");
    let mut of_driver = |(slot, function): (usize, &PlanExpr)| {
        let slot = slot as u64;
        let value = input(function.clone(), slot).value(&mut vm);
        let value = codec::serialize(&vm, &value).expect("a small value");
        let input = EventInput { slot, payload: InputPayload::Written(value) };
        WorkerInput { row: RequestRow { worker: slot, number: 0 }, input, value: None }
    };
    functions.iter().enumerate().map(&mut of_driver).collect()
}

/// The slots of the inputs that are set aside.
fn slots_set_aside(machine: &Machine) -> Vec<u64> {
    let list = machine.store.set_aside_inputs().expect("readable");
    let decode = |record: &persist::SetAsideRecord| SetAsideInput::decode(&record.payload);
    list.records.iter().map(|record| decode(record).expect("ours").slot).collect()
}

/// Closes a machine, and returns its state.
fn state_after(booted: &TestMachine, machine: Machine) -> String {
    machine.shut_down(Ok(())).expect("it closes");
    booted.state()
}

#[test]
fn inputs_that_wait_together_are_one_event() {
    let (booted, mut machine) = machine_without_threads();
    machine.handle_inputs(inputs(&[harmless(), harmless()])).expect("applied");
    assert_eq!(machine.applied, Seq(1));
    assert_eq!(slots_set_aside(&machine), [0; 0]);
    assert_eq!(state_after(&booted, machine), "0 [[[0 [_ 0]] [1 [_ 1]]] 7]");
}

#[test]
fn one_bad_input_among_good_ones_is_set_aside_and_the_others_are_applied_in_order() {
    let (booted, mut machine) = machine_without_threads();
    let functions = [harmless(), deep(), harmless(), harmless(), deep()];
    machine.handle_inputs(inputs(&functions)).expect("applied");
    assert_eq!(machine.applied, Seq(3), "an event for each good input");
    assert_eq!(slots_set_aside(&machine), [1, 4]);
    assert_eq!(machine.limit_stop, None);
    let state = "0 [[[3 [_ 3]]] [[[2 [_ 2]]] [[[0 [_ 0]]] 7]]]";
    assert_eq!(state_after(&booted, machine), state);
    // The replay makes the same three events.
    assert_eq!(booted.with(|it| it.replay = ReplayFrom::Earliest).state(), state);
}

#[test]
fn an_event_between_set_aside_inputs_begins_a_new_row_of_ten() {
    let (_booted, mut machine) = machine_without_threads();
    for _ in 0..3 {
        for _ in 0..9 {
            machine.handle_inputs(inputs(&[deep()])).expect("set aside");
        }
        assert_eq!(machine.limit_stop, None);
        machine.handle_inputs(inputs(&[harmless()])).expect("applied");
    }
    assert_eq!(machine.applied, Seq(3));
    for _ in 0..12 {
        machine.handle_inputs(inputs(&[deep()])).expect("set aside");
    }
    let cause = LimitStopCause::SetAsideInRow(10);
    assert_eq!(machine.limit_stop, Some(LimitStop { reason: AbortReason::Stack, cause }));
    assert_eq!(slots_set_aside(&machine).len(), 27 + 10);
    machine.handle_inputs(inputs(&[harmless()])).expect("ignored");
    assert_eq!(machine.applied, Seq(3), "the machine is stopping");
}

#[test]
fn an_input_waits_for_room_on_the_disk_before_it_is_set_aside() {
    let (booted, mut machine) = machine_without_threads();
    machine.handle_inputs(inputs(&[harmless()])).expect("applied");
    machine.store.commit().expect("room");
    booted.disk.set_capacity(Some(1));
    let disk = booted.disk.clone();
    let waiting = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        disk.set_capacity(None);
    });
    machine.handle_inputs(inputs(&[deep()])).expect("set aside");
    waiting.join().expect("it ends");
    assert_eq!(slots_set_aside(&machine), [0]);
}
