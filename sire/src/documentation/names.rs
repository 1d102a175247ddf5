//! What the source of a module says about each name.

use super::comments::{Comments, NameComment, trailing_comment};
use super::definitions::{Definition, definitions};
use super::examples::{AssertionExample, assertions};

use std::collections::HashMap;

/// How many examples of a name are shown.
const EXAMPLES_MAX: usize = 3;

impl Comments {
    /// Returns what a text says about one of its definitions.
    pub(crate) fn describe(&self, text: &str, definition: &Definition) -> Option<NameComment> {
        let Definition { name, line, block_line, .. } = definition;
        let lines: Vec<&str> = text.lines().collect();
        let at = |line: usize| lines.get(line - 1).copied().unwrap_or_default();
        if let Some(comment) = trailing_comment(at(*line), name) {
            return Some(comment);
        }
        if let Some((comment, _)) = self.item(name) {
            return Some(comment);
        }
        // Adjacent lines of definitions share the comment above the first of them.
        let is_code = |line: usize| !at(line).is_empty() && !at(line).starts_with(';');
        let mut first = *block_line;
        while first > 1 && is_code(first - 1) {
            first -= 1;
        }
        let text =
            self.above(first, |line| at(line).trim().is_empty()).or_else(|| self.mention(name))?;
        let prefix = format!("{name}: ");
        let text = text.strip_prefix(&prefix).map(str::to_owned).unwrap_or(text);
        Some(NameComment { call: None, text })
    }
}

/// What a source says about a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameSource {
    /// The title of the section with the definition.
    pub(crate) section: String,
    /// The line of the definition, counted from 1.
    pub(crate) line: Option<usize>,
    /// The text of the definition.
    pub(crate) text: Option<String>,
    /// A call that shows the arguments.
    pub(crate) call: Option<String>,
    /// The comment; empty if there is none.
    pub(crate) comment: String,
    /// The name of the same module that this is another name for.
    pub(crate) alias_of: Option<String>,
    /// The declared type.
    pub(crate) signature: Option<String>,
    /// Examples: assertions, each below the definitions that it needs.
    pub(crate) examples: Vec<String>,
}

/// What a source says.
pub(crate) struct SourceDocumentation {
    text: String,
    comments: Comments,
    definitions: HashMap<String, Definition>,
    examples: Vec<AssertionExample>,
}

impl SourceDocumentation {
    /// Reads the source of a module that exports `exported`.
    pub(crate) fn read(file: &str, text: String, exported: &[String]) -> SourceDocumentation {
        let comments = Comments::read(&text);
        let all = definitions(file, &text);
        let checks = comments.headings.iter().find(|heading| heading.title == "Checks");
        let checks = checks.map_or(0, |heading| heading.line);
        let local: Vec<(String, usize, String)> = all
            .iter()
            .filter(|found| !exported.contains(&found.name))
            .map(|found| (found.name.clone(), found.block_line, found.text.clone()))
            .collect();
        let examples = assertions(file, &text, checks, &local);
        let definitions = all.into_iter().map(|found| (found.name.clone(), found)).collect();
        SourceDocumentation { text, comments, definitions, examples }
    }

    /// Returns the comment about the module, without semicolons; empty if there is none.
    pub(crate) fn module_comment(&self) -> &str {
        self.comments.of_module().unwrap_or_default()
    }

    /// Returns what the source says about a name.
    pub(crate) fn name(&self, name: &str) -> NameSource {
        let mut source = match self.definitions.get(name) {
            Some(definition) => self.of_definition(definition, &mut Vec::new()),
            // A macro defines it, so only an item of a comment can describe it.
            None => self.of_item(name),
        };
        source.examples = self.examples(name);
        source
    }

    fn of_item(&self, name: &str) -> NameSource {
        let Some((comment, line)) = self.comments.item(name) else { return NameSource::default() };
        NameSource {
            section: self.section(line),
            call: comment.call,
            comment: comment.text,
            ..NameSource::default()
        }
    }

    fn of_definition<'s>(
        &'s self,
        definition: &'s Definition,
        seen: &mut Vec<&'s str>,
    ) -> NameSource {
        seen.push(&definition.name);
        let Definition { name, line, .. } = definition;
        let comment = self.comments.describe(&self.text, definition);
        let target = definition.alias_of.as_deref().and_then(|target| self.definitions.get(target));
        let target = target.filter(|target| !seen.contains(&target.name.as_str()));
        let target_source = target.map(|target| self.of_definition(target, seen));
        let mut source = NameSource {
            section: self.section(*line),
            line: Some(*line),
            text: Some(definition.text.clone()),
            signature: definition.signature.clone(),
            ..NameSource::default()
        };
        let own_call = comment.as_ref().and_then(|comment| comment.call.clone());
        let written = definition.arguments.as_deref().map(|rest| format!("({name} {rest})"));
        source.call = own_call.or(written);
        source.comment = comment.map(|comment| comment.text).unwrap_or_default();
        if let Some(target) = target_source {
            let renamed = |call: String| match call.split_once(' ') {
                Some((_, rest)) => format!("({name} {rest}"),
                None => call,
            };
            source.call = source.call.or(target.call.map(renamed));
            source.signature = source.signature.or(target.signature);
            if source.comment.is_empty() {
                source.comment = target.comment;
            }
            // A name such as `_Map` is that of the law of `map`, and not exported.
            source.alias_of = definition.alias_of.clone().filter(|target| !target.starts_with('_'));
            source.alias_of = source.alias_of.or(target.alias_of);
        }
        source
    }

    /// Returns the title of the section that a line is in.
    fn section(&self, line: usize) -> String {
        let above = self.comments.headings.iter().rfind(|heading| heading.line < line);
        above.map(|heading| heading.title.clone()).unwrap_or_default()
    }

    /// Returns the shortest examples of a name.
    fn examples(&self, name: &str) -> Vec<String> {
        let mut found: Vec<&AssertionExample> =
            self.examples.iter().filter(|example| example.names.contains(name)).collect();
        let size = |example: &AssertionExample| {
            example.text.len() + example.set_up.iter().map(String::len).sum::<usize>()
        };
        found.sort_by_key(|example| size(example));
        found.truncate(EXAMPLES_MAX);
        found.sort_by_key(|example| example.line);
        let text = |example: &AssertionExample| {
            let set_up = example.set_up.iter().map(|text| format!("{text}\n\n"));
            set_up.chain([without_alignment(&example.text)]).collect()
        };
        found.into_iter().map(text).collect()
    }
}

/// Returns an assertion of one line without the spaces that align it with the lines around it.
fn without_alignment(text: &str) -> String {
    match text.split_once(" | ") {
        Some((left, right)) if !text.contains('\n') => format!("{} | {right}", left.trim_end()),
        _ => text.to_owned(),
    }
}
