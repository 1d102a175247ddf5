//! What a user needs to trust a store: `check`, `du`, `export` and `import`, on a machine that counts
//! and was killed.

use std::io::{BufRead, BufReader};
use std::process::Output;
use tests::{Pallas, contents, stderr, stdout};

/// Runs the counter in that store until it has shown so many numbers, kills it, and gives them.
fn count(pallas: &Pallas, store: &str, numbers: usize) -> Vec<u64> {
    let mut child = pallas.command(["start", store]).spawn().expect("pallas runs");
    let out = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
    let lines = out.lines().map_while(Result::ok);
    let shown = lines.filter_map(|line| {
        line.strip_prefix("++ [{counter is at} ")?.strip_suffix("]")?.parse().ok()
    });
    let shown: Vec<u64> = shown.take(numbers).collect();
    child.kill().expect("it is there");
    child.wait().expect("it has ended");
    assert_eq!(shown.len(), numbers);
    shown
}

/// A counter that has counted to three, and was killed.
fn counted() -> Pallas {
    let pallas = Pallas::new();
    let output = pallas.run(["boot", "counter", "sire/demo_count_up.sire"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(count(&pallas, "counter", 3), [1, 2, 3]);
    pallas
}

fn run(pallas: &Pallas, args: &[&str]) -> Output {
    pallas.run(args, "")
}

#[test]
fn a_killed_machine_is_whole_and_goes_on_elsewhere() {
    let pallas = counted();
    let before = contents(&pallas.path("counter"));
    let output = run(&pallas, &["check", "counter"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("counter: whole: "), "{output:?}");

    let output = run(&pallas, &["du", "counter"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("log: files"), "{output:?}");
    let output = run(&pallas, &["du", "--json", "counter"]);
    let json = stdout(&output);
    assert!(json.starts_with("{\n  \"log\": {\"files\": 1,"), "{json}");
    assert!(json.contains("\"garbage\": {\"count\": 0, \"bytes\": 0}"), "{json}");
    assert_eq!(contents(&pallas.path("counter")), before, "looking changed something");

    let output = run(&pallas, &["export", "counter", "counter.pallas"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&pallas, &["import", "counter.pallas", "moved"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&pallas, &["check", "moved"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (here, there) = (count(&pallas, "counter", 2), count(&pallas, "moved", 2));
    // What it had shown when it was killed may have been the last thing before the log had more.
    assert!([3, 4].contains(&here[0]), "{here:?}");
    assert_eq!(here, there);

    for (args, what) in [
        (["export", "counter", "counter.pallas"], "exists already"),
        (["import", "counter.pallas", "counter"], "already holds a store"),
    ] {
        let output = run(&pallas, &args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr(&output).contains(what), "{output:?}");
    }
}

#[test]
fn a_flipped_bit_in_any_file_is_found_and_named() {
    let pallas = counted();
    for (path, bytes) in contents(&pallas.path("counter")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // The index is derived, and nothing in it is believed.
        if path.parent().is_some_and(|dir| dir.ends_with("index")) {
            continue;
        }
        // In the header, and in the first pin, group of pins, or event.
        let inside = if name.ends_with(".body") { 64 + 20 } else { 128 + 64 + 70 };
        for at in [9, bytes.len().min(inside) - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, &damaged).expect("the file can be written");
            let before = contents(&pallas.path("counter"));
            let output = run(&pallas, &["check", "counter"]);
            let told = stdout(&output) + &stderr(&output);
            assert!(told.contains(&name), "{name}, {at}: {told}");
            // A version that is not known is no damage.
            let code = if name == "FORMAT" && at == 9 { 2 } else { 1 };
            assert_eq!(output.status.code(), Some(code), "{name}, {at}: {told}");
            assert_eq!(contents(&pallas.path("counter")), before);
        }
        std::fs::write(&path, &bytes).expect("the file can be written");
    }
    assert_eq!(run(&pallas, &["check", "counter"]).status.code(), Some(0));
}

#[test]
fn what_cannot_be_looked_at_is_no_damage() {
    let pallas = counted();
    let output = run(&pallas, &["check", "nowhere"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("nowhere"), "{output:?}");

    let mut child = pallas.command(["start", "counter"]).spawn().expect("pallas runs");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it prints");
    for (args, code) in [
        (&["check", "counter"][..], 2),
        (&["du", "counter"][..], 1),
        (&["export", "counter", "file"][..], 1),
    ] {
        let output = run(&pallas, args);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(stderr(&output).contains("in use"), "{output:?}");
    }
    child.kill().expect("it is there");
    child.wait().expect("it has ended");
    assert!(!pallas.path("file").exists());
}

#[test]
fn a_truncated_export_is_refused() {
    let pallas = counted();
    let output = run(&pallas, &["export", "counter", "whole"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let whole = std::fs::read(pallas.path("whole")).expect("a file");
    for length in [0, 100, whole.len() / 2, whole.len() - 1] {
        pallas.write("torn", &whole[..length]);
        let output = run(&pallas, &["import", "torn", "moved"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr(&output).contains("torn: not a whole export"), "{output:?}");
        assert!(!pallas.path("moved").exists() && !pallas.path(".moved.importing").exists());
    }
}
