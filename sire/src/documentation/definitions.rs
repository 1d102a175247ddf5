//! The definitions in the text of a module.

use rex::{LeafKind, Rex, SourceBlock};
use std::ops::Range;

/// A definition, by its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) name: String,
    /// The line of the definition, counted from 1.
    pub(crate) line: usize,
    /// The line that its block starts on.
    pub(crate) block_line: usize,
    /// The text of the definition.
    pub(crate) text: String,
    /// The arguments as they are written, such as `x [y z]`; none if there are none.
    pub(crate) arguments: Option<String>,
    /// The name that the definition is another name for.
    pub(crate) alias_of: Option<String>,
    /// The type that is declared above it.
    pub(crate) signature: Option<String>,
}

/// Returns the definitions of a text, in their order.
pub(crate) fn definitions(file: &str, text: &str) -> Vec<Definition> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut definitions = Vec::new();
    for block in rex::read_file(text, file).filter_map(Result::ok) {
        let Some(block_text) = starts.get(block.line - 1).map(|start| &text[*start..]) else {
            continue;
        };
        definitions.extend(definitions_in(&block, block_text));
    }
    definitions
}

/// Returns the type that is declared above a definition as a type on one line: `Nat > Bit` for
/// `> Nat > Bit`.
pub(crate) fn type_text(declaration: &str) -> String {
    let words: Vec<&str> = declaration.split_whitespace().collect();
    let text = words.join(" ");
    text.strip_prefix("> ").unwrap_or(&text).to_owned()
}

/// Returns the definitions of a block, whose text begins `text`.
fn definitions_in(block: &SourceBlock, text: &str) -> Vec<Definition> {
    let mut found = Vec::new();
    let mut signature: Option<Range<usize>> = None;
    let mut next = Some(&block.rex);
    while let Some(rex) = next {
        let Rex::Node { rune, sons, .. } = rex else { break };
        let span = rex.span().range();
        next = rex.heir();
        match rune.as_str() {
            ">" => {
                let start = signature.as_ref().map_or(span.start, |before| before.start);
                signature = Some(start..span.end);
            }
            "=" | "#=" => {
                // The body may be the heir: `= (f x)` above `| g x`.
                let is_next = |rex: &Rex| matches!(rex, Rex::Node { rune, .. } if rune == "=");
                let heir = next.filter(|heir| !is_next(heir));
                // A key and properties come before the name.
                let parts = sons.len() + usize::from(heir.is_some());
                if let Some(head) = sons.get(parts.max(2) - 2) {
                    let body = heir.or(sons.last());
                    let span = span.start..heir.map_or(span.end, last_offset);
                    let is_leaf = matches!(head, Rex::Leaf { .. });
                    found.extend(bound_names(head).iter().filter_map(|name| {
                        Some(Definition {
                            arguments: arguments(text, head, body),
                            alias_of: body.filter(|_| is_leaf).and_then(only_word),
                            signature: signature.clone().and_then(|span| trimmed(text, span)),
                            ..definition(text, block.line, name, span.clone())?
                        })
                    }));
                }
                signature = None;
                next = if heir.is_some() { None } else { next };
            }
            _ => break,
        }
    }
    found
}

/// Makes a definition of the text in a span of a block.
fn definition(text: &str, block_line: usize, name: &str, span: Range<usize>) -> Option<Definition> {
    Some(Definition {
        name: name.to_owned(),
        line: block_line + text.get(..span.start)?.matches('\n').count(),
        block_line,
        text: text.get(span)?.trim_end().to_owned(),
        arguments: None,
        alias_of: None,
        signature: None,
    })
}

fn trimmed(text: &str, span: Range<usize>) -> Option<String> {
    Some(text.get(span)?.trim().to_owned())
}

/// Returns the arguments of the head `(f x y)`, or of the law `( f x y ?? body )` that is the body.
fn arguments(text: &str, head: &Rex, body: Option<&Rex>) -> Option<String> {
    let law_head = || match body {
        Some(Rex::Node { rune, sons, .. }) if rune == "?" || rune == "??" => sons.first(),
        _ => None,
    };
    let is_call = |rex: &&Rex| matches!(rex, Rex::Node { rune, .. } if rune == "|");
    let call = Some(head).filter(is_call).or_else(|| law_head().filter(is_call))?;
    let Rex::Node { sons, .. } = call else { return None };
    let (first, last) = (sons.get(1)?, sons.last()?);
    trimmed(text, first.span().range().start..last_offset(last))
}

/// Returns the word that a tree consists of: `f`, `| f` or `(| f)`.
fn only_word(rex: &Rex) -> Option<String> {
    match rex {
        Rex::Leaf { leaf: LeafKind::Word, text, heir: None, .. } => Some(text.clone()),
        Rex::Node { rune, sons, heir: None, .. } if rune == "|" && sons.len() == 1 => {
            only_word(sons.first()?)
        }
        _ => None,
    }
}

/// Returns the end of a tree and its heirs.
fn last_offset(rex: &Rex) -> usize {
    let mut end = rex.span().range().end;
    let mut next = rex.heir();
    while let Some(heir) = next {
        end = end.max(heir.span().range().end);
        next = heir.heir();
    }
    end
}

/// Returns the names that the left side of a definition binds: one, or those of a pattern such as
/// `[a b]`.
fn bound_names(head: &Rex) -> Vec<String> {
    if let Some(name) = head_name(head) {
        return vec![name.to_owned()];
    }
    head.fold(|rex, sons: Vec<Vec<String>>, heir| {
        let own = match rex {
            Rex::Leaf { leaf: LeafKind::Word, text, .. } if text != "_" => Some(text.clone()),
            _ => None,
        };
        let others = sons.into_iter().chain(heir).flatten();
        own.into_iter().chain(others).collect()
    })
}

/// Returns the name that the left side of a definition binds: `f`, `(f x)` or `(**f x)`.
fn head_name(head: &Rex) -> Option<&str> {
    match head {
        Rex::Leaf { leaf: LeafKind::Word | LeafKind::Text, text, .. } => Some(text),
        Rex::Node { rune, sons, .. } if rune == "|" || rune == "**" => match sons.first()? {
            Rex::Node { rune, sons, .. } if rune == "**" => head_name(sons.first()?),
            Rex::Leaf { text, .. } => Some(text),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
= (bump x) | 3 x

= (**id x) x

= add ( _Add x y ?? 3 x )
= plus | add
= [one !two _] | add 1
";

    #[test]
    fn a_declared_type_is_shown_on_one_line() {
        assert_eq!(type_text("> (a > b)\n> Row a\n> Row b"), "(a > b) > Row a > Row b");
        assert_eq!(type_text("> Nat"), "Nat");
    }

    #[test]
    fn arguments_and_other_names_are_known() {
        let all = definitions("m.sire", TEXT);
        let of = |name: &str| {
            let found = all.iter().find(|found| found.name == name).expect("it is defined");
            (found.arguments.as_deref(), found.alias_of.as_deref())
        };
        assert_eq!(of("bump"), (Some("x"), None));
        assert_eq!(of("id"), (Some("x"), None));
        assert_eq!(of("add"), (Some("x y"), None));
        assert_eq!(of("plus"), (None, Some("add")));
        assert_eq!((of("one"), of("two")), ((None, None), (None, None)));
        assert!(all.iter().all(|found| found.name != "_"));
    }
}
