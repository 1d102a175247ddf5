//! What can be chosen of a machine. None of it is recorded in its store.

use crate::clock::{Clock, SystemClock};
use crate::console::Console;
use crate::device::Device;
use crate::error::SystemError;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use vm::Vm;
use vm::jet::JetTable;

/// When snapshots are written while the machine runs: as soon as one of these has been reached
/// since the last. Whatever is chosen, one is written at a clean stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotRule {
    /// How many events.
    pub events: u64,
    /// How many bytes of log.
    pub bytes: u64,
    /// How much time the cog has spent in evaluation, that is, how long a replay would take.
    pub work: Duration,
}

impl Default for SnapshotRule {
    /// 10,000 events, 64 MiB, or 45 s of work.
    fn default() -> SnapshotRule {
        SnapshotRule { events: 10_000, bytes: 64 << 20, work: Duration::from_secs(45) }
    }
}

/// Which snapshot a machine goes on from.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ReplayFrom {
    /// The newest one that is whole.
    #[default]
    Latest,
    /// The oldest one that is kept: as much of the log as there is is replayed and checked.
    Earliest,
}

/// What can be chosen of a machine.
#[derive(Clone)]
pub struct Settings {
    /// Where its words go.
    pub console: Arc<dyn Console>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Devices besides `%time`, which is always there.
    pub devices: Vec<Arc<dyn Device>>,
    /// Native twins of known laws.
    pub jets: Arc<JetTable>,
    /// When laws are compiled. What happens does not depend on it.
    pub jit: jit::Mode,
    /// The heap of the cog. Those of drivers and jobs are the same with a smaller nursery.
    pub heap: vm::Options,
    /// How many jobs run at the same time; at least 1.
    pub jobs: usize,
    /// How long one evaluation of the cog or a driver may take.
    pub limit: Duration,
    /// When to write snapshots; never, not even when stopping, without a rule.
    pub snapshots: Option<SnapshotRule>,
    /// Which snapshot to go on from.
    pub replay: ReplayFrom,
    /// The store's.
    pub store: persist::StoreSettings,
}

impl Settings {
    /// The usual: the system's clock, 8 jobs, 30 s an evaluation, no jets, hot laws compiled.
    pub fn new(console: Arc<dyn Console>) -> Settings {
        Settings {
            console,
            clock: Arc::new(SystemClock),
            devices: Vec::new(),
            jets: Arc::default(),
            jit: jit::Mode::default(),
            heap: vm::Options::default(),
            jobs: 8,
            limit: Duration::from_secs(30),
            snapshots: Some(SnapshotRule::default()),
            replay: ReplayFrom::Latest,
            store: persist::StoreSettings::default(),
        }
    }

    /// A runtime for a driver or job.
    pub(crate) fn small_runtime(&self) -> Result<Vm, SystemError> {
        let nursery = self.heap.nursery.min(256 << 10);
        self.runtime(vm::Options { nursery, ..self.heap.clone() })
    }

    /// A runtime with such a heap, the machine's jets and the compiler.
    pub(crate) fn runtime(&self, heap: vm::Options) -> Result<Vm, SystemError> {
        let refused = SystemError::new("reserve memory");
        let mut vm = match Vm::new(heap, Arc::clone(&self.jets)) {
            Ok(vm) => vm,
            Err(error) => return Err(refused(error)),
        };
        let jets = jit::build::Jets::of(Arc::clone(&self.jets));
        match jit::plug_in(&mut vm, jets, self.jit) {
            Ok(()) => Ok(vm),
            Err(error) => Err(refused(io::Error::other(error))),
        }
    }
}
