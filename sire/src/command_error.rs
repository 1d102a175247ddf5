//! Why a command failed.
//!
//! A [`CommandError`] holds the offending part of the source as a Rex value; [`report`] prints it.
//! [`SireError`] is the error of the public interface.
//!
//! [`report`]: mod@crate::report
//! [`SireError`]: crate::SireError

use crate::error::SireError;
use crate::malformed::MalformedValue;
use plan::{EvalError, Val};
use std::io;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The compiler rejects a part of the source.
    Rejected {
        /// The part, as a Rex value.
        part: Val,
        /// The reason.
        reason: String,
    },
    /// A macro reported an error.
    Macro {
        /// The part of the source that the macro names, as a Rex value.
        part: Val,
        /// The macro's message.
        reason: String,
    },
    /// An evaluation ended without a value.
    Stop(EvalError),
    /// A macro returned a state that is not one.
    Malformed(MalformedValue),
    /// Inlining exceeded the limit for nested binders.
    InliningTooDeep,
    /// The source nests more binders than an expression may have.
    TooManyBinders,
    /// The output could not be written.
    Output(io::Error),
}

impl CommandError {
    /// Converts an error that the session cannot report itself.
    pub(crate) fn into_sire_error(self) -> SireError {
        match self {
            CommandError::Output(error) => SireError::Output(error),
            CommandError::Stop(stop) => SireError::Stop(stop),
            error => SireError::Internal(format!("{error:?}")),
        }
    }
}

impl From<EvalError> for CommandError {
    fn from(stop: EvalError) -> CommandError {
        CommandError::Stop(stop)
    }
}

impl From<MalformedValue> for CommandError {
    fn from(malformed: MalformedValue) -> CommandError {
        CommandError::Malformed(malformed)
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> CommandError {
        CommandError::Output(error)
    }
}

/// The reason for rejecting a value that should be a Rex value.
pub(crate) const MALFORMED_REX: &str = "malformed rex";

/// Rejects a part of the source.
pub(crate) fn reject<T>(part: &Val, reason: impl Into<String>) -> Result<T, CommandError> {
    Err(CommandError::Rejected { part: part.clone(), reason: reason.into() })
}
