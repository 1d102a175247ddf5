//! [`NameLinks`]: finds the module in which a name is documented.

use sire::ModuleDocumentation;
use std::collections::HashMap;

/// The documented names, and the modules that have them.
pub(super) struct NameLinks {
    modules: HashMap<String, Vec<String>>,
}

/// A part of a piece of code.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CodePart<'t> {
    /// Text without a link.
    Plain(&'t str),
    /// A name that a module documents.
    Name { name: &'t str, module: String },
}

impl NameLinks {
    /// Indexes the names of modules.
    pub(super) fn new(documented: &[ModuleDocumentation]) -> NameLinks {
        let mut modules: HashMap<String, Vec<String>> = HashMap::new();
        for module in documented {
            for entry in &module.names {
                modules.entry(entry.name.clone()).or_default().push(module.name.clone());
            }
        }
        NameLinks { modules }
    }

    /// Returns the module that documents a name: `own` if it does, or the only one that does.
    pub(super) fn module_of(&self, name: &str, own: &str) -> Option<&str> {
        let modules = self.modules.get(name)?;
        let found = modules.iter().find(|module| *module == own);
        found.or_else(|| modules.first().filter(|_| modules.len() == 1)).map(String::as_str)
    }

    /// Splits code into text and names that are documented. `own` is the module of the code.
    pub(super) fn code_parts<'t>(&self, code: &'t str, own: &str) -> Vec<CodePart<'t>> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut parts: Vec<CodePart<'_>> = Vec::new();
        let mut plain = 0;
        let mut at = 0;
        while at < code.len() {
            let rest = &code[at..];
            let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            if length == 0 {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            }
            let name = &rest[..length];
            // One letter is the name of an argument, whatever else has that name.
            if let Some(module) = self.module_of(name, own).filter(|_| length > 1) {
                parts.extend((plain < at).then(|| CodePart::Plain(&code[plain..at])));
                parts.push(CodePart::Name { name, module: module.to_owned() });
                plain = at + length;
            }
            at += length;
        }
        parts.extend((plain < code.len()).then(|| CodePart::Plain(&code[plain..])));
        parts
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use sire::NameDocumentation;

    /// A module that documents names.
    pub(in crate::reference) fn module(name: &str, names: &[&str]) -> ModuleDocumentation {
        let names = names.iter().map(|name| NameDocumentation {
            name: (*name).to_owned(),
            section: "Things".into(),
            line: Some(3),
            definition: Some(format!("= ({name} x) | x")),
            call: Some(format!("({name} x)")),
            comment: "x, as {map} and <b> say. More.".into(),
            alias_of: None,
            signature: Some("a > a".into()),
            examples: vec![format!("=?= 1 | {name} 1")],
            arity: Some(1),
            jet: None,
            hash: None,
        });
        let comment = "About the module.\n\n    code (map f)\n".into();
        let file = format!("sire/{name}.sire");
        ModuleDocumentation { name: name.into(), file, comment, names: names.collect() }
    }

    #[test]
    fn names_in_code_are_found() {
        let links = NameLinks::new(&[module("row", &["map", "x"]), module("tab", &["get"])]);
        let name = |name, module: &str| CodePart::Name { name, module: module.into() };
        assert_eq!(
            links.code_parts("(map get2 x)(get ü)", "tab"),
            [
                CodePart::Plain("("),
                name("map", "row"),
                CodePart::Plain(" get2 x)("),
                name("get", "tab"),
                CodePart::Plain(" ü)"),
            ]
        );
    }

    #[test]
    fn a_name_of_two_modules_is_that_of_the_own_module_or_none() {
        let links = NameLinks::new(&[module("csv", &["parse"]), module("json", &["parse"])]);
        assert_eq!(links.module_of("parse", "json"), Some("json"));
        assert_eq!(links.module_of("parse", "row"), None);
    }
}
