//! The counter counts, whatever happens to it.

use super::plan::{P, nat, trace};
use super::programs::{cog, counter, cycle, exec, read, replying, when, write};
use super::rig::{Failure, Rig};
use crate::{Outcome, ReplayFrom, RunError, SnapshotRule};
use persist::sim::{InjectedFault, Survives};

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
        rig.disk.fail_at(rig.disk.steps() + step, InjectedFault::PowerOff);
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

/// However a count is seen, it is not one that could still be lost.
fn assert_nothing_seen_is_lost(program: &P) {
    let booted = Rig::boot(program);
    let mut most = 0;
    for step in (1..40).chain([100, 200, 400]) {
        let rig = Rig::on(booted.disk.crash(Survives::Everything));
        rig.disk.fail_at(rig.disk.steps() + step, InjectedFault::PowerOff);
        let seen = rig.run(|_| false).numbers().into_iter().max().unwrap_or(1);
        most = most.max(seen);
        let again = Rig::on(rig.disk.crash(Survives::Nothing));
        let state = again.state();
        let left: u64 = state.strip_prefix("0 ").and_then(|it| it.parse().ok()).expect("a count");
        assert!(left >= seen, "step {step}: {seen} was seen, {left} is left");
    }
    assert!(most > 1, "something is to be seen at all");
}

#[test]
fn what_a_read_shows_is_never_lost() {
    let counts = cycle(vec![write(nat(0)), read()], &[]);
    let watches = cycle(vec![when(), read()], &[1]);
    let law = replying(|count| count);
    assert_nothing_seen_is_lost(&cog(law, nat(1), [exec(counts), exec(watches)]));
}

#[test]
fn what_a_message_tells_is_never_lost() {
    let counts = cycle(vec![write(nat(0))], &[0]);
    assert_nothing_seen_is_lost(&cog(replying(|count| count), nat(1), [exec(counts)]));
}

#[test]
fn what_the_cog_traces_is_never_lost() {
    let counts = cycle(vec![write(nat(0))], &[]);
    let law = replying(|count| trace(count, nat(0)));
    assert_nothing_seen_is_lost(&cog(law, nat(1), [exec(counts)]));
}

#[test]
fn a_replay_arrives_at_the_same_state() {
    let rig = Rig::boot(&counter()).with(|settings| settings.snapshots = None);
    rig.count(20).outcome();
    let all = rig.open().expect("it opens");
    assert!(all.replayed() >= 19);
    drop(all);
    let hash = rig.hash();
    assert_eq!(rig.hash(), hash);
    // With a last snapshot. The machine may count on before it stops.
    let rig = Rig::on(rig.disk).with(|settings| {
        settings.snapshots = Some(SnapshotRule { events: u64::MAX, ..SnapshotRule::default() });
    });
    rig.run(|_| true).outcome();
    let mut latest = rig.open().expect("it opens");
    assert_eq!(latest.replayed(), 0, "the last snapshot covers everything");
    let hash = latest.state_hash();
    drop(latest);
    let rig = rig.with(|settings| settings.replay = ReplayFrom::Earliest);
    let mut all = rig.open().expect("it opens");
    assert!(all.replayed() >= 19);
    assert_eq!(all.state_hash(), hash);
}

#[test]
fn snapshots_are_written_while_it_runs() {
    let rig = Rig::boot(&counter());
    rig.disk.fail_at(rig.disk.steps() + 300, InjectedFault::PowerOff);
    let last = rig.run(|_| false).numbers().into_iter().max().expect("it counted");
    let again = Rig::on(rig.disk.crash(Survives::Nothing));
    let replayed = again.open().expect("it opens").replayed();
    assert!(replayed + 7 <= last, "{replayed} of {last} were replayed");
}
