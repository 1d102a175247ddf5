//! The results of assertions. A check executes all assertions, whether or not others fail.

use crate::command_error::CommandError;
use crate::diagnostic::Diagnostic;
use plan::Val;

/// The result of an assertion of the command that is being executed.
pub(crate) struct CheckedAssertion {
    /// The assertion, as a Rex value.
    pub(crate) part: Val,
    /// Why it failed.
    pub(crate) failure: Option<CommandError>,
}

/// The result of an assertion.
#[derive(Clone, Debug)]
pub struct AssertionReport {
    /// The path of the file.
    pub file: String,
    /// The line of the assertion, counted from 1.
    pub line: usize,
    /// The text of that line.
    pub text: String,
    /// Why it failed; none if it passed.
    pub failure: Option<Diagnostic>,
}
