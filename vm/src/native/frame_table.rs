//! [`FrameTable`]: stack maps, which give the positions of values in frames of compiled code.

use plan::Map;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

/// A stack map: the positions of the values in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameMap {
    /// The distance from the frame pointer down to the stack pointer, in bytes.
    pub(super) span: u32,
    /// The index of the first of the frame's offsets in [`FrameMaps::offsets`].
    pub(super) first: u32,
    /// The number of its offsets.
    pub(super) count: u32,
}

/// The stack maps by return address, and the offsets of all of them.
#[derive(Default)]
pub(super) struct FrameMaps {
    pub(super) maps: Map<usize, FrameMap>,
    pub(super) offsets: Vec<u32>,
}

/// The stack maps of all compiled code of a runtime, by return address. The compiler adds to it
/// from its own thread, always before the code is published.
#[derive(Default)]
pub struct FrameTable(pub(super) RwLock<FrameMaps>);

impl FrameTable {
    /// Adds the map of a call: `return_address` is the address after it, `span` the distance in
    /// bytes from the frame pointer down to the stack pointer, and `offsets` are those of the
    /// values from the stack pointer.
    ///
    /// # Safety
    /// During the call, exactly these slots of its frame hold values.
    pub unsafe fn add(&self, return_address: usize, span: u32, offsets: impl Iterator<Item = u32>) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let first = table.offsets.len() as u32;
        table.offsets.extend(offsets);
        let count = table.offsets.len() as u32 - first;
        table.maps.insert(return_address, FrameMap { span, first, count });
    }

    /// Removes the maps of all calls in these address ranges of code.
    ///
    /// # Safety
    /// Nothing runs that code any more.
    pub unsafe fn forget(&self, ranges: &[Range<usize>]) {
        let mut ranges = ranges.to_vec();
        ranges.sort_unstable_by_key(|range| range.start);
        // A return address may be the one after the last instruction of a range.
        let is_in = |address: usize| {
            let after = ranges.partition_point(|range| range.start < address);
            after > 0 && address <= ranges[after - 1].end
        };
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let FrameMaps { maps, offsets } = &mut *table;
        maps.retain(|address, _| !is_in(*address));
        let mut kept = Vec::with_capacity(offsets.len());
        for map in maps.values_mut() {
            let old = &offsets[map.first as usize..][..map.count as usize];
            map.first = kept.len() as u32;
            kept.extend_from_slice(old);
        }
        *offsets = kept;
    }

    /// The number of maps.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).maps.len()
    }

    /// Whether the table has no maps.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
