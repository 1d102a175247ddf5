//! Rollbacks: the state is again that after an earlier event, nothing is deleted, and a replay does
//! the same.

use super::harness::TestMachine;
use super::upgrade::{
    assert_whole_or_not_at_all, idle, log_input, marking, program, replayed, with_inputs,
};
use crate::error::RollbackError;
use crate::upgrade_check::UpgradeCheck;
use crate::{OfferReport, StartError};

#[test]
fn a_rollback_goes_back_and_the_log_keeps_everything() {
    let machine = with_inputs(2);
    let earlier = machine.hash();
    log_input(&machine, 3);
    log_input(&machine, 4);
    let mut opened = machine.open().expect("it opens");
    let report = opened.roll_back(2).expect("it goes back");
    assert_eq!((report.event, report.to, report.root), (5, 2, earlier));
    let kept = opened.events_after(2).expect("the log has them");
    assert_eq!(kept.iter().map(|event| event.inputs.len()).collect::<Vec<_>>(), [1, 1, 0]);
    opened.close().expect("it closes");
    assert_eq!((machine.hash(), replayed(&machine)), (earlier, earlier));
    // It goes on from there, also with replays from all snapshots.
    log_input(&machine, 9);
    assert_eq!(machine.state(), "0 [[[0 [_ 9]]] [[[0 [_ 2]]] [[[0 [_ 1]]] 7]]]");
    assert_eq!(replayed(&machine), machine.hash());
}

#[test]
fn the_inputs_since_then_are_offered_to_the_earlier_state() {
    let machine = with_inputs(2);
    let program = program(&marking([idle()]), None);
    let mut opened = machine.open().expect("it opens");
    opened.upgrade(&program, UpgradeCheck::Forced).expect("upgraded");
    opened.close().expect("it closes");
    log_input(&machine, 3);
    log_input(&machine, 4);
    let mut opened = machine.open().expect("it opens");
    let (to, last) = (opened.before_last_upgrade().expect("a log"), opened.last_event());
    assert_eq!((to, last), (Some(2), 5));
    opened.roll_back(2).expect("it goes back");
    let offered = opened.offer_again(3, last).expect("offered");
    assert_eq!(offered, OfferReport { applied: 2, set_aside: 0, left: 0 });
    opened.close().expect("it closes");
    let state = "0 [[[0 [_ 4]]] [[[0 [_ 3]]] [[[0 [_ 2]]] [[[0 [_ 1]]] 7]]]]";
    assert_eq!(machine.state(), state);
    assert_eq!(replayed(&machine), machine.hash());
}

#[test]
fn an_event_that_is_not_earlier_or_out_of_reach_is_refused() {
    let machine = with_inputs(2);
    let state = machine.hash();
    let mut opened = machine.open().expect("it opens");
    let error = opened.roll_back(2).expect_err("it is the last event");
    assert!(matches!(error, RollbackError::NotEarlier { to: 2, last: 2 }), "{error}");
    drop(opened);
    assert_eq!(machine.hash(), state);
    // After enough snapshots, no kept one is early enough.
    let machine = TestMachine::on(machine.disk);
    for number in 3..8 {
        log_input(&machine, number);
        machine.open().expect("it opens").close().expect("it closes");
    }
    let mut opened = machine.open().expect("it opens");
    let error = opened.roll_back(1).expect_err("the snapshots are later");
    assert!(matches!(error, RollbackError::State(StartError::Unreachable { .. })), "{error}");
}

/// The power goes at each operation of the disk in turn.
#[test]
fn a_rollback_happens_whole_or_not_at_all_when_the_power_goes() {
    let booted = with_inputs(1);
    let earlier = booted.hash();
    log_input(&booted, 2);
    log_input(&booted, 3);
    let later = booted.hash();
    assert_whole_or_not_at_all(&booted, [later, earlier], |machine| machine.roll_back(1).is_ok());
}
