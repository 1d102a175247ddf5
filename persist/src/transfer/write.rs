//! Writing an export.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::{Codec, Contents, ExportError, Unfinished, failed, remove};
use crate::error::PinError;
use crate::inspect::graph::Graph;
use crate::segment::UNFINISHED;
use crate::{Hash, Snapshot, Store};

/// Writes the machine in a store to a file, which must not exist. `progress` is told how many pins and
/// events of how many are written.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    store: &Store,
    file: &Path,
    codec: &mut dyn Codec,
    mut progress: impl FnMut(u64, u64),
) -> Result<Contents, ExportError> {
    if file.symlink_metadata().is_ok() {
        return Err(ExportError::Exists { path: file.into() });
    }
    let recovery = store.recover()?;
    let Some(snapshot) = recovery.snapshot else {
        return Err(ExportError::Empty { path: store.path().into() });
    };
    let pins = reached(store, &snapshot)?;
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
    for (hash, address) in &pins {
        let pin = store.pin(*address, hash)?;
        let path = store.path();
        let not_encoded = |reason| ExportError::Encode { path: path.into(), hash: *hash, reason };
        let (edges, body) = codec.encode(&pin).map_err(not_encoded)?;
        let head = [edges.len() as u64, body.len() as u64].map(u64::to_le_bytes);
        for part in [&hash[..], head.as_flattened(), edges.as_flattened(), &body] {
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

/// Hashes and addresses of the pins that a snapshot reaches, each after those that it refers to.
fn reached(store: &Store, snapshot: &Snapshot) -> Result<Vec<(Hash, u64)>, ExportError> {
    let mut graph = Graph::default();
    store.each_pin(|entry| {
        // Whether an edge leads nowhere is seen below, where it matters.
        let _ = graph.add(entry);
    })?;
    let Some(root) = graph.find(snapshot.address) else {
        return Err(PinError::from(store.damage(snapshot.address)).into());
    };
    let reached = graph.reach(root);
    let missing =
        |pin| graph.pin(pin).ok_or_else(|| PinError::from(store.damage(graph.address(pin))));
    let pins = (0..graph.len()).filter(|pin| reached[*pin]);
    Ok(pins.map(missing).collect::<Result<_, _>>()?)
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
