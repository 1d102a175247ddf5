//! Very deep and very long input: reading and printing use bounded native stack and no quadratic
//! time. (Quadratic time would be hours for these inputs.)

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use rex::print::{self, Colour};
use rex::{ReadErrorKind, Rex, read_file};

const DEEP: usize = 200_000;
const LONG: usize = 10_000_000;

fn read_one(text: &str) -> Rex {
    let mut blocks = read_file(text, "deep");
    let block = blocks.next().unwrap().unwrap();
    assert!(blocks.next().is_none());
    block.rex
}

/// Reads a text, prints the tree on one line, and checks that it reads back.
fn check_round_trip(text: &str) {
    let rex = read_one(text);
    let printed = print::line(&rex, Colour::None);
    assert!(read_one(&printed) == rex);
}

/// Returns `x` between `DEEP` copies of `open` and `DEEP` copies of `close`.
fn nested(open: &str, close: &str) -> String {
    open.repeat(DEEP) + "x" + &close.repeat(DEEP)
}

#[test]
fn a_million_parentheses() {
    let million = 1_000_000;
    let text = format!("{}x{}", "(".repeat(million), ")".repeat(million));
    assert_eq!(read_one(&text), Rex::word("x"));
}

#[test]
fn parentheses() {
    check_round_trip(&nested("(+ ", ")"));
    check_round_trip(&nested("[", "]"));
    check_round_trip(&nested("(a + ", ")"));
}

#[test]
fn tight_forms() {
    check_round_trip(&nested("-(", ")"));
    check_round_trip(&nested("{a}(", ")"));
    check_round_trip(&nested("(", "{b})"));
    check_round_trip(&nested("{a}", ""));
    check_round_trip(&nested("", "+a-b"));
    check_round_trip(&nested("", "+a"));
}

#[test]
fn runes_in_parentheses() {
    check_round_trip(&format!("({})", nested("| a ", "")));
    check_round_trip(&format!("({})", nested("", " + a - b")));
}

#[test]
fn open_forms() {
    // A node is indented by four columns in the one around it, up to column 512; the others are on
    // one line.
    let open = print::MAX_COLUMN / print::BLOCK_INDENT + 1;
    assert_eq!(open, 129);
    let row = |open: usize| {
        let wrap =
            |rex, i| if i < open { Rex::open("|", vec![rex]) } else { Rex::nest("|", vec![rex]) };
        (0..DEEP).rev().fold(Rex::word("x"), wrap)
    };
    assert!(read_one(&nested("| ", "")) == row(DEEP));
    assert!(read_one(&print::block(&row(DEEP), Colour::None)) == row(open));
    assert!(read_one(&print::block(&row(open), Colour::None)) == row(open));
    for text in
        [nested("@ a\n", ""), "} line\n".repeat(DEEP), nested("", "\n| b").replace('x', "|")]
    {
        let heirs = read_one(&text);
        assert_eq!(print::block(&heirs, Colour::None).trim_end(), text.trim_end());
    }
}

#[test]
fn unclosed_forms() {
    for (text, kind) in [
        ("(".repeat(DEEP), ReadErrorKind::UnclosedForm('(')),
        ("[(".repeat(DEEP), ReadErrorKind::UnclosedForm('(')),
        ("{".repeat(DEEP), ReadErrorKind::UnclosedText('}')),
    ] {
        let error = read_file(&text, "deep").next().unwrap().unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.to_string().len() < 500, "long lines are quoted in part");
    }
}

#[test]
fn long_lines() {
    let words = "word ".repeat(LONG / 5);
    assert_eq!(read_one(&words).sons().len(), LONG / 5);
    let error = read_file(&format!("{words})"), "long").next().unwrap().unwrap_err();
    assert_eq!(error.column, LONG + 1);
    assert!(error.to_string().ends_with("^") && error.to_string().len() < 500);

    let word = "w".repeat(LONG);
    assert_eq!(read_one(&word), Rex::word(&word));
    check_round_trip(&format!("{{{}}}", "{} ".repeat(LONG / 3)));
}

/// Trees whose blocks would take quadratic space if indentation were unbounded.
#[test]
fn indentation_is_bounded() {
    // Rows nested at the end: the outer ones are laid out, and the rest is on one line.
    let cons = |tail, n: usize| {
        Rex::open("++", vec![Rex::word(n.to_string())]).with_heir(Rex::open("++", vec![tail]))
    };
    let list = (0..DEEP).rev().fold(Rex::word("nil"), cons);
    let text = print::block(&list, Colour::None);
    assert!(text.len() < 30 * DEEP, "{} bytes", text.len());
    // The runes end in columns 1, 5 ... 509.
    assert_eq!(text.lines().count(), 1 + 127 + 1);
    assert!(text.starts_with("++ 0\n++  ++ 1\n    ++  ++ 2\n"));

    // A node with many blocks: each is four columns to the right of the next.
    let block = |n: usize| Rex::open("+", vec![Rex::word(n.to_string())]);
    let wide = Rex::open("|", (0..DEEP).map(block).collect());
    let text = print::block(&wide, Colour::None);
    assert!(text.len() < 20 * DEEP, "{} bytes", text.len());
    let first = text.lines().find(|line| line.contains("   + "));
    let (one_line, first) = first.unwrap().split_at(512);
    assert_eq!((one_line.trim(), first), ("(+ 199871)", "+ 199872"));
    assert!(text.ends_with(&format!("\n        + {}\n    + {}\n", DEEP - 2, DEEP - 1)));
    assert_eq!(read_one(&text).sons().len(), DEEP);

    // One wide rune moves the whole chain of heirs to the right.
    let chain = |heir, _| Rex::open("+", vec![]).with_heir(heir);
    let heirs = (0..DEEP).fold(Rex::open("-".repeat(DEEP), vec![]), chain);
    let text = print::block(&heirs, Colour::None);
    assert_eq!(text.len(), DEEP * (512 + 2) + DEEP + 1);
}
