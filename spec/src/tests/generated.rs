//! The generated terms, and their reductions.

use proptest::prelude::*;

use super::super::generate::TermGenerator;
use super::super::shrink::{minimise, shrink};
use super::*;

/// Returns how often programs of a size end in each way (values, crashes, loops, out of fuel), in
/// percent.
fn distribution(size: usize, fuel: u64) -> [usize; 4] {
    let mut counts = [0; 4];
    let total = 2000;
    for seed in 0..total {
        let program = TermGenerator::new(seed).program(size);
        let end = match eval(&program, fuel) {
            SpecOutcome::Value(_) => 0,
            SpecOutcome::Crash { .. } => 1,
            SpecOutcome::Loop => 2,
            SpecOutcome::OutOfFuel => 3,
        };
        counts[end] += 1;
    }
    counts.map(|count| count * 100 / total as usize)
}

#[test]
fn programs_end_in_every_way_but_mostly_in_values() {
    for size in [10, 40, 160] {
        let [values, crashes, loops, out_of_fuel] = distribution(size, 20_000);
        let percentages = format!("{size}: {values} {crashes} {loops} {out_of_fuel}");
        println!("{percentages}");
        assert!(values >= 50, "{percentages}");
        assert!((1..=40).contains(&crashes), "{percentages}");
        assert!(out_of_fuel <= 10, "{percentages}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_values_are_normal(seed: u64, size in 0usize..120) {
        let value = TermGenerator::new(seed).term(size);
        prop_assert!(value.is_normal(), "{value}");
        prop_assert_eq!(eval(&value, FUEL), SpecOutcome::Value(value));
    }

    #[test]
    fn notation_is_faithful(seed: u64, size in 0usize..120) {
        let program = TermGenerator::new(seed).program(size);
        prop_assert!(program.is_well_formed());
        let read = Term::parse(&program.to_string());
        prop_assert_eq!(read, Ok(program));
    }

    #[test]
    fn results_are_normal_and_whnf_comes_first(seed: u64, size in 0usize..80) {
        let program = TermGenerator::new(seed).program(size);
        let outcome = eval(&program, FUEL);
        if let SpecOutcome::Value(value) = &outcome {
            prop_assert!(value.is_normal());
            match whnf(&program, FUEL) {
                // Evaluation continues from the weak head normal form to the same result.
                SpecOutcome::Value(head) if head.size() < 10_000 => {
                    prop_assert_eq!(eval(&head, FUEL), outcome);
                }
                SpecOutcome::Value(_) | SpecOutcome::OutOfFuel | SpecOutcome::Loop => {}
                crash @ SpecOutcome::Crash { .. } => prop_assert!(false, "{crash}"),
            }
        }
    }

    #[test]
    fn order_is_total(seeds: [u64; 3], size in 0usize..30) {
        let [x, y, z] = seeds.map(|seed| TermGenerator::new(seed).term(size));
        prop_assert_eq!(x.cmp(&y), y.cmp(&x).reverse());
        prop_assert_eq!(x == y, x.to_string() == y.to_string());
        if x <= y && y <= z {
            prop_assert!(x <= z);
        }
    }

    #[test]
    fn shrinking_makes_smaller_well_formed_terms(seed: u64, size in 0usize..40) {
        let program = TermGenerator::new(seed).program(size);
        for smaller in shrink(&program) {
            prop_assert!(smaller.is_well_formed());
            prop_assert!(smaller.size() <= program.size());
            prop_assert!(smaller != program);
        }
    }
}

#[test]
fn minimising_finds_the_heart_of_a_failure() {
    // The smallest program that crashes at all.
    let crash = |program: &Term| matches!(eval(program, 2_000), SpecOutcome::Crash { .. });
    let mut found = 0;
    for seed in 0..200 {
        let program = TermGenerator::new(seed).program(30);
        if crash(&program) {
            found += 1;
            let smallest = minimise(program, crash);
            assert!(smallest.size() <= 7, "{smallest}");
        }
    }
    assert!(found > 5, "{found} of 200 crash");
}

#[test]
fn a_seed_determines_its_programs() {
    let texts = |seed| {
        let mut source = TermGenerator::new(seed);
        [source.program(30).to_string(), source.program(30).to_string()]
    };
    assert_eq!(texts(7), texts(7));
    assert_ne!(texts(7), texts(8));
    assert_ne!(texts(7)[0], texts(7)[1]);
}
