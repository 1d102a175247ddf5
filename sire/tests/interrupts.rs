//! An interrupt ends the load of a module, wherever it arrives: also between two blocks, and in an assertion
//! that others follow.

mod common;

use common::TestSession;
use sire::{Diagnostic, DiagnosticKind, ModuleArgument, ModuleLibrary, SireError};
use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// The kinds of the diagnostics of a module whose assertions are checked while an interrupt is pending.
fn kinds_after_interrupt(text: &str) -> Vec<DiagnosticKind> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.sire");
    fs::write(&path, text).expect("a file");
    let mut session = TestSession::new(ModuleLibrary::new(folder.path()), None);
    let seen: Rc<RefCell<Vec<DiagnosticKind>>> = Rc::default();
    let receiver = Rc::clone(&seen);
    session.sire.on_diagnostic(move |Diagnostic { kind, .. }| receiver.borrow_mut().push(*kind));
    session.sire.vm().interrupt_flag().store(true, Ordering::SeqCst);
    let module = ModuleArgument::parse(path.to_str().expect("a text")).expect("a path");
    let result = session.sire.check_assertions(&module);
    assert!(matches!(result, Err(SireError::Reported)), "{result:?}");
    seen.take()
}

#[test]
fn an_interrupt_before_a_block_is_not_lost() {
    let text = "#### app\n\n= one 1\n\n=?= 1 ((? (spin x) (spin x)) 1)\n";
    assert_eq!(kinds_after_interrupt(text), [DiagnosticKind::Interrupted]);
}

#[test]
fn no_assertion_runs_after_one_that_was_interrupted() {
    let text = "#### app\n\n=?= 1 ((? (spin x) (spin x)) 1)\n\n=?= 2 ((? (spin x) (spin x)) 1)\n";
    assert_eq!(kinds_after_interrupt(text), [DiagnosticKind::Interrupted]);
}
