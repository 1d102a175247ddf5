//! What can go wrong.
//!
//! [`Fault`] is why one command failed, while its source is at hand; [`Error`] is what callers get.

use crate::bind::Malformed;
use std::io;
use std::path::PathBuf;
use vm::{Stop, Val};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A part of its source (a rex noun) is not acceptable.
    Reject {
        /// The part.
        problem: Val,
        /// What is wrong with it.
        reason: String,
    },
    /// A macro said so.
    Macro {
        /// The rex noun that it complained about.
        trouble: Val,
        /// What it said.
        reason: String,
    },
    /// An evaluation ended without a value.
    Stop(Stop),
    /// A macro left something else than a state.
    Malformed(Malformed),
    /// Inlining did not come to an end.
    InliningTooDeep,
    /// More binders are nested than an expression may stand under.
    TooManyBinders,
    /// The output could not be written.
    Output(io::Error),
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Fault {
        Fault::Stop(stop)
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Fault {
        Fault::Malformed(malformed)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Output(error)
    }
}

/// Why a module was not loaded, or a session ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command in a module failed. The details have been printed.
    #[error("{file}:{line}: {reason}\n\n    {source_line}")]
    Command {
        /// The file.
        file: String,
        /// The line that the command begins on, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// That line, or the start of a long one.
        source_line: String,
    },
    /// A file is not well-formed Rex.
    #[error("{0}")]
    Syntax(rex::ReadError),
    /// The name of a module can only be a plain word.
    #[error("not a Sire module: {0} (expected NAME, NAME.sire or sire/NAME.sire)")]
    ModuleName(String),
    /// There is no such module.
    #[error("{}no module {name}: neither {} nor the library has it", wanted(.by), .path.display())]
    NoModule {
        /// Its name.
        name: String,
        /// The file that was looked for.
        path: PathBuf,
        /// The file and line that name it as the predecessor.
        by: Option<String>,
    },
    /// Modules are each other's predecessors.
    #[error("{place}: the modules {} need each other", .modules.join(" <- "))]
    Cycle {
        /// The file and line that close the circle.
        place: String,
        /// The modules, the first one again at the end.
        modules: Vec<String>,
    },
    /// A file does not begin as a module does.
    #[error("{file}:{line}: {reason}")]
    Header {
        /// The file.
        file: String,
        /// The line of its first command.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A module has no such binding.
    #[error("{module} does not define `{name}`")]
    NoBinding {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
    /// A file could not be read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Input could not be read.
    #[error("cannot read the input: {0}")]
    Input(io::Error),
    /// Output could not be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// Something that should always hold does not: a mistake in this program.
    #[error("internal error: {0}")]
    Internal(String),
    /// The runtime stopped outside of any command.
    #[error(transparent)]
    Stop(#[from] Stop),
}

fn wanted(by: &Option<String>) -> String {
    by.as_ref().map_or_else(String::new, |by| format!("{by}: "))
}

impl Error {
    /// What a program that ends with this error exits with: 2 after a failed command, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Command { .. } => 2,
            _ => 1,
        }
    }
}
