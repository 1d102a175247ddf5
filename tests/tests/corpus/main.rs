//! The prototype's own library, unchanged, from the checkout that `PALLAS_REFERENCE` names: the
//! output and bindings of every module, seeds, sessions and jets are the same as in the prototype.
//! Without the variable this suite is skipped.
//!
//! ```text
//! modules   each module prints the same text, or fails; its bindings have the same hashes; all
//!           jets of the prototype are found
//! seeds     `save` and `show` agree byte for byte; the compiler written in Sire runs from its seed
//! sessions  the REPL prints the same for the inputs in `golden`
//! ```
//!
//! The checkout is the working directory, so that `./sire` is the prototype's library. Nothing is
//! written there. All commands except `show` run with `--jet-mismatch-crash`: a law with the name
//! of a jet's law but another hash is an error.

mod modules;
mod seeds;
mod sessions;

use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::process::Output;
use tests::{ExecutionMode, Pallas, golden_text, reference_checkout, report, run_with_input};

/// The prototype's checkout, and a [`Pallas`] for the cache and the written files.
struct Corpus {
    pallas: Pallas,
    mode: ExecutionMode,
    checkout: PathBuf,
}

impl Corpus {
    /// The corpus. Without a checkout, reports that and returns None.
    fn open(mode: ExecutionMode) -> Option<Corpus> {
        let checkout = reference_checkout();
        if checkout.is_none() {
            report("corpus: skipped, since PALLAS_REFERENCE is not set");
        }
        Some(Corpus { pallas: Pallas::new(), mode, checkout: checkout? })
    }

    /// Runs a command in the checkout, to its end.
    fn run<I: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = I>,
        input: &str,
    ) -> Output {
        let mut command = self.pallas.command(args);
        command.current_dir(&self.checkout);
        self.mode.apply_to(&mut command);
        run_with_input(command, input)
    }

    /// Reports the totals of a suite.
    fn report(&self, text: &str) {
        report(&format!("corpus, laws {}: {text}", format!("{:?}", self.mode).to_lowercase()));
    }

    /// Runs a session with a module, which comes from the cache if a command loaded it before.
    fn session(&self, module: &str, input: &str) -> Output {
        self.run(["sire", "-M", module], input)
    }
}

/// The rows of a table of golden values.
fn table<const COLUMNS: usize>(file: &str) -> Vec<[String; COLUMNS]> {
    let text = golden_text(&format!("corpus/{file}"));
    let row = |line: &str| {
        let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        columns.try_into().unwrap_or_else(|row| panic!("{file}: {COLUMNS} columns: {row:?}"))
    };
    text.lines().map(row).collect()
}

/// The SHA-256 hash of some bytes, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
