//! Evaluations of compiled code that take turns on one heap. `vm/tests/suspension.rs` has the same
//! tests for the interpreter.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use jit::{CompileMode, install};
use plan::{EvalError, HeapOptions, Val, plain};
use spec::Term;
use support::{cases, check_interleaved};
use vm::{Evaluation, Progress, Vm};

fn options() -> HeapOptions {
    HeapOptions { nursery: 1 << 16, max_heap: 1 << 30, max_stack: 1 << 27, stress: false }
}

fn compiling(options: &HeapOptions, mode: CompileMode) -> Vm {
    let mut vm = Vm::new(options.clone(), Default::default()).expect("a stack can be reserved");
    install(&mut vm, mode).expect("the machine is known");
    vm
}

fn value(vm: &mut Vm, text: &str) -> Val {
    let term = Term::parse(text).expect("a term");
    plain::from_term(vm, &term).expect("room")
}

/// Begins the call of a function, in text, with nats.
fn begin(vm: &mut Vm, function: &str, nats: &[u64]) -> Evaluation {
    let function = value(vm, function);
    let nats: Vec<Val> = nats.iter().map(|nat| vm.nat(*nat)).collect();
    vm.begin_call(&function, &nats).expect("the system grants stacks")
}

/// Resumes an evaluation that is suspended.
fn resume(vm: &mut Vm, evaluation: Evaluation) -> Evaluation {
    match vm.resume(evaluation) {
        Progress::Suspended(evaluation) => evaluation,
        Progress::Done(result) => panic!("it ended: {result:?}"),
    }
}

/// Runs evaluations in turns. Returns their results, and how often one was suspended.
fn take_turns(
    vm: &mut Vm,
    evaluations: Vec<Evaluation>,
) -> (Vec<Result<Option<u64>, EvalError>>, usize) {
    let mut results: Vec<_> = evaluations.iter().map(|_| Ok(None)).collect();
    let mut running: Vec<_> = evaluations.into_iter().enumerate().collect();
    let mut suspensions = 0;
    while let Some((index, evaluation)) = running.pop() {
        match vm.resume(evaluation) {
            Progress::Suspended(evaluation) => {
                suspensions += 1;
                running.insert(0, (index, evaluation));
            }
            Progress::Done(result) => {
                results[index] = result.map(|value| vm.look(&value).as_u64());
            }
        }
    }
    (results, suspensions)
}

/// `f n`: 0 for 0, else one more than `f` of the predecessor.
const DEEP: &str = "{'f' 1 (0 (0 (0 2 (2 0)) (0 {'g' 2 (0 3 (0 1 2))} 0)) 1)}";
/// `f n`: never ends, in tail calls.
const LOOP: &str = "{'f' 1 (0 0 1)}";
/// `f x n`: `x` applied to 0 after a loop of n turns, in which `x` is kept.
const KEEPING: &str = "{'f' 2 (0 (0 (0 (2 2) (0 1 (2 0))) (0 {'g' 2 (0 1 2)} (0 0 1))) 2)}";
/// `f n`: never ends, and recurses deeper all the time.
const ENDLESS: &str = "{'f' 1 (0 3 (0 0 (0 3 1)))}";

#[test]
fn interleaved_programs_agree_with_the_specification() {
    for (first, mode) in [(20_000_000, CompileMode::Eager), (21_000_000, CompileMode::After(2))] {
        check_interleaved(|| compiling(&options(), mode), first, cases(400) / 4, 30);
    }
}

#[test]
fn larger_programs_agree_too() {
    check_interleaved(|| compiling(&options(), CompileMode::Eager), 22_000_000, cases(80) / 4, 150);
}

#[test]
fn interleaved_programs_agree_if_every_allocation_collects() {
    let options = HeapOptions { nursery: 1 << 15, stress: true, ..options() };
    check_interleaved(|| compiling(&options, CompileMode::Eager), 23_000_000, cases(80) / 4, 40);
}

#[test]
fn deep_recursions_take_turns_on_native_stacks() {
    let mut vm = compiling(&options(), CompileMode::Eager);
    vm.suspend_at_intervals(500);
    let depths = [200_000, 100_000, 150_000];
    let evaluations = depths.iter().map(|depth| begin(&mut vm, DEEP, &[*depth])).collect();
    let (results, suspensions) = take_turns(&mut vm, evaluations);
    let values: Vec<Option<u64>> = results.into_iter().map(|it| it.expect("a value")).collect();
    assert_eq!(values, depths.map(Some));
    assert!(suspensions > 300, "{suspensions}");
}

#[test]
fn a_loop_is_suspended_at_its_turns() {
    let mut vm = compiling(&options(), CompileMode::Eager);
    let handle = vm.interrupt_handle();
    let mut endless = begin(&mut vm, LOOP, &[0]);
    for turn in 0..100 {
        handle.request_suspension();
        endless = resume(&mut vm, endless);
        handle.clear();
        let other = begin(&mut vm, DEEP, &[turn]);
        let (results, suspensions) = take_turns(&mut vm, vec![other]);
        assert!(matches!(results[..], [Ok(Some(depth))] if depth == turn));
        assert_eq!(suspensions, 0);
    }
    vm.cancel(endless);
    assert_eq!(vm.evaluations(), 0);
}

#[test]
fn values_that_a_loop_keeps_move_while_it_is_suspended() {
    let stress = HeapOptions { nursery: 1 << 15, stress: true, ..options() };
    for options in [options(), stress] {
        let mut vm = compiling(&options, CompileMode::Eager);
        vm.suspend_at_intervals(1);
        let function = value(&mut vm, KEEPING);
        let (four, twenty) = (vm.nat(4), vm.nat(20));
        // An app, which collections move.
        let adding = value(&mut vm, "{'k' 2 (0 3 1)}");
        let adding = vm.app(&adding, &[four]).expect("room");
        let evaluations = (0..2)
            .map(|_| vm.begin_call(&function, &[adding.clone(), twenty.clone()]).expect("room"))
            .collect();
        let (results, suspensions) = take_turns(&mut vm, evaluations);
        assert!(matches!(results[..], [Ok(Some(5)), Ok(Some(5))]), "{results:?}");
        assert!(suspensions > 20, "{suspensions}");
    }
}

#[test]
fn a_lack_of_stack_ends_one_evaluation() {
    let options = HeapOptions { max_stack: 1 << 22, ..options() };
    let mut vm = compiling(&options, CompileMode::Eager);
    vm.suspend_at_intervals(100);
    let other = begin(&mut vm, DEEP, &[1000]);
    let other = resume(&mut vm, other);
    for _ in 0..3 {
        let endless = begin(&mut vm, ENDLESS, &[0]);
        let (results, _) = take_turns(&mut vm, vec![endless]);
        assert!(matches!(results[..], [Err(EvalError::StackOverflow)]), "{results:?}");
    }
    let (results, _) = take_turns(&mut vm, vec![other]);
    assert!(matches!(results[..], [Ok(Some(1000))]), "{results:?}");
}

#[test]
fn dropped_evaluations_are_unwound_out_of_compiled_code() {
    let mut vm = compiling(&options(), CompileMode::Eager);
    vm.suspend_at_intervals(50);
    for _ in 0..20 {
        let (kept, dropped) = (begin(&mut vm, DEEP, &[3000]), begin(&mut vm, DEEP, &[3000]));
        let (kept, dropped) = (resume(&mut vm, kept), resume(&mut vm, dropped));
        drop(dropped);
        let (results, _) = take_turns(&mut vm, vec![kept]);
        assert!(matches!(results[..], [Ok(Some(3000))]), "{results:?}");
        assert_eq!(vm.evaluations(), 0);
    }
}

/// Prints what it costs to resume an evaluation that is suspended at its next safepoint: the
/// shortest of several batches.
#[test]
#[ignore = "a measurement: cargo test -p jit --test suspension cost -- --ignored --nocapture"]
fn cost_of_a_switch() {
    const BATCH: u32 = 10_000;
    let mut vm = compiling(&options(), CompileMode::Eager);
    vm.suspend_at_intervals(1);
    let mut endless = begin(&mut vm, LOOP, &[0]);
    let mut batch = || {
        let start = std::time::Instant::now();
        for _ in 0..BATCH {
            let before = std::mem::replace(&mut endless, begin(&mut vm, LOOP, &[0]));
            vm.cancel(std::mem::replace(&mut endless, before));
        }
        start.elapsed() / BATCH
    };
    println!("beginning and cancelling: {:?}", (0..20).map(|_| batch()).min());
    let mut running = Some(endless);
    let mut batch = || {
        let start = std::time::Instant::now();
        for _ in 0..BATCH {
            running = running.take().map(|evaluation| resume(&mut vm, evaluation));
        }
        start.elapsed() / BATCH
    };
    println!("resuming and suspending: {:?}", (0..20).map(|_| batch()).min());
}
