//! Shared by the tests: sessions that print to memory, and the comparison of transcripts.

#![allow(dead_code, unreachable_pub, reason = "no test file uses all of it")]

use runtime::{CompileMode, RuntimeBuilder};
use show::PrintLimit;
use sire::{Diagnostic, ModuleLibrary, Sire, SireError, SireOptions, SireOutput};
use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;
use tempfile::TempDir;

/// A writer that stores its input.
#[derive(Clone, Default)]
pub struct SharedOutput(Rc<RefCell<Vec<u8>>>);

impl SharedOutput {
    /// Returns the text that was written since the last call.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.borrow_mut())).expect("output is UTF-8")
    }
}

impl Write for SharedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A session whose output and diagnostics are kept in memory.
pub struct TestSession {
    pub sire: Sire,
    pub out: SharedOutput,
    pub diagnostics: SharedOutput,
}

impl TestSession {
    pub fn new(library: ModuleLibrary, cache: Option<PathBuf>) -> TestSession {
        TestSession::with_limits(library, cache, plan::HeapOptions::default())
    }

    /// Makes a session whose runtime has these limits.
    pub fn with_limits(
        library: ModuleLibrary,
        cache: Option<PathBuf>,
        limits: plan::HeapOptions,
    ) -> TestSession {
        TestSession::with_print_limit(library, cache, limits, PrintLimit::DEFAULT)
    }

    /// Makes a session whose runtime has these limits, and which prints values within `print`.
    pub fn with_print_limit(
        library: ModuleLibrary,
        cache: Option<PathBuf>,
        limits: plan::HeapOptions,
        print: PrintLimit,
    ) -> TestSession {
        let (out, diagnostics) = (SharedOutput::default(), SharedOutput::default());
        let options = SireOptions {
            library,
            cache,
            output: SireOutput::new(out.clone(), Default::default()).with_limit(print),
            diagnostics: SireOutput::new(diagnostics.clone(), Default::default()),
        };
        let runtime = RuntimeBuilder::new().heap(limits).compile(CompileMode::Off).build();
        let sire = Sire::new(runtime.expect("a runtime").into(), options).expect("enough memory");
        TestSession { sire, out, diagnostics }
    }

    /// Runs a session, and returns its output.
    pub fn session(&mut self, input: &str) -> String {
        self.sire.repl(input.as_bytes()).expect("memory can be read and written");
        self.out.take()
    }
}

/// Runs a session without modules, and returns its output.
pub fn session(input: &str) -> String {
    TestSession::new(ModuleLibrary::only("/nonexistent"), None).session(input)
}

/// A part of a transcript.
#[derive(PartialEq, Eq, Debug)]
enum TranscriptPart<'a> {
    Text(&'a str),
    /// The innermost reason of an error, without quotes and with each run of spaces as one space.
    Error(String),
}

/// Checks that two transcripts agree, except for the nesting of errors.
pub fn assert_same_transcript(expected: &str, printed: &str) {
    let (expected, printed) = (parts(expected), parts(printed));
    for (expected, printed) in expected.iter().zip(&printed) {
        assert_eq!(expected, printed);
    }
    assert_eq!(expected.len(), printed.len(), "one transcript is longer");
}

fn parts(mut transcript: &str) -> Vec<TranscriptPart<'_>> {
    const START: &str = "\n++ %crash\n";
    const END: &str = "\n\n\n";
    let mut parts = Vec::new();
    while let Some(start) = transcript.find(START) {
        let (before, error) = transcript.split_at(start);
        let end = error.find(END).map_or(error.len(), |end| end + END.len());
        let (error, after) = error.split_at(end);
        parts
            .extend([TranscriptPart::Text(before), TranscriptPart::Error(innermost_reason(error))]);
        transcript = after;
    }
    parts.push(TranscriptPart::Text(transcript));
    parts
}

fn innermost_reason(error: &str) -> String {
    let reason = error.rsplit("# reason").next().unwrap_or_default();
    let words: Vec<&str> = reason.split_whitespace().collect();
    words.join(" ").trim_matches(['{', '}', '|', ' ']).to_owned()
}

/// Makes a folder with these modules, and a session over it without the library.
pub fn rig(modules: &[(&str, &str)]) -> (TempDir, TestSession) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in modules {
        fs::write(folder.path().join(format!("{name}.sire")), text).expect("a file");
    }
    let rig = TestSession::new(ModuleLibrary::only(folder.path()), None);
    (folder, rig)
}

/// Loads a module `app` with this text, on top of the library. Returns the result and the diagnostics.
pub fn load_app(text: &str) -> (Result<(), SireError>, Vec<Diagnostic>) {
    load_app_with(&[], text)
}

/// Does the same with other modules beside `app`.
pub fn load_app_with(
    others: &[(&str, &str)],
    text: &str,
) -> (Result<(), SireError>, Vec<Diagnostic>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in others.iter().chain([&("app", text)]) {
        fs::write(folder.path().join(format!("{name}.sire")), text).expect("a file");
    }
    let mut session = TestSession::new(ModuleLibrary::new(folder.path()), None);
    let seen: Rc<RefCell<Vec<Diagnostic>>> = Rc::default();
    let receiver = Rc::clone(&seen);
    session.sire.on_diagnostic(move |diagnostic| receiver.borrow_mut().push(diagnostic.clone()));
    let result = session.sire.load("app");
    let seen = seen.borrow().clone();
    (result, seen)
}
