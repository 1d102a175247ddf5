//! Reading segments: finding where one ends, and telling a torn tail from damage.
//!
//! A crash can leave anything at all behind the last flush: half a frame, zeros,
//! or a later frame whose predecessor never reached the disk. None of that was
//! acknowledged and all of it is cut off. What was flushed, on the other hand,
//! must be there, and if it is not, that is damage and nothing may be cut.
//! The two are told apart by proof:
//!
//! > A frame that should stand at some place, and does not, is *damaged* if
//! > anything valid says that its sequence was durable: the `durable` field of
//! > another frame before or after it, a later segment, or a snapshot. Otherwise
//! > it is the beginning of a torn tail.
//!
//! Every frame carries such a field, and a mark with no other purpose is written
//! after a group is flushed, so only the very last group of a store that lost
//! power is without proof.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::error::{Damage, DiskError, ReadError};
use crate::frame::{
    ALIGNMENT, FRAME_HEADER, FrameHeader, FrameKind, PayloadCheck, SEGMENT_HEADER, SegmentHeader,
    StoreId, decode_frame, frame_length,
};

/// Bytes read at once where everything is read.
const CHUNK: usize = 64 << 10;
/// Bytes read at once where payloads are skipped.
const SMALL_CHUNK: usize = 4 << 10;

/// Segments begin with a sequence no higher than this, so that counting on from
/// there cannot overflow.
const LAST_FIRST: u64 = u64::MAX >> 1;

/// The ending of a file that is not finished yet.
pub(crate) const UNFINISHED: &str = ".new";

/// A kind of segments, and the directory they live in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    pub(crate) dir: &'static str,
    pub(crate) ending: &'static str,
    pub(crate) magic: [u8; 8],
    /// What one data frame is called in messages.
    pub(crate) item: &'static str,
}

impl Family {
    /// The file of the segment that begins with sequence `first`.
    pub(crate) fn name(&self, first: u64) -> String {
        format!("{}/{first:020}{}", self.dir, self.ending)
    }

    /// The sequence that a file of this name (without directory) begins with.
    pub(crate) fn first(&self, name: &str) -> Option<u64> {
        let digits = name.strip_suffix(self.ending)?;
        let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let first: u64 = plain.then(|| digits.parse().ok())??;
        (1..=LAST_FIRST).contains(&first).then_some(first)
    }
}

/// One open segment.
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) header: SegmentHeader,
    item: &'static str,
}

impl Segment {
    pub(crate) fn new(
        path: PathBuf,
        file: Arc<dyn DiskFile>,
        header: SegmentHeader,
        family: &Family,
    ) -> Self {
        Self { path, file, header, item: family.item }
    }

    /// Opens the segment that begins with `first`, and checks its header.
    pub(crate) fn open(
        disk: &dyn Disk,
        family: &Family,
        store: StoreId,
        first: u64,
    ) -> Result<Self, ReadError> {
        let name = family.name(first);
        let path = disk.path(&name);
        let failed = |action, error| DiskError::new(disk.path(&name), action, error);
        let damaged = |reason| Damage { path: path.clone(), offset: 0, reason, advice: restore() };
        let file = disk.open(&name).map_err(|error| failed("open", error))?;
        let mut bytes = [0; SEGMENT_HEADER as usize];
        match file.read_at(0, &mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(damaged("the segment ends within its header".into()).into());
            }
            other => other.map_err(|error| failed("read", error))?,
        }
        let header = SegmentHeader::decode(&bytes, family.magic, store).map_err(damaged)?;
        if header.first != first {
            let reason = format!(
                "the segment begins with {} {}, its name says {first}",
                family.item, header.first
            );
            return Err(damaged(reason).into());
        }
        Ok(Self::new(path, file, header, family))
    }

    pub(crate) fn damage(&self, offset: u64, reason: impl Into<String>) -> Damage {
        Damage { path: self.path.clone(), offset, reason: reason.into(), advice: restore() }
    }

    fn failed(&self, action: &'static str, error: io::Error) -> DiskError {
        DiskError::new(self.path.clone(), action, error)
    }

    /// The frames from `offset` on, where one begins.
    pub(crate) fn frames(self: &Arc<Self>, offset: u64) -> Result<Frames, ReadError> {
        self.frames_by(offset, SMALL_CHUNK)
    }

    fn frames_by(self: &Arc<Self>, offset: u64, chunk: usize) -> Result<Frames, ReadError> {
        Ok(Frames { window: self.window(chunk)?, at: offset })
    }

    fn window(self: &Arc<Self>, chunk: usize) -> Result<Window, DiskError> {
        let length = self.file.len().map_err(|error| self.failed("read", error))?;
        Ok(Window { segment: Arc::clone(self), length, chunk, start: 0, bytes: vec![] })
    }

    /// All that stands in the segment, damaged or not.
    pub(crate) fn stretches(self: &Arc<Self>) -> Result<Stretches, DiskError> {
        Ok(Stretches { window: self.window(SMALL_CHUNK)?, at: SEGMENT_HEADER })
    }

    /// The checked payload of the frame at `offset`.
    pub(crate) fn payload(&self, offset: u64, frame: &FrameHeader) -> Result<Vec<u8>, ReadError> {
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

/// The advice that goes with every damaged segment.
fn restore() -> String {
    "nothing was changed; restore this file from a copy, or use an older snapshot".into()
}

/// A sliding view of a segment's bytes.
struct Window {
    segment: Arc<Segment>,
    length: u64,
    chunk: usize,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// The `count` bytes at `at`, which lie within the file.
    fn get(&mut self, at: u64, count: usize) -> Result<&[u8], DiskError> {
        let held = self.start + self.bytes.len() as u64;
        if at < self.start || at + count as u64 > held {
            let room = self.length.saturating_sub(at);
            let size = room.min(self.chunk.max(count) as u64) as usize;
            self.bytes.resize(size.max(count), 0);
            self.start = at;
            if let Err(error) = self.segment.file.read_at(at, &mut self.bytes) {
                self.bytes.clear();
                return Err(self.segment.failed("read", error));
            }
        }
        let from = (at - self.start) as usize;
        Ok(&self.bytes[from..from + count])
    }

    fn header(&mut self, at: u64) -> Result<Result<FrameHeader, &'static str>, DiskError> {
        if self.length - at < FRAME_HEADER {
            return Ok(Err("the file ends within a frame's header"));
        }
        let mut bytes = [0; FRAME_HEADER as usize];
        bytes.copy_from_slice(self.get(at, FRAME_HEADER as usize)?);
        Ok(decode_frame(&bytes, &self.segment.header.key, at))
    }

    /// Whether the payload of the frame at `at`, which lies within the file, is whole.
    fn payload_is_whole(&mut self, at: u64, frame: &FrameHeader) -> Result<bool, DiskError> {
        let mut check = PayloadCheck::new(&self.segment.header.key, &frame.check);
        let (mut from, end) = (at + FRAME_HEADER, at + FRAME_HEADER + frame.length);
        while from < end {
            let piece = (end - from).min(CHUNK as u64) as usize;
            check.update(self.get(from, piece)?);
            from += piece as u64;
        }
        Ok(check.finish() == frame.payload_check)
    }

    /// The highest sequence that a valid frame at or after `at` says was durable.
    fn highest_proof(&mut self, at: u64) -> Result<u64, DiskError> {
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

/// Walks the frames of a segment whose extent is known to be good.
pub(crate) struct Frames {
    window: Window,
    at: u64,
}

impl Frames {
    /// The next frame and its offset; `None` at the end of the file or at a seal.
    /// Payloads are not checked.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, FrameHeader)>, ReadError> {
        let at = self.at;
        if at >= self.window.length {
            return Ok(None);
        }
        let segment = Arc::clone(&self.window.segment);
        let frame = self.window.header(at)?.map_err(|reason| segment.damage(at, reason))?;
        self.at = frame_length(frame.length)
            .and_then(|length| at.checked_add(length))
            .filter(|end| *end <= self.window.length)
            .ok_or_else(|| segment.damage(at, ENDS_WITHIN))?;
        Ok((frame.kind != FrameKind::Seal).then_some((at, frame)))
    }
}

/// A part of a segment as [`Stretches`] finds it.
pub(crate) enum Stretch {
    /// A frame with a valid header, that lies within the file.
    Frame { at: u64, frame: FrameHeader },
    /// From here up to `end` no frame begins.
    Bad { at: u64, end: u64, reason: Fault },
}

/// Walks a segment from its first frame to the end of the file, whatever stands there: where no
/// frame begins it goes on with the next that is valid.
pub(crate) struct Stretches {
    window: Window,
    at: u64,
}

impl Stretches {
    /// Where the next stretch begins.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    pub(crate) fn next(&mut self) -> Result<Option<Stretch>, DiskError> {
        let (at, length) = (self.at, self.window.length);
        if at >= length {
            return Ok(None);
        }
        let reason = match self.window.header(at)? {
            Ok(frame) => {
                let end = frame_length(frame.length).and_then(|length| at.checked_add(length));
                if let Some(end) = end.filter(|end| *end <= length) {
                    // What stands behind a seal is room that was not used.
                    self.at = if frame.kind == FrameKind::Seal { length } else { end };
                    return Ok(Some(Stretch::Frame { at, frame }));
                }
                ENDS_WITHIN
            }
            Err(reason) => reason,
        };
        let chunk = std::mem::replace(&mut self.window.chunk, CHUNK);
        let mut end = at + ALIGNMENT;
        while end < length && self.window.header(end)?.is_err() {
            end += ALIGNMENT;
        }
        self.window.chunk = chunk;
        self.at = end.min(length);
        Ok(Some(Stretch::Bad { at, end: self.at, reason }))
    }
}

/// How much of a segment a scan checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Every payload.
    Everything,
    /// Only the payloads that nothing proves to have been durable; the others
    /// are checked when they are read.
    Unproven,
}

/// What a scan found out about a segment.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    /// The offset behind the last good frame.
    pub(crate) end: u64,
    /// The length of the file: more than `end` if there is a torn tail.
    pub(crate) length: u64,
    /// The sequence of the next data frame.
    pub(crate) next: u64,
    /// The offset behind the last data frame that is proven to be durable: what
    /// stands between here and `end` is good, but perhaps not durable.
    pub(crate) proven_end: u64,
    /// Whether it ends with a mark that proves all of it.
    pub(crate) marked: bool,
    /// Whether it ends with a seal.
    pub(crate) sealed: bool,
}

/// Finds the end of a segment, given that everything up to the sequence `proven`
/// is known to have been durable.
pub(crate) fn scan(segment: &Arc<Segment>, depth: Depth, proven: u64) -> Result<Extent, ReadError> {
    let chunk = if depth == Depth::Everything { CHUNK } else { SMALL_CHUNK };
    let mut frames = segment.frames_by(SEGMENT_HEADER, chunk)?;
    let mut scan = Scan {
        extent: Extent {
            end: SEGMENT_HEADER,
            length: frames.window.length,
            next: segment.header.first,
            proven_end: SEGMENT_HEADER,
            marked: false,
            sealed: false,
        },
        proven,
        open: VecDeque::new(),
    };
    let mut fault = scan.walk(segment, &mut frames.window, depth)?;
    if depth == Depth::Unproven {
        fault = scan.check_open(&mut frames.window)?.or(fault);
    }
    scan.judge(segment, &mut frames.window, fault)
}

/// A place where no good frame stands though the file goes on.
pub(crate) type Fault = &'static str;

const ENDS_WITHIN: Fault = "the file ends within a frame";

const BAD_PAYLOAD: Fault = "the frame's payload fails its check";

struct Scan {
    extent: Extent,
    /// Everything up to this sequence is proven to have been durable.
    proven: u64,
    /// The data frames beyond `proven`.
    open: VecDeque<Open>,
}

/// A data frame that nothing proves to be durable, yet.
#[derive(Clone, Copy)]
struct Open {
    at: u64,
    end: u64,
    frame: FrameHeader,
}

impl Scan {
    /// Goes from frame to frame until the end of the file or the first fault.
    fn walk(
        &mut self,
        segment: &Segment,
        window: &mut Window,
        depth: Depth,
    ) -> Result<Option<Fault>, ReadError> {
        while self.extent.end < self.extent.length && !self.extent.sealed {
            let at = self.extent.end;
            let frame = match window.header(at)? {
                Ok(frame) => frame,
                Err(reason) => return Ok(Some(reason)),
            };
            let data = frame.kind == FrameKind::Data;
            let expected = if data { self.extent.next } else { self.extent.next - 1 };
            if frame.seq != expected {
                let reason = format!("found {} {} instead of {expected}", segment.item, frame.seq);
                return Err(segment.damage(at, reason).into());
            }
            let end = frame_length(frame.length).and_then(|length| at.checked_add(length));
            let Some(end) = end.filter(|end| *end <= self.extent.length) else {
                return Ok(Some(ENDS_WITHIN));
            };
            if depth == Depth::Everything && !window.payload_is_whole(at, &frame)? {
                return Ok(Some(BAD_PAYLOAD));
            }
            self.accept(at, end, frame);
        }
        Ok(None)
    }

    fn accept(&mut self, at: u64, end: u64, frame: FrameHeader) {
        self.proven = self.proven.max(frame.durable);
        if frame.kind == FrameKind::Data {
            self.extent.next = frame.seq + 1;
            self.open.push_back(Open { at, end, frame });
        }
        while let Some(open) = self.open.pop_front_if(|open| open.frame.seq <= self.proven) {
            self.extent.proven_end = open.end;
        }
        self.extent.end = end;
        self.extent.marked = frame.kind != FrameKind::Data;
        self.extent.sealed = frame.kind == FrameKind::Seal;
    }

    /// Checks the payloads that are not proven, and goes back to the first that
    /// is not whole.
    fn check_open(&mut self, window: &mut Window) -> Result<Option<Fault>, ReadError> {
        for index in 0..self.open.len() {
            let Open { at, frame, .. } = self.open[index];
            if !window.payload_is_whole(at, &frame)? {
                self.open.truncate(index);
                self.extent.end = at;
                self.extent.next = frame.seq;
                self.extent.marked = false;
                self.extent.sealed = false;
                return Ok(Some(BAD_PAYLOAD));
            }
        }
        Ok(None)
    }

    /// Decides between torn and damaged, by the rule at the top of the module.
    fn judge(
        self,
        segment: &Segment,
        window: &mut Window,
        fault: Option<Fault>,
    ) -> Result<Extent, ReadError> {
        let (at, next) = (self.extent.end, self.extent.next);
        if let Some(reason) = fault {
            let later = window.highest_proof(at + ALIGNMENT)?;
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
