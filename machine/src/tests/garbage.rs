//! The garbage of the store is collected while machines run.

use super::counter::assert_consecutive;
use super::harness::TestMachine;
use super::programs::counter;
use crate::cog::Cog;
use crate::garbage::GarbageCollector;
use crate::mailbox::{Address, Doorbell, Inbox, mailbox};
use crate::message::{ControlMessage, GarbageReport};
use crate::metrics::MetricsRecorder;
use crate::replay::{self, Replayed};
use crate::snapshot::SnapshotScheduler;
use crate::trace::ConsoleMessage;
use crate::watchdog::Watchdog;
use crate::{ConsoleNotice, GarbagePolicy, HashVerifier, MachineSettings, SnapshotPolicy};
use crossbeam_channel::unbounded;
use persist::collect::CollectStats;
use persist::inspect::StoreUsage;
use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{Store, StoreInspection};
use plan::{HeapStatistics, Val};
use std::sync::Arc;
use std::time::Duration;

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
        // The damaged one is not dropped, however many follow before the first collection.
        settings.store.retention.snapshots = u32::MAX as usize;
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

/// A collector that waits for its first collection, with the cog and the store of a counter.
struct IdleCollector {
    cog: Cog,
    store: Arc<Store>,
    garbage: GarbageCollector,
    control: Address<ControlMessage>,
    inbox: Inbox<ControlMessage>,
    settings: Arc<MachineSettings>,
}

impl IdleCollector {
    fn new() -> IdleCollector {
        let machine = TestMachine::boot(&counter());
        machine.run_until_shown(3).outcome();
        let settings = Arc::new(machine.settings(unbounded().0));
        let watchdog = Arc::new(Watchdog::start(&settings.clock).expect("a thread"));
        let store = Store::open_on(Arc::new(machine.disk.clone()), settings.store.clone());
        let store = Arc::new(store.expect("it opens"));
        let Replayed { mut cog, .. } =
            replay::replay(&store, &settings, &watchdog).expect("it replays");
        let (control, inbox) = mailbox(&Arc::new(Doorbell::of_current_thread()), usize::MAX);
        let policy = Some(GarbagePolicy { min_bytes: 0 });
        let mut garbage = GarbageCollector::new(policy, store.written_pins());
        garbage.start_if_due(&mut cog, &store, &control).expect("a thread");
        // The estimate.
        let ControlMessage::Garbage(report) = inbox.receive() else { panic!("another message") };
        let metrics = MetricsRecorder::new(store.written_pins(), Arc::default());
        assert!(garbage.done(report, &metrics, &*settings.console));
        IdleCollector { cog, store, garbage, control, inbox, settings }
    }

    /// Runs a collection to its end.
    fn collect(&mut self) -> Option<CollectStats> {
        self.garbage.start(&mut self.cog, &self.store, &self.control).expect("a thread");
        let report = self.inbox.receive();
        self.garbage.stop();
        match report {
            ControlMessage::Garbage(GarbageReport::Collected(stats)) => stats,
            _ => panic!("another message"),
        }
    }
}

#[test]
fn the_work_for_a_survey_on_the_thread_of_the_cog_does_not_grow_with_the_heap() {
    let mut collector = IdleCollector::new();
    let vm = collector.cog.parts().0;
    // Nothing of it is young when the survey begins, as after a snapshot.
    let items: Vec<Val> = (0..200_000)
        .map(|number| {
            let number = vm.nat(number);
            vm.row(&[number]).expect("room")
        })
        .collect();
    let large = vm.row(&items).expect("room");
    drop(items);
    let large = vm.force(&large).expect("room");
    vm.collect();
    let words = (vm.used_bytes() / 8) as u64;
    assert!(words > 400_000);
    let before = collector.cog.heap().statistics();
    assert!(collector.collect().is_some());
    let after = collector.cog.heap().statistics();
    let visited = |it: HeapStatistics| it.copied + it.scanned + it.scanned_stack;
    assert_eq!(after.major, before.major, "the heap is not collected for the survey");
    assert!(visited(after) - visited(before) < words / 20, "{before:?} {after:?}");
    drop(large);
}

#[test]
fn a_snapshot_does_not_wait_for_a_survey() {
    let IdleCollector { mut cog, store, control, settings, .. } = IdleCollector::new();
    let policy = SnapshotPolicy { events: 1, ..SnapshotPolicy::default() };
    let mut snapshots = SnapshotScheduler::new(Some(policy), store.written_pins());
    snapshots.count_event(1, Duration::ZERO);
    let mut starts = |cog: &mut Cog| {
        let started =
            snapshots.start_if_due(cog, &store, store.last(), &control, &*settings.console);
        started.expect("a thread");
        snapshots.is_writing()
    };
    let lent = cog.parts().0.lend_references(store.space()).expect("all is in normal form");
    assert!(!starts(&mut cog));
    assert!(lent.list(|| true).is_some());
    assert!(starts(&mut cog));
}
