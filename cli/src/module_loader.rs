//! Loading modules for a command: their paths, what is shown meanwhile, and how errors are shown.

use crate::args::Verbosity;
use crate::file_kind::module_error;
use crate::progress;
use crate::terminal;
use indicatif::ProgressBar;
use sire::{ModuleArgument, Sire};
use std::io::IsTerminal;

/// Loads modules as the arguments of a command name them.
pub(crate) struct ModuleLoader {
    /// The line that shows which module is being loaded.
    line: Option<ProgressBar>,
    /// The argument of the last load.
    last: Option<String>,
}

impl ModuleLoader {
    /// Makes a loader, and prepares the session for it. On a terminal, loading shows a line with its
    /// progress and nothing else but errors. Elsewhere, and with `-v`, it prints the definitions of
    /// the modules. With `-q` it shows errors only.
    pub(crate) fn new(sire: &mut Sire) -> ModuleLoader {
        let is_terminal = terminal::is_terminal();
        let verbosity = terminal::verbosity();
        if terminal::shows_call_chains() {
            sire.show_call_chains();
        }
        let line = (is_terminal && verbosity == Verbosity::Normal).then(progress::line);
        if verbosity == Verbosity::Quiet {
            sire.load_quietly(|_, _, _| {});
        }
        if is_terminal {
            let line = line.clone();
            sire.on_diagnostic(move |diagnostic| match &line {
                Some(line) => line.suspend(|| terminal::print_diagnostic(diagnostic)),
                None => terminal::print_diagnostic(diagnostic),
            });
        }
        if let Some(line) = &line {
            let line = line.clone();
            sire.load_quietly(move |name, index, count| {
                line.set_message(format!("loading {name} ({} of {count})", index + 1));
                line.tick();
            });
        }
        ModuleLoader { line, last: None }
    }

    /// Loads the module that an argument names: a name, or the path of a file.
    ///
    /// # Errors
    /// If no module has that name, or the module has errors.
    pub(crate) fn load(&mut self, sire: &mut Sire, argument: &str) -> anyhow::Result<()> {
        self.last = Some(argument.to_owned());
        let failed = |error| module_error(argument, error);
        let module = ModuleArgument::parse(argument).map_err(failed)?;
        let loaded = sire.load_argument(&module).map_err(failed);
        if let Some(line) = &self.line {
            line.set_message("");
            line.finish_and_clear();
            line.reset();
        }
        loaded
    }

    /// Returns the argument of the last load.
    pub(crate) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }
}

/// Whether both standard input and output are a terminal, so that a person leads a session.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && terminal::is_terminal()
}
