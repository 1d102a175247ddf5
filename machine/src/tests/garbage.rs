//! The garbage of the store is collected while machines run.

use super::counter::assert_consecutive;
use super::harness::TestMachine;
use super::programs::counter;
use crate::cog::Cog;
use crate::garbage::GarbageCollector;
use crate::mailbox::{Doorbell, mailbox};
use crate::message::{ControlMessage, GarbageReport};
use crate::metrics::MetricsRecorder;
use crate::replay::{self, Replayed};
use crate::trace::ConsoleMessage;
use crate::watchdog::Watchdog;
use crate::{ConsoleNotice, GarbagePolicy, HashVerifier, SnapshotPolicy};
use crossbeam_channel::unbounded;
use persist::inspect::StoreUsage;
use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{Store, StoreInspection};
use std::sync::Arc;

/// A machine that writes a snapshot after each event, and collects after each snapshot.
fn busy(disk: SimDisk) -> TestMachine {
    TestMachine::on(disk).with(|settings| {
        settings.snapshots = Some(SnapshotPolicy { events: 1, ..SnapshotPolicy::default() });
        settings.garbage = Some(GarbagePolicy { min_bytes: 1 });
    })
}

fn usage(disk: &SimDisk) -> StoreUsage {
    let store = StoreInspection::open_on(Arc::new(disk.clone())).expect("a closed store");
    let report = store.check(&mut HashVerifier::new(|_| {}).expect("a heap")).expect("it is read");
    assert_eq!(report.findings, []);
    store.usage().expect("a whole store")
}

#[test]
fn garbage_is_collected_while_the_machine_runs() {
    let disk = TestMachine::boot(&counter()).disk;
    let running = busy(disk.clone()).start();
    let handle = running.handle.clone().expect("it starts");
    let mut messages = Vec::new();
    // A collection that begins soon after the one before frees little.
    while handle.metrics().store_collections < 5 || handle.metrics().freed_pins <= 20 {
        messages.push(running.reports.recv().expect("the machine runs"));
    }
    running.stop();
    let run = running.join(messages);
    assert_consecutive(&run.numbers());
    run.outcome();
    let (metrics, used) = (handle.metrics(), usage(&disk));
    assert!(metrics.freed_pins > 20 && metrics.freed_bytes > 0, "{metrics:?}");
    assert!(used.pins + metrics.freed_pins <= metrics.pins + 10, "freed pins are gone");
    let again = busy(disk.clone()).run_until_shown(50);
    assert_consecutive(&again.numbers());
    assert!(again.outcome() == crate::RunOutcome::Stopped);
    usage(&disk);
}

#[test]
fn a_crash_during_a_collection_loses_no_number() {
    for step in (1..400).step_by(13) {
        let disk = TestMachine::boot(&counter()).disk;
        disk.fail_at(disk.steps() + 200 + step, InjectedFault::PowerOff);
        let run = busy(disk.clone()).run(|_| false);
        let last = run.numbers().into_iter().max().unwrap_or(0);
        for survives in [SurvivingWrites::Nothing, SurvivingWrites::Anything(step)] {
            let again = busy(disk.crash(survives)).run_until_shown(8);
            let numbers = again.numbers();
            assert_consecutive(&numbers);
            assert!(numbers[0] == last || numbers[0] == last + 1, "{last}: {numbers:?}");
        }
    }
}

#[test]
fn a_damaged_snapshot_ends_the_collecting_and_nothing_else() {
    let disk = TestMachine::boot(&counter()).disk;
    busy(disk.clone()).run_until_shown(5).outcome();
    let files = disk.files();
    let oldest = files.keys().find(|name| name.starts_with("snap/")).expect("a snapshot");
    let mut bytes = files[oldest].clone();
    bytes[70] ^= 1;
    disk.overwrite(oldest, &bytes);
    let never = busy(disk).with(|settings| {
        settings.snapshots = Some(SnapshotPolicy { events: 1, ..SnapshotPolicy::default() });
        settings.garbage = Some(GarbagePolicy { min_bytes: 1 });
        settings.store.retention.snapshots = 100;
    });
    let is_notice = |it: &ConsoleMessage| {
        matches!(it, ConsoleMessage::Notice(ConsoleNotice::CollectionFailed(_)))
    };
    let mut after = 0;
    let run = never.run(|messages| {
        after += usize::from(messages.iter().any(is_notice));
        after > 20
    });
    assert_eq!(run.messages.iter().filter(|it| is_notice(it)).count(), 1);
    assert_consecutive(&run.numbers());
}

#[test]
fn the_heap_is_collected_for_the_store_when_no_request_waits_or_by_itself() {
    for collects_by_itself in [false, true] {
        let machine = TestMachine::boot(&counter());
        machine.run_until_shown(3).outcome();
        let settings = Arc::new(machine.settings(unbounded().0));
        let watchdog = Arc::new(Watchdog::start(&settings.clock).expect("a thread"));
        let store = Store::open_on(Arc::new(machine.disk.clone()), settings.store.clone());
        let store = Arc::new(store.expect("it opens"));
        let Replayed { mut cog, .. } =
            replay::replay(&store, &settings, &watchdog).expect("it replays");
        let doorbell = Arc::new(Doorbell::of_current_thread());
        let (control, inbox) = mailbox(&doorbell, usize::MAX);
        let policy = Some(GarbagePolicy { min_bytes: 0 });
        let mut garbage = GarbageCollector::new(policy, store.written_pins());
        let metrics = MetricsRecorder::new(store.written_pins(), Arc::default());
        let console = &*settings.console;
        garbage.start_if_due(&mut cog, &store, &control).expect("a thread");
        // The estimate.
        let ControlMessage::Garbage(report) = inbox.receive() else { panic!("another message") };
        assert!(garbage.done(report, &metrics, console));
        garbage.begin(&mut cog, &store);
        let majors = |cog: &Cog| cog.heap().statistics().major;
        let before = majors(&cog);
        garbage.end_survey(&mut cog, &store, &control, false).expect("it waits");
        assert!(garbage.is_surveying() && majors(&cog) == before);
        if collects_by_itself {
            cog.parts().0.collect();
        }
        garbage.end_survey(&mut cog, &store, &control, !collects_by_itself).expect("a thread");
        assert!(!garbage.is_surveying() && majors(&cog) == before + 1);
        let ControlMessage::Garbage(report) = inbox.receive() else { panic!("another message") };
        assert!(matches!(report, GarbageReport::Collected(Some(_))));
        garbage.stop();
    }
}
