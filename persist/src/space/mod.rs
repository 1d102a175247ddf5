//! The pins of a store, in the form in which they are evaluated: mapped, never loaded.
//!
//! Layers; each module uses only those below it:
//!
//! ```text
//! pin_store          PinStore: body files mapped at their addresses, which `vm` freezes into
//! read_only          ReadOnlyPins: body files mapped for a check of a closed store
//! survey             PinSurvey: what is on disk, and how to bring the index up to date
//! running_collection what a collection of an open store does to the files
//! pin_files          PinFiles: bodies, catalogue and index, and the order of their writes
//! indexing           adding catalogued pins to the index, in the background of commits
//! index_state        the index's checkpoint on disk
//! index, bucket      PinIndex: an on-disk hash table from hash to address
//! mapped_file        a file that is written by calls and read through a mapping
//! graph              PinGraph: which pin refers to which
//! catalogue_reader   which entries of the catalogue are live
//! catalogue          encoding of the catalogue: a journal of pins and their edges
//! body               body files: one per slot
//! reclaim            what a collection of an open store may free
//! gap_allocator      allocating the gaps between pins
//! address_ranges     sets of addresses
//! layout             names of directories and files
//! ```
//!
//! Guarantees:
//!
//! - A committed pin survives any crash, intact, with all pins that it refers to.
//! - Opening takes constant time, also after a loss of power. If the index is lost or damaged, it
//!   is rebuilt from the catalogue.
//! - Damage to a pin is found when the pin is first used, before any of it is used. Damage to the
//!   catalogue is found when it is read. The index is never trusted: what it returns is verified.
//! - Finding and adding pins does not wait for commits in progress.
//!
//! `plan/src/pinspace/FORMAT.md` defines the files.

pub(crate) mod address_ranges;
pub(crate) mod body;
mod bucket;
pub(crate) mod catalogue;
pub(crate) mod catalogue_reader;
mod gap_allocator;
pub(crate) mod graph;
#[allow(unsafe_code, reason = "declares that the index is the only writer of its mapped files")]
mod index;
pub(crate) mod index_state;
mod indexing;
pub(crate) mod layout;
#[allow(unsafe_code, reason = "maps files that change while they are mapped")]
mod mapped_file;
pub(crate) mod pin_files;
#[allow(unsafe_code, reason = "maps body files and implements the unsafe trait `Backing`")]
mod pin_store;
#[allow(unsafe_code, reason = "maps body files and implements the unsafe trait `Backing`")]
pub(crate) mod read_only;
pub(crate) mod reclaim;
pub(crate) mod running_collection;
mod survey;

pub use catalogue::CatalogueEntry;
pub(crate) use catalogue_reader::intact_groups;
pub use pin_store::WrittenPins;
pub(crate) use pin_store::{NOT_AS_WRITTEN, PinStore};
pub(crate) use survey::PinSurvey;
