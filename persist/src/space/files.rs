//! The files of a pin space: bodies, catalogue, index; without any mapping.
//!
//! ```text
//! write ──▶ bodies ──┐ commit: bodies are flushed,
//! add ────▶ group ───┴─▶ then the catalogue is, ──▶ then the index is told
//! ```
//!
//! So the catalogue tells only of what is durable, and the index only of what is in the catalogue.
//! What a crash leaves behind the last committed body is written over.
//!
//! While a commit waits for the disk, pins are found and kept: [`Files`], which those need, is locked
//! only for moments; the [`Ledger`], which a commit holds throughout, is for commits alone. Where both
//! are held, the ledger is taken first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use vm::pinspace::range::{ALIGNMENT, SLOT_SIZE};

use super::body::{self, BODY_HEADER, Body, address, damage};
use super::catalogue::{self, CATALOGUE, End, Entry, Group};
use super::index::Index;
use super::state::State;
use super::{BODIES_DIR, INDEX_DIR};
use crate::Hash;
use crate::disk::DiskFile;
use crate::error::{DiskError, OpenError, PinError, ReadError};
use crate::frame::{FrameKind, SEGMENT_HEADER};
use crate::health::WriteError;
use crate::journal::{Home, Journal, Survey};
use crate::lock::lock;
use crate::segment::{Depth, Segment};

/// A group is ended when it has so many bytes, a segment of the catalogue likewise.
const GROUP: usize = 1 << 20;
const CATALOGUE_SEGMENT: u64 = 64 << 20;

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
type Groups = VecDeque<(End, Gathered)>;

/// Files that are to be flushed, with their names.
type Dirty = Vec<(String, Arc<dyn DiskFile>)>;

/// Bodies and index: what it takes to find and to keep pins.
pub(crate) struct Files {
    pub(crate) home: Home,
    /// The last one is being filled.
    pub(crate) bodies: Vec<Body>,
    index: Index,
    /// Groups that are full, and the one that is not.
    full: Groups,
    gathered: Gathered,
    /// The pins that the index has not been told of.
    fresh: HashMap<Hash, u64>,
}

/// The catalogue's writing end, and how far the index goes.
struct Ledger {
    catalogue: Journal,
    state: State,
    /// What the index has not been told of, though the catalogue has it.
    untold: Vec<(Hash, u64)>,
    /// Where bodies ended with the last group of the catalogue.
    end: End,
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
    kept: Option<(State, Index)>,
    survey: Survey,
    bodies: Vec<Body>,
    end: End,
}

impl PinSurvey {
    /// Looks at a pin space of which the first `proven` groups are known to have been durable.
    pub(crate) fn make(home: &Home, proven: u64) -> Result<Self, OpenError> {
        let kept = State::read(home).zip(Index::open(&home.disk)?);
        let state = kept.as_ref().map_or_else(State::default, |(state, _)| *state);
        let (from, proven) = (state.covers.max(1), state.covers.max(proven));
        let survey = Survey::make(home, &CATALOGUE, from, proven, Depth::Unproven);
        let survey = survey.map_err(refuse)?;
        let mut end = state.end;
        each_group(&survey, state.covers, |group_end, _| {
            end = group_end;
            Ok(())
        })
        .map_err(refuse)?;
        let bodies = body::open_all(home, end)?;
        Ok(Self { home: home.clone(), kept, survey, bodies, end })
    }

    /// The files of bodies, each with where it ends.
    pub(crate) fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// Takes the pin space up. What the catalogue has and the index lacks is put into that: mostly
    /// nothing, everything after a loss of power.
    pub(crate) fn resume(self) -> Result<Pins, OpenError> {
        let Self { home, kept, survey, bodies, end } = self;
        let (mut state, mut index) = match kept {
            Some(kept) => kept,
            None => {
                State::remove(&home)?;
                (State::default(), Index::create(&home.disk)?)
            }
        };
        let last = survey.last.next - 1;
        if last > state.covers {
            begin_changing(&home, &mut state).map_err(not_opened)?;
            each_group(&survey, state.covers, |_, entries| {
                entries.iter().try_for_each(|entry| index.insert(&entry.hash, entry.address))
            })
            .map_err(refuse)?;
            (state.covers, state.end) = (last, end);
        }
        let catalogue = Journal::resume(home.clone(), CATALOGUE, CATALOGUE_SEGMENT, survey)?;
        Ok(Pins::new(home, bodies, index, Ledger { catalogue, state, untold: vec![], end }))
    }
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
    pub(crate) fn place(&self, bytes: usize) -> Option<u64> {
        let body = self.bodies.last()?;
        let fits = bytes as u64 <= SLOT_SIZE as u64 - body.end;
        fits.then(|| address(body.slot, body.end))
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

    /// Writes a record at the address that [`Files::place`] has told.
    pub(crate) fn keep(&mut self, record: &[u8], entry: &Entry) -> Result<(), PinError> {
        self.home.health.check()?;
        let Some(body) = self.bodies.last_mut() else { unreachable!("there is always a file") };
        let written = body.file.write_at(body.end, record);
        let judged = |error| self.home.health.judge(self.home.error(&body.name, "write", error));
        written.map_err(judged)?;
        body.end = (body.end + record.len() as u64).next_multiple_of(ALIGNMENT as u64);
        body.dirty = true;
        self.gathered.group.add(entry);
        self.gathered.places.push((entry.hash, entry.address));
        self.fresh.insert(entry.hash, entry.address);
        if self.gathered.group.len() >= GROUP {
            self.end_group();
        }
        Ok(())
    }

    fn end_group(&mut self) {
        if let (false, Some(body)) = (self.gathered.group.is_empty(), self.bodies.last()) {
            let end = End { slot: body.slot as u64, offset: body.end };
            self.full.push_back((end, std::mem::take(&mut self.gathered)));
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
            self.fresh.remove(hash);
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
        let state = State { covers: 0, end, changing: None };
        let body = Body::create(&home, slot)?;
        let ledger = Ledger { catalogue, state, untold: vec![], end };
        Ok(Self::new(home, vec![body], index, ledger))
    }

    fn new(home: Home, bodies: Vec<Body>, index: Index, ledger: Ledger) -> Self {
        let files = Files {
            home: home.clone(),
            bodies,
            index,
            full: Groups::new(),
            gathered: Gathered::default(),
            fresh: HashMap::new(),
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
        while let Some((end, gathered)) = groups.front() {
            let (head, entries) = gathered.group.encode(*end);
            result = ledger.catalogue.push(&[&head, entries]);
            if result.is_err() {
                break;
            }
            ledger.end = *end;
            ledger.untold.extend(&gathered.places);
            groups.pop_front();
        }
        // Groups that find no room stay for the next time, before those that came meanwhile.
        groups.into_iter().rev().for_each(|group| lock(&self.files).full.push_front(group));
        result?;
        ledger.catalogue.flush()?;
        ledger.catalogue.mark();
        self.tell_index(ledger)?;
        Ok(ledger.catalogue.durable())
    }

    /// Puts into the index what has become durable.
    fn tell_index(&self, ledger: &mut Ledger) -> Result<(), WriteError> {
        if ledger.untold.is_empty() {
            return Ok(());
        }
        begin_changing(&self.home, &mut ledger.state)?;
        for places in ledger.untold.chunks(TOLD_AT_ONCE) {
            let told = lock(&self.files).tell(places);
            told.map_err(|error| self.home.health.judge(error))?;
        }
        ledger.untold.clear();
        (ledger.state.covers, ledger.state.end) = (ledger.catalogue.last(), ledger.end);
        Ok(())
    }

    /// Makes everything durable, so that the next opening finds nothing to do.
    pub(crate) fn close(&self) -> Result<(), WriteError> {
        self.commit()?;
        let ledger = &mut *lock(&self.ledger);
        ledger.catalogue.close()?;
        if ledger.state.changing.is_none() && ledger.state.covers > 0 {
            return Ok(());
        }
        let flushed = lock(&self.files).index.flush();
        flushed.map_err(|error| self.home.health.judge(error))?;
        ledger.state.changing = None;
        ledger.state.write(&self.home)
    }

    /// How many groups of the catalogue are durable.
    pub(crate) fn groups(&self) -> u64 {
        lock(&self.ledger).catalogue.durable()
    }

    /// All pins that are durable, in the order in which they were committed: after those that they
    /// refer to.
    pub(crate) fn each_entry(
        &self,
        mut visit: impl FnMut(&Entry) -> Result<(), DiskError>,
    ) -> Result<(), ReadError> {
        let last = self.groups();
        let survey = Survey::make(&self.home, &CATALOGUE, 1, last, Depth::Unproven)?;
        each_group(&survey, 0, |_, entries| entries.iter().try_for_each(&mut visit))
    }
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

/// Hands out the groups after that one, and where bodies ended with each.
pub(crate) fn each_group(
    survey: &Survey,
    after: u64,
    mut visit: impl FnMut(End, &[Entry]) -> Result<(), DiskError>,
) -> Result<(), ReadError> {
    for segment in &survey.segments {
        let mut frames = segment.frames(SEGMENT_HEADER)?;
        let mut reached = segment.header.first;
        while reached < survey.last.next {
            let Some((offset, frame)) = frames.next()? else { break };
            if frame.kind != FrameKind::Data {
                continue;
            }
            reached = frame.seq + 1;
            if frame.seq <= after {
                continue;
            }
            let group = catalogue::decode(&segment.payload(offset, &frame)?);
            let Some((end, entries)) = group else {
                return Err(segment.damage(offset, "what stands here is no group of pins").into());
            };
            visit(end, &entries)?;
        }
    }
    Ok(())
}

/// The number of the last group that can be reached from the first without passing damage. Used for
/// advice only.
pub(crate) fn intact(home: &Home) -> u64 {
    let mut last = 0;
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
                let payload = segment.payload(at, &frame).ok();
                if payload.and_then(|payload| catalogue::decode(&payload)).is_none() {
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
