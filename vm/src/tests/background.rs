//! A value is frozen on another thread while its laws run.

use super::vm;
use crate::Vm;
use plan::pinspace::{FrozenPin, PinSpace};
use plan::{FreezeError, Val, plain};
use spec::{Term, samples};
use std::sync::mpsc::channel;

/// The number of laws in a sample. Each is decoded when it first runs.
const LAWS: usize = 100;

/// `(f n) = if n is 0 then 0 else f (n - 1)`, with a name of its own.
fn law(name: usize) -> Term {
    Term::parse(&format!("<{{{name} 1 (0 (0 (0 2 (2 0)) 0) 1)}}>")).expect("a term")
}

/// Makes a row of laws, and of values of all shapes behind them.
fn sample(vm: &mut Vm, seed: u64) -> Val {
    let laws = (0..LAWS).map(|name| plain::from_term(vm, &law(1000 + name)).expect("room"));
    let mut items: Vec<Val> = laws.collect();
    for term in samples::terms(seed, 40) {
        let item = plain::from_term(vm, &term).expect("room");
        items.push(vm.pin(&item).expect("room"));
        items.push(item);
    }
    let row = vm.row(&items).expect("room");
    vm.force(&row).expect("a value")
}

#[test]
fn laws_run_while_a_value_with_them_is_frozen() {
    for stress in [false, true] {
        for seed in 0..3 {
            let mut vm = vm(stress);
            let value = sample(&mut vm, seed);
            let space = PinSpace::in_memory().expect("the range can be reserved");
            let (sender, result) = channel::<Result<FrozenPin, FreezeError>>();
            let send = move |frozen| sender.send(frozen).expect("the test waits");
            let thread = vm.freeze_in_background(&value, &space, send).expect("a thread");
            let row = vm.look(&value).as_row().expect("a row");
            let laws: Vec<Val> = row.iter().take(LAWS).map(|law| vm.hold(law)).collect();
            for law in laws {
                let five = vm.nat(5);
                let zero = vm.apply(&law, &[five]).expect("a value");
                assert_eq!(vm.look(&zero).as_u64(), Some(0));
            }
            thread.join().expect("no panic");
            let frozen = result.recv().expect("a result").expect("room");
            let again = PinSpace::in_memory().expect("the range can be reserved");
            assert_eq!(frozen.hash(), vm.freeze(&value, &again).expect("room").hash());
        }
    }
}
