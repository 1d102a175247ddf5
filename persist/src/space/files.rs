//! The files of a pin space: bodies, catalogue, index; without any mapping.
//!
//! ```text
//! write ──▶ bodies ──┐ commit: bodies are flushed,
//! add ────▶ group ───┴─▶ then the catalogue is, ──▶ then the index is told
//! ```
//!
//! So the catalogue tells only of what is durable, and the index only of what is in the catalogue.
//! What a crash leaves behind the last committed body is written over.

use std::collections::HashMap;
use std::sync::Arc;

use vm::pinspace::range::{ALIGNMENT, BASE, SLOT_SIZE};

use super::catalogue::{self, CATALOGUE, End, Entry, Group};
use super::index::Index;
use super::state::State;
use super::{BODIES_DIR, INDEX_DIR};
use crate::Hash;
use crate::disk::DiskFile;
use crate::error::{Damage, DiskError, OpenError, PinError, ReadError};
use crate::frame::{FrameKind, SEGMENT_HEADER, VERSION, short, u32_at};
use crate::health::WriteError;
use crate::journal::{Home, Journal, Survey};
use crate::segment::Depth;

const BODY_MAGIC: [u8; 8] = *b"PALLASBD";
/// Bytes before the first record of a file of bodies.
const BODY_HEADER: usize = 64;
/// A group is ended when it has so many bytes, a segment of the catalogue likewise.
const GROUP: usize = 1 << 20;
const CATALOGUE_SEGMENT: u64 = 64 << 20;

/// One file of bodies.
pub(crate) struct Body {
    pub(crate) slot: usize,
    name: String,
    pub(crate) file: Arc<dyn DiskFile>,
    /// The offset behind the last record.
    pub(crate) end: u64,
    dirty: bool,
}

/// The open files.
pub(crate) struct Files {
    pub(crate) home: Home,
    /// The last one is being filled.
    pub(crate) bodies: Vec<Body>,
    catalogue: Journal,
    index: Index,
    state: State,
    /// Pins that are not in the catalogue yet: groups that are full, the one that is not, and where
    /// they are.
    full: Vec<(End, Group)>,
    group: Group,
    fresh: HashMap<Hash, u64>,
}

/// The address of an offset in a slot's file.
fn address(slot: usize, offset: u64) -> u64 {
    (BASE + slot * SLOT_SIZE) as u64 + offset
}

impl Files {
    /// Begins a pin space with that slot, in directories that are there and empty.
    pub(crate) fn create(home: Home, slot: usize) -> Result<Self, WriteError> {
        let judge = |error| home.health.judge(error);
        let catalogue = Journal::create(home.clone(), CATALOGUE, CATALOGUE_SEGMENT)?;
        let index = Index::create(&home.disk).map_err(judge)?;
        let end = End { slot: slot as u64, offset: BODY_HEADER as u64 };
        let state = State { covers: 0, end, changing: None };
        let body = Body::create(&home, slot)?;
        Ok(Self {
            home,
            bodies: vec![body],
            catalogue,
            index,
            state,
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
        let survey = Survey::make(&home, &CATALOGUE, covers.max(1), covers, Depth::Unproven);
        let survey = survey.map_err(refuse)?;
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
            each_group(&survey, state.covers, |group_end, entries| {
                state.end = group_end;
                entries.iter().try_for_each(|entry| index.insert(&entry.hash, entry.address))
            })
            .map_err(refuse)?;
            state.covers = last;
        }
        let catalogue = Journal::resume(home.clone(), CATALOGUE, CATALOGUE_SEGMENT, survey)?;
        let bodies = open_bodies(&home, state.end)?;
        let (full, group, fresh) = Default::default();
        Ok(Self { home, bodies, catalogue, index, state, full, group, fresh })
    }

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
        self.bodies.push(body);
        Ok(&self.bodies[self.bodies.len() - 1])
    }

    /// Writes a record at the address that [`Files::place`] has told.
    pub(crate) fn keep(&mut self, record: &[u8], entry: &Entry) -> Result<&Body, PinError> {
        self.home.health.check()?;
        let Some(body) = self.bodies.last_mut() else { unreachable!("there is always a file") };
        let written = body.file.write_at(body.end, record);
        let judged = |error| self.home.health.judge(self.home.error(&body.name, "write", error));
        written.map_err(judged)?;
        body.end = (body.end + record.len() as u64).next_multiple_of(ALIGNMENT as u64);
        body.dirty = true;
        self.group.add(entry);
        self.fresh.insert(entry.hash, entry.address);
        let end = End { slot: body.slot as u64, offset: body.end };
        if self.group.len() >= GROUP {
            self.full.push((end, std::mem::take(&mut self.group)));
        }
        Ok(&self.bodies[self.bodies.len() - 1])
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
        for (end, group) in &self.full {
            let (head, entries) = group.encode(*end);
            result = self.catalogue.push(&[&head, entries]).map(drop);
            if result.is_err() {
                break;
            }
            pushed += 1;
            self.state.end = *end;
        }
        self.full.drain(..pushed);
        result?;
        self.catalogue.flush()?;
        self.catalogue.mark();
        self.tell_index()
    }

    fn end_group(&mut self) {
        if let (false, Some(body)) = (self.group.is_empty(), self.bodies.last()) {
            let end = End { slot: body.slot as u64, offset: body.end };
            self.full.push((end, std::mem::take(&mut self.group)));
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

    /// All pins that are durable, in the order in which they were committed: after those that they
    /// refer to.
    pub(crate) fn each_entry(
        &self,
        mut visit: impl FnMut(&Entry) -> Result<(), DiskError>,
    ) -> Result<(), ReadError> {
        let last = self.catalogue.durable();
        let survey = Survey::make(&self.home, &CATALOGUE, 1, last, Depth::Unproven)?;
        each_group(&survey, 0, |_, entries| entries.iter().try_for_each(&mut visit))
    }
}

impl Default for State {
    fn default() -> Self {
        Self { covers: 0, end: End { slot: 0, offset: 0 }, changing: None }
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
fn each_group(
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

fn damage(path: std::path::PathBuf, offset: u64, reason: String) -> Damage {
    Damage { path, offset, reason, advice: "restore this file from a copy".into() }
}

impl Body {
    fn name(slot: usize) -> String {
        format!("{BODIES_DIR}/{slot:03}.body")
    }

    /// The slot that a file of this name (without directory) belongs to.
    fn slot(name: &str) -> Option<usize> {
        let digits = name.strip_suffix(".body").filter(|digits| digits.len() == 3)?;
        digits.parse().ok()
    }

    fn header(home: &Home, slot: usize) -> [u8; BODY_HEADER] {
        let mut bytes = [0; BODY_HEADER];
        bytes[..8].copy_from_slice(&BODY_MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&home.store);
        bytes[32..40].copy_from_slice(&(slot as u64).to_le_bytes());
        let check = short(&blake3::hash(&bytes[..48]));
        bytes[48..].copy_from_slice(&check);
        bytes
    }

    fn create(home: &Home, slot: usize) -> Result<Self, WriteError> {
        let name = Self::name(slot);
        let file = home.publish(BODIES_DIR, &name, &Self::header(home, slot))?;
        Ok(Self { slot, name, file, end: BODY_HEADER as u64, dirty: false })
    }

    fn open(home: &Home, slot: usize) -> Result<Self, OpenError> {
        let name = Self::name(slot);
        let failed = |action| {
            let path = home.disk.path(&name);
            move |error| OpenError::Disk(DiskError::new(path, action, error))
        };
        let refused = |reason: &str| {
            let damage = damage(home.disk.path(&name), 0, reason.into());
            Err(OpenError::Damaged { damage, usable: vec![] })
        };
        let file = home.disk.open(&name).map_err(failed("open"))?;
        let end = file.len().map_err(failed("read"))?;
        if end < BODY_HEADER as u64 {
            return refused("the file ends within its header");
        }
        let mut bytes = [0; BODY_HEADER];
        file.read_at(0, &mut bytes).map_err(failed("read"))?;
        let found = u32_at(&bytes, 8);
        if bytes[..8] == BODY_MAGIC && found != VERSION {
            let path = home.disk.path(&name);
            return Err(OpenError::Version { path, found, supported: VERSION });
        }
        if bytes != Self::header(home, slot) {
            return refused("the file's header is not that of these pins");
        }
        Ok(Self { slot, name, file, end, dirty: false })
    }
}

/// Opens all files of bodies, the one in which they end last.
fn open_bodies(home: &Home, end: End) -> Result<Vec<Body>, OpenError> {
    let failed = |error| home.error(BODIES_DIR, "list", error);
    let names = home.disk.list(BODIES_DIR).map_err(failed)?;
    let slots = names.iter().filter_map(|name| Body::slot(name));
    let mut bodies = slots.map(|slot| Body::open(home, slot)).collect::<Result<Vec<_>, _>>()?;
    if end.offset == 0 {
        // Nothing was ever committed: it goes on in the first file.
        bodies.truncate(1);
        bodies.iter_mut().for_each(|body| body.end = BODY_HEADER as u64);
        return Ok(bodies);
    }
    let last = bodies.iter().position(|body| body.slot as u64 == end.slot);
    let Some(last) = last.map(|last| bodies.remove(last)) else {
        let path = home.disk.path(&Body::name(end.slot as usize));
        let damage = damage(path, 0, "the file in which the pins end is missing".into());
        return Err(OpenError::Damaged { damage, usable: vec![] });
    };
    if last.end.next_multiple_of(ALIGNMENT as u64) < end.offset {
        let path = home.disk.path(&last.name);
        let damage = damage(path, last.end, "the file ends before the last pin does".into());
        return Err(OpenError::Damaged { damage, usable: vec![] });
    }
    bodies.push(Body { end: end.offset, ..last });
    Ok(bodies)
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
