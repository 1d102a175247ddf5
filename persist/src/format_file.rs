//! The `FORMAT` file, which makes a directory a store. It holds magic, version and store id.
//!
//! Creating a store writes it last, so an interrupted creation leaves no store.

use std::io;

use crate::disk::Disk;
use crate::encoding::{StoreId, array, check, u32_at};
use crate::error::{DiskError, OpenError, StoreDamage};
use crate::types::FORMAT_VERSION as VERSION;

pub(crate) const NAME: &str = "FORMAT";
const LENGTH: usize = 64;
const MAGIC: [u8; 8] = *b"PALLASDB";

/// The reason why bytes are not a supported `FORMAT` file.
#[derive(Debug, PartialEq, Eq)]
enum FormatFileError {
    NotAStore,
    Version(u32),
    Damaged,
}

/// Returns the contents of the `FORMAT` file of a store.
pub(crate) fn encode(store: StoreId) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&store);
    let check = check(&bytes[..48]);
    bytes[48..].copy_from_slice(&check);
    bytes
}

/// Reads magic and version first: their positions are the same in every version, while the rest of
/// the layout may differ.
fn decode(bytes: &[u8]) -> Result<StoreId, FormatFileError> {
    if bytes.len() < 12 || bytes[0..8] != MAGIC {
        return Err(FormatFileError::NotAStore);
    }
    let is_intact = bytes.len() == LENGTH && bytes[48..] == check(&bytes[..48]);
    match u32_at(bytes, 8) {
        VERSION if is_intact => Ok(array(bytes, 16)),
        VERSION => Err(FormatFileError::Damaged),
        other => Err(FormatFileError::Version(other)),
    }
}

/// Reads the id of the store on a disk.
///
/// # Errors
/// [`OpenError::NotAStore`], [`OpenError::Version`] or [`OpenError::Damaged`] if there is no valid
/// `FORMAT` file, and [`OpenError::Disk`].
pub(crate) fn read(disk: &dyn Disk) -> Result<StoreId, OpenError> {
    let path = disk.path(NAME);
    let failed = |error| DiskError::new(path.clone(), "read", error);
    let file = match disk.open(NAME) {
        Ok(file) => file,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                let reason = format!("it has no file {NAME}");
                return Err(OpenError::NotAStore { path: disk.path(""), reason });
            }
            _ => return Err(failed(error).into()),
        },
    };
    // One byte more than expected reveals a file that is too long.
    let length = file.len().map_err(failed)?.min(LENGTH as u64 + 1);
    let mut bytes = vec![0; length as usize];
    file.read_at(0, &mut bytes).map_err(failed)?;
    decode(&bytes).map_err(|error| match error {
        FormatFileError::NotAStore => OpenError::NotAStore {
            path: path.clone(),
            reason: "it belongs to another program".into(),
        },
        FormatFileError::Version(found) => {
            OpenError::Version { path: path.clone(), found, supported: VERSION }
        }
        FormatFileError::Damaged => {
            let reason = "the file fails its check".into();
            let advice = "nothing was changed; restore this file from a copy".into();
            let damage = StoreDamage { path: path.clone(), offset: 0, reason, advice };
            OpenError::Damaged { damage, usable: vec![] }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_rejected() {
        let bytes = encode([3; 16]);
        assert_eq!(decode(&bytes), Ok([3; 16]));
        for bit in 0..LENGTH * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).is_err(), "bit {bit}");
        }
        assert_eq!(decode(b""), Err(FormatFileError::NotAStore));
        assert_eq!(decode(&bytes[..20]), Err(FormatFileError::Damaged));
    }
}
