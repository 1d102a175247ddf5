//! The cache: machine code that is kept from run to run.
//!
//! A file holds the code of one unit. Its name is the hash of everything that the code was made
//! from: the unit as it was built (its laws, and what is known of the laws that it calls) and the
//! functions that its entry expects. The name of the directory is the hash of what made the code:
//! this very program, for this processor. So a file that is found is never out of date. A file
//! begins with a mark and the BLAKE3 hash of the rest, and the rest begins with the key. A file
//! that is damaged, truncated or foreign is ignored and replaced.
//!
//! A program is identified by its file's inode, size and times (see [`program`]): to hash the whole
//! file took longer than most laws take to compile.
//!
//! ```text
//! <directory>/native/<program and processor>/<key>
//! ```
//!
//! Files are replaced by renaming, so processes may share a directory without a lock. All files
//! together take at most [`LIMIT`] bytes; those that were not used for longest are deleted first. A
//! file that another user could have written is ignored, because its bytes would be run.

use super::object_file;
use super::request::EntryKind;
use super::running_program::program_metadata;
use super::statistics::JitCounter;
use crate::build::ExpectedCallee;
use crate::codegen::{CompiledFunction, ConstantFacts};
use crate::ir::Unit;
use std::borrow::Borrow;
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The size limit of all files together, in bytes.
const LIMIT: u64 = 64 << 20;
/// The size down to which files are deleted when the limit is reached, in bytes.
const LOW_WATER_MARK: u64 = LIMIT / 4 * 3;
/// The size limit of a file, in bytes.
const FILE_LIMIT: u64 = 16 << 20;
const MARK: &[u8; 8] = b"PALLASN1";
const HEADER: usize = MARK.len() + 32;

/// The name of a unit's code.
pub(super) struct CacheKey(blake3::Hash);

impl CacheKey {
    /// The key of the stubs.
    pub(super) fn of_stubs() -> CacheKey {
        CacheKey(blake3::hash(b"stubs"))
    }

    /// The key of a unit as it was built, before any pass, what its entry expects, and what kind of
    /// entry it gets.
    pub(super) fn of(
        unit: &Unit,
        expected: &[ExpectedCallee],
        facts: &[ConstantFacts],
        kind: EntryKind,
    ) -> CacheKey {
        // The derived `Hash` leaves nothing out.
        let mut bytes = HashedBytes(Vec::new());
        unit.hash(&mut bytes);
        expected.hash(&mut bytes);
        bytes.write(&[kind as u8]);
        for facts in facts {
            bytes.write(&[facts.top, u8::from(facts.entry.is_some())]);
        }
        CacheKey(blake3::hash(&bytes.0))
    }

    /// Returns the key's first bytes, which other keys rarely have.
    pub(super) fn prefix(&self) -> u64 {
        u64::from_le_bytes(*self.0.as_bytes().first_chunk().expect("a hash has 32 bytes"))
    }
}

/// Collects the bytes that a value's `Hash` feeds to a hasher.
struct HashedBytes(Vec<u8>);

impl Hasher for HashedBytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Not used: the key is a hash of the bytes.
    fn finish(&self) -> u64 {
        0
    }
}

/// The files of machine code in a directory.
pub(super) struct CodeCache {
    /// The directory for all programs and processors.
    root: PathBuf,
    /// The directory for this program and processor.
    folder: PathBuf,
    /// The count of bytes that may be written before the size of all files is to be looked at.
    room: u64,
    user: u32,
    is_verbose: bool,
}

impl CodeCache {
    /// Opens the cache in a directory for a machine, given by its description. None if the file of
    /// the program cannot be found.
    pub(super) fn open(folder: &Path, machine: &str) -> Option<CodeCache> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&program(&program_metadata().ok()?));
        hasher.update(machine.as_bytes());
        let root = folder.join("native");
        let folder = root.join(&hasher.finalize().to_hex()[..32]);
        let user = rustix::process::geteuid().as_raw();
        let is_verbose = std::env::var_os("PALLAS_JIT_PRINT").is_some();
        Some(CodeCache { root, folder, room: 0, user, is_verbose })
    }

    fn path(&self, key: &CacheKey) -> PathBuf {
        self.folder.join(key.0.to_hex().as_str())
    }

    /// The functions of a unit, if they are in the cache.
    pub(super) fn load(&mut self, key: &CacheKey) -> Option<Vec<CompiledFunction>> {
        let path = self.path(key);
        let file = File::open(&path).ok()?;
        let found = self.read(&file, key);
        match &found {
            // The time of the last use decides which files are deleted. An error only makes the
            // file look older.
            Some(_) => drop(file.set_modified(SystemTime::now())),
            None => {
                JitCounter::Rejected.add(1);
                if self.is_verbose {
                    eprintln!(
                        "pallas: {} is not a file of the code cache; it is replaced",
                        path.display()
                    );
                }
            }
        }
        found
    }

    /// Reads and checks a file.
    fn read(&self, mut file: &File, key: &CacheKey) -> Option<Vec<CompiledFunction>> {
        let metadata = file.metadata().ok()?;
        if metadata.len() > FILE_LIMIT || !self.is_ours(&metadata) {
            return None;
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        file.read_to_end(&mut bytes).ok()?;
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let (mark, hash) = header.split_at(MARK.len());
        if mark != MARK || blake3::hash(rest).as_bytes() != hash {
            return None;
        }
        let (name, code) = rest.split_at_checked(32)?;
        if name == key.0.as_bytes() { object_file::read(code) } else { None }
    }

    /// Whether no other user can have written a file.
    fn is_ours(&self, metadata: &Metadata) -> bool {
        metadata.uid() == self.user && metadata.mode() & 0o022 == 0
    }

    /// Puts the functions of a unit into the cache. After an error they are compiled again in the
    /// next run.
    pub(super) fn save(&mut self, key: &CacheKey, functions: &[impl Borrow<CompiledFunction>]) {
        let Some(code) = object_file::write(functions) else { return };
        let rest = [key.0.as_bytes().as_slice(), &code].concat();
        let hash = blake3::hash(&rest);
        let bytes = [MARK.as_slice(), hash.as_bytes(), &rest].concat();
        let size = bytes.len() as u64;
        if size > FILE_LIMIT {
            return;
        }
        if size > self.room {
            self.room = self.prune(size);
        }
        if self.write(&self.path(key), &bytes).is_ok() {
            self.room = self.room.saturating_sub(size);
        }
    }

    /// Writes a temporary file in the same folder, and renames it.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let temporary = path.with_extension(std::process::id().to_string());
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // The file may not exist.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Deletes the least recently used files if all files, and `more` bytes, exceed the limit.
    /// Returns the count of bytes that may be written before this is to be called again.
    fn prune(&self, more: u64) -> u64 {
        let mut files = self.files();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        if total + more <= LIMIT {
            return LIMIT - total;
        }
        files.sort_unstable();
        for (_, size, path) in files {
            if total + more <= LOW_WATER_MARK {
                break;
            }
            if fs::remove_file(path).is_ok() {
                total -= size;
            }
        }
        // Removes the empty directories of other programs. An error means that one is not empty.
        for folder in entries(&self.root) {
            let _ = fs::remove_dir(folder);
        }
        LIMIT.saturating_sub(total).max(more)
    }

    /// All files, with the time of their last use and their sizes.
    fn files(&self) -> Vec<(SystemTime, u64, PathBuf)> {
        let file = |path: PathBuf| {
            let metadata = fs::symlink_metadata(&path).ok().filter(Metadata::is_file)?;
            Some((metadata.modified().ok()?, metadata.len(), path))
        };
        let folders = entries(&self.root);
        folders.flat_map(|folder| entries(&folder)).filter_map(file).collect()
    }
}

/// The name of this program in names of files; none if its file cannot be found.
pub(super) fn program_name() -> Option<String> {
    let hash = blake3::hash(&program(&program_metadata().ok()?));
    Some(hash.to_hex()[..32].to_owned())
}

/// Identifies a program by its file: the device and inode, the size, the time of the last write,
/// and the time of the last change of any kind, which no program can set.
fn program(file: &Metadata) -> [u8; 56] {
    let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
    let facts = [file.dev(), file.ino(), file.size()];
    let facts = facts.into_iter().chain(times.map(i64::cast_unsigned));
    let mut bytes = [0; 56];
    bytes
        .chunks_exact_mut(8)
        .zip(facts)
        .for_each(|(to, fact)| to.copy_from_slice(&fact.to_le_bytes()));
    bytes
}

/// The paths of the entries of a directory.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

#[cfg(test)]
mod tests;
