//! A jet has the same result as its law, also while garbage is collected at every allocation.
//!
//! The laws are those of our library. Each call is made three times, in separate runtimes: of the
//! jet, of the jet while garbage is collected at every allocation, and of the law, unpinned, so
//! that its jet does not replace it (the laws that it calls may use their jets). The outcome is
//! ignored if the law exceeds its time limit, or if jet and law crash differently: the suite
//! `jet_agreement`, which knows the orders of evaluation, compares crashes.

use crate::bounds::{TimeLimit, has_at_most, small_vm};
use crate::library::{JETS, visit_definitions};
use crate::terms::{argument, below, value};
use arbitrary::Unstructured;
use plan::{EvalError, Hash, Ref, Shape, Val, plain, seed};
use spec::Term;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use vm::Vm;

/// Time limit of a call.
const TIME_LIMIT: Duration = Duration::from_millis(200);

/// Larger values are not compared.
const MAX_PARTS: usize = 1 << 16;

/// A law with a jet.
struct JetLaw {
    name: &'static str,
    arity: usize,
    /// The seed of its pin.
    seed: Vec<u8>,
}

/// The laws of our library with jets, in the order of the jets.
static LAWS: LazyLock<Vec<JetLaw>> = LazyLock::new(|| {
    let mut seeds = HashMap::new();
    visit_definitions(|_, vm, value| collect(vm, value, &mut seeds));
    let known = ::jets::list();
    let law = |jet: vm::jet::Jet| {
        let mut hashes = known.iter().filter(|law| law.name == jet.name).map(|law| law.hash);
        let seed = hashes.find_map(|hash| seeds.get(&hash).cloned())?;
        Some(JetLaw { name: jet.name, arity: jet.arity(), seed })
    };
    ::jets::jets().filter_map(law).collect()
});

/// Adds the seeds of the pinned laws that are reachable from a value, by hash.
fn collect(vm: &Vm, value: &Val, seeds: &mut HashMap<Hash, Vec<u8>>) {
    let mut seen = HashSet::new();
    let mut pending: Vec<Ref<'_>> = vec![vm.look(value)];
    while let Some(value) = pending.pop() {
        let Shape::Pin(pin) = value.shape() else {
            value.push_parts(&mut pending);
            continue;
        };
        let hash = pin.hash().expect("the pin has a hash");
        if !seen.insert(hash) || seeds.contains_key(&hash) {
            continue;
        }
        if JETS.of(pin).is_some() {
            let bytes = seed::save(vm, &vm.hold(value)).expect("laws can be saved");
            seeds.insert(hash, bytes);
        }
        pending.push(pin.item());
    }
}

/// An argument of a call.
enum Argument {
    Term(Term),
    /// A partial application of another jet.
    Jet(&'static JetLaw, Vec<Term>),
}

/// A call of a jet or its law.
struct JetCall {
    law: &'static JetLaw,
    arguments: Vec<Argument>,
}

impl fmt::Display for JetCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.law.name)?;
        for argument in &self.arguments {
            match argument {
                Argument::Term(term) => write!(f, " {term}")?,
                Argument::Jet(law, given) => {
                    write!(f, " ({}", law.name)?;
                    given.iter().try_for_each(|term| write!(f, " {term}"))?;
                    f.write_str(")")?;
                }
            }
        }
        Ok(())
    }
}

/// The executor of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Implementation {
    Jet,
    /// The jet, while garbage is collected at every allocation.
    StressedJet,
    Law,
}

/// The outcome of a call. A hash is None if the value is too large.
#[derive(Debug, PartialEq)]
enum HashedOutcome {
    Value(Option<Hash>),
    Crash(Option<Hash>, Option<Hash>),
    Loop,
    OutOfResources,
}

/// Decodes a call from the bytes, and makes it in all three ways.
///
/// # Panics
/// If the outcomes of jet and law differ, or if collecting garbage changes the outcome.
pub fn check(bytes: &[u8]) {
    check_call(&decode_call(&mut Unstructured::new(bytes)));
}

/// Makes a call of the jet with this name, with these arguments, in all three ways.
///
/// # Panics
/// As [`check`], and if our library has no law with that jet.
pub(crate) fn check_arguments(jet: &str, arguments: Vec<Term>) {
    let law = LAWS.iter().find(|law| law.name == jet).expect("our library has the law");
    let arguments = arguments.into_iter().map(Argument::Term).collect();
    check_call(&JetCall { law, arguments });
}

fn check_call(call: &JetCall) {
    let [jet, stressed, law] =
        [Implementation::Jet, Implementation::StressedJet, Implementation::Law]
            .map(|by| run(by, call));
    let limited = HashedOutcome::OutOfResources;
    assert!(
        jet == stressed || jet == limited || stressed == limited,
        "{call}\n jet {jet:?}\n stressed {stressed:?}"
    );
    assert!(agree(&jet, &law), "{call}\n jet {jet:?}\n law {law:?}");
}

/// Whether the outcomes of a jet and its law are compatible.
fn agree(jet: &HashedOutcome, law: &HashedOutcome) -> bool {
    match (jet, law) {
        (HashedOutcome::OutOfResources, _) | (_, HashedOutcome::OutOfResources) => true,
        // The jet may terminate where the law loops.
        (_, HashedOutcome::Loop) => true,
        (HashedOutcome::Crash(..) | HashedOutcome::Loop, HashedOutcome::Crash(..)) => true,
        (jet, law) => jet == law,
    }
}

fn any_law(bytes: &mut Unstructured<'_>) -> &'static JetLaw {
    let laws = &*LAWS;
    &laws[usize::from(below(bytes, u8::MAX)) % laws.len()]
}

/// Decodes a call.
fn decode_call(bytes: &mut Unstructured<'_>) -> JetCall {
    let law = any_law(bytes);
    let arguments = (0..law.arity)
        .map(|_| match below(bytes, 8) {
            7 => {
                let law = any_law(bytes);
                let given = usize::from(below(bytes, 4)).min(law.arity - 1);
                Argument::Jet(law, (0..given).map(|_| value(bytes, 3)).collect())
            }
            _ => Argument::Term(argument(bytes)),
        })
        .collect();
    JetCall { law, arguments }
}

/// Makes a call.
fn run(by: Implementation, call: &JetCall) -> HashedOutcome {
    let mut vm = small_vm(Arc::clone(&JETS), by == Implementation::StressedJet);
    let _limit = TimeLimit::start(&vm, TIME_LIMIT);
    let outcome = match build(&mut vm, by, call).and_then(|value| vm.force(&value)) {
        Ok(value) => hash(&vm, &value).map(HashedOutcome::Value),
        Err(EvalError::Crash { op, arg }) => {
            hash(&vm, &op).and_then(|op| Ok(HashedOutcome::Crash(op, hash(&vm, &arg)?)))
        }
        Err(EvalError::Loop) => Ok(HashedOutcome::Loop),
        Err(stop) => Err(stop),
    };
    // The time limit may also end the computation of the hash.
    outcome.unwrap_or(HashedOutcome::OutOfResources)
}

/// Builds the unevaluated call.
fn build(vm: &mut Vm, by: Implementation, call: &JetCall) -> Result<Val, EvalError> {
    let function = match by {
        Implementation::Jet | Implementation::StressedJet => load_pin(vm, call.law)?,
        Implementation::Law => {
            let pin = load_pin(vm, call.law)?;
            let Shape::Pin(law) = vm.look(&pin).shape() else { unreachable!("the value is a pin") };
            vm.hold(law.item())
        }
    };
    let mut arguments = Vec::new();
    for argument in &call.arguments {
        arguments.push(match argument {
            Argument::Term(term) => plain::from_term(vm, term)?,
            Argument::Jet(law, given) => {
                let function = load_pin(vm, law)?;
                let given: Vec<Val> = given
                    .iter()
                    .map(|term| plain::from_term(vm, term))
                    .collect::<Result<_, _>>()?;
                vm.app(&function, &given)?
            }
        });
    }
    vm.app(&function, &arguments)
}

/// Loads the pin of a law.
fn load_pin(vm: &mut Vm, law: &JetLaw) -> Result<Val, EvalError> {
    seed::load(vm, &law.seed).map_err(|error| match error.problem {
        seed::LoadProblem::Eval(stop) => stop,
        problem => unreachable!("a saved seed cannot be loaded: {problem}"),
    })
}

/// The hash of a value. None if the value is too large to hash in a short time.
fn hash(vm: &Vm, value: &Val) -> Result<Option<Hash>, EvalError> {
    has_at_most(vm.look(value), MAX_PARTS).then(|| vm.hash(value)).transpose()
}
