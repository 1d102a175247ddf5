//! Property tests: printed trees read back, and the reader accepts any input without a panic.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rex::print::{self, Colour};
use rex::{BlockReader, LeafKind, NodeShape, ReadError, Rex, SourceBlock, read_file};

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_]{1,12}"
}

/// Runes of up to five characters. A block with a wider rune may move right between other blocks.
fn rune() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("|".to_owned()),
        1 => Just(",".to_owned()),
        3 => "[$!#%&*+,./:<=>?@^`'|~\\\\-]{1,5}",
    ]
}

/// Text that has a notation on one line, in braces or with a quote.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,12}", "[ -~]{0,12}"]
}

/// Trees that print on one line and read back.
///
/// The strategy excludes the trees without a notation that the documentation of [`mod@print`] lists.
fn one_line_tree() -> BoxedStrategy<Rex> {
    let leaf = prop_oneof![3 => word().prop_map(Rex::word), 1 => text().prop_map(Rex::text)];
    let tree = leaf.prop_recursive(5, 40, 5, |inner| {
        let sons = || vec(inner.clone(), 0..5);
        let operands = || vec(inner.clone(), 2..5);
        prop_oneof![
            3 => (rune(), sons()).prop_map(|(rune, sons)| Rex::nest(rune, sons)),
            1 => (rune(), operands().prop_filter("merges", |sons| !sons.iter().any(is_row_with_heir)))
                .prop_map(|(rune, sons)| Rex::infix(rune, sons)),
            1 => (rune(), inner.clone()).prop_map(|(rune, son)| Rex::prefix(rune, son)),
            1 => (rune(), operands()).prop_map(|(rune, sons)| Rex::shut(rune, sons)),
            2 => (inner.clone(), inner.clone()).prop_filter_map("merges", |(rex, heir)| {
                let merges = is_word(deepest_heir(&rex)) && is_word(&heir) || is_shut(&heir);
                (!merges).then(|| add_heir(rex, heir))
            }),
        ]
    });
    tree.boxed()
}

fn deepest_heir(rex: &Rex) -> &Rex {
    rex.heir().map_or(rex, deepest_heir)
}

fn add_heir(mut rex: Rex, heir: Rex) -> Rex {
    match &mut rex {
        Rex::Node { heir: Some(below), .. } | Rex::Leaf { heir: Some(below), .. } => {
            let taken = std::mem::replace(&mut **below, Rex::word(""));
            **below = add_heir(taken, heir);
        }
        _ => rex.set_heir(Some(heir)),
    }
    rex
}

fn is_word(rex: &Rex) -> bool {
    matches!(rex, Rex::Leaf { leaf: LeafKind::Word, .. })
}

fn is_shut(rex: &Rex) -> bool {
    matches!(rex, Rex::Node { shape: NodeShape::Shut, .. })
}

fn is_row_with_heir(rex: &Rex) -> bool {
    matches!(rex, Rex::Node { shape: NodeShape::Nest, rune, heir: Some(_), .. } if rune == "|")
}

/// Line strings of one to three lines.
fn lines() -> impl Strategy<Value = Rex> {
    vec("[ -~é]{0,20}", 1..4).prop_map(|lines| {
        let below = |heir, text| Some(Rex::leaf(LeafKind::Line, text, heir));
        lines.into_iter().rev().fold(None, below).expect("there is a line")
    })
}

/// Trees that print on several lines and read back.
fn layout() -> BoxedStrategy<Rex> {
    let flat = prop_oneof![6 => one_line_tree(), 1 => lines()];
    let tree = flat.prop_recursive(4, 60, 6, |inner| {
        (rune(), vec(inner.clone(), 0..6), option::of(inner))
            .prop_map(|(rune, sons, heir)| Rex::node(NodeShape::Open, rune, sons, heir))
    });
    tree.boxed()
}

fn read_one(text: &str) -> Rex {
    let blocks: Vec<_> = read_file(text, "printed").collect();
    match <[_; 1]>::try_from(blocks) {
        Ok([Ok(block)]) => block.rex,
        other => panic!("not one block: {other:?} in\n{text}"),
    }
}

fn push_all<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Result<SourceBlock, ReadError>> {
    let mut reader = BlockReader::new("pushed");
    let mut blocks: Vec<_> = lines.into_iter().flat_map(|line| reader.push_line(line)).collect();
    blocks.extend(reader.finish());
    blocks
}

/// Source text with a fair chance of being well-formed.
fn source() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        4 => "[a-z]{1,3}",
        4 => " {1,5}",
        3 => "[|=+,:#-]{1,3}",
        3 => "[()\\[\\]]",
        3 => "\n {0,6}",
        1 => "[{}\";]",
        1 => "\\{[a-z{}]{0,5}\\}",
        1 => "\\} ?[a-z]{0,5}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop_oneof![3 => vec(token, 0..40).prop_map(|tokens| tokens.concat()), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_line_reads_back(rex in one_line_tree()) {
        let printed = print::line(&rex, Colour::None);
        prop_assert_eq!(print::width(&rex), printed.chars().count());
        prop_assert_eq!(read_one(&printed), rex, "from {}", printed);
    }

    #[test]
    fn a_block_reads_back(rex in layout()) {
        let printed = print::block(&rex, Colour::None);
        prop_assert_eq!(read_one(&printed), rex, "from\n{}", printed);
    }

    #[test]
    fn colours_only_add_escapes(rex in layout()) {
        let coloured = print::block(&rex, Colour::Terminal);
        prop_assert!(!coloured.contains("\x1b[0m\x1b[0m"));
        prop_assert_eq!(strip_escapes(&coloured), print::block(&rex, Colour::None));
    }

    #[test]
    fn every_tree_that_was_read_prints(text in source()) {
        for block in read_file(&text, "source") {
            match block {
                Ok(block) => {
                    let printed = print::block(&block.rex, Colour::None);
                    prop_assert!(printed.ends_with('\n'));
                    prop_assert_eq!(print::block(&block.rex.clone(), Colour::None), printed);
                }
                Err(error) => {
                    let lines: Vec<&str> = text.split('\n').collect();
                    let width = lines[error.line - 1].chars().count();
                    prop_assert!((1..=width.max(1)).contains(&error.column));
                    prop_assert!(error.to_string().ends_with('^'));
                }
            }
        }
    }

    /// Pushing single lines gives the same blocks as reading the whole text, and texts separated by
    /// blank lines do not affect each other.
    #[test]
    fn blocks_do_not_depend_on_how_lines_arrive(first in source(), second in source()) {
        let trees = |blocks: Vec<Result<SourceBlock, ReadError>>| -> Vec<Result<Rex, String>> {
            blocks
                .into_iter()
                .map(|block| block.map(|b| b.rex).map_err(|e| e.kind.to_string()))
                .collect()
        };
        let whole = format!("{first}\n\n{second}\n");
        let mut apart = trees(push_all(first.split('\n')));
        apart.extend(trees(push_all(second.split_inclusive('\n'))));
        prop_assert_eq!(trees(read_file(&whole, "whole").collect()), apart);
    }
}

fn strip_escapes(text: &str) -> String {
    let mut pieces = text.split('\x1b');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or(piece, |(_, rest)| rest));
    }
    plain
}
