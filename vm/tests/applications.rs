//! Differential test of the classification of applications: those in generated laws against a plain
//! reading of the specification's terms.

use plan::{HeapOptions, Ref, Shape, plain};
use spec::Term;
use spec::generate::TermGenerator;
use std::collections::BTreeMap;
use std::sync::Arc;
use vm::Vm;
use vm::jet::{ArgDemand, ControlForm, Jet, JetTable};
use vm::law::{AnalysedLaw, Application, BodyNode, SaturatedCall, Spine};

/// The demands of a jet, of which there are as many as its arity.
const DEMANDS: &[ArgDemand] = &[ArgDemand::Lazy; 4];

fn runtime(jets: JetTable) -> Vm {
    let options =
        HeapOptions { nursery: 1 << 20, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    Vm::new(options, Arc::new(jets)).expect("the system gives a stack")
}

/// Visits a term and its parts.
fn visit_parts(term: &Term, visit: &mut impl FnMut(&Term)) {
    visit(term);
    match term {
        Term::Nat(_) => {}
        Term::App(f, x) => {
            visit_parts(f, visit);
            visit_parts(x, visit);
        }
        Term::Pin(part) | Term::Law { body: part, .. } => visit_parts(part, visit),
    }
}

/// The arity of a function, if it fits in 64 bits.
fn arity(function: &Term) -> Option<u64> {
    u64::try_from(&function.arity()).ok()
}

/// Declares a jet for every other pinned law of a small arity in the term. Returns the jets' numbers
/// too.
fn jets_of(term: &Term) -> (JetTable, BTreeMap<Term, u32>) {
    let mut vm = runtime(JetTable::new());
    let (mut table, mut numbers, mut laws) = (JetTable::new(), BTreeMap::new(), 0);
    visit_parts(term, &mut |part| {
        let Term::Pin(law) = part else { return };
        let demands = arity(law).and_then(|arity| DEMANDS.get(..arity as usize));
        let Some(demands) = demands.filter(|_| matches!(**law, Term::Law { .. })) else { return };
        laws += 1;
        if laws % 2 == 1 && !numbers.contains_key(part) {
            let value = plain::from_term(&mut vm, law).expect("the heap has room");
            // Laws that are stored as data have no jets.
            if !matches!(vm.look(&value).shape(), Shape::Law(_)) {
                return;
            }
            let hash = vm.hash(&value).expect("a small law");
            numbers.insert(part.clone(), numbers.len() as u32);
            table.add(Jet::control("jet", demands, ControlForm::Trace), &[hash]);
        }
    });
    (table, numbers)
}

/// The classification of the application of a function, read from its term.
fn expected(function: &Term, given: usize, jets: &BTreeMap<Term, u32>) -> Application {
    let is_zero = |term: &Term| *term == Term::zero();
    let count = given as u64;
    match arity(function) {
        Some(arity) if arity == count => {
            let operation = function.as_nat().and_then(|nat| u64::try_from(nat).ok());
            Application::Saturated(match (operation, jets.get(function)) {
                (Some(1), _) => SaturatedCall::Reflect,
                (Some(2), _) => SaturatedCall::Predecessor,
                (Some(3), _) => SaturatedCall::Increment,
                (_, Some(jet)) => SaturatedCall::Jet(*jet),
                _ => SaturatedCall::General,
            })
        }
        Some(arity) if arity < count => Application::Oversaturated { arity: arity as usize },
        Some(arity) if given > 0 && arity == count + 1 => match function {
            Term::Law { name, body, .. } if is_zero(&Term::Nat(name.clone())) && is_zero(body) => {
                Application::Row
            }
            _ => Application::Partial,
        },
        _ => Application::Partial,
    }
}

/// Counts of the applications found, by their kind.
#[derive(Default, Debug)]
struct Counts {
    partial: usize,
    row: usize,
    operation: usize,
    jet: usize,
    general: usize,
    oversaturated: usize,
}

impl Counts {
    fn add(&mut self, application: Application) {
        let count = match application {
            Application::Partial => &mut self.partial,
            Application::Row => &mut self.row,
            Application::Saturated(SaturatedCall::Jet(_)) => &mut self.jet,
            Application::Saturated(SaturatedCall::General) => &mut self.general,
            Application::Saturated(_) => &mut self.operation,
            Application::Oversaturated { .. } => &mut self.oversaturated,
        };
        *count += 1;
    }
}

/// Checks all applications of constants in an expression of a law's body.
fn check_expression<'h>(
    law: &AnalysedLaw<'h>,
    expression: Ref<'h>,
    table: &JetTable,
    jets: &BTreeMap<Term, u32>,
    counts: &mut Counts,
) {
    let Spine { head, args } = law.spine::<Ref<'h>>(expression);
    if !args.is_empty()
        && let BodyNode::Constant(function) = law.node(head)
    {
        let found = Application::of(function, args.len(), table);
        let term = plain::to_term(function);
        assert_eq!(found, expected(&term, args.len(), jets), "{term}, {} arguments", args.len());
        if let Some(nat) = function.as_u64().filter(|nat| *nat < 1 << 63) {
            assert_eq!(found, Application::of_nat(nat, args.len()));
        }
        counts.add(found);
    }
    for arg in args {
        check_expression(law, arg, table, jets, counts);
    }
}

/// A law whose body applies constants of all kinds to arguments of various number.
fn law_of_random_applications(seed: u64) -> Term {
    let mut random = TermGenerator::new(seed);
    let mut below = |limit: u64| u64::try_from(&random.nat()).map_or(0, |nat| nat % limit);
    let mut expression = Term::from(1);
    for _ in 0..6 {
        let law = Term::law(below(2), 1 + below(4), Term::from(below(2)));
        let function = match below(6) {
            0 => Term::from(below(5)),
            1 => law,
            2 => Term::from(below(3)).app(Term::from(5)),
            _ => law.pin(),
        };
        let count = 1 + below(5);
        let applied = (0..count).fold(Term::from(2).app(function), |f, _| {
            Term::from(0).apps([f, Term::from(below(2))])
        });
        expression = Term::from(0).apps([applied, expression]);
    }
    Term::law(0, 1, expression)
}

#[test]
fn applications_agree_with_a_plain_reading() {
    let mut counts = Counts::default();
    for seed in 0..400 {
        for term in [TermGenerator::new(seed).program(60), law_of_random_applications(seed)] {
            let (table, jets) = jets_of(&term);
            let mut vm = runtime(table);
            let table = Arc::clone(vm.jets());
            visit_parts(&term, &mut |part| {
                if !matches!(part, Term::Law { .. }) {
                    return;
                }
                let value = plain::from_term(&mut vm, part).expect("the heap has room");
                if let Shape::Law(law) = vm.look(&value).shape()
                    && let Some(law) = AnalysedLaw::of(law)
                {
                    for expression in law.lets().iter().chain([&law.result()]) {
                        check_expression(&law, *expression, &table, &jets, &mut counts);
                    }
                }
            });
        }
    }
    let Counts { partial, row, operation, jet, general, oversaturated } = counts;
    let least = [partial, row, operation, jet, general, oversaturated].into_iter().min();
    assert!(least > Some(100), "too few cases: {counts:?}");
}
