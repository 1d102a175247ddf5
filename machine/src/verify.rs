//! Whether pins of a store are what their hashes say: what `persist` cannot know.
//!
//! Each pin is hashed by itself, with the hashes of those that it refers to, which have been verified
//! before. Nothing is loaded: the pins are mapped.

use persist::inspect::PinVerifier;
use std::sync::Arc;
use vm::jet::JetTable;
use vm::pinspace::Frozen;
use vm::{Options, Shape, Vm};

/// Verifies pins one after the other, each after those it refers to.
pub struct Verifier<P> {
    vm: Vm,
    progress: P,
}

impl<P: FnMut(u64)> Verifier<P> {
    /// A verifier that tells `progress` how many bytes are done.
    ///
    /// # Errors
    /// If the system does not grant the addresses of a stack.
    pub fn new(progress: P) -> std::io::Result<Verifier<P>> {
        let vm = Vm::new(Options::default(), Arc::new(JetTable::default()))?;
        Ok(Verifier { vm, progress })
    }
}

impl<P: FnMut(u64)> PinVerifier for Verifier<P> {
    fn pin(&mut self, pin: &Frozen) -> Result<(), String> {
        let adopted = self.vm.adopt(pin);
        let item = match self.vm.look(&adopted).shape() {
            Shape::Pin(pin) => self.vm.hold(pin.item()),
            _ => unreachable!("a pin was adopted"),
        };
        match self.vm.hash(&item) {
            Ok(found) if found == pin.hash() => Ok(()),
            Ok(found) => Err(format!("its value has the hash {found}")),
            Err(stop) => Err(stop.to_string()),
        }
    }

    fn progress(&mut self, bytes: u64) {
        (self.progress)(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Status;
    use crate::tests::rig::store_settings;
    use persist::sim::SimDisk;
    use persist::{Inspection, Seq, Store};
    use vm::Val;

    fn vm() -> Vm {
        Vm::new(Options::default(), Arc::default()).expect("there are addresses")
    }

    /// A store with this value as its state.
    fn store(make: impl FnOnce(&mut Vm) -> Val) -> SimDisk {
        let disk = SimDisk::new();
        let store = Store::create_on(Arc::new(disk.clone()), store_settings()).expect("room");
        let mut vm = vm();
        let value = make(&mut vm);
        let root = Status::Spinning(value).save(&mut vm, &store).expect("room");
        store.write_snapshot(&root, Seq::START).expect("room");
        store.close().expect("room");
        disk
    }

    fn check(disk: SimDisk) -> persist::inspect::CheckReport {
        let inspection = Inspection::open_on(Arc::new(disk)).expect("a store");
        let mut verifier = Verifier::new(|_| {}).expect("there are addresses");
        inspection.check(&mut verifier).expect("it can be read")
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
