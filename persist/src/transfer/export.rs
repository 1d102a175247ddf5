//! Writing an export.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{ExportContents, TemporaryPath, failed, remove_all};
use super::types::{PinCodec, StoreExportError};
use crate::context::{StoreContext, TEMPORARY};
use crate::error::{DiskError, PinError, StoreDamage, StoreReadError};
use crate::inspect::StoreInspection;
use crate::journal::{JournalKind, JournalSurvey, ScanDepth};
use crate::log::LogRecords;
use crate::set_aside::SetAsideRecord;
use crate::space::NOT_AS_WRITTEN;
use crate::space::body::{self, body_damage};
use crate::space::catalogue_reader::CatalogueReader;
use crate::space::graph::PinGraph;
use crate::space::read_only::ReadOnlyPins;
use crate::types::{PinHash, Snapshot};

/// Exports the machine in a store to a new file. Calls `progress` with the number of pins and
/// events that are written, and the total number. Changes nothing in the store, which may be on a
/// read-only file system.
///
/// # Errors
/// See [`StoreExportError`].
pub fn export(
    store: &StoreInspection,
    file: &Path,
    codec: &mut dyn PinCodec,
    mut progress: impl FnMut(u64, u64),
) -> Result<ExportContents, StoreExportError> {
    if file.symlink_metadata().is_ok() {
        return Err(StoreExportError::Exists { path: file.into() });
    }
    let context = &store.context;
    let path = context.disk.path("");
    let Some(snapshot) = store.snapshots.newest() else {
        return Err(StoreExportError::Empty { path });
    };
    let pins = reached_pins(context, snapshot)?;
    let bodies = ReadOnlyPins::open(context)?;
    let (events, records) = events_after(context, snapshot)?;
    let set_aside = intact_inputs(store)?;
    let contents = ExportContents {
        pins: pins.len() as u64,
        events,
        set_aside: set_aside.len() as u64,
        root: snapshot.root,
    };
    let total = contents.pins + contents.events;

    let mut name = OsString::from(file);
    name.push(TEMPORARY);
    let temporary = TemporaryPath::new(name.into());
    let mut out = ExportWriter::create(&temporary.path)?;
    out.write(&contents.encode())?;
    let mut done = 0;
    for (hash, address) in &pins {
        let damaged = |reason| PinError::from(pin_damage(context, *address, reason));
        let pin = bodies.at(*address, hash).map_err(damaged)?;
        let not_encoded =
            |reason| StoreExportError::Encode { path: path.clone(), hash: *hash, reason };
        let (edges, body) = codec.encode(&pin).map_err(not_encoded)?;
        let head = [edges.len() as u64, body.len() as u64].map(u64::to_le_bytes);
        for part in [&hash[..], head.as_flattened(), edges.as_flattened(), &body] {
            out.write(part)?;
        }
        done += 1;
        progress(done, total);
    }
    for record in records {
        let payload = record?.payload;
        out.write(&(payload.len() as u64).to_le_bytes())?;
        out.write(&payload)?;
        done += 1;
        progress(done, total);
    }
    for SetAsideRecord { id, payload } in set_aside {
        for part in [&id[..], &(payload.len() as u64).to_le_bytes(), &payload] {
            out.write(part)?;
        }
    }
    out.finish()?;
    temporary.rename(file)?;
    Ok(contents)
}

/// Returns the inputs that are set aside.
///
/// # Errors
/// [`StoreReadError::Damaged`] if one is damaged: an export has all of them or does not exist.
fn intact_inputs(store: &StoreInspection) -> Result<Vec<SetAsideRecord>, StoreReadError> {
    let list = store.set_aside_inputs()?;
    list.damaged.into_iter().next().map_or(Ok(list.records), |damage| Err(damage.into()))
}

/// Returns hashes and addresses of the pins that a snapshot reaches, each after the pins that it
/// refers to.
fn reached_pins(
    context: &StoreContext,
    snapshot: &Snapshot,
) -> Result<Vec<(PinHash, u64)>, StoreExportError> {
    let reader = CatalogueReader::open(context, snapshot.groups)?;
    let mut graph = PinGraph::default();
    reader.for_each_live(&reader.find_live()?, |entry| {
        // A missing pin is an error below, if the snapshot reaches it.
        let _ = graph.add(&entry.to_entry());
        Ok(())
    })?;
    let missing = |address| PinError::from(pin_damage(context, address, NOT_AS_WRITTEN.into()));
    let Some(root) = graph.find(snapshot.address) else {
        return Err(missing(snapshot.address).into());
    };
    let reached = graph.reach(root);
    let hash_and_address = |pin| graph.pin(pin).ok_or_else(|| missing(graph.address(pin)));
    let pins = (0..graph.len()).filter(|pin| reached[*pin]);
    Ok(pins.map(hash_and_address).collect::<Result<_, _>>()?)
}

/// Describes the damage of the pin at an address.
fn pin_damage(context: &StoreContext, address: u64, reason: String) -> StoreDamage {
    let (slot, offset) = body::locate(address);
    body_damage(context.disk.path(&body::file_name(slot)), offset, reason)
}

/// Returns the events after a snapshot, and their number.
fn events_after(
    context: &StoreContext,
    snapshot: &Snapshot,
) -> Result<(u64, LogRecords), StoreReadError> {
    let (kind, next) = (&JournalKind::LOG, snapshot.covers.next().0);
    let survey =
        JournalSurvey::scan(context, kind, next, snapshot.covers.0, ScanDepth::AllPayloads)?;
    let last = survey.last.next - 1;
    let records = LogRecords::new(context.clone(), &survey.firsts, (next, last), Arc::default())?;
    Ok(((last + 1).saturating_sub(next), records))
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
