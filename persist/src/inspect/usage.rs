//! What holds how much, by edges alone: no body is read.

use std::sync::Arc;

use crate::error::{Damage, ReadError};
use crate::frame::{FrameKind, SEGMENT_HEADER};
use crate::journal::Place;
use crate::pins::{self, PINS};
use crate::segment::Segment;
use crate::{Inspection, Snapshot};

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

/// What holds how much of a store. Bytes of pins are those of their payloads: body, edges and hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files of events, and their bytes.
    pub log_segments: u64,
    /// See there.
    pub log_bytes: u64,
    /// Files of pins, and their bytes.
    pub pin_segments: u64,
    /// See there.
    pub pin_file_bytes: u64,
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
            pin_segments: self.pins.len() as u64,
            pin_file_bytes: total(&self.pins),
            ..Usage::default()
        };
        let graph = self.graph()?;
        let listed = self.snapshots.list();
        let mut reached_by = vec![0_u32; graph.len()];
        let mut reaches = Vec::new();
        for snapshot in &listed {
            let root = graph.find(&snapshot.root).ok_or_else(|| {
                let reason = format!("the root of snapshot {} is missing", snapshot.generation);
                let path = self.home.disk.path(PINS.dir);
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
        let mut graph = Graph::default();
        for (index, (first, _)) in self.pins.iter().enumerate() {
            let segment = Segment::open(self.home.disk.as_ref(), &PINS, self.home.store, *first)?;
            let segment = Arc::new(segment);
            let is_last = index + 1 == self.pins.len();
            let mut frames = segment.frames(SEGMENT_HEADER)?;
            loop {
                let (offset, frame) = match frames.next() {
                    Ok(Some(found)) => found,
                    Ok(None) => break,
                    // Whether this is a torn end or damage is for a check to say.
                    Err(ReadError::Damaged(_)) if is_last => break,
                    Err(error) => return Err(error),
                };
                if frame.kind == FrameKind::Data {
                    let (hash, edges) = pins::read_head(&segment, offset, &frame)?;
                    let place = Place { segment: *first, offset };
                    if graph.add(hash, &edges, Some(place), frame.length).is_some() {
                        let reason = format!("pin {} refers to one that is not stored", frame.seq);
                        return Err(segment.damage(offset, reason).into());
                    }
                }
            }
        }
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
