//! The settings of a machine. None of them is recorded in its store.

use crate::clock::{Clock, SystemClock};
use crate::console::Console;
use crate::device::Device;
use crate::error::SystemError;
use plan::HeapOptions;
use profile::{Profile, ProfileTrack};
use runtime::{RuntimeBuilder, SetupError};
use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use vm::Vm;

/// When a running machine writes snapshots: as soon as one of these limits has been reached since
/// the last snapshot. Whatever the policy, a machine that is stopped writes one.
///
/// The limits bound what a snapshot saves, and not the number of events: the log that a start
/// replays, the time of this replay, and the pins that became garbage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotPolicy {
    /// Bytes of log. If the last snapshot wrote more bytes of pins than this, the limit is that
    /// number, but at most four times this one: a snapshot of a large state then costs no more
    /// writes than the log did.
    pub log_bytes: u64,
    /// Bytes of pins that were written since the last snapshot. Those that the next snapshot does
    /// not need are garbage.
    pub pin_bytes: u64,
    /// Time that the cog has spent in evaluation: how long a replay would take. If the last snapshot
    /// wrote many bytes of pins, the limit is the time in which 8 MiB a second make that number, but
    /// at most 15 times this one.
    pub replay_time: Duration,
    /// Number of events. Unlimited by default.
    pub events: u64,
}

impl Default for SnapshotPolicy {
    /// 64 MiB of log, 256 MiB of pins, or 2 s of replay.
    fn default() -> SnapshotPolicy {
        SnapshotPolicy {
            log_bytes: 64 << 20,
            pin_bytes: 256 << 20,
            replay_time: Duration::from_secs(2),
            events: u64::MAX,
        }
    }
}

/// When a running machine collects the garbage of its store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GarbagePolicy {
    /// The bytes of pins that were written since the last collection. If the live pins take more, a
    /// collection is due when as many bytes as they take were written.
    pub min_bytes: u64,
}

impl Default for GarbagePolicy {
    /// 16 MiB.
    fn default() -> GarbagePolicy {
        GarbagePolicy { min_bytes: 16 << 20 }
    }
}

/// Limits of the CPU time of evaluations. None: no limit. A replay has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeLimits {
    /// Of an event. An event that exceeds it has not happened.
    pub event: Option<Duration>,
    /// Of a read. If it is exceeded, the driver that reads begins anew.
    pub read: Option<Duration>,
    /// Of a call of a driver. If it is exceeded, the driver begins anew.
    pub driver: Option<Duration>,
    /// Of a job. If it is exceeded, the job gives no value.
    pub job: Option<Duration>,
}

impl Default for TimeLimits {
    /// 30 s for events, reads and calls of drivers, and no limit for jobs.
    fn default() -> TimeLimits {
        let limit = Some(Duration::from_secs(30));
        TimeLimits { event: limit, read: limit, driver: limit, job: None }
    }
}

/// The snapshot that a machine starts from.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ReplayFrom {
    /// The newest undamaged one.
    #[default]
    Latest,
    /// The oldest one in the store: the whole log is replayed and checked.
    Earliest,
    /// The one with this number, as `pallas du` and `pallas check` show it.
    Number(u64),
}

/// Where the machine listens for TCP connections.
#[derive(Clone, Default, Debug)]
pub struct NetworkSettings {
    /// The addresses. The machine listens on them from its start on. Port 0 stands for the port of
    /// the last run, or a free one. Without an address, the machine listens on 127.0.0.1, port 0,
    /// when a driver first asks for connections.
    pub listen: Vec<SocketAddr>,
    /// The file that keeps the ports, one a line. None: they are not kept. [`Machine::open`] sets it
    /// to `tcp.port` in the store's directory, if it is not set.
    ///
    /// [`Machine::open`]: crate::Machine::open
    pub port_file: Option<PathBuf>,
    /// How many connections may be open at the same time. None: as many as the process's limit of
    /// open files allows, when the machine is opened, less a reserve for the machine's own files.
    pub max_connections: Option<usize>,
}

/// How a machine runs its drivers. None of this affects what they do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DriverSettings {
    /// How many threads run drivers, each with one runtime that its drivers share; at least 1.
    pub threads: usize,
    /// The CPU time of a call in the shared runtime, by the system's clock. A call that takes longer is abandoned, and made
    /// again in a private runtime. 0: all calls are made in private runtimes.
    pub call_budget: Duration,
    /// A call that takes longer is long. A driver moves to a private runtime after four long calls
    /// in a row.
    pub long_call: Duration,
    /// How many private runtimes are kept for drivers that are idle. Each has a heap and a thread. Up
    /// to 64 drivers may be at work in such runtimes.
    pub private_runtimes: usize,
    /// A driver in a private runtime returns to the shared one after this many short calls in a row,
    /// if its state is small.
    pub return_after: u32,
}

impl Default for DriverSettings {
    /// As many threads as processors, at least 2; a budget of 20 ms; long calls are those above
    /// 5 ms; 8 private runtimes, and 16 short calls.
    fn default() -> DriverSettings {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        DriverSettings {
            threads: processors.max(2),
            call_budget: Duration::from_millis(20),
            long_call: Duration::from_millis(5),
            private_runtimes: 8,
            return_after: 16,
        }
    }
}

/// The settings of a machine.
#[derive(Clone)]
pub struct MachineSettings {
    /// Where traces, crashes and notices go.
    pub console: Arc<dyn Console>,
    /// The source of wall time, of monotonic time, and of the CPU time that limits are measured in.
    pub clock: Arc<dyn Clock>,
    /// Devices besides `%time`, `%tcp` and `%udp`, which every machine has.
    pub devices: Vec<Arc<dyn Device>>,
    /// Where the machine listens for TCP connections.
    pub network: NetworkSettings,
    /// What the runtimes of the cog, the drivers and the jobs are made of. It has no effect on what a
    /// machine does. Drivers and jobs have a smaller nursery than the cog.
    pub runtime: RuntimeBuilder,
    /// How drivers are run.
    pub drivers: DriverSettings,
    /// How many jobs run at the same time; at least 1.
    pub jobs: usize,
    /// Limits of the CPU time of evaluations.
    pub limits: TimeLimits,
    /// Whether the inputs that were set aside are offered to the cog again when the machine starts.
    pub offer_set_aside: bool,
    /// Whether a cog that has crashed runs again, from the state before the event that crashed. The
    /// inputs of this event that drivers wrote are set aside.
    pub retry_crash: bool,
    /// Whether the machine ends when nothing can happen to it any more
    /// ([`RunOutcome::Stalled`](crate::RunOutcome::Stalled)). If not, it waits until it is stopped or
    /// upgraded.
    pub end_when_stalled: bool,
    /// Whether a fork is attached: its devices have effects from now on.
    pub attach: bool,
    /// Where the times of events, evaluations, jobs, commits, snapshots and collections are recorded.
    pub profile: Option<Profile>,
    /// When to write snapshots. None: never, not even when the machine is stopped.
    pub snapshots: Option<SnapshotPolicy>,
    /// When to collect the garbage of the store, after a snapshot. None: never.
    pub garbage: Option<GarbagePolicy>,
    /// The directory in which the machine makes its control socket. None: it has none.
    /// [`Machine::open`] sets it to the store's directory, if it is not set.
    ///
    /// [`Machine::open`]: crate::Machine::open
    pub control_directory: Option<PathBuf>,
    /// Which snapshot to start from.
    pub replay: ReplayFrom,
    /// Settings of the store.
    pub store: persist::StoreSettings,
}

impl MachineSettings {
    /// The defaults: the system's clock, 8 jobs, the default limits, no jets, hot laws compiled.
    /// Inputs that were set aside stay so, and a cog that has crashed stays so.
    pub fn new(console: Arc<dyn Console>) -> MachineSettings {
        MachineSettings {
            console,
            clock: Arc::new(SystemClock),
            devices: Vec::new(),
            network: NetworkSettings::default(),
            runtime: RuntimeBuilder::new().jets(Arc::default()),
            drivers: DriverSettings::default(),
            jobs: 8,
            limits: TimeLimits::default(),
            offer_set_aside: false,
            retry_crash: false,
            end_when_stalled: true,
            attach: false,
            profile: None,
            snapshots: Some(SnapshotPolicy::default()),
            garbage: Some(GarbagePolicy::default()),
            control_directory: None,
            replay: ReplayFrom::Latest,
            store: persist::StoreSettings::default(),
        }
    }

    /// Makes the runtime of the cog, which records its times on a track.
    pub(crate) fn cog_runtime(&self, track: Option<&ProfileTrack>) -> Result<Vm, SystemError> {
        make_runtime(&self.runtime, track)
    }

    /// Makes the runtime of a job, or of one driver, which records its times on a track.
    pub(crate) fn worker_runtime(&self, track: Option<&ProfileTrack>) -> Result<Vm, SystemError> {
        self.runtime_with(track, |heap| heap.nursery = heap.nursery.min(256 << 10))
    }

    /// Makes a runtime with a heap of adjusted options, which records its times on a track.
    pub(crate) fn runtime_with(
        &self,
        track: Option<&ProfileTrack>,
        adjust: impl FnOnce(&mut HeapOptions),
    ) -> Result<Vm, SystemError> {
        let mut builder = self.runtime.clone();
        adjust(&mut builder.heap);
        make_runtime(&builder, track)
    }

    /// A new track of the profile, if there is one.
    pub(crate) fn track(&self, name: &str) -> Option<ProfileTrack> {
        self.profile.as_ref().map(|profile| profile.track(name))
    }
}

fn make_runtime(builder: &RuntimeBuilder, track: Option<&ProfileTrack>) -> Result<Vm, SystemError> {
    let refused = SystemError::new("reserve memory");
    let mut vm = builder.build().map(Vm::from).map_err(|error| match error {
        SetupError::Stack(error) => refused(error),
        error => refused(io::Error::other(error)),
    })?;
    if let Some(track) = track.cloned() {
        vm.record(track);
    }
    Ok(vm)
}
