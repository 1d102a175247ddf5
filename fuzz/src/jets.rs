//! A jet takes any arguments, and gives the same while collecting at every allocation.
//!
//! Each jet is tied to a law of this module's own, which is a constant: what a jet leaves to its
//! law becomes that. (That a jet does what its real law does is another matter, for tests that have
//! the laws.)

use crate::bounds::{TimeLimit, has_at_most, small_vm};
use crate::terms::{argument, below, value};
use arbitrary::Unstructured;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use vm::jet::JetTable;
use vm::spec::Term;
use vm::{Hash, Stop, Val, Vm, plain};

const LIMIT: Duration = Duration::from_millis(200);

/// Values of more parts are not compared.
const PARTS: usize = 1 << 16;

/// The pin of a law that a jet is tied to, and its arity.
type Pinned = (Term, usize);

/// The jets, and what they are tied to.
static BENCH: LazyLock<(Arc<JetTable>, Vec<Pinned>)> = LazyLock::new(|| {
    let mut vm = small_vm(Arc::default(), false);
    let mut table = JetTable::new();
    let mut pins = Vec::new();
    for jet in ::jets::jets() {
        let law = Term::law(jet.name, jet.arity() as u64, "a law ran");
        let value = plain::from_term(&mut vm, &law).expect("there is room for a law");
        let hash = vm.hash(&value).expect("a small value");
        pins.push((law.pin(), jet.arity()));
        table.add(jet, &[hash]);
    }
    (Arc::new(table), pins)
});

/// How a call ended.
#[derive(Debug, PartialEq)]
enum End {
    Value(Option<Hash>),
    Crash(Option<Hash>, Option<Hash>),
    Loop,
    Cut,
}

/// Calls the jet and with the arguments that the bytes spell.
///
/// # Panics
/// If collecting makes a difference.
pub fn check(bytes: &[u8]) {
    let call = call(&mut Unstructured::new(bytes));
    let [calm, stressed] = [false, true].map(|stress| end(stress, &call));
    let known = calm != End::Cut && stressed != End::Cut;
    assert!(!known || calm == stressed, "{call}\n calm {calm:?}\n stressed {stressed:?}");
}

fn call(bytes: &mut Unstructured<'_>) -> Term {
    let (_, pins) = &*BENCH;
    let (pin, arity) = &pins[usize::from(below(bytes, u8::MAX)) % pins.len()];
    let arguments: Vec<Term> = (0..*arity)
        .map(|_| match below(bytes, 8) {
            // A jet as an argument, perhaps with arguments of its own.
            7 => {
                let (pin, arity) = &pins[usize::from(below(bytes, u8::MAX)) % pins.len()];
                let given = usize::from(below(bytes, 4)).min(arity - 1);
                pin.clone().apps((0..given).map(|_| value(bytes, 3)).collect::<Vec<_>>())
            }
            _ => argument(bytes),
        })
        .collect();
    pin.clone().apps(arguments)
}

fn end(stress: bool, call: &Term) -> End {
    let mut vm = small_vm(Arc::clone(&BENCH.0), stress);
    let _limit = TimeLimit::start(&vm, LIMIT);
    match plain::from_term(&mut vm, call).and_then(|value| vm.force(&value)) {
        Ok(value) => End::Value(hash(&vm, &value)),
        Err(Stop::Crash { op, arg }) => End::Crash(hash(&vm, &op), hash(&vm, &arg)),
        Err(Stop::Loop) => End::Loop,
        Err(_) => End::Cut,
    }
}

fn hash(vm: &Vm, value: &Val) -> Option<Hash> {
    has_at_most(vm.look(value), PARTS).then(|| vm.hash(value).ok()).flatten()
}
