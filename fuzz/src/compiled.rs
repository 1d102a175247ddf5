//! Compiled code agrees with the specification and the interpreter.
//!
//! A program may use laws of our library, with their jets. In the program they are *placeholders*,
//! pins of a number, so that the program is small and readable and can be shrunk. The specification
//! gets the laws themselves, if they are small. If the specification runs out of steps, compiled
//! code is compared with the interpreter.
//!
//! A runtime executes many programs, because creating one costs more than most programs. A
//! disagreement is reproduced and shrunk in new runtimes. If it cannot be reproduced there, the
//! report lists all programs that the runtime had executed.

mod known;

use self::known::{JET_TABLE, LIBRARY, expanded, law_of, placeholders, readable};
use crate::bounds::{TimeLimit, small_vm_with};
use crate::outcome::{ProgramOutcome, evaluated, specified};
use crate::terms::{below, expression};
use arbitrary::Unstructured;
use plan::{EvalError, Val, plain, seed};
use runtime::{CompileMode, RuntimeBuilder};
use spec::generate::{KnownFunction, TermGenerator};
use spec::shrink::minimise;
use spec::{EvalBudget, Term};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use vm::{Progress, Vm};

/// Limits of the specification. Laws of the library take many steps.
const LIMITS: EvalBudget = EvalBudget { fuel: 30_000, depth: 800 };

/// Time limit of an evaluation that is known to terminate.
const LONG_LIMIT: Duration = Duration::from_secs(20);

/// Time limit of an evaluation that may not terminate.
const SHORT_LIMIT: Duration = Duration::from_millis(10);

/// How a runtime executes programs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Configuration {
    /// When laws are compiled.
    mode: CompileMode,
    /// Whether garbage is collected at every allocation.
    stress: bool,
    /// Whether two evaluations of the program take turns, suspended at safepoints.
    in_turns: bool,
}

impl Configuration {
    const INTERPRETER: Configuration =
        Configuration { mode: CompileMode::Off, stress: false, in_turns: false };

    /// The configurations with the compiler. With `After`, a law becomes hot while it runs, so that
    /// its interpreted and compiled frames are on the stack at the same time.
    const COMPILERS: [Configuration; 8] = [
        Configuration { mode: CompileMode::Eager, stress: false, in_turns: false },
        Configuration { mode: CompileMode::After(3), stress: false, in_turns: false },
        Configuration { mode: CompileMode::After(2), stress: false, in_turns: false },
        Configuration { mode: CompileMode::Eager, stress: true, in_turns: false },
        Configuration { mode: CompileMode::After(2), stress: true, in_turns: false },
        Configuration { mode: CompileMode::Eager, stress: false, in_turns: true },
        Configuration { mode: CompileMode::After(2), stress: false, in_turns: true },
        Configuration { mode: CompileMode::Eager, stress: true, in_turns: true },
    ];

    /// Number of programs that a runtime executes. Compiled library laws stay in it, and slow down
    /// collections.
    fn max_programs(self) -> usize {
        if self.stress { 10 } else { 100 }
    }
}

/// A runtime, and the programs that it has executed.
struct UsedRuntime {
    vm: Vm,
    in_turns: bool,
    /// The laws of the library that have been loaded, by number.
    laws: HashMap<usize, Val>,
    programs: Vec<Term>,
}

impl UsedRuntime {
    fn new(configuration: Configuration) -> UsedRuntime {
        let builder = RuntimeBuilder::bare().jets(Arc::clone(&JET_TABLE));
        let builder = builder.compile(configuration.mode);
        let vm = small_vm_with(builder, configuration.stress, 1 << 22);
        let in_turns = configuration.in_turns;
        UsedRuntime { vm, in_turns, laws: HashMap::new(), programs: Vec::new() }
    }

    /// Executes a program.
    fn run(&mut self, program: &Term, time: Duration) -> ProgramOutcome {
        self.programs.push(program.clone());
        let limit = TimeLimit::start(&self.vm, time);
        let result = self.value(program);
        drop(limit);
        let outcome = evaluated(&self.vm, result);
        self.vm.interrupt_handle().clear();
        outcome
    }

    /// Builds a program, with the laws for its placeholders, and normalises it.
    fn value(&mut self, program: &Term) -> Result<Val, EvalError> {
        for number in placeholders(program) {
            if !self.laws.contains_key(&number) {
                let law = seed::load(&mut self.vm, &LIBRARY[number].seed);
                let law = law.map_err(|error| match error.problem {
                    seed::LoadProblem::Eval(stop) => stop,
                    problem => unreachable!("a saved seed cannot be loaded: {problem}"),
                })?;
                self.laws.insert(number, law);
            }
        }
        let laws = &self.laws;
        let value_of = |term: &Term| law_of(term).and_then(|number| laws.get(&number));
        if self.in_turns {
            let law = plain::from_term_with(&mut self.vm, &law_of_program(program), value_of)?;
            return self.value_in_turns(&law);
        }
        let value = plain::from_term_with(&mut self.vm, program, value_of)?;
        self.vm.force(&value)
    }

    /// Evaluates the call of a law twice, in turns.
    fn value_in_turns(&mut self, law: &Val) -> Result<Val, EvalError> {
        let zero = self.vm.nat(0);
        let mut running = Vec::new();
        for _ in 0..2 {
            running.push(self.vm.begin_call_in_order(law, std::slice::from_ref(&zero))?);
        }
        self.vm.suspend_at_intervals(1 + self.programs.len() as u32 % 3);
        let mut results = Vec::new();
        while let Some(evaluation) = running.pop() {
            match self.vm.resume(evaluation) {
                Progress::Suspended(evaluation) => running.insert(0, evaluation),
                Progress::Done(result) => results.push(result),
            }
        }
        self.vm.suspend_at_intervals(0);
        let result = results.swap_remove(0);
        if let (Ok(one), [Ok(other)]) = (&result, &results[..]) {
            let equal = self.vm.look(one).is_equal(self.vm.look(other));
            assert!(equal, "the two evaluations have different values");
        }
        result
    }

    /// Checks that the runtime is still usable.
    fn check(&mut self) {
        let (three, argument) = (self.vm.nat(3), self.vm.nat(41));
        let sum = self.vm.apply(&three, &[argument]).expect("the heap has room again");
        assert_eq!(self.vm.look(&sum).as_u64(), Some(42));
    }
}

/// The law of one argument, which it ignores, whose body is the program.
fn law_of_program(program: &Term) -> Term {
    fn quoted(term: &Term) -> Term {
        match term {
            Term::App(f, x) => Term::from(0).apps([quoted(f), quoted(x)]),
            value => Term::from(2).app(value.clone()),
        }
    }
    Term::law(0, 1, quoted(program))
}

/// The current runtime of each configuration.
#[derive(Default)]
struct RuntimePool(HashMap<Configuration, UsedRuntime>);

impl RuntimePool {
    /// The runtime of a configuration, a new one after the maximal number of programs.
    fn get(&mut self, configuration: Configuration) -> &mut UsedRuntime {
        self.0
            .retain(|configuration, runtime| runtime.programs.len() < configuration.max_programs());
        self.0.entry(configuration).or_insert_with(|| UsedRuntime::new(configuration))
    }

    /// Executes a program everywhere. Describes a disagreement between two outcomes, if there is
    /// one.
    fn disagreement(&mut self, program: &Term, configuration: Configuration) -> Option<String> {
        let uses_library = !placeholders(program).is_empty();
        let expected = expanded(program)
            .map_or(ProgramOutcome::OutOfResources, |term| specified(&term, LIMITS));
        let interpreter = self.get(Configuration::INTERPRETER);
        let time = time_limit(&expected);
        let interpreted = interpreter.run(program, time);
        if !agree(&expected, &interpreted, uses_library) {
            return Some(format!("specified {expected:?}\n interpreted {interpreted:?}"));
        }
        let expected =
            if expected == ProgramOutcome::OutOfResources { interpreted } else { expected };
        let time = time_limit(&expected);
        let runtime = self.get(configuration);
        let compiled = runtime.run(program, time);
        runtime.check();
        let agree = agree(&expected, &compiled, uses_library);
        (!agree)
            .then(|| format!("expected {expected:?}\n compiled, {configuration:?}: {compiled:?}"))
    }
}

/// The time limit for a program with this expected outcome.
fn time_limit(expected: &ProgramOutcome) -> Duration {
    if *expected == ProgramOutcome::OutOfResources { SHORT_LIMIT } else { LONG_LIMIT }
}

/// Whether two outcomes of a program are compatible. A jet may crash with another crash than its
/// law, or where its law loops.
fn agree(expected: &ProgramOutcome, found: &ProgramOutcome, with_jets: bool) -> bool {
    use ProgramOutcome::{Crash, LargeValue, Loop, OutOfResources};
    match (expected, found) {
        (OutOfResources, _)
        | (LargeValue(None), LargeValue(_))
        | (LargeValue(_), LargeValue(None)) => true,
        // A loop may be detected, or end with a full stack.
        (Loop, Loop | OutOfResources) => true,
        (Crash(..) | Loop, Crash(..) | Loop | OutOfResources) if with_jets => true,
        (expected, found) => expected == found,
    }
}

thread_local! {
    static RUNTIMES: RefCell<RuntimePool> = RefCell::default();
}

/// Decodes a program from the bytes, and executes it by the specification, the interpreter and
/// compiled code.
///
/// # Panics
/// If two outcomes disagree. The message has the smallest program for which they do.
pub fn check(bytes: &[u8]) {
    let (configuration, program) = decode(bytes);
    RUNTIMES.with_borrow_mut(|runtimes| {
        let Some(found) = runtimes.disagreement(&program, configuration) else { return };
        let again = |program: &Term| RuntimePool::default().disagreement(program, configuration);
        if again(&program).is_some() {
            let smallest = minimise(program, |smaller| again(smaller).is_some());
            let found = again(&smallest).unwrap_or(found);
            panic!("{}\n {}", readable(&smallest.to_string()), readable(&found));
        }
        let programs = &runtimes.get(configuration).programs;
        let before: Vec<String> = programs.iter().map(|p| readable(&p.to_string())).collect();
        panic!("{}\n {}, after all of these programs", before.join("\n"), readable(&found));
    });
}

/// Decodes a configuration and a program.
fn decode(bytes: &[u8]) -> (Configuration, Term) {
    let mut bytes = Unstructured::new(bytes);
    let configuration = Configuration::COMPILERS[usize::from(below(&mut bytes, 8))];
    let known: Arc<[KnownFunction]> = Arc::clone(&known::KNOWN);
    let program = match below(&mut bytes, 8) {
        0 => expression(&mut bytes, 12),
        1 => {
            let size = 10 + usize::from(below(&mut bytes, 90));
            TermGenerator::new(bytes.arbitrary().unwrap_or(0)).with_known(known).program(size)
        }
        choice => {
            let size = 10 + usize::from(below(&mut bytes, 120));
            let generator = TermGenerator::from_bytes(bytes.take_rest());
            // Without the library, the outcome of the specification is the only correct one.
            let mut generator = if choice < 4 { generator } else { generator.with_known(known) };
            generator.program(size)
        }
    };
    (configuration, program)
}
