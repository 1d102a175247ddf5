//! Evaluations that take turns on one heap, interpreted. The suite of the compiler has the same
//! tests for compiled code.

mod support;

use plan::{EvalError, HeapOptions, Shape, Val, plain};
use spec::Term;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use support::{cases, check_interleaved};
use vm::jet::{ArgDemand, Jet, JetAnswer, JetCall, JetTable};
use vm::{Evaluation, Progress, Vm};

fn options() -> HeapOptions {
    HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 26, stress: false }
}

fn vm_with(options: HeapOptions) -> Vm {
    Vm::new(options, Default::default()).expect("a stack can be reserved")
}

fn value(vm: &mut Vm, text: &str) -> Val {
    let term = Term::parse(text).expect("a term");
    plain::from_term(vm, &term).expect("room")
}

/// Begins the call of a function, in text, with a nat.
fn begin(vm: &mut Vm, function: &str, nat: u64) -> Evaluation {
    let (function, nat) = (value(vm, function), vm.nat(nat));
    vm.begin_call(&function, &[nat]).expect("the system grants stacks")
}

/// Resumes an evaluation that is suspended.
fn resume(vm: &mut Vm, evaluation: Evaluation) -> Evaluation {
    match vm.resume(evaluation) {
        Progress::Suspended(evaluation) => evaluation,
        Progress::Done(result) => panic!("it ended: {result:?}"),
    }
}

/// Resumes an evaluation until it ends.
fn finish(vm: &mut Vm, mut evaluation: Evaluation) -> Result<Val, EvalError> {
    loop {
        match vm.resume(evaluation) {
            Progress::Suspended(suspended) => evaluation = suspended,
            Progress::Done(result) => return result,
        }
    }
}

fn finish_nat(vm: &mut Vm, evaluation: Evaluation) -> Option<u64> {
    let value = finish(vm, evaluation).expect("a value");
    vm.look(&value).as_u64()
}

/// `f n`: 0 for 0, else one more than `f` of the predecessor.
const DEEP: &str = "{'f' 1 (0 (0 (0 2 (2 0)) (0 {'g' 2 (0 3 (0 1 2))} 0)) 1)}";
/// `f n`: never ends, in tail calls.
const LOOP: &str = "{'f' 1 (0 0 1)}";
/// `f n`: never ends, and keeps more and more data.
const GROWING: &str = "{'f' 1 (0 0 (0 (0 1 1) 1))}";
/// `f n`: crashes with the operation 9 at the depth `n`.
const CRASHING: &str = "{'f' 1 (0 (0 (0 2 (0 9 7)) (0 {'g' 2 (0 3 (0 1 2))} 0)) 1)}";

#[test]
fn interleaved_programs_agree_with_the_specification() {
    check_interleaved(|| vm_with(options()), 10_000_000, cases(1000) / 4, 30);
}

#[test]
fn interleaved_programs_agree_if_every_allocation_collects() {
    let options = HeapOptions { nursery: 1 << 15, stress: true, ..options() };
    check_interleaved(|| vm_with(options.clone()), 11_000_000, cases(120) / 4, 40);
}

#[test]
fn two_deep_recursions_take_turns() {
    let mut vm = vm_with(options());
    vm.suspend_at_intervals(1000);
    let mut running = vec![begin(&mut vm, DEEP, 200_000), begin(&mut vm, DEEP, 100_000)];
    let mut results = Vec::new();
    while let Some(evaluation) = running.pop() {
        match vm.resume(evaluation) {
            Progress::Suspended(evaluation) => running.insert(0, evaluation),
            Progress::Done(result) => {
                let value = result.expect("a value");
                results.push(vm.look(&value).as_u64());
            }
        }
    }
    assert_eq!(results, [Some(100_000), Some(200_000)]);
    assert_eq!(vm.evaluations(), 0);
}

#[test]
fn a_request_suspends_an_evaluation_that_has_no_end() {
    let mut vm = vm_with(options());
    let handle = vm.interrupt_handle();
    let mut endless = begin(&mut vm, LOOP, 0);
    for _ in 0..3 {
        handle.request_suspension();
        endless = resume(&mut vm, endless);
        // Other work goes on meanwhile, and is not suspended.
        handle.request_suspension();
        let (three, four) = (vm.nat(3), vm.nat(4));
        let sum = vm.apply(&three, &[four]).expect("a value");
        assert_eq!(vm.look(&sum).as_u64(), Some(5));
        handle.clear();
    }
    assert_eq!(vm.evaluations(), 1);
    vm.cancel(endless);
    assert_eq!(vm.evaluations(), 0);
}

#[test]
fn a_request_during_other_work_suspends_the_evaluation_that_is_resumed_next() {
    let mut vm = vm_with(options());
    let handle = vm.interrupt_handle();
    handle.request_suspension();
    let (deep, twenty) = (value(&mut vm, DEEP), vm.nat(20));
    let called = vm.apply(&deep, &[twenty]).expect("a value");
    assert_eq!(vm.look(&called).as_u64(), Some(20));
    let endless = begin(&mut vm, LOOP, 0);
    let endless = resume(&mut vm, endless);
    // The end of an evaluation that was dropped takes a request, too.
    let next = begin(&mut vm, LOOP, 0);
    drop(endless);
    handle.request_suspension();
    let endless = resume(&mut vm, next);
    // Each request suspends once.
    let evaluation = begin(&mut vm, DEEP, 1000);
    assert!(matches!(vm.resume(evaluation), Progress::Done(Ok(_))));
    vm.cancel(endless);
}

#[test]
fn a_stop_ends_the_evaluation_that_runs() {
    let mut vm = vm_with(options());
    let handle = vm.interrupt_handle();
    vm.suspend_at_intervals(5);
    let (one, other) = (begin(&mut vm, LOOP, 0), begin(&mut vm, DEEP, 1000));
    let (one, other) = (resume(&mut vm, one), resume(&mut vm, other));
    handle.request_stop();
    assert!(matches!(finish(&mut vm, one), Err(EvalError::Interrupted)));
    assert_eq!(finish_nat(&mut vm, other), Some(1000));
}

#[test]
fn a_dropped_evaluation_is_unwound() {
    let mut vm = vm_with(options());
    vm.suspend_at_intervals(10);
    for _ in 0..20 {
        let (kept, dropped) = (begin(&mut vm, DEEP, 5000), begin(&mut vm, DEEP, 5000));
        let (kept, dropped) = (resume(&mut vm, kept), resume(&mut vm, dropped));
        let never_resumed = begin(&mut vm, DEEP, 5000);
        drop((dropped, never_resumed));
        assert_eq!(vm.evaluations(), 3);
        assert_eq!(finish_nat(&mut vm, kept), Some(5000));
        assert_eq!(vm.evaluations(), 0);
    }
}

#[test]
fn a_runtime_is_dropped_with_suspended_evaluations() {
    let mut vm = vm_with(options());
    vm.suspend_at_intervals(10);
    let evaluations: Vec<Evaluation> = (0..3)
        .map(|_| {
            let evaluation = begin(&mut vm, DEEP, 5000);
            resume(&mut vm, evaluation)
        })
        .collect();
    drop(vm);
    drop(evaluations);
}

#[test]
fn a_runtime_that_was_moved_resumes_nothing() {
    let mut vm = vm_with(options());
    vm.suspend_at_intervals(10);
    let evaluation = begin(&mut vm, DEEP, 5000);
    let evaluation = resume(&mut vm, evaluation);
    let mut moved = Box::new(vm);
    let resumed = catch_unwind(AssertUnwindSafe(|| moved.resume(evaluation)));
    assert!(resumed.is_err(), "the runtime is elsewhere");
}

#[test]
fn a_crash_ends_one_evaluation() {
    let mut vm = vm_with(options());
    vm.suspend_at_intervals(3);
    let (one, other) = (begin(&mut vm, CRASHING, 500), begin(&mut vm, DEEP, 700));
    let (one, other) = (resume(&mut vm, one), resume(&mut vm, other));
    let Err(EvalError::Crash { op, arg }) = finish(&mut vm, one) else { panic!("a crash") };
    assert_eq!((vm.look(&op).as_u64(), vm.look(&arg).as_u64()), (Some(9), Some(7)));
    assert_eq!(finish_nat(&mut vm, other), Some(700));
}

#[test]
fn a_lack_of_memory_or_stack_ends_one_evaluation() {
    let limits = HeapOptions { max_heap: 1 << 25, max_stack: 1 << 20, ..options() };
    let mut vm = vm_with(limits);
    vm.suspend_at_intervals(1000);
    let other = begin(&mut vm, DEEP, 20_000);
    let other = resume(&mut vm, other);
    let growing = begin(&mut vm, GROWING, 0);
    assert!(matches!(finish(&mut vm, growing), Err(EvalError::OutOfMemory)));
    let deep = begin(&mut vm, DEEP, 1_000_000);
    assert!(matches!(finish(&mut vm, deep), Err(EvalError::StackOverflow)));
    assert_eq!(finish_nat(&mut vm, other), Some(20_000));
}

/// A pinned law, which the jet that panics is declared for.
const PANICKING: &str = "<{'panic' 1 1}>";

/// A jet whose native function panics, for the law that it is declared with.
fn panicking(_: &mut JetCall<'_>) -> Result<JetAnswer, EvalError> {
    panic!("the jet's panic")
}

#[test]
fn a_panic_continues_in_the_caller() {
    let mut plain_vm = vm_with(options());
    let law = value(&mut plain_vm, PANICKING);
    let Shape::Pin(pin) = plain_vm.look(&law).shape() else { panic!("a pin") };
    let law = plain_vm.hold(pin.item());
    let hash = plain_vm.hash(&law).expect("room");
    let mut table = JetTable::new();
    table.add(Jet::native("panic", &[ArgDemand::Head], panicking), &[hash]);
    let mut vm = Vm::new(options(), Arc::new(table)).expect("a stack can be reserved");
    vm.suspend_at_intervals(3);
    let other = begin(&mut vm, DEEP, 700);
    let other = resume(&mut vm, other);
    let law = value(&mut vm, PANICKING);
    let zero = vm.nat(0);
    let evaluation = vm.begin_call(&law, &[zero]).expect("room");
    let result = catch_unwind(AssertUnwindSafe(|| finish(&mut vm, evaluation)));
    let panic = result.expect_err("the panic is passed on");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the jet's panic"));
    assert_eq!(vm.evaluations(), 1);
    assert_eq!(finish_nat(&mut vm, other), Some(700));
}

#[test]
fn arguments_are_normalised_before_an_evaluation_begins() {
    let mut vm = vm_with(options());
    let (three, four) = (vm.nat(3), vm.nat(4));
    let shared = vm.app(&three, &[four]).expect("room");
    vm.suspend_at_intervals(1);
    let identity = value(&mut vm, "{'id' 1 1}");
    let first = vm.begin_call(&identity, std::slice::from_ref(&shared)).expect("a value");
    let second = vm.begin_call(&identity, &[shared]).expect("a value");
    assert_eq!(finish_nat(&mut vm, second), Some(5));
    assert_eq!(finish_nat(&mut vm, first), Some(5));
}
