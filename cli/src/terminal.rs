//! What the command shows apart from its result: colours, exit codes, error messages.

use crate::args::{PrintSize, Verbosity, byte_size};
use crate::config;
use anyhow::Context;
use clap::ValueEnum;
use rex::print::Colour;
use show::{PrintLimit, PrintOptions};
use sire::Diagnostic;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

/// Exit code of a panic, which is a bug in this program.
pub(crate) const INTERNAL_ERROR: u8 = 101;
/// Exit code of a wrong command line or setting, and of a session with a failed command.
pub(crate) const USAGE: u8 = 2;
/// Exit code of a machine that ended by itself because its cog crashed.
pub(crate) const COG_CRASHED: u8 = 3;
/// Exit code of a machine that stopped because an event exceeded a limit.
pub(crate) const LIMIT_EXCEEDED: u8 = 4;

/// Exit code of a machine that ended because nothing can happen to it any more.
pub(crate) const STALLED: u8 = 5;

/// An error that sets the exit code. Errors of other types exit with 1.
#[derive(Debug)]
pub(crate) struct ExitError {
    /// The exit code.
    pub(crate) code: u8,
    /// The message to print, unless the command has already reported the error.
    pub(crate) message: Option<String>,
}

impl std::fmt::Display for ExitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("failed"))
    }
}

impl std::error::Error for ExitError {}

/// Converts an error of Sire to its text and exit code. The error itself holds values of the
/// runtime, which cannot leave their thread.
pub(crate) fn sire_error(error: sire::SireError) -> anyhow::Error {
    let is_reported = matches!(error, sire::SireError::Reported);
    let message = (!is_reported).then(|| error.to_string());
    ExitError { code: error.exit_code(), message }.into()
}

/// Returns a question that ends an error, with names that a person may have meant; nothing without names.
pub(crate) fn did_you_mean(names: Vec<String>) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

/// Converts the error of an evaluation to its text, for the same reason.
pub(crate) fn evaluation_error(stop: plan::EvalError) -> anyhow::Error {
    anyhow::anyhow!("{stop}")
}

/// Prints an error, and returns the exit code for it.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    print_error(error);
    ExitCode::from(error.downcast_ref::<ExitError>().map_or(1, |exit| exit.code))
}

/// Prints an error, unless the command has already reported it.
pub(crate) fn print_error(error: &anyhow::Error) {
    let is_reported = |exit: &ExitError| exit.message.is_none();
    if !error.downcast_ref::<ExitError>().is_some_and(is_reported) {
        // If standard error cannot be written, there is nowhere to report that.
        let _ = writeln!(io::stderr(), "pallas: {error:#}");
    }
}

static VERBOSITY: OnceLock<Verbosity> = OnceLock::new();

/// Sets how much this process shows: what the command line chooses, or else the setting. Only the
/// first call has an effect.
pub(crate) fn set_verbosity(chosen: Option<Verbosity>) {
    let setting = config::current().value("verbosity");
    let setting = setting.and_then(|text| Verbosity::from_str(text, false).ok());
    // There is one call, before anything asks.
    let _ = VERBOSITY.set(chosen.or(setting).unwrap_or_default());
}

/// How much this process shows.
pub(crate) fn verbosity() -> Verbosity {
    *VERBOSITY.get_or_init(Verbosity::default)
}

/// Whether notices of what happens are shown: on a terminal unless with `-q`, and elsewhere with
/// `-v`.
pub(crate) fn shows_notices() -> bool {
    match verbosity() {
        Verbosity::Quiet => false,
        Verbosity::Normal => is_terminal(),
        Verbosity::Verbose => true,
    }
}

/// Whether a person reads what is printed: standard output and standard error are a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Whether a crash is shown with the calls that were in progress: to a person, and where the user
/// asks for more output.
pub(crate) fn shows_call_chains() -> bool {
    verbosity() == Verbosity::Verbose || io::stdout().is_terminal()
}

/// The text of a call chain: a heading, and a line for each call.
pub(crate) fn call_chain_text(calls: &[String]) -> String {
    format!("calls, innermost first:\n  {}\n", calls.join("\n  "))
}

/// Prints a diagnostic of Sire.
pub(crate) fn print_diagnostic(diagnostic: &Diagnostic) {
    let text = diagnostic.render(stderr_colour(), width());
    // If standard error cannot be written, there is nowhere to report that.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Width of the terminal in columns.
pub(crate) fn width() -> usize {
    const DEFAULT: usize = 100;
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(DEFAULT)
}

/// Has a panic that a lost page of a mapped file caused end the process with a message that names
/// the file, and not as a defect of this program.
pub(crate) fn report_lost_pages() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match plan::page_fault::last_fault() {
        None => default(panic),
        Some(place) => {
            // If standard error cannot be written, there is nowhere to report that.
            let _ = writeln!(
                io::stderr(),
                "pallas: {place}: the page could not be read while it was in use (a disk error, \
                 or the file was cut short), and the process cannot continue; nothing that was \
                 acknowledged is lost"
            );
            std::process::exit(1);
        }
    }));
}

/// Has a write beyond the limit on the size of files (`ulimit -f`) fail, where the system would
/// end the process.
pub(crate) fn report_file_size_limit() -> anyhow::Result<()> {
    // The signal must be handled, not ignored: programs that this one may start inherit ignored
    // signals. The failed write says what is needed, so nobody reads the flag.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())
        .map(drop)
        .context("cannot handle SIGXFSZ")
}

/// Colours for a terminal; none elsewhere, or if the variable `NO_COLOR` is set and not empty.
pub(crate) fn colour(is_terminal: bool) -> Colour {
    let disabled = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_terminal && !disabled { Colour::Terminal } else { Colour::None }
}

/// The setting of how much of a value is shown, for the line that says what is missing.
const PRINT_SETTING: &str = "--full, or PALLAS_PRINT_LIMIT=SIZE,";

/// How values are printed to standard output: less of a large value on a terminal. The setting
/// `print-limit` and the option `--full` set another limit, which then is that of traces and
/// messages too.
///
/// # Errors
/// If the setting is not a size, which is checked when it is read.
pub(crate) fn print_options(size: PrintSize) -> anyhow::Result<PrintOptions> {
    let is_terminal = io::stdout().is_terminal();
    let bytes = if is_terminal { config::TERMINAL_PRINT_LIMIT } else { PrintLimit::DEFAULT.bytes };
    let whole = PrintLimit {
        setting: PRINT_SETTING,
        heap_setting: "a larger --max-heap",
        ..PrintLimit::UNLIMITED
    };
    let limit = match config::current().value("print-limit") {
        _ if size.full => whole,
        Some(text) => {
            let bytes = byte_size(text, 1).map_err(anyhow::Error::msg)? as u64;
            PrintLimit { bytes, message_bytes: bytes, ..whole }
        }
        None => PrintLimit { bytes, message_bytes: PrintLimit::DEFAULT.message_bytes, ..whole },
    };
    Ok(PrintOptions { colour: colour(is_terminal), limit })
}

/// [`colour`] of standard output.
pub(crate) fn stdout_colour() -> Colour {
    colour(io::stdout().is_terminal())
}

/// [`colour`] of standard error.
pub(crate) fn stderr_colour() -> Colour {
    colour(io::stderr().is_terminal())
}
