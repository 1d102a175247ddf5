//! The layout of a tree over several lines.
//!
//! An open node prints as its rune, its sons and, below the rune, its heir. A *one-line* tree is
//! any tree except open nodes and line strings (the prototype calls it phrasic). One-line sons
//! share lines of up to forty columns. The sons are placed in three parts:
//!
//! * The one-line sons before the first other son follow the rune.
//! * The sons from the first to the last that is not one-line are blocks below each other. The last
//!   block is indented by four columns, the one above it by eight, and so on.
//! * The one-line sons after that are indented by two columns.
//!
//! The column `d` of a rune is that of its last character, so `=?=` at `d = 2` starts in column 0.
//! A block moves right if its widest rune would start to the left of column 0.
//!
//! Columns are bounded by [`MAX_COLUMN`], so that indentation costs at most a constant for each
//! line: a list of 16,000 nested rows would print as 514 MB otherwise. If an open node has more
//! blocks than fit to the left of that column, it keeps the last ones, which are the leftmost, and
//! the sons before them become one-line.
//!
//! Finally, a line that starts to the right of the end of the line before it continues that line.
//! The text reads the same, since only the column counts.

use std::fmt;

use super::line;
use super::styled::{Colour, StyledSink, StyledText, TextStyle, write_styled};
use crate::{LeafKind, NodeShape, Rex};

/// The maximum width of a line of several one-line trees.
const SHARED_LINE_COLUMNS: usize = 40;
/// The greatest column of a block. Trees that would be further to the right are printed on one line.
pub const MAX_COLUMN: usize = 512;
/// The indentation of the last block, and the difference between one block and the next.
pub const BLOCK_INDENT: usize = 4;
/// The size from which a part of a long line is passed on, in bytes.
const BUFFER_SIZE: usize = 1 << 12;
/// The indentation of one-line trees below a rune.
const ONE_LINE_INDENT: usize = 2;

pub(super) fn write(out: &mut impl fmt::Write, rex: &Rex, colour: Colour) -> fmt::Result {
    let mut lines = LineWriter { out, colour, buffer: String::with_capacity(128), end: None };
    let mut tasks = vec![LayoutTask::Block(0, rex)];
    while let Some(task) = tasks.pop() {
        match task {
            LayoutTask::Block(d, rex) => {
                lay_out(&mut lines, &mut tasks, block_column(d, rex), rex)?
            }
            LayoutTask::Heir(d, rex) => lay_out(&mut lines, &mut tasks, d, rex)?,
            LayoutTask::OneLine(d, run) => write_run(&mut lines, d, None, run)?,
        }
    }
    lines.finish()
}

/// A part of the tree that is still to be laid out, with its column.
enum LayoutTask<'a> {
    Block(usize, &'a Rex),
    /// The heir of a block. Its column is that of the block, which [`block_column`] computed for
    /// both.
    Heir(usize, &'a Rex),
    /// Adjacent one-line trees.
    OneLine(usize, &'a [Rex]),
}

/// Returns the column of a block whose preferred column is `d`: it moves right so that no rune of
/// the block and its heirs starts to the left of column 0, unless a rune is wider than
/// [`MAX_COLUMN`].
fn block_column(d: usize, rex: &Rex) -> usize {
    let mut needed = 0;
    let mut next = Some(rex);
    while let Some(rex) = next {
        match rex {
            Rex::Node { shape: NodeShape::Open, rune, .. } => {
                needed = needed.max(rune.chars().count().saturating_sub(1));
            }
            Rex::Leaf { leaf: LeafKind::Line, .. } => {}
            _ => break,
        }
        next = rex.heir();
    }
    match needed.min(MAX_COLUMN).saturating_sub(d) {
        missing if d > 0 => d + missing.next_multiple_of(BLOCK_INDENT),
        missing => missing,
    }
}

fn lay_out<'a, W: fmt::Write>(
    lines: &mut LineWriter<'_, W>,
    tasks: &mut Vec<LayoutTask<'a>>,
    d: usize,
    rex: &'a Rex,
) -> fmt::Result {
    match rex {
        Rex::Leaf { leaf: LeafKind::Line, text, heir, .. } => {
            tasks.extend(heir.as_deref().map(|heir| LayoutTask::Heir(d, heir)));
            lines.begin(d)?;
            match text.as_str() {
                "" => lines.push("}", TextStyle::Text),
                text => lines.push(&format!("}} {text}"), TextStyle::Text),
            }
        }
        Rex::Node { shape: NodeShape::Open, rune, sons, heir, .. } => {
            let (first, blocks, last) =
                split_sons(sons, MAX_COLUMN.saturating_sub(d) / BLOCK_INDENT);
            tasks.extend(heir.as_deref().map(|heir| LayoutTask::Heir(d, heir)));
            tasks.push(LayoutTask::OneLine(d + ONE_LINE_INDENT, last));
            for (i, run) in blocks.into_iter().rev().enumerate() {
                let d = d + BLOCK_INDENT * (i + 1);
                tasks.push(match run {
                    [one] if !is_one_line(one) => LayoutTask::Block(d, one),
                    run => LayoutTask::OneLine(d, run),
                });
            }
            write_run(lines, d + ONE_LINE_INDENT, Some((d, rune)), first)
        }
        _ => {
            lines.begin(d)?;
            line::write(lines, rex)
        }
    }
}

/// Returns whether a tree is printed on one line.
fn is_one_line(rex: &Rex) -> bool {
    !matches!(
        rex,
        Rex::Node { shape: NodeShape::Open, .. } | Rex::Leaf { leaf: LeafKind::Line, .. }
    )
}

/// Splits sons into the one-line sons at the start, the blocks from the first to the last other
/// son, and the one-line sons at the end. A block is a single son that is not one-line, or a run of
/// one-line sons. If there are more blocks than `max_blocks`, sons at the start become one-line.
fn split_sons(sons: &[Rex], max_blocks: usize) -> (&[Rex], Vec<&[Rex]>, &[Rex]) {
    let start = sons.iter().position(|son| !is_one_line(son)).unwrap_or(sons.len());
    let end = sons.iter().rposition(|son| !is_one_line(son)).map_or(start, |i| i + 1);
    let mut blocks: Vec<&[Rex]> =
        sons[start..end].chunk_by(|a, b| is_one_line(a) && is_one_line(b)).collect();
    if blocks.len() <= max_blocks {
        return (&sons[..start], blocks, &sons[end..]);
    }
    blocks.drain(..blocks.len() - max_blocks);
    // The first block is not one-line, or it would belong to the sons before it.
    if blocks.first().is_some_and(|block| is_one_line(&block[0])) {
        blocks.remove(0);
    }
    if blocks.is_empty() {
        return (sons, blocks, &[]);
    }
    let kept: usize = blocks.iter().map(|block| block.len()).sum();
    (&sons[..end - kept], blocks, &sons[end..])
}

/// Writes one-line trees, as many to a line as fit, after a rune with its column or at `column`.
fn write_run<W: fmt::Write>(
    lines: &mut LineWriter<'_, W>,
    column: usize,
    rune: Option<(usize, &str)>,
    run: &[Rex],
) -> fmt::Result {
    // The width of the current line, if other trees may follow on it.
    let mut shared = None;
    let mut follows_rune = false;
    if let Some((d, rune)) = rune {
        // The rune ends in column `d`.
        lines.begin((d + 1).saturating_sub(rune.chars().count()))?;
        lines.push(rune, TextStyle::Rune)?;
        follows_rune = true;
    }
    if let [rex] = run {
        // Nothing else may share its line, so it goes there directly.
        if !follows_rune {
            lines.begin(column)?;
        } else {
            lines.push(" ", TextStyle::Plain)?;
        }
        return line::write(lines, rex);
    }
    for rex in run {
        let mut text = StyledText::new(SHARED_LINE_COLUMNS, lines.colour);
        let is_short = line::write(&mut text, rex).is_ok();
        let before =
            shared.filter(|width| is_short && width + 1 + text.width <= SHARED_LINE_COLUMNS);
        match before {
            None if !std::mem::take(&mut follows_rune) => lines.begin(column)?,
            _ => lines.push(" ", TextStyle::Plain)?,
        }
        if is_short {
            lines.push_styled(&text)?;
            shared = Some(before.map_or(0, |width| width + 1) + text.width);
        } else {
            line::write(lines, rex)?;
            shared = None;
        }
    }
    Ok(())
}

/// Writes lines, of which each may continue the one before.
struct LineWriter<'a, W> {
    out: &'a mut W,
    colour: Colour,
    /// The text that is not passed to `out` yet. A writer that does work for each piece gets few.
    buffer: String,
    /// The column after the last character of the current line, once there is a line.
    end: Option<usize>,
}

impl<W: fmt::Write> LineWriter<'_, W> {
    /// Begins a text at `column`: on the current line if that ends to the left of it, else on a new
    /// line.
    fn begin(&mut self, column: usize) -> fmt::Result {
        match self.end {
            Some(end) if column > end => self.push_spaces(column - end),
            Some(_) => {
                self.buffer.push('\n');
                self.flush()?;
                self.push_spaces(column);
            }
            None => self.push_spaces(column),
        }
        self.end = Some(column);
        Ok(())
    }

    /// Continues the current line.
    fn push_styled(&mut self, text: &StyledText) -> fmt::Result {
        self.end = self.end.map(|end| end + text.width);
        self.buffer.push_str(&text.text);
        Ok(())
    }

    fn push_spaces(&mut self, mut count: usize) {
        const SPACES: &str = "                                                                ";
        while count > 0 {
            let part = count.min(SPACES.len());
            self.buffer.push_str(&SPACES[..part]);
            count -= part;
        }
    }

    fn flush(&mut self) -> fmt::Result {
        self.out.write_str(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the last line.
    fn finish(mut self) -> fmt::Result {
        if self.end.is_some() {
            self.buffer.push('\n');
        }
        self.flush()
    }
}

impl<W: fmt::Write> StyledSink for LineWriter<'_, W> {
    fn push(&mut self, text: &str, style: TextStyle) -> fmt::Result {
        let width = write_styled(&mut self.buffer, text, style, self.colour)?;
        self.end = self.end.map(|end| end + width);
        if self.buffer.len() >= BUFFER_SIZE { self.flush() } else { Ok(()) }
    }
}
