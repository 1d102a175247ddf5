//! The interpreter does what the specification says, also while collecting at every allocation.

use crate::bounds::{TimeLimit, small_vm};
use crate::ends::{self, End, found, specified};
use crate::terms::program;
use arbitrary::Unstructured;
use std::sync::Arc;
use std::time::Duration;
use vm::spec::shrink::minimise;
use vm::spec::{Limits, Term};
use vm::{Vm, plain};

/// What the specification may spend on a program, for what the fuzzer's stack can hold.
const LIMITS: Limits = Limits { fuel: 5_000, depth: 400 };

/// What the interpreter may spend where it is to come to the same end. It needs far less.
const PATIENCE: Duration = Duration::from_secs(5);

/// What it may spend where the specification has given up: it is only to stop cleanly.
const GLANCE: Duration = Duration::from_millis(20);

/// Runs the program that the bytes spell.
///
/// # Panics
/// If the two disagree on it, with the smallest program found on which they do.
pub fn check(bytes: &[u8]) {
    let program = program(&mut Unstructured::new(bytes));
    if let Some(found) = disagreement(&program) {
        let smallest = minimise(program, |smaller| disagreement(smaller).is_some());
        let (specified, interpreted) = disagreement(&smallest).unwrap_or(found);
        panic!("{smallest}\n specified {specified:?}\n interpreted {interpreted:?}");
    }
}

/// The two ends, if they cannot both be right.
fn disagreement(program: &Term) -> Option<(End, End)> {
    let specified = specified(program, LIMITS);
    let vm = |stress| small_vm(Arc::default(), stress);
    if specified == End::Cut {
        glance(vm(false), program);
        return None;
    }
    [false, true].into_iter().find_map(|stress| {
        let interpreted = interpreted(vm(stress), program);
        let agree = match &specified {
            // What loops may be noticed as such, or only when the stack ends.
            End::Loop => matches!(interpreted, End::Loop | End::Cut),
            known => *known == interpreted,
        };
        (!agree).then(|| (ends::specified(program, LIMITS), interpreted))
    })
}

fn interpreted(mut vm: Vm, program: &Term) -> End {
    let _limit = TimeLimit::start(&vm, PATIENCE);
    let result = plain::from_term(&mut vm, program).and_then(|value| vm.force(&value));
    found(&vm, result)
}

/// Evaluates for a moment; the runtime must be usable afterwards, however that ended.
fn glance(mut vm: Vm, program: &Term) {
    let limit = TimeLimit::start(&vm, GLANCE);
    let ended = plain::from_term(&mut vm, program).and_then(|value| vm.force(&value));
    drop(limit);
    drop(ended);
    vm.interrupt_flag().store(false, std::sync::atomic::Ordering::Relaxed);
    vm.collect();
    let (three, argument) = (vm.nat(3), vm.nat(41));
    let sum = vm.apply(&three, &[argument]).expect("there is room again");
    assert_eq!(vm.look(&sum).as_u64(), Some(42));
}
