//! The results of jobs, live and in a replay, in each form.

use super::harness::{LIMIT, TestMachine};
use super::programs::{cog, endless, eval, exec, keep_inputs, writer};
use super::terms::{PlanExpr, arg, call, law, nat, row, trace};
use crate::{BootOptions, JobResultForm, RunOutcome};

const FORMS: [JobResultForm; 2] = [JobResultForm::Plain, JobResultForm::Tagged];

/// A machine with this program, whose jobs have results in this form. It writes no snapshot.
fn booted(program: &PlanExpr, form: JobResultForm) -> TestMachine {
    let options = BootOptions { job_results: Some(form), ..Default::default() };
    TestMachine::boot_with(program, options).with(|settings| settings.snapshots = None)
}

/// The inputs that a cog gets for a job in slot 1, rendered, in each form.
fn job_inputs(function: &PlanExpr, args: &[PlanExpr]) -> [String; 2] {
    FORMS.map(|form| {
        let job = eval(function.clone(), args.iter().cloned());
        let machine = booted(&cog(keep_inputs(), nat(0), [nat(0), job]), form);
        let run = machine.run(|_| false);
        assert_eq!(run.outcome(), RunOutcome::Finished);
        assert_eq!(machine.open().expect("it opens").replayed(), 1);
        machine.state()
    })
}

#[test]
fn a_value_is_the_last_item_of_a_row() {
    let inputs = job_inputs(&nat(3), &[nat(41)]);
    assert_eq!(inputs, ["1 [[1 [42]]]", "1 [[1 [1 42]]]"]);
    let inputs = job_inputs(&law(2, row([arg(2), arg(1)])), &[nat(1), nat(2)]);
    assert_eq!(inputs, ["1 [[1 [[2 1]]]]", "1 [[1 [1 [2 1]]]]"]);
    assert_eq!(job_inputs(&nat(41), &[]), ["1 [[1 [41]]]", "1 [[1 [1 41]]]"]);
}

#[test]
fn a_crash_is_a_row_of_operation_and_argument() {
    assert_eq!(job_inputs(&nat(99), &[nat(5)]), ["1 [[1 [99 5]]]", "1 [[1 [0 [99 5]]]]"]);
}

#[test]
fn a_job_that_runs_out_of_stack_gives_an_empty_row_or_zeros() {
    let deep = law(1, call(nat(3), [call(arg(0), [arg(1)])]));
    assert_eq!(job_inputs(&deep, &[nat(0)]), ["1 [[1 []]]", "1 [[1 [0 0]]]"]);
}

#[test]
fn a_job_that_runs_out_of_time_gives_an_empty_row_or_zeros() {
    let states = FORMS.map(|form| {
        let program = cog(keep_inputs(), nat(0), [eval(endless(), [nat(0)])]);
        let machine = booted(&program, form).with(|settings| settings.limits.job = Some(LIMIT));
        let running = machine.start();
        machine.clock.wait_for_timer(LIMIT);
        machine.clock.advance(LIMIT);
        assert_eq!(running.join(Vec::new()).outcome(), RunOutcome::Finished);
        machine.state()
    });
    assert_eq!(states, ["1 [[0 []]]", "1 [[0 [0 0]]]"]);
}

#[test]
fn a_large_result_is_computed_again_by_a_replay() {
    for (form, state) in FORMS.into_iter().zip(["1 [[0 [_]]]", "1 [[0 [1 _]]]"]) {
        let large = PlanExpr::Bar(vec![7; 3 << 20]);
        let machine = booted(&cog(keep_inputs(), nat(0), [eval(law(1, arg(1)), [large])]), form);
        assert_eq!(machine.run(|_| false).outcome(), RunOutcome::Finished);
        let files = machine.disk.files();
        let log = files.iter().filter(|(name, _)| name.starts_with("log/"));
        let logged: usize = log.map(|file| file.1.len()).sum();
        assert!(logged < 1 << 20, "the log has {logged} bytes");
        assert_eq!(machine.open().expect("it opens").replayed(), 1);
        assert_eq!(machine.state(), state);
    }
}

#[test]
fn the_form_is_part_of_the_state_and_stays_in_snapshots() {
    // The first result starts a second job. The machine is started anew in between.
    let job = eval(law(1, arg(1)), [nat(5)]);
    let next = call(arg(0), [row([arg(4), arg(1)]), arg(2), row([job.clone()])]);
    let collecting = law(4, trace(nat(1), row([next, row([])])));
    for (form, result) in FORMS.into_iter().zip(["[0 [5]]", "[0 [1 5]]"]) {
        let options = BootOptions { job_results: Some(form), ..Default::default() };
        let program = cog(collecting.clone(), nat(7), [job.clone()]);
        let machine = TestMachine::boot_with(&program, options);
        for runs in 1..=3 {
            assert_eq!(machine.run_until_shown(1).outcome(), RunOutcome::Stopped);
            let state = machine.state();
            assert!(state.matches(result).count() >= runs, "{state}");
            assert_eq!(machine.open().expect("it opens").replayed(), 0, "there is a snapshot");
        }
        let all = machine.with(|settings| settings.replay = crate::ReplayFrom::Earliest);
        all.open().expect("a replay of the log from the oldest snapshot");
    }
}

#[test]
fn a_job_that_leaves_its_slot_is_cancelled() {
    let workers = [eval(endless(), [nat(0)]), exec(writer(nat(5)))];
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), workers));
    assert_eq!(machine.run(|_| false).outcome(), RunOutcome::Finished);
    assert_eq!(machine.state(), "1 [[1 5]]");
}
