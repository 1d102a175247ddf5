//! [`FrozenJets`]: the jets of the frozen pins that were called.
//!
//! A pin of the heap holds the number of its jet. A frozen pin is shared by heaps with different
//! jets, so its jet is found by the hash of its law. This direct-mapped cache keeps what was found,
//! also that there is none. Frozen objects do not move; a full collection may release a pin space
//! whose addresses are then used again, so it empties the cache.

use std::cell::Cell;

/// The number of slots, which take 16 KiB.
const SLOTS: usize = 1 << 10;

/// A slot: the address of a pin, and the number of its jet plus one, or 0 if it has none.
type Slot = Cell<(usize, u32)>;

/// No pin has the address 0.
const EMPTY: (usize, u32) = (0, 0);

/// The jets of frozen pins, by the pins' addresses.
pub(crate) struct FrozenJets(Box<[Slot; SLOTS]>);

impl Default for FrozenJets {
    fn default() -> FrozenJets {
        FrozenJets(Box::new([const { Cell::new(EMPTY) }; SLOTS]))
    }
}

impl FrozenJets {
    fn slot(&self, pin: usize) -> &Slot {
        &self.0[(pin >> 3 ^ pin >> 13) % SLOTS]
    }

    /// The number of the jet of the pin at an address; the outer `None` if the pin is not in the
    /// cache.
    #[inline(always)]
    #[allow(clippy::option_option, reason = "a pin that is known may have no jet")]
    pub(crate) fn get(&self, pin: usize) -> Option<Option<u32>> {
        let (address, number) = self.slot(pin).get();
        (address == pin).then(|| number.checked_sub(1))
    }

    /// Stores the number of a pin's jet, or that it has none.
    pub(crate) fn set(&self, pin: usize, jet: Option<u32>) {
        self.slot(pin).set((pin, jet.map_or(0, |jet| jet + 1)));
    }

    /// Empties the cache.
    pub(crate) fn clear(&self) {
        self.0.iter().for_each(|slot| slot.set(EMPTY));
    }
}

#[cfg(test)]
mod tests {
    use super::FrozenJets;

    #[test]
    fn a_pin_without_a_jet_is_known_until_the_cache_is_emptied() {
        let jets = FrozenJets::default();
        assert_eq!(jets.get(8), None);
        jets.set(8, None);
        jets.set(16, Some(0));
        assert_eq!((jets.get(8), jets.get(16)), (Some(None), Some(Some(0))));
        // This pin takes the slot of another one.
        jets.set(8 + (1 << 13) + (1 << 3), Some(7));
        jets.clear();
        assert_eq!((jets.get(8), jets.get(16)), (None, None));
    }
}
