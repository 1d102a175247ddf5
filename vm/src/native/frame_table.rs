//! [`FrameTable`]: stack maps, which give the positions of values in frames of compiled code; and the
//! laws that compiled functions are of.

use plan::Map;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    /// The functions by the addresses at which their code begins.
    pub(super) functions: BTreeMap<usize, FunctionFacts>,
}

/// Facts about a compiled function.
#[derive(Clone, Copy, Debug)]
pub(super) struct FunctionFacts {
    /// The address after its code.
    pub(super) end: usize,
    /// The address of the constant that is its law, or the pin of the law.
    pub(super) law: usize,
}

impl FrameMaps {
    /// The start and the facts of the function that continues at that return address, if its law is
    /// known.
    pub(super) fn function_at(&self, return_address: usize) -> Option<(usize, FunctionFacts)> {
        // The return address of a call that ends the code is the address after it.
        let (start, facts) = self.functions.range(..return_address).next_back()?;
        (return_address <= facts.end).then_some((*start, *facts))
    }
}

/// The stack maps of all compiled code of a runtime, by return address. The compiler adds to it
/// from its own thread, always before the code is published.
#[derive(Default)]
pub struct FrameTable {
    pub(super) maps: RwLock<FrameMaps>,
    /// The addresses of compiled code: the first, and the one after the last.
    region: [AtomicUsize; 2],
}

impl FrameTable {
    /// Sets the addresses that all compiled code is in.
    pub fn set_region(&self, region: Range<usize>) {
        self.region[0].store(region.start, Ordering::Relaxed);
        self.region[1].store(region.end, Ordering::Relaxed);
    }

    /// The addresses that all compiled code is in. A signal handler may ask.
    pub(super) fn region(&self) -> Range<usize> {
        let [start, end] = &self.region;
        start.load(Ordering::Relaxed)..end.load(Ordering::Relaxed)
    }

    /// The address of the constant that is the law, or its pin, of the function that continues at a
    /// return address.
    pub(super) fn law_constant_at(&self, return_address: usize) -> Option<usize> {
        let table = self.maps.read().unwrap_or_else(PoisonError::into_inner);
        table.function_at(return_address).map(|(_, facts)| facts.law)
    }

    /// Adds the map of a call: `return_address` is the address after it, `span` the distance in
    /// bytes from the frame pointer down to the stack pointer, and `offsets` are those of the
    /// values from the stack pointer.
    ///
    /// # Safety
    /// During the call, exactly these slots of its frame hold values.
    pub unsafe fn add(&self, return_address: usize, span: u32, offsets: impl Iterator<Item = u32>) {
        let mut table = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        let first = table.offsets.len() as u32;
        table.offsets.extend(offsets);
        let count = table.offsets.len() as u32 - first;
        table.maps.insert(return_address, FrameMap { span, first, count });
    }

    /// Adds a function whose code has these addresses. `law` is the address of the word of a
    /// constant: the law whose code it is, or the pin of that law.
    ///
    /// # Safety
    /// The word is a value, and stays up to date, as long as a frame of the function exists.
    pub unsafe fn add_function(&self, code: Range<usize>, law: usize) {
        let mut table = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        table.functions.insert(code.start, FunctionFacts { end: code.end, law });
    }

    /// Removes the functions in these address ranges of code, and the maps of all calls in them.
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
        let mut table = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        let FrameMaps { maps, offsets, functions } = &mut *table;
        for range in &ranges {
            let dead: Vec<usize> =
                functions.range(range.clone()).map(|(start, _)| *start).collect();
            for start in dead {
                functions.remove(&start);
            }
        }
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
        self.maps.read().unwrap_or_else(PoisonError::into_inner).maps.len()
    }

    /// Whether the table has no maps.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
