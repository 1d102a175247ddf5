//! The settings of a machine. None of them is recorded in its store.

use crate::clock::{Clock, SystemClock};
use crate::console::Console;
use crate::device::Device;
use crate::error::SystemError;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use vm::Vm;
use vm::jet::JetTable;

/// When a running machine writes snapshots: as soon as one of these limits has been reached since
/// the last snapshot. Whatever the policy, a machine that is stopped writes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotPolicy {
    /// Number of events.
    pub events: u64,
    /// Bytes of log.
    pub bytes: u64,
    /// Time that the cog has spent in evaluation: how long a replay would take.
    pub work: Duration,
}

impl Default for SnapshotPolicy {
    /// 10,000 events, 64 MiB of log, or 45 s of evaluation.
    fn default() -> SnapshotPolicy {
        SnapshotPolicy { events: 10_000, bytes: 64 << 20, work: Duration::from_secs(45) }
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
}

/// The settings of a machine.
#[derive(Clone)]
pub struct MachineSettings {
    /// Where traces, crashes and notices go.
    pub console: Arc<dyn Console>,
    /// The source of wall time, and of the monotonic time that limits are measured in.
    pub clock: Arc<dyn Clock>,
    /// Devices besides `%time`, which every machine has.
    pub devices: Vec<Arc<dyn Device>>,
    /// Native implementations of known laws.
    pub jets: Arc<JetTable>,
    /// When laws are compiled. It has no effect on what a machine does.
    pub jit: jit::Mode,
    /// Size of the cog's heap. The heaps of drivers and jobs are the same with a smaller nursery.
    pub heap: plan::Options,
    /// How many jobs run at the same time; at least 1.
    pub jobs: usize,
    /// Time limit of one evaluation of the cog or a driver.
    pub limit: Duration,
    /// When to write snapshots. None: never, not even when the machine is stopped.
    pub snapshots: Option<SnapshotPolicy>,
    /// Which snapshot to start from.
    pub replay: ReplayFrom,
    /// Settings of the store.
    pub store: persist::StoreSettings,
}

impl MachineSettings {
    /// The defaults: the system's clock, 8 jobs, 30 s for an evaluation, no jets, hot laws
    /// compiled.
    pub fn new(console: Arc<dyn Console>) -> MachineSettings {
        MachineSettings {
            console,
            clock: Arc::new(SystemClock),
            devices: Vec::new(),
            jets: Arc::default(),
            jit: jit::Mode::default(),
            heap: plan::Options::default(),
            jobs: 8,
            limit: Duration::from_secs(30),
            snapshots: Some(SnapshotPolicy::default()),
            replay: ReplayFrom::Latest,
            store: persist::StoreSettings::default(),
        }
    }

    /// Makes the runtime of a driver or job.
    pub(crate) fn small_runtime(&self) -> Result<Vm, SystemError> {
        let nursery = self.heap.nursery.min(256 << 10);
        self.runtime(plan::Options { nursery, ..self.heap.clone() })
    }

    /// Makes a runtime with a heap of this size, the machine's jets and the compiler.
    pub(crate) fn runtime(&self, heap: plan::Options) -> Result<Vm, SystemError> {
        let refused = SystemError::new("reserve memory");
        let mut vm = match Vm::new(heap, Arc::clone(&self.jets)) {
            Ok(vm) => vm,
            Err(error) => return Err(refused(error)),
        };
        let jets = jit::build::Jets::of(Arc::clone(&self.jets));
        match jit::install(&mut vm, jets, self.jit) {
            Ok(()) => Ok(vm),
            Err(error) => Err(refused(io::Error::other(error))),
        }
    }
}
