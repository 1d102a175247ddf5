//! Writing an export.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::{Contents, ExportError, Unfinished, failed, remove};
use crate::Store;
use crate::error::{Damage, PinError};
use crate::segment::UNFINISHED;

/// Writes the machine in a store to a file, which must not exist. `progress` is told how many pins and
/// events of how many are written.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    store: &Store,
    file: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<Contents, ExportError> {
    if file.symlink_metadata().is_ok() {
        return Err(ExportError::Exists { path: file.into() });
    }
    let recovery = store.recover()?;
    let Some(snapshot) = recovery.snapshot else {
        return Err(ExportError::Empty { path: store.path().into() });
    };
    let pins = store.reached(&snapshot.root)?;
    let events = store.durable().0.saturating_sub(snapshot.covers.0);
    let contents = Contents { pins: pins.len() as u64, events, root: snapshot.root };
    let total = contents.pins + contents.events;

    let mut name = OsString::from(file);
    name.push(UNFINISHED);
    let unfinished = Unfinished::new(name.into());
    remove(&unfinished.path).map_err(failed(&unfinished.path, "remove"))?;
    let created = File::create_new(&unfinished.path).map_err(failed(&unfinished.path, "create"))?;
    let not_written = failed(&unfinished.path, "write");
    let mut out = Hashing { out: BufWriter::new(created), hasher: blake3::Hasher::new() };
    out.write_all(&contents.encode()).map_err(&not_written)?;
    let mut done = 0;
    for hash in &pins {
        let pin = store.get(hash)?.ok_or_else(|| gone(store))?;
        let head = [pin.edges.len() as u64, pin.body.len() as u64].map(u64::to_le_bytes);
        for part in [&hash[..], head.as_flattened(), pin.edges.as_flattened(), &pin.body] {
            out.write_all(part).map_err(&not_written)?;
        }
        done += 1;
        progress(done, total);
    }
    for record in recovery.records {
        let payload = record?.payload;
        out.write_all(&(payload.len() as u64).to_le_bytes()).map_err(&not_written)?;
        out.write_all(&payload).map_err(&not_written)?;
        done += 1;
        progress(done, total);
    }
    let trailer = out.hasher.finalize();
    out.out.write_all(trailer.as_bytes()).map_err(&not_written)?;
    let written = out.out.into_inner().map_err(io::IntoInnerError::into_error);
    written.and_then(|file| file.sync_all()).map_err(&not_written)?;
    unfinished.finish(file)?;
    Ok(contents)
}

/// A pin that was there is not there any more.
fn gone(store: &Store) -> PinError {
    let reason = "a pin that was found by its hash is missing".into();
    let advice = "see `check`".into();
    Damage { path: store.path().into(), offset: 0, reason, advice }.into()
}

/// Hashes what is written.
struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Hashing<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }
}
