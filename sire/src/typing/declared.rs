//! The declared types of the library's names.
//!
//! The folder `sire/types` has a file for each module of the library. A line is one of
//!
//! ```text
//! ;; a comment
//! name : Type               the type, which a check of the library compares with the definition
//! name :: Type              the type, which is trusted: the definition cannot be checked
//! name :: selector 0        (name row) is item 0 of a row
//! name :: row 2             (name x y) is the row [x y]
//! name :: reversed row 2      (name x y) is the row [y x]
//! {rune} : Type              the type of a macro
//! type (Name a)             a type of its own
//! alias (Name a) Type       another name for a type
//! ```

use foldhash::{HashMap, HashMapExt};
use rex::Rex;
use std::rc::Rc;
use types::{RowRequirement, Scheme, Type, TypeNames};

/// The type tables of the library by the names of their modules, in ascending order.
static TABLES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/types.rs"));

/// A declared type.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredType {
    pub(crate) scheme: Rc<Scheme>,
    /// Whether the definition is not checked against it.
    pub(crate) is_trusted: bool,
}

/// The declared types of a library.
pub(crate) struct DeclaredTypes {
    pub(crate) names: TypeNames,
    /// The types by module and name.
    pub(crate) by_module: HashMap<&'static str, HashMap<String, DeclaredType>>,
    /// The lines that could not be read, as `file:line: reason`.
    pub(crate) errors: Vec<String>,
}

/// Reads the type tables of the library. A line that cannot be read is left out, and reported in
/// [`DeclaredTypes::errors`].
pub(crate) fn read_tables() -> DeclaredTypes {
    let lines = || TABLES.iter().flat_map(|(module, text)| numbered_lines(module, text));
    let (names, mut errors) = declare_types(lines());
    let mut by_module: HashMap<&str, HashMap<String, DeclaredType>> = HashMap::new();
    for line in lines() {
        match read_line(&names, line.text) {
            Ok(None) => {}
            Ok(Some((name, declared))) => {
                let types = by_module.entry(line.module).or_default();
                if types.contains_key(&name) {
                    errors.push(line.error(&format!("`{name}` has a type in a line above")));
                }
                types.insert(name, declared);
            }
            Err(reason) => errors.push(line.error(&reason)),
        }
    }
    DeclaredTypes { names, by_module, errors }
}

/// Declares the types of all tables, and returns their names, and an error for each line that cannot
/// be read. An alias can name a type of any line, so a line that fails is tried again after the
/// others, until none of those left can be read.
fn declare_types(lines: impl Iterator<Item = TableLine>) -> (TypeNames, Vec<String>) {
    let mut names = TypeNames::default();
    let mut pending: Vec<TableLine> = lines.collect();
    loop {
        let before = pending.len();
        let mut errors = Vec::new();
        pending.retain(|line| match declare_type(&mut names, line.text) {
            Ok(()) => false,
            Err(reason) => {
                errors.push(line.error(&reason));
                true
            }
        });
        if pending.len() == before || pending.is_empty() {
            return (names, errors);
        }
    }
}

struct TableLine {
    module: &'static str,
    number: usize,
    text: &'static str,
}

impl TableLine {
    /// Returns a message with the place of the line.
    fn error(&self, reason: &str) -> String {
        format!("{}.types:{}: {reason}", self.module, self.number)
    }
}

fn numbered_lines(
    module: &'static str,
    text: &'static str,
) -> impl Iterator<Item = TableLine> + use<> {
    text.lines().enumerate().map(move |(index, text)| TableLine { module, number: index + 1, text })
}

/// Declares the type of a line `type ..` or `alias ..`.
fn declare_type(names: &mut TypeNames, line: &str) -> Result<(), String> {
    let command = match (line.strip_prefix("type "), line.strip_prefix("alias ")) {
        (Some(signature), _) => format!("# abstype {signature}"),
        (None, Some(definition)) => format!("# typedef {definition}"),
        (None, None) => return Ok(()),
    };
    let rex = read_rex(&command)?;
    types::read_type_command(names, &rex).map(drop).map_err(|error| error.message)
}

fn read_line(names: &TypeNames, line: &str) -> Result<Option<(String, DeclaredType)>, String> {
    let is_other = ["type ", "alias ", ";"].iter().any(|prefix| line.starts_with(prefix));
    if line.trim().is_empty() || is_other {
        return Ok(None);
    }
    let (name, ty) = line
        .split_once(" : ")
        .or_else(|| line.split_once(" :: "))
        .ok_or("expected NAME : TYPE or NAME :: TYPE")?;
    let is_trusted = line[name.len()..].starts_with(" ::");
    let scheme = Rc::new(read_scheme(names, ty.trim())?);
    let name = name.trim();
    let rune = name.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
    Ok(Some((rune.unwrap_or(name).to_owned(), DeclaredType { scheme, is_trusted })))
}

fn read_scheme(names: &TypeNames, text: &str) -> Result<Scheme, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    if let Some(index) = text.strip_prefix("selector ") {
        return Ok(Scheme::selector(number(index)?));
    }
    if let Some(count) = text.strip_prefix("row ") {
        return Ok(row_scheme(number(count)? as usize, false));
    }
    if let Some(count) = text.strip_prefix("reversed row ") {
        return Ok(row_scheme(number(count)? as usize, true));
    }
    let rex = read_rex(&format!("({text})"))?;
    types::read_type(names, &rex).map_err(|error| error.message)
}

/// Returns the type of a function of `count` items that returns the row of them, or of them in
/// reverse order.
pub(crate) fn row_scheme(count: usize, is_reversed: bool) -> Scheme {
    let row = Type::Variable(count as u32);
    let items: Vec<Type> = (0..count as u32).map(Type::Variable).collect();
    let body =
        items.iter().rev().fold(row.clone(), |result, item| Type::function(item.clone(), result));
    let mut parts = items;
    if is_reversed {
        parts.reverse();
    }
    let requirements = vec![RowRequirement::Literal { row, items: parts.into() }];
    let letters = (0..count).map(|index| char::from(b'a' + (index % 26) as u8).to_string());
    let variables = letters.chain(["row".to_owned()]).collect();
    Scheme { variables, requirements, body }
}

fn read_rex(text: &str) -> Result<Rex, String> {
    let block = rex::read_file(text, "types").next();
    match block {
        Some(Ok(block)) => Ok(block.rex),
        Some(Err(error)) => Err(error.kind.to_string()),
        None => Err("a type is missing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tables_can_be_read() {
        let declared = read_tables();
        assert_eq!(declared.errors, Vec::<String>::new());
    }

    #[test]
    fn modules_are_sorted() {
        assert!(TABLES.is_sorted_by_key(|(module, _)| module));
    }
}
