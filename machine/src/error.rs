//! The errors, one enum for each operation. Messages name the path, the place and the reason.
//!
//! No error holds a PLAN value: errors outlive heaps, and may move to other threads.

use persist::{CreateError, LogError, OpenError, PinError, Seq, SnapshotError, StoreReadError};
use plan::{EvalError, Hash};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

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

const _: () = {
    const fn sendable<T: Send + Sync + 'static>() {}
    sendable::<BootError>();
    sendable::<StartError>();
    sendable::<RunError>();
};
