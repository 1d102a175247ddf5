//! Groups lines into blocks.
//!
//! * A line that begins with a free-standing rune starts a block. A blank line, or a line that
//!   begins to the left of that rune's last character, ends it. Comments do not end it.
//! * A line string starts a block of line strings in the same column.
//! * Any other line is a complete block.

use std::sync::Arc;

use super::error::ReadError;
use super::layout::layout;
use super::lex::{LexError, LineStart, TokenGroup, lex, line_start};
use crate::Rex;

/// A tree and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceBlock {
    /// The line that the block starts on, counted from 1.
    pub line: usize,
    /// The tree.
    pub rex: Rex,
}

/// Reads blocks, a line at a time.
///
/// The reader returns a block as soon as the block is known to be complete, at the latest with the
/// next blank line. For a block with errors it returns the first error, and continues after the
/// block.
#[derive(Debug)]
pub struct BlockReader {
    file: Arc<str>,
    /// The number of the next line.
    line: usize,
    /// The number of bytes before it.
    offset: usize,
    pending: Option<PendingBlock>,
}

/// A block that the next line may continue.
#[derive(Debug)]
struct PendingBlock {
    line: usize,
    /// The number of bytes before the block.
    offset: usize,
    /// The leftmost column in which a line of the block may begin.
    column: usize,
    /// Whether the block consists of line strings only.
    text_only: bool,
    content: Result<Vec<TokenGroup>, ReadError>,
    /// The column of the line string at the end of the last line.
    trailing_text: Option<usize>,
}

impl PendingBlock {
    /// Returns whether a line that begins with `start` continues the block.
    fn continues_with(&self, start: LineStart) -> bool {
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

    /// Adds the content of a line. After an error, the block is that error.
    fn extend(&mut self, start: LineStart, content: Result<Vec<TokenGroup>, ReadError>) {
        let Ok(groups) = &mut self.content else { return };
        match content {
            Err(error) => self.content = Err(error),
            Ok(mut more) => {
                if let LineStart::Text(column) = start
                    && self.trailing_text == Some(column)
                    && let (Some(text), Some(line)) = (groups.last_mut(), more.pop())
                {
                    text.continue_text(line);
                }
                groups.append(&mut more);
            }
        }
    }

    fn finish(self) -> Result<SourceBlock, ReadError> {
        let groups = self.content?.into_iter().map(TokenGroup::parse).collect();
        Ok(SourceBlock { line: self.line, rex: layout(groups) })
    }
}

impl BlockReader {
    /// Makes a reader whose next line is line 1. Only error messages use the name `file`.
    pub fn new(file: impl Into<Arc<str>>) -> Self {
        BlockReader { file: file.into(), line: 1, offset: 0, pending: None }
    }

    /// Returns the number of the next line, counted from 1.
    pub fn next_line(&self) -> usize {
        self.line
    }

    /// Takes one line, with or without its line feed, and returns the blocks that it completes.
    /// These are two at most: the block before the line, and the line itself.
    pub fn push_line(&mut self, source: &str) -> Vec<Result<SourceBlock, ReadError>> {
        let source = source.strip_suffix('\n').unwrap_or(source);
        let line = self.line;
        self.line += 1;

        let offset = self.offset;
        self.offset += source.len() + 1;

        let start = line_start(source);
        let continued = self.pending.as_ref().filter(|pending| pending.continues_with(start));
        let block_offset = continued.map_or(offset, |pending| pending.offset);
        let is_continued = continued.is_some();
        let lexed = lex(source, offset - block_offset);
        let content = lexed.groups.map_err(|LexError { range, kind }| {
            ReadError::new(&self.file, line, source, range, kind)
        });
        if let Some(pending) = self.pending.as_mut().filter(|_| is_continued) {
            pending.extend(start, content);
            pending.trailing_text = lexed.trailing_text;
            return Vec::new();
        }

        let mut complete = Vec::new();
        complete.extend(self.end_block());
        let (column, text_only) = match start {
            LineStart::Blank | LineStart::Comment => return complete,
            LineStart::Text(column) => (column, true),
            LineStart::Rune(column) | LineStart::Other(column) => (column, false),
        };
        let trailing_text = lexed.trailing_text;
        let block = PendingBlock { line, offset, column, text_only, content, trailing_text };
        match start {
            LineStart::Other(_) => complete.push(block.finish()),
            _ => self.pending = Some(block),
        }
        complete
    }

    /// Ends the input and returns the last block, if the input ends inside one.
    pub fn finish(mut self) -> Option<Result<SourceBlock, ReadError>> {
        self.end_block()
    }

    fn end_block(&mut self) -> Option<Result<SourceBlock, ReadError>> {
        self.pending.take().map(PendingBlock::finish)
    }
}

/// Returns the blocks of a whole text, in order. Only error messages use the name `file`.
///
/// The result is the same as that of pushing all lines to a [`BlockReader`].
pub fn read_file<'a>(
    text: &'a str,
    file: &str,
) -> impl Iterator<Item = Result<SourceBlock, ReadError>> + use<'a> {
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
