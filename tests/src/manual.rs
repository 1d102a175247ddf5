//! The Rust listings of the manual, as documentation tests.

#[doc = include_str!("../../docs/src/embedding.md")]
pub struct Embedding;
