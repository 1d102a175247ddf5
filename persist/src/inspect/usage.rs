//! What holds how much, by edges alone: no body is read.

use crate::error::{Damage, ReadError};
use crate::log::LOG;
use crate::space::files::all_pages;
use crate::space::{BODIES_DIR, index};
use crate::{Inspection, Snapshot, spare};

use super::graph::Graph;

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotUsage {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// How many pins it reaches.
    pub pins: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them no other kept snapshot reaches.
    pub own_pins: u64,
    /// Their bytes.
    pub own_bytes: u64,
}

/// What holds how much of a store. Bytes of pins are those of their records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files of events, and their bytes.
    pub log_segments: u64,
    /// See there.
    pub log_bytes: u64,
    /// Files that the log no longer needs and will write over, and their bytes.
    pub spare_files: u64,
    /// See there.
    pub spare_bytes: u64,
    /// Files of bodies of pins, and their bytes.
    pub body_files: u64,
    /// See there.
    pub body_bytes: u64,
    /// Files of the catalogue, and their bytes.
    pub catalogue_segments: u64,
    /// See there.
    pub catalogue_bytes: u64,
    /// Files of the index, and their bytes.
    pub index_files: u64,
    /// See there.
    pub index_bytes: u64,
    /// How many pins there are, and their bytes.
    pub pins: u64,
    /// See there.
    pub pin_bytes: u64,
    /// Pins that two kept snapshots or more reach.
    pub shared_pins: u64,
    /// Their bytes.
    pub shared_bytes: u64,
    /// Pins that no kept snapshot reaches.
    pub garbage_pins: u64,
    /// Their bytes.
    pub garbage_bytes: u64,
    /// The snapshots, newest first.
    pub snapshots: Vec<SnapshotUsage>,
}

impl Inspection {
    /// What holds how much.
    ///
    /// # Errors
    /// See [`ReadError`]: damage is one here. A torn end is passed over.
    pub fn usage(&self) -> Result<Usage, ReadError> {
        let total = |segments: &[(u64, u64)]| segments.iter().map(|(_, length)| length).sum();
        let mut usage = Usage {
            log_segments: self.log.len() as u64,
            log_bytes: total(&self.log),
            body_files: self.bodies.len() as u64,
            body_bytes: self.bodies.iter().sum(),
            catalogue_segments: self.catalogue.len() as u64,
            catalogue_bytes: total(&self.catalogue),
            ..Usage::default()
        };
        let length = |name: &str| self.home.disk.open(name).and_then(|file| file.len()).ok();
        for bytes in index::FILES.into_iter().filter_map(length) {
            usage.index_files += 1;
            usage.index_bytes += bytes;
        }
        for bytes in spare::names(&self.home, &LOG)?.iter().filter_map(|name| length(name)) {
            usage.spare_files += 1;
            usage.spare_bytes += bytes;
        }
        let graph = self.graph()?;
        let listed = self.snapshots.list();
        let mut reached_by = vec![0_u32; graph.len()];
        let mut reaches = Vec::new();
        for snapshot in &listed {
            let root = graph.find(snapshot.address).ok_or_else(|| {
                let reason = format!("the root of snapshot {} is missing", snapshot.generation);
                let path = self.home.disk.path(BODIES_DIR);
                Damage { path, offset: 0, reason, advice: "see `check`".into() }
            })?;
            let reached = graph.reach(root);
            for (count, reached) in reached_by.iter_mut().zip(&reached) {
                *count += u32::from(*reached);
            }
            reaches.push(reached);
        }
        for (pin, count) in reached_by.iter().enumerate() {
            let bytes = graph.bytes(pin);
            usage.pins += 1;
            usage.pin_bytes += bytes;
            match count {
                0 => {
                    (usage.garbage_pins, usage.garbage_bytes) =
                        (usage.garbage_pins + 1, usage.garbage_bytes + bytes)
                }
                1 => {}
                _ => {
                    (usage.shared_pins, usage.shared_bytes) =
                        (usage.shared_pins + 1, usage.shared_bytes + bytes)
                }
            }
        }
        for (snapshot, reached) in listed.into_iter().zip(reaches) {
            usage.snapshots.push(of_snapshot(snapshot, &graph, &reached, &reached_by));
        }
        Ok(usage)
    }

    /// Which pin refers to which.
    fn graph(&self) -> Result<Graph, ReadError> {
        let pages = all_pages(&self.home, 0)?;
        let mut graph = Graph::default();
        pages.forwards(&pages.count()?, |entry| {
            // An edge that leads nowhere is for a check to tell of.
            let _ = graph.add(&entry.to_entry());
            Ok(())
        })?;
        Ok(graph)
    }
}

fn of_snapshot(
    snapshot: Snapshot,
    graph: &Graph,
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
