//! The laws that jets stand for, found by their hashes in a library: the prototype's, or ours.

use crate::watch::Watch;
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use vm::{Hash, Ref, Shape, Val, Vm, seed};

/// Modules of the prototype's library in which the laws are, each after those that it needs.
const THEIR_MODULES: &[&str] = &[
    "sire_01_fan",
    "sire_02_bit",
    "sire_03_nat",
    "sire_04_cmp",
    "sire_05_row",
    "sire_07_dat",
    "sire_10_str",
    "sire_11_set",
    "sire_12_tab",
    "sire_15_pad",
    "sire_16_bar",
    "sire_21_switch",
    "sire_22_seed",
    "sire_25_datatype",
    "w32",
    "w64",
    "plan",
    "blake3",
    "parallel",
    "pinhash",
];

/// The same for our library.
const OUR_MODULES: &[&str] =
    &["plan", "nat", "compare", "row", "list", "text", "set", "tab", "pad", "bar", "word", "data"];

/// Functions that generated arguments may be.
const FUNCTIONS: &[&str] =
    &["_Add", "_Dec", "_ToNat", "_Eql", "_Idx", "rowCons", "_Mul", "_If", "_Cmp", "_Car"];

/// A runtime in which the library is loaded, and its laws' pins.
pub(crate) struct Laws {
    sire: Sire,
    pins: HashMap<Hash, Val>,
    functions: Vec<Val>,
    watch: Watch,
}

impl Laws {
    /// Loads the library in the prototype's folder of modules.
    pub(crate) fn theirs(folder: &Path) -> Laws {
        Laws::load(ModuleLibrary::only(folder), THEIR_MODULES)
    }

    /// Loads our library.
    pub(crate) fn ours() -> Laws {
        Laws::load(ModuleLibrary::new("/nonexistent"), OUR_MODULES)
    }

    fn load(library: ModuleLibrary, modules: &[&str]) -> Laws {
        let options = vm::Options { max_stack: 1 << 27, max_heap: 1 << 27, ..Default::default() };
        let vm = Vm::new(options, Arc::new(jets::table())).expect("a stack can be had");
        let output = SireOutput::new(std::io::sink(), Default::default());
        let options = SireOptions { library, cache: None, diagnostics: output.clone(), output };
        let mut sire = Sire::new(vm, options).expect("there is room");
        let mut pins = HashMap::new();
        for module in modules {
            sire.load(module).unwrap_or_else(|error| panic!("{module}: {error}"));
            let values: Vec<Val> = sire.definitions().map(|(_, value)| value).collect();
            values.iter().for_each(|value| collect(sire.vm(), value, &mut pins));
        }
        let watch = Watch::new(sire.vm().interrupt_flag());
        let mut laws = Laws { sire, pins, functions: Vec::new(), watch };
        laws.functions = FUNCTIONS.iter().filter_map(|name| laws.pin(name)).collect();
        laws
    }

    /// The pin of a law that is known by name and hash, if the library has it.
    pub(crate) fn pin(&self, name: &str) -> Option<Val> {
        let known = jets::list().into_iter().filter(|law| law.name == name);
        known.filter_map(|law| self.pins.get(&law.hash).cloned()).next()
    }

    /// What a trial needs.
    pub(crate) fn parts(&mut self) -> (&mut Vm, &Watch) {
        (self.sire.vm(), &self.watch)
    }

    /// Functions that arguments may be.
    pub(crate) fn functions(&self) -> Vec<Val> {
        self.functions.clone()
    }

    /// The same law and functions in a small runtime of their own that collects at every allocation.
    pub(crate) fn stressed(&mut self, law: &Val) -> Stressed {
        let vm = self.sire.vm();
        let all = [std::slice::from_ref(law), &self.functions].concat();
        let row = vm.row(&all).and_then(|row| vm.force(&row)).expect("there is room");
        let bytes = seed::save(vm, &row).expect("laws can be saved");
        let options =
            vm::Options { nursery: 1 << 16, max_stack: 1 << 25, max_heap: 1 << 28, stress: true };
        let mut vm = Vm::new(options, Arc::new(jets::table())).expect("a stack can be had");
        let row = seed::load(&mut vm, &bytes).expect("it has just been saved");
        let items = vm.look(&row).as_row().expect("it is a row");
        let mut items = items.iter().map(|item| vm.hold(item));
        let law = items.next().expect("the law comes first");
        let functions = items.collect();
        let watch = Watch::new(vm.interrupt_flag());
        Stressed { vm, law, functions, watch }
    }
}

/// What a pin pins.
pub(crate) fn item(vm: &Vm, pin: &Val) -> Val {
    let Shape::Pin(pin) = vm.look(pin).shape() else { unreachable!("laws are found as pins") };
    vm.hold(pin.item())
}

/// A runtime that collects at every allocation, and what a trial in it needs.
pub(crate) struct Stressed {
    pub(crate) vm: Vm,
    pub(crate) law: Val,
    pub(crate) functions: Vec<Val>,
    pub(crate) watch: Watch,
}

/// Adds the pinned laws in a value, by the laws' hashes.
fn collect(vm: &Vm, value: &Val, pins: &mut HashMap<Hash, Val>) {
    let mut seen = HashSet::new();
    let mut pending: Vec<Ref<'_>> = vec![vm.look(value)];
    while let Some(value) = pending.pop() {
        match value.shape() {
            Shape::Pin(pin) => {
                let hash = pin.hash().expect("a pin that ends");
                if !seen.insert(hash) || pins.contains_key(&hash) {
                    continue;
                }
                if let Shape::Law(_) = pin.item().shape() {
                    pins.insert(hash, vm.hold(value));
                }
                pending.push(pin.item());
            }
            Shape::Law(law) => pending.push(law.body()),
            Shape::App(app) => {
                pending.push(app.head());
                pending.extend(app.args());
            }
            Shape::Row(items) | Shape::Set(items) => pending.extend(items.iter()),
            Shape::Tab(keys, values) => {
                pending.extend(keys.iter());
                pending.extend(values.iter());
            }
            _ => {}
        }
    }
}
