//! Machine code kept from run to run.
//!
//! A file holds the code of one unit. Its name is the hash of all that the code was made from: the
//! unit as it was built (the laws that are in it, with what is known of those that are not) and the
//! functions it is expected to be given; the folder's name that of whoever made it: this very
//! program, for this processor. So nothing that is found can be out of date. A file begins with a
//! mark and the BLAKE3 of the rest, which its key begins; one that is damaged, cut off or not ours
//! is no code, and is written anew.
//!
//! The program is told by its file's place, size and times (see [`program`]): reading all of it took
//! longer than most laws take to compile.
//!
//! ```text
//! <folder>/native/<program and processor>/<key>
//! ```
//!
//! Files are replaced by renaming, so several processes may share a folder. There is no lock.
//! Together they take no more than [`LIMIT`]; those that were used longest ago go first. A file that
//! another user could have written is not looked at, since it would be run.

use super::bytes;
use super::count::Count;
use crate::build::ExpectedCallee;
use crate::codegen::{Environment, Object};
use crate::ir::Unit;
use std::borrow::Borrow;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes that all files may take together.
const LIMIT: u64 = 64 << 20;
/// Bytes that are left when some have been deleted for that.
const LEFT: u64 = LIMIT / 4 * 3;
/// No file is larger.
const FILE_LIMIT: u64 = 16 << 20;
const MARK: &[u8; 8] = b"PALLASN1";
const HEADER: usize = MARK.len() + 32;

/// The name of a unit's code.
pub(super) struct Key(blake3::Hash);

impl Key {
    /// That of the stubs.
    pub(super) fn of_stubs() -> Key {
        Key(blake3::hash(b"stubs"))
    }

    /// That of a unit that was built and not changed since, with what it is expected to be given.
    pub(super) fn of(unit: &Unit, expected: &[ExpectedCallee], environment: &Environment) -> Key {
        let mut hasher = blake3::Hasher::new();
        // All of it, in the form that leaves nothing out.
        hasher.update(format!("{unit:?}{expected:?}").as_bytes());
        for facts in &environment.facts {
            hasher.update(&[facts.top, u8::from(facts.entry.is_some())]);
        }
        Key(hasher.finalize())
    }
}

/// Where code is kept.
pub(super) struct KeptCode {
    /// Of all programs and processors.
    root: PathBuf,
    folder: PathBuf,
    /// What may still be written before files are to be deleted.
    room: u64,
    user: u32,
    is_verbose: bool,
}

impl KeptCode {
    /// The code in a folder for the machine so described. None, if the program does not find itself.
    pub(super) fn open(folder: &Path, machine: &str) -> Option<KeptCode> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&program(&fs::metadata("/proc/self/exe").ok()?));
        hasher.update(machine.as_bytes());
        let root = folder.join("native");
        let folder = root.join(&hasher.finalize().to_hex()[..32]);
        let user = fs::metadata("/proc/self").ok()?.uid();
        let is_verbose = std::env::var_os("PALLAS_JIT_PRINT").is_some();
        Some(KeptCode { root, folder, room: 0, user, is_verbose })
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(key.0.to_hex().as_str())
    }

    /// The code of that name, if it is there.
    pub(super) fn load(&mut self, key: &Key) -> Option<Vec<Object>> {
        let path = self.path(key);
        let file = File::open(&path).ok()?;
        let found = self.read(&file, key);
        match &found {
            // When it was used last decides how long it stays; if that cannot be noted, so be it.
            Some(_) => drop(file.set_modified(SystemTime::now())),
            None => {
                Count::Rejected.add(1);
                if self.is_verbose {
                    eprintln!("pallas: {} holds no code, and is written anew", path.display());
                }
            }
        }
        found
    }

    fn read(&self, mut file: &File, key: &Key) -> Option<Vec<Object>> {
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
        if name == key.0.as_bytes() { bytes::read(code) } else { None }
    }

    /// Whether only this user can have written a file.
    fn is_ours(&self, metadata: &Metadata) -> bool {
        metadata.uid() == self.user && metadata.mode() & 0o022 == 0
    }

    /// Keeps code under that name. If that cannot be done, it is made again next time.
    pub(super) fn save(&mut self, key: &Key, objects: &[impl Borrow<Object>]) {
        let Some(code) = bytes::write(objects) else { return };
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
            // It may not even be there.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Deletes the files used longest ago if all take too much, with so many bytes more. How many may
    /// be written then before it is time to look again.
    fn prune(&self, more: u64) -> u64 {
        let mut files = self.files();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        if total + more <= LIMIT {
            return LIMIT - total;
        }
        files.sort_unstable();
        for (_, size, path) in files {
            if total + more <= LEFT {
                break;
            }
            if fs::remove_file(path).is_ok() {
                total -= size;
            }
        }
        // Folders of other programs that are empty now; those that are not stay.
        for folder in entries(&self.root) {
            let _ = fs::remove_dir(folder);
        }
        LIMIT.saturating_sub(total).max(more)
    }

    /// All files: when they were used last, their sizes.
    fn files(&self) -> Vec<(SystemTime, u64, PathBuf)> {
        let file = |path: PathBuf| {
            let metadata = fs::symlink_metadata(&path).ok().filter(Metadata::is_file)?;
            Some((metadata.modified().ok()?, metadata.len(), path))
        };
        let folders = entries(&self.root);
        folders.flat_map(|folder| entries(&folder)).filter_map(file).collect()
    }
}

/// What tells a program from every other that ever lay in a file: the file's device and number, its
/// size, when it was written, and when it was last changed in any way, which nobody can set.
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

/// The paths of what is in a folder.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

#[cfg(test)]
mod tests;
