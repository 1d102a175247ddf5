//! A simulated disk for tests: it tracks what is durable, injects faults, and shows what a crash
//! can leave.
//!
//! ```text
//! sim      SimDisk: the disk and its files, unreadable bytes, and mappings that are cut short
//! crash    the state after a crash
//! state    contents, directories and pending changes
//! ```
//!
//! Its model is the weakest that POSIX allows (see [`crate::disk`]): of the unflushed changes, any
//! sector may be from any point in time, the length of a file from another, and each directory
//! entry may be missing. Like on Linux, a failed flush drops the unflushed changes although they
//! can still be read.
//!
//! ```
//! use std::sync::Arc;
//! use persist::{Store, StoreSettings, sim::{SimDisk, SurvivingWrites}};
//!
//! let disk = SimDisk::new();
//! let store = Store::create_on(Arc::new(disk.clone()), StoreSettings::default())?;
//! store.append(b"one")?;
//! store.commit()?;
//! store.append(b"two")?;
//! let after = disk.crash(SurvivingWrites::Nothing);       // a loss of power
//! drop(store);
//! let store = Store::open_on(Arc::new(after), StoreSettings::default())?;
//! assert_eq!(store.recover()?.records.count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod crash;
mod state;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

pub use crash::SurvivingWrites;
pub use state::InjectedFault;

use crate::disk::{BLOCK, Disk, DiskFile, DiskLock};
use state::{DirChange, DirEntry, FileChange, Inode, SimDir, SimState, injected, not_found, split};

/// A simulated disk. Clones share the disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<SimState>>,
    locked: Arc<AtomicBool>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// Creates an empty disk.
    pub fn new() -> Self {
        let dirs = BTreeMap::from([(String::new(), SimDir::default())]);
        Self::of(SimState { dirs, ..SimState::default() })
    }

    fn of(state: SimState) -> Self {
        Self { state: Arc::new(Mutex::new(state)), locked: Arc::default() }
    }

    /// Returns the number of operations so far that wrote, flushed, or changed a directory.
    pub fn steps(&self) -> u64 {
        self.state.lock().steps
    }

    /// Injects a fault into operation number `step`, where the first operation is 1.
    pub fn fail_at(&self, step: u64, fault: InjectedFault) {
        self.state.lock().faults.insert(step, fault);
    }

    /// Makes bytes of a file unreadable, as a bad sector does: every later read of any of them fails.
    pub fn fail_reads(&self, name: &str, bytes: Range<u64>) {
        let mut state = self.state.lock();
        if let Ok(inode) = state.find(name) {
            state.unreadable.push((inode, bytes));
        }
    }

    /// Truncates the mapping of a body file, so that pages behind `length` are lost when an open
    /// store reads them. The file itself does not change.
    ///
    /// # Errors
    /// As the system reports, and [`io::ErrorKind::NotFound`] if no store has mapped the file.
    pub fn cut_mapping(&self, name: &str, length: u64) -> io::Result<()> {
        let state = self.state.lock();
        let inode = state.find(name)?;
        let mirror = state.mirrors.iter().rev().find(|(file, _)| *file == inode);
        mirror.ok_or_else(not_found)?.1.set_len(length)
    }

    /// Sets the time, in seconds since 1970. A new disk has the time 0.
    pub fn set_seconds(&self, seconds: u64) {
        self.state.lock().seconds = seconds;
    }

    /// Sets the maximum total length of all files, in bytes; `None` removes the limit.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.state.lock().capacity = bytes;
    }

    /// Returns the contents of all files as readers see them, by name.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state.lock();
        let mut files = BTreeMap::new();
        for (dir, entries) in &state.dirs {
            for (name, node) in &entries.current {
                if let DirEntry::File(inode) = node {
                    files.insert(join(dir, name), state.inodes[*inode].current.clone());
                }
            }
        }
        files
    }

    /// Replaces the contents of a file durably, without counting an operation.
    pub fn overwrite(&self, name: &str, contents: &[u8]) {
        let mut state = self.state.lock();
        if let Ok(inode) = state.find(name) {
            let contents = contents.to_vec();
            let current = contents.clone();
            state.inodes[inode] = Inode { durable: contents, current, unflushed: vec![] };
        }
    }

    /// Lets operations succeed again after [`InjectedFault::PowerOff`]. Nothing is lost: this
    /// simulates a crash of the process only, and unflushed changes are still pending.
    pub fn revive(&self) {
        self.state.lock().off = false;
    }

    /// Returns a disk as it may be found after a loss of power at this moment.
    pub fn crash(&self, survives: SurvivingWrites) -> Self {
        Self::of(crash::image(&self.state.lock(), survives))
    }
}

fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.into() } else { format!("{dir}/{name}") }
}

impl Disk for SimDisk {
    fn path(&self, name: &str) -> PathBuf {
        Path::new("/simulated").join(name)
    }

    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        self.state.lock().check_power()?;
        if self.locked.swap(true, Ordering::SeqCst) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock(Arc::clone(&self.locked))))
    }

    fn seconds(&self) -> u64 {
        self.state.lock().seconds
    }

    fn random(&self) -> io::Result<[u8; 32]> {
        let mut state = self.state.lock();
        state.random += 1;
        Ok(*blake3::hash(&state.random.to_le_bytes()).as_bytes())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state.lock();
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
                state.change_dir(dir, DirChange::Add(file.into(), DirEntry::File(inode)))?;
                inode
            }
            Err(error) => return Err(error),
        };
        Ok(Arc::new(SimFile { state: Arc::clone(&self.state), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state.lock();
        state.check_power()?;
        let inode = state.find(name)?;
        Ok(Arc::new(SimFile { state: Arc::clone(&self.state), inode }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        state.check_power()?;
        match state.dirs.get(dir) {
            Some(dir) => Ok(dir.current.keys().cloned().collect()),
            None if state.find(dir).is_ok() => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(not_found()),
        }
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.dirs.contains_key(dir) {
            return state.check_power();
        }
        let (parent, name) = split(dir);
        let changed = state.change_dir(parent, DirChange::Add(name.into(), DirEntry::Dir));
        state.dirs.entry(dir.into()).or_default();
        changed
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let node = DirEntry::File(state.find(from)?);
        let (dir, from) = split(from);
        let change = DirChange::Rename { from: from.into(), to: split(to).1.into(), node };
        state.change_dir(dir, change)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.find(name)?;
        let (dir, file) = split(name);
        state.change_dir(dir, DirChange::Remove(file.into()))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let fault = state.step()?;
        let SimDir { durable, unflushed, .. } = state.dirs.get_mut(dir).ok_or_else(not_found)?;
        match fault {
            None => {
                unflushed.drain(..).for_each(|op| op.change.apply(durable));
                Ok(())
            }
            Some(fault) => {
                if fault != InjectedFault::PowerOff {
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
    state: Arc<Mutex<SimState>>,
    inode: usize,
}

/// Converts an offset or length. Simulated files fit in memory.
fn size(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.state.lock();
        state.check_power()?;
        Ok(state.inodes[self.inode].current.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.state.lock();
        state.check_power()?;
        state.check_readable(self.inode, offset..offset.saturating_add(buffer.len() as u64))?;
        let contents = &state.inodes[self.inode].current;
        let from = contents.get(size(offset)?..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.state.lock().write(self.inode, size(offset)?, bytes)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let length = size(length)?;
        let mut state = self.state.lock();
        match state.step()? {
            None => {
                state.change_file(self.inode, FileChange::Resize(length));
                Ok(())
            }
            Some(fault) => {
                if fault == InjectedFault::PowerOff {
                    state.change_file(self.inode, FileChange::Resize(length));
                }
                Err(injected(fault))
            }
        }
    }

    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        let (offset, length) = (size(offset)?, size(length)?);
        let mut state = self.state.lock();
        let end = state.inodes[self.inode].current.len();
        // A hole is a write of zeros that takes no space: any part of it may survive a crash.
        let zeros = vec![0; length.min(end.saturating_sub(offset))];
        state.write(self.inode, offset, &zeros)
    }

    fn allocated(&self) -> io::Result<u64> {
        let state = self.state.lock();
        state.check_power()?;
        let blocks = state.inodes[self.inode].current.chunks(BLOCK as usize);
        let taken = blocks.filter(|block| block.iter().any(|byte| *byte != 0)).count();
        Ok(taken as u64 * BLOCK)
    }

    fn attach_mirror(&self, mirror: &File) {
        // Without a copy of the handle the mapping cannot be cut, and is like any other.
        if let Ok(mirror) = mirror.try_clone() {
            self.state.lock().mirrors.push((self.inode, Arc::new(mirror)));
        }
    }

    fn flush(&self) -> io::Result<()> {
        self.state.lock().flush(self.inode)
    }
}
