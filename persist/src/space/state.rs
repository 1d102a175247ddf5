//! The state of the index: up to which group of the catalogue it goes, and whether to believe it.

use crate::Hash;
use crate::error::DiskError;
use crate::frame::{VERSION, array, short, u32_at, u64_at};
use crate::health::WriteError;
use crate::journal::Home;
use crate::space::catalogue::End;

pub(crate) const NAME: &str = "index/state";
const MAGIC: [u8; 8] = *b"PALLASIX";
const LENGTH: usize = 112;

/// What the state file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// All groups up to this one are in the index.
    pub(crate) covers: u64,
    /// Where bodies ended after that group.
    pub(crate) end: End,
    /// The run of the system in which it is being changed; none if it is durable as it is.
    pub(crate) changing: Option<Hash>,
}

impl Default for State {
    /// Of an index that has nothing.
    fn default() -> Self {
        Self { covers: 0, end: End { slot: 0, offset: 0 }, changing: None }
    }
}

impl State {
    /// Reads the state; none if there is none that can be believed.
    pub(crate) fn read(home: &Home) -> Option<Self> {
        let file = home.disk.open(NAME).ok()?;
        let mut bytes = [0; LENGTH];
        file.read_at(0, &mut bytes).ok()?;
        let whole = bytes[96..] == short(&blake3::hash(&bytes[..96]));
        let ours =
            bytes[..8] == MAGIC && u32_at(&bytes, 8) == VERSION && bytes[16..32] == home.store;
        let end = End { slot: u64_at(&bytes, 40), offset: u64_at(&bytes, 48) };
        let changing = Some(array(&bytes, 64)).filter(|boot| *boot != [0; 32]);
        // After another start of the system, some of what was written may be missing.
        let believed = changing.is_none() || changing == home.disk.boot();
        (whole && ours && believed).then_some(Self { covers: u64_at(&bytes, 32), end, changing })
    }

    /// Writes the state, durably.
    pub(crate) fn write(&self, home: &Home) -> Result<(), WriteError> {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&home.store);
        for (at, number) in [self.covers, self.end.slot, self.end.offset].into_iter().enumerate() {
            bytes[32 + 8 * at..40 + 8 * at].copy_from_slice(&number.to_le_bytes());
        }
        // Where the system's runs cannot be told apart, none is the same as this.
        bytes[64..96].copy_from_slice(&self.changing.unwrap_or_default());
        let check = short(&blake3::hash(&bytes[..96]));
        bytes[96..].copy_from_slice(&check);
        home.publish(super::INDEX_DIR, NAME, &bytes).map(drop)
    }

    /// Makes the state count for nothing.
    pub(crate) fn remove(home: &Home) -> Result<(), DiskError> {
        match home.disk.remove(NAME) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(home.error(NAME, "remove", error))
            }
            _ => home
                .disk
                .sync_dir(super::INDEX_DIR)
                .map_err(|error| home.error(super::INDEX_DIR, "flush", error)),
        }
    }
}
