//! An interpreter whose operations get the values of subterms lazily: compiled code, which attempts the cheap
//! cases of such values, evaluates what the interpreter does, and crashes where it does.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "jet_programs/mod.rs"]
mod jet_programs;

use jet_programs::{apply, arg, constant, crashing_law, limits, row_of, runtime, small, table};
use jit::CompileMode;
use plan::plain;
use spec::Term;
use spec::shapes::{row, tab};
use support::{ProgramResult, end};

/// The size of the nursery, in bytes.
const NURSERY: usize = 1 << 18;

const JETS: &[&str] = &["_Switch", "_Idx", "tabIdx", "tabIns", "_If", "_Add"];

fn call(jet: &str, args: impl IntoIterator<Item = Term>) -> Term {
    apply(constant(crashing_law(jet).pin()), args)
}

/// `eval env term`. A term is a number `[0 n]`, a name `[1 key]`, a call `[2 a b]` of the operation with
/// lazy operands, a choice `[3 test a b]`, or a binding `[4 key value body]`. A value is `[0 n]`.
fn interpreter(operation: Term) -> Term {
    let part = |index: u64| call("_Idx", [small(index), arg(2)]);
    let eval = |env: Term, term: Term| apply(arg(0), [env, term]);
    let number = |value: Term| call("_Idx", [small(1), value]);
    let operand = |index| number(eval(arg(1), part(index)));
    let value = |number: Term| row_of(vec![small(0), number]);
    let bound = call("tabIns", [part(1), eval(arg(1), part(2)), arg(1)]);
    let cases = vec![
        value(part(1)),
        call("tabIdx", [part(1), arg(1)]),
        value(apply(constant(operation), [operand(1), operand(2)])),
        call("_If", [operand(1), eval(arg(1), part(2)), eval(arg(1), part(3))]),
        eval(bound, part(3)),
    ];
    let crash = apply(constant(Term::from(9)), [small(50)]);
    let body = call("_Switch", [call("_Idx", [small(0), arg(2)]), crash, row_of(cases)]);
    Term::law(spec::nat_from_bytes(b"eval"), 2, body)
}

/// Operations of two operands: one that evaluates both, one that evaluates only the first, one that
/// evaluates none.
fn operations() -> [Term; 3] {
    let first = call("_If", [arg(1), small(1), small(2)]);
    [call("_Add", [arg(1), arg(2)]), first, small(3)].map(|body| Term::law(7, 2, body))
}

/// Evaluated when it is demanded: the nat plus one.
fn lazy(nat: u64) -> Term {
    Term::from(3).app(Term::from(nat))
}

fn crash(number: u64) -> Term {
    Term::from(9).app(Term::from(number))
}

fn terms() -> Vec<Term> {
    let number = |n: u64| row([0, n].map(Term::from));
    let name = |key: u64| row([1, key].map(Term::from));
    let of = |tag: u64, parts: Vec<Term>| row([Term::from(tag)].into_iter().chain(parts));
    let leaves = [
        number(5),
        number(u64::MAX),
        name(1),
        name(2),
        name(3),
        name(4),
        name(9),
        row([Term::from(0), lazy(6)]),
        row([Term::from(0), crash(1)]),
        row([lazy(0), Term::from(1)]),
        row([Term::from(1), lazy(0)]),
        row([Term::from(1), crash(2)]),
        row([Term::from(7)]),
        Term::from(0),
        Term::from(3),
        crash(3),
    ];
    let mut all = leaves.to_vec();
    for leaf in &leaves {
        all.push(of(2, vec![leaf.clone(), number(1)]));
        all.push(of(2, vec![name(1), leaf.clone()]));
        all.push(of(
            2,
            vec![of(2, vec![leaf.clone(), name(2)]), of(3, vec![name(1), number(2), leaf.clone()])],
        ));
        all.push(of(3, vec![leaf.clone(), number(1), name(2)]));
        let body = of(2, vec![name(6), name(1)]);
        all.push(of(4, vec![Term::from(6), leaf.clone(), body]));
    }
    all
}

fn environments() -> Vec<Term> {
    let value = |n: Term| row([Term::from(0), n]);
    let entries = [
        (1, value(Term::from(8))),
        (2, value(lazy(3))),
        (3, value(crash(4))),
        (4, crash(5)),
        (5, Term::from(6)),
    ];
    let entries = || entries.clone().into_iter().map(|(key, value)| (Term::from(key), value));
    let many = (10..40).map(|key| (Term::from(key), value(Term::from(key))));
    let few = (1..3).map(|key| (Term::from(key), value(Term::from(key))));
    let returned = Term::law(0, 1, constant(tab(few))).app(Term::from(0));
    vec![tab(entries()), tab(entries().chain(many)), returned, tab([]), crash(6)]
}

#[test]
fn attempts_evaluate_what_the_interpreter_evaluates() {
    let jets = table(JETS.iter().copied(), crashing_law);
    let modes =
        [(CompileMode::Off, false), (CompileMode::Eager, false), (CompileMode::Eager, true)];
    let mut runtimes = modes.map(|(mode, stress)| runtime(limits(NURSERY, stress), &jets, mode));
    let (environments, terms) = (environments(), terms());
    let mut crashes = 0;
    for law in operations().map(interpreter) {
        let laws =
            runtimes.each_mut().map(|vm| plain::from_term(vm, &law).expect("the heap has room"));
        let pairs = environments.iter().flat_map(|env| terms.iter().map(move |term| (env, term)));
        for (env, term) in pairs {
            let mut results = runtimes.iter_mut().zip(&laws).map(|(vm, law)| {
                let args =
                    [env, term].map(|term| plain::from_term(vm, term).expect("the heap has room"));
                let result = vm.app(law, &args).and_then(|call| vm.force(&call));
                end(vm, result)
            });
            let expected = results.next().expect("the interpreter is the first");
            assert!(expected != ProgramResult::Undecided, "{env} {term}");
            crashes += usize::from(matches!(expected, ProgramResult::Crash(..)));
            results.for_each(|result| assert_eq!(result, expected, "{env} {term}"));
        }
    }
    assert!(crashes > 100, "{crashes} calls crash");
}
