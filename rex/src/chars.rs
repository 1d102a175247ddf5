//! The characters of words and runes.
//!
//! Outside strings and comments Rex uses ASCII only. Words consist of letters, digits and `_`;
//! runes consist of twenty-three punctuation characters. Of the other characters, `"`, `{` and `}`
//! delimit strings, `(`, `)`, `[` and `]` delimit nested forms, `;` starts a comment, and space and
//! line feed separate tokens.

/// The characters of runes.
pub const RUNE_CHARS: &str = "$!#%&*+,-./:<=>?@\\^`'|~";

/// Returns whether `byte` can be part of a word.
pub const fn is_word_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Returns whether `byte` can be part of a rune.
pub const fn is_rune_byte(byte: u8) -> bool {
    RUNE_BYTES[byte as usize]
}

const RUNE_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < RUNE_CHARS.len() {
        table[RUNE_CHARS.as_bytes()[i] as usize] = true;
        i += 1;
    }
    table
};

/// Returns whether `c` can be part of a word.
pub fn is_word_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_word_byte)
}

/// Returns whether `c` can be part of a rune.
pub fn is_rune_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_rune_byte)
}

/// Returns whether the reader reads `text` as one word: it is not empty and has word characters
/// only.
pub fn is_word(text: &str) -> bool {
    !text.is_empty() && are_word_bytes(text.as_bytes())
}

/// Returns whether all bytes can be part of a word. It tests blocks of 64 bytes, which the compiler
/// vectorises, because leaves can be long.
pub(crate) fn are_word_bytes(bytes: &[u8]) -> bool {
    let all = |chunk: &[u8]| chunk.iter().fold(true, |all, byte| all & is_word_byte(*byte));
    bytes.chunks(64).all(all)
}

/// Returns whether the reader reads `text` as one rune: it is not empty and has rune characters
/// only.
pub fn is_rune(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_rune_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ascii_character_has_one_role() {
        let words = (0..128u8).filter(|b| is_word_byte(*b)).count();
        let runes = (0..128u8).filter(|b| is_rune_byte(*b)).count();
        assert_eq!((words, runes), (26 + 26 + 10 + 1, 23));
        assert!((0..=255u8).all(|b| !(is_word_byte(b) && is_rune_byte(b))));
    }

    #[test]
    fn words_and_runes() {
        assert!(is_word("foo_Bar9") && is_word("0") && is_word("_"));
        assert!(!is_word("") && !is_word("a-b") && !is_word("é") && !is_word("a b"));
        assert!(is_rune("|") && is_rune("#=?=") && is_rune("'"));
        assert!(!is_rune("") && !is_rune("a") && !is_rune("\"") && !is_rune(";") && !is_rune("▣"));
        assert!(is_word_char('z') && !is_word_char('Ł') && is_rune_char('~') && !is_rune_char('▣'));
    }
}
