//! The faults of one segment. They are collected first and classified at the end, because the rule
//! that separates damage from a torn tail (`journal::scan`) needs everything that the segment
//! proves.

use std::sync::Arc;

use crate::error::StoreDamage;
use crate::journal::JournalSegment;
use crate::journal::frame::{FrameHeader, JournalFrameKind};

/// The evidence about a segment in its surroundings.
#[derive(Clone, Copy)]
pub(super) struct SegmentExpectation {
    /// The first sequence of the next segment.
    pub(super) successor: Option<u64>,
    /// All frames up to this sequence were durable.
    pub(super) proven: u64,
}

/// The first and last sequence that are lost.
pub(super) type LostRange = (u64, u64);

struct SegmentFault {
    at: u64,
    /// The sequence of the frame that should be at this offset.
    seq: u64,
    /// The sequences that are lost, once known.
    lost: Option<LostRange>,
    reason: String,
    /// Whether the bytes cannot be read. A crash does not leave that, so it is no torn tail.
    is_unreadable: bool,
}

impl SegmentFault {
    fn new(at: u64, seq: u64, lost: Option<LostRange>, reason: String) -> Self {
        Self { at, seq, lost, reason, is_unreadable: false }
    }
}

/// The faults of one segment.
pub(super) struct SegmentFaults {
    segment: Arc<JournalSegment>,
    expectation: SegmentExpectation,
    /// The sequence of the next data frame.
    next: u64,
    /// The highest sequence that is proven to have been durable.
    proven: u64,
    sealed_at: Option<u64>,
    end: u64,
    found: Vec<SegmentFault>,
    /// Whether the last element of `found` is a bad region and no frame has followed yet.
    in_bad_region: bool,
}

impl SegmentFaults {
    pub(super) fn new(segment: &Arc<JournalSegment>, expectation: SegmentExpectation) -> Self {
        let proven = expectation.successor.map_or(0, |next| next - 1).max(expectation.proven);
        let (segment, next) = (Arc::clone(segment), segment.header.first);
        Self {
            segment,
            expectation,
            next,
            proven,
            sealed_at: None,
            end: 0,
            found: vec![],
            in_bad_region: false,
        }
    }

    /// Adds a region in which no frame begins.
    pub(super) fn add_bad_region(&mut self, at: u64, end: u64, reason: &str) {
        let reason = format!("{reason}, and no frame begins up to byte {end}");
        self.found.push(SegmentFault::new(at, self.next, None, reason));
        self.in_bad_region = true;
        self.end = end;
    }

    /// Adds a region that begins with bytes that cannot be read.
    pub(super) fn add_unreadable_region(&mut self, at: u64, end: u64, reason: &str) {
        self.add_bad_region(at, end, reason);
        self.found.iter_mut().rev().take(1).for_each(|fault| fault.is_unreadable = true);
    }

    /// Adds a frame with a valid header.
    pub(super) fn add_frame(&mut self, at: u64, frame: &FrameHeader) {
        self.proven = self.proven.max(frame.durable);
        self.end = at;
        let is_data = frame.kind == JournalFrameKind::Data;
        // The data before this frame ends before this sequence.
        let reached = if is_data { frame.seq } else { frame.seq.saturating_add(1) };
        if reached != self.next {
            let lost = (reached > self.next).then(|| (self.next, reached - 1));
            match self.found.last_mut() {
                Some(region) if self.in_bad_region && lost.is_some() => region.lost = lost,
                _ => {
                    let reason = format!("found {} where {} should be", frame.seq, self.next);
                    self.found.push(SegmentFault::new(at, self.next, lost, reason));
                }
            }
        }
        self.in_bad_region = false;
        self.next = self.next.max(if is_data { reached.saturating_add(1) } else { reached });
        if frame.kind == JournalFrameKind::Seal {
            self.sealed_at = Some(at);
        }
    }

    /// Adds a fault in the payload of the last added frame.
    pub(super) fn add_bad_payload(
        &mut self,
        at: u64,
        frame: &FrameHeader,
        reason: String,
        is_unreadable: bool,
    ) {
        let is_data = frame.kind == JournalFrameKind::Data;
        let seq = if is_data { frame.seq } else { self.next };
        let lost = is_data.then_some((seq, seq));
        self.found.push(SegmentFault { at, seq, lost, reason, is_unreadable });
    }

    /// Returns the damage, with the sequences that it loses, and the torn tails.
    pub(super) fn classify(mut self) -> (Vec<(StoreDamage, Option<LostRange>)>, Vec<StoreDamage>) {
        let last = self.expectation.successor.map_or(self.proven, |next| next - 1);
        if self.next <= last {
            let lost = Some((self.next, last));
            match self.found.last_mut().filter(|_| self.in_bad_region) {
                Some(fault) => fault.lost = lost,
                None => {
                    let reason = format!("the file ends before {}, which was durable", self.next);
                    self.found.push(SegmentFault::new(self.end, self.next, lost, reason));
                }
            }
        }
        let (mut damaged, mut torn) = (vec![], vec![]);
        for SegmentFault { at, seq, lost, reason, is_unreadable } in self.found {
            let damage = self.segment.damage(at, reason);
            let is_damage = is_unreadable || seq <= self.proven;
            if is_damage { damaged.push((damage, lost)) } else { torn.push(damage) }
        }
        if let (Some(at), None) = (self.sealed_at, self.expectation.successor) {
            let reason = format!("the segment that begins with {} is missing", self.next);
            damaged.push((self.segment.damage(at, reason), Some((self.next, u64::MAX))));
        }
        (damaged, torn)
    }
}
