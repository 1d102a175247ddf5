//! What the index has been told of the catalogue, and what it has not.
//!
//! A commit tells the index of the pins that have become durable. After so many it is settled
//! ([`super::index`]), so whoever takes the pin space up after a crash, of the process or of the power,
//! has only the newest groups to tell it again. They are not told at once, since each may take a page from a
//! cold disk: until they are, they are found in memory, and each commit tells a few.
//!
//! Where the last collection had not been ended, the index forgets what it found before anything is
//! looked up.

use std::collections::VecDeque;

use super::catalogue::{self, Filled, Page};
use super::files::{not_opened, refuse};
use super::index::{Index, Shape};
use super::pages::{Counted, Pages};
use super::state::State;
use crate::Hash;
use crate::disk::DiskFile;
use crate::error::OpenError;
use crate::health::WriteError;
use crate::journal::Home;

/// The index is settled when it has been told of so many pins.
const UNSETTLED: usize = if cfg!(test) { 7 } else { 1 << 16 };
/// A commit tells of so many pins beside its own.
pub(super) const BACKLOG: usize = if cfg!(test) { 2 } else { 512 };

/// A group of the catalogue that the index has not been told of, or of the first pins only.
pub(super) struct Untold {
    pub(super) sequence: u64,
    /// How far bodies had been filled with it.
    pub(super) filled: Filled,
    pub(super) places: Vec<(Hash, u64)>,
    /// How many of them it has been told of.
    pub(super) told: usize,
}

/// How far the index has been told.
pub(super) struct Told {
    /// As of the last group of which all was told.
    pub(super) state: State,
    pub(super) untold: VecDeque<Untold>,
    /// Of how many pins since it was settled.
    pub(super) unsettled: usize,
}

impl Untold {
    pub(super) fn new(sequence: u64, filled: Filled, places: Vec<(Hash, u64)>) -> Self {
        Self { sequence, filled, places, told: 0 }
    }
}

impl Told {
    /// When nothing has happened since that state.
    pub(super) fn all(state: State) -> Self {
        Self { state, untold: VecDeque::new(), unsettled: 0 }
    }

    /// The next pins to tell of, no more than so many.
    pub(super) fn next(&self, most: usize) -> Option<&[(Hash, u64)]> {
        let left = self.untold.front().map(|group| &group.places[group.told..])?;
        Some(&left[..left.len().min(most)])
    }

    /// Notes that the next so many have been told of. Says whether the index should be settled.
    pub(super) fn advance(&mut self, told: usize) -> bool {
        // A group without pins counts too.
        self.unsettled += told.max(1);
        let Some(group) = self.untold.front_mut() else { return false };
        group.told += told;
        if group.told < group.places.len() {
            return false;
        }
        (self.state.covers, self.state.filled) = (group.sequence, group.filled);
        self.untold.pop_front();
        self.unsettled >= UNSETTLED
    }
}

/// Finds out what stands in these pages behind what the index covers. Only the gaps of a collection
/// that was cut short, and what stands before them, are told at once.
pub(super) fn catch_up(
    mut state: State,
    gaps: u64,
    index: &mut Index,
    pages: &Pages,
) -> Result<Told, OpenError> {
    let covers = state.covers;
    let mut filled = state.filled;
    let mut untold = VecDeque::new();
    for sequence in pages.sequences().skip_while(|sequence| *sequence <= covers) {
        let read = pages.read(sequence, |page| {
            let mut places = Vec::new();
            match page {
                Page::Group(now, entries) => {
                    filled = now;
                    places.extend(entries.iter().map(|entry| (entry.hash(), entry.address())));
                }
                Page::Gaps(gaps) => {
                    filled = Filled { end: gaps.end, fill: 0 };
                    index.remove_all(&gaps.free)?;
                }
                Page::Copy(_) => {}
            }
            if sequence > gaps {
                untold.push_back(Untold::new(sequence, filled, places));
                return Ok(());
            }
            state = State { covers: sequence, filled, gaps };
            Ok(places.iter().try_for_each(|(hash, address)| index.insert(hash, *address))?)
        });
        read.map_err(refuse)?;
    }
    let unsettled = usize::from(state.covers > covers);
    Ok(Told { state, untold, unsettled })
}

/// Builds the index from the whole catalogue, of which that will be the state.
pub(super) fn rebuild(
    home: &Home,
    pages: &Pages,
    counted: &Counted,
    state: State,
) -> Result<Index, OpenError> {
    State::remove(home)?;
    let mut index = Index::create(&home.disk)?;
    if pages.sequences().is_empty() {
        return Ok(index);
    }
    let insert = |entry: catalogue::EntryRef<'_>| Ok(index.insert(&entry.hash(), entry.address())?);
    pages.forwards(counted, insert).map_err(refuse)?;
    write(home, &state, &index.files(), &index.shape()).map_err(not_opened)?;
    index.settle()?;
    Ok(index)
}

/// A file of the index, with its name.
type Named = (&'static str, std::sync::Arc<dyn DiskFile>);

/// Makes an index durable as it is: its files, then its state.
pub(super) fn write(
    home: &Home,
    state: &State,
    files: &[Named],
    shape: &Shape,
) -> Result<(), WriteError> {
    for (name, file) in files {
        let flushed = file.flush();
        flushed.map_err(|error| home.health.fail(home.error(name, "flush", error)))?;
    }
    state.write(home, shape)
}
