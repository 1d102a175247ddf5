//! Which lines make a block.
//!
//! * A line that begins with a free-standing rune opens a block, which goes on as long as lines are
//!   not blank and do not begin to the left of that rune's last character. Comments do not end it.
//! * A line string opens a block of line strings in the same column.
//! * Any other line is a block by itself, and over at once.

use std::sync::Arc;

use super::error::ReadError;
use super::layout::{Placed, layout};
use super::lex::{Clump, Fault, LineStart, lex};
use crate::Rex;

/// A tree, and where it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The line it starts on; the first line of the input is 1.
    pub line: usize,
    /// What it says.
    pub rex: Rex,
}

/// Reads blocks from lines as they come.
///
/// A block is given out as soon as it is known to be over, which is with the blank line behind it at
/// the latest. A block with errors in it is given out as the first of them, and reading goes on
/// behind it.
#[derive(Debug)]
pub struct BlockReader {
    file: Arc<str>,
    /// The number of the next line.
    line: usize,
    pending: Option<Pending>,
}

/// A block that may go on.
#[derive(Debug)]
struct Pending {
    line: usize,
    /// Lines must not begin to the left of this column.
    column: usize,
    text_only: bool,
    content: Result<Vec<Clump>, ReadError>,
    /// The column of the line string that the last line ended in, if it did.
    trailing_text: Option<usize>,
}

impl Pending {
    fn takes(&self, start: LineStart) -> bool {
        match (self.text_only, start) {
            (_, LineStart::Blank) => false,
            (true, LineStart::Text(column)) => column == self.column,
            (true, _) => false,
            (false, LineStart::Comment) => true,
            (
                false,
                LineStart::Text(column) | LineStart::Rune(column) | LineStart::Other(column),
            ) => column >= self.column,
        }
    }

    /// Adds what a line holds. The first error is the one that counts.
    fn extend(&mut self, start: LineStart, content: Result<Vec<Clump>, ReadError>) {
        let Ok(clumps) = &mut self.content else { return };
        match content {
            Err(error) => self.content = Err(error),
            Ok(mut more) => {
                if let LineStart::Text(column) = start
                    && self.trailing_text == Some(column)
                    && let (Some(text), Some(line)) = (clumps.last_mut(), more.pop())
                {
                    text.continue_text(line);
                }
                clumps.append(&mut more);
            }
        }
    }

    fn finish(self) -> Result<Block, ReadError> {
        let clumps: Vec<Placed> = self.content?.into_iter().map(Clump::place).collect();
        Ok(Block { line: self.line, rex: layout(clumps) })
    }
}

impl BlockReader {
    /// A reader at the first line of `file`, whose name is for error messages only.
    pub fn new(file: impl Into<Arc<str>>) -> Self {
        BlockReader { file: file.into(), line: 1, pending: None }
    }

    /// The number of the line that will be pushed next, counted from 1.
    pub fn next_line(&self) -> usize {
        self.line
    }

    /// Takes one line (without its line feed; one at its end is ignored) and returns the blocks
    /// that are over with it, of which there are two at most: the one that was open before it, and
    /// the line itself.
    pub fn push_line(&mut self, source: &str) -> Vec<Result<Block, ReadError>> {
        let source = source.strip_suffix('\n').unwrap_or(source);
        let line = self.line;
        self.line += 1;

        let lexed = lex(source);
        let content = lexed.clumps.map_err(|Fault { place, problem }| {
            ReadError::new(&self.file, line, source, place, problem)
        });
        if let Some(pending) = &mut self.pending
            && pending.takes(lexed.start)
        {
            pending.extend(lexed.start, content);
            pending.trailing_text = lexed.trailing_text;
            return Vec::new();
        }

        let mut over = Vec::new();
        over.extend(self.end_block());
        let (column, text_only) = match lexed.start {
            LineStart::Blank | LineStart::Comment => return over,
            LineStart::Text(column) => (column, true),
            LineStart::Rune(column) | LineStart::Other(column) => (column, false),
        };
        let block =
            Pending { line, column, text_only, content, trailing_text: lexed.trailing_text };
        match lexed.start {
            LineStart::Other(_) => over.push(block.finish()),
            _ => self.pending = Some(block),
        }
        over
    }

    /// Ends the input, and with it the block that was open, if there was one.
    pub fn finish(mut self) -> Option<Result<Block, ReadError>> {
        self.end_block()
    }

    fn end_block(&mut self) -> Option<Result<Block, ReadError>> {
        self.pending.take().map(Pending::finish)
    }
}

/// The blocks of a whole text, as if its lines were pushed one after the other to a
/// [`BlockReader`].
pub fn read_file<'a>(
    text: &'a str,
    file: &str,
) -> impl Iterator<Item = Result<Block, ReadError>> + use<'a> {
    let mut reader = Some(BlockReader::new(file));
    let mut lines = text.split_terminator('\n');
    let mut ready = Vec::new().into_iter();
    std::iter::from_fn(move || {
        loop {
            if let Some(block) = ready.next() {
                return Some(block);
            }
            ready = match lines.next() {
                Some(line) => reader.as_mut()?.push_line(line),
                None => reader.take()?.finish().into_iter().collect(),
            }
            .into_iter();
        }
    })
}
