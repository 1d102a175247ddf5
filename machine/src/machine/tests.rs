//! Messages that end a run with an error.

use super::*;
use crate::tests::harness::TestMachine;
use crate::tests::programs::counter;
use plan::EvalError;
use plan::pinspace::{DamagedPin, PinFault};

/// Runs a machine whose event loop finds `message` in its queue.
fn run_with(message: ControlMessage) -> Result<RunOutcome, RunError> {
    let machine = TestMachine::boot(&counter()).open().expect("it opens");
    machine.control_sender.send(message).expect("the machine holds the receiver");
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
