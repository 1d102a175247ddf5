//! States of modules that were loaded before, kept in files.
//!
//! A file holds the states after all modules of one chain, as an image of pins
//! ([`vm::pinspace::image`]): they share nearly everything, and are mapped, not loaded. Each state
//! has a key, the hash of all files that made it and of this program's version, so a state can be
//! used exactly if its key is the one wanted. The image's label is the keys, its root the row of
//! states.
//!
//! A file that is damaged or not ours is never used: that is a warning, and the modules are loaded
//! from their sources. A file is checked as a whole when it is opened, at the speed of BLAKE3, so
//! nothing in it can turn out bad later. Files are put in place by renaming, so that no half of one
//! is ever seen, and never changed after that: any number of processes use them at once, without a
//! lock. The oldest go when there are too many.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use vm::pinspace::image::{self, ImageError};
use vm::{Hash, Shape, Stop, Val, Vm};

/// What the state after a module depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key([u8; 32]);

const EXTENSION: &str = "sirecache";
/// As many files are kept.
const FILES_MAX: usize = 16;
/// No file is larger, in bytes.
const FILE_MAX: u64 = 1 << 32;

impl Key {
    /// The key before the first module. The sources of this crate are part of it: other code may
    /// make other laws. So is what the laws are compared with: those that come from a cache are not
    /// pinned again, so they must have been compared when they were.
    pub(crate) fn start(compared_with: Option<Hash>) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(concat!("pallas sire ", env!("SIRE_SOURCES")).as_bytes());
        if let Some(hash) = compared_with {
            hasher.update(b" compared with ").update(&hash.0);
        }
        Key(*hasher.finalize().as_bytes())
    }

    /// The key after one more module with this text.
    pub(crate) fn then(self, text: &[u8]) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(text);
        Key(*hasher.finalize().as_bytes())
    }
}

/// A folder of cached states.
pub(crate) struct Cache {
    folder: PathBuf,
}

/// Why a cache was not used or written.
#[derive(Debug, thiserror::Error)]
#[error("the cache {} is not used: {problem}", .path.display())]
pub(crate) struct Warning {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it holds other modules than it says")]
    Foreign,
    #[error("{0}")]
    Image(#[from] ImageError),
    #[error("{0}")]
    Stop(#[from] Stop),
}

impl Cache {
    pub(crate) fn new(folder: PathBuf) -> Cache {
        Cache { folder }
    }

    /// The packed states of as many first modules of a chain as some file has, if it has more than
    /// `known`.
    pub(crate) fn load(
        &self,
        vm: &mut Vm,
        keys: &[Key],
        known: usize,
        warnings: &mut Vec<Warning>,
    ) -> Vec<Val> {
        let mut candidates = self.candidates(keys);
        candidates.retain(|(count, _)| *count > known);
        while let Some((count, path)) = candidates.pop() {
            match read_states(vm, &path, &keys[..count]) {
                Ok(states) => return states,
                Err(problem) => warnings.push(Warning { path, problem }),
            }
        }
        Vec::new()
    }

    /// The files that have the state of the first module of a chain, and of how many of them; the
    /// best last.
    fn candidates(&self, keys: &[Key]) -> Vec<(usize, PathBuf)> {
        if let Some(last) = keys.last()
            && let path = self.path_of(last)
            && is_regular(&path)
        {
            let mut candidates = self.scan(keys);
            candidates.retain(|(_, other)| *other != path);
            candidates.push((keys.len(), path));
            return candidates;
        }
        self.scan(keys)
    }

    fn scan(&self, keys: &[Key]) -> Vec<(usize, PathBuf)> {
        let mut candidates: Vec<(usize, PathBuf)> = self
            .files()
            .into_iter()
            .filter_map(|path| {
                let found = read_keys(&File::open(&path).ok()?).ok()?;
                let shared = keys.iter().zip(&found).take_while(|(a, b)| a == b).count();
                (shared > 0).then_some((shared, path))
            })
            .collect();
        candidates.sort();
        candidates
    }

    fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let is_ours = |path: &PathBuf| path.extension().is_some_and(|found| found == EXTENSION);
        paths.filter(|path| is_ours(path) && is_regular(path)).collect()
    }

    fn path_of(&self, key: &Key) -> PathBuf {
        let name = blake3::Hash::from_bytes(key.0).to_hex();
        self.folder.join(format!("{name}.{EXTENSION}"))
    }

    /// Keeps the packed states of a chain.
    pub(crate) fn store(&self, vm: &mut Vm, keys: &[Key], states: &[Val]) -> Result<(), Warning> {
        let Some(last) = keys.last() else { return Ok(()) };
        let path = self.path_of(last);
        let label: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
        let result = self.put(&path, |file| {
            let row = vm.row(states)?;
            Ok(image::save(vm, &row, &label, file)?)
        });
        result.map_err(|problem| Warning { path, problem })
    }

    /// Puts a file in place that is written by `write`.
    fn put(
        &self,
        path: &Path,
        write: impl FnOnce(&File) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        fs::create_dir_all(&self.folder)?;
        let temporary = temporary(path);
        // A file of that name would be one that another process left behind.
        let _ = fs::remove_file(&temporary);
        let file = File::options().read(true).write(true).create_new(true).open(&temporary)?;
        let written = write(&file).and_then(|()| Ok(fs::rename(&temporary, path)?));
        if written.is_err() {
            // It is of no use, and the first error is the one to tell.
            let _ = fs::remove_file(&temporary);
        }
        self.prune();
        written
    }

    /// Removes the oldest files. Failing to is not worth a word.
    fn prune(&self) {
        let age = |path: &PathBuf| fs::metadata(path).and_then(|facts| facts.modified()).ok();
        let mut files = self.files();
        files.sort_by_key(age);
        let surplus = files.len().saturating_sub(FILES_MAX);
        files.iter().take(surplus).for_each(|path| drop(fs::remove_file(path)));
    }
}

/// A name beside this one that no other file has: images must not be written over.
fn temporary(path: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_extension(format!("{}.{number}.tmp", std::process::id()))
}

/// Whether there is a file of a possible size; opening a pipe might never end.
fn is_regular(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() <= FILE_MAX)
}

/// A state as it is kept: the scope is in a pin, which it will share with later states.
pub(crate) fn pack(vm: &mut Vm, state: &Val) -> Result<Val, Stop> {
    change_scope(vm, state, |vm, scope| vm.pin(scope))
}

/// The state that was packed.
pub(crate) fn unpack(vm: &mut Vm, state: &Val) -> Result<Val, Stop> {
    change_scope(vm, state, |vm, pin| match vm.look(pin).shape() {
        Shape::Pin(pin) => Ok(vm.hold(pin.item())),
        _ => Ok(pin.clone()),
    })
}

fn change_scope(
    vm: &mut Vm,
    state: &Val,
    change: impl FnOnce(&mut Vm, &Val) -> Result<Val, Stop>,
) -> Result<Val, Stop> {
    let row = vm.look(state).as_row();
    let mut items: Vec<Val> =
        row.into_iter().flat_map(|row| row.iter()).map(|item| vm.hold(item)).collect();
    if let Some(scope) = items.get_mut(2) {
        *scope = change(vm, scope)?;
    }
    let row = vm.row(&items)?;
    vm.force(&row)
}

fn read_keys(file: &File) -> Result<Vec<Key>, Problem> {
    let label = image::label(file)?;
    Ok(label.as_chunks().0.iter().map(|chunk| Key(*chunk)).collect())
}

/// The first states in a file, if it is whole and they have these keys.
fn read_states(vm: &mut Vm, path: &Path, keys: &[Key]) -> Result<Vec<Val>, Problem> {
    let file = File::open(path)?;
    let root = image::open(&file)?;
    // Read after all of it has been found whole.
    let found = read_keys(&file)?;
    if !found.starts_with(keys) {
        return Err(Problem::Foreign);
    }
    let root = vm.adopt(&root);
    let row = match vm.look(&root).shape() {
        Shape::Pin(pin) => pin.item().as_row(),
        _ => None,
    };
    match row {
        Some(items) if items.len() == found.len() => {
            Ok(items.iter().take(keys.len()).map(|item| vm.hold(item)).collect())
        }
        _ => Err(Problem::Foreign),
    }
}
