//! Verification of stored pins: whether each pin has the hash that it is found by. `persist` cannot
//! know this, because it does not know PLAN values.
//!
//! Each pin is hashed by itself, from the hashes of the pins that it refers to, which were verified
//! before. The pins are mapped, not loaded.

use persist::inspect::PinVerifier;
use plan::pinspace::FrozenPin;
use plan::{HeapOptions, Shape};
use std::sync::Arc;
use vm::Vm;
use vm::jet::JetTable;

/// Verifies pins one by one, each after the pins that it refers to.
pub struct HashVerifier<P> {
    vm: Vm,
    progress: P,
}

impl<P: FnMut(u64)> HashVerifier<P> {
    /// A verifier that calls `progress` with the number of bytes verified so far.
    ///
    /// # Errors
    /// The system refuses the address space of the heap's stack.
    pub fn new(progress: P) -> std::io::Result<HashVerifier<P>> {
        Ok(HashVerifier { vm: new_heap()?, progress })
    }
}

fn new_heap() -> std::io::Result<Vm> {
    Vm::new(HeapOptions::default(), Arc::new(JetTable::default()))
}

impl<P: FnMut(u64)> PinVerifier for HashVerifier<P> {
    fn pin(&mut self, pin: &FrozenPin) -> Result<(), String> {
        let adopted = self.vm.adopt(pin);
        let item = match self.vm.look(&adopted).shape() {
            Shape::Pin(pin) => self.vm.hold(pin.item()),
            _ => unreachable!("a pin was adopted"),
        };
        let result = match self.vm.hash(&item) {
            Ok(found) if found == pin.hash() => Ok(()),
            Ok(found) => Err(format!("its value has the hash {found}")),
            Err(stop) => Err(stop.to_string()),
        };
        drop((item, adopted));
        if self.vm.check_damage().is_err() {
            // A page was lost since the pin was verified. The heap cannot be used for other pins.
            self.vm = new_heap().map_err(|error| error.to_string())?;
        }
        result
    }

    fn progress(&mut self, bytes: u64) {
        (self.progress)(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conventions::ProgramConventions;
    use crate::status::{CogStatus, MachineState};
    use crate::tests::harness::store_settings;
    use persist::sim::SimDisk;
    use persist::{Seq, Store, StoreInspection};
    use plan::Val;

    fn vm() -> Vm {
        Vm::new(HeapOptions::default(), Arc::default()).expect("address space")
    }

    /// A store with this value as its state.
    fn store(make: impl FnOnce(&mut Vm) -> Val) -> SimDisk {
        let disk = SimDisk::new();
        let store = Store::create_on(Arc::new(disk.clone()), store_settings()).expect("room");
        let mut vm = vm();
        let value = make(&mut vm);
        let status = CogStatus::Running(value);
        let state = MachineState { status, conventions: ProgramConventions::default() };
        let root = state.save(&mut vm, &store).expect("room");
        store.write_snapshot(&root, Seq::START).expect("room");
        store.close().expect("room");
        disk
    }

    fn check(disk: SimDisk) -> persist::inspect::CheckReport {
        let inspection = StoreInspection::open_on(Arc::new(disk)).expect("a store");
        let mut verifier = HashVerifier::new(|_| {}).expect("address space");
        inspection.check(&mut verifier).expect("readable")
    }

    /// A pin of a pin of a nat.
    fn pins(vm: &mut Vm, of: u64) -> Val {
        let nat = vm.nat(of);
        let inner = vm.pin(&nat).expect("room");
        vm.pin(&inner).expect("room")
    }

    #[test]
    fn pins_are_verified_one_by_one() {
        let report = check(store(|vm| {
            let items: Vec<Val> = (0..5).map(|nat| pins(vm, nat)).collect();
            vm.row(&items).expect("room")
        }));
        assert_eq!(report.findings, []);
        assert_eq!(report.pins, 11);
    }

    #[test]
    fn a_set_whose_keys_are_pins_is_no_damage() {
        let report = check(store(|vm| {
            let keys: Vec<Val> = (0..9).map(|nat| pins(vm, nat)).collect();
            let head = [1, 2].map(|part| vm.nat(part));
            let keys = vm.row(&keys).expect("room");
            vm.build(|b| {
                b.push(&head[0]);
                b.push(&head[1]);
                b.push(&keys);
                b.law()
            })
            .expect("room")
        }));
        assert_eq!(report.findings, []);
    }
}
