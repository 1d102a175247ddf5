//! The call chain of an error, interpreted and compiled. In compiled code, a law that is inlined has
//! no frame of its own: its calls are those of the law that it is inlined into.

use jit::{CompileMode, install};
use plan::{EvalError, HeapOptions, plain};
use spec::Term;
use vm::Vm;

/// A runtime without a compiler, and one that compiles each law at its first call.
fn runtimes() -> [Vm; 2] {
    runtimes_with(false)
}

/// [`runtimes`], with a collection at each allocation if `stress` is set.
fn runtimes_with(stress: bool) -> [Vm; 2] {
    let options = HeapOptions { nursery: 1 << 16, max_heap: 1 << 30, max_stack: 1 << 28, stress };
    let vm = || Vm::new(options.clone(), Default::default()).expect("a stack can be reserved");
    let mut compiling = vm();
    install(&mut compiling, CompileMode::Eager).expect("the machine is known");
    [vm(), compiling]
}

/// Applies a function, in text, to a nat, which fails. Returns the error and its call chain.
fn fail(vm: &mut Vm, function: &str, nat: u64) -> (EvalError, Vec<String>) {
    let term = Term::parse(function).expect("a term");
    let function = plain::from_term(vm, &term).expect("room");
    let nat = vm.nat(nat);
    let app = vm.app(&function, &[nat]).expect("room");
    let error = vm.force(&app).expect_err("no value");
    (error, vm.call_chain().lines(vm, |_, _| None))
}

fn is_crash(error: &EvalError) -> bool {
    matches!(error, EvalError::Crash { .. })
}

/// `f n`: crashes with the operation 9 if `n` is 0, else one more than `g f` of the predecessor.
const RECURSIVE: &str = "{'f' 1 (0 (0 (0 2 (0 9 7)) (0 {'g' 2 (0 3 (0 1 2))} 0)) 1)}";

#[test]
fn a_law_that_crashes_is_the_first_of_its_chain() {
    for mut vm in runtimes() {
        let (error, chain) = fail(&mut vm, RECURSIVE, 0);
        assert!(is_crash(&error), "{error}");
        assert_eq!(chain, ["f"]);
    }
}

#[test]
fn equal_neighbours_are_counted() {
    let wants = [&["f", "g  (200000 times)"][..], &["f  (200001 times)"]];
    for (mut vm, want) in runtimes().into_iter().zip(wants) {
        let (error, chain) = fail(&mut vm, RECURSIVE, 200_000);
        assert!(is_crash(&error), "{error}");
        assert_eq!(chain, want);
    }
}

/// `main n`: one more than `a n`. `a n`: crashes if `n` is 0, else one more than `b a` of the
/// predecessor. `b a n`: one more than one more than `a n`, by `c`, a law that is applied to a thunk.
const PAIR: &str = "{'main' 1 (0 3 (0 {'a' 1 (0 (0 (0 2 (0 9 7)) (0 {'b' 2 (0 3 (0 {'c' 1 (0 3 (0 \
    3 1))} (0 1 2)))} 0)) 1)} 1))}";

#[test]
fn the_middle_of_a_long_chain_is_omitted() {
    let [mut interpreting, mut compiling] = runtimes();
    let (error, chain) = fail(&mut interpreting, PAIR, 100_000);
    assert!(is_crash(&error), "{error}");
    let mut want = vec!["a"];
    want.extend((0..19).map(|at| if at % 2 == 0 { "c" } else { "b" }));
    want.extend(["... 199977 more calls ...", "c", "b", "c", "b", "main"]);
    assert_eq!(chain, want);
    let (error, chain) = fail(&mut compiling, PAIR, 100_000);
    assert!(is_crash(&error), "{error}");
    assert_eq!(chain, ["a  (100000 times)", "main"]);
}

#[test]
fn collections_move_the_laws_of_a_chain() {
    for mut vm in runtimes_with(true) {
        let (error, chain) = fail(&mut vm, PAIR, 200);
        assert!(is_crash(&error), "{error}");
        vm.collect();
        assert_eq!(vm.call_chain().lines(&vm, |_, _| None), chain);
        assert_eq!(chain.last().map(String::as_str), Some("main"));
    }
}

/// `f n`: never ends, and recurses deeper all the time.
const ENDLESS: &str = "{'f' 1 (0 3 (0 0 (0 3 1)))}";

#[test]
fn an_endless_recursion_names_its_law() {
    for mut vm in runtimes() {
        let (error, chain) = fail(&mut vm, ENDLESS, 0);
        assert!(matches!(error, EvalError::StackOverflow), "{error}");
        assert_eq!(chain.len(), 1, "{chain:?}");
        assert!(chain[0].starts_with("f  ("), "{chain:?}");
    }
}

/// `main n`: one more than `use` of a lazy call of `lazy`, which crashes when it is needed.
const THROUGH_THUNK: &str =
    "{'main' 1 (0 3 (0 {'use' 1 (0 3 (0 3 1))} (0 {'lazy' 1 (0 3 (0 9 1))} 1)))}";

#[test]
fn a_thunk_is_in_the_chain_of_what_needs_it() {
    let wants = [&["lazy", "use", "main"][..], &["main"]];
    for (mut vm, want) in runtimes().into_iter().zip(wants) {
        let (error, chain) = fail(&mut vm, THROUGH_THUNK, 5);
        assert!(is_crash(&error), "{error}");
        assert_eq!(chain, want);
    }
}

#[test]
fn a_value_after_an_error_leaves_no_chain_for_the_next_error() {
    for mut vm in runtimes() {
        fail(&mut vm, RECURSIVE, 3);
        let nine = vm.nat(9);
        let app = vm.app(&nine, std::slice::from_ref(&nine)).expect("room");
        assert!(vm.force(&app).is_err());
        assert!(vm.call_chain().is_empty());
    }
}
