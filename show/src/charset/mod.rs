//! Character classes that decide how names and bytes are written.
//!
//! They are those of the prototype's compiler at its version of Unicode (14.0), because printed
//! text must not change with new versions of Unicode. The classes of Rust's standard library differ
//! from them.

mod table;

/// Whether a character is a letter or a number in any script (general categories L and N).
pub fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { contains(&table::ALPHANUMERIC, c) }
}

/// Whether a character is printable, spaces included: not a control or format character, a line
/// separator, or a private or unassigned one.
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() { matches!(c, ' '..='~') } else { contains(&table::PRINTABLE, c) }
}

/// Whether a character is a space, in ASCII also one that moves to another line or column.
pub fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t'..='\r' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}'
            | '\u{205f}' | '\u{3000}'
    )
}

/// Whether a word of the language can contain this character: alphanumeric or `_`.
pub fn is_name_char(c: char) -> bool {
    c == '_' || is_alphanumeric(c)
}

fn contains(boundaries: &[u32], c: char) -> bool {
    boundaries.partition_point(|&boundary| boundary <= u32::from(c)) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_numbers_of_any_script_but_no_marks() {
        assert!("aZ09é\u{3b1}中\u{661}\u{2160}\u{bd}".chars().all(is_alphanumeric));
        assert!("_-{\u{301}\u{903}\u{24d0}€".chars().all(|c| !is_alphanumeric(c)));
        assert!(is_name_char('_') && is_name_char('é') && !is_name_char('-'));
    }

    #[test]
    fn what_can_be_seen() {
        assert!(" a~é\u{a0}\u{301}\u{2003}€😀".chars().all(is_printable));
        assert!(
            "\0\t\n\u{7f}\u{85}\u{ad}\u{200b}\u{2028}\u{e000}\u{378}"
                .chars()
                .all(|c| !is_printable(c))
        );
        // Assigned since Unicode 15.
        assert!(!is_printable('\u{1fae8}'));
        assert!("\u{85}\u{200b}\u{2028}a".chars().all(|c| !is_space(c)));
    }

    #[test]
    fn boundaries_ascend() {
        for boundaries in [&table::ALPHANUMERIC[..], &table::PRINTABLE] {
            assert!(boundaries.is_sorted_by(|a, b| a < b));
        }
    }
}
