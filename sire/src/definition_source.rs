//! Finds the definition of a name in the text of a module, with the comment that describes it.

use crate::documentation::{Comments, definitions};

/// A definition in the text of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionSource {
    /// The path of the file.
    pub file: String,
    /// The line of the definition, counted from 1.
    pub line: usize,
    /// The text of the definition, without the line feed at its end.
    pub text: String,
    /// The comment that describes it, without semicolons; empty if there is none.
    pub doc: String,
    /// The type that is declared above it, such as `> Nat > Bit`.
    pub signature: Option<String>,
}

/// Returns the last definition of a name in a text.
pub(crate) fn find_definition(file: &str, text: &str, name: &str) -> Option<DefinitionSource> {
    let found = definitions(file, text).into_iter().rfind(|found| found.name == name)?;
    let comment = Comments::read(text).describe(text, &found);
    Some(DefinitionSource {
        file: file.to_owned(),
        line: found.line,
        text: found.text,
        doc: comment.map(|comment| comment.text).unwrap_or_default(),
        signature: found.signature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
#### m

;; Adds one.
;; Twice.

> Nat
> Nat
= (bump x)
| 3 x

= a | 1
= b | 2

= (**id x) x
";

    fn find(name: &str) -> Option<DefinitionSource> {
        find_definition("m.sire", TEXT, name)
    }

    #[test]
    fn a_definition_is_found_with_its_comment_and_type() {
        let found = find("bump").expect("it is there");
        assert_eq!((found.line, found.text.as_str()), (8, "= (bump x)\n| 3 x"));
        assert_eq!(found.doc, "Adds one.\nTwice.");
        assert_eq!(found.signature.as_deref(), Some("> Nat\n> Nat"));
    }

    #[test]
    fn definitions_of_a_chain_are_apart() {
        assert_eq!(find("a").map(|found| (found.line, found.text)), Some((11, "= a | 1".into())));
        assert_eq!(find("b").map(|found| (found.line, found.text)), Some((12, "= b | 2".into())));
        assert_eq!(find("id").map(|found| found.text), Some("= (**id x) x".into()));
        assert_eq!(find("x"), None);
    }
}
