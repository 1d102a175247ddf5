//! [`CallSite`]: the call that a byte of a text is in, and the argument of it.
//!
//! While one types a call, its text is not well-formed. So the reader of Rex is not used: a scan of the
//! block up to the byte keeps the brackets and runes that are open.

use rex::chars::{is_rune_char, is_word_char};
use std::ops::Range;

/// A call that is being written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CallSite {
    /// The bytes of the function's name, with its qualifier.
    pub(crate) function: Range<usize>,
    /// The arguments in front of the byte, and the one that ends at it.
    pub(crate) arguments: Vec<Range<usize>>,
    /// The number of the argument at the byte, counted from 0. None while the function itself is at
    /// the byte.
    pub(crate) active: Option<usize>,
}

/// What opened a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    /// `(`: what is in it is a call, unless a rune is.
    Parenthesis,
    /// `[`.
    Bracket,
    /// The rune `|` in a column: what follows it is a call.
    Call(usize),
    /// Another rune in a column.
    Rune(usize),
}

/// A bracket or rune that is open, with what is in it so far.
struct OpenFrame {
    kind: FrameKind,
    start: usize,
    items: Vec<Range<usize>>,
}

/// The state of a scan.
struct CallScan<'t> {
    text: &'t str,
    at: usize,
    end: usize,
    line_start: usize,
    frames: Vec<OpenFrame>,
}

impl CallSite {
    /// Finds the innermost call around a byte of a text.
    pub(crate) fn find(text: &str, byte: usize) -> Option<CallSite> {
        let start = block_start(&text[..byte]);
        let mut scan =
            CallScan { text, at: start, end: byte, line_start: start, frames: Vec::new() };
        while scan.at < scan.end {
            scan.step();
        }
        scan.frames.iter().rev().find_map(|frame| frame.call(text, byte))
    }
}

impl OpenFrame {
    fn is_bracket(&self) -> bool {
        matches!(self.kind, FrameKind::Parenthesis | FrameKind::Bracket)
    }

    /// The call of this frame, if it is one and begins with a word.
    fn call(&self, text: &str, byte: usize) -> Option<CallSite> {
        if !matches!(self.kind, FrameKind::Parenthesis | FrameKind::Call(_)) {
            return None;
        }
        let (function, arguments) = self.items.split_first()?;
        let starts_word = |first: char| is_word_char(first) && !first.is_ascii_digit();
        if !text[function.clone()].starts_with(starts_word) {
            return None;
        }
        let touches = self.items.last().is_some_and(|last| last.end == byte);
        let active = (self.items.len() - 1).checked_sub(usize::from(touches));
        Some(CallSite { function: function.clone(), arguments: arguments.to_vec(), active })
    }
}

/// The byte after the last blank line of a text.
fn block_start(text: &str) -> usize {
    let mut start = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if line.trim().is_empty() && line.ends_with('\n') {
            start = end;
        }
    }
    start
}

impl CallScan<'_> {
    /// Reads one token, or one character between tokens.
    fn step(&mut self) {
        let rest = &self.text[self.at..self.end];
        let Some(first) = rest.chars().next() else { return };
        match first {
            '\n' => self.line_feed(),
            ';' => self.at += rest.find('\n').unwrap_or(rest.len()),
            '"' => self.item(1 + rest[1..].find(['"', '\n']).map_or(rest.len() - 1, |at| at + 1)),
            '{' => self.item(braces(rest)),
            '}' => self.item(quoted(rest)),
            '(' => self.open(FrameKind::Parenthesis),
            '[' => self.open(FrameKind::Bracket),
            ')' | ']' => self.close(),
            first if is_word_char(first) => self.item(word(rest)),
            first if is_rune_char(first) => self.rune(rest),
            other => self.at += other.len_utf8(),
        }
    }

    fn line_feed(&mut self) {
        self.at += 1;
        self.line_start = self.at;
        // Brackets end with their line.
        if let Some(at) = self.frames.iter().position(OpenFrame::is_bracket) {
            self.frames.truncate(at);
        }
    }

    /// Ends the runes that the token here does not belong to, if it is the first of its line: what is
    /// further right than a rune belongs to it.
    fn begin_token(&mut self) {
        let is_first = self.text[self.line_start..self.at].bytes().all(|byte| byte == b' ');
        if !is_first {
            return;
        }
        let column = self.at - self.line_start;
        while let Some(OpenFrame { kind: FrameKind::Call(at) | FrameKind::Rune(at), .. }) =
            self.frames.last()
            && *at >= column
        {
            self.close_frame();
        }
    }

    /// Ends the innermost frame, which becomes an item of the one around it.
    fn close_frame(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        let end = match frame.items.last() {
            _ if frame.is_bracket() => self.at,
            Some(last) => last.end,
            None => frame.start + 1,
        };
        self.add(frame.start..end);
    }

    /// Adds an item to the innermost frame. One that touches the item before it belongs to it:
    /// `json.parse`.
    fn add(&mut self, item: Range<usize>) {
        let Some(frame) = self.frames.last_mut() else { return };
        match frame.items.last_mut() {
            Some(last) if last.end == item.start => last.end = item.end,
            _ => frame.items.push(item),
        }
    }

    /// Takes an item of that length.
    fn item(&mut self, length: usize) {
        self.begin_token();
        let start = self.at;
        self.at += length;
        self.add(start..self.at);
    }

    fn open(&mut self, kind: FrameKind) {
        self.begin_token();
        self.frames.push(OpenFrame { kind, start: self.at, items: Vec::new() });
        self.at += 1;
    }

    fn close(&mut self) {
        self.at += 1;
        let Some(bracket) = self.frames.iter().rposition(OpenFrame::is_bracket) else { return };
        while self.frames.len() > bracket {
            self.close_frame();
        }
    }

    fn rune(&mut self, rest: &str) {
        let length = rest.find(|c| !is_rune_char(c)).unwrap_or(rest.len());
        let (rune, after) = rest.split_at(length);
        // A rune between two words without spaces, as in `json.parse`, is part of the item.
        let is_tight = !after.is_empty() && !after.starts_with([' ', '\n']);
        let last = self.frames.last().and_then(|frame| frame.items.last());
        if is_tight || last.is_some_and(|item| item.end == self.at) {
            return self.item(length);
        }
        self.begin_token();
        let column = self.at - self.line_start;
        let kind = if rune == "|" { FrameKind::Call(column) } else { FrameKind::Rune(column) };
        self.frames.push(OpenFrame { kind, start: self.at, items: Vec::new() });
        self.at += length;
    }
}

/// The length of a word.
fn word(rest: &str) -> usize {
    rest.find(|c| !is_word_char(c)).unwrap_or(rest.len())
}

/// The length of a text in braces, which may have braces in it.
fn braces(rest: &str) -> usize {
    let mut depth = 0;
    for (at, character) in rest.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    rest.len()
}

/// The length of a text that begins with `}`: up to the quote that follows, or to the end of the line.
fn quoted(rest: &str) -> usize {
    let line = rest.find('\n').unwrap_or(rest.len());
    match rest[1..].chars().next() {
        Some(quote) if quote.is_ascii_graphic() => {
            rest[2..line.max(2)].find(quote).map_or(line, |at| at + 3)
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The function and the number of the active argument at the mark `¦` of a text.
    fn call(text: &str) -> Option<(String, Option<usize>)> {
        let byte = text.find('¦').expect("a mark");
        let text = text.replace('¦', "");
        let site = CallSite::find(&text, byte)?;
        Some((text[site.function].to_owned(), site.active))
    }

    fn some(function: &str, active: usize) -> Option<(String, Option<usize>)> {
        Some((function.to_owned(), Some(active)))
    }

    #[test]
    fn the_innermost_call_and_its_argument_are_found() {
        assert_eq!(call("= x | add ¦"), some("add", 0));
        assert_eq!(call("= x | add 1¦"), some("add", 0));
        assert_eq!(call("= x | add 1 ¦"), some("add", 1));
        assert_eq!(call("(add 1 (mul ¦"), some("mul", 0));
        assert_eq!(call("(add 1 (mul 2 3) ¦"), some("add", 2));
        assert_eq!(call("(f [a b] {x y} \"z w\" ¦)"), some("f", 3));
        assert_eq!(call("(f [a b¦"), some("f", 0));
        assert_eq!(call("| json.parse x ¦"), some("json.parse", 1));
        assert_eq!(call("= x | ad¦"), Some(("ad".to_owned(), None)));
        assert_eq!(call("= x ¦"), None);
        assert_eq!(call("(1 2 ¦"), None);
    }

    #[test]
    fn lines_that_are_further_right_belong_to_a_call() {
        let text = "= (f x)\n| foldl\n  add ; a (comment\n  0 ¦";
        assert_eq!(call(text), some("foldl", 2));
        assert_eq!(call("= (f x)\n| foldl add\n| mul ¦"), some("mul", 0));
        assert_eq!(call("= a | add 1 2\n\n= b ¦"), None);
        assert_eq!(call("| add\n  | mul 1 2\n  ¦"), some("mul", 2));
        assert_eq!(call("| add\n  | mul 1 2\n  3¦"), some("add", 1));
    }

    #[test]
    fn any_text_up_to_any_byte_is_scanned() {
        let text = "= (f {a) \"b] }_c_ é [ ;(\n| }} x\n  ((] } d\n\n}";
        for (byte, _) in text.char_indices() {
            let _ = CallSite::find(text, byte);
        }
        let _ = CallSite::find(text, text.len());
    }
}
