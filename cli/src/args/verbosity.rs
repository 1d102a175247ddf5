//! `-q` and `-v`: how much a command shows.

use clap::{Args, ValueEnum};

/// The place of the options in the help: behind all others but those for help.
const LAST: usize = 900;

/// How much a command shows apart from its result.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// Also progress and notices of what happens, on a terminal.
    #[default]
    Normal,
    /// Also the steps of the work, whether or not on a terminal.
    Verbose,
}

/// The options of every command for how much it shows.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct VerbosityOptions {
    /// Show only the result, warnings and errors: no progress, no notices, no definitions of modules
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = LAST)]
    quiet: bool,
    /// Show what is done, also off a terminal: definitions of modules that are loaded, modules that
    /// pass, where a machine resumes and what it saved
    #[arg(short, long, global = true, display_order = LAST)]
    verbose: bool,
}

impl VerbosityOptions {
    /// The verbosity on the command line. None if it has neither option.
    pub(crate) fn chosen(self) -> Option<Verbosity> {
        match (self.quiet, self.verbose) {
            (true, _) => Some(Verbosity::Quiet),
            (_, true) => Some(Verbosity::Verbose),
            (false, false) => None,
        }
    }
}
