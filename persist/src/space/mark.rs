//! What roots reach, by the edges in the catalogue.
//!
//! One pass over the catalogue lists where the pins are; a second one, both from the end, marks them: a
//! pin is met after all those that refer to it, so its mark is complete when it is. Edges are
//! never held in memory, and bodies never read: 12 bytes and a bit for each pin.

use std::collections::HashMap;

use vm::pinspace::range::ALIGNMENT;

use super::pages::{Bits, Newest, Pages};
use crate::Hash;
use crate::error::ReadError;

/// A pin that everything begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) address: u64,
    pub(crate) hash: Hash,
}

/// A pass over the catalogue: called with the sequences that are left.
pub(crate) type OnFrame<'a> = &'a mut dyn FnMut(u64);

/// All pins that count, by address, and which of them are reached.
pub(crate) struct Marked {
    addresses: Vec<u64>,
    /// Multiples of the alignment that each takes.
    lines: Vec<u32>,
    marks: Bits,
    pub(crate) newest: Newest,
    /// Bytes of all entries, and of those that are reached.
    pub(crate) entry_bytes: u64,
    pub(crate) reached_entry_bytes: u64,
    /// Roots that there are no pins for.
    pub(crate) missing: Vec<Root>,
}

impl Marked {
    /// Marks what these roots reach.
    pub(crate) fn find(
        pages: &Pages,
        roots: &[Root],
        on_frame: OnFrame<'_>,
    ) -> Result<Self, ReadError> {
        let mut marked = Self::list(pages, on_frame)?;
        marked.mark(pages, roots, on_frame)?;
        Ok(marked)
    }

    fn list(pages: &Pages, on_frame: OnFrame<'_>) -> Result<Self, ReadError> {
        let mut places: Vec<(u64, u32)> = Vec::new();
        let mut entry_bytes = 0;
        let newest = pages.backwards(|sequence, entry, counts| {
            on_frame(sequence);
            entry_bytes += entry.len() as u64;
            if counts {
                // A slot has 2^30 lines.
                let lines = entry.bytes().div_ceil(ALIGNMENT as u64) as u32;
                places.push((entry.address(), lines));
            }
            Ok(())
        })?;
        places.sort_unstable();
        if let Some(two) = places.windows(2).find(|two| end_of(two[0]) > two[1].0) {
            let reason = format!("two pins of the catalogue overlap, at {:#x}", two[1].0);
            return Err(pages.damage(pages.first(), reason));
        }
        let marks = Bits::clear(places.len());
        let (addresses, lines) = places.into_iter().unzip();
        let (reached_entry_bytes, missing) = (0, Vec::new());
        Ok(Self { addresses, lines, marks, newest, entry_bytes, reached_entry_bytes, missing })
    }

    fn mark(
        &mut self,
        pages: &Pages,
        roots: &[Root],
        on_frame: OnFrame<'_>,
    ) -> Result<(), ReadError> {
        let mut missing: HashMap<u64, Hash> =
            roots.iter().map(|root| (root.address, root.hash)).collect();
        let newest = pages.backwards(|sequence, entry, counts| {
            on_frame(sequence);
            if !counts {
                return Ok(());
            }
            let lost = || pages.damage(sequence, "a pin is not where the catalogue has just said");
            let place = self.find_address(entry.address()).ok_or_else(lost)?;
            if missing.get(&entry.address()).is_some_and(|hash| *hash == entry.hash()) {
                missing.remove(&entry.address());
                self.marks.set(place);
            }
            if !self.marks.get(place) {
                return Ok(());
            }
            self.reached_entry_bytes += entry.len() as u64;
            for edge in entry.edges() {
                let at = self.find_address(edge).ok_or_else(|| {
                    let pin = vm::Hash(entry.hash());
                    let reason = format!("pin {pin} refers to {edge:#x}, where there is no pin");
                    pages.damage(sequence, reason)
                })?;
                self.marks.set(at);
            }
            Ok(())
        })?;
        debug_assert_eq!(newest, self.newest);
        let missing = missing.into_iter().map(|(address, hash)| Root { address, hash });
        self.missing = missing.collect();
        Ok(())
    }

    fn find_address(&self, address: u64) -> Option<usize> {
        self.addresses.binary_search(&address).ok()
    }

    /// Whether the pin at that address is there and reached.
    pub(crate) fn is_reached(&self, address: u64) -> bool {
        self.find_address(address).is_some_and(|place| self.marks.get(place))
    }

    /// Where pins begin and end, in the order of addresses, and whether each is reached.
    pub(crate) fn pins(&self) -> impl Iterator<Item = (u64, u64, bool)> {
        let places = self.addresses.iter().copied().zip(self.lines.iter().copied());
        places.enumerate().map(|(at, place)| (place.0, end_of(place), self.marks.get(at)))
    }
}

fn end_of((address, lines): (u64, u32)) -> u64 {
    address + u64::from(lines) * ALIGNMENT as u64
}
