//! The commands of an interactive session. A command is a colon, a name, and the rest of the line.

use super::{InteractiveSession, duration_text};
use anyhow::Result;
use sire::{NameInfo, ResultForm};
use std::time::{Duration, Instant};

/// What happens after a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CommandEffect {
    /// The next entry is read.
    Continue,
    /// The session ends.
    Leave,
}

/// The name of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CommandName {
    Help,
    Load,
    Reload,
    Doc,
    Info,
    Source,
    Type,
    Time,
    Bench,
    Set,
    Quit,
}

/// The name, the argument and the meaning of each command.
pub(super) const COMMANDS: [(CommandName, &str, &str, &str); 11] = [
    (CommandName::Help, "help", "", "list the commands"),
    (CommandName::Load, "load", "MODULE", "load a module: a name, or a path to a file"),
    (CommandName::Reload, "reload", "", "load the last module again"),
    (CommandName::Doc, "doc", "NAME", "show the comment above a definition"),
    (CommandName::Info, "info", "NAME", "show where a name is defined, its arity, jet and hash"),
    (CommandName::Source, "source", "NAME", "show the source of a definition"),
    (CommandName::Type, "type", "NAME", "show the type that is declared above a definition"),
    (CommandName::Time, "time", "EXPR", "evaluate, and show the time"),
    (CommandName::Bench, "bench", "EXPR", "evaluate many times, and show the times"),
    (CommandName::Set, "set", "[SETTING]", "show or change the settings"),
    (CommandName::Quit, "quit", "", "leave the session, as Ctrl-D does"),
];

const SETTINGS_HELP: &str = "\
  :set raw              show results as they are printed off a terminal
  :set readable         show results for people: numbers, texts, rows, functions
  :set time-limit TIME  end an evaluation after this elapsed time, such as 500ms or 10s; or none";

/// A command with its argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SessionCommand {
    name: CommandName,
    argument: String,
}

impl SessionCommand {
    /// Parses an entry. Returns none for an entry that is no command, and the message for one that
    /// names no command or lacks the argument. A command may be shortened as far as it stays
    /// unambiguous.
    pub(super) fn parse(entry: &str) -> Option<std::result::Result<SessionCommand, String>> {
        let rest = entry.trim().strip_prefix(':')?;
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            // `:|` and other runes begin commands of the language.
            return None;
        }
        let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let exact = COMMANDS.iter().find(|(_, name, ..)| *name == word);
        let matches: Vec<_> =
            COMMANDS.iter().filter(|(_, name, ..)| name.starts_with(word)).collect();
        let found = match (exact, &matches[..]) {
            (Some(found), _) => found,
            (None, [found]) => *found,
            (None, []) => {
                return Some(Err(format!("There is no command :{word}; :help lists them.")));
            }
            (None, several) => {
                let names: Vec<String> =
                    several.iter().map(|(_, name, ..)| format!(":{name}")).collect();
                return Some(Err(format!(":{word} may be {}.", names.join(" or "))));
            }
        };
        let (name, text, parameter, _) = *found;
        let argument = argument.trim().to_owned();
        let needs_argument = !parameter.is_empty() && !parameter.starts_with('[');
        Some(match (needs_argument, argument.is_empty()) {
            (true, true) => Err(format!("Usage: :{text} {parameter}")),
            _ => Ok(SessionCommand { name, argument }),
        })
    }
}

impl InteractiveSession {
    pub(super) fn execute_command(&mut self, command: &SessionCommand) -> Result<CommandEffect> {
        let argument = command.argument.as_str();
        match command.name {
            CommandName::Help => println!("{}", help_text()),
            CommandName::Load => self.load(argument)?,
            CommandName::Reload => match self.loader.last().map(str::to_owned) {
                Some(module) => self.load(&module)?,
                None => println!("No module has been loaded."),
            },
            CommandName::Doc => self.with_info(argument, doc_text),
            CommandName::Info => self.with_info(argument, info_text),
            CommandName::Source => self.with_info(argument, source_text),
            CommandName::Type => self.with_info(argument, type_text),
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

    fn time(&mut self, expression: &str) -> Result<()> {
        let start = Instant::now();
        self.sire.enter(expression).map_err(crate::terminal::sire_error)?;
        println!("{}", duration_text(start.elapsed()));
        Ok(())
    }

    /// Evaluates an expression for about a second, at least three times.
    fn bench(&mut self, expression: &str) -> Result<()> {
        const TOTAL: Duration = Duration::from_secs(1);
        const RUNS_MIN: usize = 3;
        const RUNS_MAX: usize = 100_000;
        let start = Instant::now();
        let mut times = Vec::new();
        while times.len() < RUNS_MIN || start.elapsed() < TOTAL && times.len() < RUNS_MAX {
            match self.measure(expression)? {
                Some(time) => times.push(time),
                None => return Ok(()),
            }
        }
        times.sort();
        let (runs, fastest, median) = (times.len(), times[0], times[times.len() / 2]);
        println!(
            "{runs} runs: median {}, fastest {} (with compiling the expression)",
            duration_text(median),
            duration_text(fastest)
        );
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

fn type_text(name: &str, info: &NameInfo) -> String {
    let signature = info.source.as_ref().and_then(|source| source.signature.clone());
    signature.unwrap_or_else(|| format!("No type is declared for `{name}`."))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn name(entry: &str) -> Option<std::result::Result<CommandName, String>> {
        SessionCommand::parse(entry).map(|parsed| parsed.map(|command| command.name))
    }

    #[test]
    fn commands_may_be_shortened() {
        assert_eq!(name(":q"), Some(Ok(CommandName::Quit)));
        assert_eq!(name(" :load prelude "), Some(Ok(CommandName::Load)));
        assert_eq!(name(":ty add"), Some(Ok(CommandName::Type)));
        assert_eq!(name(":s x"), Some(Err(":s may be :source or :set.".into())));
        assert_eq!(name(":doc"), Some(Err("Usage: :doc NAME".into())));
        assert!(matches!(name(":nosuch"), Some(Err(_))));
    }

    #[test]
    fn imports_are_no_commands() {
        assert_eq!(name(":| prelude"), None);
        assert_eq!(name("(add 1 2)"), None);
        assert_eq!(name(""), None);
    }
}
