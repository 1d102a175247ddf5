//! The index's checkpoint on disk: the catalogue groups that the index covers, and its shape.

use super::catalogue::{BodyEnd, HighWaterMark};
use super::index::IndexShape;
use super::layout::{INDEX_DIR, INDEX_STATE};
use crate::context::StoreContext;
use crate::encoding::{check, u32_at, u64_at};
use crate::error::DiskError;
use crate::health::WriteError;

const MAGIC: [u8; 8] = *b"PALLASIX";
const VERSION: u32 = 3;
/// The length of the fixed fields, in bytes. The lists of the shape and the check follow.
const HEAD: usize = 96;
const CHECK: usize = 16;

/// The part of the catalogue that the index covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexState {
    /// The index contains all groups up to this one.
    pub(crate) covers: u64,
    /// The high-water mark after that group.
    pub(crate) high_water: HighWaterMark,
    /// The sequence of the newest gaps in the catalogue; 0 if there are none.
    pub(crate) gaps: u64,
}

impl Default for IndexState {
    /// Returns the state of an empty index.
    fn default() -> Self {
        Self { covers: 0, high_water: HighWaterMark::NONE, gaps: 0 }
    }
}

impl IndexState {
    /// Reads the last checkpoint. Returns `None` if there is no valid one.
    pub(crate) fn read(context: &StoreContext) -> Option<(Self, IndexShape)> {
        let file = context.disk.open(INDEX_STATE).ok()?;
        let mut bytes = vec![0; usize::try_from(file.len().ok()?).ok()?];
        file.read_at(0, &mut bytes).ok()?;
        let (fields, stored_check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
        let is_valid = fields.len() >= HEAD
            && stored_check == check(fields)
            && fields[..8] == MAGIC
            && u32_at(fields, 8) == VERSION
            && fields[16..32] == context.store;
        is_valid.then(|| Self::decode(fields)).flatten()
    }

    fn decode(fields: &[u8]) -> Option<(Self, IndexShape)> {
        let number = |at: usize| u64_at(fields, 32 + 8 * at);
        let end = BodyEnd { slot: number(1), offset: number(2) };
        let high_water = HighWaterMark { end, fill: number(3) };
        let state = Self { covers: number(0), high_water, gaps: number(4) };
        let small = |at: usize| u32_at(fields, 72 + 4 * at);
        let words: Vec<u32> = fields[HEAD..].chunks_exact(4).map(|word| u32_at(word, 0)).collect();
        let (free, changed) = words.split_at_checked(small(2) as usize)?;
        let changed: Vec<(u32, u32)> =
            changed.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let is_complete = changed.len() == small(3) as usize;
        let shape = IndexShape { depth: small(0), count: small(1), free: free.to_vec(), changed };
        is_complete.then_some((state, shape))
    }

    /// Writes a checkpoint, durably.
    pub(crate) fn write(
        &self,
        context: &StoreContext,
        shape: &IndexShape,
    ) -> Result<(), WriteError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(context.store);
        let HighWaterMark { end, fill } = self.high_water;
        for number in [self.covers, end.slot, end.offset, fill, self.gaps] {
            bytes.extend(number.to_le_bytes());
        }
        let lengths = [shape.free.len() as u32, shape.changed.len() as u32];
        let small = [shape.depth, shape.count, lengths[0], lengths[1], 0, 0];
        let changed = shape.changed.iter().flat_map(|(entry, page)| [*entry, *page]);
        for number in small.into_iter().chain(shape.free.iter().copied()).chain(changed) {
            bytes.extend(number.to_le_bytes());
        }
        let check = check(&bytes);
        bytes.extend(check);
        context.publish(INDEX_DIR, INDEX_STATE, &bytes).map(drop)
    }

    /// Removes the checkpoint, durably.
    pub(crate) fn remove(context: &StoreContext) -> Result<(), DiskError> {
        match context.disk.remove(INDEX_STATE) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(context.error(INDEX_STATE, "remove", error))
            }
            _ => context.sync_dir(INDEX_DIR),
        }
    }
}
