//! Telling the user why a command failed.
//!
//! A failure is printed as the value that the prototype's failures are: the row of `crash`, what
//! kind of failure it is, and a rex tree with the command, its place, the part in question and the
//! reason.

use crate::error::Fault;
use crate::output;
use crate::session::Session;
use rex::NodeShape;
use vm::{Stop, Val};

/// The command that is being carried out.
pub(crate) struct Place<'a> {
    /// The name of the file, or `REPL`.
    pub(crate) file: &'a str,
    /// The line that the command begins on.
    pub(crate) line: usize,
    /// The command, as a rex noun.
    pub(crate) block: &'a Val,
}

/// What there is to tell.
struct Failure {
    kind: &'static str,
    /// What the part in question is called.
    label: &'static str,
    part: Val,
    reason: String,
}

/// Prints why a command failed, and returns the reason alone. Nothing is evaluated, so nothing can
/// be interrupted.
///
/// # Errors
/// A failure of the output or the runtime, which then takes the place of the first one.
pub(crate) fn report(
    session: &mut Session,
    place: &Place<'_>,
    fault: Fault,
) -> Result<String, Fault> {
    let failure = match fault {
        Fault::Macro { trouble, reason } => {
            Failure { kind: "Macro Failure!", label: "trouble", part: trouble, reason }
        }
        Fault::Reject { problem, reason } => refusal(problem, reason),
        fault => refusal(place.block.clone(), reason_of(session, fault)?),
    };
    let reason = failure.reason.clone();
    let row = row(session, place, failure)?;
    session.out.value(session.vm.look(&row))?;
    Ok(reason)
}

fn refusal(part: Val, reason: String) -> Failure {
    Failure { kind: "Failed to Parse Sire", label: "problem", part, reason }
}

fn reason_of(session: &mut Session, fault: Fault) -> Result<String, Fault> {
    Ok(match fault {
        Fault::Stop(Stop::Crash { op, arg }) => {
            let row = session.vm.row(&[op, arg])?;
            output::text(session.vm.look(&row))
        }
        Fault::Stop(stop) => stop.to_string(),
        Fault::Malformed(malformed) => malformed.to_string(),
        Fault::InliningTooDeep => "inlining does not come to an end".into(),
        Fault::TooManyBinders => "too many binders are nested".into(),
        Fault::Macro { reason, .. } | Fault::Reject { reason, .. } => reason,
        fault @ Fault::Output(_) => return Err(fault),
    })
}

/// The value that a failure is printed as.
fn row(session: &mut Session, place: &Place<'_>, failure: Failure) -> Result<Val, Stop> {
    let Failure { kind, label, mut part, reason } = failure;
    if !output::is_printable(session.vm.look(&part)) {
        // The rest is still worth reading.
        part = session.syntax.word(&mut session.vm, output::TOO_LARGE.trim_end())?;
    }
    let file = session.syntax.word(&mut session.vm, place.file)?;
    let line = session.syntax.word(&mut session.vm, &place.line.to_string())?;
    let place_of =
        session.syntax.node(&mut session.vm, NodeShape::Shut, ":", &[file, line], None)?;
    let reason = session.syntax.word(&mut session.vm, &reason)?;
    let parts =
        [("reason", reason), (label, part), ("where", place_of), ("block", place.block.clone())];
    let mut tree = None;
    for (label, part) in parts {
        let Session { vm, syntax, .. } = &mut *session;
        let label = syntax.word(vm, label)?;
        tree = Some(syntax.node(vm, NodeShape::Open, "#", &[label, part], tree.as_ref())?);
    }
    let vm = &mut session.vm;
    let mut items = vec![vm.text("crash")?, vm.text(kind)?];
    items.extend(tree);
    vm.row(&items)
}
