//! The multi-line layout.
//!
//! An open node is a rune, then its sons. Sons that fit on a line (*phrasic* ones: anything but
//! open nodes and line strings) share lines of up to forty columns; those before the first
//! other son go behind the rune, those after the last other son two columns in, and everything
//! in between one block below the other, the last of them four columns in, the one above it
//! eight, and so on. The heir stands below the rune.
//!
//! Runes are placed by their last character: `d` is its column, so `=?=` at `d = 2` starts in
//! column 0. Where a block's widest rune would start left of column 0 it moves right.
//!
//! Lines made that way are then pulled up: one that starts to the right of where the line before
//! it ends continues that line. It reads the same, since only the column counts.

use std::fmt;

use super::line;
use super::paint::{Colour, Paint, Phrase};
use crate::{Leaf, Rex, Shape};

/// Phrases go on one line as long as it does not get wider than this.
const PHRASE_COLUMNS: usize = 40;
/// How far the last of several blocks is indented, and each one above it more than the next.
const BLOCK_INDENT: usize = 4;
/// How far phrases below a rune are indented.
const PHRASE_INDENT: usize = 2;

pub(super) fn write(out: &mut impl fmt::Write, rex: &Rex, colour: Colour) -> fmt::Result {
    let mut lines = Lines { out, colour, column: 0, pending: None };
    let mut tasks = vec![Task::Block(0, rex)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Block(d, rex) => lay_out(&mut lines, &mut tasks, make_room(d, rex), rex)?,
            Task::Heir(d, rex) => lay_out(&mut lines, &mut tasks, d, rex)?,
            Task::Phrases(d, run) => {
                for phrase in phrases(run, colour) {
                    lines.add(d, phrase)?;
                }
            }
        }
    }
    lines.flush()
}

/// What is still to be laid out, at a column.
enum Task<'a> {
    Block(usize, &'a Rex),
    /// A block below its rune, for which room was made together with it.
    Heir(usize, &'a Rex),
    Phrases(usize, &'a [Rex]),
}

/// The column for a block that should start at `d`, so that no rune on its line of heirs starts
/// left of column 0.
fn make_room(d: usize, rex: &Rex) -> usize {
    let mut needed = 0;
    let mut next = Some(rex);
    while let Some(rex) = next {
        match rex {
            Rex::Node { shape: Shape::Open, rune, .. } => {
                needed = needed.max(rune.chars().count().saturating_sub(1));
            }
            Rex::Leaf { leaf: Leaf::Line, .. } => {}
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
    lines: &mut Lines<'_, W>,
    tasks: &mut Vec<Task<'a>>,
    d: usize,
    rex: &'a Rex,
) -> fmt::Result {
    match rex {
        Rex::Leaf { leaf: Leaf::Line, text, heir } => {
            let written = if text.is_empty() { "}".into() } else { format!("}} {text}") };
            let mut phrase = Phrase::default();
            phrase.push(&written, Paint::Text, lines.colour);
            tasks.extend(heir.as_deref().map(|heir| Task::Heir(d, heir)));
            lines.add(d, phrase)
        }
        Rex::Node { shape: Shape::Open, rune, sons, heir } => {
            let (opening, nesting, closing) = split_ends(sons);
            tasks.extend(heir.as_deref().map(|heir| Task::Heir(d, heir)));
            tasks.push(Task::Phrases(d + PHRASE_INDENT, closing));
            for (i, run) in blocks(nesting).into_iter().rev().enumerate() {
                let d = d + BLOCK_INDENT * (i + 1);
                tasks.push(match run {
                    [one] if !is_phrasic(one) => Task::Block(d, one),
                    run => Task::Phrases(d, run),
                });
            }
            lines.add_opening(d, rune, opening)
        }
        _ => lines.add(d, line::phrase(rex, lines.colour)),
    }
}

/// Whether a tree is written on one line.
fn is_phrasic(rex: &Rex) -> bool {
    !matches!(rex, Rex::Node { shape: Shape::Open, .. } | Rex::Leaf { leaf: Leaf::Line, .. })
}

/// The phrasic sons at the start, those at the end, and what is between.
fn split_ends(sons: &[Rex]) -> (&[Rex], &[Rex], &[Rex]) {
    let first = sons.iter().position(|son| !is_phrasic(son)).unwrap_or(sons.len());
    let (opening, rest) = sons.split_at(first);
    let last = rest.iter().rposition(|son| !is_phrasic(son)).map_or(0, |i| i + 1);
    let (nesting, closing) = rest.split_at(last);
    (opening, nesting, closing)
}

/// Cuts sons into the blocks that get an indentation each: single non-phrasic sons, and runs of
/// phrasic ones.
fn blocks(sons: &[Rex]) -> Vec<&[Rex]> {
    sons.chunk_by(|a, b| is_phrasic(a) && is_phrasic(b)).collect()
}

/// Phrasic trees, as many to a line as fit.
fn phrases(run: &[Rex], colour: Colour) -> impl Iterator<Item = Phrase> {
    let mut rendered = run.iter().map(move |rex| line::phrase(rex, colour)).peekable();
    std::iter::from_fn(move || {
        let mut phrase = rendered.next()?;
        let fits = |width, next: &Phrase| width + 1 + next.width <= PHRASE_COLUMNS;
        while let Some(next) = rendered.next_if(|next| fits(phrase.width, next)) {
            phrase.push_spaces(1);
            phrase.append(&next);
        }
        Some(phrase)
    })
}

/// The output, with the line that may still be continued.
struct Lines<'a, W> {
    out: &'a mut W,
    colour: Colour,
    /// Where the pending line starts.
    column: usize,
    pending: Option<Phrase>,
}

impl<W: fmt::Write> Lines<'_, W> {
    /// Adds a line that starts at `column`, or continues the one before it if that ends left of it.
    fn add(&mut self, column: usize, phrase: Phrase) -> fmt::Result {
        if let Some(pending) = &mut self.pending {
            let end = self.column + pending.width;
            if column > end {
                pending.push_spaces(column - end);
                pending.append(&phrase);
                return Ok(());
            }
        }
        self.flush()?;
        self.column = column;
        self.pending = Some(phrase);
        Ok(())
    }

    /// Adds a rune whose last character is at `d`, with the phrases behind and below it.
    fn add_opening(&mut self, d: usize, rune: &str, opening: &[Rex]) -> fmt::Result {
        let mut first = Phrase::with_room();
        first.push(rune, Paint::Rune, self.colour);
        let column = (d + 1).saturating_sub(first.width);
        let mut below = phrases(opening, self.colour);
        if let Some(phrase) = below.next() {
            first.push_spaces(1);
            first.append(&phrase);
        }
        self.add(column, first)?;
        below.try_for_each(|phrase| self.add(d + PHRASE_INDENT, phrase))
    }

    fn flush(&mut self) -> fmt::Result {
        let Some(phrase) = self.pending.take() else { return Ok(()) };
        for _ in 0..self.column {
            self.out.write_char(' ')?;
        }
        writeln!(self.out, "{}", phrase.text)
    }
}
