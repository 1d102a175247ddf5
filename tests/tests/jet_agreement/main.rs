//! Every jet agrees with its law on generated arguments.
//!
//! The laws are those of our library, and those of the prototype's library in the checkout that
//! `PALLAS_REFERENCE` names (skipped without the variable). A law is called unpinned, so that its
//! own jet does not replace it. The laws that it calls may use their jets; these are compared in
//! turn. Jet and law get equal arguments, which are generated separately for each. Their outcomes
//! must agree: the same crash, or values with equal parts ([`compare`]). One case in ten runs again
//! while garbage is collected at every allocation. The result of a jet must also have the shape
//! that the jet declares.
//!
//! A law may take very long where its jet does not. The result of arithmetic is then calculated
//! ([`oracle`]); other cases of this kind are skipped and counted.
//!
//! | variable             | meaning                                                   | default |
//! |----------------------|-----------------------------------------------------------|---------|
//! | `PALLAS_JET_CASES`   | number of cases per jet                                   | 100     |
//! | `PALLAS_JET_SEED`    | seed of the first case                                    | 1       |
//! | `PALLAS_JET`         | name of the only jet to test                              | all     |
//! | `PALLAS_JET_RESULTS` | file of results; jets with a line in it are not run again | none    |
//!
//! The line that is printed for each jet ends with the ratio of the law's time to the jet's time,
//! without the skipped cases.
//!
//! 100,000 cases per jet take an hour on two cores:
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
mod speedups;
mod summary;
mod time_limit;
mod trial;

use library::LawLibrary;
use results::ResultsFile;
use trial::{Subject, Tally, Trial};

/// The number in an environment variable.
fn number_in(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A hash function on 64 bits: maps consecutive numbers to numbers that look unrelated.
fn spread(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number ^ (number >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Jets without a law in the prototype's library.
const NOT_IN_PROTOTYPE: &[&str] = &[
    "_BarListOff",
    "barFind",
    "barGen",
    "barSpanOff",
    "barToRow",
    "dec32",
    "dec64",
    "ed25519Verify",
    "fieldLines",
    "iDiv32",
    // The prototype's laws of these names sort by insertion, and have no jets.
    "listSort",
    "listSortBy",
    "listSortOn",
    "rowToBar",
    "sha256",
    "sha512",
    "sort",
    "sortBy",
    "sortOn",
    "sortUniq",
];

/// Jets without a law in our library.
const NOT_IN_OURS: &[&str] =
    &["_LoadGerm", "_LoadSeed", "_PinHash", "_PlanHash", "_SaveGerm", "_SaveSeed", "_TryExp"];

/// Jets that may crash with another crash than their law, because the law does not evaluate its
/// arguments one by one, so that no jet can declare its order. `_PlanHash` and `_SaveSeed`
/// normalise their argument from the end, and their laws from the beginning. `tabUnionWith`
/// evaluates both tables; its law reads the first one before it evaluates the second. `_TryExp`
/// evaluates in PLAN's order; its law differs from that in one case (see [`trial`]). Conversions of
/// lists to bars evaluate an item with its cell, and their laws all cells before the last item.
const PROTOTYPE_OTHER_ORDER: &[&str] = &[
    "_PlanHash",
    "_SaveSeed",
    "_TryExp",
    "barCatList",
    "barFromList",
    "barFromListRev",
    "tabUnionWith",
];

/// The same for laws of our library. Comparisons evaluate the second of two parts first, `_Bitwise`
/// starts with the highest bits, and `tabAlter` calls the function before it reads the table.
/// Conversions of lists are as above.
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
    "barCatList",
    "barFromList",
    "barFromListRev",
    "bsearch",
    "tabAlter",
    "tabUnionWith",
];

#[test]
fn jets_agree_with_the_laws_of_our_library() {
    test_jets("ours", LawLibrary::ours(), NOT_IN_OURS, OUR_OTHER_ORDER);
}

#[test]
fn jets_agree_with_the_laws_of_the_prototype() {
    match tests::reference_checkout() {
        Some(checkout) => {
            let library = LawLibrary::prototype(&checkout.join("sire"));
            test_jets("prototype", library, NOT_IN_PROTOTYPE, PROTOTYPE_OTHER_ORDER);
        }
        None => tests::report("jet_agreement: skipped, since PALLAS_REFERENCE is not set"),
    }
}

/// Tests all jets with the laws of a library. `not_in_library` names the jets without a law there,
/// and `other_order` those that may crash with another crash.
fn test_jets(
    library_name: &str,
    mut library: LawLibrary,
    not_in_library: &[&str],
    other_order: &[&str],
) {
    let only = std::env::var("PALLAS_JET").ok();
    let (cases, seed) = (number_in("PALLAS_JET_CASES", 100), number_in("PALLAS_JET_SEED", 1));
    let results = ResultsFile::read(format!("{library_name} {cases} cases from {seed}:"));
    let mut failures = Vec::new();
    let (mut jets, mut skipped, mut sums) = (0, 0, Tally::default());
    for declared in jets::jets() {
        let name = declared.name;
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let Some(pin) = library.pin(name) else {
            assert!(not_in_library.contains(&name), "{name}: no such law in the library");
            continue;
        };
        if results.has(name) {
            skipped += 1;
            continue;
        }
        let signature = signatures::of(name);
        let any_crash = other_order.contains(&name);
        let functions = library.functions();
        let subject = Subject { declared, signature, pin, any_crash, functions };
        let seeds = (1..=cases).map(|case| spread(seed) ^ spread(case));
        let (tally, mut failed) = test_jet(&mut library, subject, seeds);
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
    eprintln!("{library_name}: {jets} jets tested, {cases} cases each, {skipped} tested before");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Tests a jet with the arguments of these seeds, and with a tenth of them again while garbage is
/// collected at every allocation.
fn test_jet(
    library: &mut LawLibrary,
    subject: Subject,
    seeds: impl Iterator<Item = u64> + Clone,
) -> (Tally, Vec<String>) {
    let mut copy = library.stressed(&subject.pin);
    let copied_subject =
        Subject { pin: copy.law.clone(), functions: copy.functions.clone(), ..subject.clone() };
    let (vm, limit) = library.runtime();
    let mut trial = Trial::new(vm, limit, subject);
    seeds.clone().for_each(|seed| trial.run(seed));
    let mut stressed = Trial::new(&mut copy.vm, &copy.limit, copied_subject);
    seeds.step_by(10).for_each(|seed| stressed.run(seed));
    let (mut tally, mut failures) = (trial.tally, trial.failures);
    tally.add(&stressed.tally);
    failures.extend(stressed.failures.into_iter().map(|why| format!("while collecting: {why}")));
    (tally, failures)
}

#[test]
fn every_jet_has_a_signature() {
    for jet in jets::jets() {
        assert_eq!(signatures::of(jet.name).len(), jet.arity(), "{}", jet.name);
    }
}
