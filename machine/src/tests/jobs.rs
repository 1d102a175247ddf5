//! The results of jobs, live and in a replay.

use super::harness::TestMachine;
use super::programs::{cog, endless, eval, exec, keep_inputs, writer};
use super::terms::{PlanExpr, arg, call, law, nat, row};
use crate::RunOutcome;

/// The inputs that a cog gets for a job in slot 1, rendered.
fn job_input(function: PlanExpr, args: Vec<PlanExpr>) -> String {
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), [nat(0), eval(function, args)]))
        .with(|settings| settings.snapshots = None);
    let run = machine.run(|_| false);
    assert_eq!(run.outcome(), RunOutcome::Finished);
    assert_eq!(machine.open().expect("it opens").replayed(), 1);
    machine.state()
}

#[test]
fn a_value_is_the_item_of_a_row() {
    assert_eq!(job_input(nat(3), vec![nat(41)]), "1 [[1 [42]]]");
    assert_eq!(job_input(law(2, row([arg(2), arg(1)])), vec![nat(1), nat(2)]), "1 [[1 [[2 1]]]]");
    assert_eq!(job_input(nat(41), vec![]), "1 [[1 [41]]]");
}

#[test]
fn a_crash_is_a_row_of_operation_and_argument() {
    assert_eq!(job_input(nat(99), vec![nat(5)]), "1 [[1 [99 5]]]");
}

#[test]
fn a_job_that_runs_out_of_stack_gives_an_empty_row() {
    assert_eq!(
        job_input(law(1, call(nat(3), [call(arg(0), [arg(1)])])), vec![nat(0)]),
        "1 [[1 []]]"
    );
}

#[test]
fn a_large_result_is_computed_again_by_a_replay() {
    let large = PlanExpr::Bar(vec![7; 3 << 20]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), [eval(law(1, arg(1)), [large])]))
        .with(|settings| settings.snapshots = None);
    assert_eq!(machine.run(|_| false).outcome(), RunOutcome::Finished);
    let logged: usize = machine
        .disk
        .files()
        .iter()
        .filter(|(name, _)| name.starts_with("log/"))
        .map(|f| f.1.len())
        .sum();
    assert!(logged < 1 << 20, "the log has {logged} bytes");
    assert_eq!(machine.open().expect("it opens").replayed(), 1);
    assert_eq!(machine.state(), "1 [[0 [_]]]");
}

#[test]
fn a_job_that_leaves_its_slot_is_cancelled() {
    let workers = [eval(endless(), [nat(0)]), exec(writer(nat(5)))];
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), workers));
    assert_eq!(machine.run(|_| false).outcome(), RunOutcome::Finished);
    assert_eq!(machine.state(), "1 [[1 5]]");
}
