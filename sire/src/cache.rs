//! States of modules that were loaded before, kept in files.
//!
//! A file holds the states after all modules of one chain, as a seed: they share nearly everything.
//! Each state has a key, the hash of all files that made it and of this program's version, so a
//! state can be used exactly if its key is the one wanted.
//!
//! ```text
//! +---------+-------+------------------+----------------+------+
//! | 8 bytes | count | 32 bytes         | count keys     | seed |
//! | magic   | u64   | BLAKE3 of what   | of 32 bytes    |      |
//! |         |       | comes after it   |                |      |
//! +---------+-------+------------------+----------------+------+
//! ```
//!
//! A file that is damaged or not ours is never used: that is a warning, and the modules are loaded
//! from their sources. Files are put in place by renaming, so that no half of one is ever seen; the
//! oldest go when there are too many.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use vm::{Shape, Stop, Val, Vm, seed};

/// What the state after a module depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key([u8; 32]);

const MAGIC: &[u8; 8] = b"PLSIRE\0\x01";
const EXTENSION: &str = "sirecache";
/// As many files are kept.
const FILES_MAX: usize = 16;
/// No file is larger, in bytes.
const FILE_MAX: u64 = 1 << 32;
/// No chain is longer.
const STATES_MAX: u64 = 1 << 16;
const HEADER: usize = 8 + 8 + 32;

impl Key {
    /// The key before the first module. The sources of this crate are part of it: other code may
    /// make other laws.
    pub(crate) fn start() -> Key {
        Key(*blake3::hash(concat!("pallas sire ", env!("SIRE_SOURCES")).as_bytes()).as_bytes())
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
    #[error("it is not a cache of this version")]
    Foreign,
    #[error("it is damaged (its checksum does not agree)")]
    Damaged,
    #[error("{0}")]
    Load(#[from] seed::LoadError),
    #[error("{0}")]
    Save(#[from] seed::SaveError),
    #[error("{0}")]
    Stop(#[from] Stop),
}

impl Cache {
    pub(crate) fn new(folder: PathBuf) -> Cache {
        Cache { folder }
    }

    /// The packed states of as many first modules of a chain as some file has.
    pub(crate) fn load(&self, vm: &mut Vm, keys: &[Key], warnings: &mut Vec<Warning>) -> Vec<Val> {
        let mut candidates = self.candidates(keys);
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
                let found = read_keys(&mut File::open(&path).ok()?).ok()?;
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
        let result = encode(vm, keys, states).and_then(|bytes| Ok(self.put(&path, &bytes)?));
        result.map_err(|problem| Warning { path, problem })
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let written = File::create(&temporary).and_then(|mut file| file.write_all(bytes));
        let placed = written.and_then(|()| fs::rename(&temporary, path));
        if placed.is_err() {
            // It may not even be there.
            let _ = fs::remove_file(&temporary);
        }
        self.prune();
        placed
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

fn encode(vm: &mut Vm, keys: &[Key], states: &[Val]) -> Result<Vec<u8>, Problem> {
    let row = vm.row(states)?;
    let row = vm.force(&row)?;
    let seed = seed::save(vm, &row)?;
    let mut body: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
    body.extend(seed);
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(MAGIC);
    bytes.extend((keys.len() as u64).to_le_bytes());
    bytes.extend(blake3::hash(&body).as_bytes());
    bytes.extend(body);
    Ok(bytes)
}

/// The number of keys and the checksum in a file's header.
fn read_header(file: &mut File) -> Result<(usize, [u8; 32]), Problem> {
    let mut header = [0; HEADER];
    file.read_exact(&mut header).map_err(|_| Problem::Foreign)?;
    let (magic, rest) = header.split_at(8);
    let (count, checksum) = rest.split_at(8);
    let count = u64::from_le_bytes(count.try_into().map_err(|_| Problem::Foreign)?);
    let checksum = checksum.try_into().map_err(|_| Problem::Foreign)?;
    match magic == MAGIC && (1..=STATES_MAX).contains(&count) {
        true => Ok((count as usize, checksum)),
        false => Err(Problem::Foreign),
    }
}

fn read_keys(file: &mut File) -> Result<Vec<Key>, Problem> {
    let (count, _) = read_header(file)?;
    let mut bytes = vec![0; 32 * count];
    file.read_exact(&mut bytes).map_err(|_| Problem::Damaged)?;
    Ok(split_keys(&bytes))
}

fn split_keys(bytes: &[u8]) -> Vec<Key> {
    bytes.as_chunks().0.iter().map(|chunk| Key(*chunk)).collect()
}

/// The first states in a file, if it is whole and they have these keys.
fn read_states(vm: &mut Vm, path: &Path, keys: &[Key]) -> Result<Vec<Val>, Problem> {
    let mut file = File::open(path)?;
    let (count, checksum) = read_header(&mut file)?;
    let mut body = Vec::new();
    file.read_to_end(&mut body)?;
    if *blake3::hash(&body).as_bytes() != checksum {
        return Err(Problem::Damaged);
    }
    let (found, seed) = body.split_at_checked(32 * count).ok_or(Problem::Damaged)?;
    if !split_keys(found).starts_with(keys) {
        return Err(Problem::Foreign);
    }
    let row = seed::load(vm, seed)?;
    let states: Vec<Val> = match vm.look(&row).as_row() {
        Some(items) if items.len() == count => {
            items.iter().take(keys.len()).map(|item| vm.hold(item)).collect()
        }
        _ => return Err(Problem::Foreign),
    };
    Ok(states)
}
