//! How a machine waits for the disk, and how it leaves.

use super::{Effect, Machine};
use crate::console::Notice;
use crate::error::RunError;
use persist::LogError;
use std::sync::Arc;

impl Machine {
    /// Events have been on their way for long: says why, if the disk is full.
    pub(super) fn ask_why_late(&mut self) -> Result<(), RunError> {
        let Some(&(seq, _)) = self.held.0.front() else { return Ok(()) };
        match self.store.wait_durable(seq) {
            Ok(()) => Ok(()),
            Err(LogError::Full(error)) => {
                self.note_full(&error.to_string());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Says that the disk is full, once.
    pub(super) fn note_full(&mut self, error: &str) {
        if !std::mem::replace(&mut self.disk_is_full, true) {
            self.settings.console.notice(&Notice::DiskFull(error.into()));
        }
    }

    /// Says that the disk has room again, if it was full.
    pub(super) fn note_room(&mut self) {
        if std::mem::take(&mut self.disk_is_full) {
            self.settings.console.notice(&Notice::DiskHasRoom);
        }
    }

    /// Ends the workers, makes everything durable, writes a snapshot and closes the store; after an
    /// error only the first and the last.
    pub(super) fn leave(self, served: Result<(), RunError>) -> Result<(), RunError> {
        let Machine { settings, store, appender, mut cog, crew, mut snapshots, .. } = self;
        let console = &*settings.console;
        // Drivers may be waiting to be heard: first nobody listens any more, then they end.
        drop(self.requests);
        drop(crew);
        snapshots.wait();
        served?;
        store.commit()?;
        for effect in self.held.0.into_iter().flat_map(|(_, effects)| effects) {
            if let Effect::Say(said) = effect {
                said.iter().for_each(|it| it.show(console));
            }
        }
        snapshots.finish(&mut cog, &store, self.applied, console)?;
        drop(appender);
        // Nobody else has it any more; if somebody had, closing would be theirs.
        Arc::into_inner(store).map_or(Ok(()), |store| Ok(store.close()?))
    }
}
