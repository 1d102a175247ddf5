//! What is wrong in one segment: collected first, then told apart into damage and unfinished ends by
//! the rule of `segment`, which needs all that the segment proves.

use std::sync::Arc;

use crate::error::Damage;
use crate::frame::{FrameHeader, FrameKind};
use crate::segment::Segment;

/// What is known of a segment from outside.
#[derive(Clone, Copy)]
pub(super) struct Expect {
    /// The first sequence of the next segment.
    pub(super) successor: Option<u64>,
    /// Everything up to this sequence was durable.
    pub(super) proven: u64,
}

struct Fault {
    at: u64,
    /// The sequence that should stand there.
    seq: u64,
    /// The first and last that are lost by it, once that is known.
    lost: Option<(u64, u64)>,
    reason: String,
}

/// A damage, and the first and last sequence lost by it.
pub(super) type Damaged = (Damage, Option<(u64, u64)>);

/// The faults of one segment.
pub(super) struct Faults {
    segment: Arc<Segment>,
    expect: Expect,
    /// The sequence of the next data frame.
    next: u64,
    /// The highest sequence that the segment or its surroundings prove to have been durable.
    proven: u64,
    sealed_at: Option<u64>,
    end: u64,
    found: Vec<Fault>,
    /// Whether the last of `found` is a stretch behind which no frame has been met.
    open: bool,
}

impl Faults {
    pub(super) fn new(segment: &Arc<Segment>, expect: Expect) -> Self {
        let proven = expect.successor.map_or(0, |next| next - 1).max(expect.proven);
        let (segment, next) = (Arc::clone(segment), segment.header.first);
        Self { segment, expect, next, proven, sealed_at: None, end: 0, found: vec![], open: false }
    }

    /// No frame begins in a stretch.
    pub(super) fn bad(&mut self, at: u64, end: u64, reason: &str) {
        let reason = format!("{reason}, nor anywhere up to byte {end}");
        self.found.push(Fault { at, seq: self.next, lost: None, reason });
        self.open = true;
        self.end = end;
    }

    /// A frame's header is good.
    pub(super) fn frame(&mut self, at: u64, frame: &FrameHeader) {
        self.proven = self.proven.max(frame.durable);
        self.end = at;
        let is_data = frame.kind == FrameKind::Data;
        // The data before this frame ends here.
        let reached = if is_data { frame.seq } else { frame.seq.saturating_add(1) };
        if reached != self.next {
            let lost = (reached > self.next).then(|| (self.next, reached - 1));
            if self.open && lost.is_some() {
                self.found.last_mut().expect("a stretch is open").lost = lost;
            } else {
                let reason = format!("found {} where {} should be", frame.seq, self.next);
                self.found.push(Fault { at, seq: self.next, lost, reason });
            }
        }
        self.open = false;
        self.next = self.next.max(if is_data { reached.saturating_add(1) } else { reached });
        if frame.kind == FrameKind::Seal {
            self.sealed_at = Some(at);
        }
    }

    /// The payload of the frame that was met last is not what it should be.
    pub(super) fn payload(&mut self, at: u64, frame: &FrameHeader, reason: String) {
        let is_data = frame.kind == FrameKind::Data;
        let seq = if is_data { frame.seq } else { self.next };
        self.found.push(Fault { at, seq, lost: is_data.then_some((seq, seq)), reason });
    }

    /// What is damaged, and what is only unfinished.
    pub(super) fn judge(mut self) -> (Vec<Damaged>, Vec<Damage>) {
        let item_end = self.expect.successor.map_or(self.proven, |next| next - 1);
        if self.next <= item_end {
            let lost = Some((self.next, item_end));
            match self.found.last_mut().filter(|_| self.open) {
                Some(fault) => fault.lost = lost,
                None => {
                    let reason = format!("the file ends before {}, which was durable", self.next);
                    self.found.push(Fault { at: self.end, seq: self.next, lost, reason });
                }
            }
        }
        let (mut damaged, mut unfinished) = (vec![], vec![]);
        for Fault { at, seq, lost, reason } in self.found {
            let damage = self.segment.damage(at, reason);
            if seq <= self.proven { damaged.push((damage, lost)) } else { unfinished.push(damage) }
        }
        if let (Some(at), None) = (self.sealed_at, self.expect.successor) {
            let reason = format!("the segment that begins with {} is missing", self.next);
            damaged.push((self.segment.damage(at, reason), Some((self.next, u64::MAX))));
        }
        (damaged, unfinished)
    }
}
