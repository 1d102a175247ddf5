//! Finds the end of a segment and separates a torn tail from damage.
//!
//! A crash can leave arbitrary bytes after the last flush: half a frame, zeros, or a later frame
//! whose predecessor never reached the disk. None of it was acknowledged, and recovery truncates
//! it. Flushed frames, in contrast, must be present; a missing one is damage, and nothing may be
//! truncated. This module decides by proof:
//!
//! > Where a frame should be and no valid one is, the frame is *damaged* if valid data proves that
//! > its sequence was durable: the `durable` field of another frame before or after it, a later
//! > segment, or a snapshot. Otherwise it is the start of a *torn* tail.
//!
//! Every frame has a `durable` field, and after a group is flushed the journal writes a mark whose
//! only purpose is this field. So only the last group before a loss of power lacks a proof.

use std::collections::VecDeque;
use std::sync::Arc;

use super::frame::{ALIGNMENT, FrameHeader, JournalFrameKind, SEGMENT_HEADER, frame_length};
use super::segment::{
    CHUNK, ENDS_WITHIN_FRAME, FrameFault, JournalSegment, ReadBuffer, SMALL_CHUNK,
};
use crate::error::StoreReadError;

const BAD_PAYLOAD: FrameFault = "the frame's payload fails its check";

/// The payloads that a scan checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanDepth {
    /// All payloads.
    AllPayloads,
    /// Only the payloads that are not proven to be durable. The others are checked when they are
    /// read.
    UnprovenPayloads,
}

/// The result of scanning a segment.
#[derive(Debug, Clone)]
pub(crate) struct SegmentExtent {
    /// The offset after the last valid frame.
    pub(crate) end: u64,
    /// The length of the file. It is larger than `end` if there is a torn tail.
    pub(crate) length: u64,
    /// The sequence of the next data frame.
    pub(crate) next: u64,
    /// The offset after the last data frame that is proven durable. The frames between this offset
    /// and `end` are valid but may not be durable.
    pub(crate) proven_end: u64,
    /// Whether the last frame is a mark or a seal, which proves all data before it.
    pub(crate) marked: bool,
    /// Whether the last frame is a seal.
    pub(crate) sealed: bool,
}

/// Finds the end of a segment. The caller guarantees that all frames up to the sequence `proven`
/// were durable.
///
/// # Errors
/// [`StoreReadError::Damaged`] if a frame that was durable is missing or invalid;
/// [`StoreReadError::Disk`].
pub(super) fn scan(
    segment: &Arc<JournalSegment>,
    depth: ScanDepth,
    proven: u64,
) -> Result<SegmentExtent, StoreReadError> {
    let chunk = if depth == ScanDepth::AllPayloads { CHUNK } else { SMALL_CHUNK };
    let mut buffer = segment.buffer(chunk)?;
    let mut scan = Scan {
        extent: SegmentExtent {
            end: SEGMENT_HEADER,
            length: buffer.length,
            next: segment.header.first,
            proven_end: SEGMENT_HEADER,
            marked: false,
            sealed: false,
        },
        proven,
        unproven: VecDeque::new(),
    };
    let mut fault = scan.read_frames(segment, &mut buffer, depth)?;
    if depth == ScanDepth::UnprovenPayloads {
        fault = scan.check_unproven(&mut buffer)?.or(fault);
    }
    scan.finish(segment, &mut buffer, fault)
}

/// The state of a scan.
struct Scan {
    extent: SegmentExtent,
    /// All frames up to this sequence are proven durable.
    proven: u64,
    /// The data frames after `proven`.
    unproven: VecDeque<UnprovenFrame>,
}

/// A data frame that is not proven to be durable yet.
#[derive(Clone, Copy)]
struct UnprovenFrame {
    at: u64,
    end: u64,
    frame: FrameHeader,
}

impl Scan {
    /// Reads frames up to the end of the file or the first invalid frame. Returns the reason why
    /// that frame is invalid.
    fn read_frames(
        &mut self,
        segment: &JournalSegment,
        buffer: &mut ReadBuffer,
        depth: ScanDepth,
    ) -> Result<Option<FrameFault>, StoreReadError> {
        while self.extent.end < self.extent.length && !self.extent.sealed {
            let at = self.extent.end;
            let frame = match buffer.header(at)? {
                Ok(frame) => frame,
                Err(reason) => return Ok(Some(reason)),
            };
            let is_data = frame.kind == JournalFrameKind::Data;
            let expected = if is_data { self.extent.next } else { self.extent.next - 1 };
            if frame.seq != expected {
                let reason = format!("found {} {} instead of {expected}", segment.item, frame.seq);
                return Err(segment.damage(at, reason).into());
            }
            let end = frame_length(frame.length).and_then(|length| at.checked_add(length));
            let Some(end) = end.filter(|end| *end <= self.extent.length) else {
                return Ok(Some(ENDS_WITHIN_FRAME));
            };
            if depth == ScanDepth::AllPayloads && !buffer.payload_is_intact(at, &frame)? {
                return Ok(Some(BAD_PAYLOAD));
            }
            self.accept(at, end, frame);
        }
        Ok(None)
    }

    fn accept(&mut self, at: u64, end: u64, frame: FrameHeader) {
        self.proven = self.proven.max(frame.durable);
        if frame.kind == JournalFrameKind::Data {
            self.extent.next = frame.seq + 1;
            self.unproven.push_back(UnprovenFrame { at, end, frame });
        }
        let is_proven = |unproven: &mut UnprovenFrame| unproven.frame.seq <= self.proven;
        while let Some(proven) = self.unproven.pop_front_if(is_proven) {
            self.extent.proven_end = proven.end;
        }
        self.extent.end = end;
        self.extent.marked = frame.kind != JournalFrameKind::Data;
        self.extent.sealed = frame.kind == JournalFrameKind::Seal;
    }

    /// Checks the unproven payloads. Ends the extent before the first invalid one.
    fn check_unproven(
        &mut self,
        buffer: &mut ReadBuffer,
    ) -> Result<Option<FrameFault>, StoreReadError> {
        for index in 0..self.unproven.len() {
            let UnprovenFrame { at, frame, .. } = self.unproven[index];
            if !buffer.payload_is_intact(at, &frame)? {
                self.unproven.truncate(index);
                self.extent.end = at;
                self.extent.next = frame.seq;
                self.extent.marked = false;
                self.extent.sealed = false;
                return Ok(Some(BAD_PAYLOAD));
            }
        }
        Ok(None)
    }

    /// Decides between torn and damaged by the rule in the module's documentation.
    fn finish(
        self,
        segment: &JournalSegment,
        buffer: &mut ReadBuffer,
        fault: Option<FrameFault>,
    ) -> Result<SegmentExtent, StoreReadError> {
        let (at, next) = (self.extent.end, self.extent.next);
        if let Some(reason) = fault {
            let later = buffer.highest_durable(at + ALIGNMENT)?;
            if next <= self.proven.max(later) {
                let reason = format!("{reason}, where {} {next} should be", segment.item);
                return Err(segment.damage(at, reason).into());
            }
        } else if next <= self.proven {
            let reason = format!(
                "the file ends before {} {next}, but those up to {} were durable",
                segment.item, self.proven
            );
            return Err(segment.damage(at, reason).into());
        }
        Ok(self.extent)
    }
}
