//! Formatting of a text.

use crate::text_position::TextLines;
use lsp_types::TextEdit;

/// Returns the edits that format a text, from the first line that changes to the last one.
///
/// # Errors
///
/// The message about the first syntax error.
pub(crate) fn formatting(lines: &TextLines) -> Result<Vec<TextEdit>, String> {
    let old = &*lines.text;
    let formatted = rex::format_source(old, "text")
        .map_err(|error| format!("line {}: {}", error.line, error.kind))?;
    if formatted == old {
        return Ok(Vec::new());
    }
    let same = |(one, two): &(&str, &str)| one == two;
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), formatted.split_inclusive('\n').collect());
    let pairs = || old_lines.iter().copied().zip(new_lines.iter().copied());
    let first = pairs().take_while(same).count();
    let backwards =
        old_lines.iter().rev().copied().zip(new_lines.iter().rev().copied()).take_while(same);
    let shortest = old_lines.len().min(new_lines.len());
    let last = backwards.count().min(shortest - first);
    let bytes = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let start = bytes(&old_lines[..first]);
    let end = bytes(&old_lines[..old_lines.len() - last]);
    let new_text = new_lines[first..new_lines.len() - last].concat();
    Ok(vec![TextEdit { range: lines.range(start..end), new_text }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text_position::ColumnUnit;

    #[test]
    fn only_lines_that_change_are_replaced() {
        let lines = TextLines::new("= x 1\n  = y ( f 2 )\n= z 3\n".into(), ColumnUnit::Utf16);
        let edits = formatting(&lines).expect("it is well-formed");
        assert_eq!(edits.len(), 1);
        assert_eq!((edits[0].range.start.line, edits[0].range.end.line), (1, 2));
        assert_eq!(edits[0].new_text, "  = y (f 2)\n");
    }

    #[test]
    fn a_syntax_error_is_an_error() {
        let lines = TextLines::new("= x (f\n".into(), ColumnUnit::Utf16);
        assert!(formatting(&lines).is_err_and(|message| message.starts_with("line 1: ")));
    }
}
