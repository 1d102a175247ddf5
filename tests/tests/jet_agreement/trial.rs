//! The trial of one jet: case after case, it and its law get equal arguments, made anew for each.

use crate::compare::{self, End};
use crate::generate::Generator;
use crate::library;
use crate::oracle;
use crate::sketch::sketch;
use crate::watch::Watch;
use std::fmt;
use std::time::{Duration, Instant};
use vm::jet::{Crashes, ResultShape, Jet};
use vm::{Ref, Shape, Stop, Val, Vm};

/// How long a jet may take: far longer than any needs, even if the machine stands still for a while.
pub(crate) const JET_TIME: Duration = Duration::from_secs(60);
/// How long a law may take, and a jet where it is not known what should come of it.
const LAW_TIME: Duration = Duration::from_millis(20);
/// How long most laws may take once a jet has had [`FIRST`] cases: what takes longer has been tried
/// often enough by then, and would take nearly all the time.
const SHORT_LAW_TIME: Duration = Duration::from_millis(2);
/// The cases in which all laws have the longer time, and one in how many has it later.
const FIRST: u64 = 1000;
const LATER: u64 = 64;

/// How cases of a jet ended.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) cases: u64,
    calculated: u64,
    given_up: u64,
    failed: u64,
    jet_time: Duration,
    law_time: Duration,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.cases += other.cases;
        self.calculated += other.calculated;
        self.given_up += other.given_up;
        self.failed += other.failed;
        self.jet_time += other.jet_time;
        self.law_time += other.law_time;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { cases, calculated, given_up, failed, .. } = self;
        let ratio = self.law_time.as_secs_f64() / self.jet_time.as_secs_f64().max(1e-9);
        write!(f, "{cases:7} cases, {failed} disagree; {calculated} laws too slow but known, ")?;
        write!(f, "{given_up} given up; law / jet {ratio:.1}")
    }
}

/// What takes part in a trial.
#[derive(Clone)]
pub(crate) struct Parties {
    pub(crate) declared: Jet,
    pub(crate) signature: &'static str,
    /// The pinned law, which the jet stands for.
    pub(crate) jet: Val,
    /// Whether jet and law may meet different crashes, if there are several.
    pub(crate) any_crash: bool,
    /// Functions that arguments may be.
    pub(crate) functions: Vec<Val>,
}

/// How the arguments are given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Giving {
    /// All at once.
    AtOnce,
    /// The first few make an app, which gets the others.
    InTwo(usize),
    /// One more than there are parameters.
    TooMany,
}

/// The trial of one jet.
pub(crate) struct Trial<'l> {
    vm: &'l mut Vm,
    watch: &'l Watch,
    parties: Parties,
    law: Val,
    pub(crate) tally: Tally,
    pub(crate) failures: Vec<String>,
}

impl<'l> Trial<'l> {
    pub(crate) fn new(vm: &'l mut Vm, watch: &'l Watch, parties: Parties) -> Trial<'l> {
        let law = library::item(vm, &parties.jet);
        Trial { vm, watch, parties, law, tally: Tally::default(), failures: Vec::new() }
    }

    fn arguments(&mut self, seed: u64) -> (Vec<Val>, Giving) {
        let Parties { signature, functions, .. } = &self.parties;
        let mut generator = Generator::new(self.vm, seed, functions);
        let mut args: Vec<Val> = signature.chars().map(|kind| generator.argument(kind)).collect();
        let giving = match generator.below(24) {
            0 => {
                args.push(generator.argument('a'));
                Giving::TooMany
            }
            1 | 2 => Giving::InTwo(generator.below(args.len() as u64) as usize),
            _ => Giving::AtOnce,
        };
        (args, giving)
    }

    /// Evaluates a call to its outermost shape.
    fn end(&mut self, function: &Val, args: &[Val], giving: Giving, time: Duration) -> End {
        let vm = &mut *self.vm;
        let result = self.watch.limit(time, || match giving {
            Giving::AtOnce | Giving::TooMany => vm.apply(function, args),
            Giving::InTwo(first) => {
                let partial = vm.apply(function, &args[..first])?;
                vm.apply(&partial, &args[first..])
            }
        });
        result.into()
    }

    /// Tries the arguments of that seed.
    pub(crate) fn run(&mut self, seed: u64) {
        self.tally.cases += 1;
        let long = self.tally.cases <= FIRST || self.tally.cases.is_multiple_of(LATER);
        let time = if long { LAW_TIME } else { SHORT_LAW_TIME };
        let (args, giving) = self.arguments(seed);
        let start = Instant::now();
        let law = self.end(&self.law.clone(), &args, giving, time);
        let law_time = start.elapsed();
        if let End::Cut(_) = law {
            return self.judge_without_law(seed, time);
        }
        let (args, _) = self.arguments(seed);
        let start = Instant::now();
        let jet = self.end(&self.parties.jet.clone(), &args, giving, JET_TIME);
        self.tally.jet_time += start.elapsed();
        self.tally.law_time += law_time;
        if let Err(why) = self.keeps_its_word(&jet, seed, giving) {
            return self.fail(seed, &why);
        }
        let other_crash =
            matches!((&jet, &law), (End::Crash(..) | End::Loop, End::Crash(..) | End::Loop));
        if self.parties.any_crash && (other_crash || self.caught_arity_first(&jet, &law)) {
            return;
        }
        match compare::ends(self.vm, self.watch, jet, law, time) {
            compare::Verdict::Agree => {}
            compare::Verdict::TooSlow => self.tally.given_up += 1,
            compare::Verdict::Differ(why) => self.fail(seed, &why),
        }
    }

    /// Whether both caught crashes, the jet that of a law without arguments: which PLAN notices before
    /// it evaluates the law's name and body, and what the law of `_TryExp` takes for evaluation after.
    fn caught_arity_first(&self, jet: &End, law: &End) -> bool {
        let caught = |end: &End| match end {
            End::Value(value) => caught_crash(self.vm.look(value)).map(|crash| self.vm.hold(crash)),
            _ => None,
        };
        let (Some(jet), Some(_)) = (caught(jet), caught(law)) else { return false };
        let crash = self.vm.look(&jet).as_row();
        crash.is_some_and(|crash| {
            crash.len() == 2 && crash.iter().all(|part| part.as_u64() == Some(0))
        })
    }

    /// The law takes longer than that: what it would give is calculated, if it is arithmetic. Where it
    /// is not known the jet is run all the same, for as long.
    fn judge_without_law(&mut self, seed: u64, time: Duration) {
        let (args, giving) = self.arguments(seed);
        let operation = self.parties.declared.operation;
        let known = match operation {
            Some(operation) if giving != Giving::TooMany => {
                oracle::result(self.vm, operation, &args)
            }
            _ => None,
        };
        let (args, _) = self.arguments(seed);
        let time = if known.is_some() { JET_TIME } else { time };
        let jet = self.end(&self.parties.jet.clone(), &args, giving, time);
        match (known, jet) {
            (None, _) => self.tally.given_up += 1,
            // What cannot fit in memory is no value.
            (Some(_), End::Cut(Stop::HeapFull)) => self.tally.calculated += 1,
            (Some(known), End::Value(value))
                if self.vm.look(&value).as_nat().is_some_and(|nat| nat.to_natural() == known) =>
            {
                self.tally.calculated += 1;
            }
            (Some(known), jet) => {
                let why = format!("jet {}\n  not {known}", compare::sketch_end(self.vm, &jet));
                self.fail(seed, &why);
            }
        }
    }

    /// Whether a result is what the declaration says, and a crash one that it allows.
    fn keeps_its_word(&mut self, end: &End, seed: u64, giving: Giving) -> Result<(), String> {
        let declared = self.parties.declared;
        if giving == Giving::TooMany {
            return Ok(());
        }
        match end {
            End::Value(value) if !has_shape(self.vm, value, declared.gives) => {
                let shown = sketch(self.vm.look(value), 4);
                Err(format!("{shown} is not {:?}, as declared", declared.gives))
            }
            End::Crash(..) if declared.crashes != Crashes::Maybe => {
                let (args, _) = self.arguments(seed);
                let harmless = args.iter().all(|arg| match self.vm.force(arg) {
                    Ok(value) => {
                        declared.crashes == Crashes::Never
                            || self.vm.look(&value).as_nat().is_some()
                    }
                    Err(_) => false,
                });
                if harmless { Err("crashes, against its declaration".into()) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn fail(&mut self, seed: u64, why: &str) {
        self.tally.failed += 1;
        let (args, giving) = self.arguments(seed);
        let args: Vec<String> = args.iter().map(|arg| sketch(self.vm.look(arg), 5)).collect();
        let name = self.parties.declared.name;
        let args = args.join(" ");
        self.failures.push(format!("{name} {args}\n  seed {seed}, {giving:?}\n  {why}"));
    }
}

/// The row of operation and argument, if a value is what `try` makes of a crash.
fn caught_crash(value: Ref<'_>) -> Option<Ref<'_>> {
    let items = value.as_row().filter(|items| items.len() == 2)?;
    items.get(0).filter(|tag| tag.as_u64() == Some(0))?;
    items.get(1)
}

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
