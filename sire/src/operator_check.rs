//! Warns of mixed operators whose reading may surprise.
//!
//! Different operators in one form associate to the left: `(1 == 1 || 1 == 2)` is
//! `(((1 == 1) || 1) == 2)`. Where most languages bind the later operator first, a warning shows
//! how the form is read.

use crate::diagnose::place;
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::nat_text;
use crate::report::CommandLocation;
use crate::session::Session;
use rex::print::{Colour, line};
use rex::{NodeShape, Rex};

/// How tightly most languages bind an operator.
fn precedence(rune: &str) -> Option<u8> {
    Some(match rune {
        "||" => 1,
        "&&" => 2,
        "==" | "/=" | "!=" | "<" | "<=" | ">" | ">=" => 3,
        "+" => 4,
        "*" | "/" | "%" => 5,
        _ => return None,
    })
}

/// Returns a warning for each form of a command whose reading may surprise.
pub(crate) fn surprising_operators(
    session: &Session,
    location: &CommandLocation<'_>,
) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let mut pending = vec![location.rex];
    while let Some(rex) = pending.pop() {
        if is_surprising(session, rex) {
            let mut warning = Diagnostic::new(
                DiagnosticKind::Warning,
                format!("this form is read from left to right, as {}", grouped(rex)),
            );
            warning.help.push("parentheses around the inner form make the meaning clear".into());
            warning.place = place(location, rex.span().range());
            warnings.push(warning);
            // The forms within are parts of the same surprise.
            pending.extend(rex.heir());
            continue;
        }
        pending.extend(rex.heir());
        pending.extend(rex.sons().iter().rev());
    }
    warnings
}

/// Returns whether the first operand of an infix form is an infix form without parentheses, whose
/// operator usually binds less tightly.
fn is_surprising(session: &Session, rex: &Rex) -> bool {
    let mut outer = rex;
    while let Some(inner) = bare_left_operand(outer) {
        if let (Some(outer_rune), Some(inner_rune)) =
            (operator(session, outer), operator(session, inner))
            && precedence(outer_rune) > precedence(inner_rune)
        {
            return true;
        }
        outer = inner;
    }
    false
}

/// Returns the operator of an infix form, if it is bound and has a usual precedence.
fn operator<'r>(session: &Session, rex: &'r Rex) -> Option<&'r str> {
    let Rex::Node { rune, .. } = rex else { return None };
    precedence(rune)?;
    session.state.lookup(&nat_text::from_text(rune))?;
    Some(rune)
}

/// Returns the first operand of an infix form, if that is an infix form without parentheses.
fn bare_left_operand(rex: &Rex) -> Option<&Rex> {
    let infix = |rex: &Rex| matches!(rex, Rex::Node { shape: NodeShape::Infix, .. });
    let inner = rex.sons().first().filter(|inner| infix(rex) && infix(inner))?;
    // The span of a form in parentheses begins before its first operand.
    let first = inner.sons().first()?;
    (first.span().range().start == inner.span().range().start).then_some(inner)
}

/// Returns the form with parentheses around each left operand.
fn grouped(rex: &Rex) -> String {
    const WIDTH: usize = 120;
    // The printer writes parentheses around each infix form.
    let text = line(rex, Colour::None);
    if text.len() > WIDTH { "nested forms".into() } else { format!("`{text}`") }
}
