//! Jobs give what they compute, live and replayed.

use super::plan::{P, arg, call, law, nat, row};
use super::programs::{cog, endless, eval, exec, keeping, writer};
use super::rig::Rig;
use crate::Outcome;

/// What a cog is given for a job.
fn given(function: P, args: Vec<P>) -> String {
    let rig = Rig::boot(&cog(keeping(), nat(0), [nat(0), eval(function, args)]))
        .with(|settings| settings.snapshots = None);
    let run = rig.run(|_| false);
    assert_eq!(run.outcome(), Outcome::Finished);
    assert_eq!(rig.open().expect("it opens").replayed(), 1);
    rig.state()
}

#[test]
fn a_value_comes_in_a_row() {
    assert_eq!(given(nat(3), vec![nat(41)]), "1 [[1 [42]]]");
    assert_eq!(given(law(2, row([arg(2), arg(1)])), vec![nat(1), nat(2)]), "1 [[1 [[2 1]]]]");
    assert_eq!(given(nat(41), vec![]), "1 [[1 [41]]]");
}

#[test]
fn a_crash_comes_as_what_was_called_with_what() {
    assert_eq!(given(nat(99), vec![nat(5)]), "1 [[1 [99 5]]]");
}

#[test]
fn what_cannot_be_computed_comes_as_nothing() {
    assert_eq!(given(law(1, call(nat(3), [call(arg(0), [arg(1)])])), vec![nat(0)]), "1 [[1 []]]");
}

#[test]
fn a_large_result_is_computed_again_by_a_replay() {
    let large = P::Bar(vec![7; 3 << 20]);
    let rig = Rig::boot(&cog(keeping(), nat(0), [eval(law(1, arg(1)), [large])]))
        .with(|settings| settings.snapshots = None);
    assert_eq!(rig.run(|_| false).outcome(), Outcome::Finished);
    let logged: usize = rig
        .disk
        .files()
        .iter()
        .filter(|(name, _)| name.starts_with("log/"))
        .map(|f| f.1.len())
        .sum();
    assert!(logged < 1 << 20, "the log has {logged} bytes");
    assert_eq!(rig.open().expect("it opens").replayed(), 1);
    assert_eq!(rig.state(), "1 [[0 [_]]]");
}

#[test]
fn a_job_that_is_no_longer_wanted_is_ended() {
    let workers = [eval(endless(), [nat(0)]), exec(writer(nat(5)))];
    let rig = Rig::boot(&cog(keeping(), nat(0), workers));
    assert_eq!(rig.run(|_| false).outcome(), Outcome::Finished);
    assert_eq!(rig.state(), "1 [[1 5]]");
}
