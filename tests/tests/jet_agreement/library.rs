//! The laws of jets, found by their hashes in a library: the prototype's, or ours.

use crate::time_limit::TimeLimit;
use plan::{Hash, Ref, Shape, Val, seed};
use runtime::{CompileMode, RuntimeBuilder};
use sire::{ModuleLibrary, Sire};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use tests::{built_in_library, library_session};
use vm::Vm;

/// The modules of the prototype's library that define the laws, each after its dependencies.
const PROTOTYPE_MODULES: &[&str] = &[
    "sire_01_fan",
    "sire_02_bit",
    "sire_03_nat",
    "sire_04_cmp",
    "sire_05_row",
    "sire_07_dat",
    "sire_10_str",
    "sire_11_set",
    "sire_12_tab",
    "sire_13_exp",
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

/// The modules of our library that define the laws, each after its dependencies.
const OUR_MODULES: &[&str] = &[
    "plan",
    "nat",
    "compare",
    "row",
    "maybe",
    "list_basics",
    "list",
    "text",
    "set",
    "tab",
    "pad",
    "bar",
    "word",
    "data",
    "try",
    "hash",
    "ed25519",
    "http_syntax",
];

/// Functions that are used as arguments.
const FUNCTIONS: &[&str] =
    &["_Add", "_Dec", "_ToNat", "_Eql", "_Idx", "rowCons", "_Mul", "_If", "_Cmp", "_Car"];

/// A session with a library, and the pins of its laws by hash.
pub(crate) struct LawLibrary {
    sire: Sire,
    pins: HashMap<Hash, Val>,
    functions: Vec<Val>,
    limit: TimeLimit,
}

impl LawLibrary {
    /// Loads the prototype's library from its folder of modules.
    pub(crate) fn prototype(folder: &Path) -> LawLibrary {
        LawLibrary::load(ModuleLibrary::only(folder), PROTOTYPE_MODULES)
    }

    /// Loads our library.
    pub(crate) fn ours() -> LawLibrary {
        LawLibrary::load(built_in_library(), OUR_MODULES)
    }

    fn load(library: ModuleLibrary, modules: &[&str]) -> LawLibrary {
        let options =
            plan::HeapOptions { max_stack: 1 << 27, max_heap: 1 << 27, ..Default::default() };
        let runtime = RuntimeBuilder::new().heap(options).compile(CompileMode::Off);
        let mut sire = library_session(runtime, library);
        let mut pins = HashMap::new();
        for module in modules {
            sire.load(module).unwrap_or_else(|error| panic!("{module}: {error}"));
            let values: Vec<Val> = sire.definitions().map(|(_, value)| value).collect();
            values.iter().for_each(|value| collect(sire.vm(), value, &mut pins));
        }
        let limit = TimeLimit::new(sire.vm().interrupt_flag());
        let mut library = LawLibrary { sire, pins, functions: Vec::new(), limit };
        library.functions = FUNCTIONS.iter().filter_map(|name| library.pin(name)).collect();
        library
    }

    /// The pin of the law of a jet. None if the library does not define it.
    pub(crate) fn pin(&self, name: &str) -> Option<Val> {
        let known = jets::list().into_iter().filter(|law| law.name == name);
        known.filter_map(|law| self.pins.get(&law.hash).cloned()).next()
    }

    /// The runtime, and the time limit of its evaluations.
    pub(crate) fn runtime(&mut self) -> (&mut Vm, &TimeLimit) {
        (self.sire.vm(), &self.limit)
    }

    /// Functions that are used as arguments.
    pub(crate) fn functions(&self) -> Vec<Val> {
        self.functions.clone()
    }

    /// Copies a law and the functions to a small runtime that collects garbage at every allocation.
    pub(crate) fn stressed(&mut self, law: &Val) -> StressedLaw {
        let vm = self.sire.vm();
        let all = [std::slice::from_ref(law), &self.functions].concat();
        let row = vm.row(&all).and_then(|row| vm.force(&row)).expect("the heap is large enough");
        let bytes = seed::save(vm, &row).expect("laws can be saved");
        let options = plan::HeapOptions {
            nursery: 1 << 16,
            max_stack: 1 << 25,
            max_heap: 1 << 28,
            stress: true,
        };
        let runtime = RuntimeBuilder::new().heap(options).compile(CompileMode::Off).build();
        let mut vm: Vm = runtime.expect("the stack can be reserved").into();
        let row = seed::load(&mut vm, &bytes).expect("it has just been saved");
        let items = vm.look(&row).as_row().expect("it is a row");
        let mut items = items.iter().map(|item| vm.hold(item));
        let law = items.next().expect("the law comes first");
        let functions = items.collect();
        let limit = TimeLimit::new(vm.interrupt_flag());
        StressedLaw { vm, law, functions, limit }
    }
}

/// The item of a pin.
pub(crate) fn item(vm: &Vm, pin: &Val) -> Val {
    let Shape::Pin(pin) = vm.look(pin).shape() else { unreachable!("the value is a pin") };
    vm.hold(pin.item())
}

/// A law in a runtime that collects garbage at every allocation.
pub(crate) struct StressedLaw {
    pub(crate) vm: Vm,
    pub(crate) law: Val,
    pub(crate) functions: Vec<Val>,
    pub(crate) limit: TimeLimit,
}

/// Adds the pinned laws that are reachable from a value, by hash.
fn collect(vm: &Vm, value: &Val, pins: &mut HashMap<Hash, Val>) {
    let mut seen = HashSet::new();
    let mut pending: Vec<Ref<'_>> = vec![vm.look(value)];
    while let Some(value) = pending.pop() {
        let Shape::Pin(pin) = value.shape() else {
            value.push_parts(&mut pending);
            continue;
        };
        let hash = pin.hash().expect("the pin has a hash");
        if !seen.insert(hash) || pins.contains_key(&hash) {
            continue;
        }
        if let Shape::Law(_) = pin.item().shape() {
            pins.insert(hash, vm.hold(value));
        }
        pending.push(pin.item());
    }
}
