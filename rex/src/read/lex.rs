//! The lexer: splits one source line into tokens.
//!
//! It cuts the line into tokens, turns each parenthesised or bracketed form into a tree (a form
//! cannot continue on the next line), and joins tokens without a space between them into
//! [`TokenGroup`]s. All columns and ranges are byte offsets in the line.

use std::ops::Range;

use super::error::ReadErrorKind;
use super::group::{
    HeirChain, ParsedGroup, RexToken, parse_adjacent, parse_brackets, parse_parentheses,
};
use super::layout::PositionedGroup;
use crate::chars::{is_rune_byte, is_word_byte};
use crate::{Rex, SourceSpan};

/// The first token of a line, which decides the block that the line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineStart {
    /// The line is empty or has spaces only.
    Blank,
    /// The line starts with a comment.
    Comment,
    /// The line starts with a line string at this column.
    Text(usize),
    /// The line starts with a rune that a space or the end of the line follows. The column is that
    /// of the rune's last character.
    Rune(usize),
    /// The line starts with anything else at this column.
    Other(usize),
}

/// A line, split into tokens.
#[derive(Debug)]
pub(super) struct LexedLine {
    pub(super) groups: Result<Vec<TokenGroup>, LexError>,
    /// The column of the line string at the end of the line.
    pub(super) trailing_text: Option<usize>,
    /// The column of the comment at the end of the line.
    pub(super) comment: Option<usize>,
}

/// The first error in a line.
#[derive(Debug)]
pub(super) struct LexError {
    pub(super) range: Range<usize>,
    pub(super) kind: ReadErrorKind,
}

/// Tokens without a space between them.
#[derive(Debug)]
pub(super) struct TokenGroup {
    start: usize,
    tokens: Vec<RexToken>,
}

impl TokenGroup {
    /// Appends the next line of the line string at the end of this group.
    pub(super) fn continue_text(&mut self, line: TokenGroup) {
        if let Some(RexToken::Tree(chain)) = self.tokens.last_mut() {
            for token in line.tokens {
                if let RexToken::Tree(next) = token {
                    chain.append(next);
                }
            }
        }
    }

    /// Parses the group and returns it with the column that counts for layout.
    pub(super) fn parse(self) -> PositionedGroup {
        let TokenGroup { start, tokens } = self;
        let group = parse_adjacent(tokens);
        let column = match &group {
            ParsedGroup::Rune(rune, _) => start + rune.len() - 1,
            ParsedGroup::Tree(_) => start,
        };
        PositionedGroup { column, group }
    }
}

/// Returns what a line starts with. `source` has no line feed.
pub(super) fn line_start(source: &str) -> LineStart {
    RexLexer::new(source, 0).line_start()
}

/// Splits a line, which begins at this offset in its block. `source` has no line feed.
pub(super) fn lex(source: &str, offset: usize) -> LexedLine {
    let mut lexer = RexLexer::new(source, offset);
    let groups = lexer.run();
    LexedLine { trailing_text: lexer.trailing_text, comment: lexer.comment, groups }
}

/// A parenthesised or bracketed form whose end has not been read yet, or the whole line.
struct OpenForm {
    /// Where the form begins.
    start: usize,
    /// The character that closes the form, `)` or `]`; none for the whole line.
    closer: Option<u8>,
    groups: Vec<TokenGroup>,
    /// The group that the lexer is reading.
    tokens: Vec<RexToken>,
    /// Where that group begins.
    group_start: usize,
}

impl OpenForm {
    fn new(start: usize, closer: Option<u8>) -> OpenForm {
        OpenForm { start, closer, groups: Vec::new(), tokens: Vec::new(), group_start: start }
    }

    fn push(&mut self, start: usize, token: RexToken) {
        if self.tokens.is_empty() {
            self.group_start = start;
        }
        self.tokens.push(token);
    }

    fn end_group(&mut self) {
        if !self.tokens.is_empty() {
            let tokens = std::mem::take(&mut self.tokens);
            self.groups.push(TokenGroup { start: self.group_start, tokens });
        }
    }
}

struct RexLexer<'a> {
    source: &'a str,
    /// The position of the line in its block.
    offset: usize,
    /// The position of the next token.
    at: usize,
    /// The forms around the innermost one; the first is the whole line.
    outer_forms: Vec<OpenForm>,
    innermost: OpenForm,
    trailing_text: Option<usize>,
    comment: Option<usize>,
}

impl<'a> RexLexer<'a> {
    fn new(source: &'a str, offset: usize) -> RexLexer<'a> {
        RexLexer {
            source,
            offset,
            at: 0,
            outer_forms: Vec::new(),
            innermost: OpenForm::new(0, None),
            trailing_text: None,
            comment: None,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied()
    }

    /// Returns the end of the run of bytes from `at` on that satisfy `member`.
    fn end_of(&self, at: usize, member: impl Fn(u8) -> bool) -> usize {
        let rest = &self.source.as_bytes()[at..];
        rest.iter().position(|b| !member(*b)).map_or(self.source.len(), |i| at + i)
    }

    fn find(&self, from: usize, byte: u8) -> Option<usize> {
        let rest = self.source.as_bytes().get(from..)?;
        rest.iter().position(|b| *b == byte).map(|i| from + i)
    }

    fn line_start(&self) -> LineStart {
        let at = self.end_of(0, |b| b == b' ');
        match self.byte(at) {
            None => LineStart::Blank,
            Some(b';') => LineStart::Comment,
            Some(b'}') if matches!(self.byte(at + 1), None | Some(b' ')) => LineStart::Text(at),
            Some(b) if is_rune_byte(b) => {
                let end = self.end_of(at, is_rune_byte);
                match self.byte(end) {
                    None | Some(b' ' | b';') => LineStart::Rune(end - 1),
                    Some(_) => LineStart::Other(at),
                }
            }
            Some(_) => LineStart::Other(at),
        }
    }

    fn run(&mut self) -> Result<Vec<TokenGroup>, LexError> {
        while let Some(byte) = self.byte(self.at) {
            self.token(byte)?;
        }
        if self.innermost.closer.is_some() {
            self.end_unclosed()?;
        }
        self.innermost.end_group();
        Ok(std::mem::take(&mut self.innermost.groups))
    }

    /// Consumes one token that begins with `byte`.
    fn token(&mut self, byte: u8) -> Result<(), LexError> {
        let start = self.at;
        match byte {
            b' ' => {
                self.innermost.end_group();
                self.at = self.end_of(start, |b| b == b' ');
            }
            b';' => {
                self.innermost.end_group();
                self.comment = Some(start);
                self.at = self.source.len();
            }
            b'(' => self.open_form(b')'),
            b'[' => self.open_form(b']'),
            b'"' | b'{' | b'}' => self.string(byte)?,
            b if is_word_byte(b) => {
                self.at = self.end_of(start, is_word_byte);
                self.push_leaf(start, Rex::word(&self.source[start..self.at]));
            }
            b if is_rune_byte(b) => self.rune(),
            b if Some(b) == self.innermost.closer => {
                self.at += 1;
                self.close_form()?;
            }
            _ => {
                let c = self.source[start..].chars().next().unwrap_or_default();
                return Err(LexError {
                    range: start..start + c.len_utf8(),
                    kind: ReadErrorKind::Unexpected(c),
                });
            }
        }
        Ok(())
    }

    /// Returns the span of the token from `start` to the position of the next one.
    fn span_from(&self, start: usize) -> SourceSpan {
        SourceSpan::new(self.offset + start..self.offset + self.at)
    }

    fn push_leaf(&mut self, start: usize, leaf: Rex) {
        self.push_tree(start, leaf.with_span(self.span_from(start)));
    }

    fn push_tree(&mut self, start: usize, tree: impl Into<HeirChain>) {
        self.innermost.push(start, RexToken::Tree(tree.into()));
    }

    /// Consumes a rune. A rune before a space starts a group of its own: `x: y` is `x : y`.
    fn rune(&mut self) {
        let start = self.at;
        self.at = self.end_of(start, is_rune_byte);
        let next = self.byte(self.at);
        let ends_group = matches!(next, None | Some(b' ' | b';')) || next == self.innermost.closer;
        if ends_group {
            self.innermost.end_group();
        }
        let rune = RexToken::Rune(self.source[start..self.at].into(), self.span_from(start));
        self.innermost.push(start, rune);
    }

    fn open_form(&mut self, closer: u8) {
        let form = OpenForm::new(self.at, Some(closer));
        self.at += 1;
        self.outer_forms.push(std::mem::replace(&mut self.innermost, form));
    }

    /// Turns the innermost form into a tree and adds it to the form around it.
    fn close_form(&mut self) -> Result<(), LexError> {
        self.innermost.end_group();
        let Some(outer) = self.outer_forms.pop() else { return Ok(()) };
        let form = std::mem::replace(&mut self.innermost, outer);
        let groups: Vec<PositionedGroup> = form.groups.into_iter().map(TokenGroup::parse).collect();
        let span = self.span_from(form.start);
        let tree = if form.closer == Some(b')') {
            parse_parentheses(groups.into_iter().map(|positioned| positioned.group).collect(), span)
        } else {
            let rune = groups.iter().find_map(|PositionedGroup { column, group }| match group {
                ParsedGroup::Rune(rune, _) => Some(column + 1 - rune.len()..column + 1),
                ParsedGroup::Tree(_) => None,
            });
            let groups = groups.into_iter().map(|positioned| positioned.group).collect();
            parse_brackets(groups, span).ok_or(LexError {
                range: rune.unwrap_or(form.start..self.at),
                kind: ReadErrorKind::RuneInBrackets,
            })?
        };
        self.push_tree(form.start, tree);
        Ok(())
    }

    /// Handles a line that ends inside a form. This is an error, except in `(a ; b)`: where the
    /// last character of a comment would close the form, the prototype reads the form as closed.
    fn end_unclosed(&mut self) -> Result<(), LexError> {
        if self.comment.is_some() && self.source.as_bytes().last().copied() == self.innermost.closer
        {
            self.close_form()?;
        }
        match self.innermost.closer {
            None => Ok(()),
            Some(closer) => {
                let start = self.innermost.start;
                let opener = if closer == b')' { '(' } else { '[' };
                Err(LexError { range: start..start + 1, kind: ReadErrorKind::UnclosedForm(opener) })
            }
        }
    }

    /// Consumes a string that begins with `byte`.
    fn string(&mut self, byte: u8) -> Result<(), LexError> {
        let start = self.at;
        let (content, closer) = match (byte, self.byte(start + 1)) {
            (b'}', None | Some(b' ')) => {
                self.at = self.source.len();
                self.trailing_text = Some(start);
                self.push_leaf(start, Rex::line(self.source.get(start + 2..).unwrap_or("")));
                return Ok(());
            }
            (b'}', Some(quote)) if quote == 0 || !quote.is_ascii() => {
                return Err(LexError { range: start..start + 1, kind: ReadErrorKind::BadQuote });
            }
            (b'}', Some(quote)) => (start + 2, quote),
            (b'"', _) => (start + 1, b'"'),
            _ => (start + 1, b'}'),
        };
        let end = match byte {
            b'{' => self.matching_brace(content),
            _ => self.find(content, closer),
        };
        let end = match end {
            Some(end) => end,
            // The prototype reads a quote at the end of a line as an empty text.
            None if byte != b'{' && content == self.source.len() => content,
            None => {
                let kind = ReadErrorKind::UnclosedText(char::from(closer));
                return Err(LexError { range: start..self.source.len(), kind });
            }
        };
        self.at = (end + 1).min(self.source.len());
        self.push_leaf(start, Rex::text(&self.source[content..end]));
        Ok(())
    }

    /// Returns the position of the `}` that closes the brace before `from`.
    fn matching_brace(&self, from: usize) -> Option<usize> {
        let mut depth = 1usize;
        for (i, byte) in self.source.bytes().enumerate().skip(from) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(i);
            }
        }
        None
    }
}
