//! The lexer of the text form.

use std::fmt::{self, Display, Formatter};

/// A syntax error and its line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct IrParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// The error.
    pub what: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum IrToken {
    /// A letter, then letters and digits.
    Word(String),
    Nat(u64),
    /// A quoted string, without its quotes and escapes.
    Text(String),
    /// Any other character.
    Mark(char),
    /// The end of the text.
    Eof,
}

impl Display for IrToken {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            IrToken::Word(word) => write!(f, "`{word}`"),
            IrToken::Nat(nat) => write!(f, "`{nat}`"),
            IrToken::Text(text) => write!(f, "{text:?}"),
            IrToken::Mark(mark) => write!(f, "`{mark}`"),
            IrToken::Eof => f.write_str("the end of the text"),
        }
    }
}

pub(super) struct IrLexer<'t> {
    rest: &'t str,
    line: usize,
    peeked: Option<IrToken>,
}

impl<'t> IrLexer<'t> {
    pub(super) fn new(text: &'t str) -> IrLexer<'t> {
        IrLexer { rest: text, line: 1, peeked: None }
    }

    pub(super) fn error(&self, what: String) -> IrParseError {
        IrParseError { line: self.line, what }
    }

    pub(super) fn peek(&mut self) -> Result<IrToken, IrParseError> {
        let token = self.next()?;
        self.peeked = Some(token.clone());
        Ok(token)
    }

    pub(super) fn next(&mut self) -> Result<IrToken, IrParseError> {
        if let Some(token) = self.peeked.take() {
            return Ok(token);
        }
        self.skip_blanks();
        match self.rest.chars().next() {
            None => Ok(IrToken::Eof),
            Some('"') => self.text(),
            Some(c) if c.is_ascii_digit() => {
                let digits = self.take_while(|c| c.is_ascii_digit());
                let nat = digits.parse().map(IrToken::Nat);
                nat.map_err(|_| self.error(format!("{digits} is too large")))
            }
            Some(c) if c.is_ascii_alphabetic() => {
                Ok(IrToken::Word(self.take_while(|c| c.is_ascii_alphanumeric()).to_owned()))
            }
            Some(mark) => {
                self.rest = &self.rest[mark.len_utf8()..];
                Ok(IrToken::Mark(mark))
            }
        }
    }

    /// Consumes the longest prefix whose characters all satisfy `accepts`, and returns it.
    fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !accepts(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Skips white space and comments.
    fn skip_blanks(&mut self) {
        loop {
            let space = self.take_while(char::is_whitespace);
            self.line += space.matches('\n').count();
            if !self.rest.starts_with(';') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    /// Reads a quoted string with the escapes of Rust; `\u{..}` is the only escape of more than one
    /// character.
    fn text(&mut self) -> Result<IrToken, IrParseError> {
        let mut chars = self.rest.char_indices().skip(1);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(IrToken::Text(text));
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some('0') => text.push('\0'),
                    Some('u') => {
                        let code: String = chars
                            .by_ref()
                            .map(|(_, c)| c)
                            .skip_while(|c| *c == '{')
                            .take_while(|c| *c != '}')
                            .collect();
                        let c = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                        text.push(c.ok_or_else(|| self.error(format!("no character {code}")))?);
                    }
                    Some(c) => text.push(c),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(self.error("a string has no closing quote".to_owned()))
    }
}
