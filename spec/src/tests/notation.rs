//! Terms: notation, order, form.

use std::cmp::Ordering;

use super::super::shapes::{bar, cow, row, set, tab};
use super::*;

#[test]
fn written_and_read() {
    for text in ["0", "(0 1 2)", "{7 2 (0 1 2)}", "<<5>>", "(<{0 1 0}> (1 2) 3)", "{0 1 <{0 9 0}>}"]
    {
        assert_eq!(term(text).to_string(), text);
    }
    assert_eq!(term("((0 1) 2)"), term("(0 1 2)"));
    assert_eq!(term(" ( 0\t1 ; one\n 2 )\n; end"), term("(0 1 2)"));
    assert_eq!(term("'die'"), Term::from(6_646_116));
    assert_eq!(Term::law("f", 2, 1).app(7).to_string(), "({102 2 1} 7)");
    assert_eq!(term("340282366920938463463374607431768211456").arity(), 1u8);
}

#[test]
fn what_is_wrong_and_where() {
    let error = |text: &str| {
        let TermParseError { offset, problem } = Term::parse(text).expect_err(text);
        format!("{offset}: {problem}")
    };
    assert_eq!(error(""), "0: the text ends where a term was expected");
    assert_eq!(error("(1 (2 3)"), "0: this bracket is never closed");
    assert_eq!(error("(1 2>"), "4: this bracket does not match the one that is open");
    assert_eq!(error(" )"), "1: this bracket closes nothing");
    assert_eq!(error("(1)"), "0: an app needs a function and an argument");
    assert_eq!(error("<1 2>"), "0: a pin holds exactly one term");
    assert_eq!(error("{1 2}"), "0: a law is a nat, its name, a nat, its arity, and a body");
    assert_eq!(error("1 2"), "2: the text continues after the term");
    assert_eq!(error("(3 x)"), "3: expected a number, text in '', or a bracket");
    assert_eq!(error("'x"), "0: this quote is never closed");
    let form = "0: a law here has arity 0, or a law or pin holds an unevaluated app";
    assert_eq!(error("<(3 4)>"), form);
    assert_eq!(error("(0 {1 0 1})"), form);
}

#[test]
fn normal_terms_lack_an_argument_everywhere() {
    for text in ["(0 1 2)", "(<0> 1 2)", "<(<({0 3 0} 1)> 2)>", "({0 2 0} (2 1))"] {
        assert!(term(text).is_normal(), "{text}");
    }
    for text in ["(3 4)", "(0 1 2 3)", "(<<{0 1 0}>> 1)", "(0 (3 1))", "(<({0 2 0} 1)> 2)"] {
        assert!(!term(text).is_normal(), "{text}");
    }
}

#[test]
fn deep_terms_are_no_trouble() {
    let deep = |leaf: u64| {
        (0..300_000).fold(Term::from(leaf), |x, i| match i % 3 {
            0 => x.pin(),
            1 => Term::law(0, 1, x),
            _ => Term::from(0).app(x).app(0),
        })
    };
    let (one, two) = (deep(1), deep(2));
    assert!(one < two);
    assert_eq!(one, deep(1));
    assert_eq!(Term::parse(&one.to_string()).expect("it was written so"), one);
    assert!(one.is_normal());
}

/// Values in ascending order. Data is in the order that the prototype defines for its shapes.
#[test]
fn order_of_kinds_and_shapes() {
    let ascending = [
        term("0"),
        term("4"),
        term("18446744073709551616"),
        term("<0>"),
        term("<5>"),
        term("<<0>>"),
        term("<{0 1 0}>"),
        row([]),
        term("{0 1 5}"),
        cow(1),
        term("{0 2 (0 1)}"),
        cow(255),
        bar(b""),
        bar(b"b"),
        bar(b"aa"),
        bar(b"ba"),
        bar(b"ab"),
        term("{1 2 0}"),
        set([]),
        set([9.into()]),
        set([1.into(), 2.into()]),
        set([0.into(), 3.into()]),
        term("{'name' 1 0}"),
        term("(0 9)"),
        term("(<0> 9)"),
        row([5.into()]),
        row([bar(b"")]),
        tab([]),
        term("(0 0 0)"),
        row([9.into(), 0.into()]),
    ];
    for (i, x) in ascending.iter().enumerate() {
        for (j, y) in ascending.iter().enumerate() {
            assert_eq!(x.cmp(y), i.cmp(&j), "{x} against {y}");
        }
    }
}

#[test]
fn order_of_apps() {
    let less = |x: Term, y: Term| {
        assert_eq!(x.cmp(&y), Ordering::Less, "{x} against {y}");
        assert_eq!(y.cmp(&x), Ordering::Greater, "{y} against {x}");
    };
    let nats = |numbers: &[u64]| row(numbers.iter().map(|&n| Term::from(n)).collect::<Vec<_>>());
    // Fewer arguments come first, whatever they are; a table has one.
    less(nats(&[9]), nats(&[1, 2]));
    less(tab([(1.into(), 9.into()), (2.into(), 9.into())]), nats(&[0, 0]));
    // A row of one item comes before a table: its head is named 0.
    less(nats(&[9]), tab([]));
    // Rows of a length from the last element down.
    less(nats(&[9, 1, 3]), nats(&[0, 2, 3]));
    less(nats(&[9, 9, 3]), nats(&[0, 0, 4]));
    // Tables by keys, then by values.
    less(tab([(1.into(), 9.into())]), tab([(2.into(), 0.into())]));
    less(tab([(1.into(), 8.into())]), tab([(1.into(), 9.into())]));
    less(term("(0 1 2)"), term("(2 0 0)"));
}
