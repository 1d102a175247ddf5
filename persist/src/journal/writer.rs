//! The writing end of a journal.
//!
//! The writer can preallocate space ([`JournalWriter::with_preallocation`]): it extends the file
//! with zeros, a step at a time, and reuses the files of dropped segments. Most flushes then write
//! contents and no file metadata.

use std::io;
use std::sync::Arc;

use super::frame::{JournalFrameKind, SEGMENT_HEADER, SegmentHeader, encode_frame, frame_length};
use super::kind::JournalKind;
use super::scan::SegmentExtent;
use super::segment::JournalSegment;
use super::spare::SpareFiles;
use super::survey::JournalSurvey;
use crate::context::StoreContext;
use crate::error::{DiskError, OpenError};
use crate::health::WriteError;

/// The size at which buffered frames are written, in bytes.
const BUFFER_LIMIT: usize = 1 << 20;

/// The number of bytes that [`rewrite_unproven`] copies in one step.
const COPY: u64 = 256 << 10;

/// The space that pruning freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrunedLog {
    /// The number of removed files.
    pub segments: u64,
    /// The total length of the removed files, in bytes.
    pub bytes: u64,
}

/// The state of the mark at the end of the active segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MarkState {
    Missing,
    Written,
    Durable,
}

/// The preallocation of a journal.
struct Preallocation {
    /// The number of zero bytes by which a write beyond the end of the file extends it.
    step: u64,
    spares: SpareFiles,
    /// Readers of the journal hold clones. While there is one, no file becomes a spare file.
    read_guard: Arc<()>,
}

/// The writing end of a journal.
pub(crate) struct JournalWriter {
    context: StoreContext,
    kind: JournalKind,
    /// The maximum size of a segment with more than one frame, in bytes.
    segment_limit: u64,
    /// The first sequences of all segments, ascending.
    firsts: Vec<u64>,
    active: Arc<JournalSegment>,
    /// The offset after the last written frame.
    end: u64,
    /// The frames to be written at `end`.
    buffer: Vec<u8>,
    /// The sequence of the next data frame.
    next: u64,
    /// All data frames up to this sequence are durable.
    durable: u64,
    /// Whether data was written since the last flush.
    dirty: bool,
    mark: MarkState,
    preallocation: Option<Preallocation>,
    /// The length of the active file. Only maintained with preallocation.
    allocated: u64,
}

impl JournalWriter {
    /// Creates a journal in an empty directory.
    pub(crate) fn create(
        context: StoreContext,
        kind: JournalKind,
        segment_limit: u64,
    ) -> Result<Self, WriteError> {
        let active = create_segment(&context, &kind, 1, None)?;
        Ok(Self {
            context,
            kind,
            segment_limit,
            firsts: vec![1],
            active: Arc::new(active),
            end: SEGMENT_HEADER,
            buffer: Vec::new(),
            next: 1,
            durable: 0,
            dirty: false,
            mark: MarkState::Durable,
            preallocation: None,
            allocated: 0,
        })
    }

    /// Continues a journal at the end that the survey found. Truncates a torn tail and makes the
    /// remaining frames durable.
    pub(crate) fn resume(
        context: StoreContext,
        kind: JournalKind,
        segment_limit: u64,
        survey: JournalSurvey,
    ) -> Result<Self, OpenError> {
        let JournalSurvey { firsts, segments, last, leftovers } = survey;
        let active = segments.last().cloned();
        let active = active.expect("a survey holds at least one segment");
        repair(&active, &last)?;
        for name in &leftovers {
            context.remove(name)?;
        }
        // If the process crashed just after it renamed the newest segment, the rename may not be
        // durable yet.
        context.sync_dir(kind.dir)?;
        let is_proven = last.marked || last.next == 1;
        Ok(Self {
            context,
            kind,
            segment_limit,
            firsts,
            active,
            end: last.end,
            buffer: Vec::new(),
            next: last.next,
            durable: last.next - 1,
            dirty: false,
            mark: if is_proven { MarkState::Durable } else { MarkState::Missing },
            preallocation: None,
            allocated: 0,
        })
    }

    /// Enables preallocation in steps of `step` bytes, with at most `spares` spare files.
    pub(crate) fn with_preallocation(
        mut self,
        step: u64,
        spares: usize,
    ) -> Result<Self, DiskError> {
        let spares = SpareFiles::find(&self.context, &self.kind, spares)?;
        self.allocated = self.active_length()?;
        self.preallocation = Some(Preallocation { step, spares, read_guard: Arc::default() });
        Ok(self)
    }

    /// Returns a guard that a reader of the journal holds: until it is dropped, no segment file is
    /// reused.
    pub(crate) fn read_guard(&self) -> Arc<()> {
        let guard = self.preallocation.as_ref().map(|it| Arc::clone(&it.read_guard));
        guard.unwrap_or_default()
    }

    /// Returns the sequence of the last data frame; 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// Returns the last sequence that is durable.
    pub(crate) fn durable(&self) -> u64 {
        self.durable
    }

    /// Returns the first sequences of all segments, ascending.
    pub(crate) fn firsts(&self) -> &[u64] {
        &self.firsts
    }

    /// Returns the path of the active segment, and the offset after its last written frame.
    pub(crate) fn active_end(&self) -> (String, u64) {
        (self.kind.segment_name(self.active.header.first), self.end)
    }

    /// Returns the size of the segments that hold the sequences from `next` on, in bytes. A segment
    /// whose length is unknown counts as empty.
    pub(crate) fn bytes_since(&self, next: u64) -> u64 {
        let first = self.firsts.partition_point(|first| *first <= next).saturating_sub(1);
        let (active, ended) =
            self.firsts[first..].split_last().map_or((0, &[][..]), |it| (1, it.1));
        let length = |first: &u64| self.context.length(&self.kind.segment_name(*first));
        let ended: u64 = ended.iter().map(|first| length(first).unwrap_or(0)).sum();
        ended + active * self.end
    }

    /// Appends a payload, the concatenation of `parts`, to the buffer. The next
    /// [`flush`](Self::flush) writes it at the latest.
    ///
    /// # Errors
    /// See [`WriteError`]; the payload was not appended.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) -> Result<(), WriteError> {
        self.context.health.check()?;
        let at = self.end + self.buffer.len() as u64;
        let length = parts.iter().map(|part| part.len() as u64).sum();
        let end = frame_length(length).and_then(|length| at.checked_add(length));
        let fits = end.is_some_and(|end| end <= self.segment_limit);
        if !fits && self.next > self.active.header.first {
            self.rotate()?;
        } else if self.buffer.len() >= BUFFER_LIMIT {
            self.write_buffer()?;
        }
        let offset = self.end + self.buffer.len() as u64;
        let header = (JournalFrameKind::Data, self.next, self.durable);
        encode_frame(&mut self.buffer, &self.active.header.key, offset, header, parts);
        self.next += 1;
        Ok(())
    }

    /// Ensures that the next payload is the first of its segment. Returns its sequence.
    pub(crate) fn begin_segment(&mut self) -> Result<u64, WriteError> {
        if self.next > self.active.header.first {
            self.rotate()?;
        }
        Ok(self.next)
    }

    /// Makes all appended payloads durable.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        self.write_buffer()?;
        if self.dirty {
            self.flush_active()?;
            self.dirty = false;
            self.mark = MarkState::Missing;
        }
        self.durable = self.next - 1;
        Ok(())
    }

    /// Writes a mark, without a flush: it records that everything before it is durable. The caller
    /// has nothing else to write. A failure has one consequence: damage to the last group may look
    /// like a torn tail.
    pub(crate) fn mark(&mut self) {
        let is_idle = self.buffer.is_empty() && !self.dirty;
        if !is_idle || self.mark != MarkState::Missing || self.context.health.check().is_err() {
            return;
        }
        let mut bytes = Vec::new();
        let header = (JournalFrameKind::Mark, self.next - 1, self.durable);
        encode_frame(&mut bytes, &self.active.header.key, self.end, header, &[]);
        match self.active.file.write_at(self.end, &bytes) {
            Ok(()) => {
                self.end += bytes.len() as u64;
                self.mark = MarkState::Written;
            }
            // The next frame overwrites a partial mark.
            Err(error) => drop(self.classify("write", error)),
        }
    }

    /// Flushes, and leaves a durable mark at the end of the journal.
    pub(crate) fn close(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        self.mark();
        let has_unused_space = self.preallocation.is_some() && self.allocated > self.end;
        if has_unused_space {
            self.truncate_active()?;
        }
        if self.mark == MarkState::Written || has_unused_space {
            self.flush_active()?;
        }
        if self.mark == MarkState::Written {
            self.mark = MarkState::Durable;
        }
        Ok(())
    }

    /// Removes the segments that end before the sequence `needed`, the oldest first.
    ///
    /// # Errors
    /// See [`DiskError`]; the segments removed so far stay removed.
    pub(crate) fn drop_before(&mut self, needed: u64) -> Result<PrunedLog, DiskError> {
        let mut pruned = PrunedLog::default();
        while self.firsts.get(1).is_some_and(|second| *second <= needed) {
            let name = self.kind.segment_name(self.firsts[0]);
            let length = self.context.length(&name);
            if !self.keep_as_spare(&name)? {
                self.context.remove(&name)?;
            }
            self.firsts.remove(0);
            pruned.segments += 1;
            pruned.bytes += length.unwrap_or(0);
            // One removal at a time, so that a crash cannot leave a gap between two segments.
            self.context.sync_dir(self.kind.dir)?;
        }
        Ok(pruned)
    }

    fn keep_as_spare(&mut self, name: &str) -> Result<bool, DiskError> {
        match &mut self.preallocation {
            Some(it) if Arc::strong_count(&it.read_guard) == 1 => it.spares.keep(name),
            _ => Ok(false),
        }
    }

    fn active_error(&self, action: &'static str, error: io::Error) -> DiskError {
        DiskError::new(self.active.path.clone(), action, error)
    }

    fn classify(&self, action: &'static str, error: io::Error) -> WriteError {
        self.context.health.classify(self.active_error(action, error))
    }

    fn active_length(&self) -> Result<u64, DiskError> {
        self.active.file.len().map_err(|error| self.active_error("read", error))
    }

    fn flush_active(&self) -> Result<(), WriteError> {
        let flushed = self.active.file.flush();
        flushed.map_err(|error| self.context.health.fail(self.active_error("flush", error)))
    }

    /// Truncates the active file after its last frame.
    fn truncate_active(&mut self) -> Result<(), WriteError> {
        let truncated = self.active.file.truncate(self.end);
        let failed = |error| self.context.health.fail(self.active_error("truncate", error));
        truncated.map_err(failed)?;
        self.allocated = self.end;
        Ok(())
    }

    /// Writes the buffer at the end of the segment. After an error, buffer and end are unchanged.
    fn write_buffer(&mut self) -> Result<(), WriteError> {
        self.context.health.check()?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.active.file.write_at(self.end, &self.buffer) {
            let error = self.classify("write", error);
            if matches!(error, WriteError::Full(_)) {
                self.release_preallocation()?;
            }
            return Err(error);
        }
        self.end += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(2 * BUFFER_LIMIT);
        self.dirty = true;
        self.preallocate()
    }

    /// Extends the active file when its last frame reaches the end of the file, so that the next
    /// flushes write contents only. A full disk is not an error here.
    fn preallocate(&mut self) -> Result<(), WriteError> {
        let Some(preallocation) = &self.preallocation else { return Ok(()) };
        let to = (self.end + preallocation.step).min(self.segment_limit);
        if self.end < self.allocated || self.end >= to {
            return Ok(());
        }
        let zeros = vec![0; (to - self.end) as usize];
        self.allocated = to;
        match self.active.file.write_at(self.end, &zeros) {
            Ok(()) => Ok(()),
            Err(error) => match self.classify("write", error) {
                WriteError::Full(_) => self.release_preallocation(),
                failed => Err(failed),
            },
        }
    }

    /// Frees all preallocated space and removes the spare files.
    fn release_preallocation(&mut self) -> Result<(), WriteError> {
        self.truncate_active()?;
        if let Some(preallocation) = &mut self.preallocation {
            let cleared = preallocation.spares.clear();
            cleared.map_err(|error| self.context.health.classify(error))?;
        }
        Ok(())
    }

    /// Ends the active segment and begins the next.
    fn rotate(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        let spares = self.preallocation.as_mut().map(|it| &mut it.spares);
        let next = create_segment(&self.context, &self.kind, self.next, spares)?;
        let ended = std::mem::replace(&mut self.active, Arc::new(next));
        let end = std::mem::replace(&mut self.end, SEGMENT_HEADER);
        self.firsts.push(self.next);
        self.mark = MarkState::Missing;
        self.allocated = match self.preallocation {
            Some(_) => self.active_length().map_err(|error| self.context.health.classify(error))?,
            None => 0,
        };
        self.seal(&ended, end)
    }

    /// Writes a seal at the end of a segment. It proves that a next segment exists, so that the
    /// loss of that one is noticed. A full disk is not an error: the seal holds no data.
    fn seal(&self, segment: &JournalSegment, end: u64) -> Result<(), WriteError> {
        let mut bytes = Vec::new();
        let header = (JournalFrameKind::Seal, self.next - 1, self.durable);
        encode_frame(&mut bytes, &segment.header.key, end, header, &[]);
        let health = &self.context.health;
        let failed = |action, error| DiskError::new(segment.path.clone(), action, error);
        if let Err(error) = segment.file.write_at(end, &bytes) {
            return match health.classify(failed("write", error)) {
                WriteError::Full(_) => Ok(()),
                failed => Err(failed),
            };
        }
        if self.preallocation.is_some() {
            let truncated = segment.file.truncate(end + bytes.len() as u64);
            truncated.map_err(|error| health.fail(failed("truncate", error)))?;
        }
        segment.file.flush().map_err(|error| health.fail(failed("flush", error)))
    }
}

/// Creates the segment whose first sequence is `first`, in a spare file if there is one.
fn create_segment(
    context: &StoreContext,
    kind: &JournalKind,
    first: u64,
    spares: Option<&mut SpareFiles>,
) -> Result<JournalSegment, WriteError> {
    let name = kind.segment_name(first);
    let classify = |error| context.health.classify(context.error(&name, "create", error));
    let key = context.disk.random().map_err(classify)?;
    let header = SegmentHeader { magic: kind.magic, store: context.store, first, key };
    let bytes = header.encode();
    let file = match spares.map(|spares| spares.publish(&name, &bytes)).transpose()?.flatten() {
        Some(file) => file,
        None => context.publish(kind.dir, &name, &bytes)?,
    };
    Ok(JournalSegment::new(context.disk.path(&name), file, header, kind))
}

/// Truncates the torn tail of a segment and makes the remaining frames durable.
fn repair(segment: &JournalSegment, extent: &SegmentExtent) -> Result<(), DiskError> {
    let failed = |action| move |error| DiskError::new(segment.path.clone(), action, error);
    if extent.length == extent.proven_end {
        return Ok(());
    }
    if extent.length > extent.end {
        segment.file.truncate(extent.end).map_err(failed("truncate"))?;
    }
    rewrite_unproven(segment, extent)?;
    segment.file.flush().map_err(failed("flush"))
}

/// Rewrites in place the frames that are not proven durable, marks included.
///
/// If a flush failed in an earlier process, the kernel may consider those pages clean. A flush
/// alone would then succeed without writing them.
fn rewrite_unproven(segment: &JournalSegment, extent: &SegmentExtent) -> Result<(), DiskError> {
    let failed = |action| move |error| DiskError::new(segment.path.clone(), action, error);
    let mut at = extent.proven_end;
    while at < extent.end {
        let mut piece = vec![0; (extent.end - at).min(COPY) as usize];
        segment.file.read_at(at, &mut piece).map_err(failed("read"))?;
        segment.file.write_at(at, &piece).map_err(failed("write"))?;
        at += piece.len() as u64;
    }
    Ok(())
}
