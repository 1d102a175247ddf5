//! The cache of states: files that hold the states after modules.
//!
//! A file holds the states after all modules of one chain, as an image of pins
//! ([`plan::image`]). The states share nearly everything, and the image is mapped, not
//! loaded. The image's label is the keys of the states, and its root is the row of the states. A
//! [`StateKey`] is the hash of all module files that lead to the state and of this crate's sources,
//! so a state is usable if and only if its key is the expected one.
//!
//! A file that is damaged or foreign causes a warning, and the modules are loaded from their
//! sources. Opening a file verifies its hash as a whole, so no later access can find damage. A new
//! file is renamed into place when it is complete and never changes afterwards. Any number of
//! processes can therefore use the same files without a lock. The oldest files are deleted when
//! there are more than [`FILES_MAX`].
//!
//! # Safety
//!
//! Images are trusted ([`plan::image`]). Invariant: *only this module writes files with its
//! extensions in the cache directory, each under a name that was never used before, and never after
//! the file is complete*. The directory belongs to the user who runs the program. A damaged file, or
//! one of another program, fails the check of the image.

use plan::image::{self, ImageError};
use plan::pinspace::FrozenPin;
use plan::{EvalError, Hash, Shape, Val};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use vm::Vm;

/// The hash of everything that the state after a module depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct StateKey([u8; 32]);

const EXTENSION: &str = "sirecache";
/// The maximum number of files.
const FILES_MAX: usize = 16;
/// The maximum size of a file, in bytes.
const FILE_MAX: u64 = 1 << 32;

impl StateKey {
    /// Returns the key of the state before the first module.
    ///
    /// It includes the sources of this crate, since another compiler may make other laws. It also
    /// includes the laws that new laws are compared with (`compared_with`): laws from a cache are
    /// not pinned again, so the comparison must have happened when they were made.
    pub(crate) fn start(compared_with: Option<Hash>) -> StateKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(concat!("pallas sire ", env!("SIRE_SOURCES")).as_bytes());
        if let Some(hash) = compared_with {
            hasher.update(b" compared with ").update(&hash.0);
        }
        StateKey(*hasher.finalize().as_bytes())
    }

    /// Returns the key of the state after one more module, which has this text.
    pub(crate) fn then(self, text: &[u8]) -> StateKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(text);
        StateKey(*hasher.finalize().as_bytes())
    }
}

/// A folder of files with states.
pub(crate) struct StateCache {
    folder: PathBuf,
}

/// A cache file could not be used or written.
#[derive(Debug, thiserror::Error)]
#[error("the cache {} is not used: {error}", .path.display())]
pub(crate) struct CacheWarning {
    path: PathBuf,
    error: CacheError,
}

/// Why a cache file could not be used or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it does not hold the states of these modules")]
    Foreign,
    #[error("{0}")]
    Image(#[from] ImageError),
    #[error("{0}")]
    Stop(#[from] EvalError),
}

impl StateCache {
    pub(crate) fn new(folder: PathBuf) -> StateCache {
        StateCache { folder }
    }

    /// Returns the packed states of the first modules of a chain, as many as a file has. Returns
    /// nothing if no file has more than `known` of them. Files that cannot be used add to
    /// `warnings`.
    pub(crate) fn load(
        &self,
        vm: &mut Vm,
        keys: &[StateKey],
        known: usize,
        warnings: &mut Vec<CacheWarning>,
    ) -> Vec<Val> {
        let mut candidates = self.candidates(keys);
        candidates.retain(|(count, _)| *count > known);
        while let Some((count, path)) = candidates.pop() {
            match read_states(vm, &path, &keys[..count]) {
                Ok(states) => return states,
                Err(error) => warnings.push(CacheWarning { path, error }),
            }
        }
        Vec::new()
    }

    /// Returns the files with states of the chain, each with the number of states. The best file is
    /// the last one.
    fn candidates(&self, keys: &[StateKey]) -> Vec<(usize, PathBuf)> {
        if let Some(last) = keys.last()
            && let path = self.path_of(last)
            && is_usable(&path)
        {
            let mut candidates = self.scan(keys);
            candidates.retain(|(_, other)| *other != path);
            candidates.push((keys.len(), path));
            return candidates;
        }
        self.scan(keys)
    }

    /// Finds files with states of the chain by reading the labels of all files.
    fn scan(&self, keys: &[StateKey]) -> Vec<(usize, PathBuf)> {
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
        let has_extension =
            |path: &PathBuf| path.extension().is_some_and(|found| found == EXTENSION);
        paths.filter(|path| has_extension(path) && is_usable(path)).collect()
    }

    fn path_of(&self, key: &StateKey) -> PathBuf {
        let name = blake3::Hash::from_bytes(key.0).to_hex();
        self.folder.join(format!("{name}.{EXTENSION}"))
    }

    /// Stores the packed states of a chain.
    pub(crate) fn store(
        &self,
        vm: &mut Vm,
        keys: &[StateKey],
        states: &[Val],
    ) -> Result<(), CacheWarning> {
        let Some(last) = keys.last() else { return Ok(()) };
        let path = self.path_of(last);
        let result = self.put(&path, |file| {
            // SAFETY: `put` has created the file under a name that no other call uses, so by the
            // module's invariant nothing else writes it.
            unsafe { save_states(vm, keys, states, file, &path) }
        });
        result.map_err(|error| CacheWarning { path, error })
    }

    /// Writes a file with `write` and renames it into place.
    fn put(
        &self,
        path: &Path,
        write: impl FnOnce(&File) -> Result<(), CacheError>,
    ) -> Result<(), CacheError> {
        fs::create_dir_all(&self.folder)?;
        let temporary = temporary(path);
        // A file of this name is left over from a process that died.
        let _ = fs::remove_file(&temporary);
        let file = File::options().read(true).write(true).create_new(true).open(&temporary)?;
        let written = write(&file).and_then(|()| Ok(fs::rename(&temporary, path)?));
        if written.is_err() {
            // The file is useless, and the first error is the one to report.
            let _ = fs::remove_file(&temporary);
        }
        self.prune();
        written
    }

    /// Removes the oldest files. Errors are ignored: the next call tries again.
    fn prune(&self) {
        let age = |path: &PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let mut files = self.files();
        files.sort_by_key(age);
        let surplus = files.len().saturating_sub(FILES_MAX);
        files.iter().take(surplus).for_each(|path| drop(fs::remove_file(path)));
    }
}

/// Returns an unused path in the folder of `path`. A new path is needed since images must not be
/// overwritten.
fn temporary(path: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_extension(format!("{}.{number}.tmp", std::process::id()))
}

/// Returns whether a path is a regular file of a valid size. Opening a pipe might block forever.
fn is_usable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= FILE_MAX)
}

/// Returns the packed form of an encoded state: its scope is in a pin, which later states share.
pub(crate) fn pack_state(vm: &mut Vm, state: &Val) -> Result<Val, EvalError> {
    replace_scope(vm, state, |vm, scope| vm.pin(scope))
}

/// Returns the encoded state of a packed one.
pub(crate) fn unpack_state(vm: &mut Vm, state: &Val) -> Result<Val, EvalError> {
    replace_scope(vm, state, |vm, pin| match vm.look(pin).shape() {
        Shape::Pin(pin) => Ok(vm.hold(pin.item())),
        _ => Ok(pin.clone()),
    })
}

fn replace_scope(
    vm: &mut Vm,
    state: &Val,
    change: impl FnOnce(&mut Vm, &Val) -> Result<Val, EvalError>,
) -> Result<Val, EvalError> {
    let row = vm.look(state).as_row();
    let mut items: Vec<Val> =
        row.into_iter().flat_map(|row| row.iter()).map(|item| vm.hold(item)).collect();
    if let Some(scope) = items.get_mut(2) {
        *scope = change(vm, scope)?;
    }
    let row = vm.row(&items)?;
    vm.force(&row)
}

/// Writes the image of packed states into an empty file. `path` is for messages.
///
/// # Safety
/// Nothing else writes to the file or truncates it, during the call or later while this process
/// runs.
pub(super) unsafe fn save_states(
    vm: &mut Vm,
    keys: &[StateKey],
    states: &[Val],
    file: &File,
    path: &Path,
) -> Result<(), CacheError> {
    let label: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
    let row = vm.row(states)?;
    let row = vm.force(&row)?;
    // SAFETY: by this function's contract.
    Ok(unsafe { image::save(vm, &row, &label, file, path) }?)
}

/// Returns the keys of the states in an image with this label.
pub(super) fn keys_of_label(label: &[u8]) -> Vec<StateKey> {
    label.as_chunks().0.iter().map(|chunk| StateKey(*chunk)).collect()
}

/// Returns the packed states in an image with this root.
pub(super) fn states_of_root(vm: &mut Vm, root: &FrozenPin) -> Option<Vec<Val>> {
    let root = vm.adopt(root);
    match vm.look(&root).shape() {
        Shape::Pin(pin) => Some(pin.item().as_row()?.iter().map(|item| vm.hold(item)).collect()),
        _ => None,
    }
}

fn read_keys(file: &File) -> Result<Vec<StateKey>, CacheError> {
    Ok(keys_of_label(&image::label(file)?))
}

/// Reads the first states of a file, which must be undamaged and must have these keys.
fn read_states(vm: &mut Vm, path: &Path, keys: &[StateKey]) -> Result<Vec<Val>, CacheError> {
    let file = File::open(path)?;
    // SAFETY: by the module's invariant.
    let root = unsafe { image::open(&file, path) }?;
    // The label is only trustworthy now that `open` has verified the file.
    let found = read_keys(&file)?;
    if !found.starts_with(keys) {
        return Err(CacheError::Foreign);
    }
    match states_of_root(vm, &root) {
        Some(mut states) if states.len() == found.len() => {
            states.truncate(keys.len());
            Ok(states)
        }
        _ => Err(CacheError::Foreign),
    }
}
