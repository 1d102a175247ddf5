//! Formats source text without a change of its meaning.
//!
//! Layout is part of the syntax, so the formatter keeps the lines and moves them:
//!
//! * A block begins in column 0.
//! * An heir is in the column of its node, which the syntax demands.
//! * A son on a line of its own is an even number of columns to the right of its node, unless it is
//!   below something of the same node: then it stays below that.
//! * There are no spaces behind an opening bracket and before a closing one, nor at the ends of lines.
//! * There are no blank lines at both ends of the file, and two in a row at most. The file ends in one
//!   line feed.
//!
//! Comments stay; one on a line of its own moves with the line below it. Spaces between the parts of a
//! line stay, because authors align them. Formatting formatted text changes nothing.
//!
//! Each block that would read as something else stays as it is. This also covers what the rules above
//! leave out, such as lines that would come too far to the left for a node that they end.

use super::block::read_file;
use super::error::ReadError;
use super::group::ParsedGroup;
use super::layout::PositionedGroup;
use super::lex::{LineStart, lex, line_start};
use crate::Rex;
use std::ops::Range;

/// The largest number of blank lines in a row.
const BLANK_LINES_MAX: usize = 2;

/// Returns the formatted text. `file` is the name of the file, for errors.
///
/// # Errors
///
/// The first syntax error of the text.
pub fn format_source(text: &str, file: &str) -> Result<String, ReadError> {
    let before = trees(text, file)?;
    let formatted = format(text);
    let is_same = trees(&formatted, file).is_ok_and(|after| after == before);
    Ok(if is_same { formatted } else { text.to_owned() })
}

fn trees(text: &str, file: &str) -> Result<Vec<Rex>, ReadError> {
    read_file(text, file).map(|block| Ok(block?.rex)).collect()
}

/// Whether two texts read as the same trees.
fn reads_same(one: &str, other: &str) -> bool {
    match (trees(one, ""), trees(other, "")) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn format(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(without_trailing_spaces).collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = &lines[..];
    let mut blank_lines = 0;
    while let Some(first) = rest.first() {
        if first.is_empty() {
            blank_lines += 1;
            rest = &rest[1..];
            continue;
        }
        if !out.is_empty() {
            out.extend(std::iter::repeat_n('\n', blank_lines.min(BLANK_LINES_MAX)));
        }
        blank_lines = 0;
        let (block, after) = rest.split_at(block_length(rest));
        out.push_str(&formatted_block(block));
        rest = after;
    }
    out
}

/// Returns a line without the spaces at its end, unless they are part of a line string.
fn without_trailing_spaces(line: &str) -> &str {
    let shorter = line.trim_end_matches(' ');
    if shorter.len() == line.len() || reads_same(line, shorter) { shorter } else { line }
}

/// The number of lines of the block that begins with the first line. A comment outside of a block is
/// one of its own.
fn block_length(lines: &[&str]) -> usize {
    let (column, is_text) = match line_start(lines[0]) {
        LineStart::Blank | LineStart::Comment | LineStart::Other(_) => return 1,
        LineStart::Text(column) => (column, true),
        LineStart::Rune(column) => (column, false),
    };
    let continues = |line: &&&str| match (is_text, line_start(line)) {
        (_, LineStart::Blank) => false,
        (true, start) => start == LineStart::Text(column),
        (false, LineStart::Comment) => true,
        (false, LineStart::Text(at) | LineStart::Rune(at) | LineStart::Other(at)) => at >= column,
    };
    1 + lines[1..].iter().take_while(continues).count()
}

/// The text of a block, formatted if that does not change what it reads as.
fn formatted_block(lines: &[&str]) -> String {
    let joined = |lines: &mut dyn Iterator<Item = &str>| -> String {
        lines.flat_map(|line| [line, "\n"]).collect()
    };
    let original = joined(&mut lines.iter().copied());
    match BlockFormatter::default().format(lines) {
        Some(moved) => {
            let moved = joined(&mut moved.iter().map(String::as_str));
            if reads_same(&original, &moved) { moved } else { original }
        }
        None => original,
    }
}

/// A column in the original text, and in the formatted one.
#[derive(Clone, Copy)]
struct MovedColumn {
    old: usize,
    new: usize,
}

/// A node to which later lines can add.
struct OpenNode {
    column: MovedColumn,
    /// The index of its line.
    line: usize,
}

/// A group of a line.
struct GroupPlace {
    /// Where it begins.
    start: usize,
    /// The column that counts for layout.
    column: usize,
    is_rune: bool,
}

impl From<PositionedGroup> for GroupPlace {
    fn from(positioned: PositionedGroup) -> GroupPlace {
        let PositionedGroup { column, group } = positioned;
        match group {
            ParsedGroup::Rune(rune, _) => {
                GroupPlace { start: column + 1 - rune.len(), column, is_rune: true }
            }
            ParsedGroup::Tree(_) => GroupPlace { start: column, column, is_rune: false },
        }
    }
}

/// Moves the lines of a block.
#[derive(Default)]
struct BlockFormatter {
    /// The nodes that are open, outermost first.
    nodes: Vec<OpenNode>,
    /// Where the groups of the lines so far begin, with the index of their line.
    starts: Vec<(usize, MovedColumn)>,
    /// The line string at the end of the last line.
    trailing_text: Option<MovedColumn>,
}

impl BlockFormatter {
    /// Returns the lines in their new places. None if a line has no place.
    fn format(mut self, lines: &[&str]) -> Option<Vec<String>> {
        let mut moved = Vec::with_capacity(lines.len());
        // Comments that wait for the line below them.
        let mut comments: Vec<&str> = Vec::new();
        let mut shift = 0;
        for (index, line) in lines.iter().enumerate() {
            if line_start(line) == LineStart::Comment {
                comments.push(line);
                continue;
            }
            let (text, new_start) = self.format_line(index, line)?;
            shift = new_start.checked_signed_diff(indentation(line))?;
            moved.extend(comments.drain(..).map(|comment| shifted(comment, shift)));
            moved.push(format!("{:new_start$}{}", "", text.trim_start_matches(' ')));
        }
        moved.extend(comments.into_iter().map(|comment| shifted(comment, shift)));
        Some(moved)
    }

    /// Returns the text of a line with its brackets closed up, and where it is to begin.
    fn format_line(&mut self, index: usize, line: &str) -> Option<(String, usize)> {
        let lexed = lex(line, 0);
        let groups: Vec<GroupPlace> =
            lexed.groups.ok()?.into_iter().map(|group| group.parse().into()).collect();
        let first = groups.first()?;
        let continued = match line_start(line) {
            LineStart::Text(column) => self.trailing_text.filter(|text| text.old == column),
            _ => None,
        };
        if let Some(text) = continued {
            return Some((line.to_owned(), text.new));
        }
        let start = self.place(first)?;
        let (text, removed) = closed_up(line);
        let moved = |old: usize| {
            let removed: usize =
                removed.iter().filter(|range| range.end <= old).map(|range| range.len()).sum();
            MovedColumn { old, new: old - removed - first.start + start }
        };
        for group in &groups {
            self.starts.push((index, moved(group.start)));
            if group.is_rune {
                self.nodes.push(OpenNode { column: moved(group.column), line: index });
            }
        }
        self.trailing_text = lexed.trailing_text.map(moved);
        Some((text, start))
    }

    /// Where the first group of a line is to begin. Closes the nodes that the line ends.
    fn place(&mut self, group: &GroupPlace) -> Option<usize> {
        let mut limit = usize::MAX;
        while let Some(node) = self.nodes.pop_if(|node| node.column.old > group.column) {
            limit = limit.min(node.column.new);
        }
        let Some(node) = self.nodes.last() else { return Some(0) };
        let width = group.column - group.start;
        if node.column.old == group.column {
            return node.column.new.checked_sub(width);
        }
        let fits = |start: usize| (node.column.new + 1..limit).contains(&(start + width));
        let above = self.starts.iter().rev();
        let aligned = above.take_while(|(line, _)| *line >= node.line);
        let aligned = aligned.map(|(_, start)| start).find(|start| start.old == group.start);
        let aligned = aligned.map(|start| start.new).filter(|start| fits(*start));
        let offset = (group.start - node.column.old.min(group.start)).max(1);
        let indented = node.column.new + offset.next_multiple_of(2);
        aligned.or_else(|| Some(indented).filter(|start| fits(*start)))
    }
}

/// The number of spaces in front of a line.
fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn shifted(comment: &str, shift: isize) -> String {
    let indentation = indentation(comment).saturating_add_signed(shift);
    format!("{:indentation$}{}", "", comment.trim_start_matches(' '))
}

/// Removes the spaces behind opening brackets and before closing ones, outside of texts and comments.
/// Returns also the ranges that were removed.
fn closed_up(line: &str) -> (String, Vec<Range<usize>>) {
    let runs = bracket_spaces(line);
    let all = without(line, &runs);
    if runs.is_empty() || reads_same(line, &all) {
        return (all, runs);
    }
    // Some are in texts.
    let mut removed = Vec::new();
    for run in runs {
        removed.push(run);
        if !reads_same(line, &without(line, &removed)) {
            removed.pop();
        }
    }
    (without(line, &removed), removed)
}

/// The runs of spaces beside brackets.
fn bracket_spaces(line: &str) -> Vec<Range<usize>> {
    let bytes = line.as_bytes();
    let end = lex(line, 0).comment.unwrap_or(line.len());
    let mut runs = Vec::new();
    let mut at = indentation(line);
    while at < end {
        if bytes[at] != b' ' {
            at += 1;
            continue;
        }
        let start = at;
        at += bytes[at..end].iter().take_while(|byte| **byte == b' ').count();
        let opens = matches!(bytes[start - 1], b'(' | b'[');
        let closes = at < end && matches!(bytes[at], b')' | b']');
        if opens || closes {
            runs.push(start..at);
        }
    }
    runs
}

fn without(line: &str, runs: &[Range<usize>]) -> String {
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    for run in runs {
        text.push_str(&line[at..run.start]);
        at = run.end;
    }
    text + &line[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(text: &str) -> String {
        let formatted = format_source(text, "test").expect("the text is well-formed");
        let again = format_source(&formatted, "test").expect("it still is");
        assert_eq!(formatted, again, "formatting is idempotent");
        assert!(reads_same(text, &formatted), "{text}\n{formatted}");
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
    fn line_strings_keep_their_spaces_and_stay_together() {
        assert_eq!(format("= x\n  } a  \n  } b\n"), "= x\n  } a  \n  } b\n");
        assert_eq!(format("= x\n   } a\n   } b\n"), "= x\n    } a\n    } b\n");
        assert_eq!(format("  } a\n  } b\n"), "} a\n} b\n");
        assert_eq!(format("= x {a}  \n"), "= x {a}\n");
    }

    #[test]
    fn blocks_begin_in_column_0_and_sons_are_indented_by_an_even_number() {
        assert_eq!(format("   = x\n   | f\n    a\n"), "= x\n| f\n  a\n");
        assert_eq!(
            format("= (f x)\n| g\n   | h x\n   | i\n"),
            "= (f x)\n| g\n    | h x\n    | i\n"
        );
        assert_eq!(format("=?= 1\n  | f 2\n"), "=?= 1\n  | f 2\n");
        assert_eq!(format("| f\n     | a\n   | b\n"), "| f\n      | a\n    | b\n");
    }

    #[test]
    fn lines_below_something_stay_below_it() {
        let aligned = "= (f x)\n@ long | if x\n           y\n@ z    | g\n| h z\n";
        assert_eq!(format(aligned), aligned);
        assert_eq!(format("| if ( a b ) c\n             d\n"), "| if (a b) c\n           d\n");
    }

    #[test]
    fn brackets_are_closed_up_outside_of_texts_and_comments() {
        assert_eq!(format("= x ( f  a [ 1 2 ] )\n"), "= x (f  a [1 2])\n");
        assert_eq!(format("= x ( f {( a )} ) ; ( b )\n"), "= x (f {( a )}) ; ( b )\n");
        assert_eq!(format("=x ( )\n"), "=x ()\n");
        assert_eq!(format("(f ( -a) (- b ))\n"), "(f (-a) (- b))\n");
    }

    #[test]
    fn comments_move_with_the_line_below() {
        assert_eq!(
            format("  = x\n   ; why\n   | f\n  ; after\n"),
            "= x\n  ; why\n  | f\n ; after\n"
        );
        assert_eq!(format(" ; outside\n\n= x 1\n"), " ; outside\n\n= x 1\n");
    }

    #[test]
    fn syntax_errors_are_returned() {
        assert_eq!(format_source("= x 1\n\n(f\n", "test").expect_err("an error").line, 3);
    }
}
