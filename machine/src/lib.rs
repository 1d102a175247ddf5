//! A [`Machine`] is a persistent process: [`Machine::open`] loads its last snapshot and replays the
//! events since, and [`Machine::run`] applies new events, logs them, and lets their effects happen.
//!
//! A machine runs one *cog*, a pure transition function in PLAN, and the *workers* that the cog
//! asks for: drivers, which interact with the outside, and jobs, which compute in parallel.
//! `PROTOCOL.md`, beside this crate, specifies their values and what each party may rely on.
//!
//! ```text
//!   devices ◀──call── driver  ──write, read──▶ cog ──event──▶ log (persist)
//!           ──answer─▶ threads ◀──message───── thread ◀─durable─┘
//!                                  job pool ──result──▶ │
//!                                                       └──▶ snapshots
//! ```
//!
//! The guarantees:
//!
//! - An event (a batch of inputs of the cog) is evaluated and logged with its outcome. Only when
//!   the log is durable does anything that depends on the event become visible: messages, starts of
//!   workers, answers to reads, traces.
//! - Starting is loading the newest snapshot and replaying each event
//!   since. Events and snapshots carry hashes of the state, so a replay that diverges is an error.
//! - An event that exceeds a limit (CPU time, stack, memory) has not happened. Its inputs are tried
//!   one by one, and one that exceeds a limit by itself is set aside: kept in the store, listed by
//!   `pallas du`, and offered again on request.
//! - An event that crashes ends the cog. The crash is in the log, and a replay takes it from there.
//!   On request, the cog runs again from the state before, without the inputs of that event. Any
//!   other failed evaluation ends only itself.
//! - A machine that has nothing to do uses no processor time.
//!
//! The cog and each job have a heap and a thread of their own. Drivers share a few threads, each
//! with one heap; one that computes for long has a heap of its own meanwhile (`driver`). Values
//! cross as bytes (`codec`).
//!
//! The modules, each layer above those that it uses:
//!
//! ```text
//! machine       boot, open, run; the event loop, events and limits, effects that wait for the log,
//!               shutdown
//! boot          a new store from a value        replay        snapshot, events since, checks
//! snapshot      when and how one is written     state_hash    when the state's hash is logged
//! control       the control socket, by which other processes ask a running machine
//! garbage       when and how garbage of the store is collected
//! worker_pool   the running workers             worker_table  which worker is in which slot
//! cog           the cog's heap: events, reads   driver, job   the workers
//! trace         reports about evaluations       message       messages between threads
//! mailbox       queues of messages to a thread
//! metrics       counts of a running machine
//! settings      what an embedder chooses        device        what drivers call; time, tcp, udp, stdio
//! reactor       readiness of sockets            handles       what devices opened for drivers
//! status        the state as a pin              event         the bytes of an event
//! set_aside     the bytes of a set-aside input
//! conventions   what programs of different kernels expect
//! watchdog      time limits                     cancellation  ending a worker from outside
//! program       what an upgrade gives a machine  upgrade_check  which rehearsal it demands
//! replay_source where a replay reads           state_diff    what differs between two states
//! rehearsal     a new program beside the old one, on the last events
//! history       states and events, read only     logged        an event for other crates
//! protocol      the shapes of PLAN values       codec         values as bytes
//! clock         wall, monotonic, CPU time       console       what a machine reports
//! germs         pins that move between stores   verify        the hashes of stored pins
//! packed        values whose pins a heap may have
//! sampling      profiles of the running machine
//! worker_sampling  their parts in workers with a runtime of their own
//! ```
//!
//! An embedder gives a machine a [`Console`], and stops it with a [`MachineHandle`]:
//!
//! ```no_run
//! # fn demo(console: std::sync::Arc<dyn machine::Console>) -> Result<(), Box<dyn std::error::Error>> {
//! use machine::{Machine, MachineSettings};
//! let machine = Machine::open("counter".as_ref(), MachineSettings::new(console))?;
//! let handle = machine.handle();
//! std::thread::spawn(move || {
//!     // On a signal:
//!     handle.stop();
//! });
//! let outcome = machine.run()?;
//! # let _ = outcome; Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod boot;
mod cancellation;
pub mod clock;
mod codec;
mod cog;
mod console;
pub mod control;
mod conventions;
pub mod device;
mod driver;
mod error;
mod event;
mod garbage;
mod germs;
mod history;
mod job;
mod logged;
mod machine;
mod mailbox;
mod message;
mod metrics;
mod packed;
mod platform;
mod program;
mod protocol;
mod rehearsal;
mod replay;
mod replay_source;
mod sampling;
mod set_aside;
mod settings;
mod snapshot;
mod state_diff;
mod state_hash;
mod status;
mod trace;
mod upgrade_check;
mod verify;
mod watchdog;
mod worker_pool;
mod worker_sampling;
mod worker_table;

pub use boot::{BootOptions, BootReport};
pub use console::{Console, ConsoleNotice, ReportOrigin};
pub use conventions::{JobResultForm, ReadArgumentOrder};
pub use error::{
    AbortReason, BootError, LimitStop, LimitStopCause, ListenError, RollbackError, RunError,
    StartError, StateError, SystemError, UpgradeError, UpgradeFailure,
};
pub use germs::GermCodec;
pub use history::{LoggedOutput, MachineHistory, MachineReplay, ReplayStatus, ReplayedEvent};
pub use logged::{LoggedEnding, LoggedEvent, LoggedInput, LoggedInputKind};
pub use machine::{CogCrash, Machine, MachineHandle, OfferReport, RollbackReport, RunOutcome};
pub use message::{OpenCall, WorkerCalls};
pub use metrics::MachineMetrics;
pub use program::{ProgramError, UpgradeProgram};
pub use protocol::{CogParts, WorkerRef};
pub use rehearsal::{RehearsalReport, RehearsedEnding, RehearsedEvent, WorkerComparison};
pub use set_aside::{SetAsideInput, SetAsideReason, UnknownSetAsideInput};
pub use settings::{
    DriverSettings, GarbagePolicy, MachineSettings, NetworkSettings, ReplayFrom, SnapshotPolicy,
    TimeLimits,
};
pub use state_diff::{DiffLimit, StateChange, StateDiff};
pub use upgrade_check::{UpgradeAnswerFields, UpgradeCheck, UpgradeReport};
pub use verify::HashVerifier;

#[cfg(test)]
mod tests;
