//! Completion: names in scope, commands of the session, and modules.

use super::commands::COMMANDS;
use rex::chars::is_word_char;
use sire::ModuleLibrary;

/// Returns where the word at the cursor begins, and what it may be completed to. `names` are the
/// names in scope.
pub(super) fn complete(line: &str, cursor: usize, names: &[String]) -> (usize, Vec<String>) {
    let before = &line[..cursor];
    let is_command = |text: &str| {
        text.strip_prefix(':').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphabetic()))
    };
    if is_command(before) {
        let commands = COMMANDS.iter().map(|(_, name, ..)| format!(":{name}"));
        return (0, commands.filter(|command| command.starts_with(before)).collect());
    }
    let start = before
        .rfind(|c| !is_word_char(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    if before.starts_with(":load ") {
        let modules = ModuleLibrary::built_in().filter(|module| module.starts_with(word));
        return (start, modules.map(str::to_owned).collect());
    }
    if word.is_empty() {
        return (start, Vec::new());
    }
    let first = names.partition_point(|name| name.as_str() < word);
    let found = names[first..].iter().take_while(|name| name.starts_with(word));
    (start, found.cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_complete_to_names_and_commands() {
        let names: Vec<String> = ["add", "addAll", "mul"].map(str::to_owned).to_vec();
        let complete = |line: &str| complete(line, line.len(), &names);
        assert_eq!(complete("(ad"), (1, vec!["add".into(), "addAll".into()]));
        assert_eq!(complete("| m"), (2, vec!["mul".into()]));
        assert_eq!(complete("| é m"), (5, vec!["mul".into()]));
        assert_eq!(complete("| "), (2, vec![]));
        assert_eq!(complete(":re"), (0, vec![":reload".into()]));
        assert_eq!(complete(":doc mu"), (5, vec!["mul".into()]));
        assert_eq!(complete(":load prel"), (6, vec!["prelude".into()]));
    }
}
