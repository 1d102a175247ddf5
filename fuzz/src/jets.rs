//! A jet gives what its law gives, while collecting at every allocation too.
//!
//! The laws are those of our library. Each call is made three times, in runtimes of their own: of
//! the jet, of the jet while collecting at every allocation, and of the law itself, unpinned, so
//! that its jet does not take its place (what it calls runs by jets all the same). Where the law
//! needs longer than it gets, or jet and law meet different crashes, nothing is said: which crash
//! comes first is for the suite `jet_agreement`, which knows the laws' orders.

use crate::bounds::{TimeLimit, has_at_most, small_vm};
use crate::library::{JETS, definitions};
use crate::terms::{argument, below, value};
use arbitrary::Unstructured;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use spec::Term;
use plan::{EvalError, Hash, Ref, Shape, Val, plain, seed};
use vm::Vm;

const LIMIT: Duration = Duration::from_millis(200);

/// Values of more parts are not compared.
const PARTS: usize = 1 << 16;

/// A law that a jet stands for.
struct Law {
    name: &'static str,
    arity: usize,
    /// Its pin.
    seed: Vec<u8>,
}

/// The laws of our library that jets stand for, in the order of the jets.
static LAWS: LazyLock<Vec<Law>> = LazyLock::new(|| {
    let mut seeds = HashMap::new();
    definitions(|_, vm, value| collect(vm, value, &mut seeds));
    let known = ::jets::list();
    let law = |jet: vm::jet::Jet| {
        let mut hashes = known.iter().filter(|law| law.name == jet.name).map(|law| law.hash);
        let seed = hashes.find_map(|hash| seeds.get(&hash).cloned())?;
        Some(Law { name: jet.name, arity: jet.arity(), seed })
    };
    ::jets::jets().filter_map(law).collect()
});

/// Adds the seeds of the pinned laws in a value, by their hashes.
fn collect(vm: &Vm, value: &Val, seeds: &mut HashMap<Hash, Vec<u8>>) {
    let mut seen = HashSet::new();
    let mut pending: Vec<Ref<'_>> = vec![vm.look(value)];
    while let Some(value) = pending.pop() {
        match value.shape() {
            Shape::Pin(pin) => {
                let hash = pin.hash().expect("a library's pins are small");
                if !seen.insert(hash) || seeds.contains_key(&hash) {
                    continue;
                }
                if JETS.of(pin).is_some() {
                    let bytes = seed::save(vm, &vm.hold(value)).expect("laws can be saved");
                    seeds.insert(hash, bytes);
                }
                pending.push(pin.item());
            }
            Shape::Law(law) => pending.push(law.body()),
            Shape::App(app) => pending.extend(std::iter::once(app.head()).chain(app.args())),
            Shape::Row(items) | Shape::Set(items) => pending.extend(items.iter()),
            Shape::Tab(keys, values) => pending.extend(keys.iter().chain(values.iter())),
            Shape::Nat(_) | Shape::Bar(_) | Shape::Cow(_) | Shape::Thunk => {}
        }
    }
}

/// What a jet is called with.
enum Argument {
    Term(Term),
    /// Another jet, perhaps with arguments of its own.
    Jet(&'static Law, Vec<Term>),
}

/// A jet's call.
struct Call {
    law: &'static Law,
    arguments: Vec<Argument>,
}

impl fmt::Display for Call {
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

/// Who carries out a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Jet,
    /// The jet, while collecting at every allocation.
    StressedJet,
    Law,
}

/// How a call ended.
#[derive(Debug, PartialEq)]
enum End {
    Value(Option<Hash>),
    Crash(Option<Hash>, Option<Hash>),
    Loop,
    Cut,
}

/// Calls the jet and its law with the arguments that the bytes spell.
///
/// # Panics
/// If they end differently, or if collecting makes a difference.
pub fn check(bytes: &[u8]) {
    let call = call(&mut Unstructured::new(bytes));
    let [calm, stressed, law] = [Who::Jet, Who::StressedJet, Who::Law].map(|who| end(who, &call));
    let known = calm != End::Cut && stressed != End::Cut;
    assert!(!known || calm == stressed, "{call}\n calm {calm:?}\n stressed {stressed:?}");
    assert!(may_be_both(&calm, &law), "{call}\n jet {calm:?}\n law {law:?}");
}

/// Whether a jet may end like this where its law ends like that.
fn may_be_both(jet: &End, law: &End) -> bool {
    match (jet, law) {
        (End::Cut, _) | (_, End::Cut) => true,
        // A law that loops may be noticed to do so where its jet comes to an end.
        (_, End::Loop) => true,
        (End::Crash(..) | End::Loop, End::Crash(..)) => true,
        (jet, law) => jet == law,
    }
}

fn any_law(bytes: &mut Unstructured<'_>) -> &'static Law {
    let laws = &*LAWS;
    &laws[usize::from(below(bytes, u8::MAX)) % laws.len()]
}

fn call(bytes: &mut Unstructured<'_>) -> Call {
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
    Call { law, arguments }
}

fn end(who: Who, call: &Call) -> End {
    let mut vm = small_vm(Arc::clone(&JETS), who == Who::StressedJet);
    let _limit = TimeLimit::start(&vm, LIMIT);
    let ended = match made(&mut vm, who, call).and_then(|value| vm.force(&value)) {
        Ok(value) => hash(&vm, &value).map(End::Value),
        Err(EvalError::Crash { op, arg }) => {
            hash(&vm, &op).and_then(|op| Ok(End::Crash(op, hash(&vm, &arg)?)))
        }
        Err(EvalError::Loop) => Ok(End::Loop),
        Err(stop) => Err(stop),
    };
    // Time may be over while the value is hashed, too.
    ended.unwrap_or(End::Cut)
}

/// The call, not evaluated.
fn made(vm: &mut Vm, who: Who, call: &Call) -> Result<Val, EvalError> {
    let function = match who {
        Who::Jet | Who::StressedJet => loaded(vm, call.law)?,
        Who::Law => {
            let pin = loaded(vm, call.law)?;
            let Shape::Pin(law) = vm.look(&pin).shape() else { unreachable!("a pin was saved") };
            vm.hold(law.item())
        }
    };
    let mut arguments = Vec::new();
    for argument in &call.arguments {
        arguments.push(match argument {
            Argument::Term(term) => plain::from_term(vm, term)?,
            Argument::Jet(law, given) => {
                let function = loaded(vm, law)?;
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

/// A law's pin.
fn loaded(vm: &mut Vm, law: &Law) -> Result<Val, EvalError> {
    seed::load(vm, &law.seed).map_err(|error| match error.problem {
        seed::LoadProblem::Eval(stop) => stop,
        problem => unreachable!("a seed that was saved does not load: {problem}"),
    })
}

/// A value's hash, if it is not so large that this would take long.
fn hash(vm: &Vm, value: &Val) -> Result<Option<Hash>, EvalError> {
    has_at_most(vm.look(value), PARTS).then(|| vm.hash(value)).transpose()
}
