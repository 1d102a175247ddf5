//! The files of a pin space: bodies, catalogue, index; without any mapping.
//!
//! ```text
//! write ──▶ bodies ──┐ commit: bodies are flushed,
//! add ────▶ group ───┴─▶ then the catalogue is, ──▶ then the index is told
//! ```
//!
//! So the catalogue tells only of what is durable, and the index only of what is in the catalogue.
//! Records are put into the gaps that the last collection found, and behind all others where those
//! are full. What a crash leaves where there is no committed record is written over.
//!
//! While a commit waits for the disk, pins are found and kept: [`Files`], which those need, is locked
//! only for moments; the [`Ledger`], which a commit holds throughout, is for commits alone. Where both
//! are held, the ledger is taken first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use vm::pinspace::range::SLOT_SIZE;

use super::body::{self, BODY_HEADER, Body, address, damage};
use super::catalogue::{self, CATALOGUE, End, Entry, Filled, Group, Page};
use super::index::Index;
use super::pages::{Counted, Pages};
use super::ranges::{Filling, Ranges, aligned};
use super::state::State;
use super::telling::{self, Told, Untold};
use super::{BODIES_DIR, INDEX_DIR};
use crate::Hash;
use crate::disk::DiskFile;
use crate::error::{DiskError, OpenError, PinError, ReadError};
use crate::frame::{FrameKind, SEGMENT_HEADER};
use crate::health::WriteError;
use crate::journal::{self, Home, Journal, Survey};
use crate::lock::lock;
use crate::segment::{Depth, Segment};

/// A group is ended when it has so many bytes, a segment of the catalogue likewise.
const GROUP: usize = 1 << 20;
const CATALOGUE_SEGMENT: u64 = if cfg!(test) { 4 << 10 } else { 64 << 20 };

/// So many pins are put into the index while nobody else may look for one.
const TOLD_AT_ONCE: usize = 256;

/// Pins that are not in the catalogue yet.
#[derive(Default)]
struct Gathered {
    group: Group,
    /// What the index is to be told of them.
    places: Vec<(Hash, u64)>,
}

/// Groups that are full, each with where bodies ended then.
type Groups = VecDeque<(Filled, Gathered)>;

/// Files that are to be flushed, with their names.
type Dirty = Vec<(String, Arc<dyn DiskFile>)>;

/// Bodies and index: what it takes to find and to keep pins.
pub(crate) struct Files {
    pub(crate) home: Home,
    /// The last one is being filled.
    pub(crate) bodies: Vec<Body>,
    /// A file is not made longer than this.
    pub(super) limit: u64,
    pub(super) index: Index,
    /// How far they have been filled.
    pub(super) filled: Filled,
    /// The number of the newest gaps, and what is left of them once somebody has asked for a place.
    pub(super) gaps: u64,
    pub(super) filling: Option<Filling>,
    full: Groups,
    /// What is in none of them yet.
    gathered: Gathered,
    /// The pins that the index has not been told of.
    fresh: HashMap<Hash, u64>,
}

/// The catalogue's writing end, and how far the index has been told of it.
pub(super) struct Ledger {
    pub(super) catalogue: Journal,
    pub(super) told: Told,
}

/// The open files of a pin space.
pub(crate) struct Pins {
    home: Home,
    files: Mutex<Files>,
    ledger: Mutex<Ledger>,
}

/// What is on disk of a pin space, found without changing anything.
pub(crate) struct PinSurvey {
    home: Home,
    todo: Todo,
    survey: Survey,
    bodies: Vec<Body>,
    /// What the state will be when the index has been told of everything.
    after: State,
}

/// What the index is to be told.
enum Todo {
    Nothing(Index),
    /// What stands behind what the state covers.
    CatchUp(State, Index, Pages),
    /// Everything.
    Rebuild(Pages, Counted),
}

impl PinSurvey {
    /// Looks at a pin space of which the first `proven` groups are known to have been durable.
    pub(crate) fn make(home: &Home, proven: u64) -> Result<Self, OpenError> {
        let kept = match State::read(home) {
            Some((state, shape)) => Index::open(&home.disk, shape)?.map(|index| (state, index)),
            None => None,
        };
        let covers = kept.as_ref().map_or(0, |(state, _)| state.covers);
        let survey = survey(home, covers, proven).map_err(refuse)?;
        let last = survey.last.next - 1;
        let pages = || Pages::list(&survey.segments, last).map_err(refuse);
        let (todo, after) = match kept {
            Some((state, index)) if last == covers => (Todo::Nothing(index), state),
            Some((state, index)) => {
                let pages = pages()?;
                let after = state_after(&pages, state).map_err(refuse)?;
                (Todo::CatchUp(state, index, pages), after)
            }
            None => {
                let pages = pages()?;
                let counted = pages.count().map_err(refuse)?;
                let (filled, gaps) = (counted.newest.filled, counted.newest.gaps);
                let after = State { covers: last, filled, gaps };
                (Todo::Rebuild(pages, counted), after)
            }
        };
        let bodies = body::open_all(home, after.filled.end)?;
        Ok(Self { home: home.clone(), todo, survey, bodies, after })
    }

    /// The files of bodies, each with where it ends.
    pub(crate) fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// Takes the pin space up. What the catalogue has and the index lacks is to be told to that: mostly
    /// nothing, the newest groups after a crash, everything where the index was lost.
    pub(crate) fn resume(self) -> Result<Pins, OpenError> {
        let Self { home, todo, survey, bodies, after } = self;
        let (told, index) = match todo {
            Todo::Nothing(index) => (Told::all(after), index),
            Todo::CatchUp(state, mut index, pages) => {
                (telling::catch_up(state, after.gaps, &mut index, &pages)?, index)
            }
            Todo::Rebuild(pages, counted) => {
                (Told::all(after), telling::rebuild(&home, &pages, &counted, after)?)
            }
        };
        let catalogue = Journal::resume(home.clone(), CATALOGUE, CATALOGUE_SEGMENT, survey)?;
        Ok(Pins::new(home, bodies, index, after.filled, Ledger { catalogue, told }))
    }
}

/// Looks into the catalogue behind that sequence.
fn survey(home: &Home, covers: u64, proven: u64) -> Result<Survey, ReadError> {
    let from = match covers {
        0 => journal::list(home, &CATALOGUE)?.0.first().copied().unwrap_or(1),
        covers => covers,
    };
    Survey::make(home, &CATALOGUE, from, covers.max(proven), Depth::Unproven)
}

/// The whole catalogue, as far as it is there.
pub(crate) fn all_pages(home: &Home, proven: u64) -> Result<Pages, ReadError> {
    let survey = survey(home, 0, proven)?;
    Pages::list(&survey.segments, survey.last.next - 1)
}

/// What the state will be when the index has been told of these pages.
fn state_after(pages: &Pages, mut state: State) -> Result<State, ReadError> {
    let covers = state.covers;
    for sequence in pages.sequences().skip_while(|sequence| *sequence <= covers) {
        pages.read(sequence, |page| {
            match page {
                Page::Group(filled, _) => state.filled = filled,
                Page::Gaps(gaps) => {
                    state.filled = Filled { end: gaps.end, fill: 0 };
                    state.gaps = sequence;
                }
                Page::Copy(_) => {}
            }
            Ok(())
        })?;
        state.covers = sequence;
    }
    Ok(state)
}

/// The addresses that the gaps of that sequence name.
fn read_gaps(home: &Home, sequence: u64) -> Result<Ranges, ReadError> {
    let (firsts, _) = journal::list(home, &CATALOGUE)?;
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

impl Files {
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
        // One that is larger than a file should be has a file to itself.
        let is_empty = body.end <= BODY_HEADER as u64;
        let limit = if is_empty { SLOT_SIZE as u64 } else { self.limit };
        let fits = bytes as u64 <= limit.saturating_sub(body.end);
        Ok(fits.then(|| address(body.slot, body.end)))
    }

    fn filling(&mut self) -> Result<&mut Filling, ReadError> {
        if self.filling.is_none() {
            let free = match self.gaps {
                0 => Ranges::default(),
                gaps => read_gaps(&self.home, gaps)?,
            };
            self.filling = Some(Filling::new(&free, self.filled.fill));
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
        self.end_group();
        self.bodies.push(body);
        Ok(&self.bodies[self.bodies.len() - 1])
    }

    /// Writes a record at the address that [`Files::place`] has told. Says whether it is behind all
    /// others, and in no gap.
    pub(crate) fn keep(&mut self, record: &[u8], entry: &Entry) -> Result<bool, PinError> {
        self.home.health.check()?;
        let (slot, offset) = body::place(entry.address);
        let body = self.bodies.iter_mut().rev().find(|body| body.slot == slot);
        let Some(body) = body else { unreachable!("a place is in an open file") };
        let written = body.file.write_at(offset, record);
        let judged = |error| self.home.health.judge(self.home.error(&body.name, "write", error));
        written.map_err(judged)?;
        body.dirty = true;
        let bytes = record.len() as u64;
        let in_gap = self.filling.as_mut().is_some_and(|gaps| gaps.take(entry.address, bytes));
        if in_gap {
            self.filled.fill = aligned(entry.address + bytes);
        } else {
            body.end = aligned(offset + bytes);
            self.filled.end = End { slot: slot as u64, offset: body.end };
        }
        self.gathered.group.add(entry);
        self.gathered.places.push((entry.hash, entry.address));
        self.fresh.insert(entry.hash, entry.address);
        if self.gathered.group.len() >= GROUP {
            self.end_group();
        }
        Ok(!in_gap)
    }

    fn end_group(&mut self) {
        if !self.gathered.group.is_empty() {
            self.full.push_back((self.filled, std::mem::take(&mut self.gathered)));
        }
    }

    /// The groups that wait for a commit, and the files to be flushed before.
    fn take(&mut self) -> (Groups, Dirty) {
        self.end_group();
        let mut dirty = Vec::new();
        for body in self.bodies.iter_mut().filter(|body| body.dirty) {
            body.dirty = false;
            dirty.push((body.name.clone(), Arc::clone(&body.file)));
        }
        (std::mem::take(&mut self.full), dirty)
    }

    /// Puts pins into the index.
    fn tell(&mut self, places: &[(Hash, u64)]) -> Result<(), DiskError> {
        for (hash, address) in places {
            self.index.insert(hash, *address)?;
            // One that was written again meanwhile stays.
            if self.fresh.get(hash) == Some(address) {
                self.fresh.remove(hash);
            }
        }
        Ok(())
    }
}

impl Pins {
    /// Begins a pin space with that slot, in directories that are there and empty.
    pub(crate) fn create(home: Home, slot: usize) -> Result<Self, WriteError> {
        let judge = |error| home.health.judge(error);
        let catalogue = Journal::create(home.clone(), CATALOGUE, CATALOGUE_SEGMENT)?;
        let index = Index::create(&home.disk).map_err(judge)?;
        let end = End { slot: slot as u64, offset: BODY_HEADER as u64 };
        let filled = Filled { end, fill: 0 };
        let told = Told::all(State { filled, ..State::default() });
        let body = Body::create(&home, slot)?;
        Ok(Self::new(home, vec![body], index, filled, Ledger { catalogue, told }))
    }

    fn new(home: Home, bodies: Vec<Body>, index: Index, filled: Filled, ledger: Ledger) -> Self {
        let untold = ledger.told.untold.iter().flat_map(|group| group.places.iter().copied());
        let files = Files {
            home: home.clone(),
            bodies,
            limit: SLOT_SIZE as u64,
            index,
            filled,
            gaps: ledger.told.state.gaps,
            filling: None,
            full: Groups::new(),
            gathered: Gathered::default(),
            fresh: untold.collect(),
        };
        Self { home, files: Mutex::new(files), ledger: Mutex::new(ledger) }
    }

    /// What it takes to find and to keep pins. To be held for moments only.
    pub(crate) fn files(&self) -> &Mutex<Files> {
        &self.files
    }

    /// Makes durable what had been kept when this was called, and says how many groups the catalogue
    /// has then.
    pub(crate) fn commit(&self) -> Result<u64, WriteError> {
        let ledger = &mut *lock(&self.ledger);
        self.home.health.check()?;
        let (mut groups, dirty) = lock(&self.files).take();
        for (name, file) in dirty {
            let failed = |error| self.home.health.fail(self.home.error(&name, "flush", error));
            file.flush().map_err(failed)?;
        }
        let mut result = Ok(());
        let mut pushed = 0;
        while let Some((filled, gathered)) = groups.pop_front() {
            let (head, entries) = gathered.group.encode(filled);
            result = ledger.catalogue.push(&[&head, entries]);
            if result.is_err() {
                groups.push_front((filled, gathered));
                break;
            }
            pushed += gathered.places.len();
            let group = Untold::new(ledger.catalogue.last(), filled, gathered.places);
            ledger.told.untold.push_back(group);
        }
        // Groups that find no room stay for the next time, before those that came meanwhile.
        groups.into_iter().rev().for_each(|group| lock(&self.files).full.push_front(group));
        result?;
        ledger.catalogue.flush()?;
        ledger.catalogue.mark();
        self.tell_index(ledger, pushed + telling::BACKLOG)?;
        Ok(ledger.catalogue.durable())
    }

    /// Puts into the index what has become durable, no more than so many pins.
    fn tell_index(&self, ledger: &mut Ledger, most: usize) -> Result<(), WriteError> {
        let mut left = most;
        while let Some(places) = ledger.told.next(left.min(TOLD_AT_ONCE)).filter(|_| left > 0) {
            let told = lock(&self.files).tell(places);
            told.map_err(|error| self.home.health.judge(error))?;
            left -= places.len();
            let count = places.len();
            if ledger.told.advance(count) {
                self.settle(ledger)?;
            }
        }
        Ok(())
    }

    /// Makes the index durable, so that nothing before need be told again.
    fn settle(&self, ledger: &mut Ledger) -> Result<(), WriteError> {
        let (files, shape) = {
            let files = lock(&self.files);
            (files.index.files(), files.index.shape())
        };
        telling::write(&self.home, &ledger.told.state, &files, &shape)?;
        ledger.told.unsettled = 0;
        let settled = lock(&self.files).index.settle();
        settled.map_err(|error| self.home.health.judge(error))
    }

    /// Makes everything durable, so that the next opening finds nothing to do.
    pub(crate) fn close(&self) -> Result<(), WriteError> {
        self.commit()?;
        let ledger = &mut *lock(&self.ledger);
        ledger.catalogue.close()?;
        self.tell_index(ledger, usize::MAX)?;
        if ledger.told.unsettled > 0 { self.settle(ledger) } else { Ok(()) }
    }

    /// Tells the index of everything.
    pub(super) fn tell_all(&self) -> Result<(), WriteError> {
        self.tell_index(&mut lock(&self.ledger), usize::MAX)
    }

    /// How many groups of the catalogue are durable.
    pub(crate) fn groups(&self) -> u64 {
        lock(&self.ledger).catalogue.durable()
    }

    /// All pins that are durable, each after those that it refers to.
    pub(crate) fn each_entry(
        &self,
        mut visit: impl FnMut(&Entry) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let pages = self.pages()?;
        pages.forwards(&pages.count()?, |entry| visit(&entry.to_entry()))
    }

    /// The whole catalogue, as far as it is durable.
    pub(super) fn pages(&self) -> Result<Pages, ReadError> {
        let last = self.groups();
        Pages::list(&survey(&self.home, 0, last)?.segments, last)
    }

    /// Both parts, for one who has the pin space for himself.
    pub(super) fn parts(&mut self) -> (&mut Files, &mut Ledger) {
        let files = self.files.get_mut().unwrap_or_else(PoisonError::into_inner);
        let ledger = self.ledger.get_mut().unwrap_or_else(PoisonError::into_inner);
        (files, ledger)
    }
}

/// The number of the last group that can be reached from the first without passing damage. Used for
/// advice only.
pub(crate) fn intact(home: &Home) -> u64 {
    let first =
        journal::list(home, &CATALOGUE).ok().and_then(|(firsts, _)| firsts.first().copied());
    let mut last = first.unwrap_or(1) - 1;
    loop {
        let Ok(segment) = Segment::open(home.disk.as_ref(), &CATALOGUE, home.store, last + 1)
        else {
            return last;
        };
        let segment = Arc::new(segment);
        let Ok(mut frames) = segment.frames(SEGMENT_HEADER) else { return last };
        let before = last;
        while let Ok(Some((at, frame))) = frames.next() {
            if frame.kind == FrameKind::Data {
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

pub(super) fn refuse(error: ReadError) -> OpenError {
    match error {
        ReadError::Damaged(damage) => OpenError::Damaged { damage, usable: vec![] },
        ReadError::Disk(error) => error.into(),
        ReadError::Gap { path, first, .. } => {
            let reason = format!("the catalogue begins with group {first}");
            OpenError::Damaged { damage: damage(path, 0, reason), usable: vec![] }
        }
    }
}

pub(super) fn not_opened(error: WriteError) -> OpenError {
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
