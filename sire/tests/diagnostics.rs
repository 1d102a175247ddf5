//! Diagnostics: each kind of error points at the smallest form that is wrong.

mod common;

use common::{TestSession, load_app};
use sire::{Diagnostic, DiagnosticKind, ModuleLibrary, SireError};
use std::cell::RefCell;
use std::rc::Rc;

/// Loads a module that fails with one diagnostic of this kind. Returns it, with its place checked:
/// the line, the column, and the marked text.
fn failure(text: &str, kind: DiagnosticKind, place: (usize, usize, &str)) -> Diagnostic {
    let (result, mut seen) = load_app(text);
    assert!(matches!(result, Err(SireError::Reported)), "{result:?}");
    assert_eq!(seen.len(), 1, "{seen:?}");
    let diagnostic = seen.pop().expect("one");
    assert_eq!(diagnostic.kind, kind, "{diagnostic:?}");
    let at = diagnostic.place.as_ref().expect("it has a place");
    assert!(at.file.ends_with("app.sire"), "{}", at.file);
    assert_eq!((at.line, at.column(), &at.text[at.range.clone()]), place, "{diagnostic:?}");
    diagnostic
}

/// The text of a module without the library.
fn bare(text: &str) -> String {
    format!("#### app\n\n{text}")
}

/// The text of a module on top of the library.
fn full(text: &str) -> String {
    format!("#### app <- prelude\n\n:| prelude\n\n{text}")
}

#[test]
fn a_syntax_error_points_at_its_token() {
    let text = bare("= x\n  | 3 (3 4\n");
    let diagnostic = failure(&text, DiagnosticKind::Syntax, (4, 7, "("));
    assert_eq!(diagnostic.message, "`(` is not closed on its line");
}

#[test]
fn an_unresolved_name_points_at_the_name_and_suggests_others() {
    let text = bare("= increment\n  | 3 4\n\n= (f value)\n| 3\n| 3\n| incremnt valu\n");
    let diagnostic = failure(&text, DiagnosticKind::UnresolvedName, (9, 3, "incremnt"));
    assert_eq!(diagnostic.help, ["similar names are in scope: `increment`"]);
    let text = bare("= (f value) (3 valeu)\n");
    let diagnostic = failure(&text, DiagnosticKind::UnresolvedName, (3, 16, "valeu"));
    assert_eq!(diagnostic.help, ["similar names are in scope: `value`"]);
}

#[test]
fn an_unresolved_name_names_the_modules_that_have_it() {
    let text = bare("= x (weld [1] [2])\n").replace("[1] [2]", "1 2");
    let diagnostic = failure(&text, DiagnosticKind::UnresolvedName, (3, 6, "weld"));
    assert_eq!(diagnostic.help, ["modules that define it: `row`"]);
    let text = "#### app <- prelude\n\n= x (weld 1 2)\n";
    let diagnostic = failure(text, DiagnosticKind::UnresolvedName, (3, 6, "weld"));
    let help = &diagnostic.help[0];
    assert!(help.starts_with("loaded modules export it: `"), "{help}");
}

#[test]
fn forms_of_other_languages_have_advice() {
    for (text, kind, place, advice) in [
        ("= x (1 + 2)\n", DiagnosticKind::Rejected, "(1 + 2)", "(add x y)"),
        ("= f (x => inc x)\n", DiagnosticKind::Rejected, "(x => inc x)", "(x & body)"),
        ("= (f x) add x 1\n", DiagnosticKind::Rejected, "(f x)", "follows `|`"),
        ("= x 3 4 5 6\n", DiagnosticKind::Macro, "= x 3 4 5 6", "follows `|`"),
        ("import json\n", DiagnosticKind::UnresolvedName, "import", "`:| module`"),
    ] {
        let column = text.find(place).expect("the place") + 1;
        let diagnostic = failure(&full(text), kind, (5, column, place));
        assert!(diagnostic.help[0].contains(advice), "{text}: {diagnostic:?}");
        assert!(!diagnostic.message.starts_with('{'), "{text}: {diagnostic:?}");
    }
    let diagnostic = failure(&full("= x (1 ~= 2)\n"), DiagnosticKind::Rejected, (5, 5, "(1 ~= 2)"));
    assert_eq!(diagnostic.help, [""; 0]);
}

#[test]
fn an_unresolved_name_within_macros_points_at_the_name() {
    let text =
        full("= (f xs)\n@ n (len xs)\n| if (eql n 0) 1\n| foldl (a x & add a (mul n y)) 0 xs\n");
    failure(&text, DiagnosticKind::UnresolvedName, (8, 29, "y"));
    let text = full("= (f x)\n# case x\n* a | 1\n* _ | nosuch x\n");
    let (result, seen) = load_app(&text);
    assert!(result.is_err() && seen.len() == 1, "{seen:?}");
    let place = seen[0].place.clone().expect("a place");
    assert!(place.line >= 6, "{place:?}");
}

#[test]
fn a_rejected_form_points_at_the_form() {
    let text = bare("= (f x)\n| 3\n| @ x 3\n");
    let diagnostic = failure(&text, DiagnosticKind::Rejected, (5, 3, "@ x 3"));
    assert_eq!(diagnostic.message, "Three paramaters are required");
    failure(&bare("= x (+++ 1)\n"), DiagnosticKind::Rejected, (3, 5, "(+++ 1)"));
}

#[test]
fn a_failed_assertion_shows_both_sides_and_the_first_difference() {
    let text = full("=?= 1 1\n=?= [1 [2 3] 4] [1 [2 5] 4]\n");
    let diagnostic =
        failure(&text, DiagnosticKind::Assertion, (6, 1, "=?= [1 [2 3] 4] [1 [2 5] 4]"));
    let want = [
        "left: [1 [2 3] 4]",
        "right: [1 [2 5] 4]",
        "the first difference is at item 1, item 1: 3 and 5",
    ];
    assert_eq!(diagnostic.notes, want);
}

#[test]
fn the_first_difference_is_found_in_every_kind_of_value() {
    let difference = |left: &str, right: &str| {
        let (_, seen) = load_app(&full(&format!("=?= ({left}) ({right})\n")));
        assert_eq!(seen[0].kind, DiagnosticKind::Assertion, "{seen:?}");
        seen[0].notes[2].clone()
    };
    let first = |text: &str| format!("the first difference is{text}");
    assert_eq!(difference("1", "2"), first(": 1 and 2"));
    assert_eq!(difference("[1]", "[1 2]"), first(": a row of 1 items and a row of 2"));
    assert_eq!(
        difference("b#{abc}", "b#{abd}"),
        first(": bars of 3 and 3 bytes, which differ at byte 2")
    );
    assert_eq!(difference("#[a=1 b=2]", "#[a=1 b=3]"), first(" at the value of key %b: 2 and 3"));
}

#[test]
fn a_crash_points_at_the_command() {
    let text = bare("= x\n  (2 0 0)\n\n= y | 0 {oops} 0\n\n= z (7 {oops})\n");
    let (result, seen) = load_app(&text);
    assert!(result.is_err());
    assert_eq!(seen[0].kind, DiagnosticKind::Crash, "{seen:?}");
}

#[test]
fn out_of_memory_and_endless_loops_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |text: &str| {
        std::fs::write(folder.path().join("app.sire"), bare(text)).expect("a file");
    };
    let kind_of = || {
        let limits = plan::HeapOptions { max_heap: 32 << 20, ..Default::default() };
        let library = ModuleLibrary::only(folder.path());
        let mut session = TestSession::with_limits(library, None, limits);
        let seen: Rc<RefCell<Vec<Diagnostic>>> = Rc::default();
        let receiver = Rc::clone(&seen);
        session.sire.on_diagnostic(move |found| receiver.borrow_mut().push(found.clone()));
        assert!(session.sire.load("app").is_err());
        seen.borrow()[0].kind
    };
    write("= (grow x) | 0 x (grow (3 x))\n\n= y (grow 1)\n");
    assert_eq!(kind_of(), DiagnosticKind::OutOfMemory);
    write("= y | @@ x x x\n");
    assert_eq!(kind_of(), DiagnosticKind::Rejected);
}

#[test]
fn operators_whose_reading_surprises_cause_a_warning() {
    let (result, seen) = load_app(&full("= x (1 == 1 || 1 == 2)\n"));
    assert!(result.is_ok(), "{result:?} {seen:?}");
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].kind, DiagnosticKind::Warning);
    let want = "this form is read from left to right, as `(((1 == 1) || 1) == 2)`";
    assert_eq!(seen[0].message, want);
    for text in ["((1 == 1) || (1 == 2))", "(1 == 1 && 1)", "(1 + 2 == 3)", "(1 * 2 + 3)"] {
        let (_, seen) = load_app(&full(&format!("= x {text}\n")));
        assert!(seen.iter().all(|found| found.kind != DiagnosticKind::Warning), "{text}: {seen:?}");
    }
}

#[test]
fn calls_with_too_many_arguments_cause_a_warning() {
    let (_, seen) = load_app(&full("= (f x) (add x 1 2)\n"));
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(
        seen[0].message,
        "`add` takes 2 arguments and returns no function, but is called with 3"
    );
    let place = seen[0].place.as_ref().expect("a place");
    assert_eq!(&place.text[place.range.clone()], "(add x 1 2)");
}
