//! [`Diagnostic`]: an error or warning for a person, with its place in the source.
//!
//! ```text
//! unresolved name: `fo` is not in scope
//!  --> app/main.sire:3:12
//!   |
//! 3 | = (main x) (fo x)
//!   |             ^^
//!   |
//!   = help: a name in scope is similar: `foo`
//! ```
//!
//! A session makes diagnostics only if it has a receiver for them ([`Sire::on_diagnostic`]).
//! Otherwise it prints the value that the prototype prints.
//!
//! [`Sire::on_diagnostic`]: crate::Sire::on_diagnostic

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use rex::print::Colour;
use std::ops::Range;

/// What went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiagnosticKind {
    /// The reader rejects the text.
    Syntax,
    /// A name is not bound.
    UnresolvedName,
    /// A macro reports an error, or returns something unusable.
    Macro,
    /// The compiler rejects a command or an expression.
    Rejected,
    /// The two sides of an assertion differ.
    Assertion,
    /// A definition or an expression of a typed module has the wrong type.
    Type,
    /// An evaluation crashed.
    Crash,
    /// A value is needed to compute itself.
    Loop,
    /// An evaluation, or the text of a value, needs more memory than it may use.
    OutOfMemory,
    /// An evaluation needs more stack than it may use.
    StackOverflow,
    /// An evaluation needs a pin whose stored bytes are damaged.
    Damaged,
    /// An evaluation took longer than the session allows.
    TimeLimit,
    /// The user interrupted an evaluation.
    Interrupted,
    /// The text is valid, but probably not what is meant.
    Warning,
}

impl DiagnosticKind {
    /// Returns the words that begin a diagnostic of this kind.
    pub fn title(self) -> &'static str {
        match self {
            DiagnosticKind::Syntax => "syntax error",
            DiagnosticKind::UnresolvedName => "unresolved name",
            DiagnosticKind::Macro => "macro error",
            DiagnosticKind::Rejected => "invalid code",
            DiagnosticKind::Assertion => "assertion failed",
            DiagnosticKind::Type => "type error",
            DiagnosticKind::Crash => "crash",
            DiagnosticKind::Loop => "endless loop",
            DiagnosticKind::OutOfMemory => "out of memory",
            DiagnosticKind::StackOverflow => "stack overflow",
            DiagnosticKind::Damaged => "damaged pin",
            DiagnosticKind::TimeLimit => "time limit",
            DiagnosticKind::Interrupted => "interrupted",
            DiagnosticKind::Warning => "warning",
        }
    }
}

/// A range of one line of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePlace {
    /// The path of the file, or the name of the input.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The text of the line.
    pub text: String,
    /// The range, in bytes of the line.
    pub range: Range<usize>,
}

impl SourcePlace {
    /// Makes the place of a range of `text`, whose first line has the number `first_line`. A range
    /// of several lines is shortened to the first one.
    pub(crate) fn new(file: &str, first_line: usize, text: &str, range: Range<usize>) -> Self {
        let start = floor_boundary(text, range.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_boundary(text, range.end).clamp(start, line_end);
        SourcePlace {
            file: file.to_owned(),
            line: first_line + text[..line_start].matches('\n').count(),
            text: text[line_start..line_end].to_owned(),
            range: start - line_start..end - line_start,
        }
    }

    /// Returns the column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.text[..self.range.start].chars().count() + 1
    }
}

/// Returns the largest boundary between characters that is not after `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// An error or warning for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What went wrong.
    pub kind: DiagnosticKind,
    /// One sentence that says it.
    pub message: String,
    /// The smallest form of the source that is wrong.
    pub place: Option<SourcePlace>,
    /// Facts, each a line or several.
    pub notes: Vec<String>,
    /// What the user can do, each a line.
    pub help: Vec<String>,
}

impl Diagnostic {
    pub(crate) fn new(kind: DiagnosticKind, message: impl Into<String>) -> Diagnostic {
        let (place, notes, help) = (None, Vec::new(), Vec::new());
        Diagnostic { kind, message: message.into(), place, notes, help }
    }

    /// Makes the diagnostic of a syntax error. `text` is the whole input, if it is known.
    pub(crate) fn of_read_error(error: &rex::ReadError, text: Option<&str>) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(DiagnosticKind::Syntax, error.kind.to_string());
        let line = text.and_then(|text| text.split('\n').nth(error.line - 1));
        let (text, range) = match line {
            Some(line) => (line, error.range.clone()),
            None => error.excerpt(),
        };
        diagnostic.place = Some(SourcePlace::new(&error.file, error.line, text, range));
        diagnostic
    }

    /// Returns the text of the diagnostic, which ends in a line feed. `width` is the width of the
    /// terminal in columns.
    pub fn render(&self, colour: Colour, width: usize) -> String {
        let level = match self.kind {
            DiagnosticKind::Warning => Level::WARNING,
            _ => Level::ERROR.with_name(self.kind.title()),
        };
        let title = level.primary_title(visible(&self.message));
        let mut group = Group::with_title(title);
        if let Some(place) = &self.place {
            group = place_elements(group, place);
        }
        let notes = self.notes.iter().map(|note| Level::NOTE.message(visible(note)));
        let help = self.help.iter().map(|help| Level::HELP.message(visible(help)));
        let group = group.elements(notes).elements(help);
        let renderer = match colour {
            Colour::None => Renderer::plain(),
            Colour::Terminal => Renderer::styled(),
        };
        let mut text = renderer.term_width(width.max(40)).render(&[group]);
        text.push('\n');
        text
    }
}

/// Adds the line with its caret. A line without text has nothing to mark.
fn place_elements<'a>(group: Group<'a>, place: &'a SourcePlace) -> Group<'a> {
    let SourcePlace { file, line, text, range } = place;
    if text.is_empty() {
        return group.element(Origin::path(file.as_str()).line(*line).char_column(1));
    }
    let snippet = Snippet::source(text.as_str()).path(file.as_str()).line_start(*line);
    group.element(snippet.annotation(AnnotationKind::Primary.span(range.clone())))
}

/// Replaces control characters, which could change the state of a terminal.
fn visible(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' => c,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str, range: Range<usize>) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(DiagnosticKind::Crash, "something crashed");
        diagnostic.place = Some(SourcePlace::new("a.sire", 7, text, range));
        diagnostic
    }

    #[test]
    fn a_caret_is_under_the_range_and_the_place_has_line_and_column() {
        let mut diagnostic = sample("= x\n  (é y)\n", 7..9);
        diagnostic.notes.push("a fact".into());
        diagnostic.help.push("some help".into());
        let want = "\
crash: something crashed
 --> a.sire:8:4
  |
8 |   (é y)
  |    ^
  |
  = note: a fact
  = help: some help
";
        assert_eq!(diagnostic.render(Colour::None, 80), want);
        let place = diagnostic.place.expect("it has a place");
        assert_eq!((place.line, place.column()), (8, 4));
    }

    #[test]
    fn a_range_of_several_lines_is_marked_on_the_first() {
        let diagnostic = sample("| f\n| g", 0..7);
        let text = diagnostic.render(Colour::None, 80);
        assert!(text.contains("7 | | f\n  | ^^^\n"), "{text}");
    }

    #[test]
    fn no_range_makes_rendering_fail() {
        for text in ["", "a", "é", "a\n", "\n\n", "é\né"] {
            for start in 0..6 {
                for end in 0..6 {
                    assert!(sample(text, start..end).render(Colour::None, 0).contains("a.sire"));
                }
            }
        }
    }

    #[test]
    fn control_characters_are_not_written() {
        let mut diagnostic = sample("a \u{1b}[31m b", 0..1);
        diagnostic.message = "\u{1b}[2J".into();
        diagnostic.notes.push("\u{7}".into());
        let text = diagnostic.render(Colour::None, 80);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }
}
