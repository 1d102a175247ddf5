//! The Rex notation: trees of runes and leaves, their reader and their printer.
//!
//! Rex is what S-expressions are to Lisp: a syntax without meaning of its own. A node has a
//! *rune* (`+`, `|`, `:=` ...), sons, and perhaps an *heir*; a leaf is a bare word, a text, or a
//! line string. One node can be written in five shapes, and the shape is kept, so that a tree
//! prints the way it was written:
//!
//! ```text
//! | f x        Open      a rune, then sons by indentation
//! (| f x)      Nest      in parentheses; `(f x)` and `[a b]` leave out `|` and `,`
//! (a + b)      Infix
//! -x           Prefix
//! a-b-c        Shut      infix without spaces
//! ```
//!
//! The pieces, bottom up:
//!
//! * [`chars`]: which characters make words and runes;
//! * [`Rex`]: the tree, with walks that do not use the native stack;
//! * [`mod@print`]: one-line and multi-line printing;
//! * [`BlockReader`]: lines in, blocks out, with [`ReadError`]s that point at their place.
//!
//! No part of this crate recurses natively on a tree or on input: a tree may be as deep as memory
//! allows, and still be read, compared, printed and dropped.

#![forbid(unsafe_code)]

pub mod chars;
pub mod print;
mod read;
mod tree;

pub use read::{Block, BlockReader, Problem, ReadError, decode, read_file};
pub use tree::{Leaf, NoEmbed, Rex, Shape};
