//! The state of the index: up to which group of the catalogue it goes, and how it hangs together.

use super::index::Shape;
use crate::error::DiskError;
use crate::frame::{short, u32_at, u64_at};
use crate::health::WriteError;
use crate::journal::Home;
use crate::space::catalogue::{End, Filled};

pub(crate) const NAME: &str = "index/state";
const MAGIC: [u8; 8] = *b"PALLASIX";
const VERSION: u32 = 3;
/// Bytes before the lists of the shape, and of the check behind them.
const HEAD: usize = 96;
const CHECK: usize = 16;

/// What the index had been told when it was last settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// All groups up to this one are in the index.
    pub(crate) covers: u64,
    /// How far bodies had been filled with that group.
    pub(crate) filled: Filled,
    /// The number of the newest gaps in the catalogue; 0 if there are none.
    pub(crate) gaps: u64,
}

impl Default for State {
    /// Of an index that has nothing.
    fn default() -> Self {
        Self { covers: 0, filled: Filled::NONE, gaps: 0 }
    }
}

impl State {
    /// Reads the state; none if there is none that can be believed.
    pub(crate) fn read(home: &Home) -> Option<(Self, Shape)> {
        let file = home.disk.open(NAME).ok()?;
        let mut bytes = vec![0; usize::try_from(file.len().ok()?).ok()?];
        file.read_at(0, &mut bytes).ok()?;
        let (told, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
        let ours = told.len() >= HEAD
            && check == short(&blake3::hash(told))
            && told[..8] == MAGIC
            && u32_at(told, 8) == VERSION
            && told[16..32] == home.store;
        ours.then(|| Self::decode(told)).flatten()
    }

    fn decode(told: &[u8]) -> Option<(Self, Shape)> {
        let number = |at: usize| u64_at(told, 32 + 8 * at);
        let end = End { slot: number(1), offset: number(2) };
        let filled = Filled { end, fill: number(3) };
        let state = Self { covers: number(0), filled, gaps: number(4) };
        let small = |at: usize| u32_at(told, 72 + 4 * at);
        let words: Vec<u32> = told[HEAD..].chunks_exact(4).map(|word| u32_at(word, 0)).collect();
        let (free, changed) = words.split_at_checked(small(2) as usize)?;
        let changed: Vec<(u32, u32)> =
            changed.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let whole = changed.len() == small(3) as usize;
        let shape = Shape { depth: small(0), count: small(1), free: free.to_vec(), changed };
        whole.then_some((state, shape))
    }

    /// Writes the state, durably.
    pub(crate) fn write(&self, home: &Home, shape: &Shape) -> Result<(), WriteError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(home.store);
        let Filled { end, fill } = self.filled;
        for number in [self.covers, end.slot, end.offset, fill, self.gaps] {
            bytes.extend(number.to_le_bytes());
        }
        let lengths = [shape.free.len() as u32, shape.changed.len() as u32];
        let small = [shape.depth, shape.count, lengths[0], lengths[1], 0, 0];
        let changed = shape.changed.iter().flat_map(|(place, number)| [*place, *number]);
        for number in small.into_iter().chain(shape.free.iter().copied()).chain(changed) {
            bytes.extend(number.to_le_bytes());
        }
        let check = short(&blake3::hash(&bytes));
        bytes.extend(check);
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
