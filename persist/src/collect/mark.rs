//! Marking: finds the pins that roots reach, by the edges in the catalogue.
//!
//! A first pass over the catalogue lists the addresses of all pins; a second one marks them. Both
//! go from the end to the start, so a pin comes after all pins that refer to it and its mark is
//! final when its entry is read. Edges are not kept in memory and bodies are not read: marking
//! takes 12 bytes and one bit per pin. Roots that are found later are marked by another pass.

use foldhash::HashMap;
use plan::pinspace::range::ALIGNMENT;

use crate::error::StoreReadError;
use crate::space::catalogue_reader::{BitSet, CatalogueReader, CatalogueSummary};
use crate::types::PinHash;

/// The root pin of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SnapshotRoot {
    pub(super) address: u64,
    pub(super) hash: PinHash,
}

/// A callback that gets the sequence of each entry that is read. An error ends the marking.
pub(super) type OnSequence<'a> = &'a mut dyn FnMut(u64) -> Result<(), StoreReadError>;

/// All live entries of the catalogue, and which of their pins the roots reach.
pub(super) struct MarkedPins {
    /// The addresses of the pins, ascending.
    addresses: Vec<u64>,
    /// The lengths of the pins' records, in units of [`ALIGNMENT`].
    lengths: Vec<u32>,
    marks: BitSet,
    pub(super) summary: CatalogueSummary,
    /// The total length of all entries, in bytes.
    pub(super) entry_bytes: u64,
    /// The total length of the entries of reached pins, in bytes.
    pub(super) reached_entry_bytes: u64,
    /// The roots that are not in the catalogue.
    pub(super) missing: Vec<SnapshotRoot>,
}

impl MarkedPins {
    /// Marks the pins that the roots reach.
    pub(super) fn find(
        reader: &CatalogueReader,
        roots: &[SnapshotRoot],
        on_sequence: OnSequence<'_>,
    ) -> Result<Self, StoreReadError> {
        let mut marked = Self::list(reader, on_sequence)?;
        marked.mark(reader, roots, on_sequence)?;
        Ok(marked)
    }

    /// Lists all pins without marks.
    pub(super) fn list(
        reader: &CatalogueReader,
        on_sequence: OnSequence<'_>,
    ) -> Result<Self, StoreReadError> {
        let mut pins: Vec<(u64, u32)> = Vec::new();
        let mut entry_bytes = 0;
        let summary = reader.for_each_backward(|sequence, entry, is_live| {
            on_sequence(sequence)?;
            entry_bytes += entry.len() as u64;
            if is_live {
                // A slot has 2^30 units, so the length fits.
                let length = entry.bytes().div_ceil(ALIGNMENT as u64) as u32;
                pins.push((entry.address(), length));
            }
            Ok(())
        })?;
        pins.sort_unstable();
        if let Some(two) = pins.windows(2).find(|two| end_of(two[0]) > two[1].0) {
            let reason = format!("two pins of the catalogue overlap, at {:#x}", two[1].0);
            return Err(reader.damage(reader.first(), reason));
        }
        let marks = BitSet::clear(pins.len());
        let (addresses, lengths) = pins.into_iter().unzip();
        let (reached_entry_bytes, missing) = (0, Vec::new());
        Ok(Self { addresses, lengths, marks, summary, entry_bytes, reached_entry_bytes, missing })
    }

    /// Marks what the roots and the pins that are marked already reach.
    pub(super) fn mark(
        &mut self,
        reader: &CatalogueReader,
        roots: &[SnapshotRoot],
        on_sequence: OnSequence<'_>,
    ) -> Result<(), StoreReadError> {
        self.reached_entry_bytes = 0;
        let mut missing: HashMap<u64, PinHash> =
            roots.iter().map(|root| (root.address, root.hash)).collect();
        let summary = reader.for_each_backward(|sequence, entry, is_live| {
            on_sequence(sequence)?;
            if !is_live {
                return Ok(());
            }
            let lost =
                || reader.damage(sequence, "two passes over the catalogue disagree about this pin");
            let pin = self.find_address(entry.address()).ok_or_else(lost)?;
            if missing.get(&entry.address()).is_some_and(|hash| *hash == entry.hash()) {
                missing.remove(&entry.address());
                self.marks.set(pin);
            }
            if !self.marks.get(pin) {
                return Ok(());
            }
            self.reached_entry_bytes += entry.len() as u64;
            for edge in entry.edges() {
                let target = self.find_address(edge).ok_or_else(|| {
                    let pin = plan::Hash(entry.hash());
                    let reason = format!("pin {pin} refers to {edge:#x}, where there is no pin");
                    reader.damage(sequence, reason)
                })?;
                self.marks.set(target);
            }
            Ok(())
        })?;
        debug_assert_eq!(summary, self.summary);
        let missing = missing.into_iter().map(|(address, hash)| SnapshotRoot { address, hash });
        self.missing = missing.collect();
        Ok(())
    }

    fn find_address(&self, address: u64) -> Option<usize> {
        self.addresses.binary_search(&address).ok()
    }

    /// Marks the pin whose record contains an address. Returns whether it was marked before; `None`
    /// if no pin contains the address. The next [`mark`](Self::mark) marks what it reaches.
    pub(super) fn mark_containing(&mut self, address: u64) -> Option<bool> {
        let pin = self.addresses.partition_point(|start| *start <= address).checked_sub(1)?;
        if address >= end_of((self.addresses[pin], self.lengths[pin])) {
            return None;
        }
        let was_marked = self.marks.get(pin);
        self.marks.set(pin);
        Some(was_marked)
    }

    /// Marks all pins whose address satisfies a condition.
    pub(super) fn mark_all(&mut self, condition: impl Fn(u64) -> bool) {
        for (pin, address) in self.addresses.iter().enumerate() {
            if condition(*address) {
                self.marks.set(pin);
            }
        }
    }

    /// Whether there is a pin at an address and the roots reach it.
    pub(super) fn is_reached(&self, address: u64) -> bool {
        self.find_address(address).is_some_and(|pin| self.marks.get(pin))
    }

    /// Returns start address, end address and mark of all pins, by ascending address.
    pub(super) fn pins(&self) -> impl Iterator<Item = (u64, u64, bool)> {
        let pins = self.addresses.iter().copied().zip(self.lengths.iter().copied());
        pins.enumerate().map(|(at, pin)| (pin.0, end_of(pin), self.marks.get(at)))
    }
}

fn end_of((address, length): (u64, u32)) -> u64 {
    address + u64::from(length) * ALIGNMENT as u64
}
