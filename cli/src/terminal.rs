//! The user's side: colours, exit codes, Ctrl-C.

use rex::print::Colour;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// A mistake in this program.
pub(crate) const INTERNAL: u8 = 101;
/// A machine that ended by itself because its cog crashed.
pub(crate) const CRASHED: u8 = 3;

/// An error that has its own exit code.
#[derive(Debug)]
pub(crate) struct Exit {
    /// The code.
    pub(crate) code: u8,
    /// What to print, if it has not been told yet.
    pub(crate) message: Option<String>,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("failed"))
    }
}

impl std::error::Error for Exit {}

/// Why Sire failed, without the values of its runtime, which cannot leave their thread.
pub(crate) fn sire_error(error: sire::SireError) -> anyhow::Error {
    Exit { code: error.exit_code(), message: Some(error.to_string()) }.into()
}

/// Why an evaluation ended, likewise.
pub(crate) fn stopped(stop: vm::Stop) -> anyhow::Error {
    anyhow::anyhow!("{stop}")
}

/// Tells why a command failed, and what to exit with.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    let mut code = 1;
    let mut quiet = false;
    if let Some(exit) = error.downcast_ref::<Exit>() {
        code = exit.code;
        quiet = exit.message.is_none();
    }
    if !quiet {
        // Nothing is left to be told if standard error is gone too.
        let _ = writeln!(io::stderr(), "pallas: {error:#}");
    }
    ExitCode::from(code)
}

/// Colours on a terminal, none elsewhere or where `NO_COLOR` asks for none.
pub(crate) fn colour(is_terminal: bool) -> Colour {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_terminal && !refused { Colour::Terminal } else { Colour::None }
}

/// [`colour`] of standard output.
pub(crate) fn stdout_colour() -> Colour {
    colour(io::stdout().is_terminal())
}

/// [`colour`] of standard error.
pub(crate) fn stderr_colour() -> Colour {
    colour(io::stderr().is_terminal())
}
