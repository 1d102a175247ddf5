//! The Rex reader accepts any bytes, gives the same blocks whether it gets them in one piece or by
//! line, and reads back what the printer writes.

use rex::print::{self, Colour};
use rex::{BlockReader, LeafKind, NodeShape, ReadError, Rex, SourceBlock, read_file};

/// Reads the bytes in one piece and line by line, then prints each tree and reads it again.
///
/// # Panics
/// If the two readings differ, or if a printed tree is read back as another one, unless the
/// printer's documentation excludes it.
pub fn check(bytes: &[u8]) {
    let pushed = push_lines(bytes);
    if let Ok(text) = rex::decode(bytes, "fuzz") {
        let whole: Vec<_> = read_file(text, "fuzz").collect();
        assert_eq!(whole, pushed, "read at once and read line by line");
    }
    for block in pushed {
        match block {
            Ok(block) => check_round_trip(&block.rex),
            Err(error) => assert!(error.line > 0 && error.column > 0, "{error}"),
        }
    }
}

/// Reads the bytes as a session does: line by line. A line that is not UTF-8 is an error, and
/// counts as empty.
fn push_lines(bytes: &[u8]) -> Vec<Result<SourceBlock, ReadError>> {
    let mut reader = BlockReader::new("fuzz");
    let mut blocks = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match rex::decode(line, "fuzz") {
            Ok(line) => blocks.extend(reader.push_line(line)),
            Err(error) => {
                blocks.extend(reader.push_line(""));
                blocks.push(Err(error));
            }
        }
    }
    blocks.extend(reader.finish());
    blocks
}

/// Prints a tree on a line and as a block, and checks that both are read back as the tree.
fn check_round_trip(rex: &Rex) {
    let line = print::line(rex, Colour::None);
    assert_eq!(print::width(rex), line.chars().count(), "{line}");
    let flat = flat(rex);
    if has_notation(&flat) {
        assert_eq!(read_one(&line), Some(flat), "from the line {line}");
    }
    let block = print::block(rex, Colour::None);
    assert!(block.ends_with('\n'), "{block}");
    let laid_out = laid_out(rex);
    if has_notation(&laid_out) && has_layout(&laid_out) {
        assert_eq!(read_one(&block), Some(laid_out), "from the block\n{block}");
    }
}

/// The tree in a text. None if the text has an error or more than one tree.
fn read_one(text: &str) -> Option<Rex> {
    let mut blocks = read_file(text, "printed");
    let block = blocks.next()?.ok()?;
    blocks.next().is_none().then_some(block.rex)
}

/// A tree as it is read back from a line: open nodes become nested ones, and line strings become
/// texts.
fn flat(rex: &Rex) -> Rex {
    rex.fold(|rex, sons, heir| match rex {
        Rex::Node { shape: NodeShape::Open, rune, .. } => {
            Rex::node(NodeShape::Nest, rune, sons, heir)
        }
        Rex::Node { shape, rune, .. } => Rex::node(*shape, rune, sons, heir),
        Rex::Leaf { leaf: LeafKind::Line, text, .. } => Rex::leaf(LeafKind::Text, text, heir),
        Rex::Leaf { leaf, text, .. } => Rex::leaf(*leaf, text, heir),
        Rex::Embed(never) => match *never {},
    })
}

/// A tree as it is read back from a block: [`flat`] inside everything except open nodes and line
/// strings.
fn laid_out(rex: &Rex) -> Rex {
    rex.fold(|rex, sons, heir| match rex {
        Rex::Node { shape: NodeShape::Open, rune, .. } => {
            Rex::node(NodeShape::Open, rune, sons, heir)
        }
        Rex::Leaf { leaf: LeafKind::Line, text, .. } => Rex::leaf(LeafKind::Line, text, heir),
        Rex::Node { shape, rune, .. } => {
            let sons = sons.iter().map(flat).collect();
            Rex::node(*shape, rune, sons, heir.as_ref().map(flat))
        }
        Rex::Leaf { leaf, text, .. } => Rex::leaf(*leaf, text, heir.as_ref().map(flat)),
        Rex::Embed(never) => match *never {},
    })
}

/// Whether a tree can be read back, by the printer's documentation.
fn has_notation(rex: &Rex) -> bool {
    let fits = |rex: &Rex| match rex {
        Rex::Leaf { leaf: LeafKind::Line, heir, .. } => {
            matches!(heir.as_deref(), None | Some(Rex::Leaf { leaf: LeafKind::Line, .. }))
        }
        Rex::Leaf { leaf: LeafKind::Word, heir, .. } => {
            !matches!(heir.as_deref(), Some(Rex::Leaf { leaf: LeafKind::Word, .. }))
        }
        Rex::Leaf { leaf: LeafKind::Text, text, .. } => can_be_quoted(text),
        Rex::Node { shape: NodeShape::Prefix, sons, .. } => sons.len() == 1,
        Rex::Node { shape: NodeShape::Shut, sons, .. } => sons.len() >= 2,
        Rex::Node { shape: NodeShape::Infix, sons, .. } => {
            sons.len() >= 2 && !sons.iter().any(is_row_with_heir)
        }
        Rex::Node { .. } => true,
        Rex::Embed(never) => match *never {},
    };
    rex.fold(|rex, sons: Vec<bool>, heir| {
        let flows = matches!(rex.heir(), Some(Rex::Node { shape: NodeShape::Shut, .. }));
        fits(rex) && !flows && sons.iter().all(|fits| *fits) && heir != Some(false)
    })
}

fn is_row_with_heir(rex: &Rex) -> bool {
    matches!(rex, Rex::Node { shape: NodeShape::Nest, rune, heir: Some(_), .. } if rune == "|")
}

/// Whether a text can certainly be quoted: it has no braces, or some quote character does not occur
/// in it.
fn can_be_quoted(text: &str) -> bool {
    let quotes = rex::chars::RUNE_CHARS.chars().chain('a'..='z').chain('A'..='Z');
    !text.contains('\n')
        && (!text.contains(['{', '}']) || quotes.into_iter().any(|quote| !text.contains(quote)))
}

/// Whether the layout of a tree does not depend on the width of long runes and of characters
/// outside ASCII.
fn has_layout(rex: &Rex) -> bool {
    rex.fold(|rex, sons: Vec<bool>, heir| {
        let fits = match rex {
            Rex::Node { rune, .. } => rune.len() <= 5,
            Rex::Leaf { text, .. } => text.is_ascii(),
            Rex::Embed(never) => match *never {},
        };
        fits && sons.iter().all(|fits| *fits) && heir != Some(false)
    })
}
