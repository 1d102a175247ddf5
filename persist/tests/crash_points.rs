//! Pulls the plug at every operation of a workload, lets every kind of remains be
//! found afterwards, and compares each with the model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use persist::sim::{Fault, SimDisk, Survives};
use support::{Action, Model, open_after_crash, run, workload};

/// The kinds of remains that are tried at each point.
fn remains(point: u64) -> impl Iterator<Item = Survives> {
    let fixed = [Survives::Nothing, Survives::Everything, Survives::LengthsOnly];
    let moments = (0..6).map(move |n| Survives::UpTo(point * 100 + n));
    let mixtures = (0..12).map(move |n| Survives::Anything(point * 100 + n));
    fixed.into_iter().chain(moments).chain(mixtures)
}

fn digest(disk: &SimDisk) -> u64 {
    let mut hasher = DefaultHasher::new();
    disk.files().hash(&mut hasher);
    hasher.finish()
}

/// Opens an image, checks it, goes on working, and checks again.
fn check(image: &SimDisk, model: &Model, point: &str) {
    let mut model = model.clone();
    let opened = open_after_crash(image, &model);
    let store = opened.unwrap_or_else(|error| panic!("{point}: {error}"));
    model.check(&store);
    let go_on = [
        Action::Append(70),
        Action::Put { size: 20, edges: 1 },
        Action::Commit,
        Action::Snapshot { back: 1 },
        Action::Append(0),
        Action::Prune,
    ];
    for action in &go_on {
        assert!(model.step(&store, action), "{point}: {action:?}");
    }
    store.close().unwrap();
    model.certain_events = model.events.len();
    model.created = true;
    model.check(&open_after_crash(image, &model).unwrap());
}

/// Pulls the plug again at every operation of the recovery.
fn check_recovery(image: &SimDisk, model: &Model, point: &str) -> usize {
    let rehearsal = image.crash(Survives::Everything);
    drop(open_after_crash(&rehearsal, model));
    let mut points = 0;
    for step in 1..=rehearsal.steps() {
        for survives in [Survives::Nothing, Survives::Anything(step), Survives::Everything] {
            let again = image.crash(Survives::Everything);
            again.fail_at(step, Fault::PowerOff);
            drop(open_after_crash(&again, model));
            check(&again.crash(survives), model, &format!("{point}, again at {step}"));
            points += 1;
        }
    }
    points
}

/// Tries every crash point of one workload. Returns how many images differed.
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
        disk.fail_at(step, Fault::PowerOff);
        let (model, _) = run(&disk, &actions);
        for survives in remains(step) {
            let image = disk.crash(survives);
            // The same files with another claim on them are another case.
            if seen.insert((digest(&image), model.certain_events, model.certain_snapshots)) {
                check(&image, &model, &format!("seed {seed}, step {step}, {survives:?}"));
            }
        }
    }
    seen.len()
}

#[test]
fn every_crash_leaves_what_was_acknowledged() {
    let points: usize = (1..=4).map(|seed| enumerate(seed, 120)).sum();
    println!("{points} distinct crash points");
    assert!(points > 10_000, "{points}");
}

#[test]
fn a_crash_during_recovery_changes_nothing() {
    let actions = workload(9, 60);
    let whole = SimDisk::new();
    assert!(run(&whole, &actions).1);
    let mut points = 0;
    for step in (1..=whole.steps()).step_by(7) {
        let disk = SimDisk::new();
        disk.fail_at(step, Fault::PowerOff);
        let (model, _) = run(&disk, &actions);
        for survives in [Survives::Everything, Survives::UpTo(step), Survives::Anything(step)] {
            let point = format!("step {step}, {survives:?}");
            points += check_recovery(&disk.crash(survives), &model, &point);
        }
    }
    println!("{points} crash points in recovery");
    assert!(points > 500, "{points}");
}

/// The process is killed, its successor recovers and acts on what it finds, and
/// only then does the power go: by then all that was found must be durable.
#[test]
fn what_a_recovery_found_outlives_the_next_crash() {
    let actions = workload(5, 120);
    let whole = SimDisk::new();
    assert!(run(&whole, &actions).1);
    for step in 1..=whole.steps() {
        for survives in [Survives::Nothing, Survives::Anything(step), Survives::LengthsOnly] {
            let disk = SimDisk::new();
            disk.fail_at(step, Fault::PowerOff);
            let (mut model, _) = run(&disk, &actions);
            disk.revive();
            let store = open_after_crash(&disk, &model).unwrap();
            model.created = true;
            model.check(&store);
            for action in [Action::Append(40), Action::Commit] {
                assert!(model.step(&store, &action));
            }
            let image = disk.crash(survives);
            drop(store);
            check(&image, &model, &format!("step {step}, killed, then {survives:?}"));
        }
    }
}
