//! What can go wrong, one enum for each operation. Messages name path, place and reason.
//!
//! No error holds a value: errors outlive heaps, and may be handed to other threads.

use persist::{CreateError, LogError, OpenError, PinError, Seq, SnapshotError, StoreReadError};
use std::fmt;
use std::io;
use std::path::PathBuf;
use vm::Hash;

/// Why an evaluation ended, other than by PLAN's own crash or for lack of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abort {
    /// It went deeper than the stack may grow.
    Stack,
    /// Its live data outgrew the heap.
    Memory,
    /// A value was needed to compute itself.
    Loop,
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Abort::Stack => "it needs more stack than it may use",
            Abort::Memory => "it needs more memory than it may use",
            Abort::Loop => "a value is needed to compute itself",
        })
    }
}

/// Why a machine was not booted.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The program's value could not be computed, for this reason. Nothing was created. (Whoever
    /// wants to show what it crashed with evaluates it before.)
    #[error("the program has no value: {0}")]
    Evaluation(String),
    /// A machine is there already.
    #[error("{}: already holds a machine; start it, or choose another directory", path.display())]
    Exists {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store could not be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A store that was created before, but never booted, could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The program could not be stored.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Why a machine could not be started. Its store is as it was.
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
    /// The snapshot's state could not be loaded.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record of the log is whole, but no event.
    #[error("{}: event {seq} of the log is not one of this program's: byte {offset}: {problem}",
            path.display())]
    Record {
        /// The store's directory.
        path: PathBuf,
        /// The event.
        seq: Seq,
        /// Where in the record, in bytes from its start.
        offset: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The state that a replay arrived at is not the one that was recorded.
    #[error("{}: the replay went astray: before event {seq} the state should have the hash \
             {expected}, but has {found}; start it with the program that ran it", path.display())]
    Astray {
        /// The store's directory.
        path: PathBuf,
        /// The event before which it was noticed.
        seq: Seq,
        /// The hash of the state as it was recorded.
        expected: Hash,
        /// The hash of the state that the replay arrived at.
        found: Hash,
    },
    /// An event that came to its end when it happened does not in the replay.
    #[error("{}: the replay cannot go on: event {seq} succeeded when it happened, but now: {problem}",
            path.display())]
    Stuck {
        /// The store's directory.
        path: PathBuf,
        /// The event.
        seq: Seq,
        /// How its evaluation ended now.
        problem: String,
    },
    /// The system refused what running needs.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// Why a running machine had to stop. Its store holds everything that was acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A pin of the state is not what was written. The event that came upon it has not happened.
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
    /// A snapshot failed in a way that concerns the log, too.
    #[error(transparent)]
    State(#[from] StateError),
    /// The system refused what running needs.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Something happened that cannot.
    #[error("{0}; this is a defect of this program, please report it")]
    Defect(String),
}

/// The system refused a resource.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {source}")]
pub struct SystemError {
    /// What was tried, as an infinitive.
    pub(crate) action: &'static str,
    /// What the system said.
    pub(crate) source: io::Error,
}

impl SystemError {
    pub(crate) fn new(action: &'static str) -> impl FnOnce(io::Error) -> SystemError {
        move |source| SystemError { action, source }
    }
}

/// Why a machine's state was not stored or not loaded.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The pins could not be stored or read.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A pin of the state was not kept.
    #[error("{}: the state cannot be stored: {problem}", path.display())]
    Freeze {
        /// The store's directory.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The snapshot's root is no machine's state.
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
        /// Which limit was met.
        problem: String,
    },
}

const _: () = {
    const fn sendable<T: Send + Sync + 'static>() {}
    sendable::<BootError>();
    sendable::<StartError>();
    sendable::<RunError>();
};
