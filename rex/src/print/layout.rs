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
//! Finally, a line that starts to the right of the end of the line before it continues that line.
//! The text reads the same, since only the column counts.

use std::fmt;

use super::line;
use super::styled::{Colour, StyledText, TextStyle};
use crate::{LeafKind, NodeShape, Rex};

/// The maximum width of a line of several one-line trees.
const SHARED_LINE_COLUMNS: usize = 40;
/// The indentation of the last block, and the difference between one block and the next.
const BLOCK_INDENT: usize = 4;
/// The indentation of one-line trees below a rune.
const ONE_LINE_INDENT: usize = 2;

pub(super) fn write(out: &mut impl fmt::Write, rex: &Rex, colour: Colour) -> fmt::Result {
    let mut lines = LineWriter { out, colour, column: 0, pending: None };
    let mut tasks = vec![LayoutTask::Block(0, rex)];
    while let Some(task) = tasks.pop() {
        match task {
            LayoutTask::Block(d, rex) => {
                lay_out(&mut lines, &mut tasks, block_column(d, rex), rex)?
            }
            LayoutTask::Heir(d, rex) => lay_out(&mut lines, &mut tasks, d, rex)?,
            LayoutTask::OneLine(d, run) => {
                for text in one_line_texts(run, colour) {
                    lines.add(d, text)?;
                }
            }
        }
    }
    lines.flush()
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
/// the block and its heirs starts to the left of column 0.
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
    match needed.saturating_sub(d) {
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
        Rex::Leaf { leaf: LeafKind::Line, text, heir } => {
            let written = if text.is_empty() { "}".into() } else { format!("}} {text}") };
            let mut line = StyledText::default();
            line.push(&written, TextStyle::Text, lines.colour);
            tasks.extend(heir.as_deref().map(|heir| LayoutTask::Heir(d, heir)));
            lines.add(d, line)
        }
        Rex::Node { shape: NodeShape::Open, rune, sons, heir } => {
            let (first, middle, last) = split_sons(sons);
            tasks.extend(heir.as_deref().map(|heir| LayoutTask::Heir(d, heir)));
            tasks.push(LayoutTask::OneLine(d + ONE_LINE_INDENT, last));
            for (i, run) in split_blocks(middle).into_iter().rev().enumerate() {
                let d = d + BLOCK_INDENT * (i + 1);
                tasks.push(match run {
                    [one] if !is_one_line(one) => LayoutTask::Block(d, one),
                    run => LayoutTask::OneLine(d, run),
                });
            }
            lines.add_rune(d, rune, first)
        }
        _ => lines.add(d, line::render(rex, lines.colour)),
    }
}

/// Returns whether a tree is printed on one line.
fn is_one_line(rex: &Rex) -> bool {
    !matches!(
        rex,
        Rex::Node { shape: NodeShape::Open, .. } | Rex::Leaf { leaf: LeafKind::Line, .. }
    )
}

/// Splits sons into the one-line sons at the start, the part from the first to the last other son,
/// and the one-line sons at the end.
fn split_sons(sons: &[Rex]) -> (&[Rex], &[Rex], &[Rex]) {
    let start = sons.iter().position(|son| !is_one_line(son)).unwrap_or(sons.len());
    let (first, rest) = sons.split_at(start);
    let end = rest.iter().rposition(|son| !is_one_line(son)).map_or(0, |i| i + 1);
    let (middle, last) = rest.split_at(end);
    (first, middle, last)
}

/// Splits sons into the parts that get an indentation each: single sons that are not one-line, and
/// runs of one-line sons.
fn split_blocks(sons: &[Rex]) -> Vec<&[Rex]> {
    sons.chunk_by(|a, b| is_one_line(a) && is_one_line(b)).collect()
}

/// Renders one-line trees, as many to a line as fit.
fn one_line_texts(run: &[Rex], colour: Colour) -> impl Iterator<Item = StyledText> {
    let mut rendered = run.iter().map(move |rex| line::render(rex, colour)).peekable();
    std::iter::from_fn(move || {
        let mut text = rendered.next()?;
        let fits = |width, next: &StyledText| width + 1 + next.width <= SHARED_LINE_COLUMNS;
        while let Some(next) = rendered.next_if(|next| fits(text.width, next)) {
            text.push_spaces(1);
            text.append(&next);
        }
        Some(text)
    })
}

/// The output, with the last line, which the next one may continue.
struct LineWriter<'a, W> {
    out: &'a mut W,
    colour: Colour,
    /// The column of the first character of the pending line.
    column: usize,
    pending: Option<StyledText>,
}

impl<W: fmt::Write> LineWriter<'_, W> {
    /// Adds a text at `column`. The text continues the pending line if that ends to the left of it.
    fn add(&mut self, column: usize, text: StyledText) -> fmt::Result {
        if let Some(pending) = &mut self.pending {
            let end = self.column + pending.width;
            if column > end {
                pending.push_spaces(column - end);
                pending.append(&text);
                return Ok(());
            }
        }
        self.flush()?;
        self.column = column;
        self.pending = Some(text);
        Ok(())
    }

    /// Adds a rune whose last character is in column `d`, and the one-line sons that follow it.
    fn add_rune(&mut self, d: usize, rune: &str, sons: &[Rex]) -> fmt::Result {
        let mut first = StyledText::new();
        first.push(rune, TextStyle::Rune, self.colour);
        let column = (d + 1).saturating_sub(first.width);
        let mut below = one_line_texts(sons, self.colour);
        if let Some(text) = below.next() {
            first.push_spaces(1);
            first.append(&text);
        }
        self.add(column, first)?;
        below.try_for_each(|text| self.add(d + ONE_LINE_INDENT, text))
    }

    fn flush(&mut self) -> fmt::Result {
        let Some(text) = self.pending.take() else { return Ok(()) };
        for _ in 0..self.column {
            self.out.write_char(' ')?;
        }
        writeln!(self.out, "{}", text.text)
    }
}
