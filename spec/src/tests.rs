//! The rules on programs whose results are known from other sources.
//!
//! A result marked "printed" is what the prototype printed for the same program, at PLAN level.

mod generated;
mod golden;
mod laziness;
mod notation;

use super::*;

/// The fuel for every program here.
const FUEL: u64 = 200_000;

/// Parses a term.
fn term(text: &str) -> Term {
    Term::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Asserts that a program has this value.
#[track_caller]
fn evaluates_to(program: &str, value: &str) {
    assert_eq!(eval(&term(program), FUEL), SpecOutcome::Value(term(value)), "{program}");
}

/// Asserts that a program crashes with this operation and argument.
#[track_caller]
fn crashes(program: &str, op: &str, arg: &str) {
    let op = term(op).as_nat().expect("the operation is a nat").clone();
    assert_eq!(eval(&term(program), FUEL), SpecOutcome::Crash { op, arg: term(arg) }, "{program}");
}
