//! Creating a store from an export.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use plan::pinspace::FrozenPin;

use super::file::{
    ExportContents, HEADER, TRAILER, TemporaryPath, check_empty, failed, remove_remains,
    temporary_path,
};
use super::types::{PinCodec, StoreImportError};
use crate::encoding::{array, u64_at};
use crate::error::DiskError;
use crate::set_aside::SetAsideRecord;
use crate::settings::StoreSettings;
use crate::store::Store;
use crate::types::{MAX_EVENT, MAX_PIN, PinHash, Seq};

/// The read size while the file is hashed, in bytes.
const CHUNK: usize = 256 << 10;

/// Creates a store from a file that [`super::export()`] wrote, in a directory that is empty or does
/// not exist. Calls `progress` with the number of bytes that are done, and the total number. Each
/// byte counts twice, since it is read twice.
///
/// The snapshot of the new store covers event 0, and its events are numbered from 1.
///
/// # Errors
/// See [`StoreImportError`].
pub fn import(
    file: &Path,
    dir: &Path,
    codec: &mut dyn PinCodec,
    mut progress: impl FnMut(u64, u64),
) -> Result<ExportContents, StoreImportError> {
    check_empty(dir)?;
    let mut reader = ExportReader::open(file)?;
    reader.check(&mut progress)?;
    let contents = reader.contents()?;

    let temporary = TemporaryPath::new(temporary_path(dir, "importing"));
    remove_remains(&temporary.path)?;
    let store = Store::create_with(&temporary.path, StoreSettings::default())?;
    let root = reader.pins(&store, codec, &contents, &mut progress)?;
    reader.events(&store, contents.events, &mut progress)?;
    reader.set_aside(&store, contents.set_aside)?;
    if reader.left > 0 {
        return Err(reader.invalid("it holds more than its header says"));
    }
    store.commit()?;
    // The snapshot turns the store into a machine.
    store.write_snapshot(&root, Seq::START)?;
    store.close()?;
    temporary.rename(dir)?;
    Ok(contents)
}

/// Reads an export.
struct ExportReader {
    path: PathBuf,
    file: BufReader<File>,
    /// The number of bytes before the trailer.
    length: u64,
    /// The number of these bytes that have not been read.
    left: u64,
}

impl ExportReader {
    fn open(path: &Path) -> Result<Self, StoreImportError> {
        let file = File::open(path).map_err(failed(path, "open"))?;
        let length = file.metadata().map_err(failed(path, "read"))?.len();
        let minimum = (HEADER + TRAILER) as u64;
        let file = BufReader::with_capacity(CHUNK, file);
        let length = length.saturating_sub(TRAILER as u64);
        let reader = Self { path: path.into(), file, length, left: length };
        if length + (TRAILER as u64) < minimum {
            return Err(reader.invalid("it is too short"));
        }
        Ok(reader)
    }

    fn invalid(&self, reason: impl Into<String>) -> StoreImportError {
        StoreImportError::InvalidExport { path: self.path.clone(), reason: reason.into() }
    }

    fn not_read(&self, error: io::Error) -> DiskError {
        failed(&self.path, "read")(error)
    }

    /// Checks the whole file against its trailer, and rewinds.
    fn check(&mut self, progress: &mut impl FnMut(u64, u64)) -> Result<(), StoreImportError> {
        self.contents()?;
        self.rewind()?;
        let mut hasher = blake3::Hasher::new();
        let mut chunk = vec![0; CHUNK];
        while self.left > 0 {
            let size = self.left.min(CHUNK as u64) as usize;
            self.read(&mut chunk[..size])?;
            hasher.update(&chunk[..size]);
            progress(self.length - self.left, 2 * self.length);
        }
        let mut trailer = [0; TRAILER];
        self.file.read_exact(&mut trailer).map_err(|error| self.not_read(error))?;
        if hasher.finalize() != trailer {
            return Err(self.invalid("it is torn or damaged: it fails its checksum"));
        }
        self.rewind()
    }

    fn rewind(&mut self) -> Result<(), StoreImportError> {
        self.left = self.length;
        self.file.rewind().map_err(|error| self.not_read(error))?;
        Ok(())
    }

    fn contents(&mut self) -> Result<ExportContents, StoreImportError> {
        let mut header = [0; HEADER];
        self.read(&mut header)?;
        ExportContents::decode(&header).map_err(|reason| self.invalid(reason))
    }

    fn read(&mut self, out: &mut [u8]) -> Result<(), StoreImportError> {
        match self.left.checked_sub(out.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(self.invalid("it ends too early")),
        }
        Ok(self.file.read_exact(out).map_err(|error| self.not_read(error))?)
    }

    /// Reads `length` bytes.
    ///
    /// # Errors
    /// If `length` exceeds `limit` or the rest of the file.
    fn read_vec(&mut self, length: u64, limit: u64) -> Result<Vec<u8>, StoreImportError> {
        if length > limit.min(self.left) {
            return Err(self.invalid(format!("a part of {length} bytes is too long")));
        }
        let mut bytes = vec![0; length as usize];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// Stores the pins and returns the root.
    fn pins(
        &mut self,
        store: &Store,
        codec: &mut dyn PinCodec,
        contents: &ExportContents,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<FrozenPin, StoreImportError> {
        let mut root = None;
        for _ in 0..contents.pins {
            let mut head = [0; 48];
            self.read(&mut head)?;
            let hash: PinHash = array(&head, 0);
            let (edges, body) = (u64_at(&head, 32), u64_at(&head, 40));
            let edges = self.read_vec(edges.saturating_mul(32), MAX_PIN)?;
            let body = self.read_vec(body, MAX_PIN)?;
            let decoded = codec.decode(store.space(), &hash, edges.as_chunks().0, &body);
            let path = self.path.clone();
            let pin = decoded.map_err(|reason| StoreImportError::Pin { path, hash, reason })?;
            if hash == contents.root {
                root = Some(pin);
            }
            progress(2 * self.length - self.left, 2 * self.length);
        }
        root.ok_or_else(|| self.invalid("its root is not among its pins"))
    }

    fn events(
        &mut self,
        store: &Store,
        count: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), StoreImportError> {
        for _ in 0..count {
            let mut length = [0; 8];
            self.read(&mut length)?;
            let payload = self.read_vec(u64::from_le_bytes(length), MAX_EVENT)?;
            store.append(&payload)?;
            progress(2 * self.length - self.left, 2 * self.length);
        }
        Ok(())
    }

    /// Stores the inputs that were set aside.
    fn set_aside(&mut self, store: &Store, count: u64) -> Result<(), StoreImportError> {
        for _ in 0..count {
            let mut head = [0; 24];
            self.read(&mut head)?;
            let payload = self.read_vec(u64_at(&head, 16), MAX_EVENT)?;
            store.restore_set_aside(&SetAsideRecord { id: array(&head, 0), payload })?;
        }
        Ok(())
    }
}
