//! The comments of a module's text, and which of them describes a name.
//!
//! A comment of two semicolons describes what is below it. It may have *items*: an item
//! describes the names in front of its colon:
//!
//! ```text
//! ;; (add x y), (sub x y): the sum; the difference, at least 0. {NONE}: no value.
//! ```

use std::ops::Range;

/// Adjacent lines that hold one comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CommentBlock {
    /// The lines of the comment, counted from 1.
    pub(super) lines: Range<usize>,
    /// The number of semicolons in front of its first line.
    level: usize,
    /// The text, without semicolons.
    pub(super) text: String,
    items: Vec<CommentItem>,
}

/// A part of a comment that describes names.
#[derive(Debug, PartialEq, Eq)]
struct CommentItem {
    /// The names, each with the call that shows its arguments, if there is one.
    heads: Vec<ItemHead>,
    /// The bytes of the description in the text of the comment.
    text: Range<usize>,
}

/// A name in front of an item's colon.
#[derive(Debug, PartialEq, Eq)]
struct ItemHead {
    name: String,
    /// Such as `(add x y)`; none if the item only has the name, as in `{NONE}`.
    call: Option<String>,
}

/// What a comment says about a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameComment {
    /// A call that shows the arguments, such as `(add x y)`.
    pub(crate) call: Option<String>,
    /// The description.
    pub(crate) text: String,
}

/// A line such as `;;; Lookup ;;;;;;;;`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) line: usize,
    pub(super) title: String,
}

/// All comments of a text.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    blocks: Vec<CommentBlock>,
    pub(super) headings: Vec<Heading>,
}

impl Comments {
    /// Reads the comments of a text.
    pub(crate) fn read(text: &str) -> Comments {
        let mut comments = Comments::default();
        let mut open: Option<CommentBlock> = None;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let level = line.len() - line.trim_start_matches(';').len();
            if level == 0 || is_heading(line) {
                comments.blocks.extend(open.take());
                if level > 0 {
                    let title = line.trim_matches(';').trim().to_owned();
                    comments.headings.push(Heading { line: number, title });
                }
                continue;
            }
            let content = &line[level..];
            let content = content.strip_prefix(' ').unwrap_or(content);
            match &mut open {
                Some(block) if block.level == level => {
                    block.text.push('\n');
                    block.text += content;
                    block.lines.end = number + 1;
                }
                _ => {
                    comments.blocks.extend(open.take());
                    open = Some(CommentBlock {
                        lines: number..number + 1,
                        level,
                        text: content.to_owned(),
                        items: Vec::new(),
                    });
                }
            }
        }
        comments.blocks.extend(open);
        comments.blocks.iter_mut().for_each(|block| block.items = items(&block.text));
        comments
    }

    /// Returns the comment about the module: the first one of four semicolons.
    pub(super) fn of_module(&self) -> Option<&str> {
        self.blocks.iter().find(|block| block.level >= 4).map(|block| block.text.as_str())
    }

    fn of_definitions(&self) -> impl Iterator<Item = &CommentBlock> {
        self.blocks.iter().filter(|block| block.level < 4)
    }

    /// Returns the text and the line of the item that describes a name.
    pub(super) fn item(&self, name: &str) -> Option<(NameComment, usize)> {
        self.of_definitions().find_map(|block| Some((block.item(name)?, block.lines.start)))
    }

    /// Returns the comment that ends above a line, across at most one blank line, unless it consists
    /// of items, which are about other names.
    pub(super) fn above(&self, line: usize, is_blank: impl Fn(usize) -> bool) -> Option<String> {
        let end = if line > 1 && is_blank(line - 1) { line - 1 } else { line };
        let block = self.of_definitions().find(|block| block.lines.end == end)?;
        let starts_with_item = block.items.first().is_some_and(|item| item.text.start == 0)
            || item_at(&block.text, 0).is_some();
        (!starts_with_item).then(|| block.text.clone())
    }

    /// Returns the sentences that mention a name as `(name ..` or `{name}`.
    pub(super) fn mention(&self, name: &str) -> Option<String> {
        let marks = [format!("({name} "), format!("({name}\n"), format!("{{{name}}}")];
        let is_about = |sentence: &str| marks.iter().any(|mark| sentence.contains(mark));
        let found: Vec<&str> = self
            .of_definitions()
            .flat_map(|block| prose(&block.text))
            .flat_map(|paragraph| paragraph.split_inclusive(". "))
            .flat_map(|part| part.split_inclusive(".\n"))
            .map(str::trim)
            .filter(|sentence| is_about(sentence))
            .collect();
        (!found.is_empty()).then(|| found.join(" "))
    }
}

impl CommentBlock {
    fn item(&self, name: &str) -> Option<NameComment> {
        for item in &self.items {
            if let Some(head) = item.heads.iter().find(|head| head.name == name) {
                let text = self.text[item.text.clone()].trim().trim_end_matches(';').to_owned();
                return Some(NameComment { call: head.call.clone(), text });
            }
        }
        None
    }
}

/// Returns the comment at the end of a line of code. It may be an item.
pub(super) fn trailing_comment(line: &str, name: &str) -> Option<NameComment> {
    let mut depth = 0usize;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 && before.is_whitespace() => {
                let text = line[at..].trim_matches(';').trim().to_owned();
                let item = CommentBlock { lines: 0..0, level: 1, items: items(&text), text };
                let whole = || NameComment { call: None, text: item.text.clone() };
                return Some(item.item(name).unwrap_or_else(whole));
            }
            _ => {}
        }
        before = c;
    }
    None
}

/// Returns whether a line is a heading between sections.
fn is_heading(line: &str) -> bool {
    line.starts_with(";;; ") && line.ends_with(";;;")
}

/// Returns the paragraphs of a comment that are no indented text.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter(|paragraph| !paragraph.starts_with("    "))
}

/// Finds the items of a comment. The description of an item ends where the next one begins.
fn items(text: &str) -> Vec<CommentItem> {
    let mut items: Vec<CommentItem> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if let Some((heads, start)) = item_at(text, at) {
            if let Some(last) = items.last_mut() {
                last.text.end = at;
            }
            items.push(CommentItem { heads, text: start..text.len() });
            at = start;
        }
        at = next_sentence(text, at);
    }
    items
}

/// Returns where the next sentence, or part of a sentence behind a semicolon, begins.
fn next_sentence(text: &str, from: usize) -> usize {
    let ends = [". ", ".\n", "; ", ";\n", "\n\n"];
    let found = ends.iter().filter_map(|end| Some(text[from..].find(end)? + end.len())).min();
    let start = found.map_or(text.len(), |found| from + found);
    start + (text[start..].len() - text[start..].trim_start_matches('\n').len())
}

/// Reads the heads of an item, such as `(add x y), {NONE}:`. Returns them, and where the description
/// begins.
fn item_at(text: &str, start: usize) -> Option<(Vec<ItemHead>, usize)> {
    let mut heads = Vec::new();
    let mut rest = text.get(start..)?;
    loop {
        let (head, after) = item_head(rest)?;
        heads.push(head);
        rest = after;
        if let Some(description) = rest.strip_prefix(':') {
            return Some((heads, text.len() - description.len()));
        }
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        rest = rest.strip_prefix("and ").or(rest.strip_prefix("or ")).unwrap_or(rest);
    }
}

/// Reads one head: `(add x y)` or `{NONE}`.
fn item_head(text: &str) -> Option<(ItemHead, &str)> {
    let close = matching_close(text)?;
    let (inner, after) = (&text[1..close], &text[close + 1..]);
    if text.starts_with('{') {
        return Some((ItemHead { name: inner.to_owned(), call: None }, after));
    }
    let name = inner.split_whitespace().next()?.to_owned();
    let words: Vec<&str> = inner.split_whitespace().collect();
    let call = Some(format!("({})", words.join(" ")));
    Some((ItemHead { name, call }, after))
}

/// Returns where the bracket closes that a text begins with.
fn matching_close(text: &str) -> Option<usize> {
    if !text.starts_with(['(', '{']) {
        return None;
    }
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
#### m

;;;; About (all of it): the module.

;;; Sums ;;;;;;;;;;;;

;; (add x y), (weld x
;; y): the sum. {sub} saturates at 0. (one): is 1; {two}: is 2.

= (add x y) | x

;; Not an item (at all): as prose.

= a | 1
";

    fn item(name: &str) -> Option<NameComment> {
        Comments::read(TEXT).item(name).map(|(comment, _)| comment)
    }

    #[test]
    fn items_describe_the_names_in_front_of_their_colon() {
        let comment = |call: Option<&str>, text: &str| {
            Some(NameComment { call: call.map(str::to_owned), text: text.to_owned() })
        };
        let text = "the sum. {sub} saturates at 0.";
        assert_eq!(item("add"), comment(Some("(add x y)"), text));
        assert_eq!(item("weld"), comment(Some("(weld x y)"), text));
        assert_eq!(item("one"), comment(Some("(one)"), "is 1"));
        assert_eq!(item("two"), comment(None, "is 2."));
        assert_eq!(item("sub"), None);
        assert_eq!(item("at"), None);
    }

    #[test]
    fn comments_that_are_no_items_are_found_by_place_or_mention() {
        let comments = Comments::read(TEXT);
        assert_eq!(comments.of_module(), Some("About (all of it): the module."));
        assert_eq!(comments.mention("sub").as_deref(), Some("{sub} saturates at 0."));
        let is_blank = |line: usize| TEXT.lines().nth(line - 1).is_some_and(str::is_empty);
        assert_eq!(comments.above(10, is_blank), None);
        let above = comments.above(14, is_blank);
        assert_eq!(above.as_deref(), Some("Not an item (at all): as prose."));
        assert_eq!(comments.headings, [Heading { line: 5, title: "Sums".into() }]);
    }

    #[test]
    fn a_comment_may_follow_code() {
        let comment = |line| trailing_comment(line, "f").map(|comment| comment.text);
        assert_eq!(comment("= f | {a ; b}").as_deref(), None);
        assert_eq!(comment("= f | g  ; (f x): what it is").as_deref(), Some("what it is"));
        assert_eq!(comment("= f | {;} ; says {g}").as_deref(), Some("says {g}"));
    }
}
