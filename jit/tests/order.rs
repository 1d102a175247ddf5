//! `try` catches the crash that the law meets first in its own order of evaluation, whether the law
//! is compiled or not.
//!
//! Generated programs with nested uses of `try` run interpreted and compiled, with the same result.
//! `try` of programs of PLAN's own operations has the outcome of the specification.
//! `PALLAS_AGREEMENT_CASES` sets the number of programs.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use jit::{CompileMode, install};
use plan::{HeapOptions, plain};
use spec::generate::TermGenerator;
use spec::{SpecOutcome, Term, eval_on_big_stack};
use std::sync::Arc;
use support::{FUEL, ProgramResult, cases, found, law_of};
use vm::Vm;
use vm::jet::JetTable;

fn options(stress: bool) -> HeapOptions {
    let nursery = if stress { 1 << 15 } else { 1 << 20 };
    HeapOptions { nursery, max_heap: 1 << 28, max_stack: 1 << 24, stress }
}

/// A law for a jet whose native code handles all arguments, so that the law itself never runs.
fn stand_in(name: &str, arity: u64) -> Term {
    Term::law(spec::nat_from_bytes(name.as_bytes()), arity, Term::from(0))
}

/// The pinned law of a jet.
fn jet(name: &str, arity: u64) -> Term {
    Term::pin(stand_in(name, arity))
}

/// The jets that the programs use, declared for the stand-in laws of this test.
fn table() -> Arc<JetTable> {
    let mut table = JetTable::new();
    let mut vm = Vm::new(options(false), Arc::default()).expect("the system gives a stack");
    for declared in jets::jets() {
        let law = stand_in(declared.name, declared.arity() as u64);
        let law = plain::from_term(&mut vm, &law).expect("the heap has room");
        let hash = vm.hash(&law).expect("a small law");
        table.add(declared, &[hash]);
    }
    Arc::new(table)
}

fn runtime(options: HeapOptions, table: &Arc<JetTable>, mode: CompileMode) -> Vm {
    let mut vm = Vm::new(options, Arc::clone(table)).expect("the system gives a stack");
    install(&mut vm, mode).expect("the compiler supports the machine");
    vm
}

/// The row of these values.
fn row(items: &[Term]) -> Term {
    let constructor = Term::law(0, items.len() as u64 + 1, Term::from(0));
    constructor.apps(items.iter().rev().cloned())
}

/// The application of `try` to the row of a function and its arguments.
fn try_of(items: &[Term]) -> Term {
    jet("_Try", 1).app(row(items))
}

/// Generates laws that compute, crash and use `try`.
struct Writer {
    state: u64,
    /// The laws generated so far, with their arities.
    laws: Vec<(Term, u64)>,
    crashes: u64,
}

impl Writer {
    fn below(&mut self, count: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 20) % count
    }

    /// One of the first `count` laws.
    fn law(&mut self, count: u64) -> (Term, u64) {
        let number = self.below(count) as usize;
        self.laws[number].clone()
    }

    /// An application in a law's body.
    fn call(function: Term, args: impl IntoIterator<Item = Term>) -> Term {
        args.into_iter().fold(Term::from(2).app(function), |f, x| Term::from(0).apps([f, x]))
    }

    /// An expression in the body of a law with `args` parameters. The first parameter counts down
    /// in self calls.
    fn expression(&mut self, args: u64, size: u64) -> Term {
        if size < 2 {
            return match self.below(3) {
                0 => Term::from(2).app(Term::from(self.below(4))),
                _ => Term::from(1 + self.below(args)),
            };
        }
        let part = |this: &mut Writer| this.expression(args, size / 2);
        match self.below(16) {
            0..6 => {
                let name = ["_Add", "_Sub", "_Mul", "_Lte", "_Eql"][self.below(5) as usize];
                Self::call(jet(name, 2), [part(self), part(self)])
            }
            6..8 => Self::call(jet("_If", 3), [part(self), part(self), part(self)]),
            8 => Self::call(jet("_Seq", 2), [part(self), part(self)]),
            9..11 => {
                self.crashes += 1;
                Self::call(Term::from(100 + self.crashes), [part(self)])
            }
            11 => self.tried(args, size),
            12 => {
                let less = Self::call(jet("_Dec", 1), [Term::from(1)]);
                let rest = (1..args).map(|_| part(self)).collect::<Vec<_>>();
                let again = [less].into_iter().chain(rest);
                let again = again.fold(Term::from(0), |f, x| Term::from(0).apps([f, x]));
                Self::call(jet("_If", 3), [Term::from(1), again, part(self)])
            }
            _ => match self.laws.len() as u64 {
                0 => Self::call(jet("_Inc", 1), [part(self)]),
                count => {
                    let (law, arity) = self.law(count);
                    let first = Term::from(2).app(Term::from(self.below(4)));
                    let rest = (1..arity).map(|_| part(self)).collect::<Vec<_>>();
                    Self::call(law, [first].into_iter().chain(rest))
                }
            },
        }
    }

    /// A use of `try` with a law generated before.
    fn tried(&mut self, args: u64, size: u64) -> Term {
        let count = self.laws.len() as u64;
        if count == 0 {
            return self.expression(args, size / 2);
        }
        let (law, arity) = self.law(count);
        let first = Term::from(2).app(Term::from(self.below(4)));
        let rest = (1..arity).map(|_| self.expression(args, size / 4)).collect::<Vec<_>>();
        let mut items = vec![Term::from(2).app(law), first];
        items.extend(rest);
        let constructor = Term::law(0, items.len() as u64 + 1, Term::from(0));
        let row = Self::call(constructor, items.into_iter().rev());
        Self::call(jet("_Try", 1), [row])
    }

    /// A program: the row of uses of `try` with laws that call each other.
    fn program(seed: u64, size: u64) -> Term {
        let state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut writer = Writer { state, laws: Vec::new(), crashes: 0 };
        for number in 0..4 + writer.below(4) {
            let arity = 1 + writer.below(3);
            let body = writer.expression(arity, size);
            let law = Term::law(1000 + number, arity, body);
            let law = if writer.below(2) == 0 { law } else { Term::pin(law) };
            writer.laws.push((law, arity));
        }
        let laws = std::mem::take(&mut writer.laws);
        let results = laws.iter().map(|(law, arity)| {
            let mut items = vec![law.clone()];
            items.extend((0..*arity).map(|_| Term::from(writer.below(4))));
            try_of(&items)
        });
        row(&results.collect::<Vec<_>>())
    }
}

fn compare(options: &HeapOptions, seeds: std::ops::Range<u64>, size: u64) {
    let table = table();
    for seed in seeds {
        let program = Writer::program(seed, size);
        let expected = found(&mut runtime(options.clone(), &table, CompileMode::Off), &program);
        assert!(
            matches!(expected, ProgramResult::Value(_) | ProgramResult::Undecided),
            "seed {seed}: {expected:?}"
        );
        let found = found(&mut runtime(options.clone(), &table, CompileMode::Eager), &program);
        assert_eq!(expected, found, "seed {seed}: {program}");
    }
}

#[test]
fn try_sees_the_crash_that_the_interpreter_meets() {
    compare(&options(false), 0..cases(60), 24);
}

#[test]
fn collecting_at_every_safepoint_changes_nothing() {
    compare(&options(true), 1_000_000..1_000_000 + cases(60) / 10, 16);
}

#[test]
fn try_has_the_outcome_of_the_specification() {
    let table = table();
    let mut crashes = 0;
    for seed in 2_000_000..2_000_000 + cases(60) {
        let program = TermGenerator::new(seed).program(40);
        let expected = match eval_on_big_stack(&program, FUEL) {
            SpecOutcome::Value(value) => row(&[Term::from(1), value]),
            SpecOutcome::Crash { op, arg } => {
                crashes += 1;
                row(&[Term::from(0), row(&[Term::Nat(op), arg])])
            }
            _ => continue,
        };
        for mode in [CompileMode::Off, CompileMode::Eager] {
            let tried = try_of(&[law_of(&program), Term::from(0)]);
            let found = found(&mut runtime(options(false), &table, mode), &tried);
            assert_eq!(
                found,
                ProgramResult::Value(expected.clone()),
                "seed {seed}, {mode:?}: {program}"
            );
        }
    }
    assert!(crashes > 0, "some programs crash");
}

/// `f x y`: evaluates `y` and returns `x`.
const SECOND_FIRST: &str = "{'b' 2 (0 (0 (0 (2 2) 1) (0 {'k' 2 1} 1)) 2)}";
/// `f n`: diverges, and its stack grows without bound.
const ENDLESS: &str = "{'f' 1 (0 3 (0 0 (0 3 1)))}";

#[test]
fn divergence_after_the_crash_in_law_order_does_not_exhaust_the_stack() {
    let table = table();
    let endless = format!("{{'c' 1 (0 (0 {SECOND_FIRST} (0 {ENDLESS} 1)) (0 9 1))}}");
    let crash = row(&[Term::from(0), row(&[Term::from(9), Term::from(5)])]);
    let law = Term::parse(&endless).expect("a term");
    for mode in [CompileMode::Off, CompileMode::Eager] {
        let options = HeapOptions { max_stack: 1 << 22, ..options(false) };
        let tried = try_of(&[law.clone(), Term::from(5)]);
        let found = found(&mut runtime(options, &table, mode), &tried);
        assert_eq!(found, ProgramResult::Value(crash.clone()), "{mode:?}");
    }
}

#[test]
fn try_does_not_catch_the_exhaustion_of_a_resource() {
    let table = table();
    let law = Term::parse(ENDLESS).expect("a term");
    for mode in [CompileMode::Off, CompileMode::Eager] {
        let options = HeapOptions { max_stack: 1 << 22, ..options(false) };
        let tried = try_of(&[law.clone(), Term::from(5)]);
        assert_eq!(
            found(&mut runtime(options, &table, mode), &tried),
            ProgramResult::Undecided,
            "{mode:?}"
        );
    }
}
