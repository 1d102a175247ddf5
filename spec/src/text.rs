//! The compact notation of terms, for regression files and test messages.
//!
//! ```text
//! 42            a nat                     'die'       the nat holding that text
//! (f x y)       f applied to x, then y    {n a b}     a law: name, arity, body
//! <x>           a pin                     ; ...       a comment, to the end of its line
//! ```
//!
//! `Display` writes nats in decimal, and an app whose function is an app as one list. So terms are
//! equal if and only if their texts are.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use malachite_nz::natural::Natural;

use super::{Term, nat_from_bytes};

/// Why a text is not a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermParseError {
    /// The position of the problem, in bytes from the start of the text.
    pub offset: usize,
    /// The problem, and what was expected.
    pub problem: &'static str,
}

impl fmt::Display for TermParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at offset {}: {}", self.offset, self.problem)
    }
}

impl Error for TermParseError {}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        enum Piece<'a> {
            Text(&'static str),
            Term(&'a Term),
        }
        let mut pending = vec![Piece::Term(self)];
        while let Some(piece) = pending.pop() {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Term(Term::Nat(n)) => write!(f, "{n}")?,
                Piece::Term(Term::Pin(item)) => {
                    f.write_str("<")?;
                    pending.extend([Piece::Text(">"), Piece::Term(item)]);
                }
                Piece::Term(Term::Law { name, arity, body }) => {
                    write!(f, "{{{name} {arity} ")?;
                    pending.extend([Piece::Text("}"), Piece::Term(body)]);
                }
                Piece::Term(app @ Term::App(..)) => {
                    f.write_str("(")?;
                    let (head, arguments) = app.spine();
                    pending.push(Piece::Text(")"));
                    for argument in arguments.into_iter().rev() {
                        pending.extend([Piece::Term(argument), Piece::Text(" ")]);
                    }
                    pending.push(Piece::Term(head));
                }
            }
        }
        Ok(())
    }
}

/// Formats like [`Display`](fmt::Display). The derived form would recurse, and is too long for a
/// test's message.
impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Term {
    /// Parses one term in the notation that `Display` writes.
    ///
    /// # Errors
    ///
    /// If the text is not exactly one term, or the term is not well formed.
    pub fn parse(text: &str) -> Result<Term, TermParseError> {
        let term = TermParser { text, offset: 0, open: Vec::new() }.parse()?;
        if term.is_well_formed() {
            Ok(term)
        } else {
            let problem = "a law here has arity 0, or a law or pin holds an unevaluated app";
            Err(TermParseError { offset: 0, problem })
        }
    }
}

impl FromStr for Term {
    type Err = TermParseError;

    fn from_str(text: &str) -> Result<Term, TermParseError> {
        Term::parse(text)
    }
}

/// An opening bracket without its partner so far, and the items behind it.
struct OpenBracket {
    bracket: u8,
    offset: usize,
    items: Vec<Term>,
}

struct TermParser<'a> {
    text: &'a str,
    offset: usize,
    open: Vec<OpenBracket>,
}

impl TermParser<'_> {
    fn parse(mut self) -> Result<Term, TermParseError> {
        loop {
            self.skip_space();
            let start = self.offset;
            let Some(&byte) = self.text.as_bytes().get(start) else {
                return Err(match self.open.pop() {
                    Some(open) => fail(open.offset, "this bracket is never closed"),
                    None => fail(start, "the text ends where a term was expected"),
                });
            };
            let term = match byte {
                b'(' | b'{' | b'<' => {
                    self.offset += 1;
                    self.open.push(OpenBracket { bracket: byte, offset: start, items: Vec::new() });
                    continue;
                }
                b')' | b'}' | b'>' => {
                    self.offset += 1;
                    let Some(open) = self.open.pop() else {
                        return Err(fail(start, "this bracket closes nothing"));
                    };
                    close(open, byte, start)?
                }
                b'0'..=b'9' => self.number(),
                b'\'' => self.quoted()?,
                _ => return Err(fail(start, "expected a number, text in '', or a bracket")),
            };
            match self.open.last_mut() {
                Some(open) => open.items.push(term),
                None => return self.finish(term),
            }
        }
    }

    /// Checks that nothing follows the whole term.
    fn finish(mut self, term: Term) -> Result<Term, TermParseError> {
        self.skip_space();
        if self.offset == self.text.len() {
            Ok(term)
        } else {
            Err(fail(self.offset, "the text continues after the term"))
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.offset..]
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let comment = if trimmed.starts_with(';') {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else {
                0
            };
            let skipped = rest.len() - trimmed.len() + comment;
            if skipped == 0 {
                return;
            }
            self.offset += skipped;
        }
    }

    /// Parses a decimal number. The caller has seen its first digit.
    fn number(&mut self) -> Term {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let n = Natural::from_str(&rest[..end]).expect("one or more decimal digits are a natural");
        self.offset += end;
        Term::Nat(n)
    }

    /// Parses text between single quotes. The caller has seen the first quote.
    fn quoted(&mut self) -> Result<Term, TermParseError> {
        let start = self.offset;
        let inner = &self.text[start + 1..];
        let Some(end) = inner.find('\'') else {
            return Err(fail(start, "this quote is never closed"));
        };
        self.offset = start + end + 2;
        Ok(Term::Nat(nat_from_bytes(&inner.as_bytes()[..end])))
    }
}

fn fail(offset: usize, problem: &'static str) -> TermParseError {
    TermParseError { offset, problem }
}

/// Returns the term between a bracket and its partner.
fn close(open: OpenBracket, bracket: u8, offset: usize) -> Result<Term, TermParseError> {
    let OpenBracket { bracket: opened, offset: start, items } = open;
    match (opened, bracket) {
        (b'(', b')') if items.len() >= 2 => {
            let mut items = items.into_iter();
            let head = items.next().expect("there are at least two items");
            Ok(head.apps(items))
        }
        (b'(', b')') => Err(fail(start, "an app needs a function and an argument")),
        (b'<', b'>') => match items.as_slice() {
            [item] => Ok(item.clone().pin()),
            _ => Err(fail(start, "a pin holds exactly one term")),
        },
        (b'{', b'}') => match items.as_slice() {
            [Term::Nat(name), Term::Nat(arity), body] => Ok(Term::Law {
                name: name.clone(),
                arity: arity.clone(),
                body: Arc::new(body.clone()),
            }),
            _ => Err(fail(start, "a law is a nat, its name, a nat, its arity, and a body")),
        },
        _ => Err(fail(offset, "this bracket does not match the one that is open")),
    }
}
