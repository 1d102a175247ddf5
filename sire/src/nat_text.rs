//! Text as nats: a text is the nat whose little-endian bytes spell it.
//!
//! Sire's names, runes and texts all have this form, so zero bytes at the end of a text are lost.

use plan::Natural;

/// Returns the nat that spells `text`.
pub(crate) fn from_text(text: &str) -> Natural {
    let limbs: Vec<u64> = text.as_bytes().chunks(8).map(limb).collect();
    Natural::from_owned_limbs_asc(limbs)
}

fn limb(chunk: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..chunk.len()].copy_from_slice(chunk);
    u64::from_le_bytes(bytes)
}

/// Returns the nat that spells a text of at most eight bytes, as a constant.
///
/// # Panics
///
/// If the text is longer.
pub(crate) const fn from_short(text: &str) -> u64 {
    let bytes = text.as_bytes();
    assert!(bytes.len() <= 8);
    let (mut nat, mut index) = (0, bytes.len());
    while index > 0 {
        index -= 1;
        nat = nat << 8 | bytes[index] as u64;
    }
    nat
}

/// Returns the text that a nat spells. Bytes that are not UTF-8 become replacement characters.
pub(crate) fn to_text(name: &Natural) -> String {
    let limbs = name.to_limbs_asc();
    let mut bytes: Vec<u8> = limbs.into_iter().flat_map(u64::to_le_bytes).collect();
    let length = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(length);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Parses a nat in decimal notation. Returns `None` if there is anything but digits.
pub(crate) fn parse_decimal(digits: &str) -> Option<Natural> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_the_conversion_to_nats() {
        for text in ["", "a", "####", "exactly8", "longer than eight", "é"] {
            assert_eq!(to_text(&from_text(text)), text);
        }
        assert_eq!(from_text("b"), 98u8);
        assert_eq!(from_text("exactly8"), from_short("exactly8"));
        assert_eq!(from_text("a\0"), 97u8);
    }

    #[test]
    fn decimal_numbers_have_only_digits() {
        assert_eq!(parse_decimal("007"), Some(Natural::from(7u8)));
        assert_eq!(parse_decimal("18446744073709551616"), Some(Natural::from(1u8) << 64u64));
        assert_eq!(parse_decimal("1_000"), None);
        assert_eq!(parse_decimal("0x10"), None);
    }
}
