//! Tests of the grammar: the parser is generated, compiled and loaded, as an editor does it.
//!
//! ```text
//! cargo test --manifest-path editors/tree-sitter-rex/check/Cargo.toml
//! ```
//!
//! Node.js reads the grammar, and a C compiler builds the parser; where one of them is missing, the tests
//! are skipped. `PALLAS_REFERENCE` names a checkout of the prototype, whose sources are then parsed too.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod parser;
#[cfg(test)]
mod sources;
