//! The interactive session on a terminal: [`InteractiveSession::run`] reads entries with a line
//! editor and passes them to [`Sire`].
//!
//! ```text
//! commands     the commands that begin with a colon
//! completion   names and commands that complete a word
//! editor       the line editor: history, completion, colours
//! entry        whether an entry is complete
//! highlight    colours of the text that is edited
//! ```

mod commands;
mod completion;
mod editor;
mod entry;
mod highlight;

use crate::module_loader::ModuleLoader;
use crate::terminal::{self, sire_error};
use anyhow::Context;
use commands::{CommandEffect, SessionCommand};
use editor::{EditedLine, EntryEditor};
use entry::join_open_lines;
use sire::{EntryOutcome, ResultForm, Sire};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A session that a person leads.
pub(crate) struct InteractiveSession {
    sire: Sire,
    loader: ModuleLoader,
    editor: EntryEditor,
    form: ResultForm,
    time_limit: Option<Duration>,
}

impl InteractiveSession {
    /// Makes a session in which errors are shown for people. The history of entries is kept in
    /// `history`, if it is given.
    ///
    /// # Errors
    /// If the terminal cannot be set up.
    pub(crate) fn new(
        mut sire: Sire,
        loader: ModuleLoader,
        history: Option<PathBuf>,
    ) -> anyhow::Result<InteractiveSession> {
        interrupt_on_ctrl_c(&mut sire)?;
        let form = ResultForm::Readable;
        sire.set_result_form(form);
        let editor = EntryEditor::new(history)?;
        Ok(InteractiveSession { sire, loader, editor, form, time_limit: None })
    }

    /// Loads the modules, then reads and executes entries until the user leaves.
    ///
    /// # Errors
    /// If the terminal cannot be read or written, or the heap is damaged.
    pub(crate) fn run(mut self, modules: &[String]) -> anyhow::Result<()> {
        println!(
            "Pallas {}: a Sire session. :help lists the commands; Ctrl-D leaves.",
            env!("CARGO_PKG_VERSION")
        );
        for module in modules {
            self.load(module)?;
        }
        if modules.is_empty() {
            println!("No module is loaded; `:load prelude` loads the standard library.");
            self.sire.begin_interactive().map_err(sire_error)?;
        }
        loop {
            self.editor.set_names(self.sire.names());
            match self.editor.read()? {
                EditedLine::Entry(text) => {
                    if self.execute(&text)? == CommandEffect::Leave {
                        break;
                    }
                }
                EditedLine::Discarded { was_empty: true } => {
                    println!("Ctrl-D or :quit leaves the session.");
                }
                EditedLine::Discarded { was_empty: false } => {}
                EditedLine::End => break,
            }
        }
        // The process exits now. The system frees its memory faster than destructors would.
        std::mem::forget(self.sire);
        Ok(())
    }

    fn execute(&mut self, text: &str) -> anyhow::Result<CommandEffect> {
        match SessionCommand::parse(text) {
            Some(Ok(command)) => self.execute_command(&command),
            Some(Err(message)) => {
                println!("{message}");
                Ok(CommandEffect::Continue)
            }
            None => {
                self.sire.enter(&join_open_lines(text)).map_err(sire_error)?;
                Ok(CommandEffect::Continue)
            }
        }
    }

    /// Loads a module and begins the session's scope anew. An error is shown, and the session goes on
    /// with nothing loaded.
    fn load(&mut self, module: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        match self.loader.load(&mut self.sire, module) {
            Ok(()) => println!("{module} is loaded ({}).", duration_text(start.elapsed())),
            Err(error) => {
                terminal::print_error(&error);
                println!("Nothing is loaded now; `:reload` tries {module} again.");
            }
        }
        self.sire.begin_interactive().map_err(sire_error)
    }

    /// Executes an entry without showing its results. Returns the time that it took; none if it
    /// failed.
    fn measure(&mut self, text: &str) -> anyhow::Result<Option<Duration>> {
        let start = Instant::now();
        let outcome = self.sire.enter_quietly(text).map_err(sire_error)?;
        let took = start.elapsed();
        Ok((outcome == EntryOutcome::Done).then_some(took))
    }
}

/// Makes Ctrl-C interrupt the evaluation that runs. It never ends the process.
fn interrupt_on_ctrl_c(sire: &mut Sire) -> anyhow::Result<()> {
    let flag: Arc<_> = sire.vm().interrupt_flag();
    signal_hook::flag::register(signal_hook::consts::SIGINT, flag)
        .map(drop)
        .context("cannot handle Ctrl-C")
}

/// The text of a duration, with a unit that suits it.
pub(crate) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds if seconds >= 1e-3 => format!("{:.2} ms", seconds * 1e3),
        seconds => format!("{:.2} µs", seconds * 1e6),
    }
}
