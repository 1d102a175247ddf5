//! [`FrameTable`]: where the values are in frames of compiled code.

use plan::Map;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

/// Where a frame's values are.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameMap {
    /// From the frame pointer down to the stack pointer, in bytes.
    pub(super) span: u32,
    pub(super) first: u32,
    pub(super) count: u32,
}

#[derive(Default)]
pub(super) struct Table {
    pub(super) maps: Map<usize, FrameMap>,
    pub(super) offsets: Vec<u32>,
}

/// The maps of all compiled code of a runtime, by return address. The compiler adds to it from its
/// own thread, always before the code can be reached.
#[derive(Default)]
pub struct FrameTable(pub(super) RwLock<Table>);

impl FrameTable {
    /// Adds the map of a call: the address after it, the bytes from the frame pointer down to the
    /// stack pointer, and the values' offsets from the stack pointer.
    ///
    /// # Safety
    /// When the call is under way, its frame has values in just these slots.
    pub unsafe fn add(&self, return_address: usize, span: u32, offsets: impl Iterator<Item = u32>) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let first = table.offsets.len() as u32;
        table.offsets.extend(offsets);
        let count = table.offsets.len() as u32 - first;
        table.maps.insert(return_address, FrameMap { span, first, count });
    }

    /// Forgets the maps of all calls in these pieces of code.
    ///
    /// # Safety
    /// Nothing runs that code any more.
    pub unsafe fn forget(&self, pieces: &[Range<usize>]) {
        let mut pieces = pieces.to_vec();
        pieces.sort_unstable_by_key(|piece| piece.start);
        // A return address may be the one after the last instruction.
        let is_in = |address: usize| {
            let after = pieces.partition_point(|piece| piece.start < address);
            after > 0 && address <= pieces[after - 1].end
        };
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Table { maps, offsets } = &mut *table;
        maps.retain(|address, _| !is_in(*address));
        let mut kept = Vec::with_capacity(offsets.len());
        for map in maps.values_mut() {
            let old = &offsets[map.first as usize..][..map.count as usize];
            map.first = kept.len() as u32;
            kept.extend_from_slice(old);
        }
        *offsets = kept;
    }

    /// How many maps there are.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).maps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
