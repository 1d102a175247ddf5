//! The output of a session, and the printed form of values in it.

use plan::{NatRef, Natural, Ref};
use rex::print::Colour;
use show::{self, BufferedText, PrintLimit, PrintOptions, Symbol};
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::rc::Rc;

/// A writer that the session shares with the traces of its evaluations.
#[derive(Clone)]
pub struct SireOutput {
    shared: Rc<RefCell<SharedWriter>>,
    options: PrintOptions,
}

struct SharedWriter {
    writer: Box<dyn Write>,
    /// The first error of a trace, which cannot return it. The next write or flush does.
    trace_error: Option<io::Error>,
}

/// A writer of the text of a value. It discards what is written after the value's heap has read
/// damage: a damaged pin reads as the pin of 0, so the text is wrong.
struct UndamagedWriter<'a> {
    writer: &'a mut dyn Write,
    value: Ref<'a>,
}

impl Write for UndamagedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.value.check_damage() {
            Ok(()) => self.writer.write(bytes),
            Err(_) => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl SireOutput {
    /// Makes an output that prints to `writer`, with the default limit of what is shown of a value.
    pub fn new(writer: impl Write + 'static, colour: Colour) -> SireOutput {
        let shared = SharedWriter { writer: Box::new(writer), trace_error: None };
        let options = PrintOptions { colour, ..PrintOptions::default() };
        SireOutput { shared: Rc::new(RefCell::new(shared)), options }
    }

    /// Sets the limit of what is shown of a value. Clones that were made before keep theirs.
    #[must_use]
    pub fn with_limit(self, limit: PrintLimit) -> SireOutput {
        SireOutput { options: PrintOptions { limit, ..self.options }, ..self }
    }

    /// Returns the limit of what is shown of a value.
    pub(crate) fn limit(&self) -> PrintLimit {
        self.options.limit
    }

    /// Prints the value of an expression. Prints nothing if a pin in it is damaged, which the
    /// caller finds by checking the heap.
    pub(crate) fn value(&self, value: Ref<'_>) -> io::Result<()> {
        self.print_value(value, |out| show::write_trace(out, value, self.options))
    }

    /// Prints the definition of a name. Prints nothing if a pin in it is damaged, like
    /// [`SireOutput::value`].
    pub(crate) fn definition(&self, name: &Natural, value: Ref<'_>) -> io::Result<()> {
        self.print_value(value, |out| {
            show::write_definition(out, &symbol(name), value, self.options)
        })
    }

    /// Prints a traced value. The next write or flush returns an error of this one.
    pub(crate) fn trace(&self, value: Ref<'_>) {
        self.keep_error(self.value(value));
    }

    /// Prints a traced value with the content of all its pins, like [`SireOutput::trace`].
    pub(crate) fn deep_trace(&self, value: Ref<'_>) {
        let write = |out: &mut BufferedText<'_>| show::write_full(out, value, self.options);
        self.keep_error(self.print_value(value, write));
    }

    fn keep_error(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.shared.borrow_mut().trace_error.get_or_insert(error);
        }
    }

    /// Prints text.
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        self.print(|out| out.write_str(text))
    }

    /// Prints what `write` writes.
    fn print(
        &self,
        write: impl for<'a> FnOnce(&mut BufferedText<'a>) -> fmt::Result,
    ) -> io::Result<()> {
        self.with_writer(|writer| BufferedText::write_to(writer, write))
    }

    /// Prints what `write` writes of a value, up to the first piece before which damage was read.
    fn print_value(
        &self,
        value: Ref<'_>,
        write: impl for<'a> FnOnce(&mut BufferedText<'a>) -> fmt::Result,
    ) -> io::Result<()> {
        self.with_writer(|writer| {
            BufferedText::write_to(&mut UndamagedWriter { writer, value }, write)
        })
    }

    /// Calls `use_writer`, unless a trace has failed.
    fn with_writer(
        &self,
        use_writer: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let shared = &mut *self.shared.borrow_mut();
        match shared.trace_error.take() {
            Some(error) => Err(error),
            None => use_writer(&mut *shared.writer),
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

/// Returns the printed form of a name, for messages.
pub(crate) fn key_text(name: &Natural) -> String {
    show::symbol_text(&symbol(name))
}

fn symbol(name: &Natural) -> Symbol {
    match u64::try_from(name) {
        Ok(small) if small >> 63 == 0 => Symbol::from(NatRef::Small(small)),
        _ => Symbol::from(NatRef::Limbs(&name.to_limbs_asc())),
    }
}
