//! Why a command failed.
//!
//! A [`CommandError`] holds the offending part of the source as a Rex value; [`report`] prints it.
//! [`SireError`] is the error of the public interface.
//!
//! [`report`]: mod@crate::report
//! [`SireError`]: crate::SireError

use crate::error::SireError;
use crate::malformed::MalformedValue;
use crate::output;
use crate::state::{ImportError, MissingNames, NameClash};
use plan::{EvalError, Natural, Val};
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
    /// A name is not bound.
    Unresolved(UnresolvedName),
    /// A module could not be imported.
    Import(FailedImport),
    /// The two sides of an assertion differ.
    Assertion {
        /// The assertion, as a Rex value.
        place: Val,
        /// The value of the left side.
        left: Val,
        /// The value of the right side.
        right: Val,
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

/// A name that is not bound.
#[derive(Debug)]
pub(crate) struct UnresolvedName {
    /// The part of the source that names it, as a Rex value.
    pub(crate) part: Val,
    pub(crate) name: Natural,
    /// The completed module in which the name was looked up; none for the scope.
    pub(crate) module: Option<Natural>,
    /// The names of the variables in scope.
    pub(crate) locals: Vec<Natural>,
}

impl UnresolvedName {
    /// Returns the reason as the prototype words it.
    pub(crate) fn reason(&self) -> String {
        let name = output::key_text(&self.name);
        match &self.module {
            Some(module) => format!("Unresolved symbol: {}.{name}", output::key_text(module)),
            None => format!("Unresolved symbol: {name}"),
        }
    }
}

/// An import that failed.
#[derive(Debug)]
pub(crate) struct FailedImport {
    /// The command, as a Rex value.
    pub(crate) block: Val,
    /// The name of the module in it.
    pub(crate) part: Val,
    pub(crate) module: Natural,
    pub(crate) error: ImportError,
}

impl FailedImport {
    /// Returns the reason, as the prototype words it where it knows the error.
    pub(crate) fn reason(&self) -> String {
        let text = output::key_text;
        match &self.error {
            ImportError::NotLoaded => format!("Module not loaded: {}", text(&self.module)),
            ImportError::MissingNames(MissingNames(names)) => {
                let names: Vec<String> = names.iter().map(text).collect();
                format!("imported symbols do not exist: {names:?}")
            }
            ImportError::Clashes(clashes) => {
                let clash = |NameClash { name, earlier, later }: &NameClash| {
                    format!("{} of {} and of {}", text(name), text(earlier), text(later))
                };
                let clashes: Vec<String> = clashes.iter().map(clash).collect();
                format!("imported names clash: {}", clashes.join(", "))
            }
            ImportError::AliasInUse { alias, module } => {
                format!("{} is already an alias of {}", text(alias), text(module))
            }
            ImportError::Malformed(malformed) => malformed.to_string(),
        }
    }
}

impl CommandError {
    /// Returns the reason, of an error that needs no values to be described.
    pub(crate) fn reason(&self) -> String {
        match self {
            CommandError::Rejected { reason, .. } | CommandError::Macro { reason, .. } => {
                reason.clone()
            }
            CommandError::Unresolved(unresolved) => unresolved.reason(),
            CommandError::Import(import) => import.reason(),
            CommandError::Assertion { .. } => "ASSERTION FAILURE".into(),
            CommandError::Stop(stop) => stop.to_string(),
            CommandError::Malformed(malformed) => malformed.to_string(),
            CommandError::InliningTooDeep => "inlining does not come to an end".into(),
            CommandError::TooManyBinders => "too many binders are nested".into(),
            CommandError::Output(error) => error.to_string(),
        }
    }

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
