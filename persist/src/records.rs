//! Reading events back.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::Seq;
use crate::error::ReadError;
use crate::frame::{FrameKind, SEGMENT_HEADER};
use crate::journal::Home;
use crate::log::LOG;
use crate::segment::{Frames, Segment};

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its sequence.
    pub seq: Seq,
    /// Its bytes, as they were appended.
    pub payload: Vec<u8>,
}

/// The events from some sequence on, in order and without gaps, up to the last
/// that was durable when the iterator was made. Each is checked as it is read;
/// after an error the iterator ends. Holds one record in memory at a time.
pub struct Records {
    home: Home,
    /// The first sequences of the segments not yet opened, in order.
    firsts: VecDeque<u64>,
    current: Option<(Arc<Segment>, Frames)>,
    next: u64,
    upto: u64,
    /// Keeps files from being used again.
    _reading: Arc<()>,
}

impl Records {
    /// The events from `next` to `upto`, of the log whose segments begin with `firsts`.
    pub(crate) fn new(
        home: Home,
        firsts: &[u64],
        (next, upto): (u64, u64),
        reading: Arc<()>,
    ) -> Result<Self, ReadError> {
        let before = firsts.partition_point(|first| *first <= next);
        let Some(start) = before.checked_sub(1) else {
            let path = home.disk.path(LOG.dir);
            let first = firsts.first().copied().unwrap_or(upto + 1).into();
            return Err(ReadError::Gap { path, wanted: next.into(), first });
        };
        let firsts = firsts[start..].iter().copied().collect();
        Ok(Self { home, firsts, current: None, next, upto, _reading: reading })
    }

    /// Goes to the next segment, which must begin at or before the next sequence.
    fn open_next(&mut self) -> Result<(), ReadError> {
        let Some(first) = self.firsts.pop_front().filter(|first| *first <= self.next) else {
            let path = self.home.disk.path(LOG.dir);
            return Err(ReadError::Gap {
                path,
                wanted: self.next.into(),
                first: (self.upto + 1).into(),
            });
        };
        let segment = Segment::open(self.home.disk.as_ref(), &LOG, self.home.store, first)?;
        let segment = Arc::new(segment);
        let frames = segment.frames(SEGMENT_HEADER)?;
        self.current = Some((segment, frames));
        Ok(())
    }

    fn read(&mut self) -> Result<Record, ReadError> {
        loop {
            // Nothing in a segment is looked at behind its last event: it may be a
            // seal that was torn.
            if self.firsts.front() == Some(&self.next) {
                self.current = None;
            }
            let Some((segment, frames)) = &mut self.current else {
                self.open_next()?;
                continue;
            };
            let Some((offset, frame)) = frames.next()? else {
                self.current = None;
                continue;
            };
            if frame.kind != FrameKind::Data || frame.seq < self.next {
                continue;
            }
            if frame.seq > self.next {
                let reason = format!("found event {} instead of {}", frame.seq, self.next);
                return Err(segment.damage(offset, reason).into());
            }
            let payload = segment.payload(offset, &frame)?;
            self.next += 1;
            return Ok(Record { seq: Seq(frame.seq), payload });
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.upto {
            return None;
        }
        let record = self.read();
        if record.is_err() {
            self.next = u64::MAX;
        }
        Some(record)
    }
}
