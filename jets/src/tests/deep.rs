//! Depth: data and computations nested far deeper than the native stack could follow, and tail
//! calls.

use super::bench::{Bench, N, V};
use vm::Val;

const DEPTH: u64 = 100_000;

/// `jet (jet (... start x) x) x`, unevaluated, with the nested call as first or second argument.
fn nested(bench: &mut Bench, jet: &'static str, start: u64, x: u64, first: bool) -> Val {
    let pin = bench.make(&V::Jet(jet));
    let x = bench.vm.nat(x);
    (0..DEPTH).fold(bench.make(&N(start)), |inner, _| {
        let args = if first { [inner, x.clone()] } else { [x.clone(), inner] };
        bench.vm.app(&pin, &args).expect("room")
    })
}

#[test]
fn arguments_wait_without_the_native_stack() {
    for (jet, start, x, first, expected) in [
        ("_Mul", 1, 1, true, 1),
        ("_Mul", 1, 1, false, 1),
        ("_Add", 0, 1, true, DEPTH),
        ("_And", 1, 1, false, 1),
        ("_Lsh", 0, 1, false, 0),
        ("_OrdWeld", 7, 1, false, 7),
        ("_Lsh", 0, 1, true, 0),
    ] {
        let mut bench = Bench::new();
        if jet == "_Lsh" && !first {
            continue;
        }
        let thunk = nested(&mut bench, jet, start, x, first);
        let value = bench.vm.eval(&thunk).expect("a value");
        assert_eq!(bench.vm.look(&value).as_u64(), Some(expected), "{jet}");
    }
}

/// A list of that many nats, each rest a thunk that becomes the cell.
fn lazy_list(bench: &mut Bench) -> Val {
    let identity = bench.make(&V::LawOf(1, 1, Box::new(N(1))));
    let one = bench.vm.nat(1);
    (0..DEPTH).fold(bench.make(&N(0)), |rest, _| {
        let cell = bench.vm.row(&[one.clone(), rest]).expect("room");
        bench.vm.app(&identity, &[cell]).expect("room")
    })
}

#[test]
fn deep_data_is_compared_walked_and_listed() {
    let mut bench = Bench::new();
    let (left, right) = (lazy_list(&mut bench), lazy_list(&mut bench));
    let eql = bench.make(&V::Jet("_Eql"));
    let equal = bench.vm.apply(&eql, &[left.clone(), right]).expect("a value");
    assert_eq!(bench.vm.look(&equal).as_u64(), Some(1));
    let flat = bench.make(&V::Jet("padFlat"));
    let pad = bench.vm.apply(&flat, std::slice::from_ref(&left)).expect("a value");
    assert_eq!(bench.vm.look(&pad).as_u64(), Some(1));
    let to_row = bench.make(&V::Jet("_SizedListToRow"));
    let count = bench.vm.nat(DEPTH);
    let row = bench.vm.apply(&to_row, &[count, left]).expect("a value");
    assert_eq!(bench.vm.look(&row).as_row().map(|row| row.len()), Some(DEPTH as usize));
}

/// Comparisons nested in comparisons: each waits for a comparison inside what it compares.
#[test]
fn comparisons_wait_for_comparisons() {
    let mut bench = Bench::new();
    let eql = bench.make(&V::Jet("_Eql"));
    let one = bench.make(&V::Row(vec![N(1)]));
    let thunk = (0..2000).fold(bench.make(&N(1)), |inner, _| {
        let row = bench.vm.row(&[inner]).expect("room");
        bench.vm.app(&eql, &[row, one.clone()]).expect("room")
    });
    let value = bench.vm.eval(&thunk).expect("a value");
    assert_eq!(bench.vm.look(&value).as_u64(), Some(1));
}

/// A law that counts down by a jet in tail position needs no stack for it:
/// `{loop 1 (switch n 7 [0, loop (dec n)...])}` is written with `_If`'s and `_Switch`'s pins.
#[test]
fn a_jet_in_tail_position_is_a_tail_call() {
    let mut bench = Bench::new();
    let pin = |bench: &mut Bench, name| bench.make(&V::Jet(name));
    let (switch, eqz, dec) =
        (pin(&mut bench, "_Switch"), pin(&mut bench, "_Eqz"), pin(&mut bench, "_Dec"));
    // (0 (0 (0 (2 switch) (eqz n)) 7) [loop (dec n), n]): a row is built by its constructor.
    let cow = bench.make(&V::LawOf(0, 3, Box::new(N(0))));
    let nat = |bench: &mut Bench, n| bench.vm.nat(n);
    let quote = |bench: &mut Bench, value: Val| {
        let two = bench.vm.nat(2);
        bench.vm.app(&two, &[value]).expect("room")
    };
    let apply = |bench: &mut Bench, f: Val, x: Val| {
        let zero = bench.vm.nat(0);
        bench.vm.app(&zero, &[f, x]).expect("room")
    };
    let (itself, n) = (nat(&mut bench, 0), nat(&mut bench, 1));
    let dec = quote(&mut bench, dec);
    let less = apply(&mut bench, dec, n.clone());
    let again = apply(&mut bench, itself, less);
    let cow = quote(&mut bench, cow);
    let row = apply(&mut bench, cow, n.clone());
    let row = apply(&mut bench, row, again);
    let eqz = quote(&mut bench, eqz);
    let test = apply(&mut bench, eqz, n);
    let body = quote(&mut bench, switch);
    let body = apply(&mut bench, body, test);
    let fallback = nat(&mut bench, 7);
    let body = apply(&mut bench, body, fallback);
    let body = apply(&mut bench, body, row);
    let body = bench.vm.force(&body).expect("a value");
    let law = bench
        .vm
        .build(|b| {
            b.push_nat(0)?;
            b.push_nat(1)?;
            b.push(&body);
            b.law()
        })
        .expect("a law");
    // Far more turns than the stack has words.
    let turns = bench.vm.nat(1 << 26);
    let _ = turns;
    let turns = bench.vm.nat(40_000_000);
    let value = bench.vm.apply(&law, &[turns]).expect("a value");
    assert_eq!(bench.vm.look(&value).as_u64(), Some(0));
}
