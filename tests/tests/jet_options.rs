//! The options about jets, and the list of jets.

use serde_json::Value;
use tests::{Pallas, stderr, stdout};

/// A module with a law that has the name of a jet's law, but another definition.
const IMPOSTOR: &str = "#### impostor\n\n= main | 4 | 0 {_Add} 2 1\n";

#[test]
fn a_law_with_the_name_but_not_the_hash_of_a_jets_law_is_fatal_on_request() {
    let pallas = Pallas::new();
    pallas.write("sire/impostor.sire", IMPOSTOR);
    let silent = pallas.run(["save", "out.seed", "impostor"], "");
    assert!(silent.status.success() && stderr(&silent).is_empty(), "{silent:?}");
    let boot = ["boot", "-M", "store", "impostor"];
    for args in [&["sire", "-M", "impostor"][..], &["repl", "-M", "out.seed"], &boot] {
        let output = pallas.run(args, "");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        let message = stderr(&output);
        let hash = "gNiuiwQ4JBAVJ2xfrERvm4yYfc5jqiKcWa6F83Lw1wj";
        assert!(message.contains("_Add") && message.contains(hash), "{args:?}: {message}");
    }
    assert!(!pallas.path("store").exists());
}

#[test]
fn modules_are_cached_when_mismatches_are_fatal_too() {
    let pallas = Pallas::new();
    pallas.write("sire/good.sire", "#### good\n\n= (inc x) | 3 x\n");
    for args in [&["sire", "good"][..], &["sire", "-M", "good"]] {
        let first = stdout(&pallas.run(args, ""));
        let second = stdout(&pallas.run(args, ""));
        assert!(first.contains("(inc a)=") && !second.contains("(inc a)="), "{args:?}: {second}");
    }
}

#[test]
fn the_jets_are_listed_by_name_and_hash() {
    let pallas = Pallas::new();
    let output = pallas.run(["jets"], "");
    assert!(output.status.success(), "{output:?}");
    let listed = stdout(&output);
    let rows: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let add = ["QeTTm1EFP1r7mkXJQVnBYUW2QeKUvjNfYA5PiGzFRVj", "_Add", "native", "prototype"];
    assert!(rows.iter().any(|row| *row == add), "{listed}");
    // The prototype's 197 jets, and laws of its library that it has no jet for.
    assert_eq!(rows.iter().filter(|row| row.last() == Some(&"prototype")).count(), 197 + 53);
}

#[test]
fn the_calls_of_jets_in_a_run_are_counted() {
    let pallas = Pallas::new();
    let output = pallas.run(["jets", "--json", "nat"], "");
    assert!(output.status.success(), "{output:?}");
    let listed = stdout(&output);
    let add = listed.lines().find(|line| line.contains(r#""name": "_Add""#)).expect(&listed);
    assert!(add.contains(r#""native": true, "calls": "#), "{add}");
    assert!(!add.contains(r#""calls": 0,"#), "{add}");
    let laws: Value = serde_json::from_str(&listed).expect("it is JSON");
    let add = laws.as_array().into_iter().flatten().find(|law| law["name"] == "_Add");
    let calls = add.and_then(|law| law["calls"].as_u64());
    assert!(calls.is_some_and(|calls| calls > 0), "{calls:?}");
}

#[test]
fn a_jet_that_falls_back_warns_or_crashes_on_request() {
    let pallas = Pallas::new();
    let input = "(barLen 5)\n(add 2 3)\n";
    let warned = pallas.run(["sire", "-f", "prelude"], input);
    let warning = "pallas: jet fallback: barLen runs as a law, with 5\n";
    assert!(stderr(&warned).contains(warning), "{warned:?}");
    let crashed = pallas.run(["sire", "-F", "prelude"], input);
    let message = stdout(&crashed) + &stderr(&crashed);
    assert!(message.contains("[%deopt [barLen 5]]"), "{message}");
    let quiet = pallas.run(["sire", "prelude"], input);
    assert!(!stderr(&quiet).contains("fallback"), "{quiet:?}");
}
