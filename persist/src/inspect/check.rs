//! The check of a store: every frame of both journals and every pin.

use std::sync::Arc;

use plan::pinspace::FrozenPin;

use super::faults::{LostRange, SegmentExpectation, SegmentFaults};
use super::inspection::{SegmentLength, StoreInspection};
use super::report::{CheckReport, DamageEffect, DamageFinding, SnapshotStatus};
use crate::error::{DiskError, OpenError, StoreDamage, StoreReadError};
use crate::journal::frame::JournalFrameKind;
use crate::journal::{JournalKind, JournalSegment, ResyncItem};
use crate::snapshots;
use crate::space::body;
use crate::space::catalogue::{self, CatalogueRecord};
use crate::space::catalogue_reader::CatalogueReader;
use crate::space::graph::PinGraph;
use crate::space::read_only::ReadOnlyPins;
use crate::types::{Seq, Snapshot};

/// Verifies the hashes of pins during a check, and is notified of the check's progress.
pub trait PinVerifier {
    /// Verifies that a pin has its hash. Its bytes are those that were written, and all pins that
    /// it refers to were verified before, successfully.
    ///
    /// # Errors
    /// The reason why the hash is wrong.
    fn pin(&mut self, pin: &FrozenPin) -> Result<(), String>;

    /// Reports how many of [`StoreInspection::bytes`] have been checked.
    fn progress(&mut self, bytes: u64);
}

impl StoreInspection {
    /// Checks every byte of the store except the index, which is derived and never trusted.
    ///
    /// # Errors
    /// Errors of the file system, and pins that cannot be mapped. Damage is not an error.
    pub fn check(&self, verifier: &mut dyn PinVerifier) -> Result<CheckReport, OpenError> {
        let mut report = CheckReport::default();
        for (_, damage) in self.snapshots.damaged() {
            let (damage, effect) = (damage.clone(), DamageEffect::Snapshot);
            report.findings.push(DamageFinding { damage, effect });
        }
        for damage in self.set_aside.read()?.damaged {
            report.findings.push(DamageFinding { damage, effect: DamageEffect::SetAsideInput });
        }
        let newest = self.snapshots.newest();
        let mut pass = CheckPass { inspection: self, verifier, report, done: 0 };
        let proven = newest.map_or(0, |snapshot| snapshot.groups);
        let mut pins =
            CatalogueChecker { start: self.catalogue_start(proven), graph: PinGraph::default() };
        let needed = pins.start;
        pass.check_journal(&JournalKind::CATALOGUE, &self.catalogue, needed, proven, &mut pins)?;
        pass.check_bodies(&mut pins.graph)?;
        let covers = self.snapshots.oldest().map_or(Seq::START, |snapshot| snapshot.covers);
        let proven = newest.map_or(0, |snapshot| snapshot.covers.0);
        let mut events = EventChecker::default();
        pass.check_journal(&JournalKind::LOG, &self.log, covers.next().0, proven, &mut events)?;
        let mut report = pass.report;
        report.events = events.count;
        report.snapshots = self.snapshot_statuses(&pins.graph, &report);
        for status in report.snapshots.iter().filter(|status| !status.has_root) {
            let name = snapshots::file_name(status.snapshot.generation);
            let damage = StoreDamage {
                path: self.context.disk.path(&name),
                offset: 64,
                reason: "the root of the snapshot is not among the pins".into(),
                advice: String::new(),
            };
            report.findings.push(DamageFinding { damage, effect: DamageEffect::Snapshot });
        }
        Ok(report)
    }

    /// Returns the first live sequence of the catalogue. If damage hides it, returns the first
    /// sequence that is present.
    fn catalogue_start(&self, proven: u64) -> u64 {
        let reader = CatalogueReader::open(&self.context, proven);
        let start = reader.and_then(|reader| reader.start());
        start.unwrap_or_else(|_| self.catalogue.first().map_or(1, |(first, _)| *first))
    }

    /// Returns the consequence of the damage for each snapshot.
    fn snapshot_statuses(&self, graph: &PinGraph, report: &CheckReport) -> Vec<SnapshotStatus> {
        let lost = report.findings.iter().filter_map(|finding| match finding.effect {
            DamageEffect::Events { first, last } => Some((first, last)),
            _ => None,
        });
        let lost: Vec<(u64, u64)> = lost.collect();
        let status = |snapshot: Snapshot| {
            let root = graph.find(snapshot.address);
            let is_root = |root: &usize| graph.pin(*root).is_some_and(|pin| pin.0 == snapshot.root);
            let root = root.filter(is_root);
            let first_bad = root.and_then(|root| graph.first_bad(root));
            let after = snapshot.covers.0;
            let event = lost.iter().filter(|(_, last)| *last > after);
            let first_event = event.map(|(first, _)| Seq((*first).max(after + 1))).min();
            SnapshotStatus { snapshot, has_root: root.is_some(), first_bad, first_event }
        };
        self.snapshots.list().into_iter().map(status).collect()
    }
}

/// A check in progress.
struct CheckPass<'a> {
    inspection: &'a StoreInspection,
    verifier: &'a mut dyn PinVerifier,
    report: CheckReport,
    /// The checked bytes before the current segment.
    done: u64,
}

/// Checks the payloads of one journal.
trait PayloadChecker {
    /// Checks a payload whose frame is intact.
    ///
    /// # Errors
    /// The reason why the payload is invalid.
    fn check(&mut self, sequence: u64, payload: &[u8]) -> Result<(), String>;

    /// Returns the effect of losing the payloads from `first` to `last`.
    fn effect(&self, first: u64, last: u64) -> DamageEffect;
}

impl CheckPass<'_> {
    /// Checks all segments of a journal. The frames from `needed` on should be present, and all
    /// frames up to `proven` were durable.
    fn check_journal(
        &mut self,
        kind: &JournalKind,
        segments: &[SegmentLength],
        needed: u64,
        proven: u64,
        payloads: &mut dyn PayloadChecker,
    ) -> Result<(), DiskError> {
        let context = &self.inspection.context;
        let first = segments.first().map(|(first, _)| *first);
        if first.is_none_or(|first| first > needed) {
            let reason = match first {
                None => "the directory holds no segment".to_owned(),
                Some(first) => {
                    format!("{} {needed} is needed, the first one is {first}", kind.item)
                }
            };
            let last = first.map_or(u64::MAX, |first| first - 1);
            let path = context.disk.path(kind.dir);
            let damage = StoreDamage { path, offset: 0, reason, advice: String::new() };
            let effect = payloads.effect(needed, last);
            self.report.findings.push(DamageFinding { damage, effect });
        }
        for (index, (first, length)) in segments.iter().enumerate() {
            let successor = segments.get(index + 1).map(|(first, _)| *first);
            let expectation = SegmentExpectation { successor, proven };
            match JournalSegment::open(context.disk.as_ref(), kind, context.store, *first) {
                Ok(segment) => self.check_segment(&Arc::new(segment), expectation, payloads)?,
                Err(error) => {
                    let damage = segment_damage(error)?;
                    let last = successor.map_or(u64::MAX, |next| next - 1);
                    let effect = payloads.effect(*first, last);
                    self.report.findings.push(DamageFinding { damage, effect });
                }
            }
            self.done += length;
            self.verifier.progress(self.done);
        }
        Ok(())
    }

    fn check_segment(
        &mut self,
        segment: &Arc<JournalSegment>,
        expectation: SegmentExpectation,
        payloads: &mut dyn PayloadChecker,
    ) -> Result<(), DiskError> {
        let mut frames = segment.resync_frames()?;
        let mut faults = SegmentFaults::new(segment, expectation);
        while let Some(item) = frames.next() {
            let (at, frame) = match item {
                ResyncItem::Bad { at, end, reason } => {
                    faults.add_bad_region(at, end, reason);
                    continue;
                }
                ResyncItem::Unreadable { at, end, reason } => {
                    faults.add_unreadable_region(at, end, &reason);
                    continue;
                }
                ResyncItem::Frame { at, frame } => (at, frame),
            };
            faults.add_frame(at, &frame);
            let payload = segment.payload(at, &frame);
            let is_unreadable = matches!(payload, Err(StoreReadError::Disk(_)));
            let checked = match payload {
                Ok(payload) if frame.kind == JournalFrameKind::Data => {
                    payloads.check(frame.seq, &payload)
                }
                Ok(_) => Ok(()),
                Err(error) => Err(segment_damage(error)?.reason),
            };
            if let Err(reason) = checked {
                faults.add_bad_payload(at, &frame, reason, is_unreadable);
            }
            self.verifier.progress(self.done + frames.offset());
        }
        let (damaged, unfinished) = faults.classify();
        self.report.unfinished.extend(unfinished);
        let finding = |(damage, lost): (StoreDamage, Option<LostRange>)| {
            let effect =
                lost.map_or(DamageEffect::Nothing, |(first, last)| payloads.effect(first, last));
            DamageFinding { damage, effect }
        };
        self.report.findings.extend(damaged.into_iter().map(finding));
        Ok(())
    }

    /// Checks the bodies of all pins in the catalogue.
    fn check_bodies(&mut self, graph: &mut PinGraph) -> Result<(), OpenError> {
        let context = &self.inspection.context;
        let pins = ReadOnlyPins::open(context)?;
        for damage in &pins.damaged {
            let (damage, effect) = (damage.clone(), DamageEffect::File);
            self.report.findings.push(DamageFinding { damage, effect });
        }
        for pin in 0..graph.len() {
            let Some((hash, address)) = graph.pin(pin) else { continue };
            let found = pins.at(address, &hash);
            let verified = match found {
                Err(reason) => Err(reason),
                Ok(_) if graph.has_bad_edge(pin) => Ok(()),
                Ok(found) => self.verifier.pin(&found),
            };
            match verified {
                Ok(()) => self.report.pins += 1,
                Err(reason) => {
                    graph.mark_bad(pin);
                    let (slot, offset) = body::locate(address);
                    let path = context.disk.path(&body::file_name(slot));
                    // A file that cannot be read at all is reported once, above.
                    if !pins.damaged.iter().any(|damage| damage.path == path) {
                        let damage = StoreDamage { path, offset, reason, advice: String::new() };
                        let effect = DamageEffect::Pin(hash);
                        self.report.findings.push(DamageFinding { damage, effect });
                    }
                }
            }
            self.done += graph.bytes(pin);
            self.verifier.progress(self.done);
        }
        Ok(())
    }
}

/// Converts an error of reading a part of a segment to damage, so that the check continues.
///
/// # Errors
/// Errors of the file system other than a failed read.
fn segment_damage(error: StoreReadError) -> Result<StoreDamage, DiskError> {
    match error {
        StoreReadError::Damaged(damage) => Ok(damage),
        StoreReadError::Disk(error) if error.is_read() => {
            let (path, reason) = (error.path.clone(), error.reason());
            Ok(StoreDamage { path, offset: 0, reason, advice: String::new() })
        }
        StoreReadError::Disk(error) => Err(error),
        StoreReadError::Gap { .. } => unreachable!("reading a part of a segment finds no gap"),
    }
}

/// Counts events. Their meaning is unknown here.
#[derive(Default)]
struct EventChecker {
    count: u64,
}

impl PayloadChecker for EventChecker {
    fn check(&mut self, _: u64, _: &[u8]) -> Result<(), String> {
        self.count += 1;
        Ok(())
    }

    fn effect(&self, first: u64, last: u64) -> DamageEffect {
        DamageEffect::Events { first, last }
    }
}

/// Decodes the catalogue and builds the graph of pins.
struct CatalogueChecker {
    graph: PinGraph,
    /// Records before this sequence are ignored.
    start: u64,
}

impl PayloadChecker for CatalogueChecker {
    fn check(&mut self, sequence: u64, payload: &[u8]) -> Result<(), String> {
        let record = catalogue::decode(payload);
        let record = record.ok_or("the record is neither pins nor gaps")?;
        let (entries, is_copy) = match record {
            _ if sequence < self.start => return Ok(()),
            CatalogueRecord::Gaps(gaps) => {
                self.graph.remove_all(&gaps.free);
                return Ok(());
            }
            CatalogueRecord::Group(_, entries) => (entries, false),
            CatalogueRecord::Copy(entries) => (entries, true),
        };
        let mut result = Ok(());
        for entry in entries {
            // A copy of an unfinished collection repeats entries that are known.
            if is_copy && self.graph.find(entry.address()).is_some() {
                continue;
            }
            if let Some(edge) = self.graph.add(&entry.to_entry()) {
                let name = plan::Hash(entry.hash());
                result = Err(format!(
                    "pin {name} refers to one at {edge:#x}, which is not stored before it"
                ));
            }
        }
        result
    }

    fn effect(&self, first: u64, last: u64) -> DamageEffect {
        DamageEffect::Groups { first, last }
    }
}
