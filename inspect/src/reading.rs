//! [`StoreReading`]: an open store, as pages need it.

use crate::question::PageError;
use machine::control::InspectedStore;
use machine::{MachineHistory, MachineReplay};
use plan::{HeapOptions, seed};
use show::PrintLimit;
use std::path::Path;
use std::sync::Arc;
use vm::Vm;

/// The most bytes of the text of one value on a page.
const VALUE_BYTES: u64 = 4 << 10;

/// What pages are made from.
pub(crate) struct StoreReading<'s> {
    pub(crate) directory: &'s Path,
    pub(crate) history: &'s MachineHistory,
    pub(crate) store: &'s InspectedStore,
    /// The replay that computed the last state.
    replay: Option<MachineReplay<'s>>,
    /// The heap for values of the log.
    values: Vm,
}

impl<'s> StoreReading<'s> {
    /// Prepares pages from a store and its history.
    pub(crate) fn new(
        directory: &'s Path,
        history: &'s MachineHistory,
        store: &'s InspectedStore,
    ) -> Result<StoreReading<'s>, PageError> {
        let values = Vm::new(HeapOptions::default(), Arc::default()).map_err(PageError::store)?;
        Ok(StoreReading { directory, history, store, replay: None, values })
    }

    /// The text of a value of the log.
    pub(crate) fn text(&mut self, value: &[u8]) -> String {
        let limit =
            PrintLimit { bytes: VALUE_BYTES, message_bytes: VALUE_BYTES, ..PrintLimit::DEFAULT };
        match seed::load(&mut self.values, value) {
            Ok(value) => show::value_text(self.values.look(&value), limit).trim_end().to_owned(),
            Err(error) => format!("({error})"),
        }
    }

    /// A replay that has arrived at the state after an event.
    pub(crate) fn state_after(&mut self, event: u64) -> Result<&mut MachineReplay<'s>, PageError> {
        let (first, last) = (self.history.first_state(), self.history.last());
        if !(first..=last).contains(&event) {
            return Err(PageError::Missing(format!(
                "The states after the events {first} to {last} can be shown, not the one after \
                 event {event}."
            )));
        }
        let mut replay = match self.replay.take() {
            Some(replay) if replay.event() <= event => replay,
            _ => self.history.replay_at(event).map_err(PageError::store)?,
        };
        replay.advance(event, |_| {}).map_err(PageError::store)?;
        Ok(self.replay.insert(replay))
    }
}
