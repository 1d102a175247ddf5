//! A machine: booted in a store, opened by a replay, and run by an event loop.
//!
//! ```text
//! requests ─▶ batch ─▶ cog event ─▶ append ─┬▶ .. ─▶ durable ─▶ effects: messages, workers, reports
//!                          ▲                └▶ effect queue, in order
//! job results ─────────────┘
//! ```
//!
//! The loop (`event_loop`) runs on the thread that opened the machine, which owns the cog's heap.
//! While an event is on its way to the disk, the next ones are applied. `inputs` makes events of
//! inputs, and deals with those that exceed a limit; `reads` answers reads beside events; `retry`
//! makes a cog that has crashed run again; `upgrade` lets another program take over the state, and
//! `rollback` goes back to an earlier one; `effects` has what waits for the disk, and `shutdown` what happens when the loop ends or the disk
//! is full.

mod effect_queue;
mod effects;
mod event_loop;
mod inputs;
mod read_queue;
mod reads;
mod retry;
mod rollback;
mod sampling;
mod shutdown;
mod upgrade;

use crate::boot::{self, BootOptions, BootReport};
use crate::cog::{Cog, CogError};
use crate::console::{ConsoleNotice, ReportOrigin};
use crate::control::{ControlServer, ControlledMachine};
use crate::device::reactor::ReactorThread;
use crate::device::tcp::TcpDevice;
use crate::device::udp::UdpDevice;
use crate::device::{DetachedDevice, Device, DeviceRegistry, TimeDevice};
use crate::driver::DriverContext;
use crate::error::{BootError, LimitStop, RunError, StartError, StateError, SystemError};
use crate::garbage::GarbageCollector;
use crate::mailbox::{Address, Doorbell, Inbox, mailbox};
use crate::message::{self, CogRequest, ControlMessage, WorkerCalls};
use crate::metrics::{MachineMetrics, MetricsRecorder};
use crate::program::UpgradeProgram;
use crate::replay::{self, Replayed};
use crate::sampling::request_profile;
use crate::settings::MachineSettings;
use crate::snapshot::SnapshotScheduler;
use crate::state_hash::StateHashSchedule;
use crate::status::CogStatus;
use crate::upgrade_check::{UpgradeCheck, UpgradeReport};
use crate::watchdog::Watchdog;
use crate::worker_pool::WorkerPool;
use crate::worker_table::WorkerTable;
pub use rollback::{OfferReport, RollbackReport};

use crossbeam_channel::Sender;
use effect_queue::{Effect, EffectQueue};
use persist::{LogAppender, Seq, Store, StoreReadError};
use plan::{Hash, Val};
use profile::{ProfileTrack, SampledProfile};
use read_queue::ReadQueue;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use vm::Vm;

/// Capacity of the queue of driver requests. Drivers wait while it is full.
const REQUEST_QUEUE: usize = 1024;

/// The file in the store's directory that keeps the ports of the listeners.
const PORT_FILE: &str = "tcp.port";

/// How long a stop waits for an evaluation that is under way.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// How many inputs in a row may be set aside before the machine stops.
pub(crate) const MAX_SET_ASIDE: u32 = 10;

/// How long the event loop waits before it tries again to write to a full disk.
const FULL_DISK_RETRY: Duration = Duration::from_millis(250);

/// How a run of a machine ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RunOutcome {
    /// A handle stopped it.
    Stopped,
    /// The cog asks for no worker any more, so nothing can ever happen to it.
    Finished,
    /// The cog asks for workers, and nothing can happen to it any more: no job is computed, and no
    /// driver can do anything. These are the drivers, with the calls that will never be answered, by
    /// slot.
    Stalled(Vec<WorkerCalls>),
    /// The cog has crashed, in this run or an earlier one. None if the log does not have the event
    /// that crashed.
    Crashed(Option<CogCrash>),
    /// An event exceeded a limit, so it has not happened, and the machine could not go on without
    /// its inputs. The next start continues from the state before.
    LimitExceeded(LimitStop),
}

/// The event in which a cog crashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CogCrash {
    /// The number of the event.
    pub event: u64,
    /// The number of inputs.
    pub inputs: usize,
    /// The driver that wrote the first input, or the job whose result it is.
    pub first: Option<ReportOrigin>,
}

/// Stops a running machine from another thread, and observes it.
#[derive(Clone)]
pub struct MachineHandle {
    control: Address<ControlMessage>,
    stopping: Arc<AtomicBool>,
    watchdog: Arc<Watchdog>,
    metrics: Arc<MetricsRecorder>,
}

impl MachineHandle {
    /// What the machine has done since it was opened.
    pub fn metrics(&self) -> MachineMetrics {
        self.metrics.read()
    }

    /// Upgrades the running machine to a program, and waits until that is durable.
    ///
    /// # Errors
    /// Why the machine was not upgraded; or that it stops, and then the upgrade may have happened.
    pub fn upgrade(
        &self,
        program: UpgradeProgram,
        check: UpgradeCheck,
    ) -> Result<UpgradeReport, String> {
        message::request_upgrade(&self.control, program, check)
    }

    /// Takes a profile of the running machine by samples, for some seconds: of CPU time, or one sample
    /// about each `allocation_interval` bytes that are allocated.
    ///
    /// # Errors
    /// If the seconds are not between 1 and 600, if another profile is being taken, if the system has no
    /// timers for it, or if the machine stops.
    pub fn sample(
        &self,
        seconds: u32,
        allocation_interval: Option<usize>,
    ) -> Result<SampledProfile, String> {
        request_profile(&self.control, seconds, allocation_interval)
    }

    /// Makes the machine finish its current work, write a snapshot and return from
    /// [`Machine::run`]. An evaluation that takes longer than a second is interrupted; its event
    /// has then not happened.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.watchdog.shut_down_within(SHUTDOWN_GRACE);
        self.control.send(ControlMessage::Stop);
    }
}

/// A machine, ready to run. It belongs to the thread that opened it.
pub struct Machine {
    pub(crate) settings: Arc<MachineSettings>,
    store: Arc<Store>,
    appender: LogAppender,
    watchdog: Arc<Watchdog>,
    pub(crate) cog: Cog,
    workers: WorkerTable,
    pool: WorkerPool,
    /// Wakes the thread of the event loop.
    doorbell: Arc<Doorbell>,
    requests: Inbox<CogRequest>,
    control: Inbox<ControlMessage>,
    /// Requests and messages that have been received and wait for the end of an event.
    postponed_requests: VecDeque<CogRequest>,
    postponed_control: VecDeque<ControlMessage>,
    /// The reads that have not ended.
    reads: ReadQueue,
    control_sender: Address<ControlMessage>,
    stopping: Arc<AtomicBool>,
    metrics: Arc<MetricsRecorder>,
    /// Where the times from appended to durable are recorded, if they are.
    commits: Option<ProfileTrack>,
    snapshots: SnapshotScheduler,
    garbage: GarbageCollector,
    state_hashes: StateHashSchedule,
    replayed: u64,
    /// The last event that the cog has applied.
    applied: Seq,
    /// The effects of events that are not durable yet.
    queue: EffectQueue,
    disk_is_full: bool,
    /// How many inputs were set aside since the last event.
    set_aside_in_row: u32,
    /// Set-aside inputs that were applied, and are removed when their events are durable.
    unremoved_offers: usize,
    /// Set when the machine stops because of a limit.
    limit_stop: Option<LimitStop>,
    /// Where the profile goes that is being taken, if one is. It is dropped before the control server,
    /// whose clients wait for it.
    profiles: Option<Sender<SampledProfile>>,
    /// Set when the machine ends because nothing can happen to it any more: the drivers.
    stall: Option<Vec<WorkerCalls>>,
    /// Serves the control socket, if there is one.
    control_server: Option<ControlServer>,
}

impl Machine {
    /// Boots a machine in `dir`, which is empty or does not exist, with the value `main` as its
    /// cog. Afterwards pins of `vm` may be in the machine's store, which stays locked as long as
    /// `vm` lives.
    ///
    /// # Errors
    /// See [`BootError`]. An existing machine is never touched.
    pub fn boot(
        dir: &Path,
        vm: &mut Vm,
        main: &Val,
        options: BootOptions,
    ) -> Result<BootReport, BootError> {
        boot::boot(dir, vm, main, options)
    }

    /// Boots a machine as [`Machine::boot`] does, in a store that is open and empty.
    ///
    /// # Errors
    /// The same as those of [`Machine::boot`].
    pub fn boot_on(
        store: Store,
        vm: &mut Vm,
        main: &Val,
        options: BootOptions,
    ) -> Result<BootReport, BootError> {
        boot::boot_on(store, vm, main, options)
    }

    /// Opens the machine in `dir` and replays its log, which brings it to its last state. No worker
    /// runs before [`Machine::run`], which must be called on the same thread.
    ///
    /// # Errors
    /// See [`StartError`]. The state in the store is unchanged.
    pub fn open(dir: &Path, mut settings: MachineSettings) -> Result<Machine, StartError> {
        settings.network.port_file.get_or_insert_with(|| dir.join(PORT_FILE));
        settings.control_directory.get_or_insert_with(|| dir.into());
        let store = Store::open_with(dir, settings.store.clone())?;
        Machine::open_on(store, settings)
    }

    /// Opens a machine as [`Machine::open`] does, in a store that is open.
    ///
    /// # Errors
    /// The same as those of [`Machine::open`].
    pub fn open_on(store: Store, settings: MachineSettings) -> Result<Machine, StartError> {
        let settings = Arc::new(settings);
        let watchdog = Arc::new(Watchdog::start(&settings.clock)?);
        let store = Arc::new(store);
        let Replayed { cog, snapshots, events } = replay::replay(&store, &settings, &watchdog)?;
        if settings.attach {
            store.attach().map_err(|error| StartError::Attach { error })?;
        }
        let is_detached = store.is_detached().map_err(StoreReadError::from)?;
        let (devices, connections) =
            if is_detached { detached_devices(&settings)? } else { make_devices(&settings)? };
        let doorbell = Arc::new(Doorbell::of_current_thread());
        let (request_sender, requests) = mailbox(&doorbell, REQUEST_QUEUE);
        let (control_sender, control) = mailbox(&doorbell, usize::MAX);
        let context = DriverContext {
            settings: Arc::clone(&settings),
            watchdog: Arc::clone(&watchdog),
            sampling: Arc::default(),
            devices,
            requests: request_sender,
            control: control_sender.clone(),
        };
        let pool = WorkerPool::new(context, cog.job_results());
        let commits = settings.track("log");
        let metrics = Arc::new(MetricsRecorder::new(store.written_pins(), connections));
        metrics.set_heap(cog.heap().used_bytes(), cog.heap().statistics());
        let garbage = GarbageCollector::new(settings.garbage, store.written_pins());
        let appender = store.appender().map_err(|error| {
            SystemError::new("start the log's thread")(io::Error::other(error.to_string()))
        })?;
        let controlled = ControlledMachine {
            store: Arc::downgrade(&store),
            metrics: Arc::clone(&metrics),
            control: control_sender.clone(),
        };
        let control_server = start_control(&settings, controlled);
        Ok(Machine {
            applied: store.last(),
            store,
            profiles: None,
            control_server,
            workers: WorkerTable::new(settings.drivers.threads),
            settings,
            appender,
            watchdog,
            cog,
            pool,
            doorbell,
            requests,
            control,
            postponed_requests: VecDeque::new(),
            postponed_control: VecDeque::new(),
            reads: ReadQueue::default(),
            control_sender,
            stopping: Arc::default(),
            metrics,
            commits,
            snapshots,
            garbage,
            state_hashes: StateHashSchedule::default(),
            replayed: events,
            queue: EffectQueue::default(),
            disk_is_full: false,
            set_aside_in_row: 0,
            unremoved_offers: 0,
            limit_stop: None,
            stall: None,
        })
    }

    /// A handle that stops the machine.
    pub fn handle(&self) -> MachineHandle {
        MachineHandle {
            control: self.control_sender.clone(),
            stopping: Arc::clone(&self.stopping),
            watchdog: Arc::clone(&self.watchdog),
            metrics: Arc::clone(&self.metrics),
        }
    }

    /// Returns whether a value, which is evaluated, is a cog: a closure whose last arguments are a
    /// state, a function for reads and a row of workers.
    ///
    /// # Errors
    /// [`BootError::Evaluation`], if the value cannot be evaluated.
    pub fn is_cog(vm: &mut Vm, main: &Val) -> Result<bool, BootError> {
        boot::is_cog(vm, main)
    }

    /// The number of the last event of the log.
    pub fn last_event(&self) -> u64 {
        self.applied.0
    }

    /// How many events were replayed when the machine was opened.
    pub fn replayed(&self) -> u64 {
        self.replayed
    }

    /// Computes the hash of the machine's state: the hash that the root of a snapshot would have.
    ///
    /// # Errors
    /// [`StateError::NoRoom`] and [`StateError::Damaged`].
    pub fn state_hash(&mut self) -> Result<Hash, StateError> {
        self.cog.hash().map_err(|stop| StateError::from_evaluation(self.store.path(), &stop))
    }

    /// Runs the machine until a handle stops it, or until nothing can ever happen to it.
    ///
    /// # Errors
    /// Why the machine had to stop. Its store has everything that was seen outside.
    pub fn run(mut self) -> Result<RunOutcome, RunError> {
        if self.settings.retry_crash
            && let Err(error) = self.retry_crash()
        {
            return self.shut_down(Err(error)).map(|()| RunOutcome::Stopped);
        }
        if matches!(self.cog.status(), CogStatus::Crashed { .. }) {
            self.cog.report_crash(&self.calls_of_crash());
        }
        let reports = self.cog.take_messages();
        let (vm, state) = self.cog.parts();
        let changes = self.workers.update(vm, state.status.running());
        if let Err(damaged) = self.check_damage() {
            return self.shut_down(Err(damaged)).map(|()| RunOutcome::Stopped);
        }
        // The state that these effects depend on is durable.
        self.perform(vec![Effect::Report(reports)])?;
        self.perform(changes.into_iter().map(Effect::Worker).collect())?;
        let offered = if self.settings.offer_set_aside { self.offer_set_aside() } else { Ok(()) };
        let served = offered.and_then(|()| self.serve());
        self.drop_reads();
        let outcome = self.outcome();
        tracing::info!(?outcome, last = self.applied.0, "machine ends");
        self.shut_down(served).map(|()| outcome)
    }

    fn outcome(&mut self) -> RunOutcome {
        if self.stopping.load(Ordering::SeqCst) {
            return RunOutcome::Stopped;
        }
        if let Some(stop) = self.limit_stop {
            return RunOutcome::LimitExceeded(stop);
        }
        if let Some(drivers) = self.stall.take() {
            return RunOutcome::Stalled(drivers);
        }
        match self.cog.status() {
            CogStatus::Running(_) => RunOutcome::Stopped,
            CogStatus::Finished(_) => RunOutcome::Finished,
            CogStatus::Crashed { .. } => RunOutcome::Crashed(self.crash()),
        }
    }

    /// Fails if the cog has looked at a damaged pin.
    fn check_damage(&self) -> Result<(), RunError> {
        self.cog.check_damage().map_err(|error| self.run_error(error))
    }

    /// The error of a run in which the cog failed.
    fn run_error(&self, error: CogError) -> RunError {
        match error {
            CogError::Damaged(stop) => self.damaged(stop.to_string()),
            error => RunError::Defect(format!("an event was refused: {error:?}")),
        }
    }

    fn damaged(&self, problem: String) -> RunError {
        RunError::Damaged { path: self.store.path().into(), problem }
    }
}

/// Serves the control socket, if the settings ask for one. Without it the machine runs as well.
fn start_control(settings: &MachineSettings, machine: ControlledMachine) -> Option<ControlServer> {
    let directory = settings.control_directory.as_deref()?;
    match ControlServer::start(directory, machine) {
        Ok(server) => Some(server),
        Err(error) => {
            settings.console.notice(&ConsoleNotice::NotControlled(error.to_string()));
            None
        }
    }
}

/// Starts the devices of a machine. The devices of the settings replace those of the same name.
/// Returns also the number of open connections.
fn make_devices(
    settings: &MachineSettings,
) -> Result<(DeviceRegistry, Arc<AtomicUsize>), StartError> {
    let reactor = Arc::new(ReactorThread::start()?);
    let tcp = TcpDevice::start(&settings.network, &reactor, Arc::clone(&settings.console))?;
    let connections = tcp.open_connections();
    let own: [Arc<dyn Device>; 3] = [
        Arc::new(TimeDevice::start(Arc::clone(&settings.clock))?),
        Arc::new(tcp),
        Arc::new(UdpDevice::new(&reactor)),
    ];
    let devices = own.into_iter().chain(settings.devices.iter().cloned());
    Ok((DeviceRegistry::new(devices), connections))
}

/// The devices of a fork that is not attached: all but the clock are silent.
fn detached_devices(
    settings: &MachineSettings,
) -> Result<(DeviceRegistry, Arc<AtomicUsize>), StartError> {
    settings.console.notice(&ConsoleNotice::Detached);
    let clock: Arc<dyn Device> = Arc::new(TimeDevice::start(Arc::clone(&settings.clock))?);
    let names = ["tcp", "udp"].into_iter().chain(settings.devices.iter().map(|it| it.name()));
    let silent = names.map(|name| Arc::new(DetachedDevice(name.into())) as Arc<dyn Device>);
    Ok((DeviceRegistry::new([clock].into_iter().chain(silent)), Arc::default()))
}

#[cfg(test)]
mod tests;
