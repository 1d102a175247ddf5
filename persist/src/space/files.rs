//! The files of a pin space: bodies, catalogue, index; without any mapping.
//!
//! ```text
//! write ──▶ bodies ──┐ commit: bodies are flushed,
//! add ────▶ group ───┴─▶ then the catalogue is, ──▶ then the index is told
//! ```
//!
//! So the catalogue tells only of what is durable, and the index only of what is in the catalogue.
//! Records are put into the gaps that the last collection found, and behind all others where those
//! are full. What a crash leaves where no committed record is, is written over.

use std::collections::HashMap;
use std::sync::Arc;

use vm::pinspace::range::SLOT_SIZE;

use super::bodies::{BODY_HEADER, Body, damage, open_bodies};
use super::catalogue::{CATALOGUE, End, Entry, Filled, Group, Page};
use super::index::Index;
use super::pages::{Newest, Pages};
use super::ranges::{Filling, aligned, slot_begin, slot_of};
use super::state::State;
use super::{BODIES_DIR, INDEX_DIR};
use crate::Hash;
use crate::error::{DiskError, OpenError, PinError, ReadError};
use crate::health::WriteError;
use crate::journal::{self, Home, Journal, Survey};
use crate::segment::{Depth, Segment};

/// A group is ended when it has so many bytes, a segment of the catalogue likewise.
const GROUP: usize = 1 << 20;
const CATALOGUE_SEGMENT: u64 = if cfg!(test) { 4 << 10 } else { 64 << 20 };

/// The open files.
pub(crate) struct Files {
    pub(crate) home: Home,
    /// The last one is being filled.
    pub(crate) bodies: Vec<Body>,
    pub(super) catalogue: Journal,
    pub(super) index: Index,
    pub(super) state: State,
    /// The gaps that are being filled, once somebody has asked for a place.
    filling: Option<Filling>,
    /// Pins that are not in the catalogue yet: groups that are full, the one that is not, and where
    /// they are.
    full: Vec<(Filled, Group)>,
    group: Group,
    fresh: HashMap<Hash, u64>,
}

impl Files {
    /// Begins a pin space with that slot, in directories that are there and empty.
    pub(crate) fn create(home: Home, slot: usize) -> Result<Self, WriteError> {
        let judge = |error| home.health.judge(error);
        let catalogue = Journal::create(home.clone(), CATALOGUE, CATALOGUE_SEGMENT)?;
        let index = Index::create(&home.disk).map_err(judge)?;
        let end = End { slot: slot as u64, offset: BODY_HEADER as u64 };
        let state = State { filled: Filled { end, fill: 0 }, ..State::default() };
        let body = Body::create(&home, slot)?;
        Ok(Self {
            home,
            bodies: vec![body],
            catalogue,
            index,
            state,
            filling: None,
            full: Vec::new(),
            group: Group::default(),
            fresh: HashMap::new(),
        })
    }

    /// Opens a pin space. What the catalogue has and the index lacks is put into that: mostly
    /// nothing, everything after a loss of power.
    pub(crate) fn open(home: Home) -> Result<Self, OpenError> {
        let kept = State::read(&home).zip(Index::open(&home.disk)?);
        let covers = kept.as_ref().map_or(0, |(state, _)| state.covers);
        let survey = survey(&home, covers).map_err(refuse)?;
        let last = survey.last.next - 1;
        let pages = || Pages::list(&survey.segments, last).map_err(refuse);
        let (state, index) = match kept {
            Some(kept) if last == covers => kept,
            Some((state, index)) => catch_up(&home, state, index, &pages()?)?,
            None => rebuild(&home, &pages()?)?,
        };
        let catalogue = Journal::resume(home.clone(), CATALOGUE, CATALOGUE_SEGMENT, survey)?;
        let bodies = open_bodies(&home, state.filled.end)?;
        let (filling, full, group, fresh) = Default::default();
        Ok(Self { home, bodies, catalogue, index, state, filling, full, group, fresh })
    }

    /// Where the pin with that hash may be.
    pub(crate) fn find(&self, hash: &Hash) -> Result<Option<u64>, DiskError> {
        match self.fresh.get(hash) {
            Some(address) => Ok(Some(*address)),
            None => self.index.find(hash),
        }
    }

    /// The address for a record of so many bytes; none if it needs another slot.
    pub(crate) fn place(&mut self, bytes: usize) -> Result<Option<u64>, ReadError> {
        if let Some(address) = self.filling()?.place(bytes as u64) {
            return Ok(Some(address));
        }
        let Some(body) = self.bodies.last() else { return Ok(None) };
        let fits = bytes as u64 <= (SLOT_SIZE as u64).saturating_sub(body.end);
        Ok(fits.then(|| slot_begin(body.slot as u64) + body.end))
    }

    fn filling(&mut self) -> Result<&mut Filling, ReadError> {
        if self.filling.is_none() {
            let State { gaps, filled, .. } = self.state;
            let free = match gaps {
                0 => Default::default(),
                gaps => read_gaps(&self.home, self.catalogue.firsts(), gaps)?,
            };
            self.filling = Some(Filling::new(&free, filled.fill));
        }
        Ok(self.filling.get_or_insert_default())
    }

    /// Whether a record of so many bytes fits into any slot.
    pub(crate) fn can_ever_place(bytes: usize) -> bool {
        bytes <= SLOT_SIZE - BODY_HEADER
    }

    /// Goes on in another slot.
    pub(crate) fn add_slot(&mut self, slot: usize) -> Result<&Body, PinError> {
        let body = Body::create(&self.home, slot)?;
        self.bodies.push(body);
        Ok(&self.bodies[self.bodies.len() - 1])
    }

    /// Writes a record at the address that [`Files::place`] has told. Says whether the last file has
    /// grown by it.
    pub(crate) fn keep(&mut self, record: &[u8], entry: &Entry) -> Result<bool, PinError> {
        self.home.health.check()?;
        let slot = slot_of(entry.address);
        let at = self.bodies.iter().rposition(|body| body.slot as u64 == slot);
        let at = at.expect("a place is in an open file");
        let (offset, bytes) = (entry.address - slot_begin(slot), record.len() as u64);
        let body = &mut self.bodies[at];
        let written = body.file.write_at(offset, record);
        let judged = |error| self.home.health.judge(self.home.error(&body.name, "write", error));
        written.map_err(judged)?;
        body.dirty = true;
        let in_gap = self.filling.as_mut().is_some_and(|gaps| gaps.take(entry.address, bytes));
        if in_gap {
            self.state.filled.fill = aligned(entry.address + bytes);
        } else {
            body.end = aligned(offset + bytes);
            self.state.filled.end = End { slot, offset: body.end };
        }
        self.group.add(entry);
        self.fresh.insert(entry.hash, entry.address);
        if self.group.len() >= GROUP {
            self.full.push((self.state.filled, std::mem::take(&mut self.group)));
        }
        Ok(!in_gap)
    }

    /// Makes durable what has been written.
    pub(crate) fn commit(&mut self) -> Result<(), PinError> {
        self.end_group();
        if self.full.is_empty() {
            return Ok(());
        }
        self.home.health.check()?;
        for body in self.bodies.iter_mut().filter(|body| body.dirty) {
            let failed = |error| self.home.health.fail(self.home.error(&body.name, "flush", error));
            body.file.flush().map_err(failed)?;
            body.dirty = false;
        }
        // Groups that find no room stay for the next time; the others are not written twice.
        let mut pushed = 0;
        let mut result = Ok(());
        for (filled, group) in &self.full {
            let (head, entries) = group.encode(*filled);
            result = self.catalogue.push(&[&head, entries]).map(drop);
            if result.is_err() {
                break;
            }
            pushed += 1;
        }
        self.full.drain(..pushed);
        result?;
        self.catalogue.flush()?;
        self.catalogue.mark();
        self.tell_index()
    }

    fn end_group(&mut self) {
        if !self.group.is_empty() {
            self.full.push((self.state.filled, std::mem::take(&mut self.group)));
        }
    }

    /// Puts into the index what has become durable.
    fn tell_index(&mut self) -> Result<(), PinError> {
        begin_changing(&self.home, &mut self.state)?;
        for (hash, address) in &self.fresh {
            self.index.insert(hash, *address)?;
        }
        self.fresh.clear();
        self.state.covers = self.catalogue.last();
        Ok(())
    }

    /// Makes everything durable, so that the next opening finds nothing to do.
    pub(crate) fn close(&mut self) -> Result<(), PinError> {
        self.commit()?;
        self.catalogue.close()?;
        if self.state.changing.is_none() && self.state.covers > 0 {
            return Ok(());
        }
        self.index.flush()?;
        self.state.changing = None;
        self.state.write(&self.home)?;
        Ok(())
    }

    /// All pins that are durable, each after those that it refers to.
    pub(crate) fn each_entry(
        &self,
        mut visit: impl FnMut(&Entry) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let pages = self.pages()?;
        pages.forwards(&pages.count()?, |entry| visit(&entry.to_entry()))
    }

    /// The whole catalogue.
    pub(super) fn pages(&self) -> Result<Pages, ReadError> {
        let survey = survey(&self.home, 0)?;
        Pages::list(&survey.segments, self.catalogue.durable())
    }

    /// Says on disk that the index is no longer as it was when it was last closed.
    pub(super) fn begin_changing(&mut self) -> Result<(), WriteError> {
        begin_changing(&self.home, &mut self.state)
    }

    /// Forgets what is known of gaps: a collection has found others.
    pub(super) fn forget_gaps(&mut self) {
        self.filling = None;
    }
}

/// The whole catalogue, as far as it is whole, without opening it.
pub(super) fn all_pages(home: &Home) -> Result<Pages, ReadError> {
    let survey = survey(home, 0)?;
    Pages::list(&survey.segments, survey.last.next - 1)
}

/// Looks into the catalogue behind that sequence, everything up to which was durable.
fn survey(home: &Home, covers: u64) -> Result<Survey, ReadError> {
    let from = match covers {
        0 => journal::list(home, &CATALOGUE)?.0.first().copied().unwrap_or(1),
        covers => covers,
    };
    Survey::make(home, &CATALOGUE, from, covers, Depth::Unproven)
}

/// The addresses that the gaps of that sequence name.
fn read_gaps(
    home: &Home,
    firsts: &[u64],
    sequence: u64,
) -> Result<super::ranges::Ranges, ReadError> {
    let at = firsts.partition_point(|first| *first <= sequence).saturating_sub(1);
    let first = firsts.get(at).copied().unwrap_or(1);
    let segment = Segment::open(home.disk.as_ref(), &CATALOGUE, home.store, first)?;
    let pages = Pages::list(&[Arc::new(segment)], sequence)?;
    if !pages.sequences().contains(&sequence) {
        return Err(pages.damage(first, format!("group {sequence} is missing")));
    }
    pages.read(sequence, |page| match page {
        Page::Gaps(gaps) => Ok(gaps.free),
        _ => Err(pages.damage(sequence, "what stands here are no gaps")),
    })
}

/// Says on disk that the index is no longer as it was when it was last closed.
fn begin_changing(home: &Home, state: &mut State) -> Result<(), WriteError> {
    if state.changing.is_some() {
        return Ok(());
    }
    // Where the system's runs cannot be told apart, it is never believed.
    let changing = State { changing: Some(home.disk.boot().unwrap_or([1; 32])), ..*state };
    changing.write(home)?;
    *state = changing;
    Ok(())
}

/// Tells the index what has been written behind what it covers.
fn catch_up(
    home: &Home,
    mut state: State,
    mut index: Index,
    pages: &Pages,
) -> Result<(State, Index), OpenError> {
    begin_changing(home, &mut state).map_err(not_opened)?;
    let covers = state.covers;
    for sequence in pages.sequences().skip_while(|sequence| *sequence <= covers) {
        let told = pages.read(sequence, |page| {
            match page {
                Page::Group(filled, entries) => {
                    state.filled = filled;
                    for entry in entries {
                        index.insert(&entry.hash(), entry.address())?;
                    }
                }
                Page::Gaps(gaps) => {
                    state.filled = Filled { end: gaps.end, fill: 0 };
                    state.gaps = sequence;
                    index.remove_all(&gaps.free)?;
                }
                Page::Copy(_) => {}
            }
            Ok(())
        });
        told.map_err(refuse)?;
        state.covers = sequence;
    }
    Ok((state, index))
}

/// Builds the index from the whole catalogue.
fn rebuild(home: &Home, pages: &Pages) -> Result<(State, Index), OpenError> {
    State::remove(home)?;
    let mut index = Index::create(&home.disk)?;
    let mut state = State::default();
    begin_changing(home, &mut state).map_err(not_opened)?;
    let counted = pages.count().map_err(refuse)?;
    let insert =
        pages.forwards(&counted, |entry| Ok(index.insert(&entry.hash(), entry.address())?));
    insert.map_err(refuse)?;
    let Newest { filled, gaps, .. } = counted.newest;
    let covers = pages.sequences().end - 1;
    Ok((State { covers, filled, gaps, ..state }, index))
}

fn refuse(error: ReadError) -> OpenError {
    match error {
        ReadError::Damaged(damage) => OpenError::Damaged { damage, usable: vec![] },
        ReadError::Disk(error) => error.into(),
        ReadError::Gap { path, first, .. } => {
            let reason = format!("the catalogue begins with group {first}");
            OpenError::Damaged { damage: damage(path, 0, reason), usable: vec![] }
        }
    }
}

fn not_opened(error: WriteError) -> OpenError {
    match error {
        WriteError::Full(error) | WriteError::Failed(error) => error.into(),
    }
}

/// Makes the directories of a pin space.
pub(crate) fn make_dirs(home: &Home) -> Result<(), DiskError> {
    for dir in [BODIES_DIR, CATALOGUE.dir, INDEX_DIR] {
        home.disk.make_dir(dir).map_err(|error| home.error(dir, "create", error))?;
    }
    home.disk.sync_dir("").map_err(|error| home.error("", "flush", error))
}

#[cfg(test)]
mod tests;
