//! The pin space on disk: pins in the form in which they are evaluated, mapped and never loaded.
//!
//! ```text
//! catalogue   what pins there are, and what each refers to: a journal
//! index       from hash to address: derived from the catalogue
//! state       how far the index goes
//! files       bodies, catalogue and index, and the order in which they are written
//! mapped      bodies mapped at their addresses: what `vm` freezes into
//! ```
//!
//! What it promises:
//!
//! - A pin that was committed is there after any crash, whole, with all that it refers to.
//! - Opening takes the same time whatever the size, unless the system lost power since pins were
//!   last committed: then the index is built anew, from the catalogue alone.
//! - Damage to a pin is found when it is first used, before any of it is; to the catalogue, when
//!   it is read. The index is never believed.
//!
//! `vm/src/pinspace/FORMAT.md` has the bytes.

mod bodies;
mod catalogue;
pub mod collect;
mod files;
mod index;
#[allow(unsafe_code)]
mod mapped;
mod mark;
mod pages;
mod ranges;
mod state;

pub use catalogue::Entry;
pub use mapped::{PinFiles, SpaceError};

/// The directories in a pin space's directory, beside that of the catalogue.
const BODIES_DIR: &str = "bodies";
const INDEX_DIR: &str = "index";
