//! The space that the parts of a store use, by the catalogue's edges. Reads no body.

use super::inspection::{SegmentLength, StoreInspection};
use crate::error::{StoreDamage, StoreReadError};
use crate::journal::{JournalKind, spare_files};
use crate::space::catalogue_reader::CatalogueReader;
use crate::space::graph::PinGraph;
use crate::space::layout::{BODIES_DIR, INDEX_FILES};
use crate::types::Snapshot;

/// The pins of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotUsage {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The number of pins that the snapshot reaches.
    pub pins: u64,
    /// The total length of these pins' records, in bytes.
    pub bytes: u64,
    /// The number of pins that no other kept snapshot reaches.
    pub own_pins: u64,
    /// The total length of these pins' records, in bytes.
    pub own_bytes: u64,
}

/// The space that the parts of a store use. The bytes of pins are the lengths of their records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreUsage {
    /// The number of log segments.
    pub log_segments: u64,
    /// The total length of the log segments, in bytes.
    pub log_bytes: u64,
    /// The number of spare files, which later log segments will overwrite.
    pub spare_files: u64,
    /// The total length of the spare files, in bytes.
    pub spare_bytes: u64,
    /// The number of inputs that were set aside.
    pub set_aside_files: u64,
    /// The total length of their files, in bytes.
    pub set_aside_bytes: u64,
    /// The number of body files.
    pub body_files: u64,
    /// The total length of the body files, in bytes.
    pub body_bytes: u64,
    /// The number of catalogue segments.
    pub catalogue_segments: u64,
    /// The total length of the catalogue segments, in bytes.
    pub catalogue_bytes: u64,
    /// The number of index files.
    pub index_files: u64,
    /// The total length of the index files, in bytes.
    pub index_bytes: u64,
    /// The number of pins.
    pub pins: u64,
    /// The total length of all pins' records, in bytes.
    pub pin_bytes: u64,
    /// The number of pins that at least two kept snapshots reach.
    pub shared_pins: u64,
    /// The total length of these pins' records, in bytes.
    pub shared_bytes: u64,
    /// The number of pins that no kept snapshot reaches.
    pub garbage_pins: u64,
    /// The total length of these pins' records, in bytes.
    pub garbage_bytes: u64,
    /// The snapshots, newest first.
    pub snapshots: Vec<SnapshotUsage>,
}

impl StoreInspection {
    /// Measures the space that the parts of the store use. Ignores a torn tail.
    ///
    /// # Errors
    /// See [`StoreReadError`]. Damage is an error here.
    pub fn usage(&self) -> Result<StoreUsage, StoreReadError> {
        let mut usage = self.file_usage()?;
        let graph = self.pin_graph()?;
        let snapshots = self.snapshots.list();
        let mut reached_by = vec![0_u32; graph.len()];
        let mut reaches = Vec::new();
        for snapshot in &snapshots {
            let root = graph.find(snapshot.address).ok_or_else(|| {
                let reason = format!("the root of snapshot {} is missing", snapshot.generation);
                let path = self.context.disk.path(BODIES_DIR);
                StoreDamage { path, offset: 0, reason, advice: "see `check`".into() }
            })?;
            let reached = graph.reach(root);
            for (count, reached) in reached_by.iter_mut().zip(&reached) {
                *count += u32::from(*reached);
            }
            reaches.push(reached);
        }
        for (pin, count) in reached_by.iter().enumerate() {
            usage.add_pin(graph.bytes(pin), *count);
        }
        for (snapshot, reached) in snapshots.into_iter().zip(reaches) {
            usage.snapshots.push(snapshot_usage(snapshot, &graph, &reached, &reached_by));
        }
        Ok(usage)
    }

    /// Measures the files.
    fn file_usage(&self) -> Result<StoreUsage, StoreReadError> {
        let total = |segments: &[SegmentLength]| segments.iter().map(|(_, length)| length).sum();
        let mut usage = StoreUsage {
            log_segments: self.log.len() as u64,
            log_bytes: total(&self.log),
            body_files: self.bodies.len() as u64,
            body_bytes: self.bodies.iter().sum(),
            catalogue_segments: self.catalogue.len() as u64,
            catalogue_bytes: total(&self.catalogue),
            ..StoreUsage::default()
        };
        for bytes in INDEX_FILES.into_iter().filter_map(|name| self.context.length(name).ok()) {
            usage.index_files += 1;
            usage.index_bytes += bytes;
        }
        (usage.set_aside_files, usage.set_aside_bytes) = self.set_aside.usage()?;
        let spares = spare_files(&self.context, &JournalKind::LOG)?;
        for bytes in spares.iter().filter_map(|name| self.context.length(name).ok()) {
            usage.spare_files += 1;
            usage.spare_bytes += bytes;
        }
        Ok(usage)
    }

    /// Builds the graph of the live pins.
    fn pin_graph(&self) -> Result<PinGraph, StoreReadError> {
        let reader = CatalogueReader::open(&self.context, 0)?;
        let mut graph = PinGraph::default();
        reader.for_each_live(&reader.find_live()?, |entry| {
            // `check` reports edges without a pin.
            let _ = graph.add(&entry.to_entry());
            Ok(())
        })?;
        Ok(graph)
    }
}

impl StoreUsage {
    /// Counts a pin that a number of snapshots reach.
    fn add_pin(&mut self, bytes: u64, reached_by: u32) {
        self.pins += 1;
        self.pin_bytes += bytes;
        match reached_by {
            0 => {
                self.garbage_pins += 1;
                self.garbage_bytes += bytes;
            }
            1 => {}
            _ => {
                self.shared_pins += 1;
                self.shared_bytes += bytes;
            }
        }
    }
}

fn snapshot_usage(
    snapshot: Snapshot,
    graph: &PinGraph,
    reached: &[bool],
    reached_by: &[u32],
) -> SnapshotUsage {
    let mut usage = SnapshotUsage { snapshot, pins: 0, bytes: 0, own_pins: 0, own_bytes: 0 };
    for pin in (0..graph.len()).filter(|pin| reached[*pin]) {
        usage.pins += 1;
        usage.bytes += graph.bytes(pin);
        if reached_by[pin] == 1 {
            usage.own_pins += 1;
            usage.own_bytes += graph.bytes(pin);
        }
    }
    usage
}
