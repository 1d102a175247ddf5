//! Frozen values behave like the original values: they print, run, use jets, and are collected.

use super::vm;
use crate::Vm;
use crate::jet::{ArgDemand, Jet, JetAnswer, JetCall, JetTable};
use plan::pinspace::{FrozenPin, PinSpace};
use plan::plain::{from_term, to_term};
use plan::{EvalError, HeapOptions, Shape, Val, seed};
use spec::Term;
use spec::samples::terms;
use std::sync::Arc;

fn space() -> Arc<PinSpace> {
    PinSpace::in_memory().expect("the range can be reserved")
}

fn value(vm: &mut Vm, text: &str) -> Val {
    let term = Term::parse(text).expect("a term");
    from_term(vm, &term).expect("a value")
}

fn freeze(vm: &mut Vm, value: &Val, space: &Arc<PinSpace>) -> Val {
    let frozen = vm.freeze(value, space).expect("room");
    vm.adopt(&frozen)
}

/// The item of a pin.
fn item(vm: &Vm, pin: &Val) -> Val {
    match vm.look(pin).shape() {
        Shape::Pin(pin) => vm.hold(pin.item()),
        _ => panic!("not a pin"),
    }
}

/// `(f n) = if n is 0 then 0 else f (n - 1)`: the law calls itself through its own slot.
const COUNT_DOWN: &str = "<{7 1 (0 (0 (0 2 (2 0)) 0) 1)}>";

/// A pin whose address is inside another record.
fn damaged(space: &Arc<PinSpace>) -> FrozenPin {
    let vm = &mut vm(false);
    let law = value(vm, COUNT_DOWN);
    let frozen = vm.freeze(&law, space).expect("room");
    // SAFETY: the address is inside the law's record, so it is mapped.
    unsafe { space.at_unverified(frozen.address() + 64) }
}

fn is_damage<T>(result: Result<T, EvalError>, of: &FrozenPin) -> bool {
    let place = format!("{:#x}", of.address());
    matches!(result, Err(EvalError::Damaged(damage)) if damage.place.contains(&place))
}

#[test]
fn a_frozen_value_is_the_value() {
    for stress in [false, true] {
        let vm = &mut vm(stress);
        let space = space();
        for term in terms(7, 200) {
            let plain = from_term(vm, &term).expect("a value");
            let pin = vm.pin(&plain).expect("room");
            let frozen = freeze(vm, &pin, &space);
            let inside = item(vm, &frozen);
            vm.collect();
            assert_eq!(to_term(vm.look(&inside)), term);
            assert!(vm.look(&frozen).is_equal(vm.look(&pin)), "{term}");
            assert_eq!(vm.hash(&frozen).expect("small"), vm.hash(&pin).expect("small"), "{term}");
            assert_eq!(vm.hash(&inside).expect("small"), vm.hash(&plain).expect("small"), "{term}");
            assert_eq!(vm.look(&frozen).arity(), vm.look(&pin).arity(), "{term}");
            let texts = [&frozen, &pin]
                .map(|value| show::value_text(vm.look(value), show::PrintLimit::DEFAULT));
            assert_eq!(texts[0], texts[1]);
            let seeds = [&frozen, &pin].map(|value| seed::save(vm, value).expect("a seed"));
            assert_eq!(seeds[0], seeds[1]);
            let germs = [&frozen, &pin].map(|value| seed::save_germ(vm, value).expect("a germ"));
            assert_eq!(germs[0], germs[1]);
        }
    }
}

#[test]
fn frozen_laws_run_across_collections() {
    for stress in [false, true] {
        let vm = &mut vm(stress);
        let space = space();
        let law = value(vm, COUNT_DOWN);
        let one = vm.nat(1);
        // The law of the heap has run before it is frozen, and runs afterwards.
        vm.apply(&law, std::slice::from_ref(&one)).expect("a value");
        let frozen = freeze(vm, &law, &space);
        let bare = item(vm, &frozen);
        let steps = vm.nat(if stress { 20 } else { 20_000 });
        for _ in 0..4 {
            for function in [&law, &frozen, &bare] {
                let result = vm.apply(function, std::slice::from_ref(&steps)).expect("a value");
                assert_eq!(vm.look(&result).as_u64(), Some(0));
            }
            vm.collect();
        }
    }
}

#[test]
fn code_of_frozen_laws_is_dropped_when_they_no_longer_run() {
    let vm = &mut vm(false);
    let space = space();
    let law = value(vm, COUNT_DOWN);
    let frozen = vm.freeze(&law, &space).expect("room");
    let held = vm.adopt(&frozen);
    let one = vm.nat(1);
    vm.apply(&held, std::slice::from_ref(&one)).expect("a value");
    drop((held, law));
    let inside = vm.adopt(&frozen);
    let law = item(vm, &inside);
    drop(inside);
    let code = |vm: &Vm, law: &Val| vm.heap.host.pools.code_of_frozen(vm.heap.word(law)).is_some();
    assert!(code(vm, &law));
    vm.collect();
    vm.collect();
    assert!(code(vm, &law), "it is still referred to");
    let word = vm.heap.word(&law);
    drop(law);
    vm.collect();
    vm.collect();
    assert!(vm.heap.host.pools.code_of_frozen(word).is_none());
}

#[test]
fn jets_of_frozen_pins_are_found() {
    fn nine(call: &mut JetCall<'_>) -> Result<JetAnswer, EvalError> {
        call.push_small(9);
        Ok(JetAnswer::Done)
    }
    let law = Term::parse(COUNT_DOWN).expect("a term");
    let mut probe = vm(false);
    let pin = from_term(&mut probe, &law).expect("a value");
    let hash = probe.hash(&item(&probe, &pin)).expect("small");
    let mut jets = JetTable::new();
    jets.add(Jet::native("nine", &[ArgDemand::Lazy], nine), &[hash]);
    let mut vm = Vm::new(HeapOptions::default(), Arc::new(jets)).expect("a heap");
    let pin = from_term(&mut vm, &law).expect("a value");
    let frozen = freeze(&mut vm, &pin, &space());
    let one = vm.nat(1);
    let result = vm.apply(&frozen, std::slice::from_ref(&one)).expect("a value");
    assert_eq!(vm.look(&result).as_u64(), Some(9));
}

#[test]
fn an_evaluation_that_reads_a_damaged_pin_fails() {
    let space = space();
    let damaged = damaged(&space);
    let vm = &mut vm(false);
    let pin = vm.adopt(&damaged);
    vm.check_damage().expect("no evaluation has read it yet");
    let args: Vec<Val> = (1..4).map(|nat| vm.nat(nat)).collect();
    assert!(is_damage(vm.apply(&pin, &args), &damaged));
    // What the heap has computed since may be wrong, so all its later evaluations fail.
    let three = vm.nat(3);
    assert!(is_damage(vm.apply(&three, &args[..1]), &damaged));
    assert!(is_damage(vm.hash(&three), &damaged));
    // Other heaps are not affected.
    let vm = &mut super::vm(false);
    let three = vm.nat(3);
    assert!(vm.apply(&three, &args[..1]).is_ok());
}

#[test]
fn a_space_is_released_when_nothing_refers_to_it() {
    let space = space();
    let vm = &mut vm(false);
    let law = value(vm, COUNT_DOWN);
    let frozen = freeze(vm, &law, &space);
    let two = vm.nat(2);
    assert!(vm.apply(&frozen, std::slice::from_ref(&two)).is_ok());
    vm.collect();
    assert!(Arc::strong_count(&space) > 1, "the heap has it");
    let nested = vm.row(std::slice::from_ref(&frozen)).expect("room");
    drop((frozen, law));
    vm.collect();
    vm.collect();
    assert!(Arc::strong_count(&space) > 1, "a row has it");
    drop(nested);
    vm.collect();
    vm.collect();
    assert_eq!(Arc::strong_count(&space), 1);
}
