//! PLAN values and expressions, decoded from bytes.
//!
//! Each choice takes a byte, so that a change of one byte changes one choice. After the last byte
//! every choice is the first one, which is a nat. All terms are well-formed.

use arbitrary::Unstructured;
use plan::Natural;
use spec::generate::TermGenerator;
use spec::{Term, shapes};

/// Maximal nesting of terms.
const MAX_DEPTH: u32 = 12;

/// A number below `count`, from one byte.
pub(crate) fn below(bytes: &mut Unstructured<'_>, count: u8) -> u8 {
    bytes.arbitrary::<u8>().unwrap_or(0) % count
}

/// A number below 65536, from two bytes.
pub(crate) fn number(bytes: &mut Unstructured<'_>) -> u64 {
    bytes.arbitrary::<u16>().unwrap_or(0).into()
}

/// An expression to evaluate: decoded from the bytes, or generated from a seed in the bytes.
pub(crate) fn program(bytes: &mut Unstructured<'_>) -> Term {
    match below(bytes, 8) {
        0 => {
            let size = 10 + usize::from(below(bytes, 60));
            TermGenerator::new(bytes.arbitrary().unwrap_or(0)).program(size)
        }
        _ => expression(bytes, MAX_DEPTH),
    }
}

/// An argument: data, unevaluated data, or an expression.
pub(crate) fn argument(bytes: &mut Unstructured<'_>) -> Term {
    match below(bytes, 8) {
        0..=3 => data(bytes, 4),
        4 | 5 => Term::law(0, 1, 1).app(data(bytes, 4)),
        6 => value(bytes, 4),
        _ => expression(bytes, 5),
    }
}

/// An expression with at most `depth` levels of nesting.
pub(crate) fn expression(bytes: &mut Unstructured<'_>, depth: u32) -> Term {
    let Some(inner) = depth.checked_sub(1) else { return nat(bytes) };
    match below(bytes, 16) {
        0 | 1 => nat(bytes),
        2 => call(bytes, inner, 0, 3),
        3 => call(bytes, inner, 1, 5),
        4 => call(bytes, inner, 2, 3),
        5 => call(bytes, inner, 3, 1),
        6 => call(bytes, inner, 4, 1),
        7 => value(bytes, inner),
        8 => data(bytes, inner),
        9..=11 => law(bytes, inner).apps(several(bytes, inner, expression)),
        12 => law(bytes, inner).pin().apps(several(bytes, inner, expression)),
        13 => shapes::row(several(bytes, inner, expression)),
        _ => expression(bytes, inner).apps(several(bytes, inner, expression)),
    }
}

/// An operation with `count` arguments.
fn call(bytes: &mut Unstructured<'_>, depth: u32, operation: u64, count: usize) -> Term {
    let arguments: Vec<Term> = (0..count).map(|_| expression(bytes, depth)).collect();
    Term::from(operation).apps(arguments)
}

/// Up to four terms.
fn several(
    bytes: &mut Unstructured<'_>,
    depth: u32,
    make: fn(&mut Unstructured<'_>, u32) -> Term,
) -> Vec<Term> {
    (0..below(bytes, 5)).map(|_| make(bytes, depth)).collect()
}

/// A value in normal form.
pub(crate) fn value(bytes: &mut Unstructured<'_>, depth: u32) -> Term {
    let Some(inner) = depth.checked_sub(1) else { return nat(bytes) };
    match below(bytes, 8) {
        0 | 1 => nat(bytes),
        2 | 3 => law(bytes, inner),
        4 => value(bytes, inner).pin(),
        5 | 6 => data(bytes, inner),
        _ => {
            let partial = value(bytes, inner).apps(several(bytes, inner, value));
            if partial.is_normal() { partial } else { Term::zero() }
        }
    }
}

/// A nat, row, bar, set or table in normal form, or in a few cases a malformed one.
fn data(bytes: &mut Unstructured<'_>, depth: u32) -> Term {
    let Some(inner) = depth.checked_sub(1) else { return nat(bytes) };
    match below(bytes, 8) {
        0 | 1 => nat(bytes),
        2 | 3 => shapes::row(several(bytes, inner, data)),
        4 => {
            let length = below(bytes, 20).into();
            shapes::bar(bytes.bytes(length).unwrap_or_default())
        }
        5 => shapes::set(keys(bytes)),
        6 => {
            let keys = keys(bytes);
            shapes::tab(keys.into_iter().map(|key| (key, data(bytes, inner))))
        }
        _ => value(bytes, inner),
    }
}

/// Keys of a set: usually in ascending order, in a few cases not.
fn keys(bytes: &mut Unstructured<'_>) -> Vec<Term> {
    let mut keys = several(bytes, 2, data);
    if below(bytes, 16) != 15 {
        keys.sort();
        keys.dedup();
    }
    keys
}

fn law(bytes: &mut Unstructured<'_>, depth: u32) -> Term {
    let arity = match below(bytes, 8) {
        7 => nat_number(bytes) + Natural::from(1u8),
        few => Natural::from(1 + few / 2),
    };
    let name = Natural::from(below(bytes, 3));
    let variables = u8::try_from(&arity).unwrap_or(4).min(8) + 1;
    Term::Law { name, arity, body: body(bytes, depth, variables).into() }
}

/// The body of a law, or a part of it, where `variables` variables are bound.
fn body(bytes: &mut Unstructured<'_>, depth: u32, variables: u8) -> Term {
    let Some(inner) = depth.checked_sub(1) else { return variable(bytes, variables) };
    match below(bytes, 12) {
        0..=3 => variable(bytes, variables),
        4..=7 => {
            let function = body(bytes, inner, variables);
            Term::from(0).app(function).app(body(bytes, inner, variables))
        }
        8 | 9 => {
            let variables = variables.saturating_add(1).min(100);
            let bound = body(bytes, inner, variables);
            Term::from(1).app(bound).app(body(bytes, inner, variables))
        }
        10 => Term::from(2).app(value(bytes, inner)),
        _ => value(bytes, inner),
    }
}

/// A bound variable, or the first number that is not bound.
fn variable(bytes: &mut Unstructured<'_>, variables: u8) -> Term {
    Term::from(u64::from(below(bytes, variables + 1)))
}

fn nat(bytes: &mut Unstructured<'_>) -> Term {
    Term::Nat(nat_number(bytes))
}

/// A nat: usually small, sometimes near a power of two at the limit of a machine word.
fn nat_number(bytes: &mut Unstructured<'_>) -> Natural {
    match below(bytes, 8) {
        0..=3 => Natural::from(below(bytes, 8)),
        4 => Natural::from(number(bytes)),
        5 => Natural::from(bytes.arbitrary::<u64>().unwrap_or(0)),
        6 => {
            let exponents = [31u64, 32, 62, 63, 64, 65, 127, 128];
            let edge = Natural::from(1u8) << exponents[usize::from(below(bytes, 8))];
            edge + Natural::from(below(bytes, 3)) - Natural::from(1u8)
        }
        _ => spec::nat_from_bytes(bytes.bytes(3).unwrap_or(b"die")),
    }
}
