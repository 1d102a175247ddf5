//! Calls of jets by three ways: an unknown call, which the evaluator makes when it meets it; a call
//! in a law's body, which the decoder emits in place; and the same law compiled. Decoder and
//! compiler share [`vm::law`]'s account of what a call evaluates and in which order; the unknown
//! call does not use it.

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use jit::{CompileMode, install};
use plan::{HeapOptions, Val, plain};
use spec::Term;
use std::sync::Arc;
use support::{ProgramResult, end};
use vm::Vm;
use vm::jet::{ArgDemand, Jet, JetTable};
use vm::law::{Application, JetEvaluation, SaturatedCall};

fn options() -> HeapOptions {
    HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false }
}

/// A law for a jet, which runs if the jet does not handle its arguments.
fn stand_in(jet: &Jet) -> Term {
    let name = spec::nat_from_bytes(jet.name.as_bytes());
    Term::law(name, jet.arity() as u64, Term::from(0))
}

/// All jets, declared for their stand-ins.
fn table(jets: &[Jet]) -> Arc<JetTable> {
    let mut table = JetTable::new();
    let mut vm = Vm::new(options(), Arc::default()).expect("the system gives a stack");
    for jet in jets {
        let law = plain::from_term(&mut vm, &stand_in(jet)).expect("the heap has room");
        table.add(*jet, &[vm.hash(&law).expect("a small law")]);
    }
    Arc::new(table)
}

/// A runtime, and in it the functions that call each jet.
struct Caller {
    vm: Vm,
    functions: Vec<Val>,
}

impl Caller {
    fn new(
        jets: &[Jet],
        table: &Arc<JetTable>,
        mode: CompileMode,
        function: impl Fn(&Jet) -> Term,
    ) -> Caller {
        let mut vm = Vm::new(options(), Arc::clone(table)).expect("the system gives a stack");
        install(&mut vm, mode).expect("the compiler supports the machine");
        let value = |jet| plain::from_term(&mut vm, &function(jet)).expect("the heap has room");
        let functions = jets.iter().map(value).collect();
        Caller { vm, functions }
    }

    fn call(&mut self, jet: usize, args: &[Term]) -> ProgramResult {
        let arg = |arg| plain::from_term(&mut self.vm, arg).expect("the heap has room");
        let args: Vec<Val> = args.iter().map(arg).collect();
        let function = &self.functions[jet];
        let result = self.vm.app(function, &args).and_then(|call| self.vm.force(&call));
        end(&self.vm, result)
    }
}

/// A law that calls a jet with its arguments.
fn law_of_call(jet: &Jet) -> Term {
    let function = Term::from(2).app(stand_in(jet).pin());
    let arity = jet.arity() as u64;
    let body = (1..=arity).fold(function, |f, arg| Term::from(0).apps([f, Term::from(arg)]));
    Term::law(0, arity, body)
}

/// An argument: 0, another nat, a row, or a crash that tells the arguments apart.
fn argument(index: usize, choice: usize) -> Term {
    match choice % 4 {
        0 => Term::from(0),
        1 => Term::from(2 + index as u64),
        2 => Term::law(0, 3, Term::from(0)).apps([Term::from(0), Term::from(5)]),
        _ => Term::from(9).app(Term::from(index as u64)),
    }
}

#[test]
fn calls_in_place_and_compiled_calls_do_what_unknown_calls_do() {
    let jets: Vec<Jet> = jets::jets().collect();
    let table = table(&jets);
    let mut unknown = Caller::new(&jets, &table, CompileMode::Off, |jet| stand_in(jet).pin());
    let mut in_place = Caller::new(&jets, &table, CompileMode::Off, law_of_call);
    let mut compiled = Caller::new(&jets, &table, CompileMode::Eager, law_of_call);
    let mut crashes = 0;
    for (number, jet) in jets.iter().enumerate() {
        // All choices of up to three arguments; further arguments are chosen by a hash.
        for choices in 0..1 << (2 * jet.arity().min(3)) {
            let choice = |index: usize| match index {
                0..3 => choices >> (2 * index),
                _ => (choices + 1) * (index + 7) / 5,
            };
            let args: Vec<Term> =
                (0..jet.arity()).map(|index| argument(index, choice(index))).collect();
            let expected = unknown.call(number, &args);
            crashes += usize::from(matches!(expected, ProgramResult::Crash(..)));
            assert_eq!(in_place.call(number, &args), expected, "{} {args:?}", jet.name);
            assert_eq!(compiled.call(number, &args), expected, "{} {args:?}, compiled", jet.name);
        }
    }
    assert!(crashes > 1000, "only {crashes} calls crash");
}

/// The arguments that a call evaluates beforehand are those that the declaration demands.
#[test]
fn evaluations_agree_with_declarations() {
    let jets: Vec<Jet> = jets::jets().collect();
    let table = table(&jets);
    let mut vm = Vm::new(options(), Arc::clone(&table)).expect("the system gives a stack");
    for (number, jet) in jets.iter().enumerate() {
        let pin = plain::from_term(&mut vm, &stand_in(jet).pin()).expect("the heap has room");
        let call = SaturatedCall::Jet(number as u32);
        let found = Application::of(vm.look(&pin), jet.arity(), &table);
        assert_eq!(found, Application::Saturated(call), "{}", jet.name);

        let demanded: Vec<usize> =
            (0..jet.arity()).filter(|index| jet.demands[*index] != ArgDemand::Lazy).collect();
        let mut order: Vec<usize> = jet.evaluation_order().collect();
        order.sort_unstable();
        assert_eq!(order, demanded, "{}", jet.name);

        let only_first =
            |arity, demand| jet.arity() == arity && demanded == [0] && jet.demands[0] == demand;
        assert!(
            match JetEvaluation::of(jet) {
                JetEvaluation::Native | JetEvaluation::General | JetEvaluation::Switch(_) => true,
                JetEvaluation::Connective(_) => only_first(2, ArgDemand::Head),
                JetEvaluation::Choice(_) => only_first(3, ArgDemand::Head),
                JetEvaluation::Sequence(demand) => only_first(2, demand),
                JetEvaluation::Normalise => only_first(1, ArgDemand::Normal),
            },
            "{}",
            jet.name
        );
    }
}
