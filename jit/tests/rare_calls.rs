//! Values that are live during calls on rare paths are the same afterwards: the evaluation of a thunk, a sum
//! that is no direct nat, an item of something that is no row, a collection. Each program is compared with
//! its result when it is interpreted.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

use jet_programs::{apply as call, arg, constant, row_of, table_of_all, unused_law};
use jit::CompileMode;
use plan::{HeapOptions, Natural};
use spec::Term;
use spec::shapes::row;
use support::found;
use vm::Vm;

fn runtime(mode: CompileMode, stress: bool) -> Vm {
    let options = HeapOptions { nursery: 1 << 15, stress, ..HeapOptions::default() };
    jet_programs::runtime(options, &table_of_all(), mode)
}

fn call_jet(name: &str, args: impl IntoIterator<Item = Term>) -> Term {
    call(constant(unused_law(name).pin()), args)
}

/// The row of the variables 1 to `last` of a law of `arity` arguments, whose others are bound to `bound` and
/// evaluated in order.
fn evaluated(bound: &[Term], arity: u64) -> Term {
    let last = arity + bound.len() as u64;
    let all = row_of((1..=last).map(arg).collect());
    let in_order =
        (arity + 1..=last).rev().fold(all, |rest, var| call_jet("_Seq", [arg(var), rest]));
    bound.iter().rev().fold(in_order, |rest, bound| Term::from(1).apps([bound.clone(), rest]))
}

/// Laws of five values, the last mostly a row.
fn functions() -> Vec<(&'static str, Term)> {
    let number = |name: &str, a: Term, b: Term| call_jet(name, [a, b]);
    let item = |index: u64| call_jet("_Idx", [constant(Term::from(index)), arg(5)]);
    let words = [
        number("iSub64", arg(1), arg(2)),
        number("mul64", arg(3), arg(6)),
        number("iDiv64", arg(7), arg(4)),
        number("iSub64", arg(8), arg(1)),
        number("add64", item(0), arg(9)),
    ];
    let nats = [
        number("_Add", arg(1), arg(2)),
        number("_Mul", arg(6), arg(3)),
        number("_Sub", arg(7), arg(4)),
        number("_Mod", arg(8), arg(2)),
        call(constant(Term::from(3)), [arg(9)]),
    ];
    let items = [
        item(1),
        item(0),
        call_jet("_Len", [arg(5)]),
        number("_Add", arg(6), arg(8)),
        row_of(vec![arg(6), arg(7)]),
        number("_Add", arg(9), arg(1)),
    ];
    // A loop: it counts the fourth down from at most 7, and adds up in the first.
    let turns = call_jet("_Mod", [arg(4), constant(Term::from(8))]);
    let sum = number("iSub64", number("mul64", arg(1), arg(2)), arg(3));
    let again = [sum, arg(3), number("_Add", arg(2), item(0)), call_jet("_Dec", [arg(6)]), arg(5)];
    let again = call_jet("_Seq", [arg(1), call(arg(0), again)]);
    let ended = row_of((1..=5).map(arg).collect());
    let looping = Term::from(1).apps([turns, call_jet("_If", [arg(6), again, ended])]);
    let law = |body: Term| Term::law(7, 5, body);
    vec![
        ("words", law(evaluated(&words, 5))),
        ("nats", law(evaluated(&nats, 5))),
        ("items", law(evaluated(&items, 5))),
        ("loop", law(looping)),
    ]
}

/// Calls its first argument with results of its second. The first two results share a thunk with the third
/// and the fourth.
fn passing_thunks() -> Term {
    let made = |index: u64| call(arg(2), [arg(index)]);
    let body = call(arg(1), [arg(6), arg(7), arg(6), arg(7), made(5)]);
    Term::law(
        9,
        5,
        [made(3), made(4)]
            .into_iter()
            .rev()
            .fold(body, |rest, bound| Term::from(1).apps([bound, rest])),
    )
}

fn check(stress: bool) {
    let [interpreted, compiled] =
        &mut [CompileMode::Off, CompileMode::Eager].map(|mode| runtime(mode, stress));
    let power = |exponent: u64| Term::Nat(Natural::from(1_u64) << exponent);
    let minus = |less: u64| Term::from(0_u64.wrapping_sub(less));
    let law = || Term::law(7, 1, Term::from(1));
    let numbers =
        [Term::from(0), Term::from(5), Term::from((1 << 63) - 1), minus(3), power(70), law()];
    let lasts = [row([minus(2), Term::from(9)]), row([law()]), Term::from(4)];
    let identity = Term::law(8, 1, Term::from(1));
    for (name, function) in functions() {
        for (index, a) in numbers.iter().enumerate() {
            for b in numbers.iter().skip(index % 2).step_by(2) {
                for last in &lasts {
                    let [c, d] = [&numbers[(index + 2) % 6], &numbers[(index + 3) % 6]];
                    let values = [a, b, c, d, last].map(Term::clone);
                    let direct = function.clone().apps(values);
                    let thunks = [&function, &identity, a, b, last].map(Term::clone);
                    for program in [direct, passing_thunks().apps(thunks)] {
                        let expected = found(interpreted, &program);
                        assert_eq!(found(compiled, &program), expected, "{name}: {program}");
                    }
                }
            }
        }
    }
}

#[test]
fn live_values_survive() {
    check(false);
}

#[test]
fn live_values_survive_collections() {
    check(true);
}
