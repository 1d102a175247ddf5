//! Reports failed commands to the user.
//!
//! A failure prints as the value that the prototype prints: the row of the text `crash`, the kind of
//! failure, and a Rex tree with the command, its place, the offending part and the reason.

use crate::call_chain::call_chain_lines;
use crate::command_error::CommandError;
use crate::session::Session;
use plan::{EvalError, Val};
use rex::{NodeShape, Rex};
use show::PrintLimit;

/// The command that is being executed.
pub(crate) struct CommandLocation<'a> {
    /// The name of the file, or `REPL`.
    pub(crate) file: &'a str,
    /// The path of the file, or `REPL`.
    pub(crate) path: &'a str,
    /// The text of the file, if it is known.
    pub(crate) source: Option<&'a str>,
    /// The first line of the command.
    pub(crate) line: usize,
    /// The command.
    pub(crate) rex: &'a Rex,
    /// The command, as a Rex value.
    pub(crate) block: &'a Val,
}

/// The content of a report.
struct FailureReport {
    kind: &'static str,
    /// The label of the offending part.
    label: &'static str,
    part: Val,
    reason: String,
}

/// Prints why a command failed, and returns the reason. If the session shows call chains, that of an
/// evaluation that failed goes to the output for diagnostics. This evaluates nothing, so an interrupt can
/// only truncate the print.
///
/// # Errors
///
/// An error of the output or of the runtime.
pub(crate) fn report(
    session: &mut Session,
    location: &CommandLocation<'_>,
    error: CommandError,
) -> Result<String, CommandError> {
    let chain = session.vm.take_call_chain();
    let lines = match error {
        CommandError::Stop(_) => call_chain_lines(session, &chain),
        _ => Vec::new(),
    };
    let failure = match error {
        CommandError::Macro { part, reason } => {
            FailureReport { kind: "Macro Failure!", label: "trouble", part, reason }
        }
        CommandError::Rejected { part, reason } => rejection(part, reason),
        CommandError::Unresolved(unresolved) => {
            let reason = unresolved.reason();
            rejection(unresolved.part, reason)
        }
        CommandError::Import(import) => {
            let reason = import.reason();
            rejection(import.block, reason)
        }
        CommandError::Assertion { left, right, .. } => {
            rejection(difference(session, &left, &right)?, "ASSERTION FAILURE".into())
        }
        error => rejection(location.block.clone(), reason_of(session, error)?),
    };
    let reason = failure.reason.clone();
    let value = failure_value(session, location, failure)?;
    session.output.value(session.vm.look(&value))?;
    if session.shows_call_chains && !lines.is_empty() {
        // What the command printed comes before the chain, which has a stream of its own.
        session.output.flush()?;
        let text = format!("calls, innermost first:\n  {}\n", lines.join("\n  "));
        session.diagnostics.write(&text)?;
    }
    Ok(reason)
}

fn rejection(part: Val, reason: String) -> FailureReport {
    FailureReport { kind: "Failed to Parse Sire", label: "problem", part, reason }
}

fn reason_of(session: &mut Session, error: CommandError) -> Result<String, CommandError> {
    Ok(match error {
        CommandError::Stop(EvalError::Crash { op, arg }) => {
            let row = session.vm.row(&[op, arg])?;
            show::value_text(session.vm.look(&row), session.output.limit().for_messages())
        }
        error @ CommandError::Output(_) => return Err(error),
        error => error.reason(),
    })
}

/// Returns the tree that reports a failed assertion: `=?=` of the printed forms of both values.
fn difference(session: &mut Session, left: &Val, right: &Val) -> Result<Val, CommandError> {
    let Session { vm, constructors, output, .. } = session;
    // Both values and the rest of the report fit within the limit.
    let limit = PrintLimit { bytes: output.limit().bytes / 4, ..output.limit() };
    let left = constructors.tree(vm, &show::value_rex(vm.look(left), limit))?;
    let right = constructors.tree(vm, &show::value_rex(vm.look(right), limit))?;
    let right = constructors.node(vm, NodeShape::Open, "*", &[right], None)?;
    let left = constructors.node(vm, NodeShape::Open, "*", &[left], Some(&right))?;
    Ok(constructors.node(vm, NodeShape::Open, "=?=", &[], Some(&left))?)
}

/// Returns the size from which the offending part is left out of a report, in parts of a value. It
/// leaves room for the rest of the report within the limit of what is printed.
fn max_part_size(session: &Session) -> usize {
    const BYTES_PER_PART: u64 = 64;
    const MAX: u64 = 1 << 22;
    (session.output.limit().bytes / BYTES_PER_PART).min(MAX) as usize
}

/// Returns the value that a failure prints as.
fn failure_value(
    session: &mut Session,
    location: &CommandLocation<'_>,
    failure: FailureReport,
) -> Result<Val, EvalError> {
    let FailureReport { kind, label, mut part, reason } = failure;
    if plan::is_larger_than(session.vm.look(&part), max_part_size(session)) {
        // The other parts of the report are still useful.
        part = session.constructors.word(&mut session.vm, "(a value too large to print)")?;
    }
    let file = session.constructors.word(&mut session.vm, location.file)?;
    let line = session.constructors.word(&mut session.vm, &location.line.to_string())?;
    let where_part =
        session.constructors.node(&mut session.vm, NodeShape::Shut, ":", &[file, line], None)?;
    let reason = session.constructors.word(&mut session.vm, &reason)?;
    let parts = [
        ("reason", reason),
        (label, part),
        ("where", where_part),
        ("block", location.block.clone()),
    ];
    let mut tree = None;
    for (label, part) in parts {
        let Session { vm, constructors, .. } = &mut *session;
        let label = constructors.word(vm, label)?;
        tree = Some(constructors.node(vm, NodeShape::Open, "#", &[label, part], tree.as_ref())?);
    }
    let vm = &mut session.vm;
    let mut items = vec![vm.text("crash")?, vm.text(kind)?];
    items.extend(tree);
    vm.row(&items)
}
