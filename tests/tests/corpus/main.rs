//! The prototype's own library, used as it is from the checkout that `PALLAS_REFERENCE` names: every
//! module's output and bindings, seeds, sessions and jets, against what the prototype made of them.
//!
//! ```text
//! modules   each loads and prints, or fails, as it did; its bindings have the same hashes; all
//!           the prototype's jets are recognised
//! seeds     `save` and `show` to the byte; the compiler written in Sire, run from its seed
//! sessions  what was printed for inputs written for this project
//! ```
//!
//! The checkout is the working directory, so that `./sire` is the prototype's; nothing is written
//! there. All commands but `show` run with `--jet-mismatch-crash`, so that no law that is only named
//! like a jet's goes unnoticed.

mod modules;
mod seeds;
mod sessions;

use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::process::Output;
use tests::{Laws, Pallas, feed, golden_text, reference, tell};

/// `pallas` with the prototype's modules for `./sire`, and a cache that is its own.
struct Corpus {
    pallas: Pallas,
    laws: Laws,
    reference: PathBuf,
}

impl Corpus {
    /// The corpus, if there is a checkout; otherwise that is told.
    fn open(laws: Laws) -> Option<Corpus> {
        let reference = reference();
        if reference.is_none() {
            tell("corpus: skipped, since PALLAS_REFERENCE is not set");
        }
        Some(Corpus { pallas: Pallas::new(), laws, reference: reference? })
    }

    /// Runs a command to its end with this input.
    fn run<I: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = I>,
        input: &str,
    ) -> Output {
        let mut command = self.pallas.command(args);
        command.current_dir(&self.reference);
        self.laws.set(&mut command);
        feed(command, input)
    }

    /// Tells what a suite found.
    fn tell(&self, text: &str) {
        tell(&format!("corpus, laws {}: {text}", format!("{:?}", self.laws).to_lowercase()));
    }

    /// Runs a session with a module loaded, from the cache if it is there.
    fn session(&self, module: &str, input: &str) -> Output {
        self.run(["sire", "-M", module], input)
    }
}

/// A table of golden figures.
fn facts<const COLUMNS: usize>(file: &str) -> Vec<[String; COLUMNS]> {
    let text = golden_text(&format!("corpus/{file}"));
    let row = |line: &str| {
        let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        columns.try_into().unwrap_or_else(|row| panic!("{file}: {COLUMNS} columns: {row:?}"))
    };
    text.lines().map(row).collect()
}

/// The SHA-256 of some bytes, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
