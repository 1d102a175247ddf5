//! Executes one block of source, and reports its failure.

use crate::assertions::{AssertionReport, CheckedAssertion};
use crate::command;
use crate::command_error::CommandError;
use crate::diagnose::{diagnose, place};
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::locate::span_of;
use crate::nat_text;
use crate::operator_check::surprising_operators;
use crate::read_expr::read_expr;
use crate::report::{CommandLocation, report};
use crate::rex_value::RexView;
use crate::session::{Session, SurplusArguments};
use crate::typing::CheckMode;
use plan::Val;
use rex::SourceBlock;

/// The source that a block is from.
pub(crate) struct BlockSource<'a> {
    /// The name of the file, or `REPL`.
    pub(crate) file: &'a str,
    /// The path of the file, or `REPL`.
    pub(crate) path: &'a str,
    /// The text of the file, if it is known.
    pub(crate) text: Option<&'a str>,
}

/// Executes a block. If its command fails, this reports the error and returns the reason as the
/// inner error. An interrupt that is requested already ends its first evaluation: it may have arrived
/// between two blocks of a module.
///
/// # Errors
///
/// The outer error is one of the output, or of the runtime outside the command.
pub(crate) fn run_block(
    session: &mut Session,
    source: &BlockSource<'_>,
    block: &SourceBlock,
) -> Result<Result<(), String>, CommandError> {
    session.state.begin();
    let rex = session.constructors.tree(&mut session.vm, &block.rex)?;
    let BlockSource { file, path, text } = *source;
    let location = CommandLocation {
        file,
        path,
        source: text,
        line: block.line,
        rex: &block.rex,
        block: &rex,
    };
    session.expansions.clear();
    session.surplus_arguments.clear();
    session.names.clear();
    if session.on_diagnostic.is_some() {
        let warnings = surprising_operators(session, &location);
        warnings.iter().for_each(|warning| session.show_diagnostic(warning));
    }
    let executed = match session.types.begin_block(&block.rex) {
        Ok(()) => command::execute(session, &rex),
        Err(failure) => Err(CommandError::Type(failure)),
    };
    session.names.locate(&session.vm, &block.rex, &rex);
    report_assertions(session, &location)?;
    if session.on_diagnostic.is_some() {
        let warnings = surplus_arguments(session, &location);
        warnings.iter().for_each(|warning| session.show_diagnostic(warning));
    }
    // The heap cannot be used any more, so the session ends, and nothing more of it is shown.
    session.vm.check_damage()?;
    match executed {
        Ok(()) => Ok(Ok(())),
        Err(error) if session.on_diagnostic.is_some() => {
            let diagnostic = diagnose(session, &location, error)?;
            // What the command printed comes before its error.
            session.output.flush()?;
            session.show_diagnostic(&diagnostic);
            Ok(Err(diagnostic.message))
        }
        Err(error) => Ok(Err(report(session, &location, error)?)),
    }
}

/// Returns the type of an expression, or shows its error. Nothing is evaluated but macros, and the
/// state stays as it is.
///
/// # Errors
///
/// An error of the output, or of the runtime outside the expression.
pub(crate) fn type_of_block(
    session: &mut Session,
    source: &BlockSource<'_>,
    block: &SourceBlock,
) -> Result<Option<String>, CommandError> {
    session.state.begin();
    let rex = session.constructors.tree(&mut session.vm, &block.rex)?;
    let BlockSource { file, path, text } = *source;
    let line = block.line;
    let location = CommandLocation { file, path, source: text, line, rex: &block.rex, block: &rex };
    session.expansions.clear();
    let mode = session.types.mode();
    session.types.set_mode(CheckMode::Enforce);
    session.types.places.clear();
    let typed = read_expr(session, &rex).and_then(|expr| session.type_of_expr(&expr));
    session.types.set_mode(mode);
    session.state.roll_back();
    session.vm.check_damage()?;
    match typed {
        Ok(ty) => Ok(Some(ty)),
        Err(error) => {
            let diagnostic = diagnose(session, &location, error)?;
            session.show_diagnostic(&diagnostic);
            Ok(None)
        }
    }
}

/// Makes the reports of the assertions of a command.
///
/// # Errors
///
/// An error of the output, or of the runtime outside the command.
fn report_assertions(
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

/// Returns a warning for each call that gives a function more arguments than it can use.
fn surplus_arguments(session: &mut Session, location: &CommandLocation<'_>) -> Vec<Diagnostic> {
    let calls = std::mem::take(&mut session.surplus_arguments);
    let warning = |call: &SurplusArguments| {
        let SurplusArguments { part, expansions, takes, given } = call;
        let function = called_name(session, part);
        let message = format!(
            "{function} takes {} and returns no function, but is called with {given}",
            arguments(*takes)
        );
        let mut warning = Diagnostic::new(DiagnosticKind::Warning, message);
        let span = span_of(&session.vm, location.rex, location.block, part, expansions);
        warning.place = place(location, span.range());
        warning
    };
    calls.iter().map(warning).collect()
}

/// Returns how a call names its function.
fn called_name(session: &Session, call: &Val) -> String {
    let kids = RexView::of(&session.vm, call).kids().map(|(_, kids)| kids);
    let first = kids.as_ref().and_then(|kids| kids.first());
    match first.and_then(|first| RexView::of(&session.vm, first).key()) {
        Some(name) => format!("`{}`", nat_text::to_text(&name)),
        None => "the function".into(),
    }
}

fn arguments(count: usize) -> String {
    if count == 1 { "1 argument".into() } else { format!("{count} arguments") }
}
