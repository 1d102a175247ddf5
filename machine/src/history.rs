//! [`MachineHistory`]: the states and events of a machine, without running it.
//!
//! A history reads a store that is inspected ([`persist::StoreHistory`]) and writes nothing, so the
//! machine may be running. A [`MachineReplay`] starts at a kept snapshot and goes through the events
//! one by one. `log`, `diff`, `start --until` and `rehearse` are made of it.

use crate::codec;
use crate::cog::{AppliedEvent, Cog, CogOutput};
use crate::error::{StartError, StateError};
use crate::event::EventRecord;
use crate::logged::LoggedEvent;
use crate::protocol::{self, CogParts};
use crate::replay;
use crate::settings::MachineSettings;
use crate::state_diff::{DiffLimit, StateDiff};
use crate::status::CogStatus;
use crate::watchdog::Watchdog;
use persist::{HistoryError, LogRecord, Seq, StoreHistory, StoreInspection};
use plan::{EvalError, Hash, Ref, Val};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vm::Vm;

/// The states and events of a machine. It must not outlive the inspection that it was made of.
pub struct MachineHistory {
    pub(crate) store: StoreHistory,
    pub(crate) settings: Arc<MachineSettings>,
    pub(crate) watchdog: Arc<Watchdog>,
}

/// A message of the cog to a driver. The message is a seed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedOutput {
    /// The slot of the driver.
    pub slot: u64,
    /// The key of the request that the message answers.
    pub key: u64,
    /// The message.
    pub message: Vec<u8>,
}

/// The outputs of an event as seeds, which can be compared and kept.
///
/// # Errors
/// There is no room for an output, or a pin is damaged.
pub(crate) fn logged_outputs(
    cog: &mut Cog,
    outputs: Vec<CogOutput>,
) -> Result<Vec<LoggedOutput>, EvalError> {
    let logged = outputs.into_iter().map(|CogOutput { slot, key, message }| {
        let message = cog.message_seed(message)?.0;
        Ok(LoggedOutput { slot, key, message })
    });
    logged.collect()
}

/// An event that was replayed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayedEvent {
    /// What the log has of it.
    pub logged: LoggedEvent,
    /// The messages of the cog to drivers.
    pub outputs: Vec<LoggedOutput>,
    /// How long the evaluation took in this replay.
    pub took: Duration,
    /// The hash of the state after the event.
    pub state: Hash,
    /// Whether the functions of the cog are other ones than before the event.
    pub replaced_functions: bool,
}

/// The status of a machine in a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplayStatus {
    /// The cog takes events.
    Running,
    /// The cog asks for no worker.
    Finished,
    /// The cog has crashed.
    Crashed,
}

impl MachineHistory {
    /// Opens the history of a machine. Only the settings that concern evaluation are used: console,
    /// clock, runtime and limits.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn open(
        store: &StoreInspection,
        settings: MachineSettings,
    ) -> Result<MachineHistory, StartError> {
        let store = StoreHistory::open(store).map_err(|error| match error {
            HistoryError::Open(error) => StartError::Open(error),
            HistoryError::Read(error) => StartError::Read(error),
        })?;
        if store.snapshots().is_empty() {
            return Err(StartError::NotBooted { path: store.path() });
        }
        let settings = Arc::new(settings);
        let watchdog = Arc::new(Watchdog::start(&settings.clock)?);
        Ok(MachineHistory { store, settings, watchdog })
    }

    /// The event after which the first state can be computed.
    pub fn first_state(&self) -> u64 {
        self.store.snapshots().last().map_or(0, |oldest| oldest.covers.0)
    }

    /// The first event that the log has.
    pub fn first(&self) -> u64 {
        self.store.first().0
    }

    /// The last event.
    pub fn last(&self) -> u64 {
        self.store.last().0
    }

    /// The events from `first` to `last`, as the log has them.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn events(
        &self,
        first: u64,
        last: u64,
    ) -> Result<impl Iterator<Item = Result<LoggedEvent, StartError>> + '_, StartError> {
        let records = self.store.records(Seq(first), Seq(last))?;
        Ok(records.map(|record| {
            let record = record?;
            Ok(LoggedEvent::of(record.seq.0, self.decode(&record)?, record.payload.len()))
        }))
    }

    pub(crate) fn decode(&self, record: &LogRecord) -> Result<EventRecord, StartError> {
        EventRecord::decode(&record.payload).map_err(|error| StartError::Record {
            path: self.store.path(),
            seq: record.seq,
            offset: error.offset,
            problem: error.problem.into(),
        })
    }

    /// A cog with the state after an event.
    pub(crate) fn cog_at(&self, event: u64) -> Result<Cog, StartError> {
        replay::cog_at(&self.store, Seq(event), &self.settings, &self.watchdog)
    }

    /// A replay that has arrived at the state after an event.
    ///
    /// # Errors
    /// [`StartError::Unreachable`] if no kept snapshot leads there; see [`StartError`].
    pub fn replay_at(&self, event: u64) -> Result<MachineReplay<'_>, StartError> {
        let mut cog = self.cog_at(event)?;
        cog.record_outputs();
        Ok(MachineReplay { history: self, cog, event })
    }

    fn path(&self) -> PathBuf {
        self.store.path()
    }

    /// The error of an evaluation that a replay needs.
    pub(crate) fn failed(&self, stop: &EvalError) -> StateError {
        StateError::from_evaluation(&self.path(), stop)
    }
}

/// A replay on its way through the events.
pub struct MachineReplay<'h> {
    history: &'h MachineHistory,
    cog: Cog,
    event: u64,
}

impl MachineReplay<'_> {
    /// The last event that was replayed.
    pub fn event(&self) -> u64 {
        self.event
    }

    /// The status of the machine.
    pub fn status(&self) -> ReplayStatus {
        match self.cog.status() {
            CogStatus::Running(_) => ReplayStatus::Running,
            CogStatus::Finished(_) => ReplayStatus::Finished,
            CogStatus::Crashed { .. } => ReplayStatus::Crashed,
        }
    }

    /// The parts of the cog in this state.
    pub fn cog(&self) -> CogParts<'_> {
        CogParts::of(self.cog.heap().look(cog_of(self.cog.status())))
    }

    /// The runtime that the state is in, and the cog.
    pub fn runtime(&mut self) -> (&mut Vm, Val) {
        let cog = cog_of(self.cog.status()).clone();
        (self.cog.parts().0, cog)
    }

    /// The hash of the state: that of a snapshot's root.
    ///
    /// # Errors
    /// [`StateError::NoRoom`] and [`StateError::Damaged`].
    pub fn state_hash(&mut self) -> Result<Hash, StateError> {
        self.cog.hash().map_err(|stop| StateError::from_evaluation(&self.history.path(), &stop))
    }

    /// Replays the events up to `last`, and calls `visit` with each.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn advance(
        &mut self,
        last: u64,
        mut visit: impl FnMut(ReplayedEvent),
    ) -> Result<(), StartError> {
        let history = self.history;
        if last <= self.event {
            return Ok(());
        }
        let records = history.store.records(Seq(self.event).next(), Seq(last))?;
        for record in records {
            let record = record?;
            let before = cog_of(self.cog.status()).clone();
            let applied =
                replay::replay_event(&mut self.cog, &history.store, &record, &mut Vec::new())?;
            self.event = record.seq.0;
            let AppliedEvent { outputs, took, .. } = applied;
            let logged = history.decode(&record)?;
            let logged = LoggedEvent::of(self.event, logged, record.payload.len());
            let state = self.state_hash()?;
            let replaced_functions = !self.has_functions_of(&before)?;
            let outputs = logged_outputs(&mut self.cog, outputs);
            let outputs = outputs.map_err(|stop| history.failed(&stop))?;
            visit(ReplayedEvent { logged, outputs, took, state, replaced_functions });
        }
        Ok(())
    }

    /// Whether the cog consists of the same functions as another one: only state and workers may
    /// differ.
    fn has_functions_of(&self, other: &Val) -> Result<bool, StateError> {
        let heap = self.cog.heap();
        let (old, new) = (heap.look(other), heap.look(cog_of(self.cog.status())));
        let same = same_functions(old, new);
        same.map_err(|stop| StateError::from_evaluation(&self.history.path(), &stop))
    }

    /// What differs between this state and the one after the event `to`, which the replay goes to.
    /// Values are rendered by `render`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn diff_to(
        &mut self,
        to: u64,
        limit: DiffLimit,
        render: &mut dyn FnMut(Ref<'_>) -> String,
    ) -> Result<StateDiff, StartError> {
        self.diff_visiting(to, limit, render, |_| {})
    }

    /// What differs, as [`diff_to`](Self::diff_to) returns it. Calls `visit` with each event that is
    /// replayed on the way; with none on the way back.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn diff_visiting(
        &mut self,
        to: u64,
        limit: DiffLimit,
        render: &mut dyn FnMut(Ref<'_>) -> String,
        visit: impl FnMut(ReplayedEvent),
    ) -> Result<StateDiff, StartError> {
        let history = self.history;
        let failed = |stop: EvalError| StateError::from_evaluation(&history.path(), &stop);
        let (vm, state) = self.cog.parts();
        let old = state.to_value(vm).map_err(failed)?;
        if to < self.event {
            replay::move_to(&mut self.cog, &history.store, Seq(to))?;
            self.event = to;
        } else {
            self.advance(to, visit)?;
        }
        let (vm, state) = self.cog.parts();
        let new = state.to_value(vm).map_err(failed)?;
        let diff = StateDiff::of(vm, &old, &new, limit, render);
        self.cog.heap().check_damage().map_err(failed)?;
        Ok(diff.map_err(failed)?)
    }

    /// Builds the value of a seed in the heap of the replay and renders it.
    ///
    /// # Errors
    /// Why the value cannot be built.
    pub fn render(
        &mut self,
        seed: &[u8],
        render: &mut dyn FnMut(Ref<'_>) -> String,
    ) -> Result<String, String> {
        let vm = self.cog.parts().0;
        let seed = codec::SeedBytes(seed.to_vec());
        let value = codec::deserialize(vm, &seed).map_err(|error| error.to_string())?;
        Ok(render(vm.look(&value)))
    }
}

/// The cog in a status.
pub(crate) fn cog_of(status: &CogStatus) -> &Val {
    match status {
        CogStatus::Running(cog) | CogStatus::Finished(cog) | CogStatus::Crashed { cog, .. } => cog,
    }
}

/// Whether two cogs differ in nothing but their states and workers.
fn same_functions(old: Ref<'_>, new: Ref<'_>) -> Result<bool, EvalError> {
    let parts = |cog| {
        let args: Vec<Ref<'_>> = protocol::arguments(cog).collect();
        (protocol::head(cog), args)
    };
    let ((old_head, old_args), (new_head, new_args)) = (parts(old), parts(new));
    let (Some(old_head), Some(new_head)) = (old_head, new_head) else {
        return old.try_equal(new);
    };
    if old_args.len() != new_args.len() || !old_head.try_equal(new_head)? {
        return Ok(false);
    }
    let count = old_args.len();
    for (index, (old, new)) in old_args.into_iter().zip(new_args).enumerate() {
        let is_data = index + 1 == count || index + 3 == count;
        if !is_data && !old.try_equal(new)? {
            return Ok(false);
        }
    }
    Ok(true)
}
