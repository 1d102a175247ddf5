//! Suggestions for a name that is not bound: similar names in scope, and modules that have it.

use crate::modules::ModuleLibrary;
use crate::nat_text;
use crate::session::Session;
use plan::Natural;

/// The maximum number of similar names.
const SIMILAR_MAX: usize = 3;
/// The maximum number of modules.
const MODULES_MAX: usize = 5;
/// The longest name that similar names are searched for, in characters.
const NAME_MAX: usize = 40;

/// Returns the names in scope that are similar to this one, the most similar first.
pub(crate) fn similar_names(session: &Session, locals: &[String], name: &str) -> Vec<String> {
    let globals = session.state.names().map(nat_text::to_text);
    similar(name, globals.chain(locals.iter().cloned()))
}

/// Returns the names that a loaded module exports and that are similar to this one.
pub(crate) fn similar_names_in(session: &Session, module: &Natural, name: &str) -> Vec<String> {
    let names = session.state.exported_names(&session.vm, module);
    similar(name, names.iter().map(nat_text::to_text))
}

/// Returns the modules of the library whose names are similar to this one.
pub(crate) fn similar_modules(library: &ModuleLibrary, name: &str) -> Vec<String> {
    similar(name, library.names().into_iter())
}

/// Returns those of some words that are similar to a name, the most similar first.
pub fn similar(name: &str, words: impl Iterator<Item = String>) -> Vec<String> {
    let length = name.chars().count();
    if length > NAME_MAX {
        return Vec::new();
    }
    let allowed = (length / 3).clamp(1, 3);
    let mut found: Vec<(usize, String)> = words
        .filter(|other| other != name && rex::chars::is_word(other))
        .filter_map(|other| Some((distance(name, &other, allowed)?, other)))
        // Every name of one character is similar to every other one.
        .filter(|(distance, other)| *distance < length.max(other.chars().count()))
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().take(SIMILAR_MAX).map(|(_, name)| name).collect()
}

/// Returns the loaded modules that have this name.
pub(crate) fn loaded_modules_with(session: &Session, name: &Natural) -> Vec<String> {
    let Session { vm, bindings, state, .. } = session;
    let modules = state
        .modules()
        .filter(|module| matches!(state.lookup_in(vm, bindings, module, name), Ok(Some(_))));
    modules.take(MODULES_MAX).map(nat_text::to_text).collect()
}

/// Returns the modules of the library whose source defines this name.
pub(crate) fn library_modules_with(library: &ModuleLibrary, name: &str) -> Vec<String> {
    let mut modules: Vec<String> = library
        .texts()
        .filter(|(_, text)| text.lines().any(|line| defines(line, name)))
        .map(|(module, _)| module)
        .collect();
    modules.sort();
    modules.dedup();
    modules.truncate(MODULES_MAX);
    modules
}

/// Returns whether a line begins the definition of a name: `= name`, `= (name x)`, `= (**name x)`.
pub(crate) fn defines(line: &str, name: &str) -> bool {
    let Some(rest) = line.strip_prefix("= ") else { return false };
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('(').unwrap_or(rest);
    let rest = rest.strip_prefix("**").unwrap_or(rest);
    let ends = |rest: &str| !rest.starts_with(rex::chars::is_word_char);
    rest.strip_prefix(name).is_some_and(ends)
}

/// Returns the number of insertions, deletions, replacements and swaps of neighbours that turn one
/// text into the other, if it is at most `max`.
fn distance(a: &str, b: &str, max: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > max {
        return None;
    }
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.pop().filter(|distance| *distance <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits_and_swaps() {
        assert_eq!(distance("foldl", "foldl", 3), Some(0));
        assert_eq!(distance("fodl", "fold", 3), Some(1));
        assert_eq!(distance("map", "mapp", 3), Some(1));
        assert_eq!(distance("kitten", "sitting", 3), Some(3));
        assert_eq!(distance("kitten", "sitting", 2), None);
        assert_eq!(distance("", "ab", 1), None);
    }

    #[test]
    fn definitions_are_recognised_by_their_line() {
        for line in ["= add 3", "= (add x y)", "= (**add x)", "=  add", "= add"] {
            assert!(defines(line, "add"), "{line}");
        }
        for line in ["= adds 3", "= (f add)", "add", "; = add", " = add"] {
            assert!(!defines(line, "add"), "{line}");
        }
    }
}
