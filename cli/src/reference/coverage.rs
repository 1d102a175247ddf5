//! [`Coverage`]: how many names have a comment, a type, an example, a jet.

use super::Reference;
use serde::Serialize;
use sire::{ModuleDocumentation, NameDocumentation};
use std::fmt::Write as _;

/// The counts of a module, or of all modules.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CoverageCounts {
    module: String,
    names: usize,
    comment: usize,
    r#type: usize,
    example: usize,
    jet: usize,
}

/// The counts of a reference, and the names that lack a comment, a type or an example.
#[derive(Serialize, Debug)]
pub(crate) struct Coverage {
    total: CoverageCounts,
    modules: Vec<CoverageCounts>,
    /// Names without a type in modules in which other names have one, each as `module name`.
    without_type: Vec<String>,
    /// Names without a comment, each as `module name`.
    without_comment: Vec<String>,
    /// Names without an example, each as `module name`.
    without_example: Vec<String>,
}

/// Whether the names of a module are listed.
type ModuleFilter = fn(&ModuleDocumentation) -> bool;

impl CoverageCounts {
    fn of(module: &ModuleDocumentation) -> CoverageCounts {
        let count = |has: fn(&NameDocumentation) -> bool| {
            module.names.iter().filter(|name| has(name)).count()
        };
        CoverageCounts {
            module: module.name.clone(),
            names: module.names.len(),
            comment: count(has_comment),
            r#type: count(has_type),
            example: count(|name| !name.examples.is_empty()),
            jet: count(|name| name.jet.is_some()),
        }
    }

    fn add(&mut self, other: &CoverageCounts) {
        self.names += other.names;
        self.comment += other.comment;
        self.r#type += other.r#type;
        self.example += other.example;
        self.jet += other.jet;
    }
}

impl Coverage {
    /// Counts the names of a reference.
    pub(crate) fn of(reference: &Reference) -> Coverage {
        let mut modules: Vec<CoverageCounts> =
            reference.modules.iter().map(CoverageCounts::of).collect();
        modules.retain(|counts| counts.names > 0);
        let mut total = CoverageCounts { module: "total".into(), ..CoverageCounts::default() };
        modules.iter().for_each(|counts| total.add(counts));
        let without = |has: fn(&NameDocumentation) -> bool, is_checked: ModuleFilter| {
            let modules = reference.modules.iter().filter(|module| is_checked(module));
            let names =
                modules.flat_map(|module| module.names.iter().map(move |name| (module, name)));
            names
                .filter(|(_, name)| !has(name))
                .map(|(module, name)| format!("{} {}", module.name, name.name))
                .collect()
        };
        Coverage {
            total,
            modules,
            without_type: without(has_type, |module| module.names.iter().any(has_type)),
            without_comment: without(has_comment, |_| true),
            without_example: without(|name| !name.examples.is_empty(), |_| true),
        }
    }

    /// Returns whether every name has a comment and an example.
    pub(crate) fn is_complete(&self) -> bool {
        self.without_comment.is_empty() && self.without_example.is_empty()
    }

    /// Returns the counts as a table, and below it the names that lack something.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{:<20} {:>7} {:>8} {:>6} {:>8} {:>5}\n",
            "module", "names", "comment", "type", "example", "jet"
        );
        for counts in self.modules.iter().chain([&self.total]) {
            let CoverageCounts { module, names, comment, r#type, example, jet } = counts;
            let _ = writeln!(
                text,
                "{module:<20} {names:>7} {comment:>8} {:>6} {example:>8} {jet:>5}",
                r#type
            );
        }
        let lists = [
            ("type", &self.without_type),
            ("comment", &self.without_comment),
            ("example", &self.without_example),
        ];
        for (what, names) in lists {
            if !names.is_empty() {
                let _ = write!(text, "\nwithout {what}:\n  {}\n", names.join("\n  "));
            }
        }
        text
    }
}

fn has_type(entry: &NameDocumentation) -> bool {
    entry.signature.is_some()
}

/// Whether a comment says what a name is; another name for a name that has one needs none.
fn has_comment(entry: &NameDocumentation) -> bool {
    !entry.comment.is_empty() || entry.alias_of.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::links::tests::module;

    #[test]
    fn what_is_missing_is_counted_and_listed() {
        let mut row = module("row", &["map", "len"]);
        row.names[1].comment.clear();
        row.names[1].examples.clear();
        row.names[0].signature = None;
        let coverage = Coverage::of(&Reference::new(vec![row, module("prelude", &[])]));
        let counts = |module: &str| CoverageCounts {
            module: module.into(),
            names: 2,
            comment: 1,
            r#type: 1,
            example: 1,
            jet: 0,
        };
        assert_eq!(coverage.total, counts("total"));
        assert_eq!(coverage.modules, [counts("row")]);
        assert!(!coverage.is_complete());
        assert!(
            coverage
                .text()
                .ends_with("\nwithout type:\n  row map\n\nwithout comment:\n  row len\n\nwithout example:\n  row len\n")
        );
    }
}
