//! Running machines and watching what they say.

use super::plan::{self, P};
use crate::clock::{Clock, ManualClock};
use crate::{Console, Machine, Notice, Outcome, RunError, Settings, SnapshotRule, StartError, Who};
use crossbeam_channel::{Sender, unbounded};
use jiff::Timestamp;
use persist::sim::SimDisk;
use persist::{Store, StoreSettings};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use vm::{Ref, Shape, Vm};

/// Settings of a store whose slot no other test has: tests run in one process, each on its thread.
pub(crate) fn store_settings() -> StoreSettings {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    StoreSettings { slot: Some(SLOT.with(|slot| *slot)), ..StoreSettings::default() }
}

/// What a machine said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Text(String),
    Notice(Notice),
}

impl Heard {
    /// The number that was shown.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Heard::Text(text) => text.parse().ok(),
            Heard::Notice(_) => None,
        }
    }
}

struct Recorder(Sender<Heard>);

/// Nats in decimal, rows in brackets, nothing else.
pub(crate) fn words(value: Ref<'_>) -> String {
    match value.shape() {
        Shape::Nat(nat) => nat.to_natural().to_string(),
        Shape::Row(items) => {
            let items: Vec<String> = items.iter().map(words).collect();
            format!("[{}]", items.join(" "))
        }
        _ => "_".into(),
    }
}

impl Console for Recorder {
    fn trace_text(&self, message: Ref<'_>, _: Timestamp) -> String {
        words(message)
    }

    fn crash_text(&self, who: Who, op: Ref<'_>, arg: Ref<'_>, _: Timestamp) -> String {
        format!("{who} crashed: {} {}", words(op), words(arg))
    }

    fn show(&self, text: &str) {
        let _ = self.0.send(Heard::Text(text.into()));
    }

    fn notice(&self, notice: &Notice) {
        let _ = self.0.send(Heard::Notice(notice.clone()));
    }
}

/// What came of a run.
pub(crate) struct Run {
    pub(crate) heard: Vec<Heard>,
    pub(crate) result: Result<Outcome, Failure>,
}

impl Run {
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.heard.iter().filter_map(Heard::number).collect()
    }

    pub(crate) fn outcome(self) -> Outcome {
        self.result.expect("the machine ran")
    }
}

#[derive(Debug)]
pub(crate) enum Failure {
    Start(StartError),
    Run(RunError),
}

/// A disk with a machine, and how it is run.
pub(crate) struct Rig {
    pub(crate) disk: SimDisk,
    pub(crate) adjust: Box<dyn Fn(&mut Settings) + Send + Sync>,
}

impl Rig {
    /// A machine of that program, just booted.
    pub(crate) fn boot(program: &P) -> Rig {
        let disk = SimDisk::new();
        let mut vm = Vm::new(plan::options(), Default::default()).expect("a small heap");
        let main = program.value(&mut vm);
        let store = Store::create_on(Arc::new(disk.clone()), store_settings());
        Machine::boot_on(store.expect("an empty disk"), &mut vm, &main).expect("booted");
        Rig::on(disk)
    }

    pub(crate) fn on(disk: SimDisk) -> Rig {
        Rig { disk, adjust: Box::new(|_| {}) }
    }

    pub(crate) fn with(self, adjust: impl Fn(&mut Settings) + Send + Sync + 'static) -> Rig {
        Rig { adjust: Box::new(adjust), ..self }
    }

    fn settings(&self, console: Sender<Heard>) -> Settings {
        let start = Timestamp::from_second(1_764_000_000).expect("in range");
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::leaping(start));
        let mut settings = Settings {
            clock,
            jets: Arc::new(plan::jets()),
            heap: plan::options(),
            jobs: 2,
            snapshots: Some(SnapshotRule { events: 7, ..SnapshotRule::default() }),
            ..Settings::new(Arc::new(Recorder(console)))
        };
        (self.adjust)(&mut settings);
        settings
    }

    /// Opens the machine in this thread.
    pub(crate) fn open(&self) -> Result<Machine, StartError> {
        let settings = self.settings(unbounded().0);
        let store = Store::open_on(Arc::new(self.disk.clone()), settings.store.clone())?;
        Machine::open_on(store, settings)
    }

    /// Runs the machine until it ends, or `enough` says so of what was heard.
    pub(crate) fn run(&self, mut enough: impl FnMut(&[Heard]) -> bool) -> Run {
        let (sender, receiver) = unbounded();
        let (to_handle, handle) = unbounded();
        let settings = self.settings(sender);
        let disk = Arc::new(self.disk.clone());
        let machine = thread::spawn(move || {
            let store = Store::open_on(disk, settings.store.clone())
                .map_err(|error| Failure::Start(error.into()))?;
            let machine = Machine::open_on(store, settings).map_err(Failure::Start)?;
            let _ = to_handle.send(machine.handle());
            machine.run().map_err(Failure::Run)
        });
        let mut heard = Vec::new();
        if let Ok(handle) = handle.recv() {
            if enough(&heard) {
                handle.stop();
            }
            while let Ok(next) = receiver.recv() {
                heard.push(next);
                if enough(&heard) {
                    handle.stop();
                    break;
                }
            }
        }
        let result = machine.join().expect("the machine's thread does not panic");
        heard.extend(receiver.try_iter());
        Run { heard, result }
    }

    /// Runs the machine until it has shown so many numbers.
    pub(crate) fn count(&self, numbers: usize) -> Run {
        self.run(|heard| heard.iter().filter_map(Heard::number).count() >= numbers)
    }

    /// The program's state, in words.
    pub(crate) fn state(&self) -> String {
        let mut machine = self.open().expect("it opens");
        let (vm, status) = machine.cog.parts();
        let value = status.to_value(vm).expect("room");
        let items = vm.look(&value).as_row().expect("a row");
        let cog = items.iter().last().expect("a cog");
        let status: Vec<String> = items.iter().take(items.len() - 1).map(words).collect();
        let state = crate::protocol::CogParts::of(cog).state.map(words);
        format!("{} {}", status.join(" "), state.unwrap_or_default())
    }

    /// The hash of the state.
    pub(crate) fn hash(&self) -> vm::Hash {
        self.open().expect("it opens").state_hash().expect("room")
    }
}
