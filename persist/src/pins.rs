//! The pin store: bodies found by hash, each written once.
//!
//! Pins are frames of a journal, so a few large files hold them all. The index
//! from hash to place is rebuilt at open from the frames' headers and edge
//! lists; bodies are not read before they are asked for.
//!
//! Invariants:
//!
//! - A pin is stored only after every pin it refers to. So whatever prefix of
//!   the journal survives a crash is closed: no pin in it lacks an edge.
//! - Hash and edges have a check of their own, apart from the payload's, so that
//!   edges can be followed without reading bodies.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use crate::error::{PinError, ReadError};
use crate::frame::{
    Check, FRAME_HEADER, FrameHeader, FrameKind, SEGMENT_HEADER, array, short, u64_at,
};
use crate::health::WriteError;
use crate::journal::{Home, Journal, Place, Survey};
use crate::lock::{lock, read, write};
use crate::segment::{Depth, Family, Segment};
use crate::{Hash, MAX_PIN};

/// Pins on disk.
pub(crate) const PINS: Family =
    Family { dir: "pins", ending: ".pins", magic: *b"PALLASPN", item: "pin" };

/// Bytes before the edges: hash, count, check, zeros.
const PREFIX: usize = 64;

/// A pin as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPin {
    /// The pins it refers to.
    pub edges: Vec<Hash>,
    /// Its bytes, opaque here.
    pub body: Vec<u8>,
}

/// What is on disk of the pins, found without changing anything.
pub(crate) struct PinSurvey {
    survey: Survey,
    index: Index,
}

impl PinSurvey {
    /// Finds all pins, of which the first `proven` are known to have been durable.
    pub(crate) fn make(home: &Home, proven: u64) -> Result<Self, ReadError> {
        let survey = Survey::make(home, &PINS, 1, proven, Depth::Unproven)?;
        let mut index = Index::default();
        for (number, segment) in survey.segments.iter().enumerate() {
            index.segments.insert(segment.header.first, Arc::clone(segment));
            let next = survey.segments.get(number + 1);
            index.add_segment(segment, next.map_or(survey.last.next, |next| next.header.first))?;
        }
        Ok(Self { survey, index })
    }

    pub(crate) fn contains(&self, hash: &Hash) -> bool {
        self.index.places.contains_key(hash)
    }

    pub(crate) fn resume(self, home: Home, limit: u64) -> Result<Pins, crate::OpenError> {
        let path = home.disk.path(PINS.dir);
        let journal = Journal::resume(home, PINS, limit, self.survey)?;
        Ok(Pins::new(path, journal, self.index))
    }
}

/// The number of the last pin that can be reached from the first without
/// passing damage. Used for advice only.
pub(crate) fn intact(home: &Home) -> u64 {
    let mut last = 0;
    loop {
        let Ok(segment) = Segment::open(home.disk.as_ref(), &PINS, home.store, last + 1) else {
            return last;
        };
        let segment = Arc::new(segment);
        let Ok(mut frames) = segment.frames(SEGMENT_HEADER) else { return last };
        let before = last;
        while let Ok(Some((at, frame))) = frames.next() {
            if frame.kind == FrameKind::Data {
                if read_head(&segment, at, &frame).is_err() {
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

#[derive(Default)]
struct Index {
    places: HashMap<Hash, Place>,
    segments: HashMap<u64, Arc<Segment>>,
    /// Pins before this place can be read from their files.
    written: Option<Place>,
}

impl Index {
    /// Adds the pins of a segment, whose last is numbered one below `next`. What
    /// follows it is not looked at: it may be a seal that was torn.
    fn add_segment(&mut self, segment: &Arc<Segment>, next: u64) -> Result<(), ReadError> {
        let mut reached = segment.header.first;
        let mut frames = segment.frames(SEGMENT_HEADER)?;
        while reached < next {
            let Some((offset, frame)) = frames.next()? else { break };
            if frame.kind != FrameKind::Data {
                continue;
            }
            reached = frame.seq + 1;
            let (hash, edges) = read_head(segment, offset, &frame)?;
            if edges.iter().any(|edge| !self.places.contains_key(edge)) {
                let reason = format!("pin {} refers to one that is not stored", frame.seq);
                return Err(segment.damage(offset, reason).into());
            }
            let place = Place { segment: segment.header.first, offset };
            self.places.entry(hash).or_insert(place);
        }
        Ok(())
    }
}

/// The bytes before the edges.
fn encode_prefix(hash: &Hash, edges: &[Hash]) -> [u8; PREFIX] {
    let mut prefix = [0; PREFIX];
    prefix[..32].copy_from_slice(hash);
    prefix[32..40].copy_from_slice(&(edges.len() as u64).to_le_bytes());
    let check = head_check(&prefix, edges.as_flattened());
    prefix[40..56].copy_from_slice(&check);
    prefix
}

fn head_check(prefix: &[u8; PREFIX], edges: &[u8]) -> Check {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&prefix[..40]);
    hasher.update(edges);
    short(&hasher.finalize())
}

/// How many bytes of edges a payload of `length` bytes with this prefix holds,
/// or `None` if they do not fit in.
fn edges_length(prefix: &[u8; PREFIX], length: u64) -> Option<usize> {
    let bytes = u64_at(prefix, 32).checked_mul(32)?;
    let room = length.checked_sub(PREFIX as u64)?;
    (bytes <= room).then(|| usize::try_from(bytes).ok())?
}

/// Reads and checks hash and edges of the pin at `offset`.
pub(crate) fn read_head(
    segment: &Segment,
    offset: u64,
    frame: &FrameHeader,
) -> Result<(Hash, Vec<Hash>), ReadError> {
    let damaged =
        || segment.damage(offset, format!("the edges of pin {} fail their check", frame.seq));
    let failed = |error| crate::DiskError::new(segment.path.clone(), "read", error);
    let mut prefix = [0; PREFIX];
    if frame.length < PREFIX as u64 {
        return Err(damaged().into());
    }
    let at = offset + FRAME_HEADER;
    segment.file.read_at(at, &mut prefix).map_err(failed)?;
    let mut edges = vec![0; edges_length(&prefix, frame.length).ok_or_else(damaged)?];
    segment.file.read_at(at + PREFIX as u64, &mut edges).map_err(failed)?;
    if prefix[40..56] != head_check(&prefix, &edges) {
        return Err(damaged().into());
    }
    Ok((array(&prefix, 0), split(&edges)))
}

fn split(edges: &[u8]) -> Vec<Hash> {
    edges.as_chunks().0.to_vec()
}

/// Takes a checked payload apart; `None` if it is not that of `hash`.
fn decode(payload: &[u8], hash: &Hash) -> Option<StoredPin> {
    let (prefix, edges, body) = take_apart(payload)?;
    (prefix[..32] == *hash).then(|| StoredPin { edges: split(edges), body: body.to_vec() })
}

/// Takes a checked payload apart; `None` if the check of hash and edges fails.
pub(crate) fn decode_any(payload: &[u8]) -> Option<(Hash, StoredPin)> {
    let (prefix, edges, body) = take_apart(payload)?;
    let pin = StoredPin { edges: split(edges), body: body.to_vec() };
    (prefix[40..56] == head_check(prefix, edges)).then(|| (array(prefix, 0), pin))
}

/// Prefix, edges and body.
fn take_apart(payload: &[u8]) -> Option<(&[u8; PREFIX], &[u8], &[u8])> {
    let prefix = payload.first_chunk::<PREFIX>()?;
    let edges = edges_length(prefix, payload.len() as u64)?;
    let (edges, body) = payload[PREFIX..].split_at(edges);
    Some((prefix, edges, body))
}

/// The pins of an open store.
pub(crate) struct Pins {
    path: PathBuf,
    // Where both are held, the journal is taken first. Whoever holds it and
    // makes it write notes so in the index before letting go.
    journal: Mutex<Journal>,
    index: RwLock<Index>,
}

impl Pins {
    pub(crate) fn create(home: Home, limit: u64) -> Result<Self, WriteError> {
        let path = home.disk.path(PINS.dir);
        let journal = Journal::create(home, PINS, limit)?;
        Ok(Self::new(path, journal, Index::default()))
    }

    fn new(path: PathBuf, journal: Journal, mut index: Index) -> Self {
        index.note(&journal);
        Self { path, journal: Mutex::new(journal), index: RwLock::new(index) }
    }

    pub(crate) fn contains(&self, hash: &Hash) -> bool {
        read(&self.index).places.contains_key(hash)
    }

    /// How many pins there are, durable or not.
    pub(crate) fn count(&self) -> u64 {
        lock(&self.journal).last()
    }

    pub(crate) fn put(&self, hash: &Hash, edges: &[Hash], body: &[u8]) -> Result<bool, PinError> {
        let length = body.len() as u64 + (PREFIX + edges.as_flattened().len()) as u64;
        if length > MAX_PIN {
            return Err(PinError::TooLarge { path: self.path.clone(), length, limit: MAX_PIN });
        }
        let mut journal = lock(&self.journal);
        {
            let index = read(&self.index);
            if index.places.contains_key(hash) {
                return Ok(false);
            }
            if let Some(edge) = edges.iter().find(|edge| !index.places.contains_key(*edge)) {
                let path = self.path.clone();
                return Err(PinError::MissingEdge { path, hash: *hash, edge: *edge });
            }
        }
        let prefix = encode_prefix(hash, edges);
        let pushed = journal.push(&[&prefix, edges.as_flattened(), body]);
        let mut index = write(&self.index);
        index.note(&journal);
        index.places.insert(*hash, pushed?);
        Ok(true)
    }

    pub(crate) fn commit(&self) -> Result<u64, WriteError> {
        let mut journal = lock(&self.journal);
        let flushed = journal.flush();
        journal.mark();
        write(&self.index).note(&journal);
        flushed.map(|()| journal.durable())
    }

    /// The pins that one reaches, itself included, each after those that it refers to.
    pub(crate) fn reached(&self, root: &Hash) -> Result<Vec<Hash>, PinError> {
        self.commit()?;
        let mut places = HashMap::new();
        let mut todo = vec![*root];
        while let Some(hash) = todo.pop() {
            if places.contains_key(&hash) {
                continue;
            }
            let Some((place, Some(segment))) = self.locate(&hash) else { continue };
            places.insert(hash, place);
            todo.extend(read_edges(&segment, place)?);
        }
        let mut order: Vec<(Place, Hash)> =
            places.into_iter().map(|(hash, at)| (at, hash)).collect();
        order.sort_unstable_by_key(|(place, _)| *place);
        Ok(order.into_iter().map(|(_, hash)| hash).collect())
    }

    pub(crate) fn close(&self) -> Result<(), WriteError> {
        lock(&self.journal).close()
    }

    pub(crate) fn get(&self, hash: &Hash) -> Result<Option<StoredPin>, PinError> {
        let Some((place, written)) = self.locate(hash) else { return Ok(None) };
        let segment = match written {
            Some(segment) => segment,
            None => {
                let journal = lock(&self.journal);
                if let Some(payload) = journal.buffered(place) {
                    return Ok(decode(payload, hash));
                }
                // It was written between the two looks.
                let Some((_, Some(segment))) = self.locate(hash) else { return Ok(None) };
                segment
            }
        };
        read_pin(&segment, place, hash).map(Some)
    }

    /// Where a pin is, and the segment to read it from if it is written already.
    fn locate(&self, hash: &Hash) -> Option<(Place, Option<Arc<Segment>>)> {
        let index = read(&self.index);
        let place = index.places.get(hash).copied()?;
        let written = index.written.is_some_and(|end| place < end);
        let segment = index.segments.get(&place.segment).filter(|_| written);
        Some((place, segment.cloned()))
    }
}

impl Index {
    /// Notes how far the journal has been written.
    fn note(&mut self, journal: &Journal) {
        self.written = Some(journal.end());
        let active = journal.active();
        self.segments.entry(active.header.first).or_insert_with(|| Arc::clone(active));
    }
}

fn read_edges(segment: &Arc<Segment>, place: Place) -> Result<Vec<Hash>, PinError> {
    let read = || -> Result<Vec<Hash>, ReadError> {
        match segment.frames(place.offset)?.next()? {
            Some((offset, frame)) => Ok(read_head(segment, offset, &frame)?.1),
            None => Err(segment.damage(place.offset, CUT).into()),
        }
    };
    read().map_err(of_one_pin)
}

const CUT: &str = "the file ends before the pin";

/// An error of reading one pin.
pub(crate) fn of_one_pin(error: ReadError) -> PinError {
    match error {
        ReadError::Damaged(damage) => damage.into(),
        ReadError::Disk(error) => error.into(),
        ReadError::Gap { .. } => unreachable!("reading one frame meets no gap"),
    }
}

pub(crate) fn read_pin(
    segment: &Arc<Segment>,
    place: Place,
    hash: &Hash,
) -> Result<StoredPin, PinError> {
    let read = || -> Result<StoredPin, ReadError> {
        let Some((offset, frame)) = segment.frames(place.offset)?.next()? else {
            return Err(segment.damage(place.offset, CUT).into());
        };
        let pin = decode(&segment.payload(offset, &frame)?, hash);
        pin.ok_or_else(|| segment.damage(offset, "the pin stored here is another one").into())
    };
    read().map_err(of_one_pin)
}
