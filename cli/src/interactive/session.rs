//! [`InteractiveSession`]: reads entries and executes them.

use super::command_table::{COMMANDS, CommandEffect, CommandName, SessionCommand};
use super::editor::{EditedLine, EntryEditor};
use super::entry::join_open_lines;
use crate::args::Verbosity;
use crate::measure::{duration_text, measure};
use crate::module_loader::ModuleLoader;
use crate::terminal::{self, sire_error};
use anyhow::{Context, Result};
use sire::{NameInfo, ResultForm, Sire};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SETTINGS_HELP: &str = "\
  :set raw              show results as they are printed off a terminal
  :set readable         show results for people: numbers, texts, rows, functions
  :set time-limit TIME  end an evaluation after this elapsed time, such as 500ms or 10s; or none";

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
    ) -> Result<InteractiveSession> {
        interrupt_on_ctrl_c(&mut sire)?;
        sire.keep_types();
        let form = ResultForm::Readable;
        sire.set_result_form(form);
        let editor = EntryEditor::new(history)?;
        Ok(InteractiveSession { sire, loader, editor, form, time_limit: None })
    }

    /// Loads the modules, then reads and executes entries until the user leaves.
    ///
    /// # Errors
    /// If the terminal cannot be read or written, or the heap is damaged.
    pub(crate) fn run(mut self, modules: &[String]) -> Result<()> {
        if terminal::verbosity() != Verbosity::Quiet {
            println!(
                "Pallas {}: a Sire session. :help lists the commands; Ctrl-D leaves.",
                env!("CARGO_PKG_VERSION")
            );
        }
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

    fn execute(&mut self, text: &str) -> Result<CommandEffect> {
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
    fn load(&mut self, module: &str) -> Result<()> {
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
}

impl InteractiveSession {
    fn execute_command(&mut self, command: &SessionCommand) -> Result<CommandEffect> {
        let argument = command.argument.as_str();
        match command.name {
            CommandName::Help => println!("{}", help_text()),
            CommandName::Load => self.load(argument)?,
            CommandName::Reload => match self.loader.last().map(str::to_owned) {
                Some(module) => self.load(&module)?,
                None => println!("No module has been loaded."),
            },
            CommandName::Doc => self.show_doc(argument),
            CommandName::Info => self.with_info(argument, info_text),
            CommandName::Source => self.with_info(argument, source_text),
            CommandName::Type => self.show_type(argument)?,
            CommandName::Time => self.time(argument)?,
            CommandName::Bench => self.bench(argument)?,
            CommandName::Set => self.set(argument),
            CommandName::Quit => return Ok(CommandEffect::Leave),
        }
        Ok(CommandEffect::Continue)
    }

    fn with_info(&self, name: &str, text: impl FnOnce(&str, &NameInfo) -> String) {
        match self.sire.describe(name) {
            Some(info) => println!("{}", text(name, &info)),
            None => println!("`{name}` is not in scope."),
        }
    }

    /// Shows the type that is declared for a name, and the comment that describes it.
    fn show_doc(&mut self, name: &str) {
        if let Some(ty) = self.sire.declared_type(name) {
            println!("{name} : {ty}");
        }
        self.with_info(name, doc_text);
    }

    /// Shows the type that is declared for a name, or the type of an expression.
    fn show_type(&mut self, expression: &str) -> Result<()> {
        if let Some(ty) = self.sire.declared_type(expression) {
            println!("{ty}");
            return Ok(());
        }
        if let Some(ty) = self.sire.type_of(expression).map_err(sire_error)? {
            println!("{ty}");
        }
        Ok(())
    }

    fn time(&mut self, expression: &str) -> Result<()> {
        let start = Instant::now();
        self.sire.enter(expression).map_err(sire_error)?;
        println!("{}", duration_text(start.elapsed()));
        Ok(())
    }

    fn bench(&mut self, expression: &str) -> Result<()> {
        if let Some(times) = measure(&mut self.sire, expression)? {
            println!(
                "{} runs: median {}, fastest {} (with compiling the expression)",
                times.runs,
                duration_text(times.median),
                duration_text(times.fastest)
            );
        }
        Ok(())
    }

    fn set(&mut self, setting: &str) {
        let (name, value) = setting.split_once(char::is_whitespace).unwrap_or((setting, ""));
        match (name, value.trim()) {
            ("", _) => println!("{}\n{SETTINGS_HELP}", self.settings_text()),
            ("raw", "") => self.set_form(ResultForm::Raw),
            ("readable", "") => self.set_form(ResultForm::Readable),
            ("time-limit", value) => match value.parse::<crate::args::TimeLimit>() {
                Ok(limit) => {
                    self.time_limit = limit.0;
                    self.sire.set_time_limit(limit.0);
                }
                Err(error) => println!("time-limit: {error}"),
            },
            _ => println!("There is no such setting.\n{SETTINGS_HELP}"),
        }
    }

    fn set_form(&mut self, form: ResultForm) {
        self.form = form;
        self.sire.set_result_form(form);
    }

    fn settings_text(&self) -> String {
        let form = match self.form {
            ResultForm::Raw => "raw",
            ResultForm::Readable => "readable",
        };
        let limit = crate::args::TimeLimit(self.time_limit);
        format!("Results are {form}; the time limit is {limit}.")
    }
}

/// Makes Ctrl-C interrupt the evaluation that runs. It never ends the process.
fn interrupt_on_ctrl_c(sire: &mut Sire) -> Result<()> {
    let flag: Arc<_> = sire.vm().interrupt_flag();
    signal_hook::flag::register(signal_hook::consts::SIGINT, flag)
        .map(drop)
        .context("cannot handle Ctrl-C")
}

fn help_text() -> String {
    let lines = COMMANDS.iter().map(|(_, name, argument, meaning)| {
        let usage = format!(":{name} {argument}");
        format!("  {usage:<18} {meaning}")
    });
    let lines: Vec<String> = lines.collect();
    format!(
        "{}\n\nAnything else is an expression or a command of Sire. An entry of several lines ends \
         with an empty line.\nTab completes names; Ctrl-R searches the history; Ctrl-C discards an \
         entry or interrupts an evaluation.",
        lines.join("\n")
    )
}

fn doc_text(name: &str, info: &NameInfo) -> String {
    match &info.source {
        Some(source) if !source.doc.is_empty() => source.doc.clone(),
        Some(source) => format!("`{name}` has no comment ({}:{}).", source.file, source.line),
        None => format!("The definition of `{name}` is not in the source of {}.", info.module),
    }
}

fn source_text(name: &str, info: &NameInfo) -> String {
    match &info.source {
        Some(source) => format!("; {}:{}\n{}", source.file, source.line, source.text),
        None => format!("The definition of `{name}` is not in the source of {}.", info.module),
    }
}

fn info_text(name: &str, info: &NameInfo) -> String {
    let place = match &info.source {
        Some(source) => format!("{} ({}:{})", info.module, source.file, source.line),
        None => info.module.clone(),
    };
    let kind = match info.arity {
        Some(1) => "function of 1 argument".into(),
        Some(arity) => format!("function of {arity} arguments"),
        None => "value".to_owned(),
    };
    let pinned = if info.is_pinned { "yes" } else { "no" };
    let jet = info.jet.map_or_else(|| "none".to_owned(), |jet| format!("yes ({jet})"));
    let mut text = format!("{name}: {kind}\n  defined in  {place}\n  pinned      {pinned}");
    text += &format!("\n  jet         {jet}");
    if let Some(hash) = &info.hash {
        text += &format!("\n  hash        {hash}");
    }
    text
}
