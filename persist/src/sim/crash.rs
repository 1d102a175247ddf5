//! The state of a simulated disk after a crash.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::state::{DirEntries, DirEntry, FileChange, Inode, SimDir, SimState};

/// The size of an atomic disk write, in bytes.
const SECTOR: usize = 512;

/// The unflushed changes that survive a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SurvivingWrites {
    /// No change.
    Nothing,
    /// All changes.
    Everything,
    /// The changes up to one point in time, the last one in part. The number is the seed of the
    /// choice.
    UpTo(u64),
    /// Each sector, length and directory entry is from an independent point in time. The number is
    /// the seed of the choices.
    Anything(u64),
    /// Lengths and directory entries, but no contents: extended files end in zeros.
    LengthsOnly,
}

/// Chooses a time from 0 to `latest`. Each of the two ends is as likely as all times between.
fn choose_time(rng: &mut Rng, latest: usize) -> usize {
    match rng.usize(..3) {
        0 => 0,
        1 => latest,
        _ => rng.usize(..=latest),
    }
}

/// Returns the state after a crash. All of it is durable.
pub(super) fn image(state: &SimState, survives: SurvivingWrites) -> SimState {
    let mut rng = Rng::with_seed(match survives {
        SurvivingWrites::UpTo(seed) | SurvivingWrites::Anything(seed) => seed,
        _ => 0,
    });
    let mut orders: Vec<u64> = state
        .inodes
        .iter()
        .flat_map(|inode| inode.unflushed.iter().map(|op| op.order))
        .chain(state.dirs.values().flat_map(|dir| dir.unflushed.iter().map(|op| op.order)))
        .collect();
    orders.sort_unstable();
    let last = rng.choice(&orders).copied().unwrap_or(0);

    let mut after =
        SimState { random: state.random, seconds: state.seconds, ..SimState::default() };
    for inode in &state.inodes {
        let durable = contents(inode, survives, last, &mut rng);
        after.inodes.push(Inode { current: durable.clone(), durable, unflushed: vec![] });
    }
    for (name, dir) in &state.dirs {
        let durable = entries(dir, survives, last, &mut rng);
        let dir = SimDir { current: durable.clone(), durable, unflushed: vec![] };
        after.dirs.insert(name.clone(), dir);
    }
    forget_lost_dirs(&mut after.dirs);
    after
}

fn contents(inode: &Inode, survives: SurvivingWrites, last: u64, rng: &mut Rng) -> Vec<u8> {
    match survives {
        SurvivingWrites::Nothing => inode.durable.clone(),
        SurvivingWrites::Everything => everything(inode),
        SurvivingWrites::UpTo(_) => up_to(inode, last, rng),
        SurvivingWrites::Anything(_) => anything(inode, rng),
        SurvivingWrites::LengthsOnly => {
            let mut contents = inode.durable.clone();
            if !inode.unflushed.is_empty() {
                contents.resize(everything(inode).len(), 0);
            }
            contents
        }
    }
}

/// Returns the contents after a complete flush.
fn everything(inode: &Inode) -> Vec<u8> {
    let mut contents = inode.durable.clone();
    inode.unflushed.iter().for_each(|op| op.change.apply(&mut contents));
    contents
}

/// Returns the contents after all changes before `last` and a part of `last`.
fn up_to(inode: &Inode, last: u64, rng: &mut Rng) -> Vec<u8> {
    let mut contents = inode.durable.clone();
    for op in inode.unflushed.iter().filter(|op| op.order <= last) {
        match &op.change {
            FileChange::Write { at, bytes } if op.order == last => {
                let bytes = bytes[..rng.usize(..=bytes.len())].to_vec();
                FileChange::Write { at: *at, bytes }.apply(&mut contents);
            }
            change => change.apply(&mut contents),
        }
    }
    contents
}

/// Returns contents in which each sector is from an independent point in time.
fn anything(inode: &Inode, rng: &mut Rng) -> Vec<u8> {
    if inode.unflushed.is_empty() {
        return inode.durable.clone();
    }
    let mut versions = vec![inode.durable.clone()];
    for op in &inode.unflushed {
        let mut next = versions[versions.len() - 1].clone();
        op.change.apply(&mut next);
        versions.push(next);
    }
    let latest = versions.len() - 1;
    let mut contents = vec![0; versions[choose_time(rng, latest)].len()];
    for (index, sector) in contents.chunks_mut(SECTOR).enumerate() {
        let version = &versions[choose_time(rng, latest)];
        let from = version.get(index * SECTOR..).unwrap_or(&[]);
        let length = from.len().min(sector.len());
        sector[..length].copy_from_slice(&from[..length]);
    }
    contents
}

fn entries(dir: &SimDir, survives: SurvivingWrites, last: u64, rng: &mut Rng) -> DirEntries {
    let mut entries = dir.durable.clone();
    for op in &dir.unflushed {
        let happens = match survives {
            SurvivingWrites::Nothing => false,
            SurvivingWrites::Everything | SurvivingWrites::LengthsOnly => true,
            SurvivingWrites::UpTo(_) => op.order <= last,
            SurvivingWrites::Anything(_) => rng.bool(),
        };
        if happens {
            op.change.apply(&mut entries);
        }
    }
    entries
}

/// Removes the directories whose own entries did not survive, with their files.
fn forget_lost_dirs(dirs: &mut BTreeMap<String, SimDir>) {
    let root = dirs.get("").map(|root| root.current.clone()).unwrap_or_default();
    dirs.retain(|name, _| name.is_empty() || root.get(name) == Some(&DirEntry::Dir));
}
