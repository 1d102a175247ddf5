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
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vm::pinspace::range::SLOT_SIZE;

use super::BODIES_DIR;
use super::body::{self, BODY_HEADER, Body, address};
use super::catalogue::{End, Filled, Gaps, Group};
use super::files::{self, Files, Ledger, PinSurvey};
use super::mark::{Marked, Root};
use super::pages::Pages;
use super::ranges::{Ranges, aligned};
use super::state::State;
use crate::Hash;
use crate::disk::{BLOCK, Disk, RealDisk};
use crate::error::{Damage, DiskError, OpenError, PinError, ReadError};
use crate::health::{Health, WriteError};
use crate::journal::{Home, Journal};
use crate::opening;
use crate::snapshots::Snapshots;

/// The catalogue is shortened when it would be less than half as long, and this many bytes shorter.
const WORTH_SHORTENING: u64 = if cfg!(test) { 512 } else { 64 << 10 };
/// A copy is ended when it has so many bytes.
const COPY: usize = if cfg!(test) { 1 << 10 } else { 1 << 20 };

/// Why nothing was collected, or not all.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The store is in use or damaged. Nothing has been changed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The catalogue is damaged. Nothing has been changed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What a snapshot needs cannot be told, since it is damaged. Nothing has been changed.
    #[error("{}: {}; nothing was changed: restore that file from a copy, or remove it", _0.path.display(), _0.reason)]
    Snapshot(Damage),
    /// There is no snapshot, so nothing says what is needed. Nothing has been changed.
    #[error("{}: there is no snapshot, so nothing says which pins are needed; nothing was changed", path.display())]
    NoSnapshot {
        /// The store's directory.
        path: PathBuf,
    },
    /// The root of a snapshot is not among the pins. Nothing has been changed.
    #[error("{}: the root {} of a snapshot is not among the pins; nothing was changed: see \
             `pallas check`", path.display(), vm::Hash(*root))]
    MissingRoot {
        /// The store's directory.
        path: PathBuf,
        /// The root.
        root: Hash,
    },
    /// The collection was not ended. No pin that is needed is lost; the next one goes on.
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

/// Collects the pins of the store in a directory: what no kept snapshot reaches goes.
///
/// A trial (`dry_run`) changes nothing.
///
/// # Errors
/// See [`CollectError`].
pub fn collect(
    dir: impl AsRef<Path>,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<Collected, CollectError> {
    let dir = dir.as_ref();
    let disk = if dry_run { RealDisk::read_only(dir) } else { RealDisk::new(dir) };
    collect_on(Arc::new(disk), dry_run, on_progress)
}

/// As [`collect`], on any disk.
///
/// # Errors
/// As there.
pub fn collect_on(
    disk: Arc<dyn Disk>,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<Collected, CollectError> {
    let _lock = opening::lock_existing(disk.as_ref())?;
    let store = opening::read_format(disk.as_ref())?;
    let home = Home { disk, store, health: Arc::new(Health::default()) };
    let (roots, proven) = find_roots(&home)?;
    collect_at(&home, &roots, proven, dry_run, on_progress)
}

/// The roots of all snapshots, and up to which group the newest proves the catalogue durable.
fn find_roots(home: &Home) -> Result<(Vec<Root>, u64), CollectError> {
    let snapshots = Snapshots::survey(home.clone(), usize::MAX)?;
    if let Some((_, damage)) = snapshots.damaged().first() {
        return Err(CollectError::Snapshot(damage.clone()));
    }
    let Some(newest) = snapshots.newest() else {
        return Err(CollectError::NoSnapshot { path: home.disk.path("") });
    };
    let roots = snapshots.list().into_iter();
    let roots = roots.map(|it| Root { address: it.address, hash: it.root }).collect();
    Ok((roots, newest.groups))
}

/// Collects what these roots do not reach.
fn collect_at(
    home: &Home,
    roots: &[Root],
    proven: u64,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<Collected, CollectError> {
    if dry_run {
        let pages = files::all_pages(home, proven)?;
        let found = Found::look(home, &pages, roots, on_progress)?;
        let disk_before = allocated(home, &found.slots)?;
        return Ok(Collected { disk_before, disk_after: disk_before, ..found.figures });
    }
    let mut pins = PinSurvey::make(home, proven)?.resume()?;
    pins.tell_all()?;
    let pages = pins.pages()?;
    let mut found = Found::look(home, &pages, roots, on_progress)?;
    found.figures.disk_before = allocated(home, &found.slots)?;
    let (files, ledger) = pins.parts();
    let start = match found.figures.freed_pins {
        0 => found.marked.newest.start,
        _ => tell(files, ledger, &pages, &found)?,
    };
    give_back(files, &mut found, on_progress)?;
    pins.close()?;
    // The state of the index says by now that it covers what comes after.
    let (files, ledger) = pins.parts();
    ledger.catalogue.drop_before(start)?;
    let left: Vec<usize> = files.bodies.iter().map(|body| body.slot).collect();
    Ok(Collected { disk_after: allocated(home, &left)?, ..found.figures })
}

/// Bytes on the disk of these slots' files.
fn allocated(home: &Home, slots: &[usize]) -> Result<u64, DiskError> {
    let one = |slot: &usize| {
        let name = body::name(*slot);
        let allocated = home.disk.open(&name).and_then(|file| file.allocated());
        allocated.map_err(|error| home.error(&name, "read", error))
    };
    slots.iter().map(one).sum()
}

/// What is to be done.
struct Found {
    marked: Marked,
    /// The slots that have files.
    slots: Vec<usize>,
    /// Addresses without a pin that is reached.
    free: Ranges,
    /// Where the last pin that is reached ends in each slot that has one.
    ends: BTreeMap<usize, u64>,
    /// Where bodies will end.
    end: End,
    figures: Collected,
}

impl Found {
    fn look(
        home: &Home,
        pages: &Pages,
        roots: &[Root],
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
            let path = home.disk.path("");
            return Err(CollectError::MissingRoot { path, root: root.hash });
        }
        let slots = body::slots(home)?;
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
            let behind = address(*slot + 1, 0);
            let mut at = address(*slot, BODY_HEADER as u64);
            while let Some((from, to, reached)) = pins.next_if(|pin| pin.0 < behind) {
                if body::place(from).0 != *slot {
                    return Err(lost_file(home, from));
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
            return Err(lost_file(home, from));
        }
        for (from, to) in self.free.as_slice() {
            // What reaches to the end of a slot is not between pins.
            if !to.is_multiple_of(SLOT_SIZE as u64) {
                figures.gaps += 1;
                figures.gap_bytes += to - from;
            }
        }
        if self.end.offset != 0 {
            self.end.offset = self.end_in(self.end.slot as usize);
        }
        Ok(())
    }

    /// Where bodies will end in a slot's file.
    fn end_in(&self, slot: usize) -> u64 {
        self.ends.get(&slot).map_or(BODY_HEADER as u64, |end| end - address(slot, 0))
    }

    /// Whether the catalogue is mostly about what is gone.
    fn is_worth_shortening(&self) -> bool {
        let Marked { entry_bytes, reached_entry_bytes, .. } = self.marked;
        entry_bytes > 2 * reached_entry_bytes + WORTH_SHORTENING
    }
}

fn lost_file(home: &Home, address: u64) -> ReadError {
    let path = home.disk.path(&body::name(body::place(address).0));
    body::damage(path, 0, "the file is missing, and pins are in it").into()
}

/// Writes down what is gone, and lets the index forget it. Gives the sequence from which on the
/// catalogue counts.
fn tell(
    files: &mut Files,
    ledger: &mut Ledger,
    pages: &Pages,
    found: &Found,
) -> Result<u64, CollectError> {
    let catalogue = &mut ledger.catalogue;
    let newest = found.marked.newest;
    let (mut start, mut copied) = (newest.start, newest.copied);
    if found.is_worth_shortening() {
        start = catalogue.begin_segment()?;
        copy(catalogue, pages, found)?;
        copied = catalogue.last() + 1;
    }
    let gaps = Gaps { end: found.end, start, copied, free: found.free.clone() };
    catalogue.push(&[&gaps.encode()])?;
    catalogue.flush()?;
    catalogue.mark();
    let told = catalogue.last();
    files.index.remove_all(&found.free)?;
    let filled = Filled { end: found.end, fill: 0 };
    ledger.told.state = State { covers: told, gaps: told, filled };
    ledger.told.unsettled += 1;
    (files.filled, files.gaps, files.filling) = (filled, told, None);
    Ok(start)
}

/// Tells once more of what is reached.
fn copy(catalogue: &mut Journal, pages: &Pages, found: &Found) -> Result<(), CollectError> {
    let mut copy = Group::default();
    let mut result = Ok(());
    let mut write = |copy: &mut Group| {
        let copy = std::mem::take(copy);
        let (head, entries) = copy.encode_copy();
        catalogue.push(&[&head, entries])
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
    files: &mut Files,
    found: &mut Found,
    on_progress: OnProgress<'_>,
) -> Result<(), CollectError> {
    if found.end.offset == 0 {
        return Ok(());
    }
    let home = files.home.clone();
    remove_empty(files, found)?;
    let total = found.free.as_slice().len() as u64;
    let mut done = 0;
    for body in &mut files.bodies {
        let (first, behind) = (address(body.slot, 0), address(body.slot + 1, 0));
        let end = aligned(found.end_in(body.slot));
        cut(&home, body, end)?;
        let ranges = found.free.as_slice();
        let from = ranges.partition_point(|range| range.0 < first);
        for (from, to) in ranges[from..].iter().take_while(|range| range.0 < behind) {
            found.figures.no_holes |= !punch(&home, body, from - first, (to - first).min(end))?;
            done += 1;
            on_progress(Step::Returning, done, total);
        }
        let flushed = body.file.flush();
        flushed.map_err(|error| home.health.fail(home.error(&body.name, "flush", error)))?;
    }
    Ok(())
}

/// Removes files in which nothing is reached, but not the one that is being filled.
fn remove_empty(files: &mut Files, found: &Found) -> Result<(), DiskError> {
    let home = &files.home;
    let is_empty = |slot: usize| slot as u64 != found.end.slot && !found.ends.contains_key(&slot);
    let mut removed = false;
    for body in files.bodies.iter().filter(|body| is_empty(body.slot)) {
        let gone = home.disk.remove(&body.name);
        gone.map_err(|error| home.error(&body.name, "remove", error))?;
        removed = true;
    }
    if removed {
        let synced = home.disk.sync_dir(BODIES_DIR);
        synced.map_err(|error| home.error(BODIES_DIR, "flush", error))?;
    }
    files.bodies.retain(|body| !is_empty(body.slot));
    Ok(())
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
