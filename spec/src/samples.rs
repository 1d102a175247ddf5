//! Sample values in normal form, shared by the tests of all crates: values close to the boundaries
//! between shapes, and random ones.

use crate::generate::TermGenerator;
use crate::{Term, shapes};
use malachite_nz::natural::Natural;

/// Returns the [edge cases](edge_cases), followed by `random` values that `seed` determines.
pub fn terms(seed: u64, random: usize) -> Vec<Term> {
    let mut terms = edge_cases();
    let mut generator = TermGenerator::new(seed);
    terms.extend((0..random).map(|index| generator.term(1 + index % 40)));
    terms
}

/// Parses a term that this module spells out.
fn parse(text: &str) -> Term {
    Term::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Returns values of the shapes that a runtime represents specially, and values that differ
/// slightly from such a shape.
pub fn edge_cases() -> Vec<Term> {
    let nats = |nats: &[u64]| -> Vec<Term> { nats.iter().map(|&nat| Term::from(nat)).collect() };
    let tab = |keys: &[u64], values: &[u64]| shapes::tab(nats(keys).into_iter().zip(nats(values)));
    let set = |keys: &[u64]| shapes::set(nats(keys));
    let row = |items: &[u64]| shapes::row(nats(items));
    let wide =
        |arity: Natural| Term::Law { name: Natural::from(0u8), arity, body: Term::zero().into() };
    let mut terms: Vec<Term> = [
        "0",
        "1",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "<0>",
        "<<0>>",
        "<{1 1 1}>",
        "{1 1 0}",
        "{1 1 1}",
        "{1 1 2}",
        "{1 1 256}",
        "{1 1 257}",
        "{1 1 <1>}",
        "{0 1 1}",
        "{0 1 <0>}",
        "{0 2 0}",
        "{0 3 0}",
        "{0 281474976710656 0}",
        "{0 281474976710657 0}",
        "{0 340282366920938463463374607431768211457 0}",
        "{1 2 0}",
        "{1 2 (0 1)}",
        "{1 2 {0 2 0}}",
        "(0 1)",
        "(0 1 2)",
        "(0 {1 1 1})",
        "(1 0 0)",
        "(<0> 1 2)",
        "({5 9 0} 1 2 3)",
        "({1 2 0} 5)",
        "({1 2 5} 5)",
        "({0 3 0} 5)",
        "({0 4 0} 5)",
    ]
    .map(parse)
    .into();
    terms.extend([row(&[]), row(&[7]), row(&[7, 8]), row(&[8, 7]), row(&[1, 2, 3]), set(&[])]);
    terms.extend([set(&[1]), set(&[2]), set(&[1, 2]), set(&[2, 1]), set(&[1, 1]), set(&[0, 9])]);
    terms.extend([tab(&[], &[]), tab(&[1], &[7]), tab(&[1], &[8]), tab(&[1, 2], &[3, 4])]);
    terms.extend([tab(&[1, 2], &[4, 3]), tab(&[2, 1], &[4, 3])]);
    terms.extend([set(&[1]).app(5), set(&[1]).app(row(&[])), set(&[1]).app(row(&[7, 8]))]);
    terms.extend([shapes::row([set(&[1]), row(&[7])]), shapes::row([tab(&[1], &[7])])]);
    terms.extend(
        [b"" as &[u8], b"\0", b"a", b"ab", b"ba", b"a\0", b"1234567", b"12345678"].map(shapes::bar),
    );
    terms.extend([b"123456781234567" as &[u8], b"1234567812345678"].map(shapes::bar));
    terms.push(wide(Natural::from(u64::MAX)));
    terms.push(wide(Natural::from(u64::MAX) + Natural::from(1u8)));
    terms.push(Term::law(7, 100, 0).apps((0..90).map(Term::from)));
    terms.push(Term::law(7, 100, 0).apps((0..91).map(Term::from)));
    terms
}
