//! One line of source: its tokens, nested forms, and clumps.

use std::ops::Range;

use super::error::Problem;
use super::form::{Chain, Item, Part, brackets, parentheses, tight};
use super::layout::Placed;
use crate::Rex;
use crate::chars::{is_rune_byte, is_word_byte};

/// What a line begins with, which decides the block it belongs to. Columns are byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineStart {
    /// Nothing but spaces.
    Blank,
    Comment,
    /// A line string.
    Text(usize),
    /// A rune with space behind it; the column is that of its last character.
    Rune(usize),
    /// Anything else.
    Other(usize),
}

/// A line that was taken apart.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) start: LineStart,
    pub(super) clumps: Result<Vec<Clump>, Fault>,
    /// The column of the line string that the line ends in, if it does.
    pub(super) trailing_text: Option<usize>,
}

/// The first thing that is wrong with a line.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) place: Range<usize>,
    pub(super) problem: Problem,
}

/// Tokens without space in between.
#[derive(Debug)]
pub(super) struct Clump {
    start: usize,
    parts: Vec<Part>,
}

impl Clump {
    /// Attaches the next line of the line string in which this clump ends.
    pub(super) fn continue_text(&mut self, line: Clump) {
        if let Some(Part::Tree(chain)) = self.parts.last_mut() {
            for part in line.parts {
                if let Part::Tree(next) = part {
                    chain.append(next);
                }
            }
        }
    }

    pub(super) fn place(self) -> Placed {
        let Clump { start, parts } = self;
        let item = tight(parts);
        let column = match &item {
            Item::Rune(rune) => start + rune.len() - 1,
            Item::Tree(_) => start,
        };
        Placed { column, item }
    }
}

/// Takes a line apart.
pub(super) fn lex(source: &str) -> Line {
    let mut lexer = Lexer {
        source,
        at: 0,
        nests: Vec::new(),
        inner: Nest { open: 0, closer: None, clumps: Vec::new(), clump: Vec::new(), start: 0 },
        trailing_text: None,
        in_comment: false,
    };
    let start = lexer.line_start();
    let clumps = lexer.run();
    Line { start, trailing_text: lexer.trailing_text, clumps }
}

/// A parenthesis or bracket that is open, or the line itself.
struct Nest {
    open: usize,
    /// `)` or `]`; none for the line.
    closer: Option<u8>,
    clumps: Vec<Clump>,
    /// The clump being collected, and where it started.
    clump: Vec<Part>,
    start: usize,
}

impl Nest {
    fn push(&mut self, start: usize, part: Part) {
        if self.clump.is_empty() {
            self.start = start;
        }
        self.clump.push(part);
    }

    fn end_clump(&mut self) {
        if !self.clump.is_empty() {
            self.clumps.push(Clump { start: self.start, parts: std::mem::take(&mut self.clump) });
        }
    }
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    /// The forms around the innermost one, the line itself first.
    nests: Vec<Nest>,
    inner: Nest,
    trailing_text: Option<usize>,
    in_comment: bool,
}

impl<'a> Lexer<'a> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied()
    }

    /// Where the run of bytes starting at `at` that all satisfy `member` ends.
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

    fn run(&mut self) -> Result<Vec<Clump>, Fault> {
        while let Some(byte) = self.byte(self.at) {
            self.token(byte)?;
        }
        if self.inner.closer.is_some() {
            self.end_unclosed()?;
        }
        self.inner.end_clump();
        Ok(std::mem::take(&mut self.inner.clumps))
    }

    /// Consumes one token, which begins with `byte`.
    fn token(&mut self, byte: u8) -> Result<(), Fault> {
        let start = self.at;
        match byte {
            b' ' => {
                self.inner.end_clump();
                self.at = self.end_of(start, |b| b == b' ');
            }
            b';' => {
                self.inner.end_clump();
                self.in_comment = true;
                self.at = self.source.len();
            }
            b'(' => self.open(b')'),
            b'[' => self.open(b']'),
            b'"' | b'{' | b'}' => self.string(byte)?,
            b if is_word_byte(b) => {
                self.at = self.end_of(start, is_word_byte);
                self.tree(start, Rex::word(&self.source[start..self.at]));
            }
            b if is_rune_byte(b) => self.rune(),
            b if Some(b) == self.inner.closer => {
                self.at += 1;
                self.close()?;
            }
            _ => {
                let c = self.source[start..].chars().next().unwrap_or_default();
                return Err(Fault {
                    place: start..start + c.len_utf8(),
                    problem: Problem::Unexpected(c),
                });
            }
        }
        Ok(())
    }

    fn tree(&mut self, start: usize, tree: impl Into<Chain>) {
        self.inner.push(start, Part::Tree(tree.into()));
    }

    /// A rune with space behind it does not belong to what is in front of it: `x: y` is `x : y`.
    fn rune(&mut self) {
        let start = self.at;
        self.at = self.end_of(start, is_rune_byte);
        let next = self.byte(self.at);
        let space_behind = matches!(next, None | Some(b' ' | b';')) || next == self.inner.closer;
        if space_behind {
            self.inner.end_clump();
        }
        self.inner.push(start, Part::Rune(self.source[start..self.at].into()));
    }

    fn open(&mut self, closer: u8) {
        let open = self.at;
        self.at += 1;
        let nest =
            Nest { open, closer: Some(closer), clumps: Vec::new(), clump: Vec::new(), start: open };
        self.nests.push(std::mem::replace(&mut self.inner, nest));
    }

    /// Turns the innermost form into a tree in the one around it.
    fn close(&mut self) -> Result<(), Fault> {
        self.inner.end_clump();
        let Some(around) = self.nests.pop() else { return Ok(()) };
        let nest = std::mem::replace(&mut self.inner, around);
        let placed: Vec<Placed> = nest.clumps.into_iter().map(Clump::place).collect();
        let tree = if nest.closer == Some(b')') {
            parentheses(placed.into_iter().map(|clump| clump.item).collect())
        } else {
            let rune = placed.iter().find_map(|clump| match &clump.item {
                Item::Rune(rune) => Some(clump.column + 1 - rune.len()..clump.column + 1),
                Item::Tree(_) => None,
            });
            let items = placed.into_iter().map(|clump| clump.item).collect();
            brackets(items).ok_or(Fault {
                place: rune.unwrap_or(nest.open..self.at),
                problem: Problem::RuneInBrackets,
            })?
        };
        self.tree(nest.open, tree);
        Ok(())
    }

    /// The line ended in a parenthesis or bracket. That is an error, except in one case in which
    /// the prototype does not notice: in `(a ; b)`, where the last character of the comment would
    /// have closed the form, it takes it to be closed.
    fn end_unclosed(&mut self) -> Result<(), Fault> {
        if self.in_comment && self.source.as_bytes().last().copied() == self.inner.closer {
            self.close()?;
        }
        match self.inner.closer {
            None => Ok(()),
            Some(closer) => {
                let open = self.inner.open;
                let opener = if closer == b')' { '(' } else { '[' };
                Err(Fault { place: open..open + 1, problem: Problem::UnclosedNest(opener) })
            }
        }
    }

    /// A string, which begins with `byte`.
    fn string(&mut self, byte: u8) -> Result<(), Fault> {
        let start = self.at;
        let (content, closer) = match (byte, self.byte(start + 1)) {
            (b'}', None | Some(b' ')) => {
                self.at = self.source.len();
                self.trailing_text = Some(start);
                self.tree(start, Rex::line(self.source.get(start + 2..).unwrap_or("")));
                return Ok(());
            }
            (b'}', Some(quote)) if quote == 0 || !quote.is_ascii() => {
                return Err(Fault { place: start..start + 1, problem: Problem::BadQuote });
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
            // Not noticed by the prototype either: a quote that opens at the very end of a line
            // is an empty text.
            None if byte != b'{' && content == self.source.len() => content,
            None => {
                let problem = Problem::UnclosedText(char::from(closer));
                return Err(Fault { place: start..self.source.len(), problem });
            }
        };
        self.at = (end + 1).min(self.source.len());
        self.tree(start, Rex::text(&self.source[content..end]));
        Ok(())
    }

    /// The `}` that closes the brace before `from`.
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
