//! Runs machines on a simulated disk and records what they report.

use super::terms::{self, PlanExpr};
use crate::clock::{Clock, ManualClock};
use crate::conventions::ProgramConventions;
use crate::machine::SHUTDOWN_GRACE;
use crate::status::MachineState;
use crate::trace::ConsoleMessage;
use crate::{
    BootOptions, Console, ConsoleNotice, Machine, MachineHandle, MachineSettings, ReportOrigin,
    RunError, RunOutcome, SnapshotPolicy, StartError, TimeLimits,
};
use crossbeam_channel::{Receiver, Sender, unbounded};
use jiff::Timestamp;
use persist::sim::SimDisk;
use persist::{Store, StoreSettings};
use plan::{Ref, Shape};
use runtime::RuntimeBuilder;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The time at which all machines start, in seconds since 1970.
pub(crate) const START: i64 = 1_764_000_000;

/// The time limit of events, reads and drivers, by the manual clock.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Settings of a store in a slot of the address space that no other test uses: tests run in one
/// process, each on a thread of its own.
pub(crate) fn store_settings() -> StoreSettings {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    // Whether a commit is fast must not decide what a test finds.
    let inline_commit = Duration::ZERO;
    StoreSettings { slot: Some(SLOT.with(|slot| *slot)), inline_commit, ..StoreSettings::default() }
}

impl ConsoleMessage {
    /// The number in the text, if it is one.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            ConsoleMessage::Text(text) => text.parse().ok(),
            ConsoleMessage::Notice(_) | ConsoleMessage::NoticeWithCalls(..) => None,
        }
    }
}

/// A console that passes on what it is to show.
struct Recorder(Sender<ConsoleMessage>);

/// Renders nats in decimal, rows in brackets, and anything else as `_`.
pub(crate) fn render(value: Ref<'_>) -> String {
    match value.shape() {
        Shape::Nat(nat) => nat.to_natural().to_string(),
        Shape::Row(items) => {
            let items: Vec<String> = items.iter().map(render).collect();
            format!("[{}]", items.join(" "))
        }
        _ => "_".into(),
    }
}

impl Console for Recorder {
    fn trace_text(&self, message: Ref<'_>, _: Timestamp) -> String {
        render(message)
    }

    fn crash_text(&self, origin: ReportOrigin, op: Ref<'_>, arg: Ref<'_>, _: Timestamp) -> String {
        format!("{origin} crashed: {} {}", render(op), render(arg))
    }

    fn show(&self, text: &str) {
        let _ = self.0.send(ConsoleMessage::Text(text.into()));
    }

    fn notice(&self, notice: &ConsoleNotice) {
        let _ = self.0.send(ConsoleMessage::Notice(notice.clone()));
    }
}

/// What a machine reported in a run, and how the run ended.
pub(crate) struct MachineRun {
    pub(crate) messages: Vec<ConsoleMessage>,
    pub(crate) result: Result<RunOutcome, MachineFailure>,
}

impl MachineRun {
    /// The numbers that the machine showed.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.messages.iter().filter_map(ConsoleMessage::number).collect()
    }

    /// The outcome of a run without an error.
    pub(crate) fn outcome(self) -> RunOutcome {
        self.result.expect("the machine ran")
    }
}

#[derive(Debug)]
pub(crate) enum MachineFailure {
    Start(StartError),
    Run(RunError),
}

/// A machine that is running on a thread of its own.
pub(crate) struct RunningMachine {
    /// None if the machine did not start.
    pub(crate) handle: Option<MachineHandle>,
    /// What the machine reports.
    pub(crate) reports: Receiver<ConsoleMessage>,
    thread: JoinHandle<Result<RunOutcome, MachineFailure>>,
}

impl RunningMachine {
    /// Stops the machine if it runs.
    pub(crate) fn stop(&self) {
        self.handle.iter().for_each(MachineHandle::stop);
    }

    /// Waits until the machine has ended by itself or by [`RunningMachine::stop`].
    pub(crate) fn join(self, mut messages: Vec<ConsoleMessage>) -> MachineRun {
        let result = self.thread.join().expect("the machine's thread does not panic");
        messages.extend(self.reports.try_iter());
        MachineRun { messages, result }
    }
}

/// A machine on a simulated disk, and the settings that it runs with.
pub(crate) struct TestMachine {
    pub(crate) disk: SimDisk,
    /// The clock of all runs. Its wall time jumps to whatever a driver waits for; time limits
    /// expire only when the test advances it.
    pub(crate) clock: Arc<ManualClock>,
    adjust: Box<dyn Fn(&mut MachineSettings) + Send + Sync>,
}

impl TestMachine {
    /// Boots a machine of this program.
    pub(crate) fn boot(program: &PlanExpr) -> TestMachine {
        TestMachine::boot_with(program, BootOptions::default())
    }

    /// Boots a machine of this program with these options.
    pub(crate) fn boot_with(program: &PlanExpr, options: BootOptions) -> TestMachine {
        let disk = SimDisk::new();
        let mut vm = RuntimeBuilder::bare().heap(terms::options()).build().expect("a small heap");
        let main = program.value(&mut vm);
        let store = Store::create_on(Arc::new(disk.clone()), store_settings());
        let store = store.expect("an empty disk");
        Machine::boot_on(store, &mut vm, &main, options).expect("booted");
        TestMachine::on(disk)
    }

    /// The machine on this disk.
    pub(crate) fn on(disk: SimDisk) -> TestMachine {
        let start = Timestamp::from_second(START).expect("in range");
        let clock = Arc::new(ManualClock::leaping(start));
        TestMachine { disk, clock, adjust: Box::new(|_| {}) }
    }

    /// The same machine with other settings, which `adjust` makes of those before.
    pub(crate) fn with(
        self,
        adjust: impl Fn(&mut MachineSettings) + Send + Sync + 'static,
    ) -> TestMachine {
        let before = self.adjust;
        let both = move |settings: &mut MachineSettings| {
            before(settings);
            adjust(settings);
        };
        TestMachine { adjust: Box::new(both), ..self }
    }

    /// The settings, with a console that sends to `console`.
    pub(crate) fn settings(&self, console: Sender<ConsoleMessage>) -> MachineSettings {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let limit = Some(LIMIT);
        let mut settings = MachineSettings {
            clock,
            runtime: RuntimeBuilder::new().jets(Arc::new(terms::jets())).heap(terms::options()),
            jobs: 2,
            // The tests stop machines whose drivers have done all that they do.
            end_when_stalled: false,
            limits: TimeLimits { event: limit, read: limit, driver: limit, job: None },
            snapshots: Some(SnapshotPolicy { events: 7, ..SnapshotPolicy::default() }),
            ..MachineSettings::new(Arc::new(Recorder(console)))
        };
        (self.adjust)(&mut settings);
        settings
    }

    /// Opens the machine on this thread. Its reports are dropped.
    pub(crate) fn open(&self) -> Result<Machine, StartError> {
        let settings = self.settings(unbounded().0);
        let store = Store::open_on(Arc::new(self.disk.clone()), settings.store.clone())?;
        Machine::open_on(store, settings)
    }

    /// Starts the machine on a thread of its own, and waits until it is open.
    pub(crate) fn start(&self) -> RunningMachine {
        let (sender, reports) = unbounded();
        let (to_handle, handle) = unbounded();
        let settings = self.settings(sender);
        let disk = Arc::new(self.disk.clone());
        let thread = thread::spawn(move || {
            let store = Store::open_on(disk, settings.store.clone())
                .map_err(|error| MachineFailure::Start(error.into()))?;
            let machine = Machine::open_on(store, settings).map_err(MachineFailure::Start)?;
            let _ = to_handle.send(machine.handle());
            machine.run().map_err(MachineFailure::Run)
        });
        RunningMachine { handle: handle.recv().ok(), reports, thread }
    }

    /// Runs the machine until it ends by itself, or until `is_enough` returns true for what it has
    /// reported, which is asked before the first report and after each one.
    pub(crate) fn run(&self, mut is_enough: impl FnMut(&[ConsoleMessage]) -> bool) -> MachineRun {
        let running = self.start();
        let mut messages = Vec::new();
        if running.handle.is_some() {
            if is_enough(&messages) {
                running.stop();
            }
            while let Ok(next) = running.reports.recv() {
                messages.push(next);
                if is_enough(&messages) {
                    running.stop();
                    break;
                }
            }
        }
        running.join(messages)
    }

    /// Runs the machine until it has shown this many numbers.
    pub(crate) fn run_until_shown(&self, numbers: usize) -> MachineRun {
        self.run(|messages| messages.iter().filter_map(ConsoleMessage::number).count() >= numbers)
    }

    /// Runs a machine whose only evaluation has no end, and advances the clock by the time limit as
    /// soon as the evaluation has begun. Stops the machine after its first report.
    pub(crate) fn run_into_limit(&self) -> MachineRun {
        let running = self.start();
        self.clock.wait_for_timer(LIMIT);
        self.clock.advance(LIMIT);
        let report = running.reports.recv().expect("the machine reports the limit");
        running.stop();
        // The driver may have begun anew, and made another event without an end.
        self.clock.advance(SHUTDOWN_GRACE);
        running.join(vec![report])
    }

    /// Runs a machine whose only evaluation has no end, stops it as soon as the evaluation has
    /// begun, and advances the clock by the time that a stop waits.
    pub(crate) fn run_into_shutdown(&self) -> MachineRun {
        const { assert!(LIMIT.as_secs() > SHUTDOWN_GRACE.as_secs()) };
        let running = self.start();
        self.clock.wait_for_timer(LIMIT);
        running.stop();
        self.clock.wait_for_timer(SHUTDOWN_GRACE);
        self.clock.advance(SHUTDOWN_GRACE);
        running.join(Vec::new())
    }

    /// The status and the program's state, rendered.
    pub(crate) fn state(&self) -> String {
        let mut machine = self.open().expect("it opens");
        let (vm, state) = machine.cog.parts();
        let conventions = ProgramConventions::default();
        let plain = MachineState { conventions, ..state.clone() };
        let value = plain.to_value(vm).expect("room");
        let items = vm.look(&value).as_row().expect("a row");
        let cog = items.iter().last().expect("a cog");
        let status: Vec<String> = items.iter().take(items.len() - 1).map(render).collect();
        let state = crate::protocol::CogParts::of(cog).state.map(render);
        format!("{} {}", status.join(" "), state.unwrap_or_default())
    }

    /// The hash of the state that the machine opens with.
    pub(crate) fn hash(&self) -> plan::Hash {
        self.open().expect("it opens").state_hash().expect("room")
    }
}
