//! [`Pallas`] runs the `pallas` binary as a user would, in a temporary directory; the test suites
//! beside this crate compare what it prints and writes.
//!
//! ```text
//! binary           builds the binary once per run, in the profile of the tests
//! pallas           runs it with arguments and input, in each execution mode
//! lsp_client       a client of the language server
//! counter          runs the counter, the first example of a machine
//! manual           the Rust listings of the manual
//! library_session  sessions with the built-in library
//! golden           the outputs of the prototype, and the checkout of it
//! transcript       comparison of printed text
//! browser          headless Chromium
//! web              machines that serve the web, and a client
//! snapshot         comparison with files that a variable rewrites
//! ```

#![forbid(unsafe_code)]

mod binary;
mod browser;
mod counter;
mod golden;
mod library_session;
pub mod lsp_client;
#[cfg(doctest)]
mod manual;
mod pallas;
mod snapshot;
mod transcript;
mod web;

pub use binary::binary;
pub use browser::{Browser, Window, chromium};
pub use counter::{counter_value, run_counter};
pub use golden::{
    extract_branch, files_below, golden, golden_text, module_named_in, reference_checkout,
};
pub use library_session::{
    built_in_library, interpreted_session, library_session, started_session,
};
pub use pallas::{ExecutionMode, Pallas, assert_same_compiled, run_with_input, stderr, stdout};
pub use snapshot::assert_snapshot;
pub use transcript::{difference, reduce_errors};
pub use web::{WebConnection, WebMachine, WebResponse};

use std::io::Write;

/// Prints a message to standard error, also when the test runner captures the output of tests: a
/// skipped suite or its totals must be visible.
pub fn report(text: &str) {
    // If standard error is closed, the message has no reader.
    let _ = writeln!(std::io::stderr(), "{text}");
}
