//! What a start replays, and what it reports and stores on its way.

use super::harness::TestMachine;
use super::programs::counter;
use crate::clock::{Clock, CpuClockId, ManualClock};
use crate::trace::ConsoleMessage;
use crate::{ConsoleNotice, Machine, ReplayFrom, SnapshotPolicy, StartError};
use crossbeam_channel::{Receiver, unbounded};
use jiff::Timestamp;
use persist::{Snapshot, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A counter that has counted to 20 without a snapshot but the first.
fn long_log() -> TestMachine {
    let machine = TestMachine::boot(&counter()).with(|settings| settings.snapshots = None);
    machine.run_until_shown(20).outcome();
    machine
}

fn snapshots(machine: &TestMachine) -> Vec<Snapshot> {
    let settings = machine.settings(unbounded().0);
    let store = Store::open_on(Arc::new(machine.disk.clone()), settings.store);
    store.expect("it opens").snapshots()
}

#[test]
fn a_long_replay_writes_snapshots_on_its_way() {
    let machine = long_log();
    assert!(machine.open().expect("it opens").replayed() >= 19);
    let hash = machine.hash();
    assert_eq!(snapshots(&machine).len(), 1);
    let machine = machine.with(|settings| {
        settings.snapshots = Some(SnapshotPolicy { events: 5, ..SnapshotPolicy::default() });
    });
    // A machine that is opened and killed: it writes no last snapshot.
    assert!(machine.open().expect("it opens").replayed() >= 19);
    assert!(snapshots(&machine)[0].covers.0 >= 15);
    assert!(machine.open().expect("it opens").replayed() < 5);
    assert_eq!(machine.hash(), hash);
}

/// A clock whose monotonic time advances by 2 s whenever it is read.
struct TickingClock(Arc<ManualClock>, AtomicU32);

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn alarm(&self, at: Timestamp) -> Receiver<Instant> {
        self.0.alarm(at)
    }

    fn instant(&self) -> Instant {
        let ticks = self.1.fetch_add(1, Ordering::SeqCst);
        self.0.instant() + ticks * Duration::from_secs(2)
    }

    fn timer(&self, at: Instant) -> Receiver<Instant> {
        self.0.timer(at)
    }

    fn cpu_time(&self, clock: CpuClockId) -> Option<Duration> {
        self.0.cpu_time(clock)
    }
}

#[test]
fn a_long_replay_reports_how_far_it_is() {
    let machine = long_log();
    let (sender, reports) = unbounded();
    let mut settings = machine.settings(sender);
    settings.clock = Arc::new(TickingClock(Arc::clone(&machine.clock), AtomicU32::new(0)));
    let store = Store::open_on(Arc::new(machine.disk.clone()), settings.store.clone());
    let opened = Machine::open_on(store.expect("it opens"), settings).expect("it opens");
    let all = opened.replayed();
    let mut last = 0;
    let mut lines = 0;
    for report in reports.try_iter() {
        let ConsoleMessage::Notice(notice) = report else { continue };
        let ConsoleNotice::Replaying { events, total } = notice else { panic!("{notice}") };
        assert_eq!(total, all);
        assert!(events > last && events <= total);
        assert_eq!(notice.to_string(), format!("replayed {events} of {total} events"));
        last = events;
        lines += 1;
    }
    assert!(lines > 2, "{lines} lines for {all} events");
}

#[test]
fn a_start_from_a_numbered_snapshot_replays_the_log_since_and_deletes_nothing() {
    let machine = TestMachine::boot(&counter()).with(|settings| {
        settings.snapshots = Some(SnapshotPolicy { events: 5, ..SnapshotPolicy::default() });
    });
    machine.run_until_shown(20).outcome();
    let hash = machine.hash();
    let kept = snapshots(&machine);
    assert!(kept.len() > 1, "{kept:?}");
    for snapshot in &kept {
        let number = snapshot.generation;
        let machine = TestMachine::on(machine.disk.clone()).with(move |settings| {
            settings.snapshots = None;
            settings.replay = ReplayFrom::Number(number);
        });
        let replayed = machine.open().expect("it opens").replayed();
        assert_eq!(replayed, kept[0].covers.0 - snapshot.covers.0);
        assert_eq!(machine.hash(), hash);
        assert_eq!(snapshots(&machine), kept);
    }
    let machine = machine.with(|settings| settings.replay = ReplayFrom::Number(99));
    match machine.open().map(drop) {
        Err(StartError::NoSnapshot { number: 99, usable, .. }) => {
            let numbers: Vec<u64> = kept.iter().map(|snapshot| snapshot.generation).collect();
            assert_eq!(usable, numbers);
        }
        other => panic!("{other:?}"),
    }
}
