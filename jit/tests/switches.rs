//! Switches whose cases the body makes in place: decoded to a branch, and compiled to one, they do
//! what the jet does with a table that it gets as an argument. They evaluate the same parts of the
//! selector, in the same order, and only the case that is selected.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use jit::build::build;
use jit::ir::FunctionId;
use jit::{CompileMode, install};
use plan::{HeapOptions, Val, plain};
use spec::Term;
use spec::shapes::{bar, cow, row, set, tab};
use std::sync::Arc;
use support::{ProgramResult, end};
use vm::Vm;
use vm::jet::{Jet, JetTable};

/// A pinned law for a jet.
fn pin(jet: &str) -> Term {
    let jet = declared(jet);
    let name = spec::nat_from_bytes(jet.name.as_bytes());
    Term::law(name, jet.arity() as u64, Term::from(0)).pin()
}

fn declared(name: &str) -> Jet {
    jets::jets().find(|jet| jet.name == name).expect("the jet is declared")
}

fn options() -> HeapOptions {
    HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false }
}

fn runtime(jets: &Arc<JetTable>, mode: CompileMode) -> Vm {
    let mut vm = Vm::new(options(), Arc::clone(jets)).expect("the system gives a stack");
    install(&mut vm, mode).expect("the compiler supports the machine");
    vm
}

/// The jets of the switches, and the comparison that compiled code uses, for their pins.
fn table() -> Arc<JetTable> {
    let mut vm = Vm::new(options(), Arc::default()).expect("the system gives a stack");
    let mut table = JetTable::new();
    for name in ["tabSwitch", "tabIdx", "_Switch", "_Cmp"] {
        let pinned = pin(name);
        let Term::Pin(law) = &pinned else { unreachable!("it is a pin") };
        let law = plain::from_term(&mut vm, law).expect("the heap has room");
        table.add(declared(name), &[vm.hash(&law).expect("a small law")]);
    }
    Arc::new(table)
}

/// An application in a body.
fn apply(function: Term, args: impl IntoIterator<Item = Term>) -> Term {
    args.into_iter().fold(function, |f, arg| Term::from(0).apps([f, arg]))
}

/// A constant in a body.
fn constant(value: Term) -> Term {
    Term::from(2).app(value)
}

/// The crash of that number, as an expression of a body.
fn crash(number: u64) -> Term {
    apply(constant(Term::from(9)), [constant(Term::from(number))])
}

/// The crash of that number, as a value.
fn crash_value(number: u64) -> Term {
    Term::from(9).app(Term::from(number))
}

/// The expression of a row of expressions.
fn row_expression(items: Vec<Term>) -> Term {
    let constructor = constant(cow(items.len() as u64));
    apply(constructor, items.into_iter().rev())
}

/// The cases: a crash, the second argument, a value made of it, a constant, and so on.
fn cases(count: usize) -> Vec<Term> {
    let case = |index: u64| match index % 4 {
        0 => apply(constant(cow(2)), [Term::from(2), constant(Term::from(index))]),
        1 => Term::from(2),
        2 => crash(100 + index),
        _ => constant(Term::from(1000 + index)),
    };
    (0..count as u64).map(case).collect()
}

/// A law of two arguments, the selector and a value for the cases, that calls a switch.
fn law_of(jet: &str, keys: Option<&[Term]>, count: usize) -> Term {
    let cases = row_expression(cases(count));
    let cases = match keys {
        Some(keys) => apply(constant(set(keys.to_vec())), [cases]),
        None => cases,
    };
    let args = match jet {
        "tabIdx" => vec![Term::from(1), cases],
        _ => vec![Term::from(1), crash(50), cases],
    };
    Term::law(0, 2, apply(constant(pin(jet)), args))
}

/// A law that does the same with cases that another law makes, so that the jet runs.
fn law_of_jet(jet: &str, keys: Option<&[Term]>, count: usize) -> Term {
    let cases = row_expression(shifted(cases(count)));
    let cases = match keys {
        Some(keys) => apply(constant(set(keys.to_vec())), [cases]),
        None => cases,
    };
    let cases = apply(constant(Term::law(0, 1, cases)), [Term::from(2)]);
    let args = match jet {
        "tabIdx" => vec![Term::from(1), cases],
        _ => vec![Term::from(1), crash(50), cases],
    };
    Term::law(0, 2, apply(constant(pin(jet)), args))
}

/// The cases with a reference to argument 1 for one to argument 2.
fn shifted(cases: Vec<Term>) -> Vec<Term> {
    fn shift(expression: &Term) -> Term {
        match expression {
            Term::Nat(_) => Term::from(1),
            Term::App(f, x) if matches!(&**f, Term::App(..)) => {
                let Term::App(_, inner) = &**f else { unreachable!("it matched") };
                Term::from(0).apps([shift(inner), shift(x)])
            }
            quoted => quoted.clone(),
        }
    }
    cases.iter().map(shift).collect()
}

fn call(vm: &mut Vm, function: &Val, selector: &Term) -> ProgramResult {
    let args = [selector.clone(), Term::from(77)]
        .map(|arg| plain::from_term(vm, &arg).expect("the heap has room"));
    let result = vm.app(function, &args).and_then(|call| vm.force(&call));
    end(vm, result)
}

/// Compares the switch in place, interpreted and compiled, with the jet.
fn check(jet: &str, keys: Option<&[Term]>, count: usize, selectors: &[Term]) {
    let jets = table();
    let (in_place, by_jet) = (law_of(jet, keys, count), law_of_jet(jet, keys, count));
    let mut runtimes = [
        (CompileMode::Off, by_jet),
        (CompileMode::Off, in_place.clone()),
        (CompileMode::Eager, in_place),
    ]
    .map(|(mode, law)| {
        let mut vm = runtime(&jets, mode);
        let law = plain::from_term(&mut vm, &law).expect("the heap has room");
        (vm, law)
    });
    for selector in selectors {
        let [expected, decoded, compiled] =
            runtimes.each_mut().map(|(vm, law)| call(vm, law, selector));
        assert_eq!(decoded, expected, "{jet} {keys:?}, {selector}");
        assert_eq!(compiled, expected, "{jet} {keys:?}, {selector}, compiled");
    }
}

/// A nat of more than 64 bits.
fn big(low: u64) -> Term {
    let bytes: Vec<u8> = low.to_le_bytes().into_iter().chain(*b"text").collect();
    Term::Nat(spec::nat_from_bytes(&bytes))
}

fn selectors() -> Vec<Term> {
    let nats = [0, 1, 2, 3, 4, 5, 7, 1 << 40, (1 << 63) - 1, 1 << 63, u64::MAX].map(Term::from);
    let others = [
        big(1),
        big(2),
        big(3),
        bar(b""),
        bar(b"a"),
        bar(b"b"),
        bar(b"longer than a word"),
        set([Term::from(1)]),
        row([]),
        row([1, 2].map(Term::from)),
        row([2, 2].map(Term::from)),
        row([1, 3].map(Term::from)),
        row([crash_value(1), Term::from(2)]),
        row([Term::from(1), crash_value(2)]),
        row([crash_value(1), Term::from(9)]),
        row([crash_value(1), crash_value(2), crash_value(3)]),
        tab([(Term::from(1), Term::from(5))]),
        Term::from(4).pin(),
        crash_value(3),
        // An evaluation that ends in a key.
        Term::from(3).app(Term::from(4)),
    ];
    nats.into_iter().chain(others).collect()
}

#[test]
fn a_switch_on_small_nats_is_a_branch() {
    for count in 1..=7 {
        let keys: Vec<Term> = [0, 2, 3, 5, 7, 1 << 40, (1 << 63) - 1].map(Term::from).into();
        for jet in ["tabSwitch", "tabIdx"] {
            check(jet, Some(&keys[..count]), count, &selectors());
        }
    }
}

#[test]
fn a_switch_on_large_nats_and_laws_compares() {
    let keys = [
        Term::from(1),
        Term::from(u64::MAX),
        big(1),
        big(3),
        Term::from(4).pin(),
        row([]),
        bar(b""),
        bar(b"b"),
        bar(b"longer than a word"),
    ];
    for jet in ["tabSwitch", "tabIdx"] {
        check(jet, Some(&keys), keys.len(), &selectors());
        check(jet, Some(&keys[1..]), keys.len() - 1, &selectors());
        check(jet, Some(&keys[2..3]), 1, &selectors());
    }
}

/// Few nats are tried one after the other; many are searched.
#[test]
fn a_switch_on_large_nats_alone_compares_their_limbs() {
    let wide = |limbs: usize, low: u8| {
        let bytes: Vec<u8> = [low].into_iter().chain(vec![b'x'; 8 * limbs - 1]).collect();
        Term::Nat(spec::nat_from_bytes(&bytes))
    };
    let few = [Term::from(5), Term::from(1 << 63), big(1), big(3), wide(3, 1), wide(5, 2)];
    let tests = [wide(3, 1), wide(3, 2), wide(4, 1), wide(5, 1), wide(5, 2), wide(2, 1)];
    let selectors = [&selectors()[..], &tests].concat();
    for from in 0..few.len() {
        check("tabSwitch", Some(&few[from..]), few.len() - from, &selectors);
    }
    let many: Vec<Term> = (0..11).map(big).chain([wide(3, 1), wide(5, 2)]).collect();
    check("tabSwitch", Some(&many), many.len(), &selectors);
    let mixed = [big(1), big(2), wide(3, 1), Term::from(4).pin(), bar(b"b")];
    check("tabIdx", Some(&mixed), mixed.len(), &selectors);
}

#[test]
fn a_switch_on_rows_evaluates_the_parts_that_the_jet_evaluates() {
    let keys = [
        Term::from(3),
        big(2),
        bar(b"a"),
        row([Term::from(1)]),
        row([1, 2].map(Term::from)),
        row([2, 2].map(Term::from)),
        row([1, 4].map(Term::from)),
        row([1, 2, 3].map(Term::from)),
    ];
    for from in 0..keys.len() {
        check("tabSwitch", Some(&keys[from..]), keys.len() - from, &selectors());
    }
}

#[test]
fn a_switch_on_the_items_of_a_row_is_a_branch() {
    for count in 1..6 {
        check("_Switch", None, count, &selectors());
    }
}

/// The unit of a switch makes no thunk, row or table, and calls no jet.
#[test]
fn a_compiled_switch_allocates_nothing() {
    let keys = [Term::from(1), Term::from(5), big(1), bar(b"a")];
    for (jet, keys, count) in [("tabSwitch", Some(&keys[..]), 4), ("_Switch", None, 4)] {
        let mut vm = runtime(&table(), CompileMode::Off);
        // The cases are references and constants, so nothing else allocates.
        let cases = row_expression(vec![Term::from(2); count]);
        let cases = match keys {
            Some(keys) => apply(constant(set(keys.to_vec())), [cases]),
            None => cases,
        };
        let body = apply(constant(pin(jet)), [Term::from(1), Term::from(2), cases]);
        let law = plain::from_term(&mut vm, &Term::law(0, 2, body)).expect("the heap has room");
        let unit = build(&vm, vm.look(&law)).expect("the law is small").unit;
        let text = unit.functions[FunctionId::ROOT].live_ops().map(|op| format!("{op}"));
        let text: Vec<String> = text.collect();
        let allocates = ["thunk", "row", "partial", "delay", "call"];
        let found = text.iter().find(|op| allocates.iter().any(|word| op.starts_with(word)));
        assert_eq!(found, None, "{unit}");
        assert_eq!(unit.functions.len(), 1, "{unit}");
    }
}

/// An empty table does not evaluate the selector; an empty row does.
#[test]
fn a_switch_without_cases_is_the_default() {
    let empty = |jet, cases: Term| {
        Term::law(0, 2, apply(constant(pin(jet)), [Term::from(1), Term::from(2), cases]))
    };
    for mode in [CompileMode::Off, CompileMode::Eager] {
        let mut vm = runtime(&table(), mode);
        let laws = [empty("tabSwitch", constant(tab([]))), empty("_Switch", constant(row([])))];
        let [by_key, by_index] =
            laws.map(|law| plain::from_term(&mut vm, &law).expect("the heap has room"));
        let value = ProgramResult::Value(Term::from(77));
        assert_eq!(call(&mut vm, &by_key, &crash_value(3)), value);
        assert_eq!(call(&mut vm, &by_key, &Term::from(3)), value);
        assert_eq!(call(&mut vm, &by_index, &Term::from(3)), value);
        assert!(matches!(call(&mut vm, &by_index, &crash_value(3)), ProgramResult::Crash(..)));
    }
}

/// A table and a row that are constants are cases too.
#[test]
fn constant_tables_and_rows_are_cases() {
    let entries = [(1, 10), (5, 50)].map(|(key, value)| (Term::from(key), Term::from(value)));
    let cases = [tab(entries), row([20, 21].map(Term::from))];
    for mode in [CompileMode::Off, CompileMode::Eager] {
        let mut vm = runtime(&table(), mode);
        let [by_key, by_index] =
            [("tabSwitch", &cases[0]), ("_Switch", &cases[1])].map(|(jet, cases)| {
                let body = apply(
                    constant(pin(jet)),
                    [Term::from(1), Term::from(2), constant(cases.clone())],
                );
                plain::from_term(&mut vm, &Term::law(0, 2, body)).expect("the heap has room")
            });
        for (selector, keyed, indexed) in [(0, 77, 20), (1, 10, 21), (2, 77, 77), (5, 50, 77)] {
            let selector = Term::from(selector);
            let value = |nat| ProgramResult::Value(Term::from(nat));
            assert_eq!(call(&mut vm, &by_key, &selector), value(keyed));
            assert_eq!(call(&mut vm, &by_index, &selector), value(indexed));
        }
    }
}
