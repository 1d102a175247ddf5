//! A Sire session accepts any input, and reads it to its end.

use crate::bounds::{TimeLimit, small_vm};
use crate::library::JETS;
use sire::{ModuleLibrary, Sire, SireError, SireOptions, SireOutput};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

/// Time limit. Afterwards the session still reads the rest of the input, but every evaluation is
/// interrupted.
const LIMIT: Duration = Duration::from_millis(25);

/// Limit on the output of a session, in bytes.
const MAX_OUTPUT: usize = 1 << 20;

/// Discards the output, and fails after this number of bytes.
struct LimitedSink(usize);

impl Write for LimitedSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a session without a library on the bytes.
///
/// # Panics
/// If the session fails for another reason than a lack of memory or too much output.
pub fn check(bytes: &[u8]) {
    let vm = small_vm(Arc::clone(&JETS), false);
    let _limit = TimeLimit::start(&vm, LIMIT);
    let output = || SireOutput::new(LimitedSink(MAX_OUTPUT), Default::default());
    let library = ModuleLibrary::only("/nonexistent");
    let options = SireOptions { library, cache: None, output: output(), diagnostics: output() };
    let mut sire = Sire::new(vm, options).expect("the heap is large enough");
    match sire.repl(bytes) {
        Ok(_) | Err(SireError::Output(_) | SireError::Stop(_)) => {}
        Err(error) => panic!("{error}"),
    }
}
