//! A simulated disk, for tests: it remembers what was flushed and what was not,
//! fails on demand, and shows what a crash could leave.
//!
//! Its model is the weakest that POSIX allows (see [`crate::disk`]): of what was
//! not flushed, any sector may be from any time since, the length of a file from
//! another, and directory entries may be missing one by one. A failed flush drops
//! what was to be flushed, though it can still be read, as Linux does.
//!
//! ```
//! use std::sync::Arc;
//! use persist::{Settings, Store, sim::{SimDisk, Survives}};
//!
//! let disk = SimDisk::new();
//! let store = Store::create_on(Arc::new(disk.clone()), Settings::default())?;
//! store.append(b"one")?;
//! store.commit()?;
//! store.append(b"two")?;
//! let after = disk.crash(Survives::Nothing);       // the plug is pulled
//! drop(store);
//! let store = Store::open_on(Arc::new(after), Settings::default())?;
//! assert_eq!(store.recover()?.records.count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod crash;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub use crash::Survives;

use crate::disk::{BLOCK, Disk, DiskFile, DiskLock};
use crate::lock::lock;

/// What happens at an operation chosen by [`SimDisk::fail_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power goes while it is under way: it may have had any part of its
    /// effect, and every operation from then on fails.
    PowerOff,
    /// It fails. A write or truncation may have had part of its effect, and what
    /// a flush should have made durable never will be, unless written again.
    Io,
    /// It finds no room, once. A write has had part of its effect.
    NoSpace,
}

/// A change to a file, with its place among all changes.
#[derive(Debug, Clone)]
struct FileOp {
    order: u64,
    change: FileChange,
}

#[derive(Debug, Clone)]
enum FileChange {
    Write { at: usize, bytes: Vec<u8> },
    Resize(usize),
}

impl FileChange {
    fn apply(&self, contents: &mut Vec<u8>) {
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

#[derive(Debug, Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    current: Vec<u8>,
    unflushed: Vec<FileOp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Dir,
}

/// A change to a directory, with its place among all changes.
#[derive(Debug, Clone)]
struct DirOp {
    order: u64,
    change: DirChange,
}

#[derive(Debug, Clone)]
enum DirChange {
    Add(String, Node),
    Remove(String),
    Rename { from: String, to: String, node: Node },
}

type Entries = BTreeMap<String, Node>;

impl DirChange {
    fn apply(&self, entries: &mut Entries) {
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

#[derive(Debug, Clone, Default)]
struct Dir {
    durable: Entries,
    current: Entries,
    unflushed: Vec<DirOp>,
}

#[derive(Debug, Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    dirs: BTreeMap<String, Dir>,
    /// Operations so far that change something or make it durable.
    steps: u64,
    faults: BTreeMap<u64, Fault>,
    off: bool,
    /// The most bytes that all files may have together.
    capacity: Option<usize>,
    random: u64,
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    locked: Arc<AtomicBool>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        let dirs = BTreeMap::from([(String::new(), Dir::default())]);
        Self::of(State { dirs, ..State::default() })
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)), locked: Arc::default() }
    }

    /// How many operations there were that write, flush, or change a directory.
    pub fn steps(&self) -> u64 {
        lock(&self.state).steps
    }

    /// Lets the operation of that number (the first is 1) fail.
    pub fn fail_at(&self, step: u64, fault: Fault) {
        lock(&self.state).faults.insert(step, fault);
    }

    /// Limits the bytes that all files may have together; `None` lifts the limit.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        lock(&self.state).capacity = bytes;
    }

    /// All files with their contents as a reader sees them, by name.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = lock(&self.state);
        let mut files = BTreeMap::new();
        for (dir, entries) in &state.dirs {
            for (name, node) in &entries.current {
                if let Node::File(inode) = node {
                    files.insert(join(dir, name), state.inodes[*inode].current.clone());
                }
            }
        }
        files
    }

    /// Replaces a file's contents behind everybody's back, durably.
    pub fn overwrite(&self, name: &str, contents: &[u8]) {
        let mut state = lock(&self.state);
        if let Ok(inode) = state.find(name) {
            let contents = contents.to_vec();
            let current = contents.clone();
            state.inodes[inode] = Inode { durable: contents, current, unflushed: vec![] };
        }
    }

    /// Lets operations succeed again after [`Fault::PowerOff`] with nothing lost:
    /// then it was not the power that went but the process alone that ended, and
    /// what was not flushed is still waiting to be.
    pub fn revive(&self) {
        lock(&self.state).off = false;
    }

    /// The disk as it may be found after the power went just now.
    pub fn crash(&self, survives: Survives) -> Self {
        Self::of(crash::image(&lock(&self.state), survives))
    }
}

fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.into() } else { format!("{dir}/{name}") }
}

fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

fn injected(fault: Fault) -> io::Error {
    match fault {
        Fault::PowerOff => power_is_off(),
        Fault::Io => io::Error::other("injected input/output error"),
        Fault::NoSpace => io::ErrorKind::StorageFull.into(),
    }
}

impl State {
    fn check_power(&self) -> io::Result<()> {
        if self.off { Err(power_is_off()) } else { Ok(()) }
    }

    /// Counts an operation, and says with which fault it is to meet.
    fn step(&mut self) -> io::Result<Option<Fault>> {
        self.check_power()?;
        self.steps += 1;
        let fault = self.faults.remove(&self.steps);
        self.off = fault == Some(Fault::PowerOff);
        Ok(fault)
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        let (dir, file) = split(name);
        let entries = &self.dirs.get(dir).ok_or_else(not_found)?.current;
        match entries.get(file) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(not_found()),
        }
    }

    /// Changes a directory, as far as the fault lets it.
    fn change_dir(&mut self, dir: &str, change: DirChange) -> io::Result<()> {
        let fault = self.step()?;
        if let Some(fault) = fault.filter(|fault| *fault != Fault::PowerOff) {
            return Err(injected(fault));
        }
        let order = self.steps;
        let dir = self.dirs.get_mut(dir).ok_or_else(not_found)?;
        change.apply(&mut dir.current);
        dir.unflushed.push(DirOp { order, change });
        fault.map_or(Ok(()), |fault| Err(injected(fault)))
    }

    fn change_file(&mut self, inode: usize, change: FileChange) {
        let order = self.steps;
        let inode = &mut self.inodes[inode];
        change.apply(&mut inode.current);
        inode.unflushed.push(FileOp { order, change });
    }

    /// How many bytes of a write there is room for.
    fn room(&self, inode: usize, at: usize, length: usize) -> usize {
        let Some(capacity) = self.capacity else { return length };
        let used: usize = self.inodes.iter().map(|inode| inode.current.len()).sum();
        let free = capacity.saturating_sub(used);
        let inside = self.inodes[inode].current.len().saturating_sub(at);
        length.min(inside + free)
    }

    fn write(&mut self, inode: usize, at: usize, bytes: &[u8]) -> io::Result<()> {
        let fault = self.step()?;
        let room = self.room(inode, at, bytes.len());
        let (length, error) = match fault {
            None if room == bytes.len() => (room, None),
            None => (room, Some(Fault::NoSpace)),
            // How much of it arrives, the crash decides.
            Some(Fault::PowerOff) => (room, fault),
            Some(_) => (room.min(bytes.len() / 2), fault),
        };
        self.change_file(inode, FileChange::Write { at, bytes: bytes[..length].to_vec() });
        error.map_or(Ok(()), |fault| Err(injected(fault)))
    }

    fn flush(&mut self, inode: usize) -> io::Result<()> {
        let fault = self.step()?;
        let inode = &mut self.inodes[inode];
        match fault {
            None => {
                let Inode { durable, unflushed, .. } = inode;
                unflushed.drain(..).for_each(|op| op.change.apply(durable));
                Ok(())
            }
            Some(Fault::PowerOff) => Err(power_is_off()),
            Some(fault) => {
                inode.unflushed.clear();
                Err(injected(fault))
            }
        }
    }
}

impl Disk for SimDisk {
    fn path(&self, name: &str) -> PathBuf {
        Path::new("/simulated").join(name)
    }

    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        lock(&self.state).check_power()?;
        if self.locked.swap(true, Ordering::SeqCst) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock(Arc::clone(&self.locked))))
    }

    fn random(&self) -> io::Result<[u8; 32]> {
        let mut state = lock(&self.state);
        state.random += 1;
        Ok(*blake3::hash(&state.random.to_le_bytes()).as_bytes())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = lock(&self.state);
        let (dir, file) = split(name);
        let inode = match state.find(name) {
            Ok(inode) => {
                match state.step()? {
                    Some(fault) => return Err(injected(fault)),
                    None => state.change_file(inode, FileChange::Resize(0)),
                }
                inode
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                state.inodes.push(Inode::default());
                let inode = state.inodes.len() - 1;
                state.change_dir(dir, DirChange::Add(file.into(), Node::File(inode)))?;
                inode
            }
            Err(error) => return Err(error),
        };
        Ok(Arc::new(SimFile { state: Arc::clone(&self.state), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = lock(&self.state);
        state.check_power()?;
        let inode = state.find(name)?;
        Ok(Arc::new(SimFile { state: Arc::clone(&self.state), inode }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = lock(&self.state);
        state.check_power()?;
        match state.dirs.get(dir) {
            Some(dir) => Ok(dir.current.keys().cloned().collect()),
            None if state.find(dir).is_ok() => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(not_found()),
        }
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.dirs.contains_key(dir) {
            return state.check_power();
        }
        let (parent, name) = split(dir);
        let changed = state.change_dir(parent, DirChange::Add(name.into(), Node::Dir));
        state.dirs.entry(dir.into()).or_default();
        changed
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = lock(&self.state);
        let node = Node::File(state.find(from)?);
        let (dir, from) = split(from);
        let change = DirChange::Rename { from: from.into(), to: split(to).1.into(), node };
        state.change_dir(dir, change)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.find(name)?;
        let (dir, file) = split(name);
        state.change_dir(dir, DirChange::Remove(file.into()))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = lock(&self.state);
        let fault = state.step()?;
        let Dir { durable, unflushed, .. } = state.dirs.get_mut(dir).ok_or_else(not_found)?;
        match fault {
            None => {
                unflushed.drain(..).for_each(|op| op.change.apply(durable));
                Ok(())
            }
            Some(fault) => {
                if fault != Fault::PowerOff {
                    unflushed.clear();
                }
                Err(injected(fault))
            }
        }
    }
}

struct SimLock(Arc<AtomicBool>);

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

struct SimFile {
    state: Arc<Mutex<State>>,
    inode: usize,
}

/// An offset or length; files of the simulation fit in memory.
fn size(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let state = lock(&self.state);
        state.check_power()?;
        Ok(state.inodes[self.inode].current.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = lock(&self.state);
        state.check_power()?;
        let contents = &state.inodes[self.inode].current;
        let from = contents.get(size(offset)?..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        lock(&self.state).write(self.inode, size(offset)?, bytes)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let length = size(length)?;
        let mut state = lock(&self.state);
        match state.step()? {
            None => {
                state.change_file(self.inode, FileChange::Resize(length));
                Ok(())
            }
            Some(fault) => {
                if fault == Fault::PowerOff {
                    state.change_file(self.inode, FileChange::Resize(length));
                }
                Err(injected(fault))
            }
        }
    }

    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        let (offset, length) = (size(offset)?, size(length)?);
        let mut state = lock(&self.state);
        let end = state.inodes[self.inode].current.len();
        // As a write of zeros that takes no room: any part of it may survive a crash.
        let zeros = vec![0; length.min(end.saturating_sub(offset))];
        state.write(self.inode, offset, &zeros)
    }

    fn allocated(&self) -> io::Result<u64> {
        let state = lock(&self.state);
        state.check_power()?;
        let blocks = state.inodes[self.inode].current.chunks(BLOCK as usize);
        let taken = blocks.filter(|block| block.iter().any(|byte| *byte != 0)).count();
        Ok(taken as u64 * BLOCK)
    }

    fn flush(&self) -> io::Result<()> {
        lock(&self.state).flush(self.inode)
    }
}
