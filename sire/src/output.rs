//! Where a session prints to, and how values look there.

use rex::Rex;
use rex::print::Colour;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use vm::show::{self, Symbol};
use vm::{NatRef, Natural, Ref};

/// A value with more parts than this is not printed: shared parts are printed as often as they
/// occur, and no terminal is that long.
const PARTS_MAX: usize = 1 << 22;

/// A writer that the session shares with the traces of its evaluations.
#[derive(Clone)]
pub struct Output {
    sink: Rc<RefCell<Sink>>,
    colour: Colour,
}

struct Sink {
    writer: Box<dyn Write>,
    /// The first error, if a trace met one: it could not return it.
    error: Option<io::Error>,
}

impl Output {
    /// An output that ends in this writer.
    pub fn new(writer: impl Write + 'static, colour: Colour) -> Output {
        let sink = Sink { writer: Box::new(writer), error: None };
        Output { sink: Rc::new(RefCell::new(sink)), colour }
    }

    /// Prints a value as the value of an expression.
    pub(crate) fn value(&self, value: Ref<'_>) -> io::Result<()> {
        match is_printable(value) {
            true => self.write(&show::trace_text(value, self.colour)),
            false => self.write(TOO_LARGE),
        }
    }

    /// Prints a value under its name.
    pub(crate) fn definition(&self, name: &Natural, value: Ref<'_>) -> io::Result<()> {
        let symbol = symbol(name);
        match is_printable(value) {
            true => {
                let rex = show::definition_rex(&symbol, value);
                self.write(&show::tree_text(&rex, self.colour))
            }
            false => self.write(&format!("{}={TOO_LARGE}", show::symbol_text(&symbol))),
        }
    }

    /// Prints what an evaluation traces; an error is kept for the next one to return.
    pub(crate) fn trace(&self, value: Ref<'_>) {
        self.keep_error(self.value(value));
    }

    /// Prints a traced value with all its pins.
    pub(crate) fn deep_trace(&self, value: Ref<'_>) {
        let text = match show::full_rex(value) {
            Ok(rex) if is_printable(value) => show::tree_text(&rex, self.colour),
            _ => TOO_LARGE.into(),
        };
        self.keep_error(self.write(&text));
    }

    fn keep_error(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.sink.borrow_mut().error.get_or_insert(error);
        }
    }

    /// Prints text as it is.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        let sink = &mut *self.sink.borrow_mut();
        match sink.error.take() {
            Some(error) => Err(error),
            None => sink.writer.write_all(text.as_bytes()),
        }
    }

    /// Hands everything on to where it goes.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let sink = &mut *self.sink.borrow_mut();
        match sink.error.take() {
            Some(error) => Err(error),
            None => sink.writer.flush(),
        }
    }
}

/// What is printed in the place of a value that is not printable.
pub(crate) const TOO_LARGE: &str = "(a value too large to print)\n\n";

/// Whether a value is small enough to be printed.
pub(crate) fn is_printable(value: Ref<'_>) -> bool {
    !show::is_larger_than(value, PARTS_MAX)
}

/// A name within a message.
pub(crate) fn key(name: &Natural) -> String {
    show::symbol_text(&symbol(name))
}

/// A value within a message.
pub(crate) fn text(value: Ref<'_>) -> String {
    match is_printable(value) {
        true => show::value_text(value),
        false => TOO_LARGE.into(),
    }
}

/// A value as a tree.
pub(crate) fn rex(value: Ref<'_>) -> Rex {
    match is_printable(value) {
        true => show::value_rex(value),
        false => Rex::text(TOO_LARGE.trim_end()),
    }
}

fn symbol(name: &Natural) -> Symbol {
    match u64::try_from(name) {
        Ok(small) if small >> 63 == 0 => Symbol::from(NatRef::Small(small)),
        _ => Symbol::from(NatRef::Limbs(&name.to_limbs_asc())),
    }
}
