//! The result of running the assertions of a module: `test` and `dev`.

use super::setup::{cache_directory, library_image, runtime};
use crate::args::EvaluationOptions;
use crate::terminal;
use anyhow::Result;
use rex::print::Colour;
use sire::{AssertionReport, ModuleArgument, ModuleLibrary, Sire, SireOptions, SireOutput};
use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

/// A session that checks modules. It prints nothing and keeps its diagnostics.
pub(super) struct CheckingSession {
    pub(super) sire: Sire,
    /// The diagnostics of the check that is under way.
    diagnostics: Rc<RefCell<String>>,
}

impl CheckingSession {
    /// Starts a session. `store` is the directory of the cache, if it is given. Diagnostics
    /// have these colours.
    pub(super) fn start(
        store: &Option<PathBuf>,
        evaluation: EvaluationOptions,
        colour: Colour,
    ) -> Result<CheckingSession> {
        let none = || SireOutput::new(io::sink(), terminal::colour(false));
        let options = SireOptions {
            library: ModuleLibrary::new("sire"),
            cache: cache_directory(store).map(|directory| directory.join("modules")),
            output: none(),
            diagnostics: none(),
        };
        let vm = runtime(evaluation)?;
        let mut sire = Sire::new(vm, options).map_err(terminal::evaluation_error)?;
        if let Some(image) = library_image() {
            sire.start_from(image);
        }
        let diagnostics: Rc<RefCell<String>> = Rc::default();
        let shown = Rc::clone(&diagnostics);
        let width = terminal::width();
        if terminal::shows_call_chains() {
            sire.show_call_chains();
        }
        sire.on_diagnostic(move |found| shown.borrow_mut().push_str(&found.render(colour, width)));
        Ok(CheckingSession { sire, diagnostics })
    }

    /// Runs the assertions of a module. `file` names it in the report.
    pub(super) fn check(&mut self, module: &ModuleArgument, file: String) -> ModuleReport {
        self.diagnostics.borrow_mut().clear();
        match self.sire.check_assertions(module).map_err(terminal::sire_error) {
            Ok(assertions) => ModuleReport { file, error: None, assertions },
            Err(error) => {
                let shown = self.diagnostics.take();
                let text = if shown.is_empty() { format!("{error:#}\n") } else { shown };
                ModuleReport { file, error: Some(text), assertions: Vec::new() }
            }
        }
    }
}

/// The result of the assertions of a module.
pub(super) struct ModuleReport {
    pub(super) file: String,
    /// Why it could not be loaded, with the diagnostics.
    pub(super) error: Option<String>,
    pub(super) assertions: Vec<AssertionReport>,
}

impl ModuleReport {
    /// The number of assertions that passed.
    pub(super) fn passed(&self) -> usize {
        self.assertions.iter().filter(|assertion| assertion.failure.is_none()).count()
    }

    /// The number of assertions that failed. A module that cannot be loaded counts as one.
    pub(super) fn failed(&self) -> usize {
        self.assertions.len() - self.passed() + usize::from(self.error.is_some())
    }

    /// Leaves out the assertions whose file and line do not contain a text.
    pub(super) fn filter(&mut self, text: &str) {
        if !self.file.contains(text) {
            self.assertions.retain(|assertion| assertion.text.contains(text));
        }
    }

    /// The failures as text, with these colours. Empty if nothing failed.
    pub(super) fn failures(&self, colour: Colour) -> String {
        let mut text = String::new();
        if let Some(error) = &self.error {
            text += &format!("{}: cannot be loaded\n{error}\n", self.file);
        }
        for failure in self.assertions.iter().filter_map(|it| it.failure.as_ref()) {
            text += &failure.render(colour, terminal::width());
            text.push('\n');
        }
        text
    }
}
