//! The call chain of a crash in a session: names, the places of definitions, jets in between.

mod common;

use common::TestSession;
use plan::HeapOptions;
use sire::{Diagnostic, DiagnosticKind, ModuleLibrary};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

/// Loads a module with this text, which fails with one diagnostic. Returns it.
fn failure(folder: &Path, text: &str) -> Diagnostic {
    failure_within(folder, text, HeapOptions::default())
}

/// Does the same in a runtime with these limits.
fn failure_within(folder: &Path, text: &str, limits: HeapOptions) -> Diagnostic {
    std::fs::write(folder.join("app.sire"), format!("#### app <- prelude\n\n:| prelude\n\n{text}"))
        .expect("a file");
    let mut session = TestSession::with_limits(ModuleLibrary::new(folder), None, limits);
    let seen: Rc<RefCell<Vec<Diagnostic>>> = Rc::default();
    let receiver = Rc::clone(&seen);
    session.sire.on_diagnostic(move |diagnostic| receiver.borrow_mut().push(diagnostic.clone()));
    session.sire.show_call_chains();
    session.sire.load("app").expect_err("the module has errors");
    let mut seen = seen.borrow().clone();
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen.pop().expect("one")
}

/// The lines of the call chain of a crash, with `DIR` for the folder.
fn chain(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let diagnostic = failure(folder.path(), text);
    assert_eq!(diagnostic.kind, DiagnosticKind::Crash, "{diagnostic:?}");
    let note =
        diagnostic.notes.iter().find_map(|note| note.strip_prefix("calls, innermost first:\n"));
    let note = note.unwrap_or_else(|| panic!("no chain: {diagnostic:?}"));
    note.lines().map(|line| line.replace(&folder.path().display().to_string(), "DIR")).collect()
}

#[test]
fn a_chain_has_the_places_of_definitions() {
    let text = "\
= (inner x)
| if (gte x 3) (die [{too large} x])
| inc x

= (middle x)
| mul 2 (inner x)

= (outer x)
| add 1 (middle (add x 1))

(outer 7)
";
    assert_eq!(
        chain(text),
        ["inner  (DIR/app.sire:5)", "middle  (DIR/app.sire:9)", "outer  (DIR/app.sire:12)"]
    );
}

#[test]
fn a_law_that_only_crashes_does_not_replace_its_caller() {
    let text = "\
= (fail message)
| die [{fail} message]

= (check x)
| if (gte x 3) (fail {too large})
| x

(check 7)
";
    assert_eq!(chain(text), ["fail  (DIR/app.sire:5)", "check  (DIR/app.sire:8)"]);
}

#[test]
fn a_jet_that_calls_a_function_is_in_the_chain() {
    let text = "\
= (step x)
| if (eql x 3) (die {three})
| add 1 x

= (total xs)
| inc (sumOf step xs)

(total [1 2 3 4])
";
    let chain = chain(text);
    assert_eq!(chain[0], "step  (DIR/app.sire:5)", "{chain:?}");
    assert!(chain[1].starts_with("sumOf  ("), "{chain:?}");
    assert_eq!(chain[2], "total  (DIR/app.sire:9)", "{chain:?}");
}

#[test]
fn a_recursion_is_counted() {
    let text = "\
= (count x)
| ifz x (die {bottom})
| inc (count (dec x))

(count 200000)
";
    assert_eq!(chain(text), ["count  (DIR/app.sire:5)  (200001 times)"]);
}

#[test]
fn a_crash_that_try_catches_leaves_no_chain() {
    let text = "\
= (deep x)
| ifz x (die {bottom})
| inc (deep (dec x))

= (guarded x)
| fromRight (_ & 0) (try [deep x])

= (last x)
| if (isZero (guarded x)) (die {end})
| 5

(last 10)
";
    let chain = chain(text);
    assert_eq!(chain, ["last  (DIR/app.sire:12)"]);
}

#[test]
fn without_diagnostics_the_chain_goes_to_its_own_output() {
    let mut session = TestSession::new(ModuleLibrary::new("sire"), None);
    let input = "= (f x)\n| 3 | {die} x\n\n(f 5)\n";
    session.sire.repl(input.as_bytes()).expect("it runs");
    let silent = (session.out.take(), session.diagnostics.take());
    assert_eq!(silent.1, "");

    let mut session = TestSession::new(ModuleLibrary::new("sire"), None);
    session.sire.show_call_chains();
    session.sire.repl(input.as_bytes()).expect("it runs");
    assert_eq!(session.out.take(), silent.0);
    assert_eq!(session.diagnostics.take(), "calls, innermost first:\n  f  (REPL)\n");
}

#[test]
fn an_expression_that_crashes_by_itself_has_no_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let diagnostic = failure(folder.path(), "(die {alone})\n");
    assert_eq!((diagnostic.kind, &diagnostic.notes[..]), (DiagnosticKind::Crash, &[][..]));
}

#[test]
fn a_stack_overflow_has_a_title_and_a_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "= (deep x) | add 1 (deep x)\n\n(deep 1)\n";
    let limits = HeapOptions { max_stack: 16 << 20, ..HeapOptions::default() };
    let diagnostic = failure_within(folder.path(), text, limits);
    assert_eq!(diagnostic.kind, DiagnosticKind::StackOverflow);
    assert_eq!(diagnostic.kind.title(), "stack overflow");
    assert!(diagnostic.notes[0].starts_with("calls, innermost first:\ndeep  ("), "{diagnostic:?}");
    assert_eq!(diagnostic.help, ["the option --max-stack sets the limit"]);
}
