//! [`Rex`] is a tree of runes and leaves: [`BlockReader`] makes it from source lines, [`mod@print`]
//! writes it as text.
//!
//! Rex is to Sire what S-expressions are to Lisp: a syntax without a meaning of its own.
//!
//! * A *rune* is a run of punctuation characters such as `+`, `|` or `:=`.
//! * A *node* is a rune with arguments, its *sons*.
//! * A *leaf* is a bare word, a text, or a line string.
//! * Every node and leaf may have an *heir*: the expression that follows it at the same indentation,
//!   or that is attached to it without a space.
//!
//! A node can be written in five ways. The tree records which one, so that it prints the way it
//! was written:
//!
//! ```text
//! | f x        Open      a rune, then sons by indentation
//! (| f x)      Nest      in parentheses; `(f x)` and `[a b]` leave out `|` and `,`
//! (a + b)      Infix
//! -x           Prefix
//! a-b-c        Shut      infix without spaces
//! ```
//!
//! The modules, bottom up:
//!
//! * [`chars`]: the characters of words and runes;
//! * [`SourceSpan`]: the place of a tree in the source;
//! * [`Rex`]: the tree and its walks;
//! * [`mod@print`]: printing on one line or on several;
//! * [`BlockReader`]: reads lines and returns [`SourceBlock`]s, or [`ReadError`]s that quote the
//!   offending place.
//!
//! No function of this crate recurses on the native stack over a tree or over input. A tree of any
//! depth can be read, compared, printed and dropped.

#![forbid(unsafe_code)]

pub mod chars;
pub mod print;
mod read;
mod span;
mod tree;

pub use read::{
    BlockReader, ReadError, ReadErrorKind, SourceBlock, decode, format_source, read_file,
};
pub use span::SourceSpan;
pub use tree::{LeafKind, NoEmbed, NodeShape, Rex};
