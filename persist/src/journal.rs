//! A sequence of frames kept in segments: what the event log and the pin store
//! are both made of.
//!
//! The promises:
//!
//! - Frames are numbered without gaps and written in order. Only the end of the
//!   newest segment is ever written to, and nothing before it changes.
//! - A segment comes into being with its header whole (written under another
//!   name, flushed, renamed), after everything in its predecessor is durable.
//! - [`Journal::flush`] returning is what makes frames durable. If it fails,
//!   the store has stopped (see [`crate::health`]).
//! - A write that finds no room is undone, and can be made again.
//!
//! A journal may take room before it needs it ([`Journal::take_ahead`]): its file is made longer by zeros, a
//! step at a time, and files that are dropped are used again, so that most flushes write
//! contents and nothing about the file.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::error::{Damage, DiskError, OpenError, ReadError};
use crate::frame::{FrameKind, SEGMENT_HEADER, SegmentHeader, StoreId, encode_frame, frame_length};
use crate::health::{Health, WriteError};
use crate::segment::{Depth, Extent, Family, Segment, UNFINISHED, scan};
use crate::spare::Spares;

/// Frames are collected up to this many bytes before they are written.
const SPILL: usize = 1 << 20;

/// What a journal belongs to.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) store: StoreId,
    pub(crate) health: Arc<Health>,
}

impl Home {
    pub(crate) fn error(&self, name: &str, action: &'static str, source: io::Error) -> DiskError {
        DiskError::new(self.disk.path(name), action, source)
    }

    /// Brings a file into being with these contents, durably and all at once.
    pub(crate) fn publish(
        &self,
        dir: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<Arc<dyn DiskFile>, WriteError> {
        self.health.check()?;
        let unfinished = format!("{name}{UNFINISHED}");
        let judge = |action| {
            let unfinished = &unfinished;
            move |error| self.health.judge(self.error(unfinished, action, error))
        };
        let file = self.disk.create(&unfinished).map_err(judge("create"))?;
        file.write_at(0, bytes).map_err(judge("write"))?;
        // A failed flush is no reason to stop here: trying again starts with an
        // empty file, and nothing yet depends on this one.
        file.flush().map_err(judge("flush"))?;
        self.disk.rename(&unfinished, name).map_err(judge("rename"))?;
        self.disk
            .sync_dir(dir)
            .map_err(|error| self.health.fail(self.error(dir, "flush", error)))?;
        Ok(file)
    }
}

/// What is on disk of a journal, found without changing anything.
pub(crate) struct Survey {
    /// The first sequences of all segments, in order; never empty.
    pub(crate) firsts: Vec<u64>,
    /// The segments that were looked into: from the one that was asked for on.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// The end of the last segment.
    pub(crate) last: Extent,
    /// Files that were never finished.
    leftovers: Vec<String>,
}

impl Survey {
    /// Looks into all segments that hold the sequence `from` or later ones.
    /// Everything up to `proven` is known to have been durable.
    pub(crate) fn make(
        home: &Home,
        family: &Family,
        from: u64,
        proven: u64,
        depth: Depth,
    ) -> Result<Self, ReadError> {
        let (firsts, leftovers) = list(home, family)?;
        let dir = home.disk.path(family.dir);
        let Some(&first) = firsts.first() else {
            return Err(no_segments(dir).into());
        };
        let start = firsts.partition_point(|first| *first <= from);
        let Some(start) = start.checked_sub(1) else {
            return Err(ReadError::Gap { path: dir, wanted: from.into(), first: first.into() });
        };
        let mut segments = Vec::new();
        for first in &firsts[start..] {
            let segment = Segment::open(home.disk.as_ref(), family, home.store, *first)?;
            segments.push(Arc::new(segment));
        }
        let mut last = None;
        for (index, segment) in segments.iter().enumerate() {
            let successor = segments.get(index + 1).map(|next| next.header.first);
            last = Some(survey_one(segment, successor, proven, depth)?);
        }
        let last = last.ok_or_else(|| no_segments(dir))?;
        Ok(Self { firsts, segments, last, leftovers })
    }
}

fn no_segments(path: std::path::PathBuf) -> Damage {
    let reason = "the directory holds no segment".into();
    Damage { path, offset: 0, reason, advice: "restore its files from a copy".into() }
}

/// Scans one segment, and checks that its successor follows on.
fn survey_one(
    segment: &Arc<Segment>,
    successor: Option<u64>,
    proven: u64,
    depth: Depth,
) -> Result<Extent, ReadError> {
    let Some(successor) = successor else {
        let extent = scan(segment, depth, proven)?;
        if extent.sealed {
            let reason = format!("the segment that begins with {} is missing", extent.next);
            return Err(segment.damage(extent.end, reason).into());
        }
        return Ok(extent);
    };
    let extent = scan(segment, depth, successor - 1)?;
    if extent.next != successor {
        let reason = format!(
            "the segment goes on to {}, but the next one begins with {successor}",
            extent.next - 1
        );
        return Err(segment.damage(extent.end, reason).into());
    }
    Ok(extent)
}

/// The first sequences of a journal's segments, and its unfinished files.
pub(crate) fn list(home: &Home, family: &Family) -> Result<(Vec<u64>, Vec<String>), DiskError> {
    let names =
        home.disk.list(family.dir).map_err(|error| home.error(family.dir, "list", error))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| family.first(name)).collect();
    firsts.sort_unstable();
    let leftovers = names
        .into_iter()
        .filter(|name| name.ends_with(UNFINISHED))
        .map(|name| format!("{}/{name}", family.dir))
        .collect();
    Ok((firsts, leftovers))
}

/// What pruning gave back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Files removed.
    pub segments: u64,
    /// Their lengths, in bytes.
    pub bytes: u64,
}

/// How far the present end is known to be durable by the file itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Missing,
    Written,
    Durable,
}

/// How much room a journal takes before it needs it.
pub(crate) struct Ahead {
    /// Where a write would go beyond what the file has, it is made longer by so many bytes of zeros.
    pub(crate) bytes: u64,
    pub(crate) spares: Spares,
    /// Whoever reads the journal holds this: no file becomes a spare one meanwhile.
    pub(crate) reading: Arc<()>,
}

/// The writing end of a journal.
pub(crate) struct Journal {
    home: Home,
    family: Family,
    /// A new segment is begun where one would grow beyond this, in bytes.
    limit: u64,
    firsts: Vec<u64>,
    active: Arc<Segment>,
    /// The offset behind what is written.
    end: u64,
    /// Frames that belong at `end`.
    buffer: Vec<u8>,
    /// The sequence of the next data frame.
    next: u64,
    /// Everything up to this sequence is durable.
    durable: u64,
    /// Whether data was written since the last flush.
    dirty: bool,
    mark: Mark,
    ahead: Option<Ahead>,
    /// The length of the active file, where room is taken ahead.
    room: u64,
}

impl Journal {
    /// Begins a journal in an empty directory.
    pub(crate) fn create(home: Home, family: Family, limit: u64) -> Result<Self, WriteError> {
        let active = create_segment(&home, &family, 1, None)?;
        Ok(Self {
            home,
            family,
            limit,
            firsts: vec![1],
            active: Arc::new(active),
            end: SEGMENT_HEADER,
            buffer: Vec::new(),
            next: 1,
            durable: 0,
            dirty: false,
            mark: Mark::Durable,
            ahead: None,
            room: 0,
        })
    }

    /// Takes room before it is needed, and keeps so many files that are dropped.
    pub(crate) fn take_ahead(mut self, bytes: u64, spares: usize) -> Result<Self, DiskError> {
        let spares = Spares::find(&self.home, &self.family, spares)?;
        self.room = self.active_length()?;
        self.ahead = Some(Ahead { bytes, spares, reading: Arc::default() });
        Ok(self)
    }

    /// To be held by whoever reads what is durable.
    pub(crate) fn reading(&self) -> Arc<()> {
        self.ahead.as_ref().map(|ahead| Arc::clone(&ahead.reading)).unwrap_or_default()
    }

    fn active_length(&self) -> Result<u64, DiskError> {
        let length = self.active.file.len();
        length.map_err(|error| DiskError::new(self.active.path.clone(), "read", error))
    }

    /// Takes up a journal where the survey found its end: cuts a torn tail off
    /// and makes what remains durable.
    pub(crate) fn resume(
        home: Home,
        family: Family,
        limit: u64,
        survey: Survey,
    ) -> Result<Self, OpenError> {
        let Survey { firsts, segments, last, leftovers } = survey;
        let active = segments.last().cloned();
        let active = active.expect("a survey holds at least one segment");
        repair(&active, &last)?;
        for name in &leftovers {
            home.disk.remove(name).map_err(|error| home.error(name, "remove", error))?;
        }
        // The newest segment may have been renamed just before a crash of the
        // process alone, and be known to the system only.
        let synced = home.disk.sync_dir(family.dir);
        synced.map_err(|error| home.error(family.dir, "flush", error))?;
        let mark = if last.marked || last.next == 1 { Mark::Durable } else { Mark::Missing };
        Ok(Self {
            home,
            family,
            limit,
            firsts,
            active,
            end: last.end,
            buffer: Vec::new(),
            next: last.next,
            durable: last.next - 1,
            dirty: false,
            mark,
            ahead: None,
            room: 0,
        })
    }

    /// The sequence of the last data frame; 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// Everything up to this sequence is durable.
    pub(crate) fn durable(&self) -> u64 {
        self.durable
    }

    /// The first sequences of all segments.
    pub(crate) fn firsts(&self) -> &[u64] {
        &self.firsts
    }

    /// Takes a payload, given in parts, which will be written by the next
    /// [`Journal::flush`] at the latest. After an error it has not been taken.
    pub(crate) fn push(&mut self, parts: &[&[u8]]) -> Result<(), WriteError> {
        self.home.health.check()?;
        let at = self.end + self.buffer.len() as u64;
        let length = parts.iter().map(|part| part.len() as u64).sum();
        let end = frame_length(length).and_then(|length| at.checked_add(length));
        let fits = end.is_some_and(|end| end <= self.limit);
        if !fits && self.next > self.active.header.first {
            self.rotate()?;
        } else if self.buffer.len() >= SPILL {
            self.spill()?;
        }
        let offset = self.end + self.buffer.len() as u64;
        let header = (FrameKind::Data, self.next, self.durable);
        encode_frame(&mut self.buffer, &self.active.header.key, offset, header, parts);
        self.next += 1;
        Ok(())
    }

    /// Lets the next payload begin a segment, and tells its sequence.
    pub(crate) fn begin_segment(&mut self) -> Result<u64, WriteError> {
        if self.next > self.active.header.first {
            self.rotate()?;
        }
        Ok(self.next)
    }

    /// Makes every payload taken so far durable.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        self.spill()?;
        if self.dirty {
            self.flush_active()?;
            self.dirty = false;
            self.mark = Mark::Missing;
        }
        self.durable = self.next - 1;
        Ok(())
    }

    /// Writes down, without a flush, that everything so far is durable. Called
    /// when there is nothing else to write. Whether it succeeds matters only to
    /// how well a later damage can be told from a torn tail.
    pub(crate) fn mark(&mut self) {
        let idle = self.buffer.is_empty() && !self.dirty;
        if !idle || self.mark != Mark::Missing || self.home.health.check().is_err() {
            return;
        }
        let mut bytes = Vec::new();
        let header = (FrameKind::Mark, self.next - 1, self.durable);
        encode_frame(&mut bytes, &self.active.header.key, self.end, header, &[]);
        match self.active.file.write_at(self.end, &bytes) {
            Ok(()) => {
                self.end += bytes.len() as u64;
                self.mark = Mark::Written;
            }
            // What was written of it stands where the next frame will go.
            Err(error) => drop(self.judge("write", error)),
        }
    }

    /// Flushes, and leaves a durable mark at the end.
    pub(crate) fn close(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        self.mark();
        let has_ahead = self.ahead.is_some() && self.room > self.end;
        if has_ahead {
            let cut = self.active.file.truncate(self.end);
            cut.map_err(|error| self.fail("truncate", error))?;
            self.room = self.end;
        }
        if self.mark == Mark::Written || has_ahead {
            self.flush_active()?;
        }
        if self.mark == Mark::Written {
            self.mark = Mark::Durable;
        }
        Ok(())
    }

    /// Removes the segments that hold nothing from the sequence `needed` on.
    pub(crate) fn drop_before(&mut self, needed: u64) -> Result<Pruned, DiskError> {
        let mut pruned = Pruned::default();
        while self.firsts.get(1).is_some_and(|second| *second <= needed) {
            let name = self.family.name(self.firsts[0]);
            let length = self.home.disk.open(&name).and_then(|file| file.len());
            if !self.keep_as_spare(&name)? {
                let removed = self.home.disk.remove(&name);
                removed.map_err(|error| self.home.error(&name, "remove", error))?;
            }
            self.firsts.remove(0);
            pruned.segments += 1;
            pruned.bytes += length.unwrap_or(0);
            // One by one, so that a crash cannot leave a hole between two.
            let synced = self.home.disk.sync_dir(self.family.dir);
            synced.map_err(|error| self.home.error(self.family.dir, "flush", error))?;
        }
        Ok(pruned)
    }

    fn keep_as_spare(&mut self, name: &str) -> Result<bool, DiskError> {
        match &mut self.ahead {
            Some(ahead) if Arc::strong_count(&ahead.reading) == 1 => ahead.spares.keep(name),
            _ => Ok(false),
        }
    }

    fn judge(&self, action: &'static str, error: io::Error) -> WriteError {
        self.home.health.judge(DiskError::new(self.active.path.clone(), action, error))
    }

    fn fail(&self, action: &'static str, error: io::Error) -> WriteError {
        self.home.health.fail(DiskError::new(self.active.path.clone(), action, error))
    }

    fn flush_active(&self) -> Result<(), WriteError> {
        self.active.file.flush().map_err(|error| self.fail("flush", error))
    }

    /// Writes the buffer at the end, or leaves both as they were.
    fn spill(&mut self) -> Result<(), WriteError> {
        self.home.health.check()?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.active.file.write_at(self.end, &self.buffer) {
            let judged = self.judge("write", error);
            if matches!(judged, WriteError::Full(_)) {
                self.give_up_room()?;
            }
            return Err(judged);
        }
        self.end += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(2 * SPILL);
        self.dirty = true;
        self.take_room()
    }

    /// Makes the file longer where the end has come to its own, so that the flushes that follow have
    /// nothing but contents to write. No room for that is no error.
    fn take_room(&mut self) -> Result<(), WriteError> {
        let Some(ahead) = &self.ahead else { return Ok(()) };
        let to = (self.end + ahead.bytes).min(self.limit);
        if self.end < self.room || self.end >= to {
            return Ok(());
        }
        let zeros = vec![0; (to - self.end) as usize];
        self.room = to;
        match self.active.file.write_at(self.end, &zeros) {
            Ok(()) => Ok(()),
            Err(error) => match self.judge("write", error) {
                WriteError::Full(_) => self.give_up_room(),
                stopped => Err(stopped),
            },
        }
    }

    /// Gives all room back that is not needed at once.
    fn give_up_room(&mut self) -> Result<(), WriteError> {
        let cut = self.active.file.truncate(self.end);
        cut.map_err(|error| self.fail("truncate", error))?;
        self.room = self.end;
        if let Some(ahead) = &mut self.ahead {
            ahead.spares.clear().map_err(|error| self.home.health.judge(error))?;
        }
        Ok(())
    }

    /// Ends the active segment and begins the next.
    fn rotate(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        let spares = self.ahead.as_mut().map(|ahead| &mut ahead.spares);
        let next = create_segment(&self.home, &self.family, self.next, spares)?;
        let ended = std::mem::replace(&mut self.active, Arc::new(next));
        let end = std::mem::replace(&mut self.end, SEGMENT_HEADER);
        self.firsts.push(self.next);
        self.mark = Mark::Missing;
        self.room = match self.ahead {
            Some(_) => self.active_length().map_err(|error| self.home.health.judge(error))?,
            None => 0,
        };
        self.seal(&ended, end)
    }

    /// Says at the end of a segment that there is a next one, so that its loss
    /// would be noticed. No room for the seal is no error: it holds nothing.
    fn seal(&self, segment: &Segment, end: u64) -> Result<(), WriteError> {
        let mut bytes = Vec::new();
        let header = (FrameKind::Seal, self.next - 1, self.durable);
        encode_frame(&mut bytes, &segment.header.key, end, header, &[]);
        let failed = |action, error| DiskError::new(segment.path.clone(), action, error);
        if let Err(error) = segment.file.write_at(end, &bytes) {
            return match self.home.health.judge(failed("write", error)) {
                WriteError::Full(_) => Ok(()),
                stopped => Err(stopped),
            };
        }
        if self.ahead.is_some() {
            let cut = segment.file.truncate(end + bytes.len() as u64);
            cut.map_err(|error| self.home.health.fail(failed("truncate", error)))?;
        }
        segment.file.flush().map_err(|error| self.home.health.fail(failed("flush", error)))
    }
}

/// Creates the segment that begins with the sequence `first`.
fn create_segment(
    home: &Home,
    family: &Family,
    first: u64,
    spares: Option<&mut Spares>,
) -> Result<Segment, WriteError> {
    let name = family.name(first);
    let judge = |error| home.health.judge(home.error(&name, "create", error));
    let key = home.disk.random().map_err(judge)?;
    let header = SegmentHeader { magic: family.magic, store: home.store, first, key };
    let bytes = header.encode();
    let file = match spares.map(|spares| spares.publish(&name, &bytes)).transpose()?.flatten() {
        Some(file) => file,
        None => home.publish(family.dir, &name, &bytes)?,
    };
    Ok(Segment::new(home.disk.path(&name), file, header, family))
}

/// Bytes copied at once by [`repair`].
const COPY: u64 = 256 << 10;

/// Cuts a torn tail off, and makes the rest durable.
///
/// What nothing proves durable, marks included, is written again in place before
/// it is flushed: after a flush that failed in a former process, the system may
/// take those pages for clean, and a flush alone would succeed without writing
/// them.
fn repair(segment: &Segment, extent: &Extent) -> Result<(), DiskError> {
    let failed = |action| move |error| DiskError::new(segment.path.clone(), action, error);
    if extent.length == extent.proven_end {
        return Ok(());
    }
    if extent.length > extent.end {
        segment.file.truncate(extent.end).map_err(failed("truncate"))?;
    }
    let mut at = extent.proven_end;
    while at < extent.end {
        let mut piece = vec![0; (extent.end - at).min(COPY) as usize];
        segment.file.read_at(at, &mut piece).map_err(failed("read"))?;
        segment.file.write_at(at, &piece).map_err(failed("write"))?;
        at += piece.len() as u64;
    }
    segment.file.flush().map_err(failed("flush"))
}
