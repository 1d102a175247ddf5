//! Looking at a store without opening it: what is damaged, and what holds how much.
//!
//! Opening stops at the first damage. An [`Inspection`] goes on behind it, so that all of it can be
//! told at once, and what it means for each snapshot. It holds the store's lock, opens files for
//! reading only and changes nothing, not even a torn tail.
//!
//! ```text
//! FORMAT, snapshots ──open──▶ Inspection ──check──▶ every frame, every body ──▶ Report
//!                                        └─usage──▶ catalogue ──▶ graph ──▶ Usage
//! ```
//!
//! Memory: the hashes and edges of all pins, and one frame's payload at a time; bodies are mapped.

mod faults;
pub(crate) mod graph;
mod report;
mod usage;

use std::path::Path;
use std::sync::Arc;

use vm::pinspace::Frozen;

use crate::Seq;
use crate::disk::{Disk, DiskLock, RealDisk};
use crate::error::{Damage, DiskError, OpenError, ReadError};
use crate::frame::FrameKind;
use crate::health::Health;
use crate::journal::{self, Home};
use crate::log::LOG;
use crate::opening::{lock_existing, read_format};
use crate::segment::{Family, Segment, Stretch};
use crate::snapshots::Snapshots;
use crate::space::body;
use crate::space::catalogue::{self, CATALOGUE, Page};
use crate::space::files::all_pages;
use crate::space::look::{self, PinLook};

use faults::{Expect, Faults};
use graph::Graph;
pub use report::{Effect, Finding, Report, SnapshotState};
pub use usage::{SnapshotUsage, Usage};

/// Who can tell whether pins have the hashes that they are found by, and is told how far a check has
/// come.
pub trait Judge {
    /// Judges a pin, whose bytes are those that were written; all that it refers to have been judged,
    /// and found whole, before.
    ///
    /// # Errors
    /// What is wrong, if it has not the hash that it should have.
    fn pin(&mut self, pin: &Frozen) -> Result<(), String>;

    /// So many of [`Inspection::bytes`] have been looked at.
    fn progress(&mut self, bytes: u64);
}

/// A store that is looked at, and locked meanwhile.
pub struct Inspection {
    home: Home,
    snapshots: Snapshots,
    /// First sequences of the segments, and the lengths of their files.
    log: Vec<(u64, u64)>,
    catalogue: Vec<(u64, u64)>,
    /// The lengths of the files of bodies.
    bodies: Vec<u64>,
    // Last, so that it is released when all else is done.
    _lock: Arc<dyn DiskLock>,
}

impl Inspection {
    /// Begins to look at a store.
    ///
    /// # Errors
    /// See [`OpenError`]; of damage, only that of `FORMAT` is one.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk::read_only(dir.as_ref())))
    }

    /// As [`Inspection::open`], on any disk.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let lock = lock_existing(disk.as_ref())?;
        let store = read_format(disk.as_ref())?;
        let home = Home { disk, store, health: Arc::new(Health::default()) };
        let snapshots = Snapshots::survey(home.clone(), usize::MAX)?;
        let log = lengths(&home, &LOG)?;
        let catalogue = lengths(&home, &CATALOGUE)?;
        let bodies = look::lengths(&home)?;
        Ok(Self { home, snapshots, log, catalogue, bodies, _lock: lock })
    }

    /// How many bytes there are to be checked.
    pub fn bytes(&self) -> u64 {
        let segments = self.log.iter().chain(&self.catalogue).map(|(_, length)| length);
        segments.chain(&self.bodies).sum()
    }

    /// Looks at every byte, but for the index, which is derived and never believed.
    ///
    /// # Errors
    /// What the file system reports, and pins that cannot be mapped; damage is none.
    pub fn check(&self, judge: &mut dyn Judge) -> Result<Report, OpenError> {
        let mut report = Report::default();
        for (_, damage) in self.snapshots.damaged() {
            report.findings.push(Finding { damage: damage.clone(), effect: Effect::Snapshot });
        }
        let newest = self.snapshots.newest();
        let mut pass = Pass { inspection: self, judge, report, done: 0 };
        let proven = newest.map_or(0, |snapshot| snapshot.groups);
        let mut pins = PinCheck { start: self.catalogue_start(proven), ..PinCheck::default() };
        let needed = pins.start;
        pass.journal(&CATALOGUE, &self.catalogue, needed, proven, &mut pins)?;
        pass.bodies(&mut pins.graph)?;
        let covers = self.snapshots.oldest().map_or(Seq::START, |snapshot| snapshot.covers);
        let proven = newest.map_or(0, |snapshot| snapshot.covers.0);
        let mut events = EventCheck::default();
        pass.journal(&LOG, &self.log, covers.next().0, proven, &mut events)?;
        let mut report = pass.report;
        report.events = events.count;
        report.snapshots = self.states(&pins.graph, &report);
        for state in report.snapshots.iter().filter(|state| !state.has_root) {
            let name = format!("snap/{:020}.snap", state.snapshot.generation);
            let reason = "the root of the snapshot is not among the pins".into();
            let damage = Damage {
                path: self.home.disk.path(&name),
                offset: 64,
                reason,
                advice: String::new(),
            };
            report.findings.push(Finding { damage, effect: Effect::Snapshot });
        }
        Ok(report)
    }

    /// From which sequence on the catalogue counts. Where that cannot be told for damage, all of it
    /// does that is there.
    fn catalogue_start(&self, proven: u64) -> u64 {
        let pages = all_pages(&self.home, proven);
        let start = pages.and_then(|pages| pages.start());
        start.unwrap_or_else(|_| self.catalogue.first().map_or(1, |(first, _)| *first))
    }

    /// What the damage means for each snapshot.
    fn states(&self, graph: &Graph, report: &Report) -> Vec<SnapshotState> {
        let lost = report.findings.iter().filter_map(|finding| match finding.effect {
            Effect::Events { first, last } => Some((first, last)),
            _ => None,
        });
        let lost: Vec<(u64, u64)> = lost.collect();
        let state = |snapshot: crate::Snapshot| {
            let root = graph.find(snapshot.address);
            let is_it = |root: &usize| graph.pin(*root).is_some_and(|pin| pin.0 == snapshot.root);
            let root = root.filter(is_it);
            let first_bad = root.and_then(|root| graph.first_bad(root));
            let after = snapshot.covers.0;
            let event = lost.iter().filter(|(_, last)| *last > after);
            let first_event = event.map(|(first, _)| Seq((*first).max(after + 1))).min();
            SnapshotState { snapshot, has_root: root.is_some(), first_bad, first_event }
        };
        self.snapshots.list().into_iter().map(state).collect()
    }
}

/// The first sequences of a journal's segments, and the lengths of their files.
fn lengths(home: &Home, family: &Family) -> Result<Vec<(u64, u64)>, DiskError> {
    let (firsts, _) = journal::list(home, family)?;
    let length = |first: u64| {
        let name = family.name(first);
        let length = home.disk.open(&name).and_then(|file| file.len());
        Ok((first, length.map_err(|error| home.error(&name, "read", error))?))
    };
    firsts.into_iter().map(length).collect()
}

/// One look at everything.
struct Pass<'a> {
    inspection: &'a Inspection,
    judge: &'a mut dyn Judge,
    report: Report,
    /// Bytes of segments before the current one.
    done: u64,
}

/// What is done with the payloads of one journal.
trait Items {
    /// Takes a whole payload.
    fn whole(&mut self, sequence: u64, payload: &[u8]) -> Result<(), String>;
    /// The effect of losing these.
    fn effect(&self, first: u64, last: u64) -> Effect;
}

impl Pass<'_> {
    /// Walks all segments. Everything from `needed` on should be there; everything up to `proven`
    /// was durable.
    fn journal(
        &mut self,
        family: &Family,
        segments: &[(u64, u64)],
        needed: u64,
        proven: u64,
        items: &mut dyn Items,
    ) -> Result<(), DiskError> {
        let home = &self.inspection.home;
        let dir = home.disk.path(family.dir);
        let first = segments.first().map(|(first, _)| *first);
        if first.is_none_or(|first| first > needed) {
            let reason = match first {
                None => "the directory holds no segment".to_owned(),
                Some(first) => {
                    format!("{} {needed} is needed, the first one is {first}", family.item)
                }
            };
            let last = first.map_or(u64::MAX, |first| first - 1);
            let damage = Damage { path: dir, offset: 0, reason, advice: String::new() };
            self.report.findings.push(Finding { damage, effect: items.effect(needed, last) });
        }
        for (index, (first, length)) in segments.iter().enumerate() {
            let successor = segments.get(index + 1).map(|(first, _)| *first);
            let expect = Expect { successor, proven };
            match Segment::open(home.disk.as_ref(), family, home.store, *first) {
                Ok(segment) => self.segment(&Arc::new(segment), expect, items)?,
                Err(ReadError::Disk(error)) => return Err(error),
                Err(ReadError::Damaged(damage)) => {
                    let last = successor.map_or(u64::MAX, |next| next - 1);
                    let effect = items.effect(*first, last);
                    self.report.findings.push(Finding { damage, effect });
                }
                Err(ReadError::Gap { .. }) => unreachable!("opening a segment meets no gap"),
            }
            self.done += length;
            self.judge.progress(self.done);
        }
        Ok(())
    }

    fn segment(
        &mut self,
        segment: &Arc<Segment>,
        expect: Expect,
        items: &mut dyn Items,
    ) -> Result<(), DiskError> {
        let mut stretches = segment.stretches()?;
        let mut faults = Faults::new(segment, expect);
        while let Some(stretch) = stretches.next()? {
            let (at, frame) = match stretch {
                Stretch::Bad { at, end, reason } => {
                    faults.bad(at, end, reason);
                    continue;
                }
                Stretch::Frame { at, frame } => (at, frame),
            };
            faults.frame(at, &frame);
            let found = match segment.payload(at, &frame) {
                Ok(payload) if frame.kind == FrameKind::Data => items.whole(frame.seq, &payload),
                Ok(_) => Ok(()),
                Err(ReadError::Damaged(damage)) => Err(damage.reason),
                Err(ReadError::Disk(error)) => return Err(error),
                Err(ReadError::Gap { .. }) => unreachable!("reading one frame meets no gap"),
            };
            if let Err(reason) = found {
                faults.payload(at, &frame, reason);
            }
            self.judge.progress(self.done + stretches.offset());
        }
        let (damaged, unfinished) = faults.judge();
        self.report.unfinished.extend(unfinished);
        let finding = |(damage, lost): (Damage, Option<(u64, u64)>)| {
            let effect = lost.map_or(Effect::Nothing, |(first, last)| items.effect(first, last));
            Finding { damage, effect }
        };
        self.report.findings.extend(damaged.into_iter().map(finding));
        Ok(())
    }

    /// Looks at the bodies of all pins of the catalogue.
    fn bodies(&mut self, graph: &mut Graph) -> Result<(), OpenError> {
        let home = &self.inspection.home;
        let look = PinLook::open(home)?;
        for damage in &look.damaged {
            let (damage, effect) = (damage.clone(), Effect::File);
            self.report.findings.push(Finding { damage, effect });
        }
        for pin in 0..graph.len() {
            let Some((hash, address)) = graph.pin(pin) else { continue };
            let found = look.at(address, &hash);
            let judged = match &found {
                None => Err("the pin that stands here is not the one that was written".into()),
                Some(_) if graph.has_bad_edge(pin) => Ok(()),
                Some(found) => self.judge.pin(found),
            };
            match judged {
                Ok(()) => self.report.pins += 1,
                Err(reason) => {
                    graph.mark_bad(pin);
                    let (slot, offset) = body::place(address);
                    let path = home.disk.path(&body::name(slot));
                    // A file that cannot be read at all is told of once.
                    if !look.damaged.iter().any(|damage| damage.path == path) {
                        let damage = Damage { path, offset, reason, advice: String::new() };
                        self.report.findings.push(Finding { damage, effect: Effect::Pin(hash) });
                    }
                }
            }
            self.done += graph.bytes(pin);
            self.judge.progress(self.done);
        }
        Ok(())
    }
}

/// Counts events. What they mean is for whoever replays them.
#[derive(Default)]
struct EventCheck {
    count: u64,
}

impl Items for EventCheck {
    fn whole(&mut self, _: u64, _: &[u8]) -> Result<(), String> {
        self.count += 1;
        Ok(())
    }

    fn effect(&self, first: u64, last: u64) -> Effect {
        Effect::Events { first, last }
    }
}

/// Takes groups apart, and learns what refers to what.
#[derive(Default)]
struct PinCheck {
    graph: Graph,
    /// What stands before this sequence counts no more.
    start: u64,
}

impl Items for PinCheck {
    fn whole(&mut self, sequence: u64, payload: &[u8]) -> Result<(), String> {
        let page = catalogue::decode(payload).ok_or("what stands here is neither pins nor gaps")?;
        let (entries, is_copy) = match page {
            _ if sequence < self.start => return Ok(()),
            Page::Gaps(gaps) => {
                self.graph.remove_all(&gaps.free);
                return Ok(());
            }
            Page::Group(_, entries) => (entries, false),
            Page::Copy(entries) => (entries, true),
        };
        let mut result = Ok(());
        for entry in entries {
            // A copy may be one that does not count: then it tells of what is known.
            if is_copy && self.graph.find(entry.address()).is_some() {
                continue;
            }
            if let Some(edge) = self.graph.add(&entry.to_entry()) {
                let name = vm::Hash(entry.hash());
                result = Err(format!(
                    "pin {name} refers to one at {edge:#x}, which is not stored before it"
                ));
            }
        }
        result
    }

    fn effect(&self, first: u64, last: u64) -> Effect {
        Effect::Groups { first, last }
    }
}

#[cfg(test)]
mod tests;
