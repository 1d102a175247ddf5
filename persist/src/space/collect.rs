//! The collection of a pin space: what no root reaches goes, and its room is given back.
//!
//! ```text
//! mark     what the roots reach, by the catalogue's edges: no body is read
//! sweep    the gaps between what is reached
//! tell     gaps ──▶ catalogue, flushed ──▶ index forgets them
//! return   whole files are removed, ends cut off, holes punched
//! shorten  catalogue: what stood before the copies is dropped
//! ```
//!
//! Each step begins when the one before it is durable or will be done again by the next opening, so a
//! crash leaves either all pins, or only those that are reached and gaps that are not returned yet;
//! the next collection returns them. Pins never move. Gaps are filled again by what is frozen later.
//!
//! When most of the catalogue tells of what is gone, what is still there is told of once more at its end
//! (*copied*), and the gaps say that all before it counts no longer. A crash before the gaps are durable
//! leaves copies that do not count.
//!
//! Memory: 12 bytes for each pin, 16 for each gap.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use vm::pinspace::range::SLOT_SIZE;

use super::BODIES_DIR;
use super::bodies::{self, BODY_HEADER, Body};
use super::catalogue::{End, Filled, Gaps, Group};
use super::files::{self, Files};
use super::mark::Marked;
use super::pages::Pages;
use super::ranges::{Ranges, aligned, slot_begin, slot_of};
use crate::Hash;
use crate::disk::{BLOCK, Disk, RealDisk};
use crate::error::{DiskError, OpenError, PinError, ReadError};
use crate::format_file::PIN_SPACE;
use crate::health::{Health, WriteError};
use crate::journal::Home;
use crate::opening;

/// The catalogue is shortened when it would be less than half as long, and this many bytes shorter.
const WORTH_SHORTENING: u64 = if cfg!(test) { 512 } else { 64 << 10 };
/// A copy is ended when it has so many bytes.
const COPY: usize = if cfg!(test) { 1 << 10 } else { 1 << 20 };

/// Why nothing was collected, or not all.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The pin space is in use or damaged. Nothing has been changed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The catalogue is damaged. Nothing has been changed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no pin of a root's hash. Nothing has been changed.
    #[error("{}: the root {} is not among the pins; nothing was changed", path.display(), vm::Hash(*root))]
    MissingRoot {
        /// The pin space's directory.
        path: std::path::PathBuf,
        /// The root.
        root: Hash,
    },
    /// The collection was not ended. No pin that is reached is lost; the next one goes on.
    #[error("{0}; no pin that is needed is lost: collect again when that has been seen to")]
    Write(#[from] PinError),
}

impl From<WriteError> for CollectError {
    fn from(error: WriteError) -> Self {
        Self::Write(error.into())
    }
}

impl From<DiskError> for CollectError {
    fn from(error: DiskError) -> Self {
        Self::Write(error.into())
    }
}

/// What a collection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reading the catalogue: counted in groups, each read twice.
    Marking,
    /// Giving room back: counted in gaps.
    Returning,
}

/// Is told how far a collection has come: the step, how much is done, of how much.
pub type OnProgress<'a> = &'a mut dyn FnMut(Step, u64, u64);

/// What a collection found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Pins that are reached, and the bytes of their records.
    pub kept_pins: u64,
    /// See there.
    pub kept_bytes: u64,
    /// Pins that had been there and no longer are, or would not be, and their bytes.
    pub freed_pins: u64,
    /// See there.
    pub freed_bytes: u64,
    /// Gaps between pins, which will be filled, and their bytes.
    pub gaps: u64,
    /// See there.
    pub gap_bytes: u64,
    /// Bytes that the files take on the disk, before and after. The same in a trial.
    pub disk_before: u64,
    /// See there.
    pub disk_after: u64,
    /// Whether the file system cannot give back the room of gaps.
    pub no_holes: bool,
}

/// Collects the pin space in a directory: what these roots do not reach goes.
///
/// A trial (`dry_run`) changes nothing.
///
/// # Errors
/// See [`CollectError`].
pub fn collect(
    dir: impl AsRef<Path>,
    roots: &[Hash],
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<Collected, CollectError> {
    let dir = dir.as_ref();
    let disk = if dry_run { RealDisk::read_only(dir) } else { RealDisk::new(dir) };
    collect_on(Arc::new(disk), roots, dry_run, on_progress)
}

/// As [`collect`], on any disk.
///
/// # Errors
/// As there.
pub fn collect_on(
    disk: Arc<dyn Disk>,
    roots: &[Hash],
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<Collected, CollectError> {
    let _lock = opening::lock_existing(disk.as_ref())?;
    let store = opening::read_format(disk.as_ref(), PIN_SPACE)?;
    let home = Home { disk, store, health: Arc::new(Health::default()) };
    if dry_run {
        let pages = files::all_pages(&home)?;
        let found = Found::look(&home, &pages, roots, on_progress)?;
        let disk_before = allocated(&home, &found.slots)?;
        return Ok(Collected { disk_before, disk_after: disk_before, ..found.figures });
    }
    let mut files = Files::open(home.clone())?;
    let pages = files.pages()?;
    let mut found = Found::look(&home, &pages, roots, on_progress)?;
    found.figures.disk_before = allocated(&home, &found.slots)?;
    let start = match found.figures.freed_pins {
        0 => found.marked.newest.start,
        _ => files.tell(&pages, &found)?,
    };
    files.give_back(&mut found, on_progress)?;
    files.close()?;
    // The state of the index says by now that it covers what comes after.
    files.catalogue.drop_before(start)?;
    let left: Vec<u64> = files.bodies.iter().map(|body| body.slot as u64).collect();
    Ok(Collected { disk_after: allocated(&home, &left)?, ..found.figures })
}

/// Bytes on the disk of these slots' files.
fn allocated(home: &Home, slots: &[u64]) -> Result<u64, DiskError> {
    let one = |slot: &u64| {
        let name = Body::name(*slot as usize);
        let allocated = home.disk.open(&name).and_then(|file| file.allocated());
        allocated.map_err(|error| home.error(&name, "read", error))
    };
    slots.iter().map(one).sum()
}

/// What is to be done.
struct Found {
    marked: Marked,
    /// The slots that have files.
    slots: Vec<u64>,
    /// Addresses without a pin that is reached.
    free: Ranges,
    /// Where the last pin that is reached ends in each slot that has one.
    ends: BTreeMap<u64, u64>,
    /// Where bodies will end.
    end: End,
    figures: Collected,
}

impl Found {
    fn look(
        home: &Home,
        pages: &Pages,
        roots: &[Hash],
        on_progress: OnProgress<'_>,
    ) -> Result<Self, CollectError> {
        let total = 2 * (pages.sequences().end - pages.sequences().start);
        let (mut done, mut current) = (0, 0);
        let mut on_frame = |sequence: u64| {
            if sequence != current {
                (done, current) = (done + 1, sequence);
                on_progress(Step::Marking, done, total);
            }
        };
        let marked = Marked::find(pages, roots, &mut on_frame)?;
        if let Some(root) = marked.missing.first() {
            return Err(CollectError::MissingRoot { path: home.disk.path(""), root: *root });
        }
        let slots = bodies::slots(home)?.into_iter().map(|slot| slot as u64).collect();
        let end = marked.newest.filled.end;
        let (free, ends, figures) = (Ranges::default(), BTreeMap::new(), Collected::default());
        let mut found = Self { marked, slots, free, ends, end, figures };
        found.sweep(home)?;
        Ok(found)
    }

    /// Finds the gaps between the pins that are reached.
    fn sweep(&mut self, home: &Home) -> Result<(), ReadError> {
        let figures = &mut self.figures;
        let mut pins = self.marked.pins().peekable();
        for slot in &self.slots {
            let (first, behind) = (slot_begin(*slot), slot_begin(*slot + 1));
            let mut at = first + BODY_HEADER as u64;
            while let Some((from, to, reached)) = pins.next_if(|pin| pin.0 < behind) {
                if slot_of(from) != *slot {
                    return Err(lost_file(home, slot_of(from)));
                }
                if reached {
                    self.free.push(at, from);
                    at = to;
                    self.ends.insert(*slot, to);
                    figures.kept_pins += 1;
                    figures.kept_bytes += to - from;
                } else {
                    figures.freed_pins += 1;
                    figures.freed_bytes += to - from;
                }
            }
            self.free.push(at, behind);
        }
        if let Some((from, ..)) = pins.next() {
            return Err(lost_file(home, slot_of(from)));
        }
        for (from, to) in self.free.as_slice() {
            // What reaches to the end of a slot is not between pins.
            if !to.is_multiple_of(SLOT_SIZE as u64) {
                figures.gaps += 1;
                figures.gap_bytes += to - from;
            }
        }
        if self.end.offset != 0 {
            let first = slot_begin(self.end.slot);
            let last = self.ends.get(&self.end.slot).map(|end| end - first);
            self.end.offset = last.unwrap_or(BODY_HEADER as u64);
        }
        Ok(())
    }

    /// Whether the catalogue is mostly about what is gone.
    fn is_worth_shortening(&self) -> bool {
        let Marked { entry_bytes, reached_entry_bytes, .. } = self.marked;
        entry_bytes > 2 * reached_entry_bytes + WORTH_SHORTENING
    }
}

fn lost_file(home: &Home, slot: u64) -> ReadError {
    let path = home.disk.path(&Body::name(slot as usize));
    bodies::damage(path, 0, "the file is missing, and pins are in it".into()).into()
}

impl Files {
    /// Writes down what is gone, and lets the index forget it. Gives the sequence from which on the
    /// catalogue counts.
    fn tell(&mut self, pages: &Pages, found: &Found) -> Result<u64, CollectError> {
        let newest = found.marked.newest;
        let (mut start, mut copied) = (newest.start, newest.copied);
        if found.is_worth_shortening() {
            start = self.catalogue.begin_segment()?;
            self.copy(pages, found)?;
            copied = self.catalogue.last() + 1;
        }
        let gaps = Gaps { end: found.end, start, copied, free: found.free.clone() };
        self.catalogue.push(&[&gaps.encode()])?;
        self.catalogue.flush()?;
        self.catalogue.mark();
        self.begin_changing()?;
        self.index.remove_all(&found.free)?;
        self.state.covers = self.catalogue.last();
        self.state.gaps = self.catalogue.last();
        self.state.filled = Filled { end: found.end, fill: 0 };
        self.forget_gaps();
        Ok(start)
    }

    /// Tells once more of what is reached.
    fn copy(&mut self, pages: &Pages, found: &Found) -> Result<(), CollectError> {
        let mut copy = Group::default();
        let mut result = Ok(());
        let catalogue = &mut self.catalogue;
        let mut write = |copy: &mut Group| {
            let copy = std::mem::take(copy);
            let (head, entries) = copy.encode_copy();
            catalogue.push(&[&head, entries]).map(drop)
        };
        pages.forwards(&pages.count()?, |entry| {
            if result.is_ok() && found.marked.is_reached(entry.address()) {
                copy.add_read(entry);
                if copy.len() >= COPY {
                    result = write(&mut copy);
                }
            }
            Ok(())
        })?;
        result?;
        if !copy.is_empty() {
            write(&mut copy)?;
        }
        Ok(())
    }

    /// Gives the room of gaps back to the file system.
    fn give_back(
        &mut self,
        found: &mut Found,
        on_progress: OnProgress<'_>,
    ) -> Result<(), CollectError> {
        if found.end.offset == 0 {
            return Ok(());
        }
        let home = self.home.clone();
        let is_empty = |slot: u64| slot != found.end.slot && !found.ends.contains_key(&slot);
        let (gone, left) = std::mem::take(&mut self.bodies)
            .into_iter()
            .partition(|body: &Body| is_empty(body.slot as u64));
        self.bodies = left;
        for body in &gone {
            let removed = home.disk.remove(&body.name);
            removed.map_err(|error| home.error(&body.name, "remove", error))?;
        }
        if !gone.is_empty() {
            let synced = home.disk.sync_dir(BODIES_DIR);
            synced.map_err(|error| home.error(BODIES_DIR, "flush", error))?;
        }
        let total = found.free.as_slice().len() as u64;
        let mut done = 0;
        for body in &mut self.bodies {
            let slot = body.slot as u64;
            let last = found.ends.get(&slot).map(|end| end - slot_begin(slot));
            let end = aligned(last.unwrap_or(BODY_HEADER as u64));
            cut(&home, body, end)?;
            let ranges = found.free.as_slice();
            let from = ranges.partition_point(|range| range.0 < slot_begin(slot));
            for (from, to) in &ranges[from..] {
                if slot_of(*from) != slot {
                    break;
                }
                let (from, to) = (from - slot_begin(slot), to - slot_begin(slot));
                found.figures.no_holes |= !punch(&home, body, from, to.min(end))?;
                done += 1;
                on_progress(Step::Returning, done, total);
            }
            let flushed = body.file.flush();
            flushed.map_err(|error| home.health.fail(home.error(&body.name, "flush", error)))?;
        }
        Ok(())
    }
}

/// Cuts a file's end off.
fn cut(home: &Home, body: &mut Body, end: u64) -> Result<(), DiskError> {
    let length = body.file.len().map_err(|error| home.error(&body.name, "read", error))?;
    if length > end {
        let cut = body.file.truncate(end);
        cut.map_err(|error| home.error(&body.name, "truncate", error))?;
    }
    body.end = end;
    Ok(())
}

/// Punches a hole, as far as whole blocks go. False if the file system has none.
fn punch(home: &Home, body: &Body, from: u64, to: u64) -> Result<bool, DiskError> {
    let (from, to) = (from.next_multiple_of(BLOCK), to / BLOCK * BLOCK);
    if from >= to {
        return Ok(true);
    }
    match body.file.punch(from, to - from) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        other => other.map(|()| true).map_err(|error| home.error(&body.name, "punch", error)),
    }
}

#[cfg(test)]
mod tests;
