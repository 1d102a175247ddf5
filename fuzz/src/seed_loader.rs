//! The seed loader accepts or refuses any bytes, and a loaded value can be saved and loaded again.

use crate::bounds::{has_at_most, small_vm};
use crate::terms::{below, number, value};
use arbitrary::Unstructured;
use plan::{Val, plain, seed};
use std::sync::Arc;
use vm::Vm;

/// Larger values are not hashed or compared: that takes time in proportion to their parts, and the
/// number of parts can be exponential in the size of the seed.
const MAX_PARTS: usize = 1 << 16;

/// Loads a seed: the bytes themselves, or, after a first byte of 255, the seed of a value that the
/// bytes describe, with damage that they describe. A first byte from 1 to 8 makes it a germ with
/// this number of pins.
///
/// # Panics
/// If the loaded value changes when it is saved and loaded again, or if it differs when garbage is
/// collected at every allocation.
pub fn check(bytes: &[u8]) {
    match bytes.split_first() {
        Some((255, rest)) => check_seed(&damaged(&mut Unstructured::new(rest))),
        _ => check_seed(bytes),
    }
}

/// The seed of a value, with some changes.
fn damaged(bytes: &mut Unstructured<'_>) -> Vec<u8> {
    let mut vm = small_vm(Arc::default(), false);
    let changes = below(bytes, 4);
    let term = value(bytes, 8);
    let saved = plain::from_term(&mut vm, &term).map(|value| seed::save(&vm, &value));
    let mut seed = saved.expect("the heap is large enough").expect("the value is in normal form");
    for _ in 0..changes {
        let at = number(bytes) as usize % seed.len().max(1);
        let word = at - at % 8;
        match below(bytes, 6) {
            0 => seed[at] ^= 1 << below(bytes, 8),
            1 => seed[at] = below(bytes, 255),
            // A count, width or nat that is too high or too low by one.
            2 => seed[word] = seed[word].wrapping_add(1),
            3 => seed[word] = seed[word].wrapping_sub(1),
            4 => drop(seed.drain(word..(word + 8).min(seed.len()))),
            _ => drop(seed.splice(word..word, [below(bytes, 4), 0, 0, 0, 0, 0, 0, 0])),
        }
        if seed.is_empty() {
            break;
        }
    }
    seed
}

fn check_seed(bytes: &[u8]) {
    let mut vm = small_vm(Arc::default(), false);
    let Some(value) = load(&mut vm, bytes) else { return };
    let saved = seed::save(&vm, &value).expect("a loaded value is in normal form");
    let again = seed::load(&mut vm, &saved).expect("a saved value can be loaded");
    assert_eq!(seed::save(&vm, &again).as_ref(), Ok(&saved), "saved, loaded and saved");

    let mut stressed = small_vm(Arc::default(), true);
    let under_stress = load(&mut stressed, bytes).expect("it can be loaded");
    assert_eq!(seed::save(&stressed, &under_stress).as_ref(), Ok(&saved), "loaded under stress");

    if has_at_most(vm.look(&value), MAX_PARTS) {
        assert!(vm.look(&value).is_equal(vm.look(&again)), "loaded and loaded again");
        assert_eq!(vm.hash(&value).ok(), vm.hash(&again).ok());
        assert_eq!(vm.hash(&value).ok(), stressed.hash(&under_stress).ok());
    }
}

fn load(vm: &mut Vm, bytes: &[u8]) -> Option<Val> {
    let holes = bytes.first().filter(|count| (1..=8).contains(*count)).map_or(0, |count| *count);
    let pins: Vec<Val> = (0..holes)
        .map(|nat| {
            let nat = vm.nat(nat.into());
            vm.pin(&nat).expect("the heap is large enough")
        })
        .collect();
    seed::load_germ(vm, &pins, bytes).ok()
}
