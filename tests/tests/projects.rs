//! The commands for projects: `new`, `test`, `fmt` and `bench`, and modules that are named by their
//! paths.

use serde_json::Value;
use tests::{Pallas, run_with_input, stderr, stdout};

/// Runs a command in a folder of the directory.
fn run_in(pallas: &Pallas, folder: &str, args: &[&str]) -> std::process::Output {
    let mut command = pallas.command(args);
    command.current_dir(pallas.path(folder));
    run_with_input(command, "")
}

#[test]
fn a_new_project_passes_its_tests_and_boots() {
    let pallas = Pallas::new();
    let created = pallas.run(["new", "shop"], "");
    assert!(created.status.success(), "{created:?}");
    for file in ["shop.sire", "shop_test.sire", "README.md", ".gitignore"] {
        assert!(pallas.path("shop").join(file).exists(), "{file}");
    }
    let tested = run_in(&pallas, "shop", &["test"]);
    assert!(tested.status.success(), "{tested:?}");
    assert_eq!(stdout(&tested), "2 passed, 0 failed\n");
    let formatted = run_in(&pallas, "shop", &["fmt", "--check"]);
    assert!(formatted.status.success() && stdout(&formatted).is_empty(), "{formatted:?}");
    let booted = run_in(&pallas, "shop", &["boot", "store", "./shop.sire"]);
    assert!(booted.status.success(), "{booted:?}");
    for name in ["shop", "9lives", "a-b", "", "../x"] {
        let refused = pallas.run(["new", name], "");
        assert_eq!(refused.status.code(), Some(1), "{name}: {refused:?}");
    }
}

/// A directory with a module whose assertions pass, one with failures, and one with an error.
fn with_tests() -> Pallas {
    let pallas = Pallas::new();
    pallas.write("a.sire", "#### a\n\n= (three x) | 3 (3 (3 x))\n\n=?= 4 (three 1)\n");
    let text = "#### b <- a\n\n:| a\n\n=?= 4 (three 1)\n=?= 5 (three 1)\n\n=?= 1 nobody\n=?= 7 7\n";
    pallas.write("deep/b.sire", text);
    pallas.write("deep/a.sire", "#### a\n\n= (three x) | 3 (3 (3 x))\n");
    pallas.write("open.sire", "#### open\n\n= x (f\n");
    pallas.write(".hidden/c.sire", "#### c\n\n=?= 1 2\n");
    pallas
}

#[test]
fn all_assertions_are_executed_and_counted() {
    let pallas = with_tests();
    // Twice: the second time the states of the modules could come from the cache.
    for _ in 0..2 {
        let output = pallas.run(["test"], "");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = stdout(&output);
        assert!(text.ends_with("\n3 passed, 3 failed\n"), "{text}");
        assert!(text.contains("assertion failed: the two sides differ\n"), "{text}");
        assert!(text.contains("--> deep/b.sire:6:1\n"), "{text}");
        assert!(text.contains("unresolved name: `nobody` is not in scope\n"), "{text}");
        assert!(text.contains("--> deep/b.sire:8:7\n"), "{text}");
        assert!(text.contains("open.sire: cannot be loaded\nsyntax error: "), "{text}");
    }
    let one = pallas.run(["test", "a.sire"], "");
    assert!(one.status.success(), "{one:?}");
    assert_eq!(stdout(&one), "1 passed, 0 failed\n");
    let filtered = pallas.run(["test", "--filter", "7 7", "--jobs", "1", "deep"], "");
    assert!(filtered.status.success(), "{filtered:?}");
    assert_eq!(stdout(&filtered), "1 passed, 0 failed\n");
    let missing = pallas.run(["test", "nowhere"], "");
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
}

#[test]
fn the_report_of_tests_is_also_json() {
    let pallas = with_tests();
    let output = pallas.run(["test", "--json"], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    assert_eq!((&report["passed"], &report["failed"]), (&3.into(), &3.into()));
    let modules = report["modules"].as_array().expect("an array");
    let files: Vec<&str> = modules.iter().filter_map(|module| module["file"].as_str()).collect();
    assert_eq!(files, ["a.sire", "deep/a.sire", "deep/b.sire", "open.sire"]);
    let failed = &modules[2]["assertions"][1];
    assert_eq!((&failed["line"], &failed["passed"]), (&6.into(), &false.into()));
    assert!(failed["message"].as_str().is_some_and(|text| text.contains("5 and 4")), "{failed}");
    assert!(modules[3]["error"].as_str().is_some_and(|text| text.contains("open.sire:3:5")));
}

#[test]
fn sources_are_formatted_once() {
    let pallas = Pallas::new();
    let wild = "\n#### a  \n\n\n\n\n; a comment \n= x 1\n= y\n  } text  \n\n";
    let tidy = "#### a\n\n\n; a comment\n= x 1\n= y\n  } text  \n";
    let path = pallas.write("a.sire", wild);
    pallas.write("bad.sire", "#### bad\n\n= x (\n");
    let checked = pallas.run(["fmt", "--check", "a.sire"], "");
    assert_eq!((checked.status.code(), stdout(&checked).as_str()), (Some(1), "a.sire\n"));
    assert_eq!(std::fs::read_to_string(&path).expect("it exists"), wild);
    let formatted = pallas.run(["fmt"], "");
    assert_eq!((formatted.status.code(), stdout(&formatted).as_str()), (Some(1), "a.sire\n"));
    assert!(stderr(&formatted).contains("bad.sire:3:5"), "{formatted:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("it exists"), tidy);
    let again = pallas.run(["fmt", "a.sire"], "");
    assert!(again.status.success() && stdout(&again).is_empty(), "{again:?}");
}

#[test]
fn functions_named_bench_are_measured() {
    let pallas = Pallas::new();
    pallas.write("a.sire", "#### a\n\n= (benchThree x) | 3 (3 (3 x))\n= other 1\n");
    pallas.write("none.sire", "#### none\n\n= x 1\n");
    let output = pallas.run(["bench", "--json", "./a.sire"], "");
    assert!(output.status.success(), "{output:?}");
    let times: Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    assert_eq!(times[0]["name"], "benchThree");
    assert!(times[0]["runs"].as_u64().is_some_and(|runs| runs >= 3), "{times}");
    let none = pallas.run(["bench", "./none.sire"], "");
    assert_eq!(none.status.code(), Some(1), "{none:?}");
}

#[test]
fn the_predecessors_of_a_file_are_searched_beside_it() {
    let pallas = Pallas::new();
    pallas.write("project/base.sire", "#### base\n\n= x 41\n");
    pallas.write("project/app.sire", "#### app <- base\n\n:| base\n\n= main | 3 x\n");
    pallas.write("sire/base.sire", "#### base\n\n= x 1\n");
    for (folder, module) in
        [("", "project/app.sire"), ("", "./project/app"), ("sire", "../project/app.sire")]
    {
        pallas.write("folder/keep", "");
        let saved = run_in(
            &pallas,
            if folder.is_empty() { "." } else { folder },
            &["save", "out.seed", module],
        );
        assert!(saved.status.success(), "{module}: {saved:?}");
        assert!(stdout(&saved).contains("main=42") || stdout(&saved).is_empty(), "{saved:?}");
    }
    let missing = pallas.run(["sire", "project/nosuch.sire"], "");
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(stderr(&missing), "pallas: project/nosuch.sire: no such file\n");
}

#[test]
fn boot_refuses_a_main_that_is_no_cog() {
    let pallas = Pallas::new();
    pallas.write("sire/odd.sire", "#### odd\n\n= main 7\n");
    let refused = pallas.run(["boot", "store", "odd"], "");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(stderr(&refused).contains("`main` of odd is no cog"), "{refused:?}");
    assert!(!pallas.path("store").exists());
    let forced = pallas.run(["boot", "--force", "store", "odd"], "");
    assert!(forced.status.success(), "{forced:?}");
}

#[test]
fn a_machine_is_created_even_if_the_output_is_closed() {
    let pallas = Pallas::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = pallas.command(["boot", "store", "demo_count_up"]);
    command.stdout(writer);
    let output = run_with_input(command, "");
    assert!(output.status.success(), "{output:?}");
    assert!(pallas.path("store/FORMAT").exists());
}

#[test]
fn an_exported_machine_is_recognised() {
    let pallas = Pallas::new();
    assert!(pallas.run(["boot", "store", "demo_count_up"], "").status.success());
    assert!(pallas.run(["export", "store", "m.pallas"], "").status.success());
    let hint = "but an exported machine: `pallas import m.pallas STORE` creates a machine from it";
    for (args, start) in [
        (["start", "m.pallas"], "pallas: m.pallas is not the directory of a machine, "),
        (["show", "m.pallas"], "pallas: m.pallas is not a seed, "),
    ] {
        let output = pallas.run(args, "");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(stderr(&output), format!("{start}{hint}\n"));
    }
}
