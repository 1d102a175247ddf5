//! Arithmetic on nats of all sizes, and on values that are no nats, has the results of arbitrary-precision
//! arithmetic, whether the law is compiled or not, and whether an operand is a constant or not.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

use jet_programs::{table_of_all, unused_law};
use jit::CompileMode;
use plan::{HeapOptions, Natural};
use spec::Term;
use support::{ProgramResult, found};
use vm::Vm;

type NatFunction = fn(&Natural, &Natural) -> Natural;

/// The operations, with their results for nats.
const OPERATIONS: [(&str, NatFunction); 5] = [
    ("_Add", |a, b| a + b),
    ("_Sub", |a, b| if a > b { a - b } else { nat(0) }),
    ("_Mul", |a, b| a * b),
    ("_Div", |a, b| if *b == nat(0) { nat(0) } else { a / b }),
    ("_Mod", |a, b| if *b == nat(0) { a.clone() } else { a % b }),
];

fn nat(number: u64) -> Natural {
    Natural::from(number)
}

/// A law for a jet whose native code handles all arguments, so that the law itself never runs.
fn jet(name: &str) -> Term {
    unused_law(name).pin()
}

fn runtime(mode: CompileMode, stress: bool) -> Vm {
    let options = HeapOptions { nursery: 1 << 16, stress, ..HeapOptions::default() };
    jet_programs::runtime(options, &table_of_all(), mode)
}

/// Nats at the limits of a direct nat and of limbs, powers of two, and longer ones; and a law.
fn samples() -> Vec<Term> {
    let power = |exponent: u64| nat(1) << exponent;
    let mut nats: Vec<Natural> = [0, 1, 2, 3, 8, 10, 256, 1_000_003].map(nat).into();
    for exponent in [32, 61, 62, 63, 64, 65, 127, 128, 192, 521, 1600, 4200] {
        nats.extend([power(exponent) - nat(1), power(exponent), power(exponent) + nat(12_345)]);
    }
    nats.extend((1..12).map(|limbs| (power(64 * limbs) - nat(1)) / nat(7)));
    let law = Term::law(nat(7), 1, Term::from(1));
    nats.into_iter().map(Term::Nat).chain([law]).collect()
}

/// An application in a law's body.
fn call(function: Term, args: [Term; 2]) -> Term {
    args.into_iter().fold(Term::from(2).app(function), |f, x| Term::from(0).apps([f, x]))
}

fn check(mode: CompileMode, stress: bool) {
    let samples = samples();
    let vm = &mut runtime(mode, stress);
    let number = |term: &Term| if let Term::Nat(nat) = term { nat.clone() } else { nat(0) };
    for (name, operation) in OPERATIONS {
        for (index, right) in samples.iter().enumerate() {
            let constant = Term::from(2).app(right.clone());
            let of_constant = Term::law(1, 1, call(jet(name), [Term::from(1), constant]));
            let of_both = Term::law(2, 2, call(jet(name), [Term::from(1), Term::from(2)]));
            let lefts = samples.iter().skip(index % 2).step_by(if stress { 5 } else { 2 });
            for left in lefts {
                let expected =
                    ProgramResult::Value(Term::Nat(operation(&number(left), &number(right))));
                let both = of_both.clone().apps([left.clone(), right.clone()]);
                let one = of_constant.clone().app(left.clone());
                assert_eq!(found(vm, &both), expected, "{name} {left} {right}");
                assert_eq!(found(vm, &one), expected, "{name} {left}, and the constant {right}");
            }
        }
    }
}

#[test]
fn interpreted_arithmetic() {
    check(CompileMode::Off, false);
}

#[test]
fn compiled_arithmetic() {
    check(CompileMode::Eager, false);
}

#[test]
fn compiled_arithmetic_that_collects() {
    check(CompileMode::Eager, true);
}
