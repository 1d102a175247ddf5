//! The state of the index: up to which group of the catalogue it goes, and whether to believe it.

use crate::Hash;
use crate::error::DiskError;
use crate::frame::{array, short, u32_at, u64_at};
use crate::health::WriteError;
use crate::journal::Home;
use crate::space::catalogue::{End, Filled};

pub(crate) const NAME: &str = "index/state";
const MAGIC: [u8; 8] = *b"PALLASIX";
const VERSION: u32 = 2;
const LENGTH: usize = 128;

/// What the state file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// All groups up to this one are in the index.
    pub(crate) covers: u64,
    /// How far bodies had been filled with that group.
    pub(crate) filled: Filled,
    /// The number of the newest gaps in the catalogue; 0 if there are none.
    pub(crate) gaps: u64,
    /// The run of the system in which it is being changed; none if it is durable as it is.
    pub(crate) changing: Option<Hash>,
}

impl Default for State {
    /// Of an index that has nothing.
    fn default() -> Self {
        Self { covers: 0, filled: Filled::NONE, gaps: 0, changing: None }
    }
}

impl State {
    /// Reads the state; none if there is none that can be believed.
    pub(crate) fn read(home: &Home) -> Option<Self> {
        let file = home.disk.open(NAME).ok()?;
        let mut bytes = [0; LENGTH];
        file.read_at(0, &mut bytes).ok()?;
        let whole = bytes[112..] == short(&blake3::hash(&bytes[..112]));
        let ours =
            bytes[..8] == MAGIC && u32_at(&bytes, 8) == VERSION && bytes[16..32] == home.store;
        let number = |at: usize| u64_at(&bytes, 32 + 8 * at);
        let end = End { slot: number(1), offset: number(2) };
        let filled = Filled { end, fill: number(3) };
        let changing = Some(array(&bytes, 80)).filter(|boot| *boot != [0; 32]);
        // After another start of the system, some of what was written may be missing.
        let believed = changing.is_none() || changing == home.disk.boot();
        let state = Self { covers: number(0), filled, gaps: number(4), changing };
        (whole && ours && believed).then_some(state)
    }

    /// Writes the state, durably.
    pub(crate) fn write(&self, home: &Home) -> Result<(), WriteError> {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&home.store);
        let Filled { end, fill } = self.filled;
        let numbers = [self.covers, end.slot, end.offset, fill, self.gaps];
        for (at, number) in numbers.into_iter().enumerate() {
            bytes[32 + 8 * at..40 + 8 * at].copy_from_slice(&number.to_le_bytes());
        }
        // Where the system's runs cannot be told apart, none is the same as this.
        bytes[80..112].copy_from_slice(&self.changing.unwrap_or_default());
        let check = short(&blake3::hash(&bytes[..112]));
        bytes[112..].copy_from_slice(&check);
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
