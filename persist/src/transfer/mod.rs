//! Moving a machine as one file: its newest snapshot, the pins that it reaches, and the events
//! after it. EXPORT.md defines the file.
//!
//! ```text
//! export             writes the file
//! import             creates a store from the file
//! file               the file's header, and temporary paths
//! types              PinCodec and the errors
//! ```
//!
//! Both directions stream: they hold one pin or event in memory at a time, and the hashes of all
//! pins. An exported file appears under its name once it is complete and durable, and so does an
//! imported store. A torn or damaged file is rejected before anything is created from it.

mod export;
mod file;
mod import;
mod types;

pub use export::export;
pub use file::ExportContents;
pub use import::import;
pub use types::{PinCodec, StoreExportError, StoreImportError};

#[cfg(test)]
mod tests;
