//! The `FORMAT` file, which makes a directory a store: magic, version, identity.
//! It is the last thing that creating a store writes.

use crate::frame::{self, StoreId, array, short, u32_at};

pub(crate) const NAME: &str = "FORMAT";
pub(crate) const LENGTH: usize = 64;
/// The magic of a store, and of a pin space by itself.
pub(crate) const STORE: [u8; 8] = *b"PALLASDB";
pub(crate) const PIN_SPACE: [u8; 8] = *b"PALLASPS";

/// The version of what a `FORMAT` file with that magic stands for. A pin space of version 1 could not
/// be collected, and no machine ever had one.
pub(crate) fn version(magic: [u8; 8]) -> u32 {
    if magic == PIN_SPACE { 2 } else { frame::VERSION }
}

/// Why a file is not a `FORMAT` file to be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    NotAStore,
    Version(u32),
    Damaged,
}

pub(crate) fn encode(magic: [u8; 8], store: StoreId) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0..8].copy_from_slice(&magic);
    bytes[8..12].copy_from_slice(&version(magic).to_le_bytes());
    bytes[16..32].copy_from_slice(&store);
    let check = short(&blake3::hash(&bytes[..48]));
    bytes[48..].copy_from_slice(&check);
    bytes
}

/// The store's identity. Magic and version are looked at first: their places
/// are the same in every version, the rest need not be.
pub(crate) fn decode(magic: [u8; 8], bytes: &[u8]) -> Result<StoreId, Unfit> {
    if bytes.len() < 12 || bytes[0..8] != magic {
        return Err(Unfit::NotAStore);
    }
    let whole = bytes.len() == LENGTH && bytes[48..] == short(&blake3::hash(&bytes[..48]));
    match u32_at(bytes, 8) {
        found if found != version(magic) => Err(Unfit::Version(found)),
        _ if whole => Ok(array(bytes, 16)),
        _ => Err(Unfit::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_bytes_are_accepted() {
        let bytes = encode(STORE, [3; 16]);
        assert_eq!(decode(STORE, &bytes), Ok([3; 16]));
        for bit in 0..LENGTH * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(STORE, &flipped).is_err(), "bit {bit}");
        }
        assert_eq!(decode(STORE, b""), Err(Unfit::NotAStore));
        assert_eq!(decode(STORE, &bytes[..20]), Err(Unfit::Damaged));
    }
}
