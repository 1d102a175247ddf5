//! The runtime of compiled code: deep stacks, collections on them, crashes, interrupts, and calls
//! between compiled and interpreted laws.

use jit::{CompileMode, install};
use plan::{EvalError, HeapOptions, Val, plain};
use spec::Term;
use vm::Vm;

fn options() -> HeapOptions {
    HeapOptions { nursery: 1 << 16, max_heap: 1 << 30, max_stack: 1 << 28, stress: false }
}

fn compiling(options: HeapOptions) -> Vm {
    let mut vm = Vm::new(options, Default::default()).expect("a stack can be reserved");
    install(&mut vm, CompileMode::Eager).expect("the machine is known");
    vm
}

fn value(vm: &mut Vm, text: &str) -> Val {
    let term = Term::parse(text).expect("a term");
    plain::from_term(vm, &term).expect("room")
}

/// Applies a function, in text, to a nat.
fn apply(vm: &mut Vm, function: &str, nat: u64) -> Result<Option<u64>, EvalError> {
    let function = value(vm, function);
    let nat = vm.nat(nat);
    let result = vm.apply(&function, &[nat])?;
    Ok(vm.look(&result).as_u64())
}

fn deep_allocating(vm: &mut Vm, depth: u64) -> Result<Option<u64>, EvalError> {
    let (function, counting) = (value(vm, DEEP_ALLOCATING), value(vm, COUNTING));
    let depth = vm.nat(depth);
    let result = vm.apply(&function, &[counting, depth])?;
    Ok(vm.look(&result).as_u64())
}

/// `f n`: 0 for 0, else one more than `f` of the predecessor.
const DEEP: &str = "{'f' 1 (0 (0 (0 2 (2 0)) (0 {'g' 2 (0 3 (0 1 2))} 0)) 1)}";
/// `f k n`: 0 for 0, else `k` of an app of the predecessor, and `f k` of it.
const DEEP_ALLOCATING: &str = "{'f' 2 (0 (0 (0 (2 2) (2 0)) (0 (0 {'g' 3 (0 (0 1 (0 (0 (2 0) 3) \
    3)) (0 (0 2 1) 3))} 1) 0)) 2)}";
/// `k a n`: one more than `n`, if `a` is an app.
const COUNTING: &str =
    "{'k' 2 (0 (0 (0 (0 (0 (2 1) (2 0)) (2 0)) (0 {'n' 3 (0 (2 3) 1)} 2)) (2 0)) 1)}";
/// `f n`: never ends, in tail calls.
const LOOP: &str = "{'f' 1 (0 0 1)}";
/// `l n`: never ends for 0, in tail calls that each come after a call that ends at once.
const LOOP_OF_CALLS: &str = "{'l' 1 (0 (0 (0 2 (0 0 1)) (2 0)) (0 {'f' 1 (0 (0 (0 2 (2 0)) (0 {'g' 2 \
    (0 3 (0 1 2))} 0)) 1)} 1))}";
/// `f n`: never ends, and recurses deeper all the time.
const ENDLESS: &str = "{'f' 1 (0 3 (0 0 (0 3 1)))}";
/// `f n`: crashes with the operation 9 at the depth `n`.
const CRASHING: &str = "{'f' 1 (0 (0 (0 2 (0 9 7)) (0 {'g' 2 (0 3 (0 1 2))} 0)) 1)}";

/// `f x`: `x` applied to a law with more parameters than can ever be given.
const HOLDING: &str = "{'f' 1 (0 1 {'wide' 4000000000 0})}";

#[test]
fn a_law_of_any_arity_may_be_a_constant() {
    let mut vm = compiling(options());
    let (function, head) = (value(&mut vm, HOLDING), value(&mut vm, COUNTING));
    assert!(vm.apply(&function, &[head]).is_ok());
}

#[test]
fn deep_recursion_runs_on_the_native_stack() {
    let mut vm = compiling(options());
    assert_eq!(apply(&mut vm, DEEP, 300_000).expect("a value"), Some(300_000));
    assert_eq!(deep_allocating(&mut vm, 100_000).expect("a value"), Some(100_000));
    assert!(vm.statistics().minor > 10);
}

#[test]
fn values_in_deep_frames_survive_collections() {
    let mut vm = compiling(HeapOptions { nursery: 1 << 15, stress: true, ..options() });
    assert_eq!(deep_allocating(&mut vm, 600).expect("a value"), Some(600));
}

#[test]
fn endless_recursion_is_an_error() {
    let mut vm = compiling(HeapOptions { max_stack: 1 << 22, ..options() });
    for _ in 0..3 {
        assert!(matches!(apply(&mut vm, ENDLESS, 0), Err(EvalError::StackOverflow)));
        assert_eq!(apply(&mut vm, DEEP, 1000).expect("a value"), Some(1000));
    }
}

#[test]
fn loops_can_be_interrupted() {
    let mut vm = compiling(options());
    for endless in [LOOP, LOOP_OF_CALLS] {
        let flag = vm.interrupt_flag();
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(30));
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert!(matches!(apply(&mut vm, endless, 0), Err(EvalError::Interrupted)));
        stopper.join().expect("the thread only sleeps");
        assert_eq!(apply(&mut vm, DEEP, 10).expect("a value"), Some(10));
    }
}

/// `from n`: `n`, then `from` the next nat. Code that neither calls nor loops makes each item.
const ENDLESS_LIST: &str = "{'from' 1 (0 (0 (2 0) 1) (0 0 (0 (2 3) 1)))}";

#[test]
fn endless_data_can_be_interrupted() {
    let mut vm = compiling(HeapOptions { stress: true, ..options() });
    let flag = vm.interrupt_flag();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        flag.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let function = value(&mut vm, ENDLESS_LIST);
    let nat = vm.nat(7);
    let list = vm.apply(&function, &[nat]).and_then(|list| vm.force(&list));
    assert!(matches!(list, Err(EvalError::Interrupted)));
    stopper.join().expect("the thread only sleeps");
}

#[test]
fn a_crash_unwinds_a_deep_stack() {
    let mut vm = compiling(options());
    for depth in [0, 1, 50_000] {
        let Err(EvalError::Crash { op, arg }) = apply(&mut vm, CRASHING, depth) else {
            panic!("a crash")
        };
        assert_eq!((vm.look(&op).as_u64(), vm.look(&arg).as_u64()), (Some(9), Some(7)));
    }
    assert_eq!(apply(&mut vm, DEEP, 1000).expect("a value"), Some(1000));
}

#[test]
fn a_thunk_that_crashed_in_compiled_code_crashes_again() {
    let mut vm = compiling(options());
    let function = value(&mut vm, CRASHING);
    let ten = vm.nat(10);
    let app = vm.app(&function, &[ten]).expect("room");
    for _ in 0..2 {
        assert!(matches!(vm.eval(&app), Err(EvalError::Crash { .. })));
    }
}

#[test]
fn tail_calls_between_compiled_and_interpreted_laws_take_no_stack() {
    let mut vm = compiling(HeapOptions { max_stack: 1 << 20, ..options() });
    // Laws of 20 arguments are not compiled; `f n` is this one, given 18 nats, of `f` and `n`.
    let wide = "{'w' 20 (0 (0 (0 (2 2) (2 0)) 19) 20)}";
    let given = format!("({wide}{})", " 0".repeat(18));
    let law = format!("{{'f' 1 (0 (0 (2 {given}) 0) 1)}}");
    assert_eq!(apply(&mut vm, &law, 200_000).expect("a value"), Some(0));
}

#[test]
fn code_compiled_in_the_background_changes_no_result() {
    let mut vm = Vm::new(options(), Default::default()).expect("a stack can be reserved");
    install(&mut vm, CompileMode::Tiered).expect("the stack's addresses can be reserved");
    for _ in 0..40 {
        assert_eq!(deep_allocating(&mut vm, 3_000).expect("a value"), Some(3_000));
        assert!(matches!(apply(&mut vm, CRASHING, 1_000), Err(EvalError::Crash { .. })));
    }
}
