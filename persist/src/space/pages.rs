//! Reading the catalogue: which of what stands in it counts.
//!
//! What a collection found free ([`Gaps`]) takes away from what stands before it: a pin counts if no
//! gap that is written behind it has its address. So the catalogue is read from its end, and
//! knows at each place which addresses have become free since. Read in that direction it also names
//! each pin after all those that refer to it, so that what a root reaches is found in one pass,
//! in the memory of a bit for each pin ([`super::mark`]).
//!
//! The newest gaps say from which sequence on the catalogue counts at all (`start`), and that copies
//! up to another (`copied`) are part of it. Other copies are what a collection left that did not come
//! to its end.

use std::sync::Arc;

use super::catalogue::{self, EntryRef, Filled, Gaps, Page};
use super::ranges::Ranges;
use crate::error::ReadError;
use crate::frame::{FrameKind, SEGMENT_HEADER};
use crate::segment::Segment;

/// The frames of a catalogue.
pub(crate) struct Pages {
    segments: Vec<Arc<Segment>>,
    /// The number of the segment, and the offset in it, by sequence.
    places: Vec<(u32, u64)>,
    /// The sequence of the first.
    first: u64,
}

/// What the end of a catalogue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) filled: Filled,
    /// The sequence of the newest gaps; 0 if there are none.
    pub(crate) gaps: u64,
    pub(crate) start: u64,
    pub(crate) copied: u64,
}

impl Newest {
    /// What an empty catalogue says.
    pub(crate) const NONE: Self = Self { filled: Filled::NONE, gaps: 0, start: 1, copied: 1 };

    /// Takes in gaps, of which the first that are met are the newest.
    fn meet(&mut self, sequence: u64, gaps: &Gaps, filled: &mut Option<Filled>) {
        if self.gaps == 0 {
            (self.gaps, self.start, self.copied) = (sequence, gaps.start, gaps.copied);
            filled.get_or_insert(Filled { end: gaps.end, fill: 0 });
        }
    }
}

/// Which entries count: a bit for each, and what else the catalogue says.
pub(crate) struct Counted {
    /// By the entry's number from the end.
    bits: Bits,
    entries: usize,
    pub(crate) newest: Newest,
}

impl Pages {
    /// Finds the frames in these segments, from the first that there is to that sequence.
    pub(crate) fn list(segments: &[Arc<Segment>], last: u64) -> Result<Self, ReadError> {
        let first = segments.first().map_or(1, |segment| segment.header.first);
        let mut places = Vec::new();
        for (number, segment) in segments.iter().enumerate() {
            let mut frames = segment.frames(SEGMENT_HEADER)?;
            let mut reached = segment.header.first - 1;
            // Nothing in a segment is looked at behind its last group: it may be a seal that was torn.
            let next = segments.get(number + 1).map_or(u64::MAX, |next| next.header.first);
            while reached < last.min(next - 1) {
                let Some((offset, frame)) = frames.next()? else { break };
                if frame.kind == FrameKind::Data {
                    reached = frame.seq;
                    places.push((number as u32, offset));
                }
            }
        }
        Ok(Self { segments: segments.to_vec(), places, first })
    }

    /// The sequence of the first frame.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The sequences of all frames.
    pub(crate) fn sequences(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.places.len() as u64
    }

    /// Hands the frame of that sequence out.
    pub(crate) fn read<T>(
        &self,
        sequence: u64,
        visit: impl FnOnce(Page<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let (segment, offset) = self.places[(sequence - self.first) as usize];
        let segment = &self.segments[segment as usize];
        let wrong = |reason: &str| ReadError::from(segment.damage(offset, reason));
        let (_, frame) =
            segment.frames(offset)?.next()?.ok_or_else(|| wrong("the frame has gone"))?;
        let payload = segment.payload(offset, &frame)?;
        let page = catalogue::decode(&payload);
        visit(page.ok_or_else(|| wrong("what stands here is neither pins nor gaps"))?)
    }

    /// Damage to a frame.
    pub(crate) fn damage(&self, sequence: u64, reason: impl Into<String>) -> ReadError {
        let place = self.places.get((sequence - self.first) as usize);
        let (segment, offset) = place.copied().unwrap_or((0, SEGMENT_HEADER));
        self.segments[segment as usize].damage(offset, reason).into()
    }

    /// Visits all entries, the newest first, and says of each whether it counts.
    pub(crate) fn backwards(
        &self,
        mut visit: impl FnMut(u64, EntryRef<'_>, bool) -> Result<(), ReadError>,
    ) -> Result<Newest, ReadError> {
        let mut newest = Newest::NONE;
        let mut filled = None;
        let mut free = Ranges::default();
        for sequence in self.sequences().rev() {
            if sequence < newest.start {
                break;
            }
            self.read(sequence, |page| {
                let (entries, may_count) = match page {
                    Page::Gaps(gaps) => {
                        newest.meet(sequence, &gaps, &mut filled);
                        free = free.union(&gaps.free);
                        return Ok(());
                    }
                    Page::Group(now, entries) => {
                        filled.get_or_insert(now);
                        (entries, true)
                    }
                    Page::Copy(entries) => {
                        (entries, (newest.start..newest.copied).contains(&sequence))
                    }
                };
                entries.into_iter().rev().try_for_each(|entry| {
                    visit(sequence, entry, may_count && !free.contains(entry.address()))
                })
            })?;
        }
        if self.first > newest.start {
            let reason = format!("the catalogue begins with group {} here", self.first);
            return Err(self.damage(self.first, reason));
        }
        Ok(Newest { filled: filled.unwrap_or(newest.filled), ..newest })
    }

    /// From which sequence on the catalogue counts.
    pub(crate) fn start(&self) -> Result<u64, ReadError> {
        let mut start = None;
        for sequence in self.sequences().rev() {
            self.read(sequence, |page| {
                if let Page::Gaps(gaps) = page {
                    start = Some(gaps.start);
                }
                Ok(())
            })?;
            if let Some(start) = start {
                return Ok(start);
            }
        }
        Ok(Newest::NONE.start)
    }

    /// Finds out which entries count.
    pub(crate) fn count(&self) -> Result<Counted, ReadError> {
        let mut bits = Bits::default();
        let mut entries = 0;
        let newest = self.backwards(|_, _, counts| {
            bits.push(counts);
            entries += 1;
            Ok(())
        })?;
        Ok(Counted { bits, entries, newest })
    }

    /// Visits the entries that count, each after those that it refers to.
    pub(crate) fn forwards(
        &self,
        counted: &Counted,
        mut visit: impl FnMut(EntryRef<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut left = counted.entries;
        for sequence in self.sequences().skip_while(|it| *it < counted.newest.start) {
            self.read(sequence, |page| {
                let (Page::Group(_, entries) | Page::Copy(entries)) = page else { return Ok(()) };
                entries.into_iter().try_for_each(|entry| {
                    left -= 1;
                    if counted.bits.get(left) { visit(entry) } else { Ok(()) }
                })
            })?;
        }
        Ok(())
    }
}

/// Bits by number.
#[derive(Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    count: usize,
}

impl Bits {
    /// So many, all clear.
    pub(crate) fn clear(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)], count }
    }

    pub(crate) fn push(&mut self, bit: bool) {
        if self.count.is_multiple_of(64) {
            self.words.push(0);
        }
        self.count += 1;
        if bit {
            self.set(self.count - 1);
        }
    }

    pub(crate) fn get(&self, at: usize) -> bool {
        self.words[at / 64] & 1 << (at % 64) != 0
    }

    pub(crate) fn set(&mut self, at: usize) {
        self.words[at / 64] |= 1 << (at % 64);
    }
}
