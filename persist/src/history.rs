//! The states and events of a store that is inspected: what a replay needs, without a store of its
//! own.
//!
//! A [`StoreHistory`] reads snapshots, pins and log where they are and writes nothing. It is the
//! private fork on which a rehearsal runs: a heap evaluates on the mapped pins and keeps what it
//! makes to itself. While the inspection exists, no collection frees a pin: it holds the lock of a
//! closed store, or a view of a store in use ([`crate::view`]).

use std::path::PathBuf;
use std::sync::Arc;

use plan::pinspace::FrozenPin;

use crate::context::StoreContext;
use crate::error::{OpenError, PinError, StoreReadError};
use crate::inspect::StoreInspection;
use crate::journal::{JournalKind, JournalSurvey, ScanDepth};
use crate::log::LogRecords;
use crate::space::body::{self, body_damage};
use crate::space::read_only::ReadOnlyPins;
use crate::types::{Seq, Snapshot};

/// Why the history of a store cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The pins cannot be mapped.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] StoreReadError),
}

/// The events that the log of a store holds.
#[derive(Debug, Clone)]
pub(crate) struct LogExtent {
    /// The first sequences of the segments, ascending.
    pub(crate) firsts: Vec<u64>,
    /// The last event.
    pub(crate) last: Seq,
}

impl LogExtent {
    /// Scans the log after the newest snapshot. A torn tail is left out.
    ///
    /// # Errors
    /// See [`StoreReadError`].
    pub(crate) fn of(store: &StoreInspection) -> Result<Self, StoreReadError> {
        let covers = store.snapshots.newest().map_or(Seq::START, |newest| newest.covers);
        let (kind, from) = (&JournalKind::LOG, covers.next().0);
        let depth = ScanDepth::AllPayloads;
        let survey = JournalSurvey::scan(&store.context, kind, from, covers.0, depth)?;
        Ok(Self { last: Seq(survey.last.next - 1), firsts: survey.firsts })
    }
}

/// The snapshots, pins and events of an inspected store. It must not outlive the inspection.
pub struct StoreHistory {
    context: StoreContext,
    /// The intact snapshots, newest first.
    snapshots: Vec<Snapshot>,
    pins: ReadOnlyPins,
    log: LogExtent,
}

impl StoreHistory {
    /// Maps the pins of a store and scans the end of its log.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub fn open(store: &StoreInspection) -> Result<Self, HistoryError> {
        let context = store.context.clone();
        let (pins, log) = (ReadOnlyPins::open(&context)?, LogExtent::of(store)?);
        Ok(Self { snapshots: store.snapshots.list(), context, pins, log })
    }

    /// Returns the directory of the store.
    pub fn path(&self) -> PathBuf {
        self.context.disk.path("")
    }

    /// Returns the intact snapshots, newest first.
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.snapshots
    }

    /// Returns the newest snapshot of a state no later than that after the event `seq`.
    pub fn snapshot_before(&self, seq: Seq) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.covers <= seq)
    }

    /// Returns the first event that the log still has, or the one that will come next.
    pub fn first(&self) -> Seq {
        Seq(self.log.firsts.first().copied().unwrap_or(self.log.last.0 + 1))
    }

    /// Returns the last event.
    pub fn last(&self) -> Seq {
        self.log.last
    }

    /// Returns the root pin of one of the snapshots, which holds its state.
    ///
    /// # Errors
    /// [`PinError::Damaged`] if the pin is damaged or missing.
    pub fn root(&self, snapshot: &Snapshot) -> Result<FrozenPin, PinError> {
        let found = self.pins.at(snapshot.address, &snapshot.root);
        found.map_err(|reason| {
            let (slot, offset) = body::locate(snapshot.address);
            let path = self.context.disk.path(&body::file_name(slot));
            body_damage(path, offset, reason).into()
        })
    }

    /// Returns the events from `first` to `last`, or to the end of the log.
    ///
    /// # Errors
    /// [`StoreReadError::Gap`] if the log begins after `first`; see [`StoreReadError`].
    pub fn records(&self, first: Seq, last: Seq) -> Result<LogRecords, StoreReadError> {
        let last = last.min(self.log.last);
        let (context, range) = (self.context.clone(), (first.0, last.0));
        LogRecords::new(context, &self.log.firsts, range, Arc::default())
    }
}
