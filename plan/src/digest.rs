//! [`Hash`]: a BLAKE3 hash, and how it is written as text.

use std::fmt;
use std::str::FromStr;

/// A BLAKE3 hash. As text it is written in base 58, with the alphabet of Bitcoin.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// How many bytes a hash has.
    pub const SIZE: usize = 32;

    /// The hash's bytes.
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

/// A text is not a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseHashError {
    /// A character that base 58 does not use, or one beyond ASCII.
    #[error("not a hash: the character at offset {offset} does not occur in base 58")]
    Character {
        /// Where in the text, in bytes.
        offset: usize,
    },
    /// Too short or too long.
    #[error("not a hash: it stands for other than 32 bytes")]
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
