//! Code lenses: buttons that run the assertions of a text.

use crate::text_position::TextLines;
use crate::words::word_blocks;
use lsp_types::{CodeLens, Command, Range, Uri};
use serde::Serialize;
use serde_json::json;
use sire::{AssertionReport, Diagnostic};

/// The command that runs the assertions of one block: its arguments are the address and the line.
pub(crate) const RUN_ASSERTION: &str = "pallas.runAssertion";
/// The command that runs all assertions of a text, whose address is its argument.
pub(crate) const RUN_ASSERTIONS: &str = "pallas.test";

/// Returns the lenses of a text: one above the first block if there are assertions, and one above each
/// assertion.
pub(crate) fn code_lenses(uri: &Uri, lines: &TextLines) -> Vec<CodeLens> {
    let blocks = word_blocks(&lines.text);
    let is_assertion = |rune: &str| matches!(rune, "=?=" | "#=?=" | "!!");
    let assertions = blocks.iter().filter(|block| is_assertion(&block.rune));
    let lens = |line: usize, title: String, command: &str, arguments| {
        let start = lines.line_start(line - 1);
        let range: Range = lines.range(start..start);
        let (command, arguments) = (command.to_owned(), Some(arguments));
        CodeLens { range, command: Some(Command { title, command, arguments }), data: None }
    };
    let mut lenses: Vec<CodeLens> = assertions
        .map(|block| {
            let arguments = vec![json!(uri), json!(block.line - 1)];
            lens(block.line, "run assertion".into(), RUN_ASSERTION, arguments)
        })
        .collect();
    if let (Some(first), false) = (blocks.first(), lenses.is_empty()) {
        let title = "run all assertions".into();
        lenses.insert(0, lens(first.line, title, RUN_ASSERTIONS, vec![json!(uri)]));
    }
    lenses
}

/// The result of running assertions.
#[derive(Serialize)]
pub(crate) struct AssertionResults {
    passed: usize,
    failed: usize,
    /// The number of other errors of the text.
    errors: usize,
    assertions: Vec<AssertionResult>,
}

#[derive(Serialize)]
struct AssertionResult {
    /// The line, counted from 0 as in the protocol.
    line: usize,
    text: String,
    passed: bool,
    message: Option<String>,
}

impl AssertionResults {
    /// Makes the result of some assertions. `errors` is the number of other errors.
    pub(crate) fn new<'r>(
        reports: impl Iterator<Item = &'r AssertionReport>,
        errors: usize,
    ) -> AssertionResults {
        let assertions: Vec<AssertionResult> = reports
            .map(|report| AssertionResult {
                line: report.line.saturating_sub(1),
                text: report.text.trim().to_owned(),
                passed: report.failure.is_none(),
                message: report.failure.as_ref().map(Diagnostic::text),
            })
            .collect();
        let passed = assertions.iter().filter(|assertion| assertion.passed).count();
        AssertionResults { passed, failed: assertions.len() - passed, errors, assertions }
    }

    /// Returns the result as a line for people, and whether everything passed.
    pub(crate) fn summary(&self) -> (String, bool) {
        let AssertionResults { passed, failed, errors, .. } = self;
        let mut text = format!("{passed} passed, {failed} failed");
        if *errors > 0 {
            text += &format!("; the text has other errors: {errors}");
        }
        (text, *failed == 0 && *errors == 0)
    }
}
