//! Modules in files: loading, and the errors of loading.

mod common;

use common::rig;
use sire::SireError;
use std::fs;

/// Loads `main` of these modules, and returns the error.
fn load_error(modules: &[(&str, &str)]) -> SireError {
    let (_folder, mut rig) = rig(modules);
    let error = rig.sire.load("main").expect_err("it must not load");
    assert!(rig.sire.binding("a").is_err(), "nothing is loaded");
    error
}

#[test]
fn a_chain_of_modules() {
    let (_folder, mut rig) = rig(&[
        ("one", "#### one\n\n= a 1\n= b 2\n\n^-^ a\n"),
        ("two", "#### two <- one\n\n:| one\n\n= c (3 a)\n"),
        ("main", "#### main <- two\n\n:| two [c]\n\n= main (3 c)\n"),
    ]);
    rig.sire.load("main").expect("it loads");
    assert_eq!(rig.out.take(), "a=1\n\nb=2\n\nc=2\n\nmain=3\n\n");
    let main = rig.sire.binding("main").expect("it is defined");
    assert_eq!(rig.sire.vm().look(&main).as_u64(), Some(3));
    let names: Vec<String> = rig.sire.definitions().map(|(name, _)| name).collect();
    assert_eq!(names, ["main"]);
    let missing = rig.sire.binding("a").expect_err("it was not imported").to_string();
    assert_eq!(missing, "main does not define `a`");
}

#[test]
fn a_session_has_the_names_of_the_module_and_can_refer_to_others() {
    let (_folder, mut rig) =
        rig(&[("one", "#### one\n\n= a 1\n"), ("main", "#### main <- one\n\n= b 2\n")]);
    rig.sire.load("main").expect("it loads");
    rig.out.take();
    let printed = rig.session("b\n\n(. one a)\n\n(. main b)\n\na\n");
    assert!(printed.contains("\n2\n\n1\n\n2\n\n"), "{printed}");
    assert!(printed.contains("Unresolved symbol: a"), "{printed}");
}

#[test]
fn reloading_runs_only_changed_modules() {
    let (folder, mut rig) =
        rig(&[("one", "#### one\n= a 1\n"), ("main", "#### main <- one\n= b 2\n")]);
    rig.sire.load("main").expect("it loads");
    rig.out.take();
    rig.sire.load("main").expect("it loads");
    assert_eq!(rig.out.take(), "");
    fs::write(folder.path().join("main.sire"), "#### main <- one\n= b 3\n").expect("a file");
    rig.sire.load("main").expect("it loads");
    assert_eq!(rig.out.take(), "b=3\n\n");
}

#[test]
fn a_missing_predecessor_is_an_error() {
    let message = load_error(&[("main", "#### main <- gone\n")]).to_string();
    assert!(message.contains("main.sire:1: no module gone"), "{message}");
}

#[test]
fn a_cycle_of_modules_is_an_error() {
    let error = load_error(&[("main", "#### main <- other\n"), ("other", "#### other <- main\n")]);
    let message = error.to_string();
    let end = "other.sire:1: the modules main <- other <- main depend on each other";
    assert!(message.ends_with(end), "{message}");
}

#[test]
fn files_without_a_module_header_are_errors() {
    let cases = [
        ("", "main.sire:1: the file is empty"),
        ("; only a comment\n", "main.sire:1: the file is empty"),
        ("\n\n= a 1\n", "main.sire:3: a module begins with"),
        ("#### main <- (a b)\n", "main.sire:1: expected `#### NAME`"),
        ("#### main <- ../up\n", "main.sire:1: expected `#### NAME`"),
        ("#### main other\n", "main.sire:1: expected `#### NAME`"),
        ("####\n", "main.sire:1: expected `#### NAME`"),
    ];
    for (text, message) in cases {
        let error = load_error(&[("main", text)]);
        assert!(error.to_string().starts_with(message), "{text:?}: {error}");
        assert_eq!(error.exit_code(), 1);
    }
}

#[test]
fn a_module_whose_header_names_another_file_is_loaded_by_its_file_with_a_warning() {
    let (folder, mut rig) = rig(&[
        ("one", "#### one\n= a 1\n"),
        ("main", "#### other <- one\n\n:| one\n\n= b (3 a)\n"),
    ]);
    rig.sire.load("main").expect("it loads");
    let path = folder.path().join("main.sire");
    let warning = "the header names the module other, but the file is main.sire";
    let warning = format!("warning: {}:1: {warning}\n", path.display());
    assert_eq!(rig.diagnostics.take(), warning);
    assert!(rig.out.take().ends_with("b=2\n\n"));
    assert!(rig.sire.binding("b").is_ok());
    let missing = rig.sire.binding("c").expect_err("it is not bound").to_string();
    assert_eq!(missing, "other does not define `c`");
    // Its names are in scope, under the name in the header.
    let printed = rig.session("b\n\n(. other b)\n");
    assert!(printed.contains("\n2\n\n2\n\n"), "{printed}");
}

#[test]
fn the_error_of_a_failed_command_has_file_and_line() {
    let (folder, mut rig) = rig(&[("main", "#### main\n\n= a 1\n\n= b (3 c)\n\n= d 4\n")]);
    let error = rig.sire.load("main").expect_err("c is not bound");
    let path = folder.path().join("main.sire");
    let message = format!("{}:5: Unresolved symbol: c\n\n    = b (3 c)", path.display());
    assert_eq!((error.to_string(), error.exit_code()), (message, 2));
    let printed = rig.out.take();
    assert!(printed.starts_with("a=1\n\n\n++ %crash\n"), "{printed}");
    assert!(printed.contains("# where {main.sire}:5\n"), "{printed}");
    assert!(!printed.contains("d=4"), "{printed}");
    assert!(rig.sire.binding("a").is_err());
}

#[test]
fn a_syntax_error_has_its_line() {
    let error = load_error(&[("main", "#### main\n\n= a 1\n\n= b (3\n")]);
    assert!(matches!(&error, SireError::Syntax(place) if place.line == 5), "{error}");
}

#[test]
fn a_file_that_is_not_utf8_is_an_error() {
    let (folder, mut rig) = rig(&[]);
    fs::write(folder.path().join("main.sire"), b"#### main\n\n= a \xff\n").expect("a file");
    let error = rig.sire.load("main").expect_err("it is not UTF-8");
    assert!(matches!(&error, SireError::Syntax(place) if place.line == 3), "{error}");
}

#[test]
fn a_folder_named_like_a_module_is_an_error() {
    let (folder, mut rig) = rig(&[]);
    fs::create_dir(folder.path().join("main.sire")).expect("a folder");
    let error = rig.sire.load("main").expect_err("a folder cannot be read");
    assert!(matches!(error, SireError::File { .. }), "{error}");
}
