//! Every jet against the very law that it stands for, on generated arguments.
//!
//! The laws are those of our library, and those of the prototype's, loaded from the checkout that
//! `PALLAS_REFERENCE` names (without one they are skipped). A law is run unpinned, so that its own jet
//! does not take its place; what it calls runs by jets, each of which has its own turn here. Jet and law get
//! equal arguments, made anew for each, and must end alike: in the same crash, or in values of which
//! every part comes to the same ([`compare`]). One case in ten is tried while collecting at every
//! allocation. A jet's result must also be what its declaration says.
//!
//! A law may take for ever where its jet does not: what arithmetic should give then is calculated
//! ([`oracle`]), and other such cases are given up and counted.
//!
//! `PALLAS_JET_CASES` says how many cases a jet gets (100), `PALLAS_JET_SEED` where to begin (1),
//! `PALLAS_JET` which jet alone to try, `PALLAS_JET_RESULTS` a file for the lines of jets that agreed,
//! which are not tried again if it has their line. The line printed for each jet ends with how much
//! longer its law took, without the cases that were given up.
//!
//! 100,000 cases for each, an hour on two cores:
//!
//! ```sh
//! PALLAS_REFERENCE=.../pallas PALLAS_JET_CASES=100000 PALLAS_JET_RESULTS=/tmp/jets \
//!     cargo test --profile quick -p tests --test jet_agreement -- --nocapture
//! ```

mod compare;
mod generate;
mod library;
mod oracle;
mod results;
mod signatures;
mod sketch;
mod speedups;
mod trial;
mod watch;

use library::Laws;
use results::Results;
use trial::{Parties, Tally, Trial};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Numbers that follow each other, made to have little in common.
fn spread(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number ^ (number >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Jets without a law in the prototype's library.
const NOT_THEIRS: &[&str] = &["barGen", "rowToBar"];

/// Jets without a law in our library.
const NOT_OURS: &[&str] = &[
    "_Blake3",
    "_LoadGerm",
    "_LoadSeed",
    "_PinHash",
    "_PlanHash",
    "_SaveGerm",
    "_SaveSeed",
    "_Try",
    "_TryExp",
];

/// Jets whose laws do not evaluate argument by argument, so that no order that could be declared is
/// theirs: `_PlanHash` and `_SaveSeed` normalise their argument from the end, their laws from the
/// beginning; `tabUnionWith` evaluates both tables, its law looks into the first one before the second;
/// what `_TryExp` attempts is evaluated in PLAN's order, of which its law knows all but one thing.
const OTHER_ORDER: &[&str] = &["_PlanHash", "_SaveSeed", "_TryExp", "tabUnionWith"];

/// The same for laws of our library: those that compare evaluate the second of two parts first, and
/// `_Bitwise` begins with the highest bits, and `tabAlter` calls the function before it looks into the
/// table.
const OUR_OTHER_ORDER: &[&str] = &[
    "_Bitwise",
    "_Cmp",
    "_Eql",
    "_Gte",
    "_Gth",
    "_Lte",
    "_Lth",
    "_Max",
    "_Min",
    "_Neq",
    "bsearch",
    "tabAlter",
    "tabUnionWith",
];

#[test]
fn jets_agree_with_the_laws_of_our_library() {
    try_jets("ours", Laws::ours(), NOT_OURS, OUR_OTHER_ORDER);
}

#[test]
fn jets_agree_with_the_laws_of_the_prototype() {
    match tests::reference() {
        Some(reference) => {
            let laws = Laws::theirs(&reference.join("sire"));
            try_jets("theirs", laws, NOT_THEIRS, OTHER_ORDER);
        }
        None => eprintln!("skipped: PALLAS_REFERENCE is not set"),
    }
}

fn try_jets(whose: &str, mut laws: Laws, lacking: &[&str], other_order: &[&str]) {
    let only = std::env::var("PALLAS_JET").ok();
    let (cases, seed) = (setting("PALLAS_JET_CASES", 100), setting("PALLAS_JET_SEED", 1));
    let results = Results::new(format!("{whose} {cases} cases from {seed}:"));
    let mut failures = Vec::new();
    let (mut jets, mut known, mut sums) = (0, 0, Tally::default());
    for declared in jets::jets() {
        let name = declared.name;
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let Some(jet) = laws.pin(name) else {
            assert!(lacking.contains(&name), "{name}: no such law in the library");
            continue;
        };
        if results.has(name) {
            known += 1;
            continue;
        }
        let signature = signatures::of(name);
        let any_crash = other_order.contains(&name);
        let functions = laws.functions();
        let parties = Parties { declared, signature, jet, any_crash, functions };
        let seeds = (1..=cases).map(|case| spread(seed) ^ spread(case));
        let (tally, mut failed) = try_jet(&mut laws, parties, seeds);
        let line = format!("{name:22} {tally}");
        eprintln!("{line}");
        if failed.is_empty() {
            results.add(&line);
        }
        jets += 1;
        sums.add(&tally);
        failures.append(&mut failed);
    }
    eprintln!("{:22} {sums}", format!("all {jets} jets"));
    eprintln!("{whose}: {jets} jets tried, {cases} cases each, {known} known to agree from before");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Tries a jet on the arguments of these seeds, and on a tenth of them once more while collecting at
/// every allocation.
fn try_jet(
    laws: &mut Laws,
    parties: Parties,
    seeds: impl Iterator<Item = u64> + Clone,
) -> (Tally, Vec<String>) {
    let mut stressed = laws.stressed(&parties.jet);
    let moved = Parties {
        jet: stressed.law.clone(),
        functions: stressed.functions.clone(),
        ..parties.clone()
    };
    let (vm, watch) = laws.parts();
    let mut calm = Trial::new(vm, watch, parties);
    seeds.clone().for_each(|seed| calm.run(seed));
    let mut hurried = Trial::new(&mut stressed.vm, &stressed.watch, moved);
    seeds.step_by(10).for_each(|seed| hurried.run(seed));
    let (mut tally, mut failures) = (calm.tally, calm.failures);
    tally.add(&hurried.tally);
    failures.extend(hurried.failures.into_iter().map(|why| format!("while collecting: {why}")));
    (tally, failures)
}

#[test]
fn every_jet_has_a_signature() {
    for jet in jets::jets() {
        assert_eq!(signatures::of(jet.name).len(), jet.arity(), "{}", jet.name);
    }
}
