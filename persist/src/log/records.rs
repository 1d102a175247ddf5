//! Reading events back from the log.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::context::StoreContext;
use crate::error::StoreReadError;
use crate::journal::frame::{JournalFrameKind, SEGMENT_HEADER};
use crate::journal::{FrameReader, JournalKind, JournalSegment};
use crate::types::Seq;

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// The event's sequence.
    pub seq: Seq,
    /// The bytes that were appended.
    pub payload: Vec<u8>,
}

/// An iterator over the events from a sequence to the last one that was durable when the iterator
/// was created, in order and without gaps.
///
/// Each event is checked when it is read. After an error the iterator ends. It holds one event in
/// memory at a time.
pub struct LogRecords {
    context: StoreContext,
    /// The first sequences of the segments that are not open yet, ascending.
    firsts: VecDeque<u64>,
    current: Option<(Arc<JournalSegment>, FrameReader)>,
    next: u64,
    last: u64,
    /// Prevents the reuse of segment files.
    _read_guard: Arc<()>,
}

impl LogRecords {
    /// Reads the events from `next` to `last`. `firsts` are the first sequences of the log's
    /// segments.
    ///
    /// # Errors
    /// [`StoreReadError::Gap`] if the log begins after `next`.
    pub(crate) fn new(
        context: StoreContext,
        firsts: &[u64],
        (next, last): (u64, u64),
        read_guard: Arc<()>,
    ) -> Result<Self, StoreReadError> {
        let before = firsts.partition_point(|first| *first <= next);
        let Some(start) = before.checked_sub(1) else {
            let path = context.disk.path(JournalKind::LOG.dir);
            let first = firsts.first().copied().unwrap_or(last + 1).into();
            return Err(StoreReadError::Gap { path, wanted: next.into(), first });
        };
        let firsts = firsts[start..].iter().copied().collect();
        Ok(Self { context, firsts, current: None, next, last, _read_guard: read_guard })
    }

    /// Opens the next segment, which must begin at or before the next sequence.
    fn open_next(&mut self) -> Result<(), StoreReadError> {
        let Some(first) = self.firsts.pop_front().filter(|first| *first <= self.next) else {
            let path = self.context.disk.path(JournalKind::LOG.dir);
            return Err(StoreReadError::Gap {
                path,
                wanted: self.next.into(),
                first: (self.last + 1).into(),
            });
        };
        let (disk, store) = (self.context.disk.as_ref(), self.context.store);
        let segment = Arc::new(JournalSegment::open(disk, &JournalKind::LOG, store, first)?);
        let frames = segment.frames(SEGMENT_HEADER)?;
        self.current = Some((segment, frames));
        Ok(())
    }

    fn read(&mut self) -> Result<LogRecord, StoreReadError> {
        loop {
            // The bytes after a segment's last event are not read: they may be a torn seal.
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
            if frame.kind != JournalFrameKind::Data || frame.seq < self.next {
                continue;
            }
            if frame.seq > self.next {
                let reason = format!("found event {} instead of {}", frame.seq, self.next);
                return Err(segment.damage(offset, reason).into());
            }
            let payload = segment.payload(offset, &frame)?;
            self.next += 1;
            return Ok(LogRecord { seq: Seq(frame.seq), payload });
        }
    }
}

impl Iterator for LogRecords {
    type Item = Result<LogRecord, StoreReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.last {
            return None;
        }
        let record = self.read();
        if record.is_err() {
            self.next = u64::MAX;
        }
        Some(record)
    }
}
