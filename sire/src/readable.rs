//! Values as text for people: a number as a number, a text as a text.
//!
//! | value                             | text                             |
//! |-----------------------------------|----------------------------------|
//! | a nat                             | `42`                             |
//! | a nat that spells a word or more  | `"hello"`                        |
//! | a row                             | `[1 2 3]`                        |
//! | a row that begins with a tag      | `[%ok 1]`                        |
//! | a bar                             | `b#{hello}` or `x#00ff`          |
//! | a table, a set                    | `#[1=10 2=20]`, `%[1 2]`         |
//! | a function                        | `<add, a function of 2 arguments>` |
//! | a Rex tree                        | the tree, after a quote          |
//!
//! A nat says nothing of whether it is meant as a number. One that spells at least
//! [`MIN_TEXT`] printable characters is taken for a text; below the value, a comment names the number
//! if it fits in a word.

use plan::{Items, NatRef, Ref, Shape};
use rex::print::Colour;
use show::{PrintLimit, Quoted};
use std::fmt::Write as _;

/// The smallest number of bytes of a nat that is shown as a text.
const MIN_TEXT: usize = 3;
/// The largest number of parts of a value that are shown.
const PARTS_MAX: usize = 20_000;

/// What is written next.
enum WriteTask<'h> {
    Value(Ref<'h>),
    Piece(&'static str),
}

struct ReadableWriter<'h> {
    out: String,
    tasks: Vec<WriteTask<'h>>,
    limit: PrintLimit,
    parts: usize,
}

/// Returns a value in normal form as text for people, without a line feed at the end.
pub(crate) fn readable_text(value: Ref<'_>, limit: PrintLimit) -> String {
    if Quoted::of(value).is_some() {
        let tree = show::unquoted_rex(value, limit);
        return format!("'{}", rex::print::block(&tree, Colour::None).trim_end());
    }
    let tasks = vec![WriteTask::Value(value)];
    let mut writer = ReadableWriter { out: String::new(), tasks, limit, parts: 0 };
    writer.run();
    let mut out = writer.out;
    if let Shape::Nat(nat) = value.shape()
        && text_of(nat).is_some()
        && let Some(number) = nat.to_u64()
    {
        let _ = write!(out, "\n; as a number: {number}");
    }
    out
}

impl<'h> ReadableWriter<'h> {
    fn run(&mut self) {
        while let Some(task) = self.tasks.pop() {
            if self.out.len() as u64 > self.limit.bytes || self.parts > PARTS_MAX {
                let _ = write!(self.out, " ... (`:set raw` shows the value up to its own limit)");
                return;
            }
            match task {
                WriteTask::Piece(piece) => self.out.push_str(piece),
                WriteTask::Value(value) => self.value(value),
            }
        }
    }

    fn value(&mut self, value: Ref<'h>) {
        self.parts += 1;
        match value.shape() {
            Shape::Nat(nat) => self.nat(nat),
            Shape::Bar(bytes) => self.bar(bytes),
            Shape::Row(items) => self.row(items),
            Shape::Set(keys) => self.list("%[", keys),
            Shape::Tab(keys, values) => self.table(keys, values),
            Shape::Cow(width) => {
                let _ = write!(self.out, "<the constructor of rows of {width}>");
            }
            Shape::Law(law) => self.function(law.name(), law.arity()),
            Shape::Pin(pin) => match pin.item().shape() {
                Shape::Law(law) => self.function(law.name(), law.arity()),
                _ => {
                    self.out.push_str("<pin ");
                    self.tasks.push(WriteTask::Piece(">"));
                    self.tasks.push(WriteTask::Value(pin.item()));
                }
            },
            Shape::App(_) if Quoted::of(value).is_some() => {
                let tree = show::unquoted_rex(value, self.limit);
                let _ = write!(self.out, "'{}", rex::print::line(&tree, Colour::None));
            }
            Shape::App(app) => {
                self.out.push('(');
                self.tasks.push(WriteTask::Piece(")"));
                let first = self.tasks.len();
                self.tasks.push(WriteTask::Value(app.head()));
                for arg in app.args().take(PARTS_MAX) {
                    self.tasks.extend([WriteTask::Piece(" "), WriteTask::Value(arg)]);
                }
                self.tasks[first..].reverse();
            }
            Shape::Thunk => self.out.push_str("<not evaluated>"),
        }
    }

    fn nat(&mut self, nat: NatRef<'h>) {
        let written = match text_of(nat) {
            Some(text) if text.contains('"') => write!(self.out, "{{{text}}}"),
            Some(text) => write!(self.out, "\"{text}\""),
            None => match nat.to_u64() {
                Some(number) => write!(self.out, "{number}"),
                None => write!(self.out, "{}", nat.to_natural()),
            },
        };
        // Writing to a string does not fail.
        let _ = written;
    }

    fn bar(&mut self, bytes: &[u8]) {
        let shown =
            &bytes[..bytes.len().min(usize::try_from(self.limit.bytes).unwrap_or(usize::MAX))];
        match str::from_utf8(shown) {
            Ok(text) if text.chars().all(is_printable) && !text.contains(['{', '}']) => {
                let _ = write!(self.out, "b#{{{text}}}");
            }
            _ => {
                self.out.push_str("x#");
                for byte in shown {
                    let _ = write!(self.out, "{byte:02x}");
                }
            }
        }
    }

    fn row(&mut self, items: Items<'h>) {
        let tag = items.get(0).and_then(Ref::as_nat).and_then(|nat| nat.text());
        let tag = tag.filter(|tag| is_tag(tag));
        let Some(tag) = tag else { return self.list("[", items) };
        let _ = write!(self.out, "[%{tag}");
        self.tasks.push(WriteTask::Piece("]"));
        let first = self.tasks.len();
        for item in items.iter().skip(1).take(PARTS_MAX) {
            self.tasks.extend([WriteTask::Piece(" "), WriteTask::Value(item)]);
        }
        self.tasks[first..].reverse();
    }

    fn list(&mut self, opener: &'static str, items: Items<'h>) {
        self.out.push_str(opener);
        self.tasks.push(WriteTask::Piece("]"));
        let first = self.tasks.len();
        for (index, item) in items.iter().take(PARTS_MAX).enumerate() {
            if index > 0 {
                self.tasks.push(WriteTask::Piece(" "));
            }
            self.tasks.push(WriteTask::Value(item));
        }
        self.tasks[first..].reverse();
    }

    fn table(&mut self, keys: Items<'h>, values: Items<'h>) {
        self.out.push_str("#[");
        self.tasks.push(WriteTask::Piece("]"));
        let first = self.tasks.len();
        for (index, (key, value)) in keys.iter().zip(values.iter()).take(PARTS_MAX).enumerate() {
            if index > 0 {
                self.tasks.push(WriteTask::Piece(" "));
            }
            let entry = [WriteTask::Value(key), WriteTask::Piece("="), WriteTask::Value(value)];
            self.tasks.extend(entry);
        }
        self.tasks[first..].reverse();
    }

    fn function(&mut self, name: NatRef<'h>, arity: NatRef<'h>) {
        let name = name.text().filter(|name| !name.is_empty() && name.chars().all(is_printable));
        let name = name.unwrap_or_else(|| "unnamed".into());
        let _ = match arity.to_u64() {
            _ if self.parts > 1 => write!(self.out, "{name}"),
            Some(1) => write!(self.out, "<{name}, a function of 1 argument>"),
            Some(arity) => write!(self.out, "<{name}, a function of {arity} arguments>"),
            None => write!(self.out, "<{name}, a function>"),
        };
    }
}

/// Returns the text that a nat probably stands for.
fn text_of(nat: NatRef<'_>) -> Option<String> {
    let text = nat.text()?;
    (text.len() >= MIN_TEXT && text.chars().all(is_printable)).then_some(text)
}

fn is_printable(c: char) -> bool {
    !c.is_control()
}

/// Returns whether the first item of a row is probably a tag: a word of at least two characters that
/// begins with a letter.
fn is_tag(text: &str) -> bool {
    text.len() >= 2
        && rex::chars::is_word(text)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}
