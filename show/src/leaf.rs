//! The smallest boxes: nats, names, bars, row constructors, and the heads of laws.
//!
//! A nat is written as text where that cannot be confused with a number, so its form depends on the
//! context: 97 is `%a` as a value, and `a` as a key or name.
//! (prototype: lib/Loot/Syntax.hs)

use super::Symbol;
use super::charset::{is_name_char, is_printable, is_space};
use super::size::{BoxSize, WordForm};
use plan::NatRef;
use plan::Natural;
use rex::{LeafKind, Rex};

/// A leaf: its size and its printed forms.
pub(super) struct LeafBox {
    pub(super) size: BoxSize,
    /// The form on one line, or the only form if it never fits on one line.
    pub(super) line: Rex,
    /// The form when it does not fit on a line, if that differs.
    tall: Option<Box<Rex>>,
}

impl LeafBox {
    fn new(width: usize, line: Rex) -> LeafBox {
        LeafBox { size: BoxSize::new(width), line, tall: None }
    }

    fn word(text: String) -> LeafBox {
        let word = if matches!(text.as_str(), "0" | "1" | "2") {
            WordForm::Operation
        } else {
            WordForm::Yes
        };
        let size = BoxSize { word, ..BoxSize::new(text.chars().count()) };
        LeafBox { size, line: Rex::word(text), tall: None }
    }

    fn text(text: &str) -> LeafBox {
        LeafBox::new(text.chars().count() + 2, Rex::text(text))
    }

    /// A leaf that always takes lines of its own.
    fn lines(rex: Rex) -> LeafBox {
        LeafBox { size: BoxSize::NEVER, line: rex, tall: None }
    }

    /// The form when it need not be on one line.
    pub(super) fn free(self) -> Rex {
        match self.tall {
            Some(tall) if !self.size.fits() => *tall,
            _ => self.line,
        }
    }
}

/// A nat as a value.
pub(super) fn nat(nat: NatRef<'_>) -> LeafBox {
    value(&Symbol::from(nat))
}

/// A nat as the key of a table or set.
pub(super) fn key(nat: NatRef<'_>) -> LeafBox {
    name(&Symbol::from(nat))
}

fn value(nat: &Symbol) -> LeafBox {
    match nat.text() {
        Some(text) if !nat.is_zero() && text.is_ascii() => ascii(nat, text),
        _ => LeafBox::word(nat.decimal()),
    }
}

/// A nat that spells ASCII text.
fn ascii(nat: &Symbol, text: &str) -> LeafBox {
    let visible = text.chars().all(is_printable);
    if text.chars().all(|c| c.is_ascii_alphabetic()) {
        return LeafBox::new(text.len() + 1, Rex::prefix("%", Rex::word(text)));
    }
    if text.len() == 1 {
        return LeafBox::word(nat.decimal());
    }
    if visible && text.len() < 40 && (!has_both_quotes(text) || has_balanced_braces(text)) {
        return LeafBox::text(text);
    }
    if visible || text.chars().all(|c| c == '\n' || is_printable(c)) {
        return LeafBox::lines(lines(text));
    }
    LeafBox::word(nat.decimal())
}

/// The text as line strings, one for each line.
fn lines(text: &str) -> Rex {
    let mut below = None;
    for line in text.split('\n').rev() {
        below = Some(Rex::leaf(LeafKind::Line, line, below));
    }
    below.expect("splitting gives at least one line")
}

fn has_both_quotes(text: &str) -> bool {
    text.contains('\'') && text.contains('"')
}

fn has_balanced_braces(text: &str) -> bool {
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return false,
            '}' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| !c.is_ascii_digit()) && text.chars().all(is_name_char)
}

fn is_quotable(text: &str) -> bool {
    text.chars().all(is_printable) && !has_both_quotes(text)
}

/// A nat as a name where only a name can occur: in the head of a definition, or as a key.
pub(super) fn name(symbol: &Symbol) -> LeafBox {
    match symbol.text() {
        _ if symbol.is_zero() => LeafBox::word("0".into()),
        Some(text) if is_identifier(text) => LeafBox::word(text.into()),
        Some(text) if is_quotable(text) => LeafBox::text(text),
        _ => value(symbol),
    }
}

/// A nat as a name where a value can occur: a name that is not an identifier is marked with a dot.
pub(super) fn reference(symbol: &Symbol) -> LeafBox {
    let plain = match symbol.text() {
        _ if symbol.is_zero() => LeafBox::word("0".into()),
        Some(text) if is_identifier(text) => return LeafBox::word(text.into()),
        Some(text) if is_quotable(text) => LeafBox::text(text),
        _ => LeafBox::word(symbol.decimal()),
    };
    // A name that is too wide loses its dot, as in the prototype.
    let tall = Some(Box::new(plain.line.clone()));
    let size = BoxSize::of(&[plain.size], 1);
    LeafBox { size, line: Rex::prefix(".", plain.line), tall }
}

/// The constructor of rows of that width.
pub(super) fn constructor(width: &Natural) -> LeafBox {
    LeafBox::word(format!("C{width}"))
}

/// A value that is not evaluated, or not loaded.
pub(super) fn elided() -> LeafBox {
    LeafBox::new(5, Rex::nest("...", Vec::new()))
}

/// A bar: `b#text` or `x#hexadecimal`.
pub(super) fn bar(bytes: &[u8]) -> LeafBox {
    match std::str::from_utf8(bytes) {
        Ok(text) => text_bar(text),
        Err(_) => hex_bar(bytes),
    }
}

fn text_bar(text: &str) -> LeafBox {
    let length = text.chars().count();
    let is_short = length < 40;
    if is_short && length > 0 && text.chars().all(is_name_char) {
        return LeafBox::new(2 + length, Rex::shut("#", vec![Rex::word("b"), Rex::word(text)]));
    }
    let is_inline = |c| c == ' ' || (is_printable(c) && !is_space(c));
    if is_short && text.chars().all(is_inline) && has_balanced_braces(text) {
        return LeafBox::new(4 + length, Rex::shut("#", vec![Rex::word("b"), Rex::text(text)]));
    }
    if text.chars().all(|c| c == '\n' || is_printable(c)) {
        let rex = Rex::open("#", vec![Rex::word("b")]).with_heir(lines(text));
        return LeafBox::lines(rex);
    }
    hex_bar(text.as_bytes())
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        digits.push(DIGITS[usize::from(byte >> 4)]);
        digits.push(DIGITS[usize::from(byte & 15)]);
    }
    String::from_utf8(digits).unwrap_or_default()
}

fn hex_bar(bytes: &[u8]) -> LeafBox {
    let digits = hexadecimal(bytes);
    let width = 2 + digits.len();
    LeafBox::new(width, Rex::shut("#", vec![Rex::word("x"), Rex::word(digits)]))
}

/// The head of a law with a name: `(name a b)`, or `(name@tag a b)` if `known_as` differs from the
/// law's own name, `tag`.
pub(super) fn signature(known_as: &Symbol, tag: &Symbol, args: &[Symbol]) -> LeafBox {
    let head = if known_as == tag { reference(known_as) } else { tagged(known_as, tag) };
    list(std::iter::once(head).chain(args.iter().map(reference)).collect())
}

/// The head of a definition of a pinned law, which is always on one line.
pub(super) fn definition_head(known_as: &Symbol, tag: &Symbol, args: &[Symbol]) -> Rex {
    let head = if known_as == tag { name(known_as) } else { tagged(known_as, tag) };
    let args = args.iter().map(|arg| reference(arg).line);
    Rex::nest("|", std::iter::once(head.line).chain(args).collect())
}

/// The head of a law without a name: `a` or `(a b)`.
pub(super) fn parameters(args: &[Symbol]) -> LeafBox {
    match args {
        [arg] => reference(arg),
        args => list(args.iter().map(reference).collect()),
    }
}

fn tagged(known_as: &Symbol, tag: &Symbol) -> LeafBox {
    let (known_as, tag) = (name(known_as), name(tag));
    let size = BoxSize::of(&[known_as.size, tag.size], 1);
    let line = Rex::shut("@", vec![known_as.line.clone(), tag.line.clone()]);
    let tall = Some(Box::new(Rex::open("@", vec![known_as.free(), tag.free()])));
    LeafBox { size, line, tall }
}

fn list(items: Vec<LeafBox>) -> LeafBox {
    let sizes: Vec<BoxSize> = items.iter().map(|item| item.size).collect();
    let size = BoxSize::of(&sizes, 1 + items.len());
    let line = Rex::nest("|", items.iter().map(|item| item.line.clone()).collect());
    let tall = Rex::open("|", items.into_iter().map(LeafBox::free).collect());
    let tall = Some(Box::new(tall));
    LeafBox { size, line, tall }
}
