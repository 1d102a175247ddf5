//! [`Question`]: what a page shows. [`PageError`]: why it cannot be shown.

/// What a page shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Question {
    /// The machine as a whole.
    Overview,
    /// The events before one; the newest ones if there is none.
    Log {
        /// The event after the last one that is shown.
        before: Option<u64>,
    },
    /// One event.
    Event(u64),
    /// A part of a state.
    State {
        /// The event before the state; None for the last one.
        event: Option<u64>,
        /// The way from the state to the part: indices of parts.
        path: Vec<usize>,
        /// The first part of this part that is shown.
        from: usize,
    },
    /// The workers after the last event.
    Workers {
        /// The first slot that is shown.
        from: usize,
    },
    /// The inputs that were set aside.
    SetAside,
    /// The use of the disk.
    Disk,
}

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// There is no such event, state or part.
    #[error("{0}")]
    Missing(String),
    /// The store cannot be read.
    #[error("{0}")]
    Store(String),
}

impl PageError {
    /// Makes an error of the store.
    pub(crate) fn store(error: impl std::fmt::Display) -> PageError {
        PageError::Store(error.to_string())
    }
}
