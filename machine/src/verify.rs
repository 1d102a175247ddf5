//! Whether stored pins are what their hashes say: what `persist` cannot know, as it stores bytes.
//!
//! Each pin is decoded by itself, with stand-ins for the pins that it refers to, of which its hash needs
//! no more than theirs; so a store of any size is checked in the memory of its largest pin. There is
//! one exception: the keys of a set are compared when it is made, and pins are compared by what they
//! pin. So a pin that seems wrong is decoded again with the pins themselves, and only then is it
//! wrong.

use crate::error::StateError;
use crate::state::load_pin;
use persist::StoredPin;
use persist::inspect::{Fetch, Judge, Verdict};
use std::path::PathBuf;
use std::sync::Arc;
use vm::jet::JetTable;
use vm::{Hash, Options, Vm, seed};

/// Verifies pins one after the other, each after those it refers to.
pub struct Verifier<P> {
    path: PathBuf,
    vm: Vm,
    progress: P,
}

impl<P: FnMut(u64)> Verifier<P> {
    /// A verifier of the pins of the store at `path`, that tells `progress` how many bytes are done.
    ///
    /// # Errors
    /// If the system does not grant the addresses of a stack.
    pub fn new(path: impl Into<PathBuf>, progress: P) -> std::io::Result<Verifier<P>> {
        let vm = Vm::new(Options::default(), Arc::new(JetTable::default()))?;
        Ok(Verifier { path: path.into(), vm, progress })
    }

    /// The hash of a pin by itself, if it can be had so.
    fn hash(&mut self, pin: &StoredPin) -> Option<Hash> {
        let holes = pin.edges.iter().map(|edge| self.vm.stand_in(Hash(*edge)).ok());
        let holes: Vec<_> = holes.collect::<Option<_>>()?;
        let item = seed::load_germ(&mut self.vm, &holes, &pin.body).ok()?;
        self.vm.hash(&item).ok()
    }
}

impl<P: FnMut(u64)> Judge for Verifier<P> {
    fn pin(&mut self, hash: &[u8; 32], pin: &StoredPin) -> Verdict {
        let is_whole = self.hash(pin).is_some_and(|found| found.as_bytes() == hash);
        if is_whole { Verdict::Whole } else { Verdict::Unsure }
    }

    fn settle(&mut self, hash: &[u8; 32], fetch: &mut Fetch<'_>) -> Result<(), String> {
        match load_pin(&mut self.vm, &self.path, fetch, Hash(*hash)) {
            Err(StateError::WrongHash { hash: of, found, .. }) if of.as_bytes() == hash => {
                Err(format!("its value has the hash {found}"))
            }
            Err(StateError::Load { hash: of, problem, .. }) if of.as_bytes() == hash => {
                Err(problem)
            }
            // Damage elsewhere is told of where it is, and says nothing of this pin.
            Ok(_) | Err(_) => Ok(()),
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
    use persist::sim::SimDisk;
    use persist::{Inspection, Seq, Store};
    use vm::Val;

    fn vm() -> Vm {
        Vm::new(Options::default(), Arc::default()).expect("there are addresses")
    }

    /// A store with this value as its state.
    fn store(make: impl FnOnce(&mut Vm) -> Val) -> SimDisk {
        let disk = SimDisk::new();
        let store = Store::create_on(Arc::new(disk.clone()), Default::default()).expect("room");
        let mut vm = vm();
        let value = make(&mut vm);
        let root = Status::Spinning(value).save(&mut vm, &store).expect("room");
        store.write_snapshot(root.into(), Seq::START).expect("room");
        store.close().expect("room");
        disk
    }

    fn check(disk: SimDisk) -> persist::inspect::Report {
        let inspection = Inspection::open_on(Arc::new(disk)).expect("a store");
        let mut verifier = Verifier::new("store", |_| {}).expect("there are addresses");
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

    #[test]
    fn a_body_that_is_another_value_is_found() {
        let disk = SimDisk::new();
        let store = Store::create_on(Arc::new(disk.clone()), Default::default()).expect("room");
        let mut vm = vm();
        let (two, three) = (vm.nat(2), vm.nat(3));
        let (two, three) = (vm.pin(&two).expect("room"), vm.pin(&three).expect("room"));
        let (_, wrong) = seed::save_germ(&vm, &two).expect("normal");
        let hash = match vm.look(&three).shape() {
            vm::Shape::Pin(pin) => pin.hash().expect("small"),
            _ => unreachable!("a pin was made"),
        };
        store.put(hash.into(), &[], &wrong).expect("room");
        store.write_snapshot(hash.into(), Seq::START).expect("room");
        store.close().expect("room");
        let report = check(disk);
        assert_eq!(report.findings.len(), 1);
        assert!(report.findings[0].damage.reason.contains("its value has the hash"));
        assert!(!report.snapshots[0].is_whole());
    }
}
