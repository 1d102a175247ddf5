//! The command line: what it teaches, and how it refuses.

use tests::{Pallas, stderr, stdout};

#[test]
fn help_tells_what_each_command_is_for() {
    let pallas = Pallas::new();
    let help = pallas.run(["--help"], "");
    assert!(help.status.success());
    let help = stdout(&help);
    let store = ["check", "du", "export", "import"];
    for command in
        ["sire", "save", "show", "repl", "boot", "start", "jets"].into_iter().chain(store)
    {
        assert!(help.contains(command), "{help}");
        let own = pallas.run([command, "--help"], "");
        assert!(own.status.success() && stdout(&own).contains("Usage: pallas"), "{own:?}");
    }
}

#[test]
fn a_wrong_command_line_is_explained() {
    let pallas = Pallas::new();
    for args in [&["nonsense"][..], &["save", "one"], &["start"], &["boot", "-w", "0", "a", "b"]] {
        let output = pallas.run(args, "");
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(
            stderr(&output).contains("Usage") || stderr(&output).contains("error"),
            "{output:?}"
        );
    }
}

/// Each bad module: its text, and what the message must name.
const BAD_MODULES: [(&str, &[u8], &[&str]); 6] = [
    ("open", b"#### open\n\n= (f x\n", &["open.sire:3"]),
    ("unbound", b"#### unbound\n\n= x 1\n\n= main | y\n", &["unbound.sire:5", "y"]),
    ("header", b"= main 1\n", &["header.sire:1"]),
    ("other", b"#### another\n\n= main 1\n", &["other.sire:1"]),
    ("latin", b"#### latin\n\n= main {\xe9}\n", &["latin.sire", "UTF-8"]),
    ("orphan", b"#### orphan <- nobody\n\n= main 1\n", &["nobody"]),
];

#[test]
fn a_bad_module_is_refused_with_its_place() {
    for (name, text, wanted) in BAD_MODULES {
        let pallas = Pallas::new();
        pallas.write(&format!("sire/{name}.sire"), text);
        for args in [&["save", "out.seed", name][..], &["boot", "store", name]] {
            let output = pallas.run(args, "");
            assert!(matches!(output.status.code(), Some(1 | 2)), "{name}: {output:?}");
            for part in wanted {
                let told = format!("{}{}", stderr(&output), stdout(&output));
                assert!(told.contains(part), "{name} should name {part}: {told}");
            }
        }
        assert!(!pallas.path("out.seed").exists() && !pallas.path("store").exists(), "{name}");
    }
}

#[test]
fn modules_that_need_each_other_are_refused() {
    let pallas = Pallas::new();
    pallas.write("sire/ping.sire", "#### ping <- pong\n\n= main 1\n");
    pallas.write("sire/pong.sire", "#### pong <- ping\n\n= main 1\n");
    let output = pallas.run(["save", "out.seed", "ping"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("ping") && stderr(&output).contains("pong"), "{output:?}");
}

#[test]
fn a_module_without_main_has_nothing_to_save() {
    let pallas = Pallas::new();
    pallas.write("sire/empty.sire", "#### empty\n\n= x 1\n");
    let output = pallas.run(["save", "out.seed", "empty"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("main"), "{output:?}");
}

#[test]
fn what_is_no_store_is_refused() {
    let pallas = Pallas::new();
    for name in ["absent", "folder", "file"] {
        match name {
            "folder" => drop(pallas.write("folder/letter.txt", "dear reader")),
            "file" => drop(pallas.write("file", "dear reader")),
            _ => {}
        }
        let output = pallas.run(["start", name], "");
        assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
        assert!(stderr(&output).contains(name), "{output:?}");
    }
    assert!(!pallas.path("absent").exists(), "a start makes no store");
    let output = pallas.run(["boot", "folder", "sire/demo_count_up.sire"], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn the_session_goes_on_after_bad_input() {
    let pallas = Pallas::new();
    let mut input = b"(3 4)\n\n\xff\xfe\n\n(3\n\n)\n\n= x \n\n(3 (5 1))\n\n".to_vec();
    // A line of 10 MB.
    input.extend_from_slice(b"(3 {");
    input.resize(input.len() + 10_000_000, b'a');
    input.extend_from_slice(b"})\n\n(3 41)\n");
    let output = pallas.run(["sire"], input);
    assert!(output.status.success(), "{:?}", output.status);
    let told = stderr(&output);
    assert!(told.contains("REPL:3") && told.contains("UTF-8"), "{told}");
    let printed = stdout(&output);
    assert!(printed.trim_end().ends_with("42"), "the last value is printed");
}

#[test]
fn a_program_in_a_seed_can_be_talked_to() {
    let pallas = Pallas::new();
    // It answers every input with that input, and stays as it is.
    let echo = "#### echo\n\n= (loop x)\n| 0 0 3 0 loop x\n\n= main | loop\n";
    pallas.write("sire/echo.sire", echo);
    let saved = pallas.run(["save", "echo.seed", "echo"], "");
    assert!(saved.status.success(), "{}", stderr(&saved));
    let output = pallas.run(["repl", "echo.seed", "--save", "said"], "hello\n");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(pallas.path("said")).expect("it wrote"), "hello\n");
}

/// A module with a law that is called as a jet's is, but is another one.
const IMPOSTOR: &str = "#### impostor\n\n= main | 4 | 0 {_Add} 2 1\n";

#[test]
fn a_law_with_only_the_name_of_a_jet_s_is_fatal_if_that_is_asked_for() {
    let pallas = Pallas::new();
    pallas.write("sire/impostor.sire", IMPOSTOR);
    let silent = pallas.run(["save", "out.seed", "impostor"], "");
    assert!(silent.status.success() && stderr(&silent).is_empty(), "{silent:?}");
    let boot = ["boot", "-M", "store", "impostor"];
    for args in [&["sire", "-M", "impostor"][..], &["repl", "-M", "out.seed"], &boot] {
        let output = pallas.run(args, "");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        let told = stderr(&output);
        let hash = "gNiuiwQ4JBAVJ2xfrERvm4yYfc5jqiKcWa6F83Lw1wj";
        assert!(told.contains("_Add") && told.contains(hash), "{args:?}: {told}");
    }
    assert!(!pallas.path("store").exists());
}

#[test]
fn modules_whose_laws_were_compared_are_kept_too() {
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
    assert_eq!(rows.iter().filter(|row| row.last() == Some(&"prototype")).count(), 197);
}

#[test]
fn a_run_s_jets_are_counted() {
    let pallas = Pallas::new();
    let output = pallas.run(["jets", "--json", "nat"], "");
    assert!(output.status.success(), "{output:?}");
    let listed = stdout(&output);
    let add = listed.lines().find(|line| line.contains(r#""name": "_Add""#)).expect(&listed);
    assert!(add.contains(r#""native": true, "calls": "#), "{add}");
    assert!(!add.contains(r#""calls": 0,"#), "{add}");
}

#[test]
fn a_jet_that_falls_back_is_told_of_or_crashes() {
    let pallas = Pallas::new();
    let input = "(barLen 5)\n(add 2 3)\n";
    let warned = pallas.run(["sire", "-f", "prelude"], input);
    let warning = "pallas: jet fallback: barLen runs as a law, with 5\n";
    assert!(stderr(&warned).contains(warning), "{warned:?}");
    let crashed = pallas.run(["sire", "-F", "prelude"], input);
    let told = stdout(&crashed) + &stderr(&crashed);
    assert!(told.contains("[%deopt [barLen 5]]"), "{told}");
    let quiet = pallas.run(["sire", "prelude"], input);
    assert!(!stderr(&quiet).contains("fallback"), "{quiet:?}");
}
