//! The assertions of a module, as examples of the names in them.

use rex::{LeafKind, Rex, SourceBlock};
use std::collections::{BTreeSet, HashMap};

/// An assertion, with the definitions of the module's checks that it needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AssertionExample {
    /// The line of the assertion, counted from 1.
    pub(super) line: usize,
    /// The text of the assertion.
    pub(super) text: String,
    /// The texts of the definitions, in their order.
    pub(super) set_up: Vec<String>,
    /// The names that occur in all of these.
    pub(super) names: BTreeSet<String>,
}

/// A definition that is only used by assertions, or might be.
struct LocalDefinition {
    line: usize,
    text: String,
    names: BTreeSet<String>,
}

/// Returns the assertions of a text. `local` are the names that the module defines and does not
/// export: an assertion that uses them is shown with their definitions, if these are below the line
/// `checks`.
pub(super) fn assertions(
    file: &str,
    text: &str,
    checks: usize,
    local: &[(String, usize, String)],
) -> Vec<AssertionExample> {
    let lines: Vec<&str> = text.lines().collect();
    let blocks: Vec<SourceBlock> = rex::read_file(text, file).filter_map(Result::ok).collect();
    let names_at: HashMap<usize, BTreeSet<String>> =
        blocks.iter().map(|block| (block.line, names_in(&block.rex))).collect();
    let mut locals: HashMap<&str, LocalDefinition> = HashMap::new();
    for (name, line, text) in local.iter().filter(|(_, line, _)| *line > checks) {
        let names = names_at.get(line).cloned().unwrap_or_default();
        locals.insert(name, LocalDefinition { line: *line, text: text.clone(), names });
    }
    let mut found = Vec::new();
    for block in &blocks {
        let mut next = Some(&block.rex);
        let (mut parts, mut starts) = (Vec::new(), Vec::new());
        while let Some(rex) = next.filter(|rex| is_assertion(rex)) {
            let offset = rex.span().range().start;
            starts.push(offset);
            parts.push(rex);
            next = rex.heir();
        }
        let offset_of_block: usize =
            lines[..block.line - 1].iter().map(|line| line.len() + 1).sum();
        for (index, rex) in parts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or_else(|| last_byte(&block.rex));
            let Some(part) = text.get(offset_of_block + starts[index]..offset_of_block + end)
            else {
                continue;
            };
            let before = &text[offset_of_block..offset_of_block + starts[index]];
            found.push(with_set_up(
                block.line + before.matches('\n').count(),
                part.trim_end().to_owned(),
                own_names(rex),
                &locals,
            ));
        }
    }
    found
}

/// Adds the definitions that an assertion needs, and the names in these.
fn with_set_up(
    line: usize,
    text: String,
    mut names: BTreeSet<String>,
    locals: &HashMap<&str, LocalDefinition>,
) -> AssertionExample {
    let mut pending: Vec<String> = names.iter().cloned().collect();
    let mut used: Vec<&LocalDefinition> = Vec::new();
    while let Some(name) = pending.pop() {
        let Some(local) = locals.get(name.as_str()) else { continue };
        if used.iter().any(|other| other.line == local.line) {
            continue;
        }
        used.push(local);
        for name in &local.names {
            if names.insert(name.clone()) {
                pending.push(name.clone());
            }
        }
    }
    used.sort_by_key(|local| local.line);
    let set_up = used.iter().map(|local| local.text.clone()).collect();
    AssertionExample { line, text, set_up, names }
}

fn is_assertion(rex: &Rex) -> bool {
    matches!(rex, Rex::Node { rune, .. } if rune == "=?=" || rune == "#=?=" || rune == "!!")
}

/// Returns the end of a block: the last byte of any of its parts.
fn last_byte(rex: &Rex) -> usize {
    rex.fold(|rex, sons: Vec<usize>, heir| {
        let own = rex.span().range().end;
        sons.into_iter().chain(heir).chain([own]).max().unwrap_or(own)
    })
}

/// Returns the names in a tree and its heirs.
fn names_in(rex: &Rex) -> BTreeSet<String> {
    rex.fold(|rex, sons: Vec<BTreeSet<String>>, heir| {
        let mut names: BTreeSet<String> = sons.into_iter().chain(heir).flatten().collect();
        names.extend(name_of(rex));
        names
    })
}

/// Returns the names in a tree, without the assertions that follow it.
fn own_names(rex: &Rex) -> BTreeSet<String> {
    let Rex::Node { sons, heir, .. } = rex else { return BTreeSet::new() };
    let heir = heir.as_deref().filter(|heir| !is_assertion(heir));
    let mut names: BTreeSet<String> = sons.iter().chain(heir).flat_map(names_in).collect();
    names.extend(name_of(rex));
    names
}

/// Returns the name that a part of a tree uses: a word, or the macro of a rune. The macro of
/// `# switch` and `b#text` is named `#switch` and `#b`.
fn name_of(rex: &Rex) -> Option<String> {
    match rex {
        Rex::Leaf { leaf: LeafKind::Word, text, .. } => Some(text.clone()),
        Rex::Node { rune, sons, .. } if rune == "#" => match sons.first() {
            Some(Rex::Leaf { leaf: LeafKind::Word, text, .. })
                if !text.starts_with(char::is_numeric) =>
            {
                Some(format!("#{text}"))
            }
            _ => Some("#".to_owned()),
        },
        Rex::Node { rune, .. } => Some(rune.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
= (f x) | x

;;; Checks ;;;;;;;;;;

= four | f 4

=?= 4   | four
=?= b#a
  | g {h}
!! not 0
";

    #[test]
    fn assertions_are_examples_of_their_names() {
        let local = [("four".to_owned(), 5, "= four | f 4".to_owned())];
        let found = assertions("m.sire", TEXT, 3, &local);
        let texts: Vec<&str> = found.iter().map(|example| example.text.as_str()).collect();
        let second = "=?= b#a\n  | g {h}";
        assert_eq!(texts, ["=?= 4   | four", second, "!! not 0"]);
        assert_eq!(found[0].set_up, ["= four | f 4"]);
        assert!(found[0].names.contains("f") && !found[1].names.contains("f"));
        assert!(found[1].names.contains("#b") && !found[1].names.contains("h"));
        assert_eq!(found.iter().map(|example| example.line).collect::<Vec<_>>(), [7, 8, 10]);
    }
}
