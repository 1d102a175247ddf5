//! Values that cross between heaps in parts: pins apart from what refers to them, so that a heap
//! that has a pin does not get it again.
//!
//! Programs consist of pins, so many values share most of theirs: the code of a thousand drivers is
//! packed once, and loaded once into a heap. A [`PinPacker`] remembers the pins that it has packed,
//! and a [`PinLoader`] those that it has loaded, both up to a limit of bytes.
//!
//! A pin is packed as a germ, whose holes are the pins that it refers to directly. [`message`] packs
//! small values in a form of their own.

mod message;

pub(crate) use message::PackedMessage;

use plan::seed::{self, LoadError, SaveError};
use plan::{EvalError, Hash, Map, PinRef, Shape, Val};
use std::collections::HashSet;
use std::sync::Arc;
use vm::Vm;

/// About the most bytes of pins that are remembered.
const REMEMBERED_BYTES: usize = 16 << 20;

/// A pin without the pins that it refers to.
struct PackedPin {
    hash: Hash,
    holes: Vec<Hash>,
    germ: Vec<u8>,
}

/// A pin and all pins in it.
struct PackedClosure {
    hash: Hash,
    /// Each comes after those that it refers to. The last one is the pin itself.
    pins: Vec<Arc<PackedPin>>,
    /// The size of the germs, in bytes.
    size: usize,
}

/// A value in parts. It belongs to no heap.
pub(crate) struct PackedValue {
    /// All pins in the value. Each comes after those that it refers to.
    pins: Vec<Arc<PackedPin>>,
    /// The pins that the value refers to directly.
    holes: Vec<Hash>,
    germ: Vec<u8>,
}

impl PackedValue {
    /// The size in bytes, without pins.
    pub(crate) fn own_size(&self) -> usize {
        self.germ.len()
    }

    /// The size in bytes, with all pins.
    pub(crate) fn size(&self) -> usize {
        self.germ.len() + size(&self.pins)
    }
}

fn size(pins: &[Arc<PackedPin>]) -> usize {
    pins.iter().map(|pin| pin.germ.len()).sum()
}

/// Packs values of one heap.
#[derive(Default)]
pub(crate) struct PinPacker {
    packed: Map<Hash, Arc<PackedPin>>,
    /// The pins that messages referred to directly.
    closures: Map<Hash, Arc<PackedClosure>>,
    bytes: usize,
}

impl PinPacker {
    /// Packs a value, which must be in normal form.
    ///
    /// # Errors
    /// The value has too many parts.
    pub(crate) fn pack(&mut self, vm: &mut Vm, value: &Val) -> Result<PackedValue, SaveError> {
        let packed = match self.pack_in_parts(vm, value) {
            // A pin that cannot be hashed stays where it is in the value.
            Err(SaveError::PinTooLarge { .. }) => {
                let germ = seed::save(vm, value)?;
                Ok(PackedValue { pins: Vec::new(), holes: Vec::new(), germ })
            }
            packed => packed,
        };
        self.limit_memory();
        packed
    }

    fn pack_in_parts(&mut self, vm: &mut Vm, value: &Val) -> Result<PackedValue, SaveError> {
        let root = vm.pin(value)?;
        let (holes, germ) = seed::save_germ(vm, &root)?;
        let edges = match vm.look(&root).shape() {
            Shape::Pin(pin) => edges(vm, pin)?,
            _ => Vec::new(),
        };
        let pins = self.pins_in(vm, edges)?;
        Ok(PackedValue { pins, holes, germ })
    }

    /// Packs pins and all pins in them. Each comes after those that it refers to.
    fn pins_in(&mut self, vm: &Vm, roots: Vec<Val>) -> Result<Vec<Arc<PackedPin>>, SaveError> {
        let mut pins = Vec::new();
        let mut seen = HashSet::new();
        // A pin comes a second time after the pins that it refers to.
        let mut pending: Vec<(Val, Option<Arc<PackedPin>>)> =
            roots.into_iter().map(|root| (root, None)).collect();
        while let Some((pin, packed)) = pending.pop() {
            if let Some(packed) = packed {
                pins.push(packed);
                continue;
            }
            let Shape::Pin(shape) = vm.look(&pin).shape() else { continue };
            let hash = shape.hash()?;
            if !seen.insert(hash) {
                continue;
            }
            let packed = match self.packed.get(&hash) {
                Some(packed) => Arc::clone(packed),
                None => {
                    let (holes, germ) = seed::save_germ(vm, &pin)?;
                    self.bytes += germ.len();
                    let packed = Arc::new(PackedPin { hash, holes, germ });
                    self.packed.insert(hash, Arc::clone(&packed));
                    packed
                }
            };
            pending.push((pin.clone(), Some(packed)));
            pending.extend(edges(vm, shape)?.into_iter().map(|edge| (edge, None)));
        }
        Ok(pins)
    }

    /// Packs a pin and all pins in it.
    fn closure(&mut self, vm: &Vm, pin: PinRef<'_>) -> Result<Arc<PackedClosure>, SaveError> {
        let hash = pin.hash()?;
        if let Some(closure) = self.closures.get(&hash) {
            return Ok(Arc::clone(closure));
        }
        let pins = self.pins_in(vm, vec![vm.hold(pin.value())])?;
        self.bytes += size_of_val(&*pins);
        let closure = Arc::new(PackedClosure { hash, size: size(&pins), pins });
        self.closures.insert(hash, Arc::clone(&closure));
        Ok(closure)
    }

    /// Forgets everything if that takes too much memory.
    fn limit_memory(&mut self) {
        if self.bytes > REMEMBERED_BYTES {
            *self = PinPacker::default();
        }
    }
}

/// The pins that a pin refers to directly.
fn edges(vm: &Vm, pin: PinRef<'_>) -> Result<Vec<Val>, EvalError> {
    let edges = seed::edges(pin)?.into_iter().map(PinRef::value);
    Ok(edges.map(|edge| vm.hold(edge)).collect())
}

/// Loads values into one heap.
#[derive(Default)]
pub(crate) struct PinLoader {
    loaded: Map<Hash, Val>,
    bytes: usize,
}

impl PinLoader {
    /// Builds a value in the heap of `vm`, always the same one.
    ///
    /// # Errors
    /// There is no room for the value.
    pub(crate) fn load(&mut self, vm: &mut Vm, value: &PackedValue) -> Result<Val, LoadError> {
        self.load_pins(vm, &value.pins)?;
        let loaded = self.load_germ(vm, &value.holes, &value.germ);
        self.limit_memory();
        loaded
    }

    /// Builds a pin, always in the same heap.
    fn load_closure(&mut self, vm: &mut Vm, closure: &PackedClosure) -> Result<Val, LoadError> {
        if let Some(pin) = self.loaded.get(&closure.hash) {
            return Ok(pin.clone());
        }
        self.load_pins(vm, &closure.pins)?;
        // The last of the pins is the pin itself.
        self.loaded.get(&closure.hash).cloned().ok_or_else(|| no_room(EvalError::OutOfMemory))
    }

    fn load_pins(&mut self, vm: &mut Vm, pins: &[Arc<PackedPin>]) -> Result<(), LoadError> {
        for pin in pins {
            if self.loaded.contains_key(&pin.hash) {
                continue;
            }
            let item = self.load_germ(vm, &pin.holes, &pin.germ)?;
            let loaded = vm.build(|builder| {
                builder.push(&item);
                builder.pin()
            });
            self.bytes += pin.germ.len();
            self.loaded.insert(pin.hash, loaded.map_err(no_room)?);
        }
        Ok(())
    }

    fn load_germ(&self, vm: &mut Vm, holes: &[Hash], germ: &[u8]) -> Result<Val, LoadError> {
        // The packer puts the pins in the holes first. A missing one is an error of the germ.
        let holes: Vec<Val> =
            holes.iter().filter_map(|hash| self.loaded.get(hash).cloned()).collect();
        seed::load_germ(vm, &holes, germ)
    }

    /// Forgets everything if that keeps too much memory.
    fn limit_memory(&mut self) {
        if self.bytes > REMEMBERED_BYTES {
            *self = PinLoader::default();
        }
    }
}

fn no_room(error: EvalError) -> LoadError {
    LoadError { offset: 0, problem: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::terms::{PlanExpr, arg, law, nat, options, row};
    use runtime::RuntimeBuilder;

    fn heap() -> Vm {
        RuntimeBuilder::bare().heap(options()).build().expect("a small heap").into()
    }

    fn pin(item: PlanExpr) -> PlanExpr {
        PlanExpr::Pin(Box::new(item))
    }

    /// Packs a value, and loads it into a heap.
    fn moved(
        (packer, from): (&mut PinPacker, &mut Vm),
        (loader, to): (&mut PinLoader, &mut Vm),
        value: &PlanExpr,
    ) -> PackedValue {
        let value = value.value(from);
        let packed = packer.pack(from, &value).expect("small");
        let loaded = loader.load(to, &packed).expect("room");
        let bytes = |vm: &Vm, value: &Val| seed::save(vm, value).expect("small");
        assert_eq!(bytes(from, &value), bytes(to, &loaded));
        packed
    }

    #[test]
    fn a_value_is_the_same_after_the_move_and_pins_move_once() {
        let (mut packer, mut from, mut loader, mut to) =
            (PinPacker::default(), heap(), PinLoader::default(), heap());
        let code = pin(law(1, arg(1)));
        let inner = pin(row([code.clone(), nat(7)]));
        let first = row([nat(1), inner.clone(), code.clone(), inner.clone()]);
        let second = row([pin(row([inner, code])), nat(2)]);
        for value in [&nat(5), &PlanExpr::Bar(vec![7; 100]), &law(2, arg(2))] {
            let packed = moved((&mut packer, &mut from), (&mut loader, &mut to), value);
            assert!(packed.pins.is_empty());
        }
        let packed = moved((&mut packer, &mut from), (&mut loader, &mut to), &first);
        assert_eq!((packed.pins.len(), packed.holes.len()), (2, 2));
        let loaded = loader.loaded.len();
        let packed = moved((&mut packer, &mut from), (&mut loader, &mut to), &second);
        assert_eq!((packed.pins.len(), packed.holes.len()), (3, 1));
        assert_eq!((loaded, loader.loaded.len(), packer.packed.len()), (2, 3, 3));
    }

    #[test]
    fn more_pins_than_are_remembered_are_moved_all_the_same() {
        let (mut packer, mut from, mut loader, mut to) =
            (PinPacker::default(), heap(), PinLoader::default(), heap());
        for number in 0..4 {
            let large = pin(PlanExpr::Bar(vec![number; REMEMBERED_BYTES / 2]));
            let value = row([large.clone(), pin(row([large]))]);
            let packed = moved((&mut packer, &mut from), (&mut loader, &mut to), &value);
            assert_eq!(packed.pins.len(), 2);
            assert!(packer.bytes <= 2 * REMEMBERED_BYTES && loader.bytes <= 2 * REMEMBERED_BYTES);
        }
    }

    #[test]
    fn a_long_chain_of_pins_is_moved() {
        let (mut packer, mut from, mut loader, mut to) =
            (PinPacker::default(), heap(), PinLoader::default(), heap());
        let mut value = from.nat(0);
        for _ in 0..20_000 {
            let inner = from.row(&[value]).expect("room");
            value = from.pin(&inner).expect("room");
        }
        let packed = packer.pack(&mut from, &value).expect("small");
        assert_eq!(packed.pins.len(), 20_000);
        let loaded = loader.load(&mut to, &packed).expect("room");
        assert_eq!(from.hash(&value).expect("small"), to.hash(&loaded).expect("small"));
    }
}
