//! The pins of a store: kept in the form in which they are evaluated, mapped and never loaded.
//!
//! ```text
//! catalogue   what pins there are, and what each refers to: a journal
//! pages       which of what stands there counts
//! index       from hash to address: derived from the catalogue
//! bucket      a page of it
//! state       how far the index goes
//! telling     telling it what has become durable
//! window      a file that is written, and read where it is mapped
//! body        files of bodies
//! ranges      sets of addresses, and the gaps that are filled
//! files       bodies, catalogue and index, and the order in which they are written
//! mapped      bodies mapped at their addresses: what `vm` freezes into
//! look        bodies mapped for looking at a store that is not open
//! collect     what no snapshot needs goes
//! mark        what roots reach
//! ```
//!
//! What it promises:
//!
//! - A pin that was committed is there after any crash, whole, with all that it refers to.
//! - Opening takes the same time whatever the size, also after a loss of power. Only where the index
//!   was lost or damaged it is built anew, from the catalogue alone.
//! - Damage to a pin is found when it is first used, before any of it is; to the catalogue, when
//!   it is read. The index is never believed.
//! - Pins are found and kept while others are being made durable.
//!
//! `vm/src/pinspace/FORMAT.md` has the bytes.

pub(crate) mod body;
mod bucket;
pub(crate) mod catalogue;
pub mod collect;
pub(crate) mod files;
pub(crate) mod index;
#[allow(unsafe_code)]
pub(crate) mod look;
#[allow(unsafe_code)]
pub(crate) mod mapped;
mod mark;
pub(crate) mod pages;
pub(crate) mod ranges;
mod state;
mod telling;
#[allow(unsafe_code)]
mod window;

pub use catalogue::Entry;

/// The directories in a store's directory, beside that of the catalogue.
pub(crate) const BODIES_DIR: &str = "bodies";
pub(crate) const INDEX_DIR: &str = "index";
