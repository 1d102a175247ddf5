//! The errors, one enum for each operation. Messages name the path, the place and the reason.
//!
//! No error holds a PLAN value: errors outlive heaps, and may move to other threads.

use persist::{CreateError, LogError, OpenError, PinError, Seq, SnapshotError, StoreReadError};
use plan::{EvalError, Hash};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why an evaluation was aborted: it ended without a value, and not by a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AbortReason {
    /// It needs more CPU time than it may use ([`TimeLimits`](crate::TimeLimits)).
    Time,
    /// It needs more stack than it may use.
    Stack,
    /// Its live data is larger than the heap may be.
    Memory,
    /// A value was needed to compute itself.
    Loop,
}

/// Why a machine stopped at an event that exceeds a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitStop {
    /// Why the last event was aborted.
    pub reason: AbortReason,
    /// Why the machine did not go on without its inputs.
    pub cause: LimitStopCause,
}

/// Why a machine does not go on after an event that exceeds a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitStopCause {
    /// This many inputs in a row were set aside.
    SetAsideInRow(u32),
    /// The input is the result of the job in this slot, and only inputs of drivers are set aside.
    JobResult(u64),
}

impl AbortReason {
    /// Why an evaluation with this error was aborted. None if it crashed or met a damaged pin.
    pub(crate) fn of(error: &EvalError) -> Option<AbortReason> {
        match error {
            EvalError::Interrupted => Some(AbortReason::Time),
            EvalError::StackOverflow => Some(AbortReason::Stack),
            EvalError::OutOfMemory | EvalError::TooLarge { .. } => Some(AbortReason::Memory),
            EvalError::Loop => Some(AbortReason::Loop),
            EvalError::Crash { .. } | EvalError::Damaged { .. } => None,
        }
    }
}

impl fmt::Display for AbortReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AbortReason::Time => "it needs more CPU time than it may use",
            AbortReason::Stack => "it needs more stack than it may use",
            AbortReason::Memory => "it needs more memory than it may use",
            AbortReason::Loop => "a value is needed to compute itself",
        })
    }
}

/// Why a program could not take over the state of a machine. The machine is as it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UpgradeFailure {
    /// The bytes are not a program, for this reason.
    #[error("this is not a program for an upgrade: {0}")]
    NotAProgram(String),
    /// The old cog has no state that could be kept: it is not a closure with at least three
    /// arguments.
    #[error("the machine has no state to keep: its cog is not a closure of three arguments")]
    NoState,
    /// The new cog does not have the form of one.
    #[error(
        "the new cog is none: expected a closure of a law that lacks one argument, whose last \
         arguments are a state, a function that answers reads, and a row of workers"
    )]
    NotACog,
    /// `migrate` crashed, as this text describes.
    #[error("`migrate` crashed: {0}")]
    Crashed(String),
    /// `migrate` exceeded a limit, or can never end.
    #[error("`migrate` was stopped: {0}")]
    Aborted(AbortReason),
    /// The machine is shutting down, and `migrate` took longer than it waits.
    #[error("the machine is stopping")]
    ShuttingDown,
    /// A damaged pin was needed, as described here.
    #[error("{0}")]
    Damaged(String),
}

/// Why a machine was not upgraded. Unless it is [`UpgradeError::Run`], the machine is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// This very program has not been rehearsed, or not without a fault.
    #[error(
        "there is no clean rehearsal of the program {program}; run `pallas rehearse` first, or \
         upgrade with --force"
    )]
    NotRehearsed {
        /// The hash of the program.
        program: Hash,
    },
    /// The rehearsal is too old.
    #[error(
        "the rehearsal was of the state after event {at}, and the machine is at event {now}; rehearse \
         again, allow a larger lag than --max-lag {max_lag}, or upgrade with --force"
    )]
    OldRehearsal {
        /// The last event of the state that was rehearsed.
        at: u64,
        /// The last event of the machine.
        now: u64,
        /// How many events may be between them.
        max_lag: u64,
    },
    /// The program could not take over the state.
    #[error("the machine was not upgraded: {0}")]
    Failed(#[from] UpgradeFailure),
    /// The machine had to stop.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a machine did not go back to an earlier state.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The event is not before the last one.
    #[error(
        "there is nothing to roll back: the last event is {last}, and the state after event \
             {to} was asked for"
    )]
    NotEarlier {
        /// The event.
        to: u64,
        /// The last event.
        last: u64,
    },
    /// The earlier state cannot be computed.
    #[error(transparent)]
    State(#[from] StartError),
    /// The machine had to stop.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a machine could not be booted.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The program's value cannot be computed, for this reason. Nothing was created. (To show what
    /// the program crashed with, evaluate it before booting.)
    #[error("the program has no value: {0}")]
    Evaluation(String),
    /// The store holds a machine already.
    #[error("{}: already holds a machine; start it, or choose another directory", path.display())]
    Exists {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store could not be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A store that an interrupted boot left behind could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The program could not be stored.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why a machine could not be started. What its store held is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] StoreReadError),
    /// The store holds no machine.
    #[error("{}: no machine has been booted in this store", path.display())]
    NotBooted {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store has no undamaged snapshot of the number that was asked for.
    #[error("{}: there is no usable snapshot {number}; the usable ones are {}", path.display(),
            list(usable))]
    NoSnapshot {
        /// The store's directory.
        path: PathBuf,
        /// The number.
        number: u64,
        /// The numbers of the usable snapshots, newest first.
        usable: Vec<u64>,
    },
    /// No kept snapshot leads to the state after an event, or there is no such event.
    #[error("{}: the state after event {wanted} cannot be computed: the kept snapshots and the log \
             lead to the states after the events from {first} to the last one", path.display())]
    Unreachable {
        /// The store's directory.
        path: PathBuf,
        /// The event.
        wanted: Seq,
        /// The event after which the first state can be computed.
        first: Seq,
    },
    /// The state could not be loaded from the snapshot, or stored in a new one.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record of the log is undamaged but not an event.
    #[error("{}: event {seq} of the log is not one of this program's: byte {offset}: {problem}",
            path.display())]
    Record {
        /// The store's directory.
        path: PathBuf,
        /// The event.
        seq: Seq,
        /// Where the problem is, in bytes from the start of the record.
        offset: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The replay arrived at another state than the one that was recorded.
    #[error("{}: the replay diverged: before event {seq} the state should have the hash \
             {expected}, but has {found}; start it with the program that ran it", path.display())]
    Diverged {
        /// The store's directory.
        path: PathBuf,
        /// The event before which the states were compared.
        seq: Seq,
        /// The recorded hash of the state.
        expected: Hash,
        /// The hash of the state that the replay arrived at.
        found: Hash,
    },
    /// An event that succeeded when it happened fails in the replay.
    #[error("{}: the replay cannot continue: event {seq} succeeded when it happened, but now: \
             {problem}; start it with the limits and the program that ran it", path.display())]
    ReplayFailed {
        /// The store's directory.
        path: PathBuf,
        /// The event.
        seq: Seq,
        /// How its evaluation ended now.
        problem: String,
    },
    /// A fork cannot be attached.
    #[error("the machine cannot be attached: {error}")]
    Attach {
        /// Why the store could not record it.
        error: LogError,
    },
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The system refused a resource.
    #[error(transparent)]
    System(#[from] SystemError),
}

fn list(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    if numbers.is_empty() { "none".into() } else { numbers.join(", ") }
}

/// Why a running machine had to stop. Its store holds everything that was acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A pin of the state is damaged. The event that needed it has not happened.
    #[error("{}: the machine had to stop: {problem}", path.display())]
    Damaged {
        /// The store's directory.
        path: PathBuf,
        /// What is damaged, where, and what to do.
        problem: String,
    },
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A snapshot failed for a reason that concerns the log too.
    #[error(transparent)]
    State(#[from] StateError),
    /// The inputs that were set aside could not be read.
    #[error(transparent)]
    Read(#[from] StoreReadError),
    /// The system refused a resource.
    #[error(transparent)]
    System(#[from] SystemError),
    /// A defect of this program.
    #[error("{0}; this is a defect of this program, please report it")]
    Defect(String),
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    pub(crate) address: SocketAddr,
    /// The system's error.
    pub(crate) source: io::Error,
}

/// The system refused a resource.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {error}")]
pub struct SystemError {
    /// What was tried, as an infinitive.
    pub(crate) action: &'static str,
    /// The system's error. It is a part of the message, and therefore not the error's source.
    pub(crate) error: io::Error,
}

impl SystemError {
    pub(crate) fn new(action: &'static str) -> impl FnOnce(io::Error) -> SystemError {
        move |error| SystemError { action, error }
    }
}

/// Why a machine's state could not be stored, loaded or hashed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The pins could not be stored or read.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The store refused a pin of the state.
    #[error("{}: the state cannot be stored: {problem}", path.display())]
    Freeze {
        /// The store's directory.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A pin of the state is damaged.
    #[error("{}: the state is damaged: {problem}", path.display())]
    Damaged {
        /// The store's directory.
        path: PathBuf,
        /// What is damaged, where, and what to do.
        problem: String,
    },
    /// The snapshot's root is not the state of a machine.
    #[error("{}: pin {hash} is no machine's state", path.display())]
    NotAState {
        /// The store's directory.
        path: PathBuf,
        /// The root pin.
        hash: Hash,
    },
    /// The state needs more memory than the heap may have.
    #[error("{}: there is no room for the state: {problem}", path.display())]
    NoRoom {
        /// The store's directory.
        path: PathBuf,
        /// Which limit was exceeded.
        problem: String,
    },
}

impl StateError {
    /// The error when the value of a state could not be evaluated, looked at or hashed.
    pub(crate) fn from_evaluation(directory: &Path, stop: &EvalError) -> StateError {
        let (path, problem) = (directory.into(), stop.to_string());
        match stop {
            EvalError::Damaged { .. } => StateError::Damaged { path, problem },
            _ => StateError::NoRoom { path, problem },
        }
    }
}

const _: () = {
    const fn sendable<T: Send + Sync + 'static>() {}
    sendable::<BootError>();
    sendable::<StartError>();
    sendable::<RunError>();
};
