//! The line editor: reads one entry, with history, completion and colours.

use super::completion::complete;
use super::entry::is_complete;
use super::highlight::highlight;
use crate::terminal;
use anyhow::{Context as _, Result};
use rex::print::Colour;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::borrow::Cow;
use std::cell::Cell;
use std::path::PathBuf;

/// The prompt.
const PROMPT: &str = "sire> ";
/// The number of entries in the history.
const HISTORY_MAX: usize = 10_000;

/// What the user entered.
#[derive(Debug)]
pub(super) enum EditedLine {
    /// An entry.
    Entry(String),
    /// The user discarded the entry with Ctrl-C.
    Discarded {
        /// Whether it had no text.
        was_empty: bool,
    },
    /// The user left with Ctrl-D.
    End,
}

/// Reads entries from the terminal.
pub(super) struct EntryEditor {
    editor: Editor<EntryHelper, FileHistory>,
    history: Option<PathBuf>,
}

impl EntryEditor {
    /// Makes an editor, with the history of earlier sessions.
    pub(super) fn new(history: Option<PathBuf>) -> Result<EntryEditor> {
        let failed = "cannot set up the terminal";
        let config = Config::builder()
            .max_history_size(HISTORY_MAX)
            .and_then(|builder| builder.history_ignore_dups(true))
            .context(failed)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .build();
        let mut editor = Editor::with_config(config).context(failed)?;
        let has_colour = terminal::stderr_colour() == Colour::Terminal;
        editor.set_helper(Some(EntryHelper {
            names: Vec::new(),
            has_colour,
            is_empty: Cell::new(true),
        }));
        if let Some(path) = &history {
            // There is none before the first session.
            let _ = editor.load_history(path);
        }
        Ok(EntryEditor { editor, history })
    }

    /// Sets the names that complete a word, in ascending order.
    pub(super) fn set_names(&mut self, names: Vec<String>) {
        if let Some(helper) = self.editor.helper_mut() {
            helper.names = names;
        }
    }

    /// Reads an entry, and adds it to the history.
    ///
    /// # Errors
    /// If the terminal cannot be read.
    pub(super) fn read(&mut self) -> Result<EditedLine> {
        if let Some(helper) = self.editor.helper() {
            helper.is_empty.set(true);
        }
        match self.editor.readline(PROMPT) {
            Ok(text) => {
                self.remember(text.trim_end());
                Ok(EditedLine::Entry(text))
            }
            Err(ReadlineError::Interrupted) => {
                let was_empty = self.editor.helper().is_none_or(|helper| helper.is_empty.get());
                Ok(EditedLine::Discarded { was_empty })
            }
            Err(ReadlineError::Eof) => Ok(EditedLine::End),
            Err(error) => Err(error).context("cannot read from the terminal"),
        }
    }

    fn remember(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        // A session without a history is still a session.
        let _ = self.editor.add_history_entry(text);
        if let Some(path) = &self.history {
            let _ = path.parent().map(std::fs::create_dir_all);
            let _ = self.editor.append_history(path);
        }
    }
}

/// What the line editor asks while an entry is edited.
struct EntryHelper {
    names: Vec<String>,
    has_colour: bool,
    /// Whether the entry has no text, as of the last time that it was drawn.
    is_empty: Cell<bool>,
}

impl Helper for EntryHelper {}

impl Hinter for EntryHelper {
    type Hint = String;
}

impl Completer for EntryHelper {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line, cursor, &self.names))
    }
}

impl Validator for EntryHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_complete(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Highlighter for EntryHelper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        self.is_empty.set(line.is_empty());
        if self.has_colour { highlight(line) } else { Cow::Borrowed(line) }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        match self.has_colour {
            true => Cow::Owned(format!("\x1b[1m{prompt}\x1b[0m")),
            false => Cow::Borrowed(prompt),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        // The whole entry is drawn at each change, so that `is_empty` is right.
        true
    }
}
