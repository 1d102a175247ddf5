//! The interpreter agrees with the specification, also while garbage is collected at every
//! allocation.

use crate::bounds::{TimeLimit, small_vm};
use crate::outcome::{self, ProgramOutcome, evaluated, specified};
use crate::terms::program;
use arbitrary::Unstructured;
use plan::plain;
use spec::shrink::minimise;
use spec::{EvalBudget, Term};
use std::sync::Arc;
use std::time::Duration;
use vm::Vm;

/// Limits of the specification, which recurses on the fuzzer's native stack.
const LIMITS: EvalBudget = EvalBudget { fuel: 5_000, depth: 400 };

/// Time limit of the interpreter if the outcome is known. It needs far less.
const LONG_LIMIT: Duration = Duration::from_secs(5);

/// Time limit of the interpreter if the specification ran out of steps: it must only stop cleanly.
const SHORT_LIMIT: Duration = Duration::from_millis(20);

/// Decodes a program from the bytes, and runs it in the specification and in the interpreter.
///
/// # Panics
/// If the outcomes differ. The message has the smallest program for which they do.
pub fn check(bytes: &[u8]) {
    let program = program(&mut Unstructured::new(bytes));
    if let Some(found) = disagreement(&program) {
        let smallest = minimise(program, |smaller| disagreement(smaller).is_some());
        let (specified, interpreted) = disagreement(&smallest).unwrap_or(found);
        panic!("{smallest}\n specified {specified:?}\n interpreted {interpreted:?}");
    }
}

/// The outcomes of the specification and of the interpreter, if they differ.
fn disagreement(program: &Term) -> Option<(ProgramOutcome, ProgramOutcome)> {
    let specified = specified(program, LIMITS);
    let vm = |stress| small_vm(Arc::default(), stress);
    if specified == ProgramOutcome::OutOfResources {
        check_stop(vm(false), program);
        return None;
    }
    [false, true].into_iter().find_map(|stress| {
        let interpreted = interpreted(vm(stress), program);
        let agree = match &specified {
            // A loop may be detected, or end with a full stack.
            ProgramOutcome::Loop => {
                matches!(interpreted, ProgramOutcome::Loop | ProgramOutcome::OutOfResources)
            }
            known => *known == interpreted,
        };
        (!agree).then(|| (outcome::specified(program, LIMITS), interpreted))
    })
}

fn interpreted(mut vm: Vm, program: &Term) -> ProgramOutcome {
    let _limit = TimeLimit::start(&vm, LONG_LIMIT);
    let result = plain::from_term(&mut vm, program).and_then(|value| vm.force(&value));
    evaluated(&vm, result)
}

/// Evaluates for a short time. Afterwards the runtime must be usable, whatever the outcome was.
fn check_stop(mut vm: Vm, program: &Term) {
    let limit = TimeLimit::start(&vm, SHORT_LIMIT);
    let result = plain::from_term(&mut vm, program).and_then(|value| vm.force(&value));
    drop(limit);
    drop(result);
    vm.interrupt_handle().clear();
    vm.collect();
    let (three, argument) = (vm.nat(3), vm.nat(41));
    let sum = vm.apply(&three, &[argument]).expect("the heap has room again");
    assert_eq!(vm.look(&sum).as_u64(), Some(42));
}
