//! The `FORMAT` file, which makes a directory a store: magic, version, identity.
//! It is the last thing that creating a store writes.

use crate::FORMAT_VERSION as VERSION;
use crate::frame::{StoreId, array, short, u32_at};

pub(crate) const NAME: &str = "FORMAT";
pub(crate) const LENGTH: usize = 64;
const MAGIC: [u8; 8] = *b"PALLASDB";

/// Why a file is not a `FORMAT` file to be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    NotAStore,
    Version(u32),
    Damaged,
}

pub(crate) fn encode(store: StoreId) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&store);
    let check = short(&blake3::hash(&bytes[..48]));
    bytes[48..].copy_from_slice(&check);
    bytes
}

/// The store's identity. Magic and version are looked at first: their places
/// are the same in every version, the rest need not be.
pub(crate) fn decode(bytes: &[u8]) -> Result<StoreId, Unfit> {
    if bytes.len() < 12 || bytes[0..8] != MAGIC {
        return Err(Unfit::NotAStore);
    }
    let whole = bytes.len() == LENGTH && bytes[48..] == short(&blake3::hash(&bytes[..48]));
    match u32_at(bytes, 8) {
        VERSION if whole => Ok(array(bytes, 16)),
        VERSION => Err(Unfit::Damaged),
        other => Err(Unfit::Version(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_bytes_are_accepted() {
        let bytes = encode([3; 16]);
        assert_eq!(decode(&bytes), Ok([3; 16]));
        for bit in 0..LENGTH * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).is_err(), "bit {bit}");
        }
        assert_eq!(decode(b""), Err(Unfit::NotAStore));
        assert_eq!(decode(&bytes[..20]), Err(Unfit::Damaged));
    }
}
