use super::*;
use crate::plain::from_term;
use crate::samples::{terms, vm};
use crate::{EvalError, Val, Vm};

/// Every pair of values must compare as the specification's plain trees do.
fn check_pairs(vm: &mut Vm, seed: u64, random: usize) {
    let terms = terms(seed, random);
    let values: Vec<Val> = terms.iter().map(|term| from_term(vm, term).unwrap()).collect();
    for (left_term, left) in terms.iter().zip(&values) {
        for (right_term, right) in terms.iter().zip(&values) {
            let expected = left_term.cmp(right_term);
            let (left, right) = (vm.look(left), vm.look(right));
            assert_eq!(compare(left, right), expected, "{left_term} and {right_term}");
            assert_eq!(equal(left, right), expected.is_eq(), "{left_term} and {right_term}");
            let hashes = (crate::hash::hash(left).unwrap(), crate::hash::hash(right).unwrap());
            assert_eq!(hashes.0 == hashes.1, expected.is_eq(), "{left_term} and {right_term}");
        }
    }
}

#[test]
fn pairs_compare_as_in_the_specification() {
    for seed in 0..8 {
        check_pairs(&mut vm(false), seed, 150);
    }
}

#[test]
fn pairs_compare_as_in_the_specification_under_stress() {
    check_pairs(&mut vm(true), 99, 60);
}

#[test]
fn values_that_differ_in_one_place_compare_as_in_the_specification() {
    let vm = &mut vm(false);
    for term in terms(5, 300) {
        let value = from_term(vm, &term).unwrap();
        for other in crate::spec::shrink::shrink(&term).into_iter().take(20) {
            if !other.is_normal() {
                continue;
            }
            let other_value = from_term(vm, &other).unwrap();
            let (left, right) = (vm.look(&value), vm.look(&other_value));
            assert_eq!(compare(left, right), term.cmp(&other), "{term} and {other}");
            assert_eq!(compare(right, left), other.cmp(&term), "{other} and {term}");
            assert_eq!(equal(left, right), term == other, "{term} and {other}");
        }
    }
}

#[test]
fn values_of_two_heaps_compare() {
    let (one, two) = (&mut vm(false), &mut vm(true));
    for term in terms(7, 40) {
        let (left, right) = (from_term(one, &term).unwrap(), from_term(two, &term).unwrap());
        assert_eq!(compare(one.look(&left), two.look(&right)), Ordering::Equal, "{term}");
        assert!(equal(one.look(&left), two.look(&right)), "{term}");
    }
}

/// `(f 1 2 ... count)`, in pieces, so that it is chained.
fn chained(vm: &mut Vm, count: u64) -> Result<Val, EvalError> {
    let function = from_term(vm, &crate::spec::Term::law(0, 1000, 7))?;
    vm.build(|b| {
        b.push(&function);
        for nat in 1..=count {
            b.push_nat(nat)?;
            b.app(1)?;
        }
        Ok(())
    })
}

#[test]
fn shape_never_shows_in_chained_apps() {
    let vm = &mut vm(false);
    let flat = crate::spec::Term::law(0, 1000, 7).apps((1..=200).map(crate::spec::Term::from));
    let flat = from_term(vm, &flat).unwrap();
    let same = chained(vm, 200).unwrap();
    let shorter = chained(vm, 199).unwrap();
    let (flat, same, shorter) = (vm.look(&flat), vm.look(&same), vm.look(&shorter));
    assert_eq!(compare(flat, same), Ordering::Equal);
    assert_eq!(compare(same, flat), Ordering::Equal);
    assert_eq!(compare(flat, shorter), Ordering::Greater);
    assert_eq!(compare(shorter, same), Ordering::Less);
    assert_eq!(crate::hash::hash(flat).unwrap(), crate::hash::hash(same).unwrap());
}
