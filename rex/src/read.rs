//! The reader: lines in, blocks out.
//!
//! A source text is a sequence of *blocks*, and a block is one tree. The lines of a block and the
//! first line after it determine where it ends, so the reader can work a line at a time and serves
//! files and interactive sessions alike:
//!
//! ```text
//! line --lex--> token groups --+--(a complete block)--> layout --> tree
//! line --lex--> token groups --'
//! ```
//!
//! * [`lex`] splits a line into tokens, parses the contents of parentheses and brackets (which
//!   cannot extend past the end of a line), and joins tokens without a space between them into
//!   *token groups*;
//! * [`group`] defines the meaning of token groups and of nested forms: `a+b`, `(x = y)`, `-x`,
//!   `f(x)`;
//! * [`layout`] builds the tree of a block from the columns of its token groups;
//! * [`BlockReader`] decides which lines belong to a block;
//! * [`mod@format`] changes the spacing of a text, which reads as before.
//!
//! Columns that decide the structure count bytes, not characters. The prototype reads this way
//! (lib/Rex/Mechanism.hs), so text that is aligned for it keeps its meaning.

mod block;
mod error;
mod format;
mod group;
mod layout;
mod lex;

pub use block::{BlockReader, SourceBlock, read_file};
pub use error::{ReadError, ReadErrorKind, decode};
pub use format::format_source;

#[cfg(test)]
mod tests;
