//! The documentation of a module: what its source says about each name that it exports.
//!
//! [`Sire::document`] combines the source with what the session knows of the values.
//!
//! [`Sire::document`]: crate::Sire::document

mod comments;
mod definitions;
mod examples;
mod names;

pub(crate) use comments::Comments;
pub(crate) use definitions::{definitions, type_text};
pub(crate) use names::SourceDocumentation;
