//! Which characters make up words and runes.
//!
//! The alphabet of Rex outside of strings is ASCII: words are made of letters, digits and `_`;
//! runes of twenty-three punctuation characters. What is left opens strings and nested forms
//! (`"`, `{`, `}`, `(`, `)`, `[`, `]`), starts a comment (`;`), or separates (space, line feed).

/// The characters that runes are made of.
pub const RUNE_CHARS: &str = "$!#%&*+,-./:<=>?@\\^`'|~";

/// Whether `byte` can be part of a word.
pub const fn is_word_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Whether `byte` can be part of a rune.
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

/// Whether `c` can be part of a word.
pub fn is_word_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_word_byte)
}

/// Whether `c` can be part of a rune.
pub fn is_rune_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_rune_byte)
}

/// Whether `text` is read as one word leaf: not empty, and word characters only.
pub fn is_word(text: &str) -> bool {
    !text.is_empty() && are_word_bytes(text.as_bytes())
}

/// Whether all bytes can be part of a word. Looks at many at a time: leaves may be long.
pub(crate) fn are_word_bytes(bytes: &[u8]) -> bool {
    let all = |chunk: &[u8]| chunk.iter().fold(true, |all, byte| all & is_word_byte(*byte));
    bytes.chunks(64).all(all)
}

/// Whether `text` is read as one rune: not empty, and rune characters only.
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
