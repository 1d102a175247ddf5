//! The error of the public interface.

use plan::EvalError;
use std::io;
use std::path::PathBuf;

/// Why a module was not loaded, or why a session ended.
#[derive(Debug, thiserror::Error)]
pub enum SireError {
    /// A command of a module failed. The session's output has the details.
    #[error("{file}:{line}: {reason}\n\n    {source_line}")]
    Command {
        /// The file.
        file: String,
        /// The first line of the command, counted from 1.
        line: usize,
        /// The reason.
        reason: String,
        /// The text of that line, or the start of a long one.
        source_line: String,
    },
    /// A module is not well-formed, or a command of it failed. The receiver of diagnostics has the
    /// details.
    #[error("the module has errors")]
    Reported,
    /// A file is not well-formed Rex.
    #[error("{0}")]
    Syntax(rex::ReadError),
    /// An argument does not name a module.
    #[error(
        "not a Sire module: {0} (expected a name, such as prelude, or the path of a .sire file)"
    )]
    ModuleName(String),
    /// An argument is the path of a file that does not exist.
    #[error("{}: no such file", .0.display())]
    NoFile(PathBuf),
    /// Neither the folder nor the library has a module.
    #[error("{}no module {name}: neither {} nor the library has it", prefix(.required_by), .path.display())]
    NoModule {
        /// The module's name.
        name: String,
        /// The file that does not exist.
        path: PathBuf,
        /// The file and line that name it.
        required_by: Option<String>,
    },
    /// Modules depend on each other.
    #[error("{place}: the modules {} depend on each other", .modules.join(" <- "))]
    Cycle {
        /// The file and line that close the cycle.
        place: String,
        /// The modules of the cycle; the last one is the first one again.
        modules: Vec<String>,
    },
    /// A file does not begin with a module header.
    #[error("{file}:{line}: {reason}")]
    Header {
        /// The file.
        file: String,
        /// The line of its first command.
        line: usize,
        /// The reason.
        reason: &'static str,
    },
    /// A module has no binding of a name.
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
        /// The reason.
        error: io::Error,
    },
    /// The session's input could not be read.
    #[error("cannot read the input: {0}")]
    Input(io::Error),
    /// The session's output could not be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// An invariant of this crate does not hold. This is a bug.
    #[error("internal error: {0}")]
    Internal(String),
    /// An evaluation outside any command ended without a value.
    #[error(transparent)]
    Stop(#[from] EvalError),
}

fn prefix(required_by: &Option<String>) -> String {
    required_by.as_ref().map_or_else(String::new, |place| format!("{place}: "))
}

impl SireError {
    /// Returns the exit code of a program that ends with this error: 2 for a failed command, 1 for
    /// any other error.
    pub fn exit_code(&self) -> u8 {
        match self {
            SireError::Command { .. } | SireError::Reported => 2,
            _ => 1,
        }
    }
}
