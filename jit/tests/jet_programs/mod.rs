//! Programs of laws and jets, and runtimes for them: what the suites of the compiler share.

#![allow(dead_code, reason = "each suite uses a part of this")]

use jit::{CompileMode, install};
use plan::{HeapOptions, plain};
use spec::Term;
use spec::shapes::cow;
use std::sync::Arc;
use vm::Vm;
use vm::jet::{Jet, JetTable};

pub(crate) fn declared(name: &str) -> Jet {
    jets::jets().find(|jet| jet.name == name).expect("the jet is declared")
}

/// The law of a jet whose native code handles all arguments, so that the law itself never runs.
pub(crate) fn unused_law(name: &str) -> Term {
    law_of_jet(name, Term::from(0))
}

/// The law of a jet that runs where the jet leaves the call to it: it crashes.
pub(crate) fn crashing_law(name: &str) -> Term {
    law_of_jet(name, apply(small(9), [small(1)]))
}

fn law_of_jet(name: &str, body: Term) -> Term {
    Term::law(spec::nat_from_bytes(name.as_bytes()), declared(name).arity() as u64, body)
}

/// A constant in a law's body.
pub(crate) fn constant(value: Term) -> Term {
    Term::from(2).app(value)
}

pub(crate) fn small(nat: u64) -> Term {
    constant(Term::from(nat))
}

/// An argument in a law's body.
pub(crate) fn arg(index: u64) -> Term {
    Term::from(index)
}

/// An application in a law's body.
pub(crate) fn apply(function: Term, args: impl IntoIterator<Item = Term>) -> Term {
    args.into_iter().fold(function, |f, arg| Term::from(0).apps([f, arg]))
}

/// A row in a law's body.
pub(crate) fn row_of(items: Vec<Term>) -> Term {
    apply(constant(cow(items.len() as u64)), items.into_iter().rev())
}

/// A table of jets, each with the law that `law` makes for its name.
pub(crate) fn table<'n>(
    names: impl IntoIterator<Item = &'n str>,
    law: impl Fn(&str) -> Term,
) -> Arc<JetTable> {
    let mut vm = runtime(HeapOptions::default(), &Arc::default(), CompileMode::Off);
    let mut table = JetTable::new();
    for name in names {
        let law = plain::from_term(&mut vm, &law(name)).expect("the heap has room");
        table.add(declared(name), &[vm.hash(&law).expect("a small law")]);
    }
    Arc::new(table)
}

/// A table of all jets, each with a law that never runs.
pub(crate) fn table_of_all() -> Arc<JetTable> {
    table(jets::jets().map(|jet| jet.name), unused_law)
}

/// Small limits, for values that fit.
pub(crate) fn limits(nursery: usize, stress: bool) -> HeapOptions {
    HeapOptions { nursery, max_heap: 1 << 28, max_stack: 1 << 24, stress }
}

pub(crate) fn runtime(options: HeapOptions, jets: &Arc<JetTable>, mode: CompileMode) -> Vm {
    let mut vm = Vm::new(options, Arc::clone(jets)).expect("the system gives a stack");
    install(&mut vm, mode).expect("the compiler supports the machine");
    vm
}
