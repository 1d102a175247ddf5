//! The interpreter on hand-written laws. `tests/agreement.rs` compares it with the specification.

use crate::jet::{ArgDemand, ControlForm, Jet};
use crate::sampling_steps::STEPS;
use crate::vm::Vm;
use plan::{EvalError, HeapOptions, Ref, Shape, Val};

fn vm() -> Vm {
    let options = HeapOptions { max_stack: 1 << 30, max_heap: 2 << 30, ..HeapOptions::default() };
    Vm::new(options, Default::default()).expect("a small stack can be reserved")
}

fn stressed() -> Vm {
    let options =
        HeapOptions { nursery: 1 << 16, max_heap: 1 << 28, max_stack: 1 << 26, stress: true };
    Vm::new(options, Default::default()).expect("a small stack can be reserved")
}

/// A nat, or `[function, argument...]`, applied when evaluated.
enum E {
    N(u64),
    A(Vec<E>),
}
use E::{A, N};

fn make(vm: &mut Vm, e: &E) -> Val {
    match e {
        N(n) => vm.nat(*n),
        A(parts) => {
            let parts: Vec<Val> = parts.iter().map(|p| make(vm, p)).collect();
            vm.app(&parts[0], &parts[1..]).expect("room")
        }
    }
}

fn law(arity: u64, body: E) -> E {
    A(vec![N(0), N(0x66), N(arity), body])
}

fn ap(f: E, x: E) -> E {
    A(vec![N(0), f, x])
}

fn run(vm: &mut Vm, e: &E) -> Result<Val, EvalError> {
    let val = make(vm, e);
    vm.force(&val)
}

fn number(vm: &mut Vm, e: &E) -> Option<u64> {
    let val = run(vm, e).expect("a value");
    vm.look(&val).as_u64()
}

#[test]
fn operations_do_what_plan_says() {
    for mut vm in [vm(), stressed()] {
        assert_eq!(number(&mut vm, &A(vec![N(3), N(4)])), Some(5));
        let big = run(&mut vm, &A(vec![N(3), N(u64::MAX)])).expect("a value");
        assert_eq!(vm.look(&big).as_nat().map(|n| n.bits()), Some(65));
        assert_eq!(number(&mut vm, &A(vec![N(2), N(10), N(3), N(0)])), Some(10));
        assert_eq!(number(&mut vm, &A(vec![N(2), N(10), N(3), N(9)])), Some(9));
        assert_eq!(number(&mut vm, &A(vec![law(2, N(1)), N(7), N(8)])), Some(7));
        assert_eq!(number(&mut vm, &A(vec![law(1, A(vec![N(2), N(1)])), N(5)])), Some(1));
        assert_eq!(number(&mut vm, &A(vec![law(1, ap(N(3), ap(N(3), N(1)))), N(5)])), Some(7));
    }
}

/// `(1 3 (1 (inc 1) (inc 3)))`: the first let is the second one, which is the argument's successor.
#[test]
fn a_let_may_refer_to_a_later_one() {
    let increment = |e| ap(A(vec![N(2), N(3)]), e);
    for mut vm in [vm(), stressed()] {
        let lets = A(vec![N(1), N(3), A(vec![N(1), increment(N(1)), increment(N(2))])]);
        assert_eq!(number(&mut vm, &A(vec![law(1, lets), N(5)])), Some(7));
    }
}

#[test]
fn crashes_carry_operation_and_argument() {
    let mut vm = vm();
    let error = run(&mut vm, &A(vec![N(99), A(vec![N(3), N(4)])])).expect_err("a crash");
    let EvalError::Crash { op, arg } = error else { panic!("{error}") };
    assert_eq!((vm.look(&op).as_u64(), vm.look(&arg).as_u64()), (Some(99), Some(5)));
    // The runtime can still evaluate.
    assert_eq!(number(&mut vm, &A(vec![N(3), N(4)])), Some(5));
}

#[test]
fn a_value_that_needs_itself_loops() {
    let mut vm = vm();
    let error = run(&mut vm, &A(vec![law(1, A(vec![N(1), N(2), N(2)])), N(0)])).expect_err("loop");
    assert!(matches!(error, EvalError::Loop), "{error}");
}

/// `f n = 2 0 (m & k (f m)) n`, whose depth is n, where `k` is the operation 3.
fn deep(n: u64) -> E {
    // (f n) = 2 0 (g f) n ; (g f m) = 3 (f m)
    let g = law(2, ap(N(3), ap(N(1), N(2))));
    let f = law(1, ap(ap(ap(N(2), A(vec![N(2), N(0)])), ap(g, N(0))), N(1)));
    A(vec![f, N(n)])
}

#[test]
fn recursion_goes_as_deep_as_the_stack() {
    let mut vm = vm();
    assert_eq!(number(&mut vm, &deep(1_000_000)), Some(1_000_000));
    let error = run(&mut vm, &deep(1 << 40)).expect_err("no stack is that large");
    assert!(matches!(error, EvalError::StackOverflow), "{error}");
    assert_eq!(number(&mut vm, &deep(1000)), Some(1000));
}

#[test]
fn recursion_survives_collection_everywhere() {
    assert_eq!(number(&mut stressed(), &deep(300)), Some(300));
}

/// `grow x = grow (0 x x)`. All of the argument is live.
#[test]
fn growth_ends_at_the_limit_of_the_heap() {
    let options = HeapOptions { max_stack: 1 << 24, max_heap: 64 << 20, ..HeapOptions::default() };
    let mut vm = Vm::new(options, Default::default()).expect("a small stack can be reserved");
    let pair = ap(ap(A(vec![N(2), N(0)]), N(1)), N(1));
    let error = run(&mut vm, &A(vec![law(1, ap(N(0), pair)), N(7)])).expect_err("no end");
    assert!(matches!(error, EvalError::OutOfMemory), "{error}");
    assert_eq!(number(&mut vm, &deep(1000)), Some(1000));
}

/// `xs = (0 7 xs)`, which has no normal form.
#[test]
fn a_value_that_contains_itself_overflows_the_stack() {
    let options = HeapOptions { max_stack: 1 << 24, ..HeapOptions::default() };
    let mut vm = Vm::new(options, Default::default()).expect("a small stack can be reserved");
    let body = A(vec![N(1), ap(ap(A(vec![N(2), N(0)]), A(vec![N(2), N(7)])), N(2)), N(2)]);
    let error = run(&mut vm, &A(vec![law(1, body), N(0)])).expect_err("no end");
    assert!(matches!(error, EvalError::StackOverflow), "{error}");
}

/// A law whose body doubles 200 times is too large to be hashed; pinning it does not need the hash.
#[test]
fn pinning_a_law_of_shared_parts_terminates() {
    let mut jets = crate::jet::JetTable::new();
    jets.add(Jet::control("force", &[ArgDemand::Normal], ControlForm::Force), &[]);
    let mut vm = Vm::new(HeapOptions::default(), jets.into()).expect("a stack can be reserved");
    let mut doubled = vm.nat(0);
    for _ in 0..200 {
        let zero = vm.nat(0);
        doubled = vm.app(&zero, &[doubled.clone(), doubled]).expect("room");
    }
    let parts = [vm.nat(0), vm.nat(1), doubled];
    let zero = vm.nat(0);
    let law = vm.app(&zero, &parts).expect("room");
    let pin = vm.pin(&law).expect("a pin");
    assert!(matches!(vm.look(&pin).shape(), Shape::Pin(_)));
}

/// `(0 7 (chain m))`, nested n times around 0.
#[test]
fn a_deep_value_is_normalised_and_survives_a_collection() {
    let mut vm = vm();
    let g = law(
        2,
        A(vec![N(0), A(vec![N(0), A(vec![N(2), N(0)]), A(vec![N(2), N(7)])]), ap(N(1), N(2))]),
    );
    let f = law(1, ap(ap(ap(N(2), A(vec![N(2), N(0)])), ap(g, N(0))), N(1)));
    let chain = run(&mut vm, &A(vec![f, N(1_000_000)])).expect("a value");
    vm.collect();
    let mut depth = 0;
    let mut value: Ref<'_> = vm.look(&chain);
    while let Shape::App(app) = value.shape() {
        value = app.args().last().expect("an argument");
        depth += 1;
    }
    assert_eq!(depth, 1_000_000);
}

#[test]
fn long_apps_grow_and_can_be_taken_apart() {
    let mut vm = vm();
    let f = make(&mut vm, &law(1000, N(0)));
    let mut app = vm.eval(&f).expect("a law");
    for n in 0..500 {
        let arg = vm.nat(n);
        app = vm.apply(&app, &[arg]).expect("an app");
    }
    let app = vm.force(&app).expect("a normal app");
    let Shape::App(seen) = vm.look(&app).shape() else { panic!("an app") };
    let args: Vec<_> = seen.args().map(|a| a.as_u64()).collect();
    assert_eq!(args, (0..500).map(Some).collect::<Vec<_>>());
    assert_eq!(seen.runs().count(), 1, "normal forms are flat");
}

/// `loop n = 2 n (m & second 0 (loop m)) n`: a lazy argument whose value is that of the next one.
#[test]
fn thunks_that_end_in_each_other_take_no_stack() {
    let options = HeapOptions { max_stack: 1 << 18, ..HeapOptions::default() };
    let mut vm = Vm::new(options, Default::default()).expect("a small stack can be reserved");
    let second = law(2, N(2));
    let next = law(2, ap(ap(second, A(vec![N(2), N(0)])), ap(N(1), N(2))));
    let again = law(1, ap(ap(ap(N(2), A(vec![N(2), N(7)])), ap(next, N(0))), N(1)));
    assert_eq!(number(&mut vm, &A(vec![again, N(300_000)])), Some(7));
}

/// A list of half a million cells, each made when it is needed, is consumed while the law that
/// bound it waits.
#[test]
fn dead_slots_of_a_waiting_frame_keep_nothing_alive() {
    let options = HeapOptions { max_heap: 24 << 20, nursery: 1 << 16, ..HeapOptions::default() };
    let mut vm = Vm::new(options, Default::default()).expect("a small stack can be reserved");
    let quoted = |n| A(vec![N(2), N(n)]);
    let apply = |args: Vec<E>| args.into_iter().reduce(ap).expect("a function");
    // from n = (0 n (from (3 n)))
    let from = law(1, apply(vec![quoted(0), N(1), ap(N(0), ap(N(3), N(1)))]));
    // walk n xs = 2 9 (step walk xs) n ; step walk xs m = 1 7 7 (cell walk m) 7 xs
    // cell walk m start rest = walk m rest
    let cell = law(4, apply(vec![N(1), N(2), N(4)]));
    let on = apply(vec![cell, N(1), N(3)]);
    let step = law(3, apply(vec![quoted(1), quoted(7), quoted(7), on, quoted(7), N(2)]));
    let walk = law(2, apply(vec![quoted(2), quoted(9), apply(vec![step, N(0), N(2)]), N(1)]));
    // main n = let xs = from 0 in 3 (walk n xs)
    let body = ap(N(3), apply(vec![walk, N(1), N(2)]));
    let main = law(1, A(vec![N(1), ap(from, quoted(0)), body]));
    assert_eq!(number(&mut vm, &A(vec![main, N(500_000)])), Some(10));
}

#[test]
fn an_interrupt_stops_a_loop() {
    let mut vm = vm();
    let flag = vm.interrupt_flag();
    let looping = law(1, ap(N(0), N(1)));
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        flag.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let error = run(&mut vm, &A(vec![looping, N(0)])).expect_err("it never ends by itself");
    assert!(matches!(error, EvalError::Interrupted), "{error}");
    stopper.join().expect("the thread ended");
    assert_eq!(number(&mut vm, &A(vec![N(3), N(4)])), Some(5));
}

/// What profiles by samples cost while none is taken: one test at the beginning of an evaluation, one
/// link for each run of the loop, and nothing for a call.
#[test]
fn a_call_runs_no_code_that_is_there_for_samples() {
    let quote = |value| A(vec![N(2), value]);
    let case = |zero, more| ap(ap(ap(quote(N(2)), quote(N(zero))), more), N(1));
    // f 0 = 7; f n = f (n - 1)
    let tail_calls = || law(1, case(7, N(0)));
    // f 0 = 7; f n = inc (f (n - 1))
    let successor = || law(2, ap(quote(N(3)), ap(N(1), N(2))));
    let calls_in_calls = || law(1, case(7, ap(quote(successor()), N(0))));
    let mut vm = vm();
    let mut steps = |function: E, calls: u64, expected: u64| {
        let value = make(&mut vm, &A(vec![function, N(calls)]));
        let before = STEPS.get();
        let result = vm.force(&value).expect("a value");
        assert_eq!(vm.look(&result).as_u64(), Some(expected));
        STEPS.get() - before
    };
    let few = [steps(tail_calls(), 10, 7), steps(calls_in_calls(), 10, 17)];
    let many = [steps(tail_calls(), 100_000, 7), steps(calls_in_calls(), 100_000, 100_007)];
    assert_eq!((few, many), ([2, 2], [2, 2]));
}
