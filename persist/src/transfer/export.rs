//! Writing an export.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::file::{ExportContents, TemporaryPath, failed, remove_all};
use super::types::{PinCodec, StoreExportError};
use crate::context::TEMPORARY;
use crate::error::{DiskError, PinError};
use crate::space::graph::PinGraph;
use crate::store::Store;
use crate::types::{PinHash, Snapshot};

/// Exports the machine in a store to a new file. Calls `progress` with the number of pins and
/// events that are written, and the total number.
///
/// # Errors
/// See [`StoreExportError`].
pub fn export(
    store: &Store,
    file: &Path,
    codec: &mut dyn PinCodec,
    mut progress: impl FnMut(u64, u64),
) -> Result<ExportContents, StoreExportError> {
    if file.symlink_metadata().is_ok() {
        return Err(StoreExportError::Exists { path: file.into() });
    }
    let recovery = store.recover()?;
    let Some(snapshot) = recovery.snapshot else {
        return Err(StoreExportError::Empty { path: store.path().into() });
    };
    let pins = reached_pins(store, &snapshot)?;
    let events = store.durable().0.saturating_sub(snapshot.covers.0);
    let contents = ExportContents { pins: pins.len() as u64, events, root: snapshot.root };
    let total = contents.pins + contents.events;

    let mut name = OsString::from(file);
    name.push(TEMPORARY);
    let temporary = TemporaryPath::new(name.into());
    let mut out = ExportWriter::create(&temporary.path)?;
    out.write(&contents.encode())?;
    let mut done = 0;
    for (hash, address) in &pins {
        let pin = store.pin(*address, hash)?;
        let path = store.path();
        let not_encoded =
            |reason| StoreExportError::Encode { path: path.into(), hash: *hash, reason };
        let (edges, body) = codec.encode(&pin).map_err(not_encoded)?;
        let head = [edges.len() as u64, body.len() as u64].map(u64::to_le_bytes);
        for part in [&hash[..], head.as_flattened(), edges.as_flattened(), &body] {
            out.write(part)?;
        }
        done += 1;
        progress(done, total);
    }
    for record in recovery.records {
        let payload = record?.payload;
        out.write(&(payload.len() as u64).to_le_bytes())?;
        out.write(&payload)?;
        done += 1;
        progress(done, total);
    }
    out.finish()?;
    temporary.rename(file)?;
    Ok(contents)
}

/// Returns hashes and addresses of the pins that a snapshot reaches, each after the pins that it
/// refers to.
fn reached_pins(
    store: &Store,
    snapshot: &Snapshot,
) -> Result<Vec<(PinHash, u64)>, StoreExportError> {
    let mut graph = PinGraph::default();
    store.each_pin(|entry| {
        // A missing pin is an error below, if the snapshot reaches it.
        let _ = graph.add(entry);
    })?;
    let Some(root) = graph.find(snapshot.address) else {
        return Err(PinError::from(store.missing_pin(snapshot.address)).into());
    };
    let reached = graph.reach(root);
    let hash_and_address =
        |pin| graph.pin(pin).ok_or_else(|| PinError::from(store.missing_pin(graph.address(pin))));
    let pins = (0..graph.len()).filter(|pin| reached[*pin]);
    Ok(pins.map(hash_and_address).collect::<Result<_, _>>()?)
}

/// Writes a file and its trailer.
struct ExportWriter {
    path: PathBuf,
    out: BufWriter<File>,
    hasher: blake3::Hasher,
}

impl ExportWriter {
    fn create(path: &Path) -> Result<Self, DiskError> {
        remove_all(path).map_err(failed(path, "remove"))?;
        let file = File::create_new(path).map_err(failed(path, "create"))?;
        let (out, hasher) = (BufWriter::new(file), blake3::Hasher::new());
        Ok(Self { path: path.into(), out, hasher })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.hasher.update(bytes);
        self.out.write_all(bytes).map_err(failed(&self.path, "write"))
    }

    /// Writes the trailer and makes the file durable.
    fn finish(mut self) -> Result<(), DiskError> {
        let trailer = self.hasher.finalize();
        let written = self.out.write_all(trailer.as_bytes());
        written.map_err(failed(&self.path, "write"))?;
        let written = self.out.into_inner().map_err(io::IntoInnerError::into_error);
        written.and_then(|file| file.sync_all()).map_err(failed(&self.path, "write"))
    }
}
