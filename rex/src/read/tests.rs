use super::*;
use crate::print::{self, Colour};
use crate::{LeafKind, Rex, SourceSpan};

/// Pushes lines one at a time, and returns for each block the line that completed it, the line it
/// starts on, and its text.
fn blocks_of(lines: &[&str]) -> Vec<(usize, usize, String)> {
    let mut reader = BlockReader::new("test");
    let mut seen = Vec::new();
    let mut record = |at: usize, block: Result<SourceBlock, ReadError>| match block {
        Ok(block) => seen.push((at, block.line, print::line(&block.rex, Colour::None))),
        Err(error) => seen.push((at, error.line, format!("{:?}", error.kind))),
    };
    for line in lines {
        let at = reader.next_line();
        reader.push_line(line).into_iter().for_each(|block| record(at, block));
    }
    let at = reader.next_line();
    reader.finish().into_iter().for_each(|block| record(at, block));
    seen
}

fn block(at: usize, line: usize, text: &str) -> (usize, usize, String) {
    (at, line, text.to_owned())
}

#[test]
fn a_single_line_is_a_complete_block() {
    let want = [block(1, 1, "a"), block(2, 2, "f[x]"), block(4, 4, "(a b)")];
    assert_eq!(blocks_of(&["a", "f[x]", "", "  a b"]), want);
    assert_eq!(blocks_of(&["|a", "  b"]), [block(1, 1, "|a"), block(2, 2, "b")]);
    assert_eq!(blocks_of(&["a\n", "b\n"]), [block(1, 1, "a"), block(2, 2, "b")]);
}

#[test]
fn open_blocks_end_at_the_first_line_outside_them() {
    assert_eq!(blocks_of(&["| a", "  b", ""]), [block(3, 1, "(a b)")]);
    assert_eq!(blocks_of(&["| a", "  b"]), [block(3, 1, "(a b)")]);
    assert_eq!(blocks_of(&["", "| a", "    "]), [block(3, 2, "(| a)")]);
    let want = [block(2, 1, "(= x)"), block(2, 2, "y")];
    assert_eq!(blocks_of(&[" = x", "y"]), want, "y is left of the rune");
    assert_eq!(blocks_of(&["=?= a", "  b"]), [block(3, 1, "(=?= a)b")]);
    assert_eq!(blocks_of(&["=?= a", " b"]), [block(2, 1, "(=?= a)"), block(2, 2, "b")]);
}

#[test]
fn comments_end_only_blocks_of_line_strings() {
    assert_eq!(blocks_of(&["| a", "; note", "  b"]), [block(4, 1, "(a b)")]);
    assert_eq!(blocks_of(&["; only", "  ; notes"]), []);
    assert_eq!(blocks_of(&["} a", "; note", "} b"]), [block(2, 1, "{a}"), block(4, 3, "{b}")]);
}

#[test]
fn line_strings_in_one_column_are_one_block() {
    assert_eq!(blocks_of(&["} a", "}", "} b"]), [block(4, 1, "{a}{}{b}")]);
    assert_eq!(blocks_of(&["} a", " } b"]), [block(2, 1, "{a}"), block(3, 2, "{b}")]);
    assert_eq!(blocks_of(&["} a", "| b"]), [block(2, 1, "{a}"), block(3, 2, "(| b)")]);
}

#[test]
fn a_block_with_errors_yields_the_first_error() {
    let want = [block(4, 2, "Unexpected(']')"), block(5, 5, "c")];
    assert_eq!(blocks_of(&["| a", "  ]", "  b )", "", "c"]), want);
}

#[test]
fn unclosed_forms_that_the_prototype_accepts() {
    assert_eq!(blocks_of(&["(a ; b)"]), [block(1, 1, "a")]);
    assert_eq!(blocks_of(&["[a ; b]"]), [block(1, 1, "[a]")]);
    assert_eq!(blocks_of(&["(a ; b]"]), [block(1, 1, "UnclosedForm('(')")]);
    assert_eq!(blocks_of(&["((a ; b)"]), [block(1, 1, "UnclosedForm('(')")]);
    assert_eq!(blocks_of(&["f\""]), [block(1, 1, "f{}")]);
    assert_eq!(blocks_of(&["}}"]), [block(1, 1, "{}")]);
}

#[test]
fn columns_count_bytes_in_layout_and_characters_in_errors() {
    assert_eq!(blocks_of(&["| {é} | a", "      | b"]), [block(3, 1, "({é} (| a) (| b))")]);
    assert_eq!(blocks_of(&["| {é} | a", "       | b"]), [block(3, 1, "({é} (| a)(| b))")]);
    let error = read_file("{é} é", "f").next().unwrap().unwrap_err();
    assert_eq!((error.line, error.column), (1, 5));
}

fn message(text: &str) -> String {
    read_file(text, "file").find_map(Result::err).map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn errors_quote_the_line_and_mark_the_range() {
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
fn errors_quote_a_part_of_long_lines() {
    let text = format!("{} ) {}", "a".repeat(1000), "b".repeat(1000));
    let (shown, carets) = (format!("...{} ) {}...", "a".repeat(59), "b".repeat(59)), 63);
    let want =
        format!("file:1:1002: `)` closes nothing here\n\n    {shown}\n    {:1$}^", "", carets);
    assert_eq!(message(&text), want);
    let unclosed = message(&format!("\"{}", "a".repeat(1000)));
    assert!(unclosed.ends_with(&"^".repeat(60)) && unclosed.len() < 300);
}

#[test]
fn decode_reports_the_first_byte_that_is_not_utf8() {
    assert_eq!(decode("a é\n".as_bytes(), "f"), Ok("a é\n"));
    let error = decode(b"one\ntwo \xff three\nfour \xff", "f").unwrap_err();
    assert_eq!((error.line, error.column, &error.kind), (2, 5, &ReadErrorKind::NotUtf8));
    assert_eq!(error.to_string(), "f:2:5: not UTF-8 text\n\n    two \u{fffd} three\n        ^");
    assert_eq!(decode(b"\xc3", "f").unwrap_err().column, 1);
}

#[test]
fn read_file_reads_like_pushed_lines() {
    let lines: Vec<Rex> = read_file("a\n\n| b\nc", "f").map(|b| b.unwrap().rex).collect();
    assert_eq!(
        lines,
        [Rex::word("a"), Rex::open("|", vec![Rex::word("b")]).with_heir(Rex::word("c"))]
    );
    assert_eq!(read_file("", "f").count(), 0);
    assert_eq!(read_file("\n\n", "f").count(), 0);
}

/// Returns the source text of each tree, in the order of [`Rex::fold`].
fn spans(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in read_file(text, "test") {
        let block = block.expect("the text is well-formed");
        let first = text.split_inclusive('\n').take(block.line - 1).map(str::len).sum::<usize>();
        block.rex.fold(|rex, _: Vec<()>, _| found.push(text[first..][rex.span().range()].into()));
    }
    found
}

#[test]
fn spans_are_the_source_of_each_tree() {
    assert_eq!(spans("(f x)"), ["f", "x", "(f x)"]);
    assert_eq!(spans("[a {b c}]"), ["a", "{b c}", "[a {b c}]"]);
    assert_eq!(spans("(a + b - c)"), ["a", "b", "a + b", "c", "(a + b - c)"]);
    assert_eq!(spans("a.b"), ["a", "b", "a.b"]);
    assert_eq!(spans("-a.b"), ["a", "b", "a.b", "-a.b"]);
    assert_eq!(spans("f(x)"), ["x", "f"]);
    assert_eq!(spans("(f (x))"), ["f", "x", "(f (x))"]);
    assert_eq!(spans("(| f | g x)"), ["f", "g", "x", "| g x", "(| f | g x)"]);
    assert_eq!(spans("(a b + c)"), ["a", "b", "a b", "c", "(a b + c)"]);
    assert_eq!(spans("()"), ["()"]);
}

#[test]
fn spans_of_open_nodes_end_before_their_heirs() {
    let text = "; a comment\n\n= (f x)\n| g x\n| h\n";
    let want = ["f", "x", "(f x)", "g", "x", "h", "| h", "| g x", "= (f x)"];
    assert_eq!(spans(text), want);
    let text = "= (f x)\n  | g x\n";
    assert_eq!(spans(text), ["f", "x", "(f x)", "g", "x", "| g x", "= (f x)\n  | g x"]);
    let text = "| f\n  } one\n  } two\n";
    assert_eq!(spans(text), ["f", "} two", "} one", "| f\n  } one\n  } two"]);
}

#[test]
fn spans_of_the_library_hold_the_words_and_cover_the_sons() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../sire");
    let mut words = 0;
    for entry in std::fs::read_dir(folder).expect("the library") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "sire") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a module");
        let starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        for block in read_file(&text, "test") {
            let block = block.expect("the library is well-formed");
            let block_text = &text[starts[block.line - 1]..];
            block.rex.fold(|rex, sons: Vec<SourceSpan>, _| {
                let range = rex.span().range();
                if let Rex::Leaf { leaf: LeafKind::Word, text, .. } = rex {
                    assert_eq!(&block_text[range.clone()], text);
                    words += 1;
                }
                for son in sons {
                    let son = son.range();
                    let covers = range.start <= son.start && son.end <= range.end;
                    assert!(covers, "{}:{}: {:?}", path.display(), block.line, rex);
                }
                rex.span()
            });
        }
    }
    assert!(words > 10_000, "{words} words");
}
