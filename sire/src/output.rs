//! The output of a session, and the printed form of values in it.

use plan::{NatRef, Natural, Ref};
use rex::Rex;
use rex::print::Colour;
use show::{self, Symbol};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// The maximum number of parts of a value that is printed. Shared parts count as often as they
/// occur, because they print as often.
const PARTS_MAX: usize = 1 << 22;

/// A writer that the session shares with the traces of its evaluations.
#[derive(Clone)]
pub struct SireOutput {
    shared: Rc<RefCell<SharedWriter>>,
    colour: Colour,
}

struct SharedWriter {
    writer: Box<dyn Write>,
    /// The first error of a trace, which cannot return it. The next write or flush does.
    trace_error: Option<io::Error>,
}

impl SireOutput {
    /// Makes an output that prints to `writer`.
    pub fn new(writer: impl Write + 'static, colour: Colour) -> SireOutput {
        let shared = SharedWriter { writer: Box::new(writer), trace_error: None };
        SireOutput { shared: Rc::new(RefCell::new(shared)), colour }
    }

    /// Prints the value of an expression. Prints nothing if a pin in it is damaged, which the
    /// caller finds by checking the heap.
    pub(crate) fn value(&self, value: Ref<'_>) -> io::Result<()> {
        let text = match is_printable(value) {
            true => show::trace_text(value, self.colour),
            false => TOO_LARGE.into(),
        };
        if value.check_damage().is_err() { Ok(()) } else { self.write(&text) }
    }

    /// Prints the definition of a name. Prints nothing if a pin in it is damaged, like
    /// [`SireOutput::value`].
    pub(crate) fn definition(&self, name: &Natural, value: Ref<'_>) -> io::Result<()> {
        let symbol = symbol(name);
        let text = match is_printable(value) {
            true => show::tree_text(&show::definition_rex(&symbol, value), self.colour),
            false => format!("{}={TOO_LARGE}", show::symbol_text(&symbol)),
        };
        if value.check_damage().is_err() { Ok(()) } else { self.write(&text) }
    }

    /// Prints a traced value. The next write or flush returns an error of this one.
    pub(crate) fn trace(&self, value: Ref<'_>) {
        self.keep_error(self.value(value));
    }

    /// Prints a traced value with the content of all its pins, like [`SireOutput::trace`].
    pub(crate) fn deep_trace(&self, value: Ref<'_>) {
        let text = match show::full_rex(value) {
            Ok(rex) if is_printable(value) => show::tree_text(&rex, self.colour),
            _ => TOO_LARGE.into(),
        };
        self.keep_error(self.write(&text));
    }

    fn keep_error(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.shared.borrow_mut().trace_error.get_or_insert(error);
        }
    }

    /// Prints text.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        let shared = &mut *self.shared.borrow_mut();
        match shared.trace_error.take() {
            Some(error) => Err(error),
            None => shared.writer.write_all(text.as_bytes()),
        }
    }

    /// Flushes the writer.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let shared = &mut *self.shared.borrow_mut();
        match shared.trace_error.take() {
            Some(error) => Err(error),
            None => shared.writer.flush(),
        }
    }
}

/// The replacement for a value that is too large to print.
pub(crate) const TOO_LARGE: &str = "(a value too large to print)\n\n";

/// Returns whether a value is small enough to be printed.
pub(crate) fn is_printable(value: Ref<'_>) -> bool {
    !plan::is_larger_than(value, PARTS_MAX)
}

/// Returns the printed form of a name, for messages.
pub(crate) fn key_text(name: &Natural) -> String {
    show::symbol_text(&symbol(name))
}

/// Returns the printed form of a value, for messages.
pub(crate) fn value_text(value: Ref<'_>) -> String {
    match is_printable(value) {
        true => show::value_text(value),
        false => TOO_LARGE.into(),
    }
}

/// Returns the tree that a value prints as.
pub(crate) fn value_rex(value: Ref<'_>) -> Rex {
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
