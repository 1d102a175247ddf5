//! [`LimitedText`]: a writer that passes on the first bytes of a text and counts the rest.

use super::charset::is_space;
use super::limit::PrintBudget;
use rex::print::Colour;
use std::fmt::{self, Write};

/// The size of a text from which each piece checks for an interrupt. A message is printed whole even
/// if a request to stop came too late for its evaluation.
const POLLED_SIZE: usize = 1 << 16;

/// A text that is written up to the limit of a [`PrintBudget`].
pub(super) struct LimitedText<'a, 'h, W> {
    out: &'a mut W,
    budget: &'a PrintBudget<'h>,
    colour: Colour,
    /// The number of bytes so far, written or not.
    size: usize,
    /// The number of bytes that may still be written.
    left: u64,
    /// The number of bytes that were not written.
    missing: u64,
    /// Whether the last byte that was written is a line feed, or nothing was written.
    is_at_line_start: bool,
}

impl<'a, 'h, W: Write> LimitedText<'a, 'h, W> {
    pub(super) fn new(out: &'a mut W, budget: &'a PrintBudget<'h>, colour: Colour) -> Self {
        let left = budget.max_bytes();
        LimitedText { out, budget, colour, size: 0, left, missing: 0, is_at_line_start: true }
    }

    /// Ends a text that was written with this result: adds a line that says what is missing, if
    /// anything is, and `after`.
    ///
    /// # Errors
    ///
    /// Those of the writer behind it.
    pub(super) fn finish(self, written: fmt::Result, after: &str) -> fmt::Result {
        if !self.budget.is_interrupted() {
            written?;
        }
        let Some(notice) = self.budget.notice(self.missing) else { return Ok(()) };
        if self.colour == Colour::Terminal && !self.is_at_line_start {
            // The truncation may have left out the end of a style, or be within an escape sequence.
            self.out.write_str("\x1b[0m")?;
        }
        if !self.is_at_line_start {
            self.out.write_char('\n')?;
        }
        writeln!(self.out, "{notice}")?;
        self.out.write_str(after)
    }

    fn pass_on(&mut self, text: &str) -> fmt::Result {
        if let Some(last) = text.as_bytes().last() {
            self.is_at_line_start = *last == b'\n';
        }
        self.left -= text.len() as u64;
        self.out.write_str(text)
    }
}

impl<W: Write> Write for LimitedText<'_, '_, W> {
    /// # Errors
    ///
    /// Those of the writer behind it; an error also if printing has been interrupted.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.size += text.len();
        let is_short = self.size < POLLED_SIZE;
        let is_interrupted = if is_short { self.budget.poll() } else { self.budget.poll_now() };
        if is_interrupted {
            return Err(fmt::Error);
        }
        let size = text.len() as u64;
        if self.missing == 0 && size <= self.left {
            return self.pass_on(text);
        }
        let mut kept = 0;
        if self.missing == 0 {
            kept = text.floor_char_boundary(self.left as usize);
            self.pass_on(&text[..kept])?;
        }
        self.missing += size - kept as u64;
        Ok(())
    }
}

/// A text of several blocks, with empty lines around those of several lines. White space at the
/// end of a block is left out. (prototype: `niceLns`)
pub(super) struct Paragraphs<'a, W> {
    out: &'a mut W,
    /// What is not written yet: white space that may be the last of the block, and the block's
    /// first line, until it is known whether there is another.
    held: String,
    /// Whether a line feed is held. It is part of the white space at the end.
    holds_line_feed: bool,
    /// Whether the block has several lines.
    is_tall: bool,
    /// Whether the block before has one line, or there is none.
    is_tight: bool,
}

impl<'a, W: Write> Paragraphs<'a, W> {
    pub(super) fn new(out: &'a mut W) -> Self {
        Paragraphs {
            out,
            held: String::new(),
            holds_line_feed: false,
            is_tall: false,
            is_tight: true,
        }
    }

    /// Ends a block.
    pub(super) fn end_block(&mut self) -> fmt::Result {
        if !self.is_tall {
            if !self.is_tight {
                self.out.write_char('\n')?;
            }
            self.out.write_str(self.held.trim_end_matches(is_space))?;
        }
        self.out.write_char('\n')?;
        self.held.clear();
        self.holds_line_feed = false;
        self.is_tight = !self.is_tall;
        self.is_tall = false;
        Ok(())
    }

    /// Ends the text.
    pub(super) fn finish(self) -> fmt::Result {
        if self.is_tight { Ok(()) } else { self.out.write_char('\n') }
    }
}

impl<W: Write> Write for Paragraphs<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let shown = text.trim_end_matches(is_space);
        if !self.is_tall {
            let breaks = !shown.is_empty() && (self.holds_line_feed || shown.contains('\n'));
            if !breaks {
                self.holds_line_feed |= text.contains('\n');
                self.held.push_str(text);
                return Ok(());
            }
            self.is_tall = true;
            self.out.write_char('\n')?;
        }
        if shown.is_empty() {
            self.held.push_str(text);
            return Ok(());
        }
        self.out.write_str(&self.held)?;
        self.out.write_str(shown)?;
        self.held.clear();
        self.held.push_str(&text[shown.len()..]);
        Ok(())
    }
}
