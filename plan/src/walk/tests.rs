//! Values whose parts are shared so much that nobody could ever write them out.

use super::*;
use crate::samples::vm;
use crate::{Val, Vm, seed, show};

/// `[x x]`, and so on: 2^times copies of the nat, in so many rows.
fn doubled(vm: &mut Vm, nat: u64, times: usize) -> Val {
    let mut value = vm.nat(nat);
    for _ in 0..times {
        value = vm.row(&[value.clone(), value]).unwrap();
    }
    vm.force(&value).unwrap()
}

fn is_refused<T>(result: Result<T, EvalError>) -> bool {
    matches!(result, Err(EvalError::TooLarge { .. }))
}

#[test]
fn sizes_are_those_of_what_is_written() {
    let vm = &mut vm(false);
    let value = doubled(vm, 7, 10);
    let size = |value: &Val, pins| written_size(vm.look(value), pins).unwrap();
    assert_eq!(size(&value, Pins::AreParts), (1 << 11) - 1);
    let value = doubled(vm, 7, 100);
    let size = |value: &Val, pins| written_size(vm.look(value), pins).unwrap();
    assert_eq!(size(&value, Pins::AreParts), u64::MAX);
    let pin = doubled(vm, 7, 3);
    let pin = vm.pin(&pin).unwrap();
    let row = vm.row(&[pin.clone(), pin]).unwrap();
    let size = |pins| written_size(vm.look(&row), pins).unwrap();
    assert_eq!(size(Pins::AreParts), 3);
    assert_eq!(size(Pins::AreWritten), 3 + 15);
}

#[test]
fn what_can_be_written_is_hashed_however_much_is_shared() {
    let vm = &mut vm(false);
    let value = doubled(vm, 7, 21);
    let other = doubled(vm, 7, 21);
    assert_eq!(vm.hash(&value).unwrap(), vm.hash(&other).unwrap());
}

#[test]
fn hashing_without_end_is_refused() {
    let vm = &mut vm(false);
    for times in [31, 60, 200] {
        let value = doubled(vm, 7, times);
        assert!(is_refused(vm.hash(&value)));
        let pin = vm.pin(&value).unwrap();
        assert!(is_refused(vm.hash(&pin)));
        let Shape::Pin(seen) = vm.look(&pin).shape() else { unreachable!("a pin was made") };
        assert!(is_refused(seen.hash()));
    }
}

#[test]
fn equality_and_order_look_at_what_is_shared_once() {
    let vm = &mut vm(false);
    let [one, same, more] = [(7, 60), (7, 60), (8, 60)].map(|(nat, n)| doubled(vm, nat, n));
    let pins = [&one, &same, &more].map(|value| vm.pin(value).unwrap());
    for [one, same, more] in [[one, same, more], pins] {
        let (one, same, more) = (vm.look(&one), vm.look(&same), vm.look(&more));
        assert!(one.is_equal(same) && !one.is_equal(more));
        assert!(one.compare(same).is_eq());
        assert!(one.compare(more).is_lt() && more.compare(one).is_gt());
    }
}

#[test]
fn the_last_difference_is_found_behind_what_is_shared() {
    let vm = &mut vm(false);
    let build = |vm: &mut Vm, nat: u64| {
        let (shared, last) = (doubled(vm, 7, 60), vm.nat(nat));
        let row = vm.row(&[last, shared.clone(), shared]).unwrap();
        vm.force(&row).unwrap()
    };
    let (less, more) = (build(vm, 1), build(vm, 2));
    assert!(vm.look(&less).compare(vm.look(&more)).is_lt());
}

#[test]
fn seeds_and_germs_share_and_printing_is_refused() {
    let vm = &mut vm(false);
    let value = doubled(vm, 7, 60);
    let bytes = seed::save(vm, &value).unwrap();
    assert!(bytes.len() < 300, "the seed is small");
    let loaded = seed::load(vm, &bytes).unwrap();
    assert!(vm.look(&loaded).is_equal(vm.look(&value)));
    assert!(is_refused(show::full_rex(vm.look(&loaded))));
    let pin = vm.pin(&loaded).unwrap();
    assert!(seed::save_germ(vm, &pin).is_ok());
    assert!(is_refused(show::full_rex(vm.look(&pin))));
    // A pin that cannot be hashed still has a name of its own in a short text.
    let row = vm.row(&[pin.clone(), pin.clone()]).unwrap();
    assert_eq!(show::value_text(vm.look(&row)).lines().count(), 1);
    let around = vm.pin(&row).unwrap();
    assert!(matches!(seed::save_germ(vm, &around), Err(seed::SaveError::PinTooLarge { .. })));
}

#[test]
fn an_interrupt_ends_a_hash() {
    let vm = &mut vm(false);
    let value = doubled(vm, 7, 29);
    vm.interrupt_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(vm.hash(&value), Err(EvalError::Interrupted)));
}
