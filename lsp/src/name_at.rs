//! [`NameAt`]: the name at a position of an analysed text.

use crate::words::token_at;
use sire::{ModuleAnalysis, NameUse, Sire};
use std::ops::Range;

/// A name or rune at a position.
pub(crate) struct NameAt {
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// What it refers to, if the block of this text has been executed.
    pub(crate) resolved: Option<NameUse>,
    /// The spellings under which it may be in scope, the best first.
    pub(crate) spellings: Vec<String>,
    /// The module that it names, if it is the module of an import or the predecessor.
    pub(crate) module: Option<String>,
}

impl NameAt {
    /// Finds the name at a byte of a text. `analysis` is the analysis of the text or of an earlier
    /// version of it.
    pub(crate) fn find(analysis: &ModuleAnalysis, text: &str, byte: usize) -> Option<NameAt> {
        let range = token_at(text, byte)?;
        let word = &text[range.clone()];
        let mut resolved = None;
        if **analysis.text() == *text {
            let is_here = |name: &&NameUse| name.range.start <= byte && byte <= name.range.end;
            resolved = analysis.uses().find(is_here).cloned();
        }
        let before = &text[..range.start];
        let mut spellings = Vec::new();
        if let Some(before) = before.strip_suffix('.') {
            let start = before.rfind(|c| !rex::chars::is_word_char(c));
            let qualifier = &before[start.map_or(0, |at| at + 1)..];
            if !qualifier.is_empty() {
                spellings.push(format!("{qualifier}.{word}"));
            }
        }
        if before.trim_end_matches(' ').ends_with('#') {
            spellings.push(format!("#{word}"));
        }
        spellings.push(word.to_owned());
        let module = is_module_place(before).then(|| word.to_owned());
        Some(NameAt { range, resolved, spellings, module })
    }

    /// Returns the spelling under which the name is in scope.
    pub(crate) fn in_scope(&self, sire: &Sire) -> Option<&str> {
        let is_known = |name: &&String| sire.describe(name).is_some();
        self.spellings.iter().find(is_known).map(String::as_str)
    }
}

/// Returns whether what follows this text is the name of a module in an import or a header.
pub(crate) fn is_module_place(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words[..], [":|" | "#:|"] | ["####", _, "<-"]) && line.ends_with(' ')
}
