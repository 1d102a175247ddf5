//! The trial of one jet: in each case the jet and its law get equal arguments, generated
//! separately.

use crate::compare::{self, JetComparison, JetOutcome};
use crate::generate::Generator;
use crate::library;
use crate::oracle;
use crate::summary::summary;
use crate::time_limit::TimeLimit;
use plan::{EvalError, Ref, Shape, Val};
use std::fmt;
use std::time::{Duration, Instant};
use vm::Vm;
use vm::jet::{CrashCondition, Jet, ResultShape};

/// Time limit of a jet. Every jet needs far less, even on an overloaded machine.
pub(crate) const JET_TIME: Duration = Duration::from_secs(60);
/// Time limit of a law, and of a jet if the expected result is unknown.
const LAW_TIME: Duration = Duration::from_millis(20);
/// Time limit of a law in most cases after the first [`FIRST`]. Slow cases would take most of the
/// time, and enough of them have been tested by then.
const SHORT_LAW_TIME: Duration = Duration::from_millis(2);
/// Number of cases at the start of a trial in which the law has the longer time limit.
const FIRST: u64 = 1000;
/// After these, every case with a multiple of this number has the longer time limit.
const LONG_INTERVAL: u64 = 64;

/// Counts of the cases of a jet, by result.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) cases: u64,
    /// The law was too slow, and the jet gave the calculated result.
    calculated: u64,
    /// The law was too slow, and the expected result is unknown.
    skipped: u64,
    failed: u64,
    jet_time: Duration,
    law_time: Duration,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.cases += other.cases;
        self.calculated += other.calculated;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.jet_time += other.jet_time;
        self.law_time += other.law_time;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { cases, calculated, skipped, failed, .. } = self;
        let ratio = self.law_time.as_secs_f64() / self.jet_time.as_secs_f64().max(1e-9);
        write!(
            f,
            "{cases:7} cases, {failed} disagree; {calculated} laws too slow but calculated, "
        )?;
        write!(f, "{skipped} skipped; law / jet {ratio:.1}")
    }
}

/// A jet, its law, and how to test them.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) declared: Jet,
    pub(crate) signature: &'static str,
    /// The pinned law. Calling the pin runs the jet.
    pub(crate) pin: Val,
    /// Whether jet and law may crash with different crashes.
    pub(crate) any_crash: bool,
    /// Functions that are used as arguments.
    pub(crate) functions: Vec<Val>,
}

/// How the arguments are passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CallForm {
    /// In one call with as many arguments as parameters.
    Saturated,
    /// This number of arguments makes a partial application, which gets the others.
    Partial(usize),
    /// In one call with one argument too many.
    Oversaturated,
}

/// The trial of one jet.
pub(crate) struct Trial<'l> {
    vm: &'l mut Vm,
    limit: &'l TimeLimit,
    subject: Subject,
    /// The unpinned law. Calling it does not run the jet.
    law: Val,
    pub(crate) tally: Tally,
    pub(crate) failures: Vec<String>,
}

impl<'l> Trial<'l> {
    pub(crate) fn new(vm: &'l mut Vm, limit: &'l TimeLimit, subject: Subject) -> Trial<'l> {
        let law = library::item(vm, &subject.pin);
        Trial { vm, limit, subject, law, tally: Tally::default(), failures: Vec::new() }
    }

    /// Generates the arguments of a seed, and how they are passed.
    fn arguments(&mut self, seed: u64) -> (Vec<Val>, CallForm) {
        let Subject { signature, functions, .. } = &self.subject;
        let mut generator = Generator::new(self.vm, seed, functions);
        let mut args: Vec<Val> = signature.chars().map(|kind| generator.argument(kind)).collect();
        let form = match generator.below(24) {
            0 => {
                args.push(generator.argument('a'));
                CallForm::Oversaturated
            }
            1 | 2 => CallForm::Partial(generator.below(args.len() as u64) as usize),
            _ => CallForm::Saturated,
        };
        (args, form)
    }

    /// Evaluates a call to its outermost shape.
    fn call(&mut self, function: &Val, args: &[Val], form: CallForm, time: Duration) -> JetOutcome {
        let vm = &mut *self.vm;
        let result = self.limit.run(time, || match form {
            CallForm::Saturated | CallForm::Oversaturated => vm.apply(function, args),
            CallForm::Partial(first) => {
                let partial = vm.apply(function, &args[..first])?;
                vm.apply(&partial, &args[first..])
            }
        });
        result.into()
    }

    /// Tests the arguments of this seed.
    pub(crate) fn run(&mut self, seed: u64) {
        self.tally.cases += 1;
        let long = self.tally.cases <= FIRST || self.tally.cases.is_multiple_of(LONG_INTERVAL);
        let time = if long { LAW_TIME } else { SHORT_LAW_TIME };
        let (args, form) = self.arguments(seed);
        let start = Instant::now();
        let law = self.call(&self.law.clone(), &args, form, time);
        let law_time = start.elapsed();
        if let JetOutcome::OutOfResources(_) = law {
            return self.test_without_law(seed, time);
        }
        let (args, _) = self.arguments(seed);
        let start = Instant::now();
        let jet = self.call(&self.subject.pin.clone(), &args, form, JET_TIME);
        self.tally.jet_time += start.elapsed();
        self.tally.law_time += law_time;
        if let Err(why) = self.check_declaration(&jet, seed, form) {
            return self.fail(seed, &why);
        }
        let other_crash = matches!(
            (&jet, &law),
            (JetOutcome::Crash(..) | JetOutcome::Loop, JetOutcome::Crash(..) | JetOutcome::Loop)
        );
        if self.subject.any_crash && (other_crash || self.caught_arity_first(&jet, &law)) {
            return;
        }
        match compare::outcomes(self.vm, self.limit, jet, law, time) {
            JetComparison::Equal => {}
            JetComparison::TooSlow => self.tally.skipped += 1,
            JetComparison::Different(why) => self.fail(seed, &why),
        }
    }

    /// Whether both are caught crashes, and the jet's is the crash of making a law with arity 0.
    /// PLAN checks the arity before it evaluates the law's name and body; the law of `_TryExp`
    /// checks it afterwards, and so may catch another crash.
    fn caught_arity_first(&self, jet: &JetOutcome, law: &JetOutcome) -> bool {
        let caught = |outcome: &JetOutcome| match outcome {
            JetOutcome::Value(value) => {
                caught_crash(self.vm.look(value)).map(|crash| self.vm.hold(crash))
            }
            _ => None,
        };
        let (Some(jet), Some(_)) = (caught(jet), caught(law)) else { return false };
        let crash = self.vm.look(&jet).as_row();
        crash.is_some_and(|crash| {
            crash.len() == 2 && crash.iter().all(|part| part.as_u64() == Some(0))
        })
    }

    /// Tests a case in which the law exceeds `time`. The expected result is calculated if the jet
    /// is arithmetic. Otherwise the jet runs for `time`, which shows that it does not panic.
    fn test_without_law(&mut self, seed: u64, time: Duration) {
        let (args, form) = self.arguments(seed);
        let operation = self.subject.declared.operation;
        let expected = match operation {
            Some(operation) if form != CallForm::Oversaturated => {
                oracle::result(self.vm, operation, &args)
            }
            _ => None,
        };
        let (args, _) = self.arguments(seed);
        let time = if expected.is_some() { JET_TIME } else { time };
        let jet = self.call(&self.subject.pin.clone(), &args, form, time);
        match (expected, jet) {
            (None, _) => self.tally.skipped += 1,
            // The result does not fit in memory.
            (Some(_), JetOutcome::OutOfResources(EvalError::OutOfMemory)) => {
                self.tally.calculated += 1
            }
            (Some(expected), JetOutcome::Value(value))
                if self
                    .vm
                    .look(&value)
                    .as_nat()
                    .is_some_and(|nat| nat.to_natural() == expected) =>
            {
                self.tally.calculated += 1;
            }
            (Some(expected), jet) => {
                let why = format!("jet {}\n  not {expected}", compare::outcome_text(self.vm, &jet));
                self.fail(seed, &why);
            }
        }
    }

    /// Checks that a result has the declared shape, and that a crash is allowed by the declaration.
    fn check_declaration(
        &mut self,
        outcome: &JetOutcome,
        seed: u64,
        form: CallForm,
    ) -> Result<(), String> {
        let declared = self.subject.declared;
        if form == CallForm::Oversaturated {
            return Ok(());
        }
        match outcome {
            JetOutcome::Value(value) if !has_shape(self.vm, value, declared.result) => {
                let shown = summary(self.vm.look(value), 4);
                Err(format!("{shown} is not {:?}, as declared", declared.result))
            }
            JetOutcome::Crash(..) if declared.crashes != CrashCondition::Maybe => {
                let (args, _) = self.arguments(seed);
                let harmless = args.iter().all(|arg| match self.vm.force(arg) {
                    Ok(value) => {
                        declared.crashes == CrashCondition::Never
                            || self.vm.look(&value).as_nat().is_some()
                    }
                    Err(_) => false,
                });
                if harmless { Err("crashes, contrary to its declaration".into()) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn fail(&mut self, seed: u64, why: &str) {
        self.tally.failed += 1;
        let (args, form) = self.arguments(seed);
        let args: Vec<String> = args.iter().map(|arg| summary(self.vm.look(arg), 5)).collect();
        let name = self.subject.declared.name;
        let args = args.join(" ");
        self.failures.push(format!("{name} {args}\n  seed {seed}, {form:?}\n  {why}"));
    }
}

/// The row of operation and argument, if the value is a crash that `try` caught.
fn caught_crash(value: Ref<'_>) -> Option<Ref<'_>> {
    let items = value.as_row().filter(|items| items.len() == 2)?;
    items.get(0).filter(|tag| tag.as_u64() == Some(0))?;
    items.get(1)
}

/// Whether a value has the shape that a jet declares.
fn has_shape(vm: &Vm, value: &Val, gives: ResultShape) -> bool {
    let value = vm.look(value);
    let below = |limit: u64| value.as_u64().is_some_and(|nat| nat < limit);
    match gives {
        ResultShape::Any => true,
        ResultShape::Bit => below(2),
        ResultShape::Small => below(1 << 63),
        ResultShape::Nat => value.as_nat().is_some(),
        ResultShape::Bar => value.as_bar().is_some(),
        ResultShape::Row => value.as_row().is_some(),
        ResultShape::Set => matches!(value.shape(), Shape::Set(_)),
        ResultShape::Tab => matches!(value.shape(), Shape::Tab(..)),
    }
}
