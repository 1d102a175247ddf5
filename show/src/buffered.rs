//! [`BufferedText`]: text on its way to a writer of bytes.

use std::fmt;
use std::io;

/// The size from which the buffered text is passed on, in bytes.
const BUFFER_SIZE: usize = 64 << 10;

/// Text on its way to a writer of bytes. It passes the text on in large pieces.
pub struct BufferedText<'a> {
    buffer: String,
    writer: &'a mut dyn io::Write,
    /// The first error of the writer.
    failed: Option<io::Error>,
}

impl<'a> BufferedText<'a> {
    /// Passes what `write` writes on to `writer`. An error of `write` that is not the writer's only
    /// ends the text.
    ///
    /// # Errors
    ///
    /// Those of `writer`.
    pub fn write_to(
        writer: &'a mut dyn io::Write,
        write: impl FnOnce(&mut BufferedText<'a>) -> fmt::Result,
    ) -> io::Result<()> {
        let mut text = BufferedText { buffer: String::new(), writer, failed: None };
        // If the error is the writer's, it is in `failed`.
        let _ = write(&mut text);
        text.pass_on();
        text.failed.map_or(Ok(()), Err)
    }

    fn pass_on(&mut self) {
        if self.failed.is_none() {
            self.failed = self.writer.write_all(self.buffer.as_bytes()).err();
        }
        self.buffer.clear();
    }
}

impl fmt::Write for BufferedText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.buffer.push_str(text);
        if self.buffer.len() >= BUFFER_SIZE {
            self.pass_on();
        }
        if self.failed.is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}
