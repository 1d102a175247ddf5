//! The counter counts, whatever happens to it.

use super::plan::nat;
use super::programs::{cog, counter, counting_all, cycle, exec, read, when, write};
use super::rig::{Failure, Rig};
use crate::{Outcome, ReplayFrom, RunError};
use persist::sim::{Fault, Survives};

fn assert_consecutive(numbers: &[u64]) {
    let pairs = numbers.windows(2);
    assert!(pairs.clone().all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

#[test]
fn it_counts_and_goes_on_where_it_was() {
    let rig = Rig::boot(&counter());
    let mut last = None;
    for _ in 0..5 {
        let run = rig.count(10);
        let numbers = run.numbers();
        assert_eq!(run.outcome(), Outcome::Stopped);
        assert_consecutive(&numbers);
        let first = numbers[0];
        assert!(last.map_or(first == 1, |last| first == last || first == last + 1), "{numbers:?}");
        last = numbers.last().copied();
    }
}

/// The plug is pulled at every operation of the disk in turn.
#[test]
fn it_never_skips_or_goes_back_when_the_plug_is_pulled() {
    let booted = Rig::boot(&counter());
    let survivals = |step| {
        [Survives::Nothing, Survives::Everything, Survives::UpTo(step), Survives::Anything(step)]
    };
    for step in 1..60 {
        let rig = Rig::on(booted.disk.crash(Survives::Everything));
        rig.disk.fail_at(rig.disk.steps() + step, Fault::PowerOff);
        let run = rig.count(40);
        let before = run.numbers();
        assert_consecutive(&before);
        match run.result {
            Ok(Outcome::Stopped)
            | Err(Failure::Run(RunError::Log(_) | RunError::State(_)) | Failure::Start(_)) => {}
            other => panic!("step {step}: {other:?}"),
        }
        for survives in survivals(step) {
            let again = Rig::on(rig.disk.crash(survives)).count(3);
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

/// A driver that does not wait for the log itself sees nothing that could still be lost.
#[test]
fn what_a_read_shows_is_never_lost() {
    let counts = cycle(vec![write(nat(0)), read()], &[]);
    let busy = cog(counting_all(), nat(1), [exec(counts), exec(cycle(vec![when(), read()], &[1]))]);
    let booted = Rig::boot(&busy).with(|settings| settings.snapshots = None);
    for step in 1..40 {
        let rig = Rig::on(booted.disk.crash(Survives::Everything));
        rig.disk.fail_at(rig.disk.steps() + step, Fault::PowerOff);
        let seen = rig.run(|_| false).numbers().into_iter().max().unwrap_or(1);
        let again = Rig::on(rig.disk.crash(Survives::Nothing));
        let state = again.state();
        let left: u64 = state.strip_prefix("0 ").and_then(|it| it.parse().ok()).expect("a count");
        assert!(left >= seen, "step {step}: {seen} was seen, {left} is left");
    }
}

#[test]
fn a_replay_arrives_at_the_same_state() {
    let rig = Rig::boot(&counter()).with(|settings| settings.snapshots = None);
    rig.count(20).outcome();
    let all = rig.open().expect("it opens");
    assert!(all.replayed() >= 19);
    drop(all);
    let hash = rig.hash();
    // Snapshots from here on.
    let rig = Rig::on(rig.disk);
    assert_eq!(rig.hash(), hash);
    rig.run(|_| true).outcome();
    assert_eq!(rig.open().expect("it opens").replayed(), 0, "the last snapshot covers everything");
    assert_eq!(rig.hash(), hash);
    let rig = rig.with(|settings| settings.replay = ReplayFrom::Earliest);
    assert!(rig.open().expect("it opens").replayed() >= 19);
    assert_eq!(rig.hash(), hash);
}

#[test]
fn snapshots_are_written_while_it_runs() {
    let rig = Rig::boot(&counter());
    rig.count(40);
    let crashed = Rig::on(rig.disk.crash(Survives::Nothing));
    let replayed = crashed.open().expect("it opens").replayed();
    assert!(replayed <= 14, "snapshots every 7 events, but {replayed} were replayed");
}
