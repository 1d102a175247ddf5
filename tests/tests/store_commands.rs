//! The commands that inspect, collect and move a store, on a counter that was killed: `check`,
//! `du`, `gc`, `export`, `import`.

use std::io::{BufRead, BufReader};
use std::process::Output;
use tests::{Pallas, assert_snapshot, counter_value, files_below, run_counter, stderr, stdout};

/// Starts the counter in a store, waits for `count` numbers, and kills it. Returns the numbers.
fn count(pallas: &Pallas, store: &str, count: usize) -> Vec<u64> {
    run_counter(pallas.command(["start", store]), count)
}

/// A counter that was killed after it printed 3.
fn killed_counter() -> Pallas {
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
fn a_killed_machine_is_whole_and_can_be_moved() {
    let pallas = killed_counter();
    let before = files_below(&pallas.path("counter"));
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
    assert_eq!(files_below(&pallas.path("counter")), before, "du changed a file");

    let output = run(&pallas, &["export", "counter", "counter.pallas"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&pallas, &["import", "counter.pallas", "moved"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&pallas, &["check", "moved"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (here, there) = (count(&pallas, "counter", 2), count(&pallas, "moved", 2));
    // If the next event was not durable yet, the last number is printed again.
    assert!([3, 4].contains(&here[0]), "{here:?}");
    assert_eq!(here, there);

    for (args, message) in [
        (["export", "counter", "counter.pallas"], "exists already"),
        (["import", "counter.pallas", "counter"], "already holds a store"),
    ] {
        let output = run(&pallas, &args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr(&output).contains(message), "{output:?}");
    }
}

#[test]
fn a_flipped_bit_in_any_file_is_found_and_named() {
    let pallas = killed_counter();
    for (path, bytes) in files_below(&pallas.path("counter")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        // The index is derived from the catalogue, and readers do not trust it.
        if path.parent().is_some_and(|dir| dir.ends_with("index")) {
            continue;
        }
        // One damage is in the header, one in the first pin, group of pins, or event.
        let in_first_record = if name.ends_with(".body") { 64 + 20 } else { 128 + 64 + 70 };
        for at in [9, bytes.len().min(in_first_record) - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, &damaged).expect("the file can be written");
            let before = files_below(&pallas.path("counter"));
            let output = run(&pallas, &["check", "counter"]);
            let message = stdout(&output) + &stderr(&output);
            assert!(message.contains(&name), "{name}, {at}: {message}");
            // An unknown format version is not damage.
            let code = if name == "FORMAT" && at == 9 { 2 } else { 1 };
            assert_eq!(output.status.code(), Some(code), "{name}, {at}: {message}");
            assert_eq!(files_below(&pallas.path("counter")), before);
        }
        std::fs::write(&path, &bytes).expect("the file can be written");
    }
    assert_eq!(run(&pallas, &["check", "counter"]).status.code(), Some(0));
}

#[test]
fn a_store_that_cannot_be_checked_is_not_called_damaged() {
    let pallas = killed_counter();
    let output = run(&pallas, &["check", "nowhere"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("nowhere"), "{output:?}");

    // A machine whose socket is gone.
    let mut child = pallas.command(["start", "counter"]).spawn().expect("pallas starts");
    let mut out = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it prints a line");
    std::fs::remove_file(pallas.path("counter/control.sock")).expect("the machine has made it");
    for (args, code) in [
        (&["check", "counter"][..], 2),
        (&["du", "counter"][..], 1),
        (&["gc", "counter"][..], 1),
        (&["export", "counter", "file"][..], 1),
    ] {
        let output = run(&pallas, args);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(stderr(&output).contains("in use"), "{output:?}");
    }
    child.kill().expect("the process exists");
    child.wait().expect("the process has exited");
    assert!(!pallas.path("file").exists());
}

#[test]
fn a_running_machine_is_checked_measured_and_exported() {
    let pallas = killed_counter();
    let offline = stdout(&run(&pallas, &["du", "--json", "counter"]));
    let mut child = pallas.command(["start", "counter"]).spawn().expect("pallas starts");
    let out = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let mut numbers = out.lines().map_while(Result::ok).filter_map(|line| counter_value(&line));
    let shown = numbers.next().expect("it counts");

    let output = run(&pallas, &["check", "counter"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("counter: whole: "), "{output:?}");
    let json = stdout(&run(&pallas, &["du", "--json", "counter"]));
    let keys =
        |json: &str| json.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(keys(&json)[..4], keys(&offline)[..4], "{json}");
    let output = run(&pallas, &["metrics", "counter"]);
    assert!(stdout(&output).contains("# TYPE pallas_events_total counter"), "{output:?}");
    assert_eq!(stdout(&run(&pallas, &["set-aside", "counter"])), "");
    let output = run(&pallas, &["export", "counter", "copy"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&pallas, &["gc", "counter"]);
    assert!(stderr(&output).contains("in use"), "{output:?}");
    child.kill().expect("the process exists");
    child.wait().expect("the process has exited");

    let output = run(&pallas, &["import", "copy", "moved"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&pallas, &["check", "moved"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let first = count(&pallas, "moved", 1)[0];
    assert!(first >= shown, "{first} after {shown}");
    // The socket of the killed machine is in the way of nothing.
    assert!(pallas.path("counter/control.sock").exists());
    assert_eq!(run(&pallas, &["check", "counter"]).status.code(), Some(0));
    assert!(count(&pallas, "counter", 1)[0] >= shown);
}

#[test]
fn a_machine_resumes_after_gc() {
    let pallas = killed_counter();
    let before = files_below(&pallas.path("counter"));
    let output = run(&pallas, &["gc", "--dry-run", "counter"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).starts_with("counter: would free "), "{output:?}");
    assert_eq!(files_below(&pallas.path("counter")), before, "the dry run changed a file");
    let output = run(&pallas, &["gc", "counter"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).starts_with("counter: freed "), "{output:?}");
    let output = run(&pallas, &["check", "counter"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&pallas, &["du", "--json", "counter"]);
    assert!(stdout(&output).contains("\"garbage\": {\"count\": 0, \"bytes\": 0}"), "{output:?}");
    assert!([3, 4].contains(&count(&pallas, "counter", 1)[0]));
}

#[test]
fn a_truncated_export_is_refused() {
    let pallas = killed_counter();
    let output = run(&pallas, &["export", "counter", "whole"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let whole = std::fs::read(pallas.path("whole")).expect("a file");
    for length in [0, 100, whole.len() / 2, whole.len() - 1] {
        pallas.write("torn", &whole[..length]);
        let output = run(&pallas, &["import", "torn", "moved"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let problem = match length {
            0 => "torn is not an exported machine, but an empty file",
            _ => "torn: not a whole export",
        };
        assert!(stderr(&output).contains(problem), "{output:?}");
        assert!(!pallas.path("moved").exists() && !pallas.path(".moved.importing").exists());
    }
}

/// Runs a command, and returns its command line, exit code and output as a part of a transcript.
fn transcript(pallas: &Pallas, args: &[&str]) -> String {
    let output = run(pallas, args);
    let (code, text) = (output.status.code(), stdout(&output) + &stderr(&output));
    format!("$ pallas {}\n[exit code {}]\n{text}\n", args.join(" "), code.unwrap_or(-1))
}

/// A transcript without the parts that differ in each run: the disk usage, which depends on the file
/// system, and the number of the file of bodies, which is random.
fn without_random_parts(transcript: &str, body_file: &str) -> String {
    let lines = transcript.lines().map(|line| match line.strip_prefix("on disk: ") {
        Some(rest) => format!("on disk: {}", rest.replace(|c: char| c.is_ascii_digit(), "")),
        None => line.replace(body_file, "NUMBER.body"),
    });
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

#[test]
fn the_output_of_the_store_commands_is_as_in_the_snapshot() {
    let pallas = Pallas::new();
    pallas.write(
        "sire/small.sire",
        "#### small\n\n= (f x) | 3 x\n\n= main | 0 0 3 0 (4 f) (4 | f 8)\n",
    );
    let mut printed = transcript(&pallas, &["boot", "--force", "store", "small"]);
    for args in [
        &["check", "store"][..],
        &["du", "store"],
        &["du", "--json", "store"],
        &["gc", "--dry-run", "store"],
        &["gc", "store"],
        &["export", "store", "file"],
        &["import", "file", "copy"],
        &["check", "copy"],
    ] {
        printed += &transcript(&pallas, args);
    }
    // Each file loses its second half, one at a time, except for the derived index.
    for (path, bytes) in files_below(&pallas.path("store")) {
        let name = path.strip_prefix(pallas.path("store")).expect("a file of the store");
        if name.starts_with("index") || bytes.is_empty() {
            continue;
        }
        std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("the file can be written");
        printed += &format!("# with half of {}\n", name.display());
        printed += &transcript(&pallas, &["check", "store"]);
        std::fs::write(&path, &bytes).expect("the file can be written");
    }
    let mut body_files = std::fs::read_dir(pallas.path("store/bodies")).expect("a folder");
    let body_file = body_files.next().expect("the file of bodies").expect("an entry").file_name();
    let printed = without_random_parts(&printed, &body_file.to_string_lossy());
    assert_snapshot("store_commands.txt", &printed);
}
