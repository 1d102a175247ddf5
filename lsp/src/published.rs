//! The diagnostics of the protocol.

use crate::text_position::ColumnUnit;
use lsp_types::{
    Diagnostic as PublishedDiagnostic, DiagnosticSeverity, NumberOrString, Position, Range,
};
use sire::{Diagnostic, DiagnosticKind};

/// Returns a diagnostic of a file as the protocol has it. Its text is that of the command.
pub(crate) fn published(
    diagnostic: &Diagnostic,
    path: &str,
    unit: ColumnUnit,
) -> PublishedDiagnostic {
    let mut message = diagnostic.text();
    let range = match &diagnostic.place {
        Some(place) if place.file == path => {
            let line = u32::try_from(place.line.saturating_sub(1)).unwrap_or(u32::MAX);
            let column = |byte| unit.column(&place.text, byte);
            let (start, end) = (column(place.range.start), column(place.range.end));
            Range::new(Position::new(line, start), Position::new(line, end.max(start)))
        }
        Some(place) => {
            message += &format!("\nnote: in {}:{}", place.file, place.line);
            Range::default()
        }
        None => Range::default(),
    };
    let severity = match diagnostic.kind {
        DiagnosticKind::Warning => DiagnosticSeverity::WARNING,
        _ => DiagnosticSeverity::ERROR,
    };
    PublishedDiagnostic {
        range,
        severity: Some(severity),
        code: Some(NumberOrString::String(diagnostic.kind.title().replace(' ', "-"))),
        source: Some("pallas".into()),
        message,
        ..PublishedDiagnostic::default()
    }
}
