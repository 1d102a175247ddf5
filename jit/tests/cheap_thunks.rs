//! Cheap thunks: a thunk whose value the interpreter or compiled code finds out at once, because that takes
//! a short, bounded time, has the value that it would have had later.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "row_programs/mod.rs"]
mod row_programs;

use jit::CompileMode;
use plan::Val;
use row_programs::{arg, call, call_jet, constant, items, jet, pair, runtime, small, table, value};
use spec::Term;
use support::ProgramResult;
use vm::Vm;

/// A jet of two nats, and its result.
type Operation = (&'static str, fn(u64, u64) -> u64);

const OPERATIONS: &[Operation] = &[
    ("_Add", |a, b| a + b),
    ("_Mul", |a, b| a * b),
    ("_Mod", |a, b| a.checked_rem(b).unwrap_or(a)),
    ("_Min", |a, b| a.min(b)),
    ("_Eql", |a, b| u64::from(a == b)),
    ("_Gte", |a, b| u64::from(a >= b)),
];

const NATS: &[u64] = &[0, 1, 3, 7, 1 << 30];

/// The modes and whether the runtime collects at every safepoint.
const RUNTIMES: &[(CompileMode, bool)] = &[
    (CompileMode::Off, false),
    (CompileMode::Eager, false),
    (CompileMode::Off, true),
    (CompileMode::Eager, true),
];

fn binding(bound: Term, body: Term) -> Term {
    Term::from(1).apps([bound, body])
}

/// Some cheap operations on a value, and what they compute.
fn computed(from: Term) -> Term {
    let [more, thrice] =
        [call_jet("_Add", [from.clone(), small(1)]), call_jet("_Mul", [from, small(3)])];
    call_jet("_Min", [more, thrice])
}

fn computed_nat(from: u64) -> u64 {
    (from + 1).min(from * 3)
}

/// The row of what a law of two nats, and of a function that returns its argument, returns.
fn outcome(vm: &mut Vm, law: &Term, nats: [u64; 2]) -> (Val, Vec<ProgramResult>) {
    let made = applied(vm, law, nats);
    let parts = items(vm, &made, 2);
    (made, parts)
}

/// What a law of two nats, and of a function that returns its argument, returns.
fn applied(vm: &mut Vm, law: &Term, nats: [u64; 2]) -> Val {
    let law = value(vm, law);
    let identity = value(vm, &jet("_Force"));
    let [a, b] = nats.map(|nat| vm.nat(nat));
    vm.apply(&law, &[a, b, identity]).expect("a row")
}

/// What [`outcome`] returns if the items of the row are these nats.
fn nats_of(vm: &mut Vm, nats: [u64; 2]) -> Vec<ProgramResult> {
    let row = value(vm, &spec::shapes::row(nats.map(Term::from)));
    items(vm, &row, 2)
}

/// The arguments of a jet's application were thunks when it was delayed, and are evaluated when its value is
/// found: by a lazy subexpression that needs it.
#[test]
fn a_delayed_jet_has_the_value_of_arguments_that_were_thunks() {
    let jets = table();
    for (mode, stress) in RUNTIMES {
        let vm = &mut runtime(&jets, *mode, *stress);
        for (name, operation) in OPERATIONS {
            // Arguments 1 to 3; lets 4 to 6.
            let needed = call_jet("_Seq", [arg(5), pair(computed(arg(6)), arg(6))]);
            let needed = call_jet("_Seq", [arg(4), needed]);
            let delayed = binding(call_jet(name, [arg(4), arg(5)]), needed);
            let second = binding(call(arg(3), [arg(2)]), delayed);
            let law = Term::law(7, 3, binding(call(arg(3), [arg(1)]), second));
            for (a, b) in NATS.iter().flat_map(|a| NATS.iter().map(|b| (*a, *b))) {
                let expected = operation(a, b);
                let expected = nats_of(vm, [computed_nat(expected), expected]);
                let (made, found) = outcome(vm, &law, [a, b]);
                assert_eq!(found, expected, "{name} {a} {b} {mode:?} {stress}");
                let first = vm.look(&made).as_row().and_then(|items| items.get(0));
                assert!(first.expect("two items").is_evaluated(), "{name} {a} {b} {mode:?}");
            }
        }
    }
}

/// A lazy subexpression that refers to a later let of its group waits until that exists.
#[test]
fn lets_that_refer_to_later_ones_have_their_values() {
    let jets = table();
    for (mode, stress) in RUNTIMES {
        let vm = &mut runtime(&jets, *mode, *stress);
        for (name, operation) in OPERATIONS {
            // Arguments 1 to 3; let 4 refers to let 5, which refers to it in a branch that is not taken.
            let back = call_jet("_If", [small(0), arg(4), call_jet(name, [arg(1), arg(2)])]);
            let body = binding(computed(arg(5)), binding(back, pair(arg(4), arg(5))));
            let law = Term::law(7, 3, body);
            for (a, b) in NATS.iter().flat_map(|a| NATS.iter().map(|b| (*a, *b))) {
                let expected = operation(a, b);
                let expected = nats_of(vm, [computed_nat(expected), expected]);
                let (_, found) = outcome(vm, &law, [a, b]);
                assert_eq!(found, expected, "{name} {a} {b} {mode:?} {stress}");
            }
        }
    }
}

/// Thunks of compiled code waited for a value when they were made, one for the other. Then they are the variable of a
/// loop.
#[test]
fn compiled_thunks_have_their_values_once_what_they_waited_for_is_evaluated() {
    let jets = table();
    for (mode, stress) in RUNTIMES {
        let vm = &mut runtime(&jets, *mode, *stress);
        for (name, operation) in [OPERATIONS[0], OPERATIONS[2]] {
            // Arguments 1 to 3; lets 4 to 6.
            let again = binding(call_jet(name, [arg(5), small(3)]), pair(arg(4), arg(6)));
            let first = binding(call_jet(name, [arg(4), arg(2)]), again);
            let making = Term::law(7, 3, binding(call(arg(3), [arg(1)]), first));
            let item = |index| call_jet("_Idx", [small(index), arg(1)]);
            // A loop of two turns, whose second variable is the thunk at first.
            let next = call_jet("_Add", [arg(2), small(1)]);
            let turn = call(arg(0), [call_jet("_Dec", [arg(1)]), next]);
            let turns = call_jet("_If", [arg(1), turn, pair(computed(arg(2)), arg(2))]);
            let turns = call(constant(Term::law(9, 2, turns)), [small(2), item(1)]);
            let reading = Term::law(8, 1, call_jet("_Seq", [item(0), turns]));
            for (a, b) in NATS.iter().flat_map(|a| NATS.iter().map(|b| (*a, *b))) {
                let expected = operation(operation(a, b), 3) + 2;
                let expected = nats_of(vm, [computed_nat(expected), expected]);
                let waiting = applied(vm, &making, [a, b]);
                let reading = value(vm, &reading);
                let read = vm.apply(&reading, &[waiting]).expect("a row");
                assert_eq!(items(vm, &read, 2), expected, "{name} {a} {b} {mode:?} {stress}");
            }
        }
    }
}

/// The increment is a nat as a function. A row of its results for nats is made of nats; that of a nat of two words
/// is computed later.
#[test]
fn rows_of_increments_are_made_of_nats() {
    let jets = table();
    for (mode, stress) in RUNTIMES {
        let vm = &mut runtime(&jets, *mode, *stress);
        let increment = || constant(Term::from(3));
        let generate = Term::law(7, 3, call_jet("_Gen", [arg(1), increment()]));
        let map = Term::law(8, 3, call_jet("_Map", [increment(), pair(arg(1), arg(2))]));
        for count in [0, 1, 5, 40] {
            let made = applied(vm, &generate, [count, 0]);
            let row = vm.look(&made).as_row().expect("a row");
            assert_eq!(row.len() as u64, count);
            assert!(row.iter().all(|item| item.is_evaluated()), "{count} {mode:?} {stress}");
            let expected = (1..=count).map(|nat| ProgramResult::Value(Term::from(nat)));
            assert_eq!(items(vm, &made, count), expected.collect::<Vec<_>>());
        }
        for (a, b) in [(0, 7), ((1 << 63) - 2, (1 << 63) - 1)] {
            let made = applied(vm, &map, [a, b]);
            let expected = nats_of(vm, [a + 1, b + 1]);
            assert_eq!(items(vm, &made, 2), expected, "{a} {b} {mode:?} {stress}");
        }
    }
}
