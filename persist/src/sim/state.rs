//! The state of a simulated disk: what is durable, what readers see, and the changes in between.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A fault that [`SimDisk::fail_at`](super::SimDisk::fail_at) injects into an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedFault {
    /// A loss of power during the operation. The operation may have had any part of its effect, and
    /// every later operation fails.
    PowerOff,
    /// An input/output error. A write or truncation may have had part of its effect. What a flush
    /// should have made durable never becomes durable, unless it is written again.
    Io,
    /// A full disk, once. A write has had part of its effect.
    NoSpace,
}

/// A change to a file, with its position among all changes.
#[derive(Debug, Clone)]
pub(super) struct FileOp {
    pub(super) order: u64,
    pub(super) change: FileChange,
}

/// A change to a file.
#[derive(Debug, Clone)]
pub(super) enum FileChange {
    Write { at: usize, bytes: Vec<u8> },
    Resize(usize),
}

impl FileChange {
    pub(super) fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if contents.len() < end {
                    contents.resize(end, 0);
                }
                contents[*at..end].copy_from_slice(bytes);
            }
            Self::Resize(length) => contents.resize(*length, 0),
        }
    }
}

/// The contents of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    pub(super) durable: Vec<u8>,
    pub(super) current: Vec<u8>,
    pub(super) unflushed: Vec<FileOp>,
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DirEntry {
    File(usize),
    Dir,
}

/// A change to a directory, with its position among all changes.
#[derive(Debug, Clone)]
pub(super) struct DirOp {
    pub(super) order: u64,
    pub(super) change: DirChange,
}

/// A change to a directory.
#[derive(Debug, Clone)]
pub(super) enum DirChange {
    Add(String, DirEntry),
    Remove(String),
    Rename { from: String, to: String, node: DirEntry },
}

pub(super) type DirEntries = BTreeMap<String, DirEntry>;

impl DirChange {
    pub(super) fn apply(&self, entries: &mut DirEntries) {
        match self {
            Self::Add(name, node) => {
                entries.insert(name.clone(), *node);
            }
            Self::Remove(name) => {
                entries.remove(name);
            }
            Self::Rename { from, to, node } => {
                entries.remove(from);
                entries.insert(to.clone(), *node);
            }
        }
    }
}

/// The entries of a directory.
#[derive(Debug, Clone, Default)]
pub(super) struct SimDir {
    pub(super) durable: DirEntries,
    pub(super) current: DirEntries,
    pub(super) unflushed: Vec<DirOp>,
}

/// The state of a simulated disk.
#[derive(Debug, Clone, Default)]
pub(super) struct SimState {
    pub(super) inodes: Vec<Inode>,
    pub(super) dirs: BTreeMap<String, SimDir>,
    /// The number of operations so far that changed something or made it durable.
    pub(super) steps: u64,
    pub(super) faults: BTreeMap<u64, InjectedFault>,
    /// Whether the power is off.
    pub(super) off: bool,
    /// The maximum total length of all files, in bytes.
    pub(super) capacity: Option<usize>,
    /// The bytes that cannot be read, by file.
    pub(super) unreadable: Vec<(usize, Range<u64>)>,
    /// The files in memory that are mapped in place of files, by file.
    pub(super) mirrors: Vec<(usize, Arc<File>)>,
    /// The number of random values drawn so far.
    pub(super) random: u64,
    /// The time, in seconds since 1970.
    pub(super) seconds: u64,
}

pub(super) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

pub(super) fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

pub(super) fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

pub(super) fn injected(fault: InjectedFault) -> io::Error {
    match fault {
        InjectedFault::PowerOff => power_is_off(),
        InjectedFault::Io => io::Error::other("injected input/output error"),
        InjectedFault::NoSpace => io::ErrorKind::StorageFull.into(),
    }
}

impl SimState {
    pub(super) fn check_power(&self) -> io::Result<()> {
        if self.off { Err(power_is_off()) } else { Ok(()) }
    }

    /// Counts an operation and returns the fault to inject into it.
    pub(super) fn step(&mut self) -> io::Result<Option<InjectedFault>> {
        self.check_power()?;
        self.steps += 1;
        let fault = self.faults.remove(&self.steps);
        self.off = fault == Some(InjectedFault::PowerOff);
        Ok(fault)
    }

    /// Fails if any of these bytes of a file cannot be read.
    pub(super) fn check_readable(&self, inode: usize, bytes: Range<u64>) -> io::Result<()> {
        let is_hit = |(file, bad): &(usize, Range<u64>)| {
            *file == inode && bad.start < bytes.end && bytes.start < bad.end
        };
        if self.unreadable.iter().any(is_hit) { Err(injected(InjectedFault::Io)) } else { Ok(()) }
    }

    pub(super) fn find(&self, name: &str) -> io::Result<usize> {
        let (dir, file) = split(name);
        let entries = &self.dirs.get(dir).ok_or_else(not_found)?.current;
        match entries.get(file) {
            Some(DirEntry::File(inode)) => Ok(*inode),
            Some(DirEntry::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(not_found()),
        }
    }

    /// Changes a directory, unless a fault prevents it.
    pub(super) fn change_dir(&mut self, dir: &str, change: DirChange) -> io::Result<()> {
        let fault = self.step()?;
        if let Some(fault) = fault.filter(|fault| *fault != InjectedFault::PowerOff) {
            return Err(injected(fault));
        }
        let order = self.steps;
        let dir = self.dirs.get_mut(dir).ok_or_else(not_found)?;
        change.apply(&mut dir.current);
        dir.unflushed.push(DirOp { order, change });
        fault.map_or(Ok(()), |fault| Err(injected(fault)))
    }

    pub(super) fn change_file(&mut self, inode: usize, change: FileChange) {
        let order = self.steps;
        let inode = &mut self.inodes[inode];
        change.apply(&mut inode.current);
        inode.unflushed.push(FileOp { order, change });
    }

    /// Returns the number of bytes of a write that fit on the disk.
    pub(super) fn room(&self, inode: usize, at: usize, length: usize) -> usize {
        let Some(capacity) = self.capacity else { return length };
        let used: usize = self.inodes.iter().map(|inode| inode.current.len()).sum();
        let free = capacity.saturating_sub(used);
        let inside = self.inodes[inode].current.len().saturating_sub(at);
        length.min(inside + free)
    }

    pub(super) fn write(&mut self, inode: usize, at: usize, bytes: &[u8]) -> io::Result<()> {
        let fault = self.step()?;
        let room = self.room(inode, at, bytes.len());
        let (length, error) = match fault {
            None if room == bytes.len() => (room, None),
            None => (room, Some(InjectedFault::NoSpace)),
            // The crash decides how much of the write survives.
            Some(InjectedFault::PowerOff) => (room, fault),
            Some(_) => (room.min(bytes.len() / 2), fault),
        };
        self.change_file(inode, FileChange::Write { at, bytes: bytes[..length].to_vec() });
        error.map_or(Ok(()), |fault| Err(injected(fault)))
    }

    pub(super) fn flush(&mut self, inode: usize) -> io::Result<()> {
        let fault = self.step()?;
        let inode = &mut self.inodes[inode];
        match fault {
            None => {
                let Inode { durable, unflushed, .. } = inode;
                unflushed.drain(..).for_each(|op| op.change.apply(durable));
                Ok(())
            }
            Some(InjectedFault::PowerOff) => Err(power_is_off()),
            Some(fault) => {
                inode.unflushed.clear();
                Err(injected(fault))
            }
        }
    }
}
