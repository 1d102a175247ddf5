//! Simulates a loss of power at every operation of a workload, with every kind of remains, and
//! compares the recovered store with the model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use support::{StoreAction, StoreModel, check_slots, open_after_crash, run, workload};

/// Returns the kinds of remains to try at each crash point.
fn remains(point: u64) -> impl Iterator<Item = SurvivingWrites> {
    let fixed =
        [SurvivingWrites::Nothing, SurvivingWrites::Everything, SurvivingWrites::LengthsOnly];
    let moments = (0..6).map(move |n| SurvivingWrites::UpTo(point * 100 + n));
    let mixtures = (0..12).map(move |n| SurvivingWrites::Anything(point * 100 + n));
    fixed.into_iter().chain(moments).chain(mixtures)
}

fn digest(disk: &SimDisk) -> u64 {
    let mut hasher = DefaultHasher::new();
    disk.files().hash(&mut hasher);
    hasher.finish()
}

/// Opens an image, checks it, continues the workload, and checks again.
fn check(image: &SimDisk, model: &StoreModel, point: &str) {
    let mut model = model.clone();
    let opened = open_after_crash(image, &model);
    let store = opened.unwrap_or_else(|error| panic!("{point}: {error}"));
    model.check(&store);
    let more = [
        StoreAction::Append(70),
        StoreAction::Put { size: 20, edges: 1 },
        StoreAction::Commit,
        StoreAction::Snapshot { back: 1 },
        StoreAction::Append(0),
        StoreAction::Prune,
    ];
    for action in &more {
        assert!(model.step(&store, action), "{point}: {action:?}");
    }
    store.close().unwrap();
    model.certain_events = model.events.len();
    model.created = true;
    model.check(&open_after_crash(image, &model).unwrap());
    check_slots(image);
}

/// Simulates another loss of power at every operation of the recovery.
fn check_recovery(image: &SimDisk, model: &StoreModel, point: &str) -> usize {
    let rehearsal = image.crash(SurvivingWrites::Everything);
    drop(open_after_crash(&rehearsal, model));
    let mut points = 0;
    for step in 1..=rehearsal.steps() {
        for survives in
            [SurvivingWrites::Nothing, SurvivingWrites::Anything(step), SurvivingWrites::Everything]
        {
            let again = image.crash(SurvivingWrites::Everything);
            again.fail_at(step, InjectedFault::PowerOff);
            drop(open_after_crash(&again, model));
            check(&again.crash(survives), model, &format!("{point}, again at {step}"));
            points += 1;
        }
    }
    points
}

/// Tries every crash point of one workload. Returns the number of distinct images.
fn enumerate(seed: u64, length: usize) -> usize {
    let actions = workload(seed, length);
    let whole = SimDisk::new();
    let (model, done) = run(&whole, &actions);
    assert!(done, "the workload runs through");
    assert!(model.events.len() > length / 4 && model.certain_snapshots > 3);
    let files = whole.files();
    assert!(files.keys().filter(|name| name.starts_with("bodies/")).count() > 1, "several slots");

    let mut seen = HashSet::new();
    for step in 1..=whole.steps() {
        let disk = SimDisk::new();
        disk.fail_at(step, InjectedFault::PowerOff);
        let (model, _) = run(&disk, &actions);
        for survives in remains(step) {
            let image = disk.crash(survives);
            // The same files with other guarantees are another case.
            if seen.insert((digest(&image), model.certain_events, model.certain_snapshots)) {
                check(&image, &model, &format!("seed {seed}, step {step}, {survives:?}"));
            }
        }
    }
    seen.len()
}

#[test]
fn acknowledged_data_survives_a_crash_at_any_operation() {
    let points: usize = (1..=4).map(|seed| enumerate(seed, 120)).sum();
    println!("{points} distinct crash points");
    assert!(points > 10_000, "{points}");
}

#[test]
fn acknowledged_data_survives_a_crash_during_recovery() {
    let actions = workload(9, 60);
    let whole = SimDisk::new();
    assert!(run(&whole, &actions).1);
    let mut points = 0;
    for step in (1..=whole.steps()).step_by(7) {
        let disk = SimDisk::new();
        disk.fail_at(step, InjectedFault::PowerOff);
        let (model, _) = run(&disk, &actions);
        for survives in [
            SurvivingWrites::Everything,
            SurvivingWrites::UpTo(step),
            SurvivingWrites::Anything(step),
        ] {
            let point = format!("step {step}, {survives:?}");
            points += check_recovery(&disk.crash(survives), &model, &point);
        }
    }
    println!("{points} crash points in recovery");
    assert!(points > 500, "{points}");
}

/// The process is killed and its successor recovers. Then the power is lost: by then, everything
/// that was recovered must be durable.
#[test]
fn recovered_data_survives_a_second_crash() {
    let actions = workload(5, 120);
    let whole = SimDisk::new();
    assert!(run(&whole, &actions).1);
    for step in 1..=whole.steps() {
        for survives in [
            SurvivingWrites::Nothing,
            SurvivingWrites::Anything(step),
            SurvivingWrites::LengthsOnly,
        ] {
            let disk = SimDisk::new();
            disk.fail_at(step, InjectedFault::PowerOff);
            let (mut model, _) = run(&disk, &actions);
            disk.revive();
            let store = open_after_crash(&disk, &model).unwrap();
            model.created = true;
            model.check(&store);
            for action in [StoreAction::Append(40), StoreAction::Commit] {
                assert!(model.step(&store, &action));
            }
            let image = disk.crash(survives);
            drop(store);
            check(&image, &model, &format!("step {step}, killed, then {survives:?}"));
        }
    }
}
