//! Transcripts of the prototype: the input and the output of sessions without modules.
//!
//! Values and definitions must agree to the byte. Errors must agree in the innermost reason only,
//! since the prototype nests errors.

mod common;

use std::path::Path;

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/repl");
    let read = |extension: &str| {
        let path = folder.join(name).with_extension(extension);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    };
    let printed = common::session(&read("in"));
    common::assert_same_transcript(&read("out"), &printed);
}

#[test]
fn literals() {
    check("01_literals");
}

#[test]
fn primitive_operations() {
    check("02_primops");
}

#[test]
fn laws() {
    check("03_laws");
}

#[test]
fn data() {
    check("04_data");
}

#[test]
fn errors() {
    check("05_errors");
}

#[test]
fn shapes_of_rex() {
    check("06_rex");
}

#[test]
fn macros() {
    check("07_macros");
}

#[test]
fn deep_and_long() {
    check("08_scale");
}
