//! Snapshots: small files that each name a root pin and the events it covers.
//!
//! A snapshot's file comes into being whole and after everything it needs is
//! durable, so a file that is there and does not pass its check was damaged
//! later. Such a one is passed over, in favour of the next older that is whole.

use vm::pinspace::Frozen;

use crate::FORMAT_VERSION as VERSION;
use crate::error::{Damage, DiskError, OpenError, SnapshotError};
use crate::frame::{array, short, u32_at, u64_at};
use crate::health::WriteError;
use crate::journal::Home;
use crate::segment::UNFINISHED;
use crate::{Hash, Seq};

/// The directory of the snapshots.
pub(crate) const DIR: &str = "snap";
const ENDING: &str = ".snap";
const MAGIC: [u8; 8] = *b"PALLASSN";
const LENGTH: usize = 128;

/// A state that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Counts the snapshots of a store, from 1; never used twice.
    pub generation: u64,
    /// The pin that stands for the state.
    pub root: Hash,
    /// The last event that the state has taken in.
    pub covers: Seq,
    /// Where the pin is.
    pub address: u64,
    /// How many groups of pins the catalogue held then; the root and all it reaches are in
    /// these.
    pub groups: u64,
}

fn name(generation: u64) -> String {
    format!("{DIR}/{generation:020}{ENDING}")
}

/// The generation that a file of this name (without directory) holds.
fn generation_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(ENDING).filter(|digits| digits.len() == 20)?;
    // Below the middle, so that counting on cannot overflow.
    digits.parse().ok().filter(|generation| *generation <= u64::MAX >> 1)
}

fn encode(home: &Home, snapshot: &Snapshot) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&home.store);
    bytes[32..40].copy_from_slice(&snapshot.generation.to_le_bytes());
    bytes[40..48].copy_from_slice(&snapshot.covers.0.to_le_bytes());
    bytes[48..56].copy_from_slice(&snapshot.groups.to_le_bytes());
    bytes[56..64].copy_from_slice(&snapshot.address.to_le_bytes());
    bytes[64..96].copy_from_slice(&snapshot.root);
    let check = short(&blake3::hash(&bytes[..112]));
    bytes[112..].copy_from_slice(&check);
    bytes
}

fn decode(home: &Home, generation: u64, bytes: &[u8; LENGTH]) -> Result<Snapshot, &'static str> {
    if bytes[112..] != short(&blake3::hash(&bytes[..112])) {
        return Err("the snapshot fails its check");
    }
    if bytes[..8] != MAGIC || u32_at(bytes, 8) != VERSION {
        return Err("the file is not a snapshot of this version");
    }
    if bytes[16..32] != home.store {
        return Err("the snapshot belongs to another store");
    }
    if u64_at(bytes, 32) != generation {
        return Err("the snapshot's number is not that of its name");
    }
    let covers = Seq(u64_at(bytes, 40));
    let (groups, address) = (u64_at(bytes, 48), u64_at(bytes, 56));
    Ok(Snapshot { generation, root: array(bytes, 64), address, covers, groups })
}

/// The snapshots of a store.
pub(crate) struct Snapshots {
    home: Home,
    keep: usize,
    /// Whole ones, oldest first.
    whole: Vec<Snapshot>,
    /// The others, with their generations.
    damaged: Vec<(u64, Damage)>,
    leftovers: Vec<String>,
}

impl Snapshots {
    pub(crate) fn empty(home: Home, keep: usize) -> Self {
        Self { home, keep, whole: vec![], damaged: vec![], leftovers: vec![] }
    }

    /// Reads all snapshots, and changes nothing.
    pub(crate) fn survey(home: Home, keep: usize) -> Result<Self, DiskError> {
        let names = home.disk.list(DIR).map_err(|error| home.error(DIR, "list", error))?;
        let mut found = Self::empty(home, keep);
        for name in names {
            if let Some(generation) = generation_of(&name) {
                match found.read(generation)? {
                    Ok(snapshot) => found.whole.push(snapshot),
                    Err(damage) => found.damaged.push((generation, damage)),
                }
            } else if name.ends_with(UNFINISHED) {
                found.leftovers.push(format!("{DIR}/{name}"));
            }
        }
        found.whole.sort_by_key(|snapshot| snapshot.generation);
        Ok(found)
    }

    fn read(&self, generation: u64) -> Result<Result<Snapshot, Damage>, DiskError> {
        let name = name(generation);
        let failed = |action| {
            let path = self.home.disk.path(&name);
            move |error| DiskError::new(path, action, error)
        };
        let damaged = |reason: &str| Damage {
            path: self.home.disk.path(&name),
            offset: 0,
            reason: reason.into(),
            advice: "the next older snapshot is used if there is one".into(),
        };
        let file = self.home.disk.open(&name).map_err(failed("open"))?;
        if file.len().map_err(failed("read"))? != LENGTH as u64 {
            return Ok(Err(damaged("the snapshot is not of the right length")));
        }
        let mut bytes = [0; LENGTH];
        file.read_at(0, &mut bytes).map_err(failed("read"))?;
        Ok(decode(&self.home, generation, &bytes).map_err(damaged))
    }

    /// Tidies up after a crash. A snapshot that was renamed just before one may
    /// be known to the system only: makes it durable.
    pub(crate) fn resume(&mut self) -> Result<(), OpenError> {
        for name in std::mem::take(&mut self.leftovers) {
            let removed = self.home.disk.remove(&name);
            removed.map_err(|error| self.home.error(&name, "remove", error))?;
        }
        let synced = self.home.disk.sync_dir(DIR);
        Ok(synced.map_err(|error| self.home.error(DIR, "flush", error))?)
    }

    pub(crate) fn newest(&self) -> Option<&Snapshot> {
        self.whole.last()
    }

    pub(crate) fn oldest(&self) -> Option<&Snapshot> {
        self.whole.first()
    }

    /// All whole ones, newest first.
    pub(crate) fn list(&self) -> Vec<Snapshot> {
        self.whole.iter().rev().cloned().collect()
    }

    /// All damaged ones, with their generations.
    pub(crate) fn damaged(&self) -> &[(u64, Damage)] {
        &self.damaged
    }

    /// The damaged ones that are newer than every whole one.
    pub(crate) fn passed_over(&self) -> Vec<Damage> {
        let newest = self.newest().map_or(0, |snapshot| snapshot.generation);
        let newer = self.damaged.iter().filter(|(generation, _)| *generation > newest);
        newer.map(|(_, damage)| damage.clone()).collect()
    }

    /// Fails if a snapshot that covers so much may not be the next.
    pub(crate) fn check_order(&self, covers: Seq) -> Result<(), SnapshotError> {
        match self.newest() {
            Some(newest) if newest.covers > covers => {
                let path = self.home.disk.path(DIR);
                Err(SnapshotError::Backwards { path, covers, newest: newest.covers })
            }
            _ => Ok(()),
        }
    }

    /// Writes a snapshot whose pins and events are durable.
    pub(crate) fn write(
        &mut self,
        root: &Frozen,
        covers: Seq,
        groups: u64,
    ) -> Result<Snapshot, WriteError> {
        let newest = self.newest().map_or(0, |snapshot| snapshot.generation);
        let damaged = self.damaged.iter().map(|(generation, _)| *generation).max();
        let generation = newest.max(damaged.unwrap_or(0)) + 1;
        let (root, address) = (root.hash().into(), root.address() as u64);
        let snapshot = Snapshot { generation, root, address, covers, groups };
        self.home.publish(DIR, &name(generation), &encode(&self.home, &snapshot))?;
        self.whole.push(snapshot.clone());
        self.forget_old();
        Ok(snapshot)
    }

    /// Removes what is older than those to be kept. What cannot be removed stays
    /// on the list, and is tried again next time.
    fn forget_old(&mut self) {
        let Some(oldest) = self.whole.iter().rev().nth(self.keep - 1) else { return };
        let oldest = oldest.generation;
        let disk = &self.home.disk;
        let stays = |generation| generation >= oldest || disk.remove(&name(generation)).is_err();
        self.whole.retain(|snapshot| stays(snapshot.generation));
        self.damaged.retain(|(generation, _)| stays(*generation));
        // Should this fail, an old snapshot may come back after a crash: no harm.
        let _ = disk.sync_dir(DIR);
    }
}
