use super::*;
use crate::{LeafKind, NodeShape};

fn word(text: &str) -> Rex {
    Rex::word(text)
}

fn plain_line(rex: &Rex) -> String {
    line(rex, Colour::None)
}

fn plain_block(rex: &Rex) -> String {
    block(rex, Colour::None)
}

#[test]
fn every_shape_on_a_line() {
    let ab = || vec![word("a"), word("b")];
    assert_eq!(plain_line(&Rex::open("|", ab())), "(a b)");
    assert_eq!(plain_line(&Rex::nest("|", vec![word("a")])), "(| a)");
    assert_eq!(plain_line(&Rex::nest("|", vec![])), "()");
    assert_eq!(plain_line(&Rex::nest(",", ab())), "[a b]");
    assert_eq!(plain_line(&Rex::nest("+", ab())), "(+ a b)");
    assert_eq!(plain_line(&Rex::infix("+", ab())), "(a + b)");
    assert_eq!(plain_line(&Rex::shut("+", ab())), "a+b");
    assert_eq!(plain_line(&Rex::prefix("+", word("a"))), "+a");
    assert_eq!(plain_line(&Rex::prefix("+", Rex::shut("-", ab()))), "+(a-b)");
    assert_eq!(plain_line(&Rex::shut("+", ab()).with_heir(Rex::nest(",", ab()))), "(a+b)[a b]");
    assert_eq!(plain_line(&word("a").with_heir(Rex::prefix("-", word("b")))), "a(-b)");
    assert_eq!(plain_line(&Rex::infix("+", vec![Rex::nest("|", ab()), word("c")])), "(a b + c)");
}

#[test]
fn trees_without_a_notation_still_print() {
    assert_eq!(plain_line(&Rex::node(NodeShape::Prefix, "-", vec![], None)), "-");
    assert_eq!(
        plain_line(&Rex::node(NodeShape::Prefix, "-", vec![word("a"), word("b")], None)),
        "-a"
    );
    assert_eq!(plain_line(&Rex::shut("-", vec![])), "");
    assert_eq!(plain_line(&Rex::infix("-", vec![])), "()");
    assert_eq!(plain_line(&Rex::nest("", vec![word("a")])), "( a)");
    assert_eq!(plain_line(&word("a").with_heir(word("b"))), "ab");
    assert_eq!(plain_line(&word("two words")), "{two words}");
    assert_eq!(plain_line(&word("")), "{}");
    assert_eq!(plain_line(&word("é")), "{é}");
    assert_eq!(plain_line(&word("Ł")), "Ł");
    assert_eq!(plain_line(&Rex::line("text")), "{text}");
    assert_eq!(plain_block(&Rex::open("", vec![word("a")])), "  a\n");
}

#[test]
fn width_counts_characters() {
    assert_eq!(width(&Rex::text("é▣")), 4);
    assert_eq!(width(&Rex::prefix("▣", word("a"))), 2);
}

#[test]
fn one_line_sons_share_lines_of_forty_columns() {
    let sons = |n: usize| vec![word(&"w".repeat(n)), word(&"x".repeat(20))];
    assert_eq!(plain_block(&Rex::open("|", sons(19))).lines().count(), 1);
    assert_eq!(plain_block(&Rex::open("|", sons(20))).lines().count(), 2);
}

#[test]
fn blocks_are_indented_less_and_less() {
    let wide = || Rex::open("|", vec![word("a_word")]);
    let sons = vec![word("f"), wide(), word("x"), wide(), word("z")];
    let want = "\
| f         | a_word
        x
    | a_word
  z
";
    assert_eq!(plain_block(&Rex::open("|", sons)), want);
}

#[test]
fn the_last_character_of_a_wide_rune_is_in_its_column() {
    let heir = Rex::open("=?=", vec![word("b")]);
    assert_eq!(
        plain_block(&Rex::node(NodeShape::Open, "|", vec![word("a")], heir)),
        "  | a\n=?= b\n"
    );
    let inner = Rex::open("#=?=#=", vec![word("b")]);
    let outer = Rex::open("|", vec![word("long_enough"), inner]);
    assert_eq!(plain_block(&outer), "| long_enough\n   #=?=#= b\n");
}

#[test]
fn lines_of_a_line_string_share_a_column() {
    let lines = Rex::leaf(LeafKind::Line, "one", Rex::leaf(LeafKind::Line, "", Rex::line("three")));
    assert_eq!(plain_block(&lines), "} one\n}\n} three\n");
    assert_eq!(plain_block(&Rex::open("|", vec![lines])), "|   } one\n    }\n    } three\n");
}

#[test]
fn colours_are_printed_on_request() {
    let rex = Rex::open("|", vec![Rex::text("t"), Rex::nest("+", vec![word("w")])]);
    let coloured = block(&rex, Colour::Terminal);
    assert_eq!(
        coloured,
        "\x1b[33m|\x1b[0m \x1b[32m{t}\x1b[0m \
         \x1b[1m\x1b[35m(\x1b[0m\x1b[33m+\x1b[0m w\x1b[1m\x1b[35m)\x1b[0m\n"
    );
    let wide: Vec<Rex> = (0..10).map(|_| Rex::text("tt")).collect();
    let rex = Rex::open("|", wide);
    assert_eq!(block(&rex, Colour::Terminal).lines().count(), plain_block(&rex).lines().count());
}
