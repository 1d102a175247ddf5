//! A journal: a sequence of checked frames in segment files. The event log and the catalogue of
//! pins are journals.
//!
//! ```text
//! writer    JournalWriter: appends frames, flushes, rotates segments
//! survey    JournalSurvey: finds the valid prefix of a journal, without changes
//! spare     SpareFiles: dropped segment files that new segments reuse
//! scan      finds the end of one segment; separates a torn tail from damage
//! segment   Segment: one open file and its readers
//! frame     encoding and checks of segment headers and frames
//! kind      JournalKind: directory, file extension and magic
//! ```
//!
//! Each module uses only modules below it.
//!
//! Invariants:
//!
//! - Frames are numbered without gaps and written in order. Only the end of the newest segment is
//!   written (the seal of its predecessor is the one exception); nothing before it changes.
//! - A segment appears with a complete header (written under a temporary name, flushed, renamed),
//!   after everything in its predecessor is durable.
//! - Frames are durable once [`JournalWriter::flush`] has returned. If it fails, the store stops
//!   (see [`crate::health`]).
//! - A write that finds no room is undone and may be retried.

pub(crate) mod frame;
mod kind;
mod scan;
mod segment;
mod spare;
mod survey;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use kind::JournalKind;
pub(crate) use scan::ScanDepth;
pub(crate) use segment::{FrameReader, JournalSegment, ResyncItem};
pub(crate) use spare::spare_files;
pub(crate) use survey::{JournalSurvey, list_segments};
pub(crate) use writer::JournalWriter;
pub use writer::PrunedLog;
