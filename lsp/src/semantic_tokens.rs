//! Semantic tokens: definitions, names, numbers, texts and runes of a text.

use crate::text_position::TextLines;
use crate::words::{SourceWordKind, word_blocks};
use lsp_types::{SemanticToken, SemanticTokenType, SemanticTokens, SemanticTokensLegend};

/// The types of tokens, in the order of their numbers.
pub(crate) fn legend() -> SemanticTokensLegend {
    let token_types = vec![
        SemanticTokenType::VARIABLE,
        SemanticTokenType::NUMBER,
        SemanticTokenType::STRING,
        SemanticTokenType::OPERATOR,
        SemanticTokenType::FUNCTION,
    ];
    SemanticTokensLegend { token_types, token_modifiers: Vec::new() }
}

const VARIABLE: u32 = 0;
const NUMBER: u32 = 1;
const STRING: u32 = 2;
const OPERATOR: u32 = 3;
const FUNCTION: u32 = 4;

/// Returns the tokens of a text. The name that a definition begins with is a function.
pub(crate) fn semantic_tokens(lines: &TextLines) -> SemanticTokens {
    let mut data = Vec::new();
    let (mut last_line, mut last_column) = (0, 0);
    for block in word_blocks(&lines.text) {
        let mut is_defined = block.rune == "=";
        for word in &block.words {
            let token_type = match word.kind {
                SourceWordKind::Name if std::mem::take(&mut is_defined) => FUNCTION,
                SourceWordKind::Name => VARIABLE,
                SourceWordKind::Number => NUMBER,
                SourceWordKind::Text => STRING,
                SourceWordKind::Rune => OPERATOR,
            };
            let range = lines.range(word.range.clone());
            // A token is within one line.
            if range.start.line != range.end.line || range.end <= range.start {
                continue;
            }
            let delta_line = range.start.line - last_line;
            let before = if delta_line == 0 { last_column } else { 0 };
            let Some(delta_start) = range.start.character.checked_sub(before) else { continue };
            (last_line, last_column) = (range.start.line, range.start.character);
            let length = range.end.character - range.start.character;
            let token_modifiers_bitset = 0;
            data.push(SemanticToken {
                delta_line,
                delta_start,
                length,
                token_type,
                token_modifiers_bitset,
            });
        }
    }
    SemanticTokens { result_id: None, data }
}
