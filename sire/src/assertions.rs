//! Checks of a module's assertions, of which all are executed, whether or not others fail.

use crate::Sire;
use crate::command_error::CommandError;
use crate::diagnose::{diagnose, place};
use crate::diagnostic::Diagnostic;
use crate::error::SireError;
use crate::locate::span_of;
use crate::modules::ModuleArgument;
use crate::report::CommandLocation;
use crate::session::Session;
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

impl Sire {
    /// Loads a module like [`Sire::load_argument`], and executes all its assertions, even if its
    /// state is in the cache. Failed assertions do not end the load. The state after the module is
    /// not cached.
    ///
    /// # Errors
    ///
    /// Those of [`Sire::load`], other than a failed assertion of this module.
    pub fn check_assertions(
        &mut self,
        module: &ModuleArgument,
    ) -> Result<Vec<AssertionReport>, SireError> {
        self.session.assertion_reports.clear();
        self.checks_assertions = true;
        let result = self.load_argument(module);
        self.checks_assertions = false;
        result.map(|()| std::mem::take(&mut self.session.assertion_reports))
    }
}

/// Makes the reports of the assertions of a command.
///
/// # Errors
///
/// An error of the output, or of the runtime outside the command.
pub(crate) fn report_assertions(
    session: &mut Session,
    location: &CommandLocation<'_>,
) -> Result<(), CommandError> {
    let Some(checked) = &mut session.checked_assertions else { return Ok(()) };
    for CheckedAssertion { part, failure } in std::mem::take(checked) {
        let Session { vm, expansions, .. } = &*session;
        let span = span_of(vm, location.rex, location.block, &part, expansions);
        let at = place(location, span.range());
        let failure = failure.map(|error| diagnose(session, location, error)).transpose()?;
        session.assertion_reports.push(AssertionReport {
            file: location.path.to_owned(),
            line: at.as_ref().map_or(location.line, |at| at.line),
            text: at.map(|at| at.text).unwrap_or_default(),
            failure,
        });
    }
    Ok(())
}
