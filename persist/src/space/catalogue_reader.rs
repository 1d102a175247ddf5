//! Reading the catalogue: which of its entries are live.
//!
//! The gaps of a collection ([`GapsRecord`]) apply to everything before them: an entry is live if
//! no later gaps contain its address. The reader therefore goes from the end to the start and
//! accumulates the addresses that have become free. In this direction each pin comes after all pins
//! that refer to it, so one pass finds what a root reaches, with one bit per pin (`collect::mark`).
//!
//! The newest gaps record the first sequence that is live at all (`start`), and that copies before
//! another sequence (`copied`) are live. Later copies come from a collection that did not finish.

use std::ops::Range;
use std::sync::Arc;

use super::address_ranges::AddressRanges;
use super::body::body_damage;
use super::catalogue::{self, CatalogueRecord, EntryRef, GapsRecord, HighWaterMark};
use crate::context::StoreContext;
use crate::error::{OpenError, StoreReadError};
use crate::journal::frame::{JournalFrameKind, SEGMENT_HEADER};
use crate::journal::{JournalKind, JournalSegment, JournalSurvey, ScanDepth, list_segments};

const CATALOGUE: JournalKind = JournalKind::CATALOGUE;

/// Surveys the catalogue after the sequence `covers`. The caller guarantees that the groups up to
/// `proven` were durable.
pub(super) fn survey_catalogue(
    context: &StoreContext,
    covers: u64,
    proven: u64,
) -> Result<JournalSurvey, StoreReadError> {
    let from = match covers {
        0 => list_segments(context, &CATALOGUE)?.0.first().copied().unwrap_or(1),
        covers => covers,
    };
    let (proven, depth) = (covers.max(proven), ScanDepth::UnprovenPayloads);
    JournalSurvey::scan(context, &CATALOGUE, from, proven, depth)
}

/// Returns the addresses in the gaps of the given sequence.
pub(super) fn read_gaps(
    context: &StoreContext,
    sequence: u64,
) -> Result<AddressRanges, StoreReadError> {
    let (firsts, _) = list_segments(context, &CATALOGUE)?;
    let at = firsts.partition_point(|first| *first <= sequence).saturating_sub(1);
    let first = firsts.get(at).copied().unwrap_or(1);
    let segment = JournalSegment::open(context.disk.as_ref(), &CATALOGUE, context.store, first)?;
    let reader = CatalogueReader::new(&[Arc::new(segment)], sequence)?;
    if !reader.sequences().contains(&sequence) {
        return Err(reader.damage(first, format!("group {sequence} is missing")));
    }
    reader.read(sequence, |record| match record {
        CatalogueRecord::Gaps(gaps) => Ok(gaps.free),
        _ => Err(reader.damage(sequence, "the record is not one of gaps")),
    })
}

/// Returns the number of the last group before the first damage. Used for advice only.
pub(crate) fn intact_groups(context: &StoreContext) -> u64 {
    let first = list_segments(context, &CATALOGUE).ok();
    let first = first.and_then(|(firsts, _)| firsts.first().copied());
    let mut last = first.unwrap_or(1) - 1;
    loop {
        let segment =
            JournalSegment::open(context.disk.as_ref(), &CATALOGUE, context.store, last + 1);
        let Ok(segment) = segment.map(Arc::new) else { return last };
        let Ok(mut frames) = segment.frames(SEGMENT_HEADER) else { return last };
        let before = last;
        while let Ok(Some((at, frame))) = frames.next() {
            if frame.kind == JournalFrameKind::Data {
                let payload = segment.payload(at, &frame);
                if !payload.is_ok_and(|payload| catalogue::decode(&payload).is_some()) {
                    return last;
                }
                last = frame.seq;
            }
        }
        if last == before {
            return last;
        }
    }
}

/// Converts an error of reading the catalogue while a store is opened.
pub(super) fn catalogue_error(error: StoreReadError) -> OpenError {
    match error {
        StoreReadError::Damaged(damage) => OpenError::Damaged { damage, usable: vec![] },
        StoreReadError::Disk(error) => error.into(),
        StoreReadError::Gap { path, first, .. } => {
            let reason = format!("the catalogue begins with group {first}");
            OpenError::Damaged { damage: body_damage(path, 0, reason), usable: vec![] }
        }
    }
}

/// What the end of a catalogue records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CatalogueSummary {
    pub(crate) high_water: HighWaterMark,
    /// The sequence of the newest gaps; 0 if there are none.
    pub(crate) gaps: u64,
    /// The `start` of the newest gaps.
    pub(crate) start: u64,
    /// The `copied` of the newest gaps.
    pub(crate) copied: u64,
}

impl CatalogueSummary {
    /// The summary of an empty catalogue.
    const EMPTY: Self = Self { high_water: HighWaterMark::NONE, gaps: 0, start: 1, copied: 1 };

    /// Takes over the fields of gaps that are read backward. The first ones are the newest.
    fn add_gaps(
        &mut self,
        sequence: u64,
        gaps: &GapsRecord,
        high_water: &mut Option<HighWaterMark>,
    ) {
        if self.gaps == 0 {
            (self.gaps, self.start, self.copied) = (sequence, gaps.start, gaps.copied);
            high_water.get_or_insert(HighWaterMark { end: gaps.end, fill: 0 });
        }
    }
}

/// The live entries of a catalogue.
pub(crate) struct LiveEntries {
    /// A bit per entry, by the entry's number from the end.
    bits: BitSet,
    entries: usize,
    pub(crate) summary: CatalogueSummary,
}

/// Reads the records of a catalogue by sequence.
pub(crate) struct CatalogueReader {
    segments: Vec<Arc<JournalSegment>>,
    /// For each sequence from `first` on: the index in `segments` and the offset in the segment.
    locations: Vec<(u32, u64)>,
    first: u64,
}

impl CatalogueReader {
    /// Opens the whole catalogue of a closed store. The caller guarantees that the groups up to
    /// `proven` were durable.
    pub(crate) fn open(context: &StoreContext, proven: u64) -> Result<Self, StoreReadError> {
        let survey = survey_catalogue(context, 0, proven)?;
        Self::new(&survey.segments, survey.last.next - 1)
    }

    /// Locates the records in some segments, up to the sequence `last`.
    pub(super) fn new(segments: &[Arc<JournalSegment>], last: u64) -> Result<Self, StoreReadError> {
        let first = segments.first().map_or(1, |segment| segment.header.first);
        let mut locations = Vec::new();
        for (number, segment) in segments.iter().enumerate() {
            let mut frames = segment.frames(SEGMENT_HEADER)?;
            let mut reached = segment.header.first - 1;
            // The bytes after a segment's last record are not read: they may be a torn seal.
            let next = segments.get(number + 1).map_or(u64::MAX, |next| next.header.first);
            while reached < last.min(next - 1) {
                let Some((offset, frame)) = frames.next()? else { break };
                if frame.kind == JournalFrameKind::Data {
                    reached = frame.seq;
                    locations.push((number as u32, offset));
                }
            }
        }
        Ok(Self { segments: segments.to_vec(), locations, first })
    }

    /// Returns the sequence of the first record.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the sequences of all records.
    pub(crate) fn sequences(&self) -> Range<u64> {
        self.first..self.first + self.locations.len() as u64
    }

    /// Calls `visit` with the record of a sequence.
    pub(crate) fn read<T>(
        &self,
        sequence: u64,
        visit: impl FnOnce(CatalogueRecord<'_>) -> Result<T, StoreReadError>,
    ) -> Result<T, StoreReadError> {
        let (segment, offset) = self.locations[(sequence - self.first) as usize];
        let segment = &self.segments[segment as usize];
        let damaged = |reason: &str| StoreReadError::from(segment.damage(offset, reason));
        let frame = segment.frames(offset)?.next()?;
        let (_, frame) = frame.ok_or_else(|| damaged("the frame is missing"))?;
        let payload = segment.payload(offset, &frame)?;
        let record = catalogue::decode(&payload);
        visit(record.ok_or_else(|| damaged("the record is neither pins nor gaps"))?)
    }

    /// Describes damage to the record of a sequence.
    pub(crate) fn damage(&self, sequence: u64, reason: impl Into<String>) -> StoreReadError {
        let location = self.locations.get((sequence - self.first) as usize);
        let (segment, offset) = location.copied().unwrap_or((0, SEGMENT_HEADER));
        self.segments[segment as usize].damage(offset, reason).into()
    }

    /// Calls `visit` for every entry from the last to the first, with its sequence and whether it
    /// is live.
    pub(crate) fn for_each_backward(
        &self,
        mut visit: impl FnMut(u64, EntryRef<'_>, bool) -> Result<(), StoreReadError>,
    ) -> Result<CatalogueSummary, StoreReadError> {
        let mut summary = CatalogueSummary::EMPTY;
        let mut high_water = None;
        let mut free = AddressRanges::default();
        for sequence in self.sequences().rev() {
            if sequence < summary.start {
                break;
            }
            self.read(sequence, |record| {
                let (entries, may_be_live) = match record {
                    CatalogueRecord::Gaps(gaps) => {
                        summary.add_gaps(sequence, &gaps, &mut high_water);
                        free = free.union(&gaps.free);
                        return Ok(());
                    }
                    CatalogueRecord::Group(mark, entries) => {
                        high_water.get_or_insert(mark);
                        (entries, true)
                    }
                    CatalogueRecord::Copy(entries) => {
                        (entries, (summary.start..summary.copied).contains(&sequence))
                    }
                };
                entries.into_iter().rev().try_for_each(|entry| {
                    visit(sequence, entry, may_be_live && !free.contains(entry.address()))
                })
            })?;
        }
        if self.first > summary.start {
            let reason = format!("the catalogue begins with group {} here", self.first);
            return Err(self.damage(self.first, reason));
        }
        Ok(CatalogueSummary { high_water: high_water.unwrap_or(summary.high_water), ..summary })
    }

    /// Returns the first sequence that is live.
    pub(crate) fn start(&self) -> Result<u64, StoreReadError> {
        for sequence in self.sequences().rev() {
            let start = self.read(sequence, |record| match record {
                CatalogueRecord::Gaps(gaps) => Ok(Some(gaps.start)),
                _ => Ok(None),
            })?;
            if let Some(start) = start {
                return Ok(start);
            }
        }
        Ok(CatalogueSummary::EMPTY.start)
    }

    /// Finds the live entries.
    pub(crate) fn find_live(&self) -> Result<LiveEntries, StoreReadError> {
        let mut bits = BitSet::default();
        let mut entries = 0;
        let summary = self.for_each_backward(|_, _, is_live| {
            bits.push(is_live);
            entries += 1;
            Ok(())
        })?;
        Ok(LiveEntries { bits, entries, summary })
    }

    /// Calls `visit` for each live entry, after those of all pins that it refers to.
    pub(crate) fn for_each_live(
        &self,
        live: &LiveEntries,
        mut visit: impl FnMut(EntryRef<'_>) -> Result<(), StoreReadError>,
    ) -> Result<(), StoreReadError> {
        let mut left = live.entries;
        for sequence in self.sequences().skip_while(|it| *it < live.summary.start) {
            self.read(sequence, |record| {
                let (CatalogueRecord::Group(_, entries) | CatalogueRecord::Copy(entries)) = record
                else {
                    return Ok(());
                };
                entries.into_iter().try_for_each(|entry| {
                    left -= 1;
                    if live.bits.get(left) { visit(entry) } else { Ok(()) }
                })
            })?;
        }
        Ok(())
    }
}

/// A growable bit set.
#[derive(Default)]
pub(crate) struct BitSet {
    words: Vec<u64>,
    count: usize,
}

impl BitSet {
    /// Creates a set of `count` clear bits.
    pub(crate) fn clear(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)], count }
    }

    /// Appends a bit.
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
