//! [`Hash`]: a BLAKE3 hash, and its textual form.

use std::fmt;
use std::str::FromStr;

/// A BLAKE3 hash. Its text is base 58 with Bitcoin's alphabet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The length of a hash in bytes.
    pub const SIZE: usize = 32;

    /// Returns the bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }
}

impl From<Hash> for [u8; 32] {
    fn from(hash: Hash) -> [u8; 32] {
        hash.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(&self.0).into_string())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Why a text is not a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseHashError {
    /// A character outside the base 58 alphabet.
    #[error("not a hash: the character at offset {offset} does not occur in base 58")]
    Character {
        /// The position of the character, in bytes.
        offset: usize,
    },
    /// The text does not decode to 32 bytes.
    #[error("not a hash: it does not encode 32 bytes")]
    Length,
}

impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Hash, ParseHashError> {
        use bs58::decode::Error;
        let mut bytes = [0; 32];
        match bs58::decode(text).onto(&mut bytes) {
            Ok(32) => Ok(Hash(bytes)),
            Ok(_) | Err(Error::BufferTooSmall) => Err(ParseHashError::Length),
            Err(Error::InvalidCharacter { index, .. } | Error::NonAsciiCharacter { index }) => {
                Err(ParseHashError::Character { offset: index })
            }
            Err(_) => Err(ParseHashError::Length),
        }
    }
}
