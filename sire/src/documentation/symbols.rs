//! [`SourceSymbol`]: the definitions of a text, for an editor's list of symbols.

use super::definitions::definitions;

/// A definition in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSymbol {
    /// The name.
    pub name: String,
    /// Its arguments as they are written, such as `x y`; none if there are none.
    pub arguments: Option<String>,
    /// The first line of the definition, counted from 1.
    pub line: usize,
    /// The number of its lines.
    pub line_count: usize,
}

/// Returns the definitions of a text, in their order. Blocks that are not well-formed have none.
pub fn source_symbols(text: &str) -> Vec<SourceSymbol> {
    let symbol = |found: super::definitions::Definition| SourceSymbol {
        line_count: found.text.lines().count().max(1),
        name: found.name,
        arguments: found.arguments,
        line: found.line,
    };
    definitions("", text).into_iter().map(symbol).collect()
}
