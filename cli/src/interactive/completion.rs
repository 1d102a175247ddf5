//! Completion: names in scope, commands of the session, and modules.

use super::command_table::COMMANDS;
use rex::chars::is_word_char;
use sire::ModuleLibrary;

/// Returns where the word at the cursor begins, and what it may be completed to. `names` are the
/// names in scope, and names with their qualifiers, such as `json.parse`.
pub(super) fn complete(line: &str, cursor: usize, names: &[String]) -> (usize, Vec<String>) {
    let before = &line[..cursor];
    let is_command = |text: &str| {
        text.strip_prefix(':').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphabetic()))
    };
    if is_command(before) {
        let commands = COMMANDS.iter().map(|(_, name, ..)| format!(":{name}"));
        return (0, commands.filter(|command| command.starts_with(before)).collect());
    }
    let start_of = |is_part: fn(char) -> bool| {
        let last = before.rfind(|c| !is_part(c));
        last.map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8))
    };
    let qualified = start_of(|c| is_word_char(c) || c == '.');
    let start = match before[qualified..].starts_with(is_word_char) {
        true => qualified,
        false => start_of(is_word_char),
    };
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
    // A qualified name is offered once its qualifier is complete.
    let found = found.filter(|name| word.contains('.') || !name.contains('.'));
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

    #[test]
    fn qualified_names_complete_after_their_dot() {
        let names = ["J.parse", "J.print", "add", "json.parse", "just"].map(str::to_owned).to_vec();
        let complete = |line: &str| complete(line, line.len(), &names);
        assert_eq!(complete("(J."), (1, vec!["J.parse".into(), "J.print".into()]));
        assert_eq!(complete(":doc json.pa"), (5, vec!["json.parse".into()]));
        assert_eq!(complete("| J"), (2, vec![]));
        assert_eq!(complete("| j"), (2, vec!["just".into()]));
        assert_eq!(complete("(f x).ad"), (6, vec!["add".into()]));
        assert_eq!(complete("J.nosuch"), (0, vec![]));
    }
}
