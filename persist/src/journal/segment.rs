//! One segment of a journal, opened for reading, and the readers of its frames.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{
    ALIGNMENT, FRAME_HEADER, FrameHeader, JournalFrameKind, PayloadCheck, SEGMENT_HEADER,
    SegmentHeader, decode_frame, frame_length,
};
use super::kind::JournalKind;
use crate::disk::{BLOCK, Disk, DiskFile};
use crate::encoding::StoreId;
use crate::error::{DiskError, StoreDamage, StoreReadError};

/// The read size for sequential reads of whole segments, in bytes.
pub(super) const CHUNK: usize = 64 << 10;
/// The read size where payloads are skipped, in bytes.
pub(super) const SMALL_CHUNK: usize = 4 << 10;

/// The reason why no valid frame is at an offset.
pub(super) type FrameFault = &'static str;

pub(super) const ENDS_WITHIN_FRAME: FrameFault = "the file ends within a frame";

/// One open segment.
pub(crate) struct JournalSegment {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) header: SegmentHeader,
    pub(super) item: &'static str,
}

impl JournalSegment {
    pub(super) fn new(
        path: PathBuf,
        file: Arc<dyn DiskFile>,
        header: SegmentHeader,
        kind: &JournalKind,
    ) -> Self {
        Self { path, file, header, item: kind.item }
    }

    /// Opens the segment whose first sequence is `first`, and checks its header.
    ///
    /// # Errors
    /// [`StoreReadError::Damaged`] and [`StoreReadError::Disk`].
    pub(crate) fn open(
        disk: &dyn Disk,
        kind: &JournalKind,
        store: StoreId,
        first: u64,
    ) -> Result<Self, StoreReadError> {
        let name = kind.segment_name(first);
        let path = disk.path(&name);
        let failed = |action, error| DiskError::new(disk.path(&name), action, error);
        let damaged =
            |reason| StoreDamage { path: path.clone(), offset: 0, reason, advice: advice() };
        let file = disk.open(&name).map_err(|error| failed("open", error))?;
        let mut bytes = [0; SEGMENT_HEADER as usize];
        match file.read_at(0, &mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(damaged("the segment ends within its header".into()).into());
            }
            other => other.map_err(|error| failed("read", error))?,
        }
        let header = SegmentHeader::decode(&bytes, kind.magic, store).map_err(damaged)?;
        if header.first != first {
            let reason = format!(
                "the segment begins with {} {}, its name says {first}",
                kind.item, header.first
            );
            return Err(damaged(reason).into());
        }
        Ok(Self::new(path, file, header, kind))
    }

    /// Describes damage at an offset of this segment.
    pub(crate) fn damage(&self, offset: u64, reason: impl Into<String>) -> StoreDamage {
        StoreDamage { path: self.path.clone(), offset, reason: reason.into(), advice: advice() }
    }

    fn failed(&self, action: &'static str, error: io::Error) -> DiskError {
        DiskError::new(self.path.clone(), action, error)
    }

    /// Reads frames from `offset`, where a frame must begin.
    pub(crate) fn frames(self: &Arc<Self>, offset: u64) -> Result<FrameReader, StoreReadError> {
        Ok(FrameReader { buffer: self.buffer(SMALL_CHUNK)?, at: offset })
    }

    pub(super) fn buffer(self: &Arc<Self>, chunk: usize) -> Result<ReadBuffer, DiskError> {
        let length = self.file.len().map_err(|error| self.failed("read", error))?;
        Ok(ReadBuffer { segment: Arc::clone(self), length, chunk, start: 0, bytes: vec![] })
    }

    /// Reads all frames of the segment and continues after damage.
    pub(crate) fn resync_frames(self: &Arc<Self>) -> Result<ResyncReader, DiskError> {
        Ok(ResyncReader { buffer: self.buffer(SMALL_CHUNK)?, at: SEGMENT_HEADER })
    }

    /// Reads and checks the payload of the frame at `offset`.
    ///
    /// # Errors
    /// [`StoreReadError::Damaged`] if the check fails, and [`StoreReadError::Disk`].
    pub(crate) fn payload(
        &self,
        offset: u64,
        frame: &FrameHeader,
    ) -> Result<Vec<u8>, StoreReadError> {
        let length = usize::try_from(frame.length)
            .map_err(|_| self.damage(offset, "the frame is longer than memory"))?;
        let mut payload = vec![0; length];
        self.file
            .read_at(offset + FRAME_HEADER, &mut payload)
            .map_err(|error| self.failed("read", error))?;
        let mut check = PayloadCheck::new(&self.header.key, &frame.check);
        check.update(&payload);
        if check.finish() != frame.payload_check {
            let reason = format!("{} {} fails its check", self.item, frame.seq);
            return Err(self.damage(offset, reason).into());
        }
        Ok(payload)
    }
}

/// The advice for damage in a segment.
fn advice() -> String {
    "nothing was changed; restore this file from a copy".into()
}

/// A buffer over a moving part of a segment's file.
pub(super) struct ReadBuffer {
    segment: Arc<JournalSegment>,
    /// The length of the file.
    pub(super) length: u64,
    /// The minimum read size.
    chunk: usize,
    /// The offset of `bytes` in the file.
    start: u64,
    bytes: Vec<u8>,
}

impl ReadBuffer {
    /// Returns `count` bytes at offset `at`. They must be within the file.
    fn get(&mut self, at: u64, count: usize) -> Result<&[u8], DiskError> {
        let end = self.start + self.bytes.len() as u64;
        if at < self.start || at + count as u64 > end {
            let available = self.length.saturating_sub(at);
            let size = available.min(self.chunk.max(count) as u64) as usize;
            self.bytes.resize(size.max(count), 0);
            self.start = at;
            let mut read = self.segment.file.read_at(at, &mut self.bytes);
            if read.is_err() && self.bytes.len() > count {
                // The error may be behind the bytes that are wanted.
                self.bytes.truncate(count);
                read = self.segment.file.read_at(at, &mut self.bytes);
            }
            if let Err(error) = read {
                self.bytes.clear();
                return Err(self.segment.failed("read", error));
            }
        }
        let from = (at - self.start) as usize;
        Ok(&self.bytes[from..from + count])
    }

    /// Decodes the frame header at `at`. The inner error is the reason why there is none.
    pub(super) fn header(&mut self, at: u64) -> Result<Result<FrameHeader, FrameFault>, DiskError> {
        if self.length - at < FRAME_HEADER {
            return Ok(Err("the file ends within a frame's header"));
        }
        let mut bytes = [0; FRAME_HEADER as usize];
        bytes.copy_from_slice(self.get(at, FRAME_HEADER as usize)?);
        Ok(decode_frame(&bytes, &self.segment.header.key, at))
    }

    /// Checks the payload of the frame at `at`. The frame must be within the file.
    pub(super) fn payload_is_intact(
        &mut self,
        at: u64,
        frame: &FrameHeader,
    ) -> Result<bool, DiskError> {
        let mut check = PayloadCheck::new(&self.segment.header.key, &frame.check);
        let (mut from, end) = (at + FRAME_HEADER, at + FRAME_HEADER + frame.length);
        while from < end {
            let piece = (end - from).min(CHUNK as u64) as usize;
            check.update(self.get(from, piece)?);
            from += piece as u64;
        }
        Ok(check.finish() == frame.payload_check)
    }

    /// Returns the highest `durable` sequence of all valid frames at or after `at`.
    pub(super) fn highest_durable(&mut self, at: u64) -> Result<u64, DiskError> {
        self.chunk = CHUNK;
        let mut highest = 0;
        let mut at = at.next_multiple_of(ALIGNMENT);
        while at < self.length && self.length - at >= FRAME_HEADER {
            if let Ok(frame) = self.header(at)? {
                highest = highest.max(frame.durable);
            }
            at += ALIGNMENT;
        }
        Ok(highest)
    }
}

/// Reads the frames of a segment whose extent has been validated.
pub(crate) struct FrameReader {
    buffer: ReadBuffer,
    at: u64,
}

impl FrameReader {
    /// Returns the offset of the next frame.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    /// Returns the next frame and its offset; `None` at the end of the file or at a seal. Does not
    /// check the payload.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, FrameHeader)>, StoreReadError> {
        let at = self.at;
        if at >= self.buffer.length {
            return Ok(None);
        }
        let segment = Arc::clone(&self.buffer.segment);
        let frame = self.buffer.header(at)?.map_err(|reason| segment.damage(at, reason))?;
        self.at = frame_length(frame.length)
            .and_then(|length| at.checked_add(length))
            .filter(|end| *end <= self.buffer.length)
            .ok_or_else(|| segment.damage(at, ENDS_WITHIN_FRAME))?;
        Ok((frame.kind != JournalFrameKind::Seal).then_some((at, frame)))
    }
}

/// An item that [`ResyncReader`] finds.
pub(crate) enum ResyncItem {
    /// A frame with a valid header that is within the file.
    Frame { at: u64, frame: FrameHeader },
    /// A region from `at` to `end` in which no valid frame begins.
    Bad { at: u64, end: u64, reason: FrameFault },
    /// A region from `at` to `end` that begins with bytes that cannot be read, and in which no valid
    /// frame begins.
    Unreadable { at: u64, end: u64, reason: String },
}

/// Reads a segment from its first frame to the end of the file, and continues after damage at the
/// next offset with a valid frame.
pub(crate) struct ResyncReader {
    buffer: ReadBuffer,
    at: u64,
}

impl ResyncReader {
    /// Returns the offset of the next item.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    /// Returns the next item; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Option<ResyncItem> {
        let (at, length) = (self.at, self.buffer.length);
        if at >= length {
            return None;
        }
        let reason = match self.buffer.header(at) {
            Ok(Ok(frame)) => {
                let end = frame_length(frame.length).and_then(|length| at.checked_add(length));
                if let Some(end) = end.filter(|end| *end <= length) {
                    // The bytes after a seal are preallocated space that was not used.
                    self.at = if frame.kind == JournalFrameKind::Seal { length } else { end };
                    return Some(ResyncItem::Frame { at, frame });
                }
                ENDS_WITHIN_FRAME
            }
            Ok(Err(reason)) => reason,
            Err(error) => {
                let end = self.resync(next_block(at));
                return Some(ResyncItem::Unreadable { at, end, reason: error.reason() });
            }
        };
        let end = self.resync(at + ALIGNMENT);
        Some(ResyncItem::Bad { at, end, reason })
    }

    /// Continues at the first valid frame at or after `at`, and returns its offset.
    fn resync(&mut self, mut at: u64) -> u64 {
        let chunk = std::mem::replace(&mut self.buffer.chunk, CHUNK);
        while at < self.buffer.length {
            match self.buffer.header(at) {
                Ok(Ok(_)) => break,
                Ok(Err(_)) => at += ALIGNMENT,
                // The rest of a bad sector is not read: each attempt may take the disk seconds.
                Err(_) => at = next_block(at),
            }
        }
        self.buffer.chunk = chunk;
        self.at = at.min(self.buffer.length);
        self.at
    }
}

/// Returns the start of the next block after an offset.
fn next_block(at: u64) -> u64 {
    (at + 1).next_multiple_of(BLOCK)
}
