//! Looking at a store without opening it: what is damaged, and what holds how much.
//!
//! Opening stops at the first damage. An [`Inspection`] goes on behind it, so that all of it can be
//! told at once, and what it means for each snapshot. It holds the store's lock, opens files for
//! reading only and changes nothing, not even a torn tail.
//!
//! ```text
//! FORMAT, snapshots ──open──▶ Inspection ──check──▶ every frame ──▶ faults ──▶ Report
//!                                        └─usage──▶ heads of pins ──▶ graph ──▶ Usage
//! ```
//!
//! Memory: the hashes and edges of all pins, and one frame's payload at a time.

mod faults;
mod graph;
mod report;
mod usage;

use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskLock, RealDisk};
use crate::error::{Damage, DiskError, OpenError, PinError, ReadError};
use crate::frame::FrameKind;
use crate::health::Health;
use crate::journal::{self, Home, Place};
use crate::log::LOG;
use crate::opening::{lock_existing, read_format};
use crate::pins::{self, PINS, StoredPin};
use crate::segment::{Family, Segment, Stretch};
use crate::snapshots::Snapshots;
use crate::{Hash, Seq, format_file};

use faults::{Expect, Faults};
use graph::Graph;
pub use report::{Effect, Finding, Report, SnapshotState};
pub use usage::{SnapshotUsage, Usage};

/// What somebody who can decode a body says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has the hash that it should have.
    Whole,
    /// It has not, or is nothing at all, for this reason.
    Wrong(String),
    /// This cannot be told without the pins that it refers to: [`Judge::settle`] is asked later.
    Unsure,
}

/// Gives a pin, if there is one of that hash.
pub type Fetch<'a> = dyn FnMut(&Hash) -> Result<Option<StoredPin>, PinError> + 'a;

/// Who knows what the bodies of pins mean, and is told how far a check has come.
pub trait Judge {
    /// Judges a pin. Those that it refers to have been judged before.
    fn pin(&mut self, hash: &Hash, pin: &StoredPin) -> Verdict;

    /// Judges a pin that [`Judge::pin`] was unsure of; `fetch` gives all others. The error says what
    /// is wrong.
    ///
    /// # Errors
    /// If it is not the pin of that hash.
    fn settle(&mut self, hash: &Hash, fetch: &mut Fetch<'_>) -> Result<(), String>;

    /// So many of [`Inspection::bytes`] have been looked at.
    fn progress(&mut self, bytes: u64);
}

/// A store that is looked at, and locked meanwhile.
pub struct Inspection {
    home: Home,
    snapshots: Snapshots,
    /// First sequences of the segments, and the lengths of their files.
    log: Vec<(u64, u64)>,
    pins: Vec<(u64, u64)>,
    // Last, so that it is released when all else is done.
    _lock: Box<dyn DiskLock>,
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
        let store = read_format(disk.as_ref(), format_file::STORE)?;
        let home = Home { disk, store, health: Arc::new(Health::default()) };
        let snapshots = Snapshots::survey(home.clone(), usize::MAX)?;
        let log = lengths(&home, &LOG)?;
        let pins = lengths(&home, &PINS)?;
        Ok(Self { home, snapshots, log, pins, _lock: lock })
    }

    /// How many bytes the segments have.
    pub fn bytes(&self) -> u64 {
        self.log.iter().chain(&self.pins).map(|(_, length)| length).sum()
    }

    /// Looks at every byte.
    ///
    /// # Errors
    /// What the file system reports; damage is none.
    pub fn check(&self, judge: &mut dyn Judge) -> Result<Report, DiskError> {
        let mut report = Report::default();
        for (_, damage) in self.snapshots.damaged() {
            report.findings.push(Finding { damage: damage.clone(), effect: Effect::Snapshot });
        }
        let newest = self.snapshots.newest();
        let mut pass = Pass { inspection: self, judge, report, done: 0 };
        let proven = newest.map_or(0, |snapshot| snapshot.pins);
        let mut pins = PinCheck::default();
        pass.journal(&PINS, &self.pins, 1, proven, &mut pins)?;
        pass.settle(&mut pins)?;
        let covers = self.snapshots.oldest().map_or(Seq::START, |snapshot| snapshot.covers);
        let proven = newest.map_or(0, |snapshot| snapshot.covers.0);
        let mut events = EventCheck::default();
        pass.journal(&LOG, &self.log, covers.next().0, proven, &mut events)?;
        let mut report = pass.report;
        (report.pins, report.events) = (pins.count, events.count);
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

    /// What the damage means for each snapshot.
    fn states(&self, graph: &Graph, report: &Report) -> Vec<SnapshotState> {
        let lost = report.findings.iter().filter_map(|finding| match finding.effect {
            Effect::Events { first, last } => Some((first, last)),
            _ => None,
        });
        let lost: Vec<(u64, u64)> = lost.collect();
        let state = |snapshot: crate::Snapshot| {
            let root = graph.find(&snapshot.root);
            let first_bad = root.and_then(|root| graph.first_bad(root));
            let after = snapshot.covers.0;
            let event = lost.iter().filter(|(_, last)| *last > after);
            let first_event = event.map(|(first, _)| Seq((*first).max(after + 1))).min();
            SnapshotState { snapshot, has_root: root.is_some(), first_bad, first_event }
        };
        self.snapshots.list().into_iter().map(state).collect()
    }

    /// Reads a pin at a place that a walk has found.
    fn read(&self, place: Place, hash: &Hash) -> Result<StoredPin, PinError> {
        let opened = Segment::open(self.home.disk.as_ref(), &PINS, self.home.store, place.segment);
        let segment = opened.map_err(pins::of_one_pin)?;
        pins::read_pin(&Arc::new(segment), place, hash)
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
    fn whole(&mut self, judge: &mut dyn Judge, place: Place, payload: &[u8]) -> Result<(), String>;
    /// A payload is damaged, all but perhaps its head.
    fn damaged(&mut self, head: Option<(Hash, Vec<Hash>)>);
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
            let place = Place { segment: segment.header.first, offset: at };
            let found = match segment.payload(at, &frame) {
                Ok(payload) if frame.kind == FrameKind::Data => {
                    items.whole(self.judge, place, &payload)
                }
                Ok(_) => Ok(()),
                Err(ReadError::Damaged(damage)) => {
                    if frame.kind == FrameKind::Data {
                        items.damaged(pins::read_head(segment, at, &frame).ok());
                    }
                    Err(damage.reason)
                }
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

    /// Judges the pins that could not be judged by themselves.
    fn settle(&mut self, pins: &mut PinCheck) -> Result<(), DiskError> {
        for (hash, place) in std::mem::take(&mut pins.unsure) {
            let graph = &pins.graph;
            let mut fetch = |hash: &Hash| match graph.find(hash).and_then(|pin| graph.place(pin)) {
                Some(place) => self.inspection.read(place, hash).map(Some),
                None => Ok(None),
            };
            if let Err(reason) = self.judge.settle(&hash, &mut fetch) {
                pins.graph.mark_bad(&hash);
                let path = self.inspection.home.disk.path(&PINS.name(place.segment));
                let damage = Damage { path, offset: place.offset, reason, advice: String::new() };
                self.report.findings.push(Finding { damage, effect: Effect::Pin(hash) });
            }
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
    fn whole(&mut self, _: &mut dyn Judge, _: Place, _: &[u8]) -> Result<(), String> {
        self.count += 1;
        Ok(())
    }

    fn damaged(&mut self, _: Option<(Hash, Vec<Hash>)>) {}

    fn effect(&self, first: u64, last: u64) -> Effect {
        Effect::Events { first, last }
    }
}

/// Checks pins, and learns what refers to what.
#[derive(Default)]
struct PinCheck {
    count: u64,
    graph: Graph,
    unsure: Vec<(Hash, Place)>,
}

impl Items for PinCheck {
    fn whole(&mut self, judge: &mut dyn Judge, place: Place, payload: &[u8]) -> Result<(), String> {
        self.count += 1;
        let (hash, pin) =
            pins::decode_any(payload).ok_or("the hash and edges of the pin fail their check")?;
        let missing = self.graph.add(hash, &pin.edges, Some(place), payload.len() as u64);
        if let Some(edge) = missing {
            self.graph.mark_bad(&hash);
            return Err(format!(
                "pin {} refers to {}, which is not stored before it",
                name(&hash),
                name(&edge)
            ));
        }
        match judge.pin(&hash, &pin) {
            Verdict::Whole => Ok(()),
            Verdict::Unsure => {
                self.unsure.push((hash, place));
                Ok(())
            }
            Verdict::Wrong(reason) => {
                self.graph.mark_bad(&hash);
                Err(format!("pin {}: {reason}", name(&hash)))
            }
        }
    }

    fn damaged(&mut self, head: Option<(Hash, Vec<Hash>)>) {
        if let Some((hash, edges)) = head {
            self.graph.add(hash, &edges, None, 0);
            self.graph.mark_bad(&hash);
        }
    }

    fn effect(&self, first: u64, last: u64) -> Effect {
        Effect::Pins { first, last }
    }
}

fn name(hash: &Hash) -> String {
    vm::Hash(*hash).to_string()
}

#[cfg(test)]
mod tests;
