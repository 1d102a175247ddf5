//! Moving a machine: as one file, with its newest snapshot, the pins that it reaches, and the events
//! after it (EXPORT.md defines the file); or as a fork, which copies the files of the store.
//!
//! ```text
//! export             writes the file
//! import             creates a store from the file
//! fork               creates a store from another one
//! file               the file's header, and temporary paths
//! types              PinCodec and the errors
//! ```
//!
//! Both directions stream: they hold one pin or event in memory at a time, and the hashes of all
//! pins. An exported file appears under its name once it is complete and durable, and so does an
//! imported store. A torn or damaged file is rejected before anything is created from it.

mod export;
mod file;
mod fork;
mod import;
mod types;

pub use export::export;
pub use file::ExportContents;
pub use fork::{ForkError, ForkReport, fork, fork_on};
pub use import::import;
pub use types::{PinCodec, StoreExportError, StoreImportError};

#[cfg(test)]
mod tests;
