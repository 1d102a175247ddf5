//! Names, which are nats: text is the number whose bytes it is, first byte least.

use vm::Natural;

/// The nat that spells the text.
pub(crate) fn of_text(text: &str) -> Natural {
    let limbs: Vec<u64> = text.as_bytes().chunks(8).map(limb).collect();
    Natural::from_owned_limbs_asc(limbs)
}

fn limb(chunk: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..chunk.len()].copy_from_slice(chunk);
    u64::from_le_bytes(bytes)
}

/// The nat that spells a text of eight bytes at most.
pub(crate) const fn small(text: &str) -> u64 {
    let bytes = text.as_bytes();
    assert!(bytes.len() <= 8);
    let (mut nat, mut index) = (0, bytes.len());
    while index > 0 {
        index -= 1;
        nat = nat << 8 | bytes[index] as u64;
    }
    nat
}

/// The text that the nat spells; whatever is not UTF-8 in it is replaced.
pub(crate) fn text(name: &Natural) -> String {
    let limbs = name.to_limbs_asc();
    let mut bytes: Vec<u8> = limbs.into_iter().flat_map(u64::to_le_bytes).collect();
    let length = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(length);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The number that these decimal digits write.
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
    fn text_and_nat_are_one() {
        for text in ["", "a", "####", "exactly8", "longer than eight", "é"] {
            assert_eq!(super::text(&of_text(text)), text);
        }
        assert_eq!(of_text("b"), 98u8);
        assert_eq!(of_text("exactly8"), small("exactly8"));
        assert_eq!(of_text("a\0"), 97u8);
    }

    #[test]
    fn numbers_have_only_digits() {
        assert_eq!(parse_decimal("007"), Some(Natural::from(7u8)));
        assert_eq!(parse_decimal("18446744073709551616"), Some(Natural::from(1u8) << 64u64));
        assert_eq!(parse_decimal("1_000"), None);
        assert_eq!(parse_decimal("0x10"), None);
    }
}
