//! Code that an earlier run kept is looked for after few calls, and code that is not kept is not made
//! early.
//!
//! The counters are those of the whole process, so there is only one test.

use jit::{CompileMode, finish_pending, install, statistics};
use plan::{HeapOptions, Val, plain};
use spec::Term;
use std::time::Duration;
use vm::Vm;

/// `f n`: 7 for 0, else `n`, as one more than its predecessor.
const LAW: &str = "{'f' 1 (0 (0 (0 2 (2 7)) 3) 1)}";
/// A law that differs in a constant only, so its fingerprint is the same.
const OTHER: &str = "{'f' 1 (0 (0 (0 2 (2 8)) 3) 1)}";

fn runtime(law: &str) -> (Vm, Val) {
    let options =
        HeapOptions { nursery: 1 << 16, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    let mut vm = Vm::new(options, Default::default()).expect("a stack can be reserved");
    install(&mut vm, CompileMode::Tiered).expect("the machine is known");
    let law = plain::from_term(&mut vm, &Term::parse(law).expect("a term")).expect("room");
    (vm, law)
}

/// Calls a law that often, and waits for the code that it requests.
fn call(vm: &mut Vm, law: &Val, times: usize) {
    let argument = vm.nat(5);
    for _ in 0..times {
        let result = vm.apply(law, std::slice::from_ref(&argument)).expect("a value");
        assert_eq!(vm.look(&result).as_u64(), Some(5));
    }
    finish_pending(Duration::from_secs(60));
}

#[test]
fn kept_code_is_loaded_after_few_calls() {
    let folder = tempfile::tempdir().expect("a folder");
    jit::set_cache_directory(folder.path());

    let (mut vm, law) = runtime(LAW);
    call(&mut vm, &law, 300);
    assert_eq!(statistics().compiled, 0, "nothing is known of the law");
    call(&mut vm, &law, 2000);
    assert_eq!((statistics().compiled, statistics().loaded), (1, 0));

    // The next runtime decodes the law again.
    let (mut vm, law) = runtime(LAW);
    call(&mut vm, &law, 20);
    assert_eq!(statistics().loaded, 0);
    call(&mut vm, &law, 20);
    assert_eq!((statistics().compiled, statistics().loaded), (1, 1));

    let (mut vm, law) = runtime(OTHER);
    call(&mut vm, &law, 300);
    assert_eq!((statistics().compiled, statistics().loaded), (1, 1), "its code is not kept");
    call(&mut vm, &law, 2000);
    assert_eq!((statistics().compiled, statistics().loaded), (2, 1));
}
