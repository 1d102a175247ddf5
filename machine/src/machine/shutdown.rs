//! How a machine shuts down, and how it deals with a full disk.

use super::Machine;
use super::effect_queue::Effect;
use crate::console::ConsoleNotice;
use crate::error::{RunError, StateError};
use persist::{LogError, Seq};
use std::sync::Arc;

impl Machine {
    /// Asks the log why events have been on their way to the disk for long, and reports a full
    /// disk.
    pub(super) fn check_late_flush(&mut self) -> Result<(), RunError> {
        let Some(seq) = self.queue.oldest() else { return Ok(()) };
        match self.store.wait_durable(seq) {
            Ok(()) => Ok(()),
            Err(LogError::Full(error)) => {
                self.notice_disk_is_full(&error.to_string());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reports that the disk is full, once.
    pub(super) fn notice_disk_is_full(&mut self, error: &str) {
        if !std::mem::replace(&mut self.disk_is_full, true) {
            self.settings.console.notice(&ConsoleNotice::DiskFull(error.into()));
        }
    }

    /// Reports that the disk has room again, if it was full.
    pub(super) fn notice_disk_has_room(&mut self) {
        if std::mem::take(&mut self.disk_is_full) {
            self.settings.console.notice(&ConsoleNotice::DiskHasRoom);
        }
    }

    /// Cancels the workers, makes everything durable, removes the set-aside inputs that were
    /// applied, writes a snapshot and closes the store. If the loop ended with an error (`served`),
    /// it only cancels the workers and closes the store.
    pub(super) fn shut_down(self, served: Result<(), RunError>) -> Result<(), RunError> {
        let Machine {
            settings,
            store,
            appender,
            mut cog,
            pool,
            mut snapshots,
            mut garbage,
            mut queue,
            control,
            postponed_control,
            profiles,
            ..
        } = self;
        let console = &*settings.console;
        // Clients of the control socket wait for answers: those whose requests were not handled see
        // that the machine stops, and the others get their reports.
        drop((control, postponed_control, profiles));
        let upgrades = queue.take_upgrades();
        if !upgrades.is_empty() && served.is_ok() && store.commit().is_ok() {
            for (answer, report) in upgrades {
                // If the requester has gone, it needs no answer.
                let _ = answer.send(Ok(report));
            }
        }
        drop(self.control_server);
        // Drivers may be waiting for room in the queue of requests: closing it releases them.
        drop(self.requests);
        drop(pool);
        snapshots.wait();
        garbage.stop();
        served?;
        store.commit()?;
        let mut applied_inputs = Vec::new();
        while let Some(effects) = queue.pop(Seq(u64::MAX)) {
            for effect in effects {
                match effect {
                    Effect::Report(messages) => {
                        messages.iter().for_each(|message| message.show(console));
                    }
                    Effect::RemoveSetAside(id) => applied_inputs.push(id),
                    Effect::Worker(_) | Effect::Message(..) | Effect::Upgraded(..) => {}
                }
            }
        }
        store.remove_set_aside(&applied_inputs).map_err(StateError::from)?;
        snapshots.finish(&mut cog, &store, self.applied, console)?;
        drop(appender);
        // The threads of snapshot and garbage have ended, so this is the only reference.
        Arc::into_inner(store).map_or(Ok(()), |store| Ok(store.close()?))
    }
}
