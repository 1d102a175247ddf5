//! `--profile-output`: when which thread did what, in the Chrome trace format; and the rate of a
//! replay.

use serde_json::Value;
use tests::{Pallas, stderr, stdout};

/// The names of the spans of a category in a profile, without those that repeat.
fn spans(pallas: &Pallas, file: &str, category: &str) -> Vec<String> {
    let text = std::fs::read_to_string(pallas.path(file)).expect("a profile");
    let events: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let events = events.iter().filter(|event| event["cat"] == category);
    let mut names: Vec<String> =
        events.filter_map(|event| event["name"].as_str()).map(str::to_owned).collect();
    names.dedup();
    names
}

/// A cog that counts to 3 with jobs.
const PROGRAM: &str = "\
#### counts <- prelude

:| prelude

= (cog count reads workers inputs)
@ job | [0 add [count 1]]
| [(cog (inc count) reads (if (eql count 3) 0 [job])) []]

main=(cog 0 0 [[0 add [3 4]]])
";

#[test]
fn the_profile_of_a_session_has_its_modules_collections_and_compilations() {
    let pallas = Pallas::new();
    pallas.write("sire/counts.sire", PROGRAM);
    let mut command = pallas.command(["sire", "-p", "cold.json", "counts"]);
    command.env_remove("PALLAS_JIT");
    let output = tests::run_with_input(command, "(foldl add 0 (gen 3000000 x&x))\n");
    assert!(output.status.success(), "{}", stderr(&output));
    // The modules of the library are in the program.
    assert_eq!(spans(&pallas, "cold.json", "sire"), ["counts.sire", "session"]);
    assert_eq!(spans(&pallas, "cold.json", "cache"), ["load", "store"]);
    assert!(!spans(&pallas, "cold.json", "collection").is_empty());
    assert!(!spans(&pallas, "cold.json", "compilation").is_empty());
    // Afterwards the module is in the cache.
    let output = pallas.run(["save", "-p", "warm.json", "out.seed", "counts"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    let modules = spans(&pallas, "warm.json", "sire");
    assert!(!modules.contains(&"counts.sire".into()), "{modules:?}");
}

#[test]
fn the_profile_of_a_machine_has_its_events_jobs_and_commits() {
    let pallas = Pallas::new();
    pallas.write("sire/counts.sire", PROGRAM);
    let output = pallas.run(["boot", "-p", "live.json", "--start", "store", "counts"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(spans(&pallas, "live.json", "event"), ["event"]);
    assert_eq!(spans(&pallas, "live.json", "job"), ["job"]);
    assert!(spans(&pallas, "live.json", "log").contains(&"append to durable".into()));
    assert!(spans(&pallas, "live.json", "sire").contains(&"counts.sire".into()));

    let output = pallas.run(["start", "--replay-all", "-p", "replay.json", "store"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(spans(&pallas, "replay.json", "event"), ["replay"]);
    let line = stderr(&output);
    assert!(line.starts_with("pallas: replayed 4 events in ") && line.ends_with(" events/s)\n"));
}

/// A loop of tail calls; nested calls; a crash; a chain of thunks that end in each other; traces.
const LAWS: &str = "\
#### laws <- prelude

:| prelude

= (triangle n sum) | if (eql n 0) sum (triangle (dec n) (add n sum))
= (outer n) | add 1 (triangle n 0)
= (crashes n) | if (eql 0 (triangle n 0)) 0 {out of luck}-n
= (chain n) | if (eql n 0) 7 (trk {link} (chain (dec n)))
= (phases n) | trk [{first phase} n] | add 1 | trk {second phase} (outer n)
";

#[test]
fn the_profile_of_laws_has_each_law_that_takes_time() {
    let pallas = Pallas::new();
    pallas.write("sire/laws.sire", LAWS);
    let input = "(outer 20000)\n(phases 20000)\n(try [crashes 20000])\n";
    pallas.run(["sire", "laws"], ""); // prints the definitions, and keeps them
    let plain = pallas.run(["sire", "laws"], input);
    let output = pallas.run(["sire", "-P", "-p", "laws.json", "--max-stack", "1M", "laws"], input);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), stdout(&plain));
    assert!(stdout(&output).contains("[{out of luck} "), "{}", stdout(&output));
    let laws = spans(&pallas, "laws.json", "law");
    for name in ["triangle", "outer", "crashes", "phases"] {
        assert!(laws.contains(&name.into()), "no {name} in {laws:?}");
    }
    assert_eq!(spans(&pallas, "laws.json", "trk"), ["second phase", "first phase"]);
    assert_eq!(spans(&pallas, "laws.json", "compilation"), [""; 0]);
}

#[test]
fn a_profile_of_laws_takes_no_stack_for_chains_and_loops() {
    let pallas = Pallas::new();
    pallas.write("sire/laws.sire", LAWS);
    for (file, option) in [("traces.json", None), ("laws.json", Some("-P"))] {
        let mut command = pallas.command(["sire", "-p", file, "--max-stack", "1M"]);
        command.args(option).arg("laws");
        let output = tests::run_with_input(command, "(triangle 300000 0)\n(chain 30000)\n");
        assert!(output.status.success(), "{}", stderr(&output));
        let text = stdout(&output);
        assert!(text.contains("\n45000150000\n"), "{option:?}");
        assert!(text.ends_with("\n7\n\n"), "{option:?}");
    }
}

#[test]
fn laws_without_a_profile_are_a_warning() {
    let pallas = Pallas::new();
    let output = pallas.run(["sire", "-P"], "");
    assert!(output.status.success());
    assert!(stderr(&output).contains("no effect without --profile-output"), "{}", stderr(&output));
}

#[test]
fn a_profile_that_cannot_be_written_is_an_error() {
    let pallas = Pallas::new();
    let output = pallas.run(["sire", "-p", "nowhere/out.json"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot write nowhere/out.json"), "{}", stderr(&output));
}
