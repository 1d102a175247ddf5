//! Formats source text without a change of its meaning.
//!
//! Layout is part of the syntax, and authors align their definitions, so the formatter leaves every
//! line where it is. It removes spaces at the ends of lines, blank lines at both ends of the file and
//! beyond two in a row, and ends the file in one line feed. Comments stay. Formatting formatted text
//! changes nothing.

use rex::{ReadError, Rex};

/// The largest number of blank lines in a row.
const BLANK_LINES_MAX: usize = 2;

/// Returns the formatted text. `file` is the name of the file, for errors.
///
/// # Errors
///
/// The first syntax error of the text.
pub fn format_source(text: &str, file: &str) -> Result<String, ReadError> {
    let trees = trees(text, file)?;
    let formatted = tidy(text);
    // A text that would read as something else stays as it is.
    let is_same = self::trees(&formatted, file).is_ok_and(|after| after == trees);
    Ok(if is_same { formatted } else { text.to_owned() })
}

fn trees(text: &str, file: &str) -> Result<Vec<Rex>, ReadError> {
    rex::read_file(text, file).map(|block| Ok(block?.rex)).collect()
}

fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank_lines = 0;
    for line in text.lines().map(without_trailing_spaces) {
        if line.is_empty() {
            blank_lines += 1;
            continue;
        }
        if !out.is_empty() {
            out.extend(std::iter::repeat_n('\n', blank_lines.min(BLANK_LINES_MAX)));
        }
        blank_lines = 0;
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Returns a line without the spaces at its end, unless they are part of a line string.
fn without_trailing_spaces(line: &str) -> &str {
    let shorter = line.trim_end_matches(' ');
    let is_same = || match (trees(line, ""), trees(shorter, "")) {
        (Ok(before), Ok(after)) => before == after,
        _ => false,
    };
    if shorter.len() == line.len() || is_same() { shorter } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(text: &str) -> String {
        let formatted = format_source(text, "test").expect("the text is well-formed");
        let again = format_source(&formatted, "test").expect("it still is");
        assert_eq!(formatted, again, "formatting is idempotent");
        formatted
    }

    #[test]
    fn spaces_and_blank_lines_are_tidied() {
        assert_eq!(
            format("\n\n= x 1  \n\n\n\n\n; a comment \n= y 2"),
            "= x 1\n\n\n; a comment\n= y 2\n"
        );
        assert_eq!(format(""), "");
        assert_eq!(format("  \n"), "");
    }

    #[test]
    fn line_strings_keep_their_spaces() {
        assert_eq!(format("= x\n  } a  \n  } b\n"), "= x\n  } a  \n  } b\n");
        assert_eq!(format("= x {a}  \n"), "= x {a}\n");
    }

    #[test]
    fn the_library_is_formatted() {
        for (name, bytes) in crate::modules::BUILT_IN {
            let text = str::from_utf8(bytes).expect("the library is UTF-8");
            assert_eq!(format(text), text, "{name}");
        }
    }

    #[test]
    fn syntax_errors_are_returned() {
        assert_eq!(format_source("= x 1\n\n(f\n", "test").expect_err("an error").line, 3);
    }
}
