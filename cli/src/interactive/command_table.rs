//! The commands of an interactive session. A command is a colon, a name, and the rest of the line.

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
    (CommandName::Type, "type", "EXPR", "show the type of a name or an expression"),
    (CommandName::Time, "time", "EXPR", "evaluate, and show the time"),
    (CommandName::Bench, "bench", "EXPR", "evaluate many times, and show the times"),
    (CommandName::Set, "set", "[SETTING]", "show or change the settings"),
    (CommandName::Quit, "quit", "", "leave the session, as Ctrl-D does"),
];

/// A command with its argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SessionCommand {
    pub(super) name: CommandName,
    pub(super) argument: String,
}

impl SessionCommand {
    /// Parses an entry. Returns none for an entry that is no command, and the message for one that
    /// names no command or lacks the argument. A command may be shortened as far as it stays
    /// unambiguous.
    pub(super) fn parse(entry: &str) -> Option<Result<SessionCommand, String>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn name(entry: &str) -> Option<Result<CommandName, String>> {
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
