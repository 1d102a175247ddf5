//! A session takes any input, to its end.

use crate::bounds::{TimeLimit, small_vm};
use sire::{ModuleLibrary, Sire, SireError, SireOptions, SireOutput};
use std::io::{self, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use vm::jet::JetTable;

/// After this, what is left of the input is carried out with every evaluation interrupted.
const LIMIT: Duration = Duration::from_millis(25);

/// How much a session may print.
const OUTPUT_MAX: usize = 1 << 20;

static JETS: LazyLock<Arc<JetTable>> = LazyLock::new(|| Arc::new(::jets::table()));

/// Throws away what is written, until that is too much.
struct Drain(usize);

impl Write for Drain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the bytes to a session in which nothing is loaded.
///
/// # Panics
/// If it ends other than with its input, for want of memory, or because it printed too much.
pub fn check(bytes: &[u8]) {
    let vm = small_vm(Arc::clone(&JETS), false);
    let _limit = TimeLimit::start(&vm, LIMIT);
    let output = || SireOutput::new(Drain(OUTPUT_MAX), Default::default());
    let library = ModuleLibrary::only("/nonexistent");
    let options = SireOptions { library, cache: None, output: output(), diagnostics: output() };
    let mut sire = Sire::new(vm, options).expect("there is room for a session");
    match sire.repl(bytes) {
        Ok(()) | Err(SireError::Output(_) | SireError::Stop(_)) => {}
        Err(error) => panic!("{error}"),
    }
}
