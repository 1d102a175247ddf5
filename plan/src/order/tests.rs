use super::*;
use crate::plain::from_term;
use crate::samples::{heap, terms};
use crate::{EvalError, Heap, Val};
use spec::Term;

/// Checks that every pair of values compares as the specification's terms do.
fn check_pairs(heap: &mut Heap, seed: u64, random: usize) {
    let terms = terms(seed, random);
    let values: Vec<Val> = terms.iter().map(|term| from_term(heap, term).unwrap()).collect();
    for (left_term, left) in terms.iter().zip(&values) {
        for (right_term, right) in terms.iter().zip(&values) {
            let expected = left_term.cmp(right_term);
            let (left, right) = (heap.look(left), heap.look(right));
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
        check_pairs(&mut heap(false), seed, 150);
    }
}

#[test]
fn pairs_compare_as_in_the_specification_under_stress() {
    check_pairs(&mut heap(true), 99, 60);
}

#[test]
fn values_that_differ_in_one_place_compare_as_in_the_specification() {
    let heap = &mut heap(false);
    for term in terms(5, 300) {
        let value = from_term(heap, &term).unwrap();
        for other in spec::shrink::shrink(&term).into_iter().take(20) {
            if !other.is_normal() {
                continue;
            }
            let other_value = from_term(heap, &other).unwrap();
            let (left, right) = (heap.look(&value), heap.look(&other_value));
            assert_eq!(compare(left, right), term.cmp(&other), "{term} and {other}");
            assert_eq!(compare(right, left), other.cmp(&term), "{other} and {term}");
            assert_eq!(equal(left, right), term == other, "{term} and {other}");
        }
    }
}

#[test]
fn values_of_two_heaps_compare() {
    let (one, two) = (&mut heap(false), &mut heap(true));
    for term in terms(7, 40) {
        let (left, right) = (from_term(one, &term).unwrap(), from_term(two, &term).unwrap());
        assert_eq!(compare(one.look(&left), two.look(&right)), Ordering::Equal, "{term}");
        assert!(equal(one.look(&left), two.look(&right)), "{term}");
    }
}

/// `(f 1 2 ... count)`, applied one argument at a time, so that it is a chain.
fn chained(heap: &mut Heap, count: u64) -> Result<Val, EvalError> {
    let function = from_term(heap, &Term::law(0, 1000, 7))?;
    heap.build(|b| {
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
    let heap = &mut heap(false);
    let flat = Term::law(0, 1000, 7).apps((1..=200).map(Term::from));
    let flat = from_term(heap, &flat).unwrap();
    let same = chained(heap, 200).unwrap();
    let shorter = chained(heap, 199).unwrap();
    let (flat, same, shorter) = (heap.look(&flat), heap.look(&same), heap.look(&shorter));
    assert_eq!(compare(flat, same), Ordering::Equal);
    assert_eq!(compare(same, flat), Ordering::Equal);
    assert_eq!(compare(flat, shorter), Ordering::Greater);
    assert_eq!(compare(shorter, same), Ordering::Less);
    assert_eq!(crate::hash::hash(flat).unwrap(), crate::hash::hash(same).unwrap());
}

#[test]
fn rows_of_small_nats_are_found_among_other_keys() {
    let heap = &mut heap(false);
    let parts =
        [Term::from(0), Term::from(3), Term::from(u64::MAX), spec::shapes::row([Term::from(3)])];
    let mut keys: Vec<Term> = parts.to_vec();
    for first in &parts {
        keys.push(spec::shapes::row([first.clone()]));
        keys.extend(parts.iter().map(|last| spec::shapes::row([first.clone(), last.clone()])));
    }
    keys.sort();
    keys.dedup();
    let all = from_term(heap, &spec::shapes::row(keys.clone())).unwrap();
    for (first, last) in (0..6).flat_map(|first| (0..6).map(move |last| (first, last))) {
        for nats in [vec![first], vec![first, last], vec![first, last, 3]] {
            let key = spec::shapes::row(nats.into_iter().map(Term::from));
            let value = from_term(heap, &key).unwrap();
            let items = heap.look(&all).as_row().expect("a row");
            let position = items.search_evaluated(heap.look(&value));
            assert_eq!(position, Ok(keys.binary_search(&key)), "{key}");
        }
    }
}
