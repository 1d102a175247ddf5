//! What a start replays, and what it reports and stores on its way.

use super::harness::TestMachine;
use super::programs::counter;
use crate::clock::{Clock, ManualClock, ThreadCpuClock};
use crate::trace::ConsoleMessage;
use crate::{
    Console, ConsoleNotice, Machine, ReplayFrom, ReportOrigin, SnapshotPolicy, StartError,
};
use crossbeam_channel::{Receiver, Sender, unbounded};
use jiff::Timestamp;
use parking_lot::Mutex;
use persist::disk::{Disk, DiskFile, DiskLock};
use persist::sim::SimDisk;
use persist::{Snapshot, Store};
use plan::Ref;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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

/// A disk on which the first new snapshot waits until the replay has gone on.
struct HeldDisk {
    disk: SimDisk,
    /// Receives a message when the replay has gone on.
    gone_on: Mutex<Option<Receiver<()>>>,
    was_beside_replay: Arc<AtomicBool>,
}

impl Disk for HeldDisk {
    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }

    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        self.disk.lock()
    }

    fn random(&self) -> io::Result<[u8; 32]> {
        self.disk.random()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        if name.starts_with("snap")
            && let Some(gone_on) = self.gone_on.lock().take()
        {
            // If the replay waits for the snapshot, this ends without a message.
            let has_gone_on = gone_on.recv_timeout(Duration::from_secs(60)).is_ok();
            self.was_beside_replay.store(has_gone_on, Ordering::SeqCst);
        }
        self.disk.create(name)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(name)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.make_dir(dir)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
}

/// A console that sends a message when a replay has applied this many events.
struct ProgressConsole(u64, Sender<()>);

impl Console for ProgressConsole {
    fn trace_text(&self, _: Ref<'_>, _: Timestamp) -> String {
        String::new()
    }

    fn crash_text(&self, _: ReportOrigin, _: Ref<'_>, _: Ref<'_>, _: Timestamp) -> String {
        String::new()
    }

    fn replay_progress(&self, done: u64, _: u64) {
        if done == self.0 {
            // The disk may not wait any more.
            let _ = self.1.send(());
        }
    }

    fn show(&self, _: &str) {}

    fn notice(&self, _: &ConsoleNotice) {}
}

#[test]
fn a_replay_goes_on_while_a_snapshot_is_written_and_waits_for_it_before_the_next() {
    let machine = long_log();
    let hash = machine.hash();
    let (sender, gone_on) = unbounded();
    let mut settings = machine.settings(unbounded().0);
    settings.snapshots = Some(SnapshotPolicy { events: 5, ..SnapshotPolicy::default() });
    // The first snapshot is due after 5 events, and the next one after 5 more.
    settings.console = Arc::new(ProgressConsole(9, sender));
    let was_beside_replay = Arc::<AtomicBool>::default();
    let disk = HeldDisk {
        disk: machine.disk.clone(),
        gone_on: Mutex::new(Some(gone_on)),
        was_beside_replay: Arc::clone(&was_beside_replay),
    };
    let store = Store::open_on(Arc::new(disk), settings.store.clone()).expect("it opens");
    assert!(Machine::open_on(store, settings).expect("it opens").replayed() >= 19);
    assert!(was_beside_replay.load(Ordering::SeqCst));
    let covered: Vec<u64> = snapshots(&machine).iter().map(|snapshot| snapshot.covers.0).collect();
    assert!(covered.windows(2).all(|pair| pair[0] == pair[1] + 5), "{covered:?}");
    assert!(covered[0] >= 15, "{covered:?}");
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

    fn cpu_time(&self, clock: ThreadCpuClock) -> Option<Duration> {
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
