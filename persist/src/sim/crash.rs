//! What a crash leaves of a simulated disk.

use std::collections::BTreeMap;

use super::{Dir, Entries, FileChange, Inode, Node, State};

/// The unit in which a disk writes, in bytes.
const SECTOR: usize = 512;

/// Which of the changes that were not flushed survive a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// Those up to some moment, chosen by the number, the last of them in part.
    UpTo(u64),
    /// Each sector, each length and each directory entry from a time of its own,
    /// chosen by the number.
    Anything(u64),
    /// Lengths and directory entries, but no contents: grown files end in zeros.
    LengthsOnly,
}

/// A small deterministic generator (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }

    /// A time from 0 to `latest`, the two ends as likely as all between.
    fn time(&mut self, latest: usize) -> usize {
        match self.below(3) {
            0 => 0,
            1 => latest,
            _ => self.below(latest + 1),
        }
    }
}

/// The disk as it is found afterwards: everything on it is durable.
pub(super) fn image(state: &State, survives: Survives) -> State {
    let mut dice = Dice(match survives {
        Survives::UpTo(seed) | Survives::Anything(seed) => seed,
        _ => 0,
    });
    let mut orders: Vec<u64> = state
        .inodes
        .iter()
        .flat_map(|inode| inode.unflushed.iter().map(|op| op.order))
        .chain(state.dirs.values().flat_map(|dir| dir.unflushed.iter().map(|op| op.order)))
        .collect();
    orders.sort_unstable();
    let cut = *orders.get(dice.below(orders.len())).unwrap_or(&0);

    let mut after = State { random: state.random, ..State::default() };
    for inode in &state.inodes {
        let durable = contents(inode, survives, cut, &mut dice);
        after.inodes.push(Inode { current: durable.clone(), durable, unflushed: vec![] });
    }
    for (name, dir) in &state.dirs {
        let durable = entries(dir, survives, cut, &mut dice);
        let dir = Dir { current: durable.clone(), durable, unflushed: vec![] };
        after.dirs.insert(name.clone(), dir);
    }
    forget_lost_dirs(&mut after.dirs);
    after
}

fn contents(inode: &Inode, survives: Survives, cut: u64, dice: &mut Dice) -> Vec<u8> {
    match survives {
        Survives::Nothing => inode.durable.clone(),
        Survives::Everything => everything(inode),
        Survives::UpTo(_) => up_to(inode, cut, dice),
        Survives::Anything(_) => anything(inode, dice),
        Survives::LengthsOnly => {
            let mut contents = inode.durable.clone();
            if !inode.unflushed.is_empty() {
                contents.resize(everything(inode).len(), 0);
            }
            contents
        }
    }
}

/// What would be durable after a flush.
fn everything(inode: &Inode) -> Vec<u8> {
    let mut contents = inode.durable.clone();
    inode.unflushed.iter().for_each(|op| op.change.apply(&mut contents));
    contents
}

/// Everything before the cut, and part of what happens at it.
fn up_to(inode: &Inode, cut: u64, dice: &mut Dice) -> Vec<u8> {
    let mut contents = inode.durable.clone();
    for op in inode.unflushed.iter().filter(|op| op.order <= cut) {
        match &op.change {
            FileChange::Write { at, bytes } if op.order == cut => {
                let bytes = bytes[..dice.below(bytes.len() + 1)].to_vec();
                FileChange::Write { at: *at, bytes }.apply(&mut contents);
            }
            change => change.apply(&mut contents),
        }
    }
    contents
}

/// Every sector from a time of its own.
fn anything(inode: &Inode, dice: &mut Dice) -> Vec<u8> {
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
    let mut contents = vec![0; versions[dice.time(latest)].len()];
    for (index, sector) in contents.chunks_mut(SECTOR).enumerate() {
        let version = &versions[dice.time(latest)];
        let from = version.get(index * SECTOR..).unwrap_or(&[]);
        let length = from.len().min(sector.len());
        sector[..length].copy_from_slice(&from[..length]);
    }
    contents
}

fn entries(dir: &Dir, survives: Survives, cut: u64, dice: &mut Dice) -> Entries {
    let mut entries = dir.durable.clone();
    for op in &dir.unflushed {
        let happens = match survives {
            Survives::Nothing => false,
            Survives::Everything | Survives::LengthsOnly => true,
            Survives::UpTo(_) => op.order <= cut,
            Survives::Anything(_) => dice.below(2) == 0,
        };
        if happens {
            op.change.apply(&mut entries);
        }
    }
    entries
}

/// Directories whose own entries did not survive are gone, and their files.
fn forget_lost_dirs(dirs: &mut BTreeMap<String, Dir>) {
    let root = dirs.get("").map(|root| root.current.clone()).unwrap_or_default();
    dirs.retain(|name, _| name.is_empty() || root.get(name) == Some(&Node::Dir));
}
