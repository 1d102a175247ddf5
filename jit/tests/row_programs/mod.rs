//! Programs of laws and jets that apply a function to each item of a row, and runtimes for them.

use super::jet_programs::{self, limits, unused_law};
use super::support::{ProgramResult, end};
use jit::CompileMode;
use plan::{Val, plain};
use spec::Term;
use spec::shapes::row;
use std::sync::Arc;
use vm::Vm;
use vm::jet::JetTable;

pub(crate) use super::jet_programs::{apply as call, arg, constant, small};

/// The jets of the programs.
const JETS: &[&str] = &[
    "_Map", "_Gen", "_Idx", "_Len", "_Add", "_Mul", "_Mod", "_Eql", "_If", "_Dec", "_Lsh", "_Gte",
    "_Min", "sum", "sumOf", "zip", "drop", "rowCons", "rowSnoc", "_Force", "_Seq", "setIns",
    "natBar", "barCat", "rowToBar", "strCat",
];

/// The pin of a jet's law, which never runs here.
pub(crate) fn jet(name: &str) -> Term {
    unused_law(name).pin()
}

pub(crate) fn call_jet(name: &str, args: impl IntoIterator<Item = Term>) -> Term {
    call(constant(jet(name)), args)
}

pub(crate) fn crash(number: u64) -> Term {
    call(small(9), [small(number)])
}

pub(crate) fn pair(a: Term, b: Term) -> Term {
    call(constant(spec::shapes::cow(2)), [b, a])
}

/// Functions of one value: a name, the function, and whether its value for the nat 1 is cheap.
pub(crate) fn functions() -> Vec<(&'static str, Term, bool)> {
    let law = |arity: u64, body: Term| Term::law(7, arity, body);
    let items = || row([3, 4, 5].map(Term::from));
    let next = call_jet("_Add", [arg(1), small(1)]);
    let equal = call_jet("_Eql", [arg(3), arg(2)]);
    let replace = law(3, call_jet("_If", [equal, arg(1), arg(3)]));
    let indexed = law(2, pair(arg(2), call_jet("_Idx", [arg(2), arg(1)])));
    let product =
        call(arg(1), [call_jet("_Idx", [arg(3), arg(2)]), call_jet("_Idx", [arg(3), arg(2)])]);
    let product = law(3, product);
    let down = call_jet("_Dec", [call_jet("_Mod", [arg(1), small(7)])]);
    let down = call(arg(0), [down]);
    vec![
        ("increment", law(1, next.clone()), true),
        ("pinned increment", law(1, next).pin(), true),
        ("replace", replace.clone().apps([Term::from(9), Term::from(1)]), true),
        ("replace by a crash", replace.clone().apps([lazy_crash(), Term::from(1)]), false),
        ("replace a crash", replace.apps([Term::from(9), lazy_crash()]), false),
        ("indexed", indexed.clone().app(items()), true),
        ("indexed, no row", indexed.app(Term::from(6)), true),
        ("product", product.clone().apps([jet("_Mul"), items()]), true),
        ("sum", product.apps([jet("_Add"), items()]), true),
        ("length", law(2, call_jet("_Len", [arg(1)])).app(items()), true),
        // More arguments than a loop over evaluated items is compiled for, and as many.
        (
            "sixth of six",
            law(6, call_jet("_Add", [arg(6), arg(5)])).apps([1, 2, 3, 4, 5].map(Term::from)),
            true,
        ),
        (
            "fifth of five",
            law(5, call_jet("_Add", [arg(5), arg(1)])).apps([1, 2, 3, 4].map(Term::from)),
            true,
        ),
        ("remainder", law(1, call_jet("_Mod", [arg(1), small(7)])), true),
        ("shift", law(1, call_jet("_Lsh", [arg(1), arg(1)])), false),
        ("constant", law(2, arg(1)).app(lazy_crash()), false),
        ("pair with a crash", law(1, pair(arg(1), crash(3))), true),
        ("crash", law(1, crash(4)), false),
        ("down", law(1, call_jet("_If", [arg(1), down, small(5)])), false),
        ("too few arguments", law(3, arg(1)).app(Term::from(8)), false),
        // Jets that are passed on.
        ("item", jet("_Idx").app(Term::from(1)), false),
        ("choice", jet("_If").apps([Term::from(1), Term::from(7)]), false),
        ("rest", jet("drop").app(Term::from(1)), false),
        ("length by its jet", jet("_Len"), false),
    ]
}

/// A thunk that crashes.
pub(crate) fn lazy_crash() -> Term {
    Term::from(9).app(Term::from(2))
}

pub(crate) fn rows() -> Vec<Term> {
    let nats = [1, 0, 2, 7, 1 << 32, (1 << 63) - 1];
    let big = || Term::from(3).app(Term::from((1 << 63) - 1));
    let values = vec![
        Term::from(1),
        lazy_crash(),
        row([Term::from(1)]),
        big(),
        Term::from(3).app(Term::from(3)),
    ];
    // Unevaluated items between others.
    let mixed = [1, 0, 2, 7, 3, 9].map(|nat| match nat {
        0 => Term::from(3).app(Term::from(3)),
        9 => lazy_crash(),
        nat => Term::from(nat),
    });
    vec![row(nats.map(Term::from)), row(values), row(mixed)]
}

pub(crate) fn runtime(jets: &Arc<JetTable>, mode: CompileMode, stress: bool) -> Vm {
    let nursery = if stress { 1 << 15 } else { 1 << 18 };
    jet_programs::runtime(limits(nursery, stress), jets, mode)
}

pub(crate) fn table() -> Arc<JetTable> {
    jet_programs::table(JETS.iter().copied(), unused_law)
}

pub(crate) fn value(vm: &mut Vm, term: &Term) -> Val {
    plain::from_term(vm, term).expect("the heap has room")
}

/// The items of the row that a jet makes, each in normal form or a crash.
pub(crate) fn items(vm: &mut Vm, made: &Val, count: u64) -> Vec<ProgramResult> {
    let index = value(vm, &jet("_Idx"));
    let item = |number: u64| {
        let number = vm.nat(number);
        let result = vm.app(&index, &[number, made.clone()]).and_then(|item| vm.force(&item));
        end(vm, result)
    };
    (0..count).map(item).collect()
}
