//! Writers of output: a file that is written whole or not at all, and output that may be closed.

use anyhow::Context;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file atomically: to a temporary file beside it, which is then renamed.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let name = path.file_name().with_context(failed)?;
    if path.exists() && !path.is_file() {
        // A device or pipe cannot be replaced by a rename.
        return File::create(path).and_then(|mut file| file.write_all(bytes)).with_context(failed);
    }
    let mut temporary = name.to_owned();
    temporary.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
    }
    written.with_context(failed)
}

/// A writer of output that nobody needs: after its first error it discards everything.
pub(crate) struct OptionalWriter<W> {
    writer: Option<W>,
}

impl<W: Write> OptionalWriter<W> {
    pub(crate) fn new(writer: W) -> OptionalWriter<W> {
        OptionalWriter { writer: Some(writer) }
    }
}

impl<W: Write> Write for OptionalWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.writer.as_mut().map(|writer| writer.write(bytes)) {
            Some(Ok(count)) if count > 0 || bytes.is_empty() => Ok(count),
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            _ => {
                self.writer = None;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.writer.as_mut().is_some_and(|writer| writer.flush().is_err()) {
            self.writer = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_output_may_be_closed() {
        let mut room = [0u8; 3];
        let mut writer = OptionalWriter::new(&mut room[..]);
        for _ in 0..3 {
            writer.write_all(b"ab").expect("nothing fails");
        }
        writer.flush().expect("nothing fails");
        assert!(writer.writer.is_none());
    }
}
