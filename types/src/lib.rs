//! [`infer()`] returns the principal Hindley-Milner type of a [`Term`], or checks it against a
//! declared [`Scheme`].
//!
//! ```text
//! Rex tree --syntax--> Scheme ------------+
//!                                         +--> infer --> Scheme │ TypeError
//! expression --(crate sire)--> Terms -----+
//! ```
//!
//! The crate knows nothing of Sire's expressions and of values: the caller makes the terms, and
//! says which types the global names have. Its modules, top down:
//!
//! ```text
//!   infer                    checks terms against types, generalises
//!   requirement    error     rows whose use decides their type │ messages
//!   writer                   types as text, with aliases
//!   declare   syntax  table  datatypes and records │ types as text │ the type graph, unification
//!   term    scheme    name   terms │ quantified types │ type names
//! ```
//!
//! No function of this crate recurses on the native stack over terms, or over a type of unbounded
//! size.

#![forbid(unsafe_code)]

mod declare;
mod error;
mod infer;
mod name;
mod requirement;
mod scheme;
mod syntax;
mod table;
mod term;
mod writer;

pub use declare::{DeclaredName, TypeCommand, read_type_command};
pub use error::TypeError;
pub use infer::infer;
pub use name::{DataConstructor, NamedType, TypeDeclaration, TypeName, TypeNames};
pub use scheme::{Head, RowRequirement, Scheme, Type};
pub use syntax::{TypeSyntaxError, read_annotation, read_type};
pub use term::{CaseArm, Term, TermId, Terms};
