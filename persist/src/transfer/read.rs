//! Making a store of an export.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use vm::pinspace::Frozen;

use super::{Codec, Contents, HEADER, ImportError, TRAILER, Unfinished, failed, remove};
use crate::error::{CreateError, DiskError};
use crate::frame::{array, u64_at};
use crate::{Disk, Hash, MAX_EVENT, MAX_PIN, RealDisk, Seq, Settings, Store};

/// Bytes that are hashed at once.
const CHUNK: usize = 256 << 10;

/// Makes a store in a directory that does not exist or is empty, of a file that [`super::export`] wrote.
/// `progress` is told how many bytes of how many are done; each byte is read twice.
///
/// The snapshot of the new store covers event 0, and its events are numbered from 1.
///
/// # Errors
/// See [`ImportError`].
pub fn import(
    file: &Path,
    dir: &Path,
    codec: &mut dyn Codec,
    mut progress: impl FnMut(u64, u64),
) -> Result<Contents, ImportError> {
    check_free(dir)?;
    let mut source = Source::open(file)?;
    source.check(&mut progress)?;
    let contents = source.contents()?;

    let unfinished = Unfinished::new(beside(dir));
    make_room(&unfinished.path)?;
    let store = Store::create_with(&unfinished.path, Settings::default())?;
    let root = source.pins(&store, codec, &contents, &mut progress)?;
    source.events(&store, contents.events, &mut progress)?;
    if source.left > 0 {
        return Err(source.unfit("it holds more than its header says"));
    }
    store.commit()?;
    // A store without a snapshot is no machine, so this is what makes it one.
    store.write_snapshot(&root, Seq::START)?;
    store.close()?;
    unfinished.finish(dir)?;
    Ok(contents)
}

/// Fails if there is anything in that directory.
fn check_free(dir: &Path) -> Result<(), ImportError> {
    let path = dir.to_path_buf();
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(CreateError::Foreign { path }.into());
        }
        Err(error) => return Err(failed(dir, "list")(error).into()),
    };
    if dir.join(crate::format_file::NAME).exists() {
        return Err(CreateError::HoldsStore { path }.into());
    }
    match entries.next() {
        None => Ok(()),
        Some(entry) => {
            let path = entry.map_err(failed(dir, "list"))?.path();
            Err(CreateError::Foreign { path }.into())
        }
    }
}

/// Where the store is made, in the same file system as it will be: `.NAME.importing`.
fn beside(dir: &Path) -> PathBuf {
    let plain: PathBuf = dir.components().collect();
    let mut name = OsString::from(".");
    name.push(plain.file_name().unwrap_or_default());
    name.push(".importing");
    plain.with_file_name(name)
}

/// Removes what an import that was killed has left, unless it goes on.
fn make_room(path: &Path) -> Result<(), ImportError> {
    match RealDisk::new(path).lock() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(CreateError::InUse { path: path.into() }.into())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Ok(remove(path).map_err(failed(path, "remove"))?),
    }
}

/// An export being read.
struct Source {
    path: PathBuf,
    file: BufReader<File>,
    /// Bytes before the trailer.
    length: u64,
    /// Of these, how many are still to be read.
    left: u64,
}

impl Source {
    fn open(path: &Path) -> Result<Self, ImportError> {
        let file = File::open(path).map_err(failed(path, "open"))?;
        let length = file.metadata().map_err(failed(path, "read"))?.len();
        let least = (HEADER + TRAILER) as u64;
        let file = BufReader::with_capacity(CHUNK, file);
        let length = length.saturating_sub(TRAILER as u64);
        let source = Self { path: path.into(), file, length, left: length };
        if length + (TRAILER as u64) < least {
            return Err(source.unfit("it is too short"));
        }
        Ok(source)
    }

    fn unfit(&self, reason: impl Into<String>) -> ImportError {
        ImportError::Unfit { path: self.path.clone(), reason: reason.into() }
    }

    fn not_read(&self, error: io::Error) -> DiskError {
        failed(&self.path, "read")(error)
    }

    /// Compares the whole file with its trailer, and goes back to its beginning.
    fn check(&mut self, progress: &mut impl FnMut(u64, u64)) -> Result<(), ImportError> {
        self.contents()?;
        self.rewind()?;
        let mut hasher = blake3::Hasher::new();
        let mut chunk = vec![0; CHUNK];
        while self.left > 0 {
            let size = self.left.min(CHUNK as u64) as usize;
            self.take(&mut chunk[..size])?;
            hasher.update(&chunk[..size]);
            progress(self.length - self.left, 2 * self.length);
        }
        let mut trailer = [0; TRAILER];
        self.file.read_exact(&mut trailer).map_err(|error| self.not_read(error))?;
        if hasher.finalize() != trailer {
            return Err(self.unfit("it is torn or damaged: it fails its checksum"));
        }
        self.rewind()
    }

    fn rewind(&mut self) -> Result<(), ImportError> {
        self.left = self.length;
        self.file.rewind().map_err(|error| self.not_read(error))?;
        Ok(())
    }

    fn contents(&mut self) -> Result<Contents, ImportError> {
        let mut header = [0; HEADER];
        self.take(&mut header)?;
        Contents::decode(&header).map_err(|reason| self.unfit(reason))
    }

    fn take(&mut self, out: &mut [u8]) -> Result<(), ImportError> {
        match self.left.checked_sub(out.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(self.unfit("it ends too early")),
        }
        Ok(self.file.read_exact(out).map_err(|error| self.not_read(error))?)
    }

    /// So many bytes, of which there may be up to `limit`.
    fn take_vec(&mut self, length: u64, limit: u64) -> Result<Vec<u8>, ImportError> {
        if length > limit.min(self.left) {
            return Err(self.unfit(format!("a part of {length} bytes is too long")));
        }
        let mut bytes = vec![0; length as usize];
        self.take(&mut bytes)?;
        Ok(bytes)
    }

    /// Stores the pins; gives the root.
    fn pins(
        &mut self,
        store: &Store,
        codec: &mut dyn Codec,
        contents: &Contents,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<Frozen, ImportError> {
        let mut root = None;
        for _ in 0..contents.pins {
            let mut head = [0; 48];
            self.take(&mut head)?;
            let hash: Hash = array(&head, 0);
            let (edges, body) = (u64_at(&head, 32), u64_at(&head, 40));
            let edges = self.take_vec(edges.saturating_mul(32), MAX_PIN)?;
            let body = self.take_vec(body, MAX_PIN)?;
            let decoded = codec.decode(store.space(), &hash, edges.as_chunks().0, &body);
            let path = self.path.clone();
            let pin = decoded.map_err(|reason| ImportError::Pin { path, hash, reason })?;
            if hash == contents.root {
                root = Some(pin);
            }
            progress(2 * self.length - self.left, 2 * self.length);
        }
        root.ok_or_else(|| self.unfit("its root is not among its pins"))
    }

    fn events(
        &mut self,
        store: &Store,
        count: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), ImportError> {
        for _ in 0..count {
            let mut length = [0; 8];
            self.take(&mut length)?;
            let payload = self.take_vec(u64::from_le_bytes(length), MAX_EVENT)?;
            store.append(&payload)?;
            progress(2 * self.length - self.left, 2 * self.length);
        }
        Ok(())
    }
}
