//! Every jet against the very law that it stands for, on generated arguments.
//!
//! The laws are those of our library, and those of the prototype's, loaded from the checkout that
//! `PALLAS_REFERENCE` names (without one they are skipped). A law is run unpinned, so that its own jet
//! does not take its place; what it calls runs by jets, each of which has its own turn here. Jet and law get
//! equal arguments, made anew for each, and must end alike: in equal values, or both in a crash.
//! Which crash, if there is more than one to meet, is counted and printed, and not judged: it
//! depends on the order in which arguments are evaluated.
//!
//! A law may take for ever where its jet does not; such cases are given up and counted.
//!
//! `PALLAS_JET_CASES` says how many cases a jet gets (100), `PALLAS_JET_SEED` where to begin (1),
//! `PALLAS_JET` which jet alone to try.

mod generate;
mod library;
mod signatures;
mod watch;

use generate::Generator;
use library::Laws;
use std::fmt;
use std::time::Duration;
use vm::{Ref, Shape, Stop, Val, Vm};
use watch::Watch;

/// How long a jet may take: far longer than any needs.
const JET_TIME: Duration = Duration::from_secs(2);
/// How long a law may take.
const LAW_TIME: Duration = Duration::from_millis(60);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Numbers that follow each other, made to have little in common.
fn spread(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number ^ (number >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Jets without a law in our library.
const NOT_OURS: &[&str] = &[
    "_Bitwise",
    "_Blake3",
    "_LoadGerm",
    "_LoadSeed",
    "_PinHash",
    "_PlanHash",
    "_SaveSeed",
    "_Times",
    "_Try",
];

#[test]
fn jets_agree_with_the_laws_of_our_library() {
    try_jets(Laws::ours(), NOT_OURS);
}

#[test]
fn jets_agree_with_the_laws_of_the_prototype() {
    match tests::reference() {
        Some(reference) => try_jets(Laws::theirs(&reference.join("sire")), &[]),
        None => eprintln!("skipped: PALLAS_REFERENCE is not set"),
    }
}

fn try_jets(mut laws: Laws, lacking: &[&str]) {
    let only = std::env::var("PALLAS_JET").ok();
    let (cases, seed) = (setting("PALLAS_JET_CASES", 100), setting("PALLAS_JET_SEED", 1));
    let mut failures = Vec::new();
    let mut sums = Tally::default();
    for (name, signature) in signatures::SIGNATURES {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let Some(jet) = laws.pin(name) else {
            assert!(lacking.contains(name), "{name}: no such law in the library");
            continue;
        };
        let mut trial = Trial::new(&mut laws, jet, name, signature);
        for case in 0..cases {
            trial.run(spread(seed) ^ spread(case + 1));
        }
        eprintln!("{name:22} {}", trial.tally);
        sums.add(&trial.tally);
        failures.append(&mut trial.failures);
    }
    eprintln!("{:22} {sums}", "all");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_jet_has_a_signature() {
    let natives = jets::list().into_iter().filter(|law| law.native);
    for law in natives {
        let signature = signatures::SIGNATURES.iter().find(|(name, _)| *name == law.name);
        assert!(signature.is_some(), "{}: not tried", law.name);
    }
}

/// How cases of a jet ended.
#[derive(Default)]
struct Tally {
    agreed: u64,
    other_crash: u64,
    given_up: u64,
    failed: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.agreed += other.agreed;
        self.other_crash += other.other_crash;
        self.given_up += other.given_up;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { agreed, other_crash, given_up, failed } = self;
        write!(f, "{agreed} agree ({other_crash} by another crash), ")?;
        write!(f, "{given_up} laws given up, {failed} differ")
    }
}

/// What an evaluation came to.
enum End {
    Value(Val),
    /// The operation of the crash.
    Crash(Val),
    /// Out of time, stack or memory.
    None(Stop),
}

impl From<Result<Val, Stop>> for End {
    fn from(result: Result<Val, Stop>) -> End {
        match result {
            Ok(value) => End::Value(value),
            Err(Stop::Crash { op, .. }) => End::Crash(op),
            Err(stop) => End::None(stop),
        }
    }
}

/// The trial of one jet.
struct Trial<'l> {
    vm: &'l mut Vm,
    watch: &'l Watch,
    functions: &'l [Val],
    name: &'static str,
    signature: &'static str,
    jet: Val,
    law: Val,
    tally: Tally,
    failures: Vec<String>,
}

impl<'l> Trial<'l> {
    fn new(laws: &'l mut Laws, jet: Val, name: &'static str, signature: &'static str) -> Trial<'l> {
        let (vm, watch, functions) = laws.parts();
        let Shape::Pin(pin) = vm.look(&jet).shape() else { unreachable!("laws are found as pins") };
        let law = vm.hold(pin.item());
        let (tally, failures) = (Tally::default(), Vec::new());
        Trial { vm, watch, functions, name, signature, jet, law, tally, failures }
    }

    fn arguments(&mut self, seed: u64) -> Vec<Val> {
        let mut generator = Generator::new(self.vm, seed, self.functions);
        self.signature.chars().map(|kind| generator.argument(kind)).collect()
    }

    /// Evaluates a call: to its outermost shape first, so that jet and law may not differ in what
    /// they evaluate for that, and then throughout.
    fn end(&mut self, function: &Val, args: &[Val], time: Duration) -> (End, End) {
        let vm = &mut *self.vm;
        let head: End = self.watch.limit(time, || vm.apply(function, args)).into();
        let whole = match &head {
            End::Value(value) => self.watch.limit(time, || vm.force(value)).into(),
            End::Crash(op) => End::Crash(op.clone()),
            End::None(stop) => End::None(stop.clone()),
        };
        (head, whole)
    }

    fn run(&mut self, seed: u64) {
        let args = self.arguments(seed);
        let (jet, jet_whole) = self.end(&self.jet.clone(), &args, JET_TIME);
        let args = self.arguments(seed);
        let (law, law_whole) = self.end(&self.law.clone(), &args, LAW_TIME);
        if matches!(law, End::None(_)) || matches!(law_whole, End::None(_)) {
            self.tally.given_up += 1;
            return;
        }
        let same_head =
            matches!((&jet, &law), (End::Value(_), End::Value(_)) | (End::Crash(_), End::Crash(_)));
        if same_head && self.agree(&jet_whole, &law_whole) {
            self.tally.agreed += 1;
            return;
        }
        self.tally.failed += 1;
        let args = self.arguments(seed);
        let args: Vec<String> = args.iter().map(|arg| sketch(self.vm.look(arg), 5)).collect();
        let [jet, law] = [&jet_whole, &law_whole].map(|end| self.sketch_end(end));
        self.failures.push(format!(
            "{} {}\n  seed {seed}\n  jet {jet}\n  law {law}",
            self.name,
            args.join(" ")
        ));
    }

    fn agree(&mut self, jet: &End, law: &End) -> bool {
        match (jet, law) {
            (End::Value(jet), End::Value(law)) => {
                self.vm.look(jet).equals(self.vm.look(law))
                    && self.vm.hash(jet).ok() == self.vm.hash(law).ok()
            }
            (End::Crash(jet), End::Crash(law)) => {
                let same = self.vm.look(jet).equals(self.vm.look(law));
                self.tally.other_crash += u64::from(!same);
                true
            }
            _ => false,
        }
    }

    fn sketch_end(&self, end: &End) -> String {
        match end {
            End::Value(value) => sketch(self.vm.look(value), 6),
            End::Crash(op) => format!("crashes with {}", sketch(self.vm.look(op), 2)),
            End::None(stop) => stop.to_string(),
        }
    }
}

/// A value in a few words, down to some depth; `?` is not evaluated.
fn sketch(value: Ref<'_>, depth: u32) -> String {
    if depth == 0 {
        return "...".to_owned();
    }
    let all = |values: &mut dyn Iterator<Item = Ref<'_>>| {
        values.map(|value| sketch(value, depth - 1)).collect::<Vec<_>>().join(" ")
    };
    match value.shape() {
        Shape::Nat(nat) => match nat.to_u64() {
            Some(nat) => nat.to_string(),
            None => format!("(a nat of {} bits)", nat.bits()),
        },
        Shape::Pin(pin) => match pin.item().shape() {
            Shape::Law(law) => format!("<{}>", law.name().text().unwrap_or_default()),
            _ => format!("<{}>", sketch(pin.item(), depth - 1)),
        },
        Shape::Law(law) => {
            let (name, arity) = (law.name().saturating_u64(), law.arity().saturating_u64());
            format!("{{{name} {arity} {}}}", sketch(law.body(), depth - 1))
        }
        Shape::App(app) => {
            format!("({} {})", sketch(app.head(), depth - 1), all(&mut app.args()))
        }
        Shape::Bar(bytes) => format!("b{bytes:?}"),
        Shape::Row(items) => format!("[{}]", all(&mut items.iter())),
        Shape::Set(keys) => format!("%[{}]", all(&mut keys.iter())),
        Shape::Tab(keys, values) => {
            format!("#[{} = {}]", all(&mut keys.iter()), all(&mut values.iter()))
        }
        Shape::Cow(width) => format!("c{width}"),
        Shape::Thunk => "?".to_owned(),
    }
}
