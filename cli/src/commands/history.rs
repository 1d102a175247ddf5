//! What the commands on the history of a machine share: opening it, and rendering its values.

use super::setup::{cache_code, runtime_builder};
use crate::args::{EvaluationOptions, PrintSize};
use crate::console::StdioConsole;
use crate::terminal;
use anyhow::Context;
use machine::control::InspectedStore;
use machine::{MachineHistory, MachineSettings};
use plan::{HeapOptions, Ref, seed};
use show::PrintLimit;
use std::path::Path;
use std::sync::Arc;
use vm::Vm;

/// The history of a machine, with the inspection that it reads.
pub(super) struct OpenHistory {
    // The history is dropped before the inspection, which it must not outlive.
    pub(super) history: MachineHistory,
    pub(super) store: InspectedStore,
}

impl OpenHistory {
    /// Opens the history of the machine in a directory, running or not.
    pub(super) fn open(directory: &Path, settings: MachineSettings) -> anyhow::Result<OpenHistory> {
        let store = InspectedStore::open(directory)?;
        let history = MachineHistory::open(&store.inspection, settings)?;
        Ok(OpenHistory { history, store })
    }
}

/// The settings of a machine that is evaluated and does not run.
pub(super) fn settings(
    evaluation: EvaluationOptions,
    print: PrintSize,
) -> anyhow::Result<MachineSettings> {
    let console = StdioConsole::new(terminal::print_options(print)?, None, None);
    let mut settings = MachineSettings::new(Arc::new(console));
    settings.runtime = runtime_builder(evaluation);
    cache_code(&None);
    Ok(settings)
}

/// Renders values of the log, which are seeds, as Sire prints them.
pub(super) struct ValueRenderer {
    vm: Vm,
    limit: PrintLimit,
}

impl ValueRenderer {
    /// A renderer with a heap of its own. A text has the limit for messages.
    pub(super) fn new(print: PrintSize) -> anyhow::Result<ValueRenderer> {
        let limit = terminal::print_options(print)?.limit.for_messages();
        let vm = Vm::new(HeapOptions::default(), Arc::default());
        Ok(ValueRenderer { vm: vm.context("cannot reserve the stack")?, limit })
    }

    /// The text of a value, without a line feed at its end.
    pub(super) fn text(&mut self, value: &[u8]) -> String {
        match seed::load(&mut self.vm, value) {
            Ok(value) => value_text(self.vm.look(&value), self.limit),
            Err(error) => format!("({error})"),
        }
    }
}

/// The text of a value, without a line feed at its end.
pub(super) fn value_text(value: Ref<'_>, limit: PrintLimit) -> String {
    show::value_text(value, limit).trim_end().to_owned()
}
