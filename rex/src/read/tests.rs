use super::*;
use crate::Rex;
use crate::print::{self, Colour};

/// Pushes lines one at a time, and tells with which line each block came out.
fn arrivals(lines: &[&str]) -> Vec<(usize, usize, String)> {
    let mut reader = BlockReader::new("test");
    let mut seen = Vec::new();
    let mut note = |at: usize, block: Result<Block, ReadError>| match block {
        Ok(block) => seen.push((at, block.line, print::line(&block.rex, Colour::None))),
        Err(error) => seen.push((at, error.line, format!("{:?}", error.problem))),
    };
    for line in lines {
        let at = reader.next_line();
        reader.push_line(line).into_iter().for_each(|block| note(at, block));
    }
    let at = reader.next_line();
    reader.finish().into_iter().for_each(|block| note(at, block));
    seen
}

fn came(at: usize, line: usize, text: &str) -> (usize, usize, String) {
    (at, line, text.to_owned())
}

#[test]
fn single_lines_are_over_at_once() {
    let want = [came(1, 1, "a"), came(2, 2, "f[x]"), came(4, 4, "(a b)")];
    assert_eq!(arrivals(&["a", "f[x]", "", "  a b"]), want);
    assert_eq!(arrivals(&["|a", "  b"]), [came(1, 1, "|a"), came(2, 2, "b")]);
    assert_eq!(arrivals(&["a\n", "b\n"]), [came(1, 1, "a"), came(2, 2, "b")]);
}

#[test]
fn open_blocks_wait_for_what_cannot_belong_to_them() {
    assert_eq!(arrivals(&["| a", "  b", ""]), [came(3, 1, "(a b)")]);
    assert_eq!(arrivals(&["| a", "  b"]), [came(3, 1, "(a b)")]);
    assert_eq!(arrivals(&["", "| a", "    "]), [came(3, 2, "(| a)")]);
    let want = [came(2, 1, "(= x)"), came(2, 2, "y")];
    assert_eq!(arrivals(&[" = x", "y"]), want, "y is left of the rune");
    assert_eq!(arrivals(&["=?= a", "  b"]), [came(3, 1, "(=?= a)b")]);
    assert_eq!(arrivals(&["=?= a", " b"]), [came(2, 1, "(=?= a)"), came(2, 2, "b")]);
}

#[test]
fn comments_end_nothing_but_line_strings() {
    assert_eq!(arrivals(&["| a", "; note", "  b"]), [came(4, 1, "(a b)")]);
    assert_eq!(arrivals(&["; only", "  ; notes"]), []);
    assert_eq!(arrivals(&["} a", "; note", "} b"]), [came(2, 1, "{a}"), came(4, 3, "{b}")]);
}

#[test]
fn line_strings_in_one_column_are_one_block() {
    assert_eq!(arrivals(&["} a", "}", "} b"]), [came(4, 1, "{a}{}{b}")]);
    assert_eq!(arrivals(&["} a", " } b"]), [came(2, 1, "{a}"), came(3, 2, "{b}")]);
    assert_eq!(arrivals(&["} a", "| b"]), [came(2, 1, "{a}"), came(3, 2, "(| b)")]);
}

#[test]
fn an_error_stands_for_its_whole_block() {
    let want = [came(4, 2, "Unexpected(']')"), came(5, 5, "c")];
    assert_eq!(arrivals(&["| a", "  ]", "  b )", "", "c"]), want);
}

#[test]
fn what_the_prototype_lets_pass() {
    assert_eq!(arrivals(&["(a ; b)"]), [came(1, 1, "a")]);
    assert_eq!(arrivals(&["[a ; b]"]), [came(1, 1, "[a]")]);
    assert_eq!(arrivals(&["(a ; b]"]), [came(1, 1, "UnclosedNest('(')")]);
    assert_eq!(arrivals(&["((a ; b)"]), [came(1, 1, "UnclosedNest('(')")]);
    assert_eq!(arrivals(&["f\""]), [came(1, 1, "f{}")]);
    assert_eq!(arrivals(&["}}"]), [came(1, 1, "{}")]);
}

#[test]
fn columns_count_bytes_in_layout_and_characters_in_errors() {
    assert_eq!(arrivals(&["| {é} | a", "      | b"]), [came(3, 1, "({é} (| a) (| b))")]);
    assert_eq!(arrivals(&["| {é} | a", "       | b"]), [came(3, 1, "({é} (| a)(| b))")]);
    let error = read_file("{é} é", "f").next().unwrap().unwrap_err();
    assert_eq!((error.line, error.column), (1, 5));
}

fn message(text: &str) -> String {
    read_file(text, "file").find_map(Result::err).map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn errors_point_at_their_place() {
    assert_eq!(
        message("ok\n\n| {é} [x\n"),
        "file:3:7: `[` is not closed on its line\n\n    | {é} [x\n          ^"
    );
    assert_eq!(
        message("a\tb"),
        "file:1:2: a tab cannot separate or indent; use spaces\n\n    a b\n     ^"
    );
    assert!(message("a\r\n").starts_with("file:1:2: a carriage return"));
    assert!(message("a\0b").starts_with("file:1:2: control character U+0000"));
    assert!(message("}\0b\0").starts_with("file:1:1: `}` takes a space"));
    assert!(message("a )").starts_with("file:1:3: `)` closes nothing here"));
}

#[test]
fn long_lines_are_quoted_in_part() {
    let text = format!("{} ) {}", "a".repeat(1000), "b".repeat(1000));
    let (shown, carets) = (format!("...{} ) {}...", "a".repeat(59), "b".repeat(59)), 63);
    let want =
        format!("file:1:1002: `)` closes nothing here\n\n    {shown}\n    {:1$}^", "", carets);
    assert_eq!(message(&text), want);
    let unclosed = message(&format!("\"{}", "a".repeat(1000)));
    assert!(unclosed.ends_with(&"^".repeat(60)) && unclosed.len() < 300);
}

#[test]
fn decode_tells_where_text_stops_being_text() {
    assert_eq!(decode("a é\n".as_bytes(), "f"), Ok("a é\n"));
    let error = decode(b"one\ntwo \xff three\nfour \xff", "f").unwrap_err();
    assert_eq!((error.line, error.column, &error.problem), (2, 5, &Problem::NotUtf8));
    assert_eq!(error.to_string(), "f:2:5: not UTF-8 text\n\n    two \u{fffd} three\n        ^");
    assert_eq!(decode(b"\xc3", "f").unwrap_err().column, 1);
}

#[test]
fn a_text_is_read_like_its_lines() {
    let lines: Vec<Rex> = read_file("a\n\n| b\nc", "f").map(|b| b.unwrap().rex).collect();
    assert_eq!(
        lines,
        [Rex::word("a"), Rex::open("|", vec![Rex::word("b")]).with_heir(Rex::word("c"))]
    );
    assert_eq!(read_file("", "f").count(), 0);
    assert_eq!(read_file("\n\n", "f").count(), 0);
}
