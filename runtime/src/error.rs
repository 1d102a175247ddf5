//! [`RuntimeError`]: the errors of an embedder's calls; [`SetupError`]: why a runtime was not made.

use plan::seed::{LoadError, SaveError};
use plan::{EvalError, FreezeError};
use std::io;

/// Why a runtime was not made. It may be sent to another thread.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The system refused the addresses of a stack.
    #[error("the system refused the addresses of a stack: {0}")]
    Stack(#[source] io::Error),
    /// The compiler could not be set up.
    #[error("the compiler cannot be set up: {0}")]
    Compiler(#[from] jit::codegen::CompileError),
}

/// Why a call of the runtime or of its store failed. An error of an evaluation may hold values, so
/// it stays on the thread of its runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The runtime was not made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The system refused something: memory, a file.
    #[error("the system refused what the runtime needs: {0}")]
    System(#[from] io::Error),
    /// An evaluation ended without a value.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// Bytes are not a seed.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A value was not saved as a seed.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A value was not frozen into a store.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// A store was not created.
    #[error(transparent)]
    Create(#[from] persist::CreateError),
    /// A store was not opened.
    #[error(transparent)]
    Open(#[from] persist::OpenError),
    /// The log could not be written.
    #[error(transparent)]
    Log(#[from] persist::LogError),
    /// A pin of a store was not found, or is damaged.
    #[error(transparent)]
    Pin(#[from] persist::PinError),
    /// A snapshot was not written or read.
    #[error(transparent)]
    Snapshot(#[from] persist::SnapshotError),
    /// A store could not be read.
    #[error(transparent)]
    Read(#[from] persist::StoreReadError),
}
