//! The snapshots of a store: small files that each name a root pin and the last event it includes.
//!
//! A snapshot's file appears complete, after everything that the snapshot needs is durable. A file
//! that fails its check was therefore damaged later. Recovery skips it and uses the newest intact
//! snapshot. [`Retention`] says which ones are kept.

use std::time::Duration;

use plan::pinspace::FrozenPin;

use crate::context::{StoreContext, TEMPORARY};
use crate::encoding::{array, check, u32_at, u64_at};
use crate::error::{DiskError, OpenError, SnapshotError, StoreDamage, StoreReadError};
use crate::health::WriteError;
use crate::settings::Retention;
use crate::types::{FORMAT_VERSION as VERSION, Seq, Snapshot};

/// The directory of the snapshots.
pub(crate) const DIR: &str = "snap";
const EXTENSION: &str = ".snap";
const MAGIC: [u8; 8] = *b"PALLASSN";
const LENGTH: usize = 128;

/// Returns the path of a snapshot's file.
pub(crate) fn file_name(generation: u64) -> String {
    format!("{DIR}/{generation:020}{EXTENSION}")
}

/// Parses a file name (without directory) and returns the snapshot's generation.
fn generation_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION).filter(|digits| digits.len() == 20)?;
    // The limit ensures that counting on cannot overflow.
    digits.parse().ok().filter(|generation| *generation <= u64::MAX >> 1)
}

fn encode(context: &StoreContext, snapshot: &Snapshot) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&context.store);
    bytes[32..40].copy_from_slice(&snapshot.generation.to_le_bytes());
    bytes[40..48].copy_from_slice(&snapshot.covers.0.to_le_bytes());
    bytes[48..56].copy_from_slice(&snapshot.groups.to_le_bytes());
    bytes[56..64].copy_from_slice(&snapshot.address.to_le_bytes());
    bytes[64..96].copy_from_slice(&snapshot.root);
    bytes[96..104].copy_from_slice(&snapshot.written.to_le_bytes());
    let check = check(&bytes[..112]);
    bytes[112..].copy_from_slice(&check);
    bytes
}

fn decode(
    context: &StoreContext,
    generation: u64,
    bytes: &[u8; LENGTH],
) -> Result<Snapshot, &'static str> {
    if bytes[112..] != check(&bytes[..112]) {
        return Err("the snapshot fails its check");
    }
    if bytes[..8] != MAGIC || u32_at(bytes, 8) != VERSION {
        return Err("the file is not a snapshot of this version");
    }
    if bytes[16..32] != context.store {
        return Err("the snapshot belongs to another store");
    }
    if u64_at(bytes, 32) != generation {
        return Err("the snapshot's generation differs from its file name");
    }
    let covers = Seq(u64_at(bytes, 40));
    let (groups, address) = (u64_at(bytes, 48), u64_at(bytes, 56));
    let written = u64_at(bytes, 96);
    Ok(Snapshot { generation, root: array(bytes, 64), address, covers, groups, written })
}

/// The snapshots of a store.
pub(crate) struct SnapshotFiles {
    context: StoreContext,
    retention: Retention,
    /// The intact snapshots, oldest first.
    intact: Vec<Snapshot>,
    /// The generations of the damaged snapshots, with the damage.
    damaged: Vec<(u64, StoreDamage)>,
    /// The temporary files of interrupted writes.
    leftovers: Vec<String>,
}

impl SnapshotFiles {
    /// Creates the empty list of a new store.
    pub(crate) fn empty(context: StoreContext, retention: Retention) -> Self {
        Self { context, retention, intact: vec![], damaged: vec![], leftovers: vec![] }
    }

    /// Whether this is an intact snapshot of the store.
    pub(crate) fn contains(&self, snapshot: &Snapshot) -> bool {
        self.intact.contains(snapshot)
    }

    /// Reads all snapshots. Changes nothing on disk.
    pub(crate) fn survey(context: StoreContext, retention: Retention) -> Result<Self, DiskError> {
        let names = context.list(DIR)?;
        let mut found = Self::empty(context, retention);
        for name in names {
            if let Some(generation) = generation_of(&name) {
                match found.read(generation)? {
                    Ok(snapshot) => found.intact.push(snapshot),
                    Err(damage) => found.damaged.push((generation, damage)),
                }
            } else if name.ends_with(TEMPORARY) {
                found.leftovers.push(format!("{DIR}/{name}"));
            }
        }
        found.intact.sort_by_key(|snapshot| snapshot.generation);
        Ok(found)
    }

    fn read(&self, generation: u64) -> Result<Result<Snapshot, StoreDamage>, DiskError> {
        let name = file_name(generation);
        let failed = |action| {
            let path = self.context.disk.path(&name);
            move |error| DiskError::new(path, action, error)
        };
        let damaged = |reason: &str| StoreDamage {
            path: self.context.disk.path(&name),
            offset: 0,
            reason: reason.into(),
            advice: "the next older snapshot is used if there is one".into(),
        };
        let file = self.context.disk.open(&name).map_err(failed("open"))?;
        if file.len().map_err(failed("read"))? != LENGTH as u64 {
            return Ok(Err(damaged("the snapshot has the wrong length")));
        }
        let mut bytes = [0; LENGTH];
        if let Err(error) = file.read_at(0, &mut bytes) {
            return Ok(Err(damaged(&format!("the snapshot cannot be read: {error}"))));
        }
        Ok(decode(&self.context, generation, &bytes).map_err(damaged))
    }

    /// Removes temporary files, and makes durable a snapshot that was renamed just before a crash
    /// of the process.
    pub(crate) fn resume(&mut self) -> Result<(), OpenError> {
        for name in std::mem::take(&mut self.leftovers) {
            self.context.remove(&name)?;
        }
        Ok(self.context.sync_dir(DIR)?)
    }

    /// Returns the newest intact snapshot.
    pub(crate) fn newest(&self) -> Option<&Snapshot> {
        self.intact.last()
    }

    /// Returns the oldest intact snapshot.
    pub(crate) fn oldest(&self) -> Option<&Snapshot> {
        self.intact.first()
    }

    /// Returns the intact snapshots, newest first.
    pub(crate) fn list(&self) -> Vec<Snapshot> {
        self.intact.iter().rev().cloned().collect()
    }

    /// Returns all snapshots, newest first, after the removal of others is durable.
    ///
    /// # Errors
    /// [`StoreReadError::Damaged`] if one of them is damaged, and [`StoreReadError::Disk`].
    pub(crate) fn durable_list(&self) -> Result<Vec<Snapshot>, StoreReadError> {
        if let Some((_, damage)) = self.damaged.first() {
            return Err(damage.clone().into());
        }
        self.context.sync_dir(DIR)?;
        Ok(self.list())
    }

    /// Returns the generations of the damaged snapshots, with the damage.
    pub(crate) fn damaged(&self) -> &[(u64, StoreDamage)] {
        &self.damaged
    }

    /// Returns the damaged snapshots that are newer than every intact one.
    pub(crate) fn damaged_newer(&self) -> Vec<StoreDamage> {
        let newest = self.newest().map_or(0, |snapshot| snapshot.generation);
        let newer = self.damaged.iter().filter(|(generation, _)| *generation > newest);
        newer.map(|(_, damage)| damage.clone()).collect()
    }

    /// Checks that the next snapshot may cover the events up to `covers`.
    ///
    /// # Errors
    /// [`SnapshotError::Backwards`] if the newest snapshot covers more.
    pub(crate) fn check_order(&self, covers: Seq) -> Result<(), SnapshotError> {
        match self.newest() {
            Some(newest) if newest.covers > covers => {
                let path = self.context.disk.path(DIR);
                Err(SnapshotError::Backwards { path, covers, newest: newest.covers })
            }
            _ => Ok(()),
        }
    }

    /// Writes a snapshot, and removes those that are not kept. Its pins and events must be durable.
    /// `log_since` returns the size of the log since an event, in bytes.
    pub(crate) fn write(
        &mut self,
        root: &FrozenPin,
        covers: Seq,
        groups: u64,
        log_since: impl Fn(Seq) -> u64,
    ) -> Result<Snapshot, WriteError> {
        let newest = self.newest().map_or(0, |snapshot| snapshot.generation);
        let damaged = self.damaged.iter().map(|(generation, _)| *generation).max();
        let generation = newest.max(damaged.unwrap_or(0)) + 1;
        let (root, address) = (root.hash().into(), root.address() as u64);
        let written = self.context.disk.seconds();
        let snapshot = Snapshot { generation, root, address, covers, groups, written };
        let bytes = encode(&self.context, &snapshot);
        self.context.publish(DIR, &file_name(generation), &bytes)?;
        self.intact.push(snapshot.clone());
        self.remove_old(written, log_since);
        Ok(snapshot)
    }

    /// Removes the snapshots that are not kept at the time `now`, in seconds since 1970. A snapshot
    /// that cannot be removed stays on the list and is retried with the next one.
    fn remove_old(&mut self, now: u64, log_since: impl Fn(Seq) -> u64) {
        let count = self.intact.len();
        let Some(older) = count.checked_sub(self.retention.count()) else { return };
        let is_kept = |snapshot: &Snapshot| {
            let age = Duration::from_secs(now.saturating_sub(snapshot.written));
            self.retention.keeps_older(age, log_since(snapshot.covers))
        };
        let kept = self.intact[..older].iter().position(is_kept).unwrap_or(older);
        let oldest = self.intact[kept].generation;
        let disk = &self.context.disk;
        let stays =
            |generation| generation >= oldest || disk.remove(&file_name(generation)).is_err();
        self.intact.retain(|snapshot| stays(snapshot.generation));
        self.damaged.retain(|(generation, _)| stays(*generation));
        // If this fails, an old snapshot may reappear after a crash, which is harmless.
        let _ = disk.sync_dir(DIR);
    }
}
