//! [`DevNote`]: which program a development machine runs, as `STORE/dev.json`.
//!
//! A module keeps its `migrate` after the state has been converted, and the next change must not
//! convert the state again. The note therefore has the text of the `migrate` that the state has been
//! through: until this text changes, further programs take over the state as it is.
//!
//! The note is written before the upgrade, with the program as *pending*. The log says whether the
//! upgrade has happened, so a kill at any moment leaves both consistent.

use crate::write_file::write_atomically;
use anyhow::{Context, Result};
use machine::{LoggedEnding, MachineHistory};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FILE: &str = "dev.json";

/// A program, as its note identifies it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(super) struct NotedProgram {
    /// The hash of the program without `migrate`.
    pub(super) main: String,
    /// The hash of the program in the event of the upgrade. None if the machine was booted with it.
    pub(super) upgrade: Option<String>,
    /// The text of `migrate`.
    pub(super) migrate: Option<String>,
}

/// What is known of the program of a machine.
#[derive(Serialize, Deserialize, Default, PartialEq, Eq, Debug)]
pub(super) struct DevNote {
    /// The program that runs, if `dev` brought it there.
    current: Option<NotedProgram>,
    /// The program of an upgrade that may have happened.
    pending: Option<NotedProgram>,
    /// The event by which the program was last replaced, or 0.
    changed_at: u64,
    /// The last event that `current` takes into account.
    event: u64,
}

impl DevNote {
    /// The note of a machine that was booted with a program.
    pub(super) fn booted(program: NotedProgram) -> DevNote {
        DevNote { current: Some(program), ..DevNote::default() }
    }

    /// Reads the note of a store. A store without a note, or with one that cannot be read, runs an
    /// unknown program.
    pub(super) fn load(store: &Path) -> DevNote {
        let bytes = std::fs::read(store.join(FILE)).ok();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub(super) fn save(&self, store: &Path) -> Result<()> {
        let bytes = serde_json::to_vec(self).context("cannot write JSON")?;
        write_atomically(&store.join(FILE), &bytes)
    }

    /// Notes that an upgrade to a program begins.
    pub(super) fn save_pending(&mut self, program: NotedProgram, store: &Path) -> Result<()> {
        self.pending = Some(program);
        self.save(store)
    }

    /// Takes the events into account that the log has since.
    pub(super) fn observe(&mut self, history: &MachineHistory) -> Result<()> {
        let last = history.last();
        if self.event > last {
            // The note is of another history.
            *self = DevNote::default();
        }
        let first = (self.event + 1).max(history.first());
        if first <= last {
            for event in history.events(first, last)? {
                let event = event?;
                self.observe_ending(event.event, &event.ending);
            }
        }
        self.event = last;
        Ok(())
    }

    fn observe_ending(&mut self, event: u64, ending: &LoggedEnding) {
        match ending {
            LoggedEnding::Upgraded(program) => {
                let upgrade = Some(program.to_string());
                // Another command may have upgraded the machine.
                self.current = self.pending.clone().filter(|pending| pending.upgrade == upgrade);
            }
            LoggedEnding::RolledBack(..) => self.current = None,
            _ => return,
        }
        self.changed_at = event;
    }

    /// Whether the machine runs the program with this hash, without regard to `migrate`.
    pub(super) fn runs(&self, main: &str) -> bool {
        self.current.as_ref().is_some_and(|current| current.main == main)
    }

    /// Whether the state has been through the `migrate` with this text, or began with its program.
    pub(super) fn has_migrated(&self, migrate: &Option<String>) -> bool {
        let current = self.current.as_ref();
        migrate.is_some() && current.is_some_and(|current| current.migrate == *migrate)
    }

    /// The number of events since the program was last replaced.
    pub(super) fn events_since_change(&self, last: u64) -> u64 {
        last.saturating_sub(self.changed_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::Hash;

    fn program(main: &str, upgrade: Hash, migrate: Option<&str>) -> NotedProgram {
        let (upgrade, migrate) = (Some(upgrade.to_string()), migrate.map(str::to_owned));
        NotedProgram { main: main.into(), upgrade, migrate }
    }

    #[test]
    fn a_pending_program_runs_when_the_log_has_its_upgrade() {
        let [first, second] = [1, 2].map(|byte| Hash([byte; 32]));
        let migrate = Some("= (migrate old) old".to_owned());
        let mut note = DevNote::booted(program("a", first, None));
        assert!(note.runs("a") && !note.has_migrated(&migrate) && !note.has_migrated(&None));
        note.pending = Some(program("b", second, migrate.as_deref()));
        note.observe_ending(3, &LoggedEnding::Succeeded);
        assert!(note.runs("a"));
        note.observe_ending(4, &LoggedEnding::Upgraded(second));
        assert!(note.runs("b") && note.has_migrated(&migrate));
        assert_eq!(note.events_since_change(10), 6);
    }

    #[test]
    fn a_program_of_another_command_is_unknown() {
        let [first, second] = [1, 2].map(|byte| Hash([byte; 32]));
        let mut note = DevNote::booted(program("a", first, None));
        note.observe_ending(2, &LoggedEnding::Upgraded(second));
        assert!(note.current.is_none());
        let mut note = DevNote::booted(program("a", first, Some("= (migrate old) old")));
        note.observe_ending(9, &LoggedEnding::RolledBack(1, second));
        assert!(note.current.is_none() && note.events_since_change(9) == 0);
    }
}
