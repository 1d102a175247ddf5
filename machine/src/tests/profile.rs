//! The profile of a machine, and the progress of a replay.

use super::harness::TestMachine;
use super::programs::{counter, eval, keep_inputs};
use super::terms::{arg, law, nat, row, trace};
use crate::tests::programs::cog;
use crate::{RunOutcome, SnapshotPolicy};
use profile::{Profile, ProfileDetail};
use std::collections::BTreeSet;
use std::path::Path;

/// The spans in a profile, in the order of their ends: track, category and name.
fn spans(path: &Path) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(path).expect("the file");
    let events: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let names = events.iter().filter(|event| event["name"] == "thread_name");
    let names: Vec<_> = names.map(|event| (&event["tid"], text(&event["args"]["name"]))).collect();
    let track = |event: &serde_json::Value| {
        let track = names.iter().find(|(number, _)| **number == event["tid"]);
        track.expect("the name of a track").1.clone()
    };
    let spans = events.iter().filter(|event| event["ph"] == "X" || event["ph"] == "b");
    spans.map(|event| (track(event), text(&event["cat"]), text(&event["name"]))).collect()
}

/// Runs a machine with a profile, and returns the tracks of the calls of drivers, in the order in
/// which the calls ended.
pub(super) fn tracks_of_calls(machine: TestMachine, run: impl FnOnce(&TestMachine)) -> Vec<String> {
    let spans = recorded(machine, None, run).into_iter();
    let is_call = |category: &str, name: &str| category == "evaluation" && name == "call";
    spans.filter(|(_, category, name)| is_call(category, name)).map(|(track, ..)| track).collect()
}

/// Runs a machine with a profile, and returns the distinct spans.
fn profiled(
    machine: TestMachine,
    snapshots: Option<SnapshotPolicy>,
    run: impl FnOnce(&TestMachine),
) -> Vec<[String; 3]> {
    let spans: BTreeSet<_> = recorded(machine, snapshots, run).into_iter().collect();
    spans.into_iter().map(|(track, category, name)| [track, category, name]).collect()
}

/// Runs a machine with a profile, and returns the spans.
fn recorded(
    machine: TestMachine,
    snapshots: Option<SnapshotPolicy>,
    run: impl FnOnce(&TestMachine),
) -> Vec<(String, String, String)> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("profile.json");
    let profile = Profile::create(&path, ProfileDetail::Phases).expect("it can be created");
    let recorded = profile.clone();
    run(&machine.with(move |settings| {
        settings.profile = Some(recorded.clone());
        settings.snapshots = snapshots;
        settings.runtime.heap.nursery = 1 << 12;
    }));
    profile.finish().expect("written");
    spans(&path)
}

fn span(text: &str) -> [String; 3] {
    let parts: Vec<String> = text.split('/').map(str::to_owned).collect();
    parts.try_into().expect("three parts")
}

#[test]
fn the_profile_of_a_counter_has_its_events_commits_and_snapshots() {
    let policy = SnapshotPolicy { events: 2, ..SnapshotPolicy::default() };
    let found = profiled(TestMachine::boot(&counter()), Some(policy), |machine| {
        assert_eq!(machine.run_until_shown(200).outcome(), RunOutcome::Stopped);
    });
    for expected in [
        "cog/event/event",
        "cog/evaluation/read",
        "cog/snapshot/freeze",
        "cog/snapshot/write",
        "cog/collection/young collection",
        "driver thread 1/evaluation/call",
        "log/log/append to durable",
    ] {
        assert!(found.contains(&span(expected)), "{expected}: {found:?}");
    }
}

#[test]
fn the_profile_of_a_job_and_of_a_replay_have_their_spans() {
    let job = eval(law(1, trace(arg(1), row([arg(1)]))), [nat(5)]);
    let machine = TestMachine::boot(&cog(keep_inputs(), nat(0), [job]));
    let again = TestMachine::on(machine.disk.clone());
    let found = profiled(machine, None, |machine| {
        assert_eq!(machine.run(|_| false).outcome(), RunOutcome::Finished);
    });
    assert!(found.contains(&span("job thread 1/job/job")), "{found:?}");
    let found = profiled(again, None, |machine| {
        assert_eq!(machine.open().expect("it opens").replayed(), 1);
    });
    assert!(found.contains(&span("cog/event/replay")), "{found:?}");
}
