//! Sources, macros and cache directories that are wrong in every way: each error names the place,
//! and nothing hangs or panics.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};
use tests::{Pallas, run_with_input, stderr, stdout};

/// Runs a session that loads a module and has no input.
fn load(pallas: &Pallas, module: &str) -> Output {
    pallas.run(["sire", module], "")
}

/// Loads a module that must fail with this exit code. Returns the error message.
fn load_error(pallas: &Pallas, module: &str, code: i32) -> String {
    let output = load(pallas, module);
    assert_eq!(output.status.code(), Some(code), "{module}: {output:?}");
    stderr(&output)
}

#[test]
fn a_cycle_of_modules_is_reported_where_it_closes() {
    for length in [1, 2, 60] {
        let pallas = Pallas::new();
        for index in 0..length {
            let next = (index + 1) % length;
            pallas.write(&format!("sire/m{index}.sire"), format!("\n#### m{index} <- m{next}\n"));
        }
        let message = load_error(&pallas, "m0", 1);
        let last = length - 1;
        assert!(message.contains(&format!("sire/m{last}.sire:2: the modules m0 <- ")), "{message}");
        assert!(message.trim_end().ends_with("<- m0 depend on each other"), "{message}");
    }
}

#[test]
fn a_missing_module_is_reported_where_it_is_named() {
    let pallas = Pallas::new();
    pallas.write("sire/a.sire", "#### a <- b\n");
    pallas.write("sire/b.sire", "; about b\n#### b <- c\n");
    assert!(load_error(&pallas, "a", 1).contains("sire/b.sire:2: no module c"));
}

#[test]
fn only_regular_files_are_read() {
    let pallas = Pallas::new();
    pallas.write("sire/good.sire", "#### good\n");
    fs::create_dir(pallas.path("sire/folder.sire")).expect("a folder");
    std::os::unix::fs::symlink("/dev/zero", pallas.path("sire/endless.sire")).expect("a link");
    std::os::unix::fs::symlink("nowhere", pallas.path("sire/dangling.sire")).expect("a link");
    let pipe = pallas.path("sire/pipe.sire");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    for (name, problem) in [
        ("folder", "not a regular file"),
        ("endless", "not a regular file"),
        ("pipe", "not a regular file"),
        ("dangling", "no module dangling"),
    ] {
        let message = load_error(&pallas, name, 1);
        assert!(
            message.contains(&format!("sire/{name}.sire")) && message.contains(problem),
            "{message}"
        );
    }
}

#[test]
fn a_file_without_read_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let pallas = Pallas::new();
    let path = pallas.write("sire/secret.sire", "#### secret\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000))
        .expect("this process owns the file");
    if fs::read(&path).is_ok() {
        // Permissions do not apply to the superuser.
        return;
    }
    let message = load_error(&pallas, "secret", 1);
    assert!(message.contains("sire/secret.sire: Permission denied"), "{message}");
}

#[test]
fn invalid_utf8_is_reported_with_line_and_column() {
    let pallas = Pallas::new();
    pallas.write("sire/latin.sire", b"#### latin\n\n= cafe {caf\xe9}\n");
    let message = load_error(&pallas, "latin", 1);
    assert!(message.contains("sire/latin.sire:3:12: not UTF-8 text\n"), "{message}");
    assert!(message.contains("= cafe {caf") && message.contains('^'), "{message}");
}

#[test]
fn a_line_of_ten_megabytes_is_read_or_quoted_in_part() {
    let pallas = Pallas::new();
    let long = "a".repeat(10_000_000);
    pallas.write("sire/long.sire", format!("#### long\n\n= main {{{long}}}\n"));
    assert!(load(&pallas, "long").status.success());
    pallas.write("sire/open.sire", format!("#### open\n\n= main ({long}\n"));
    pallas.write("sire/loose.sire", format!("#### loose\n\n= main | loose {{{long}}}\n"));
    for (name, code, place) in [("open", 1, ":3:8: "), ("loose", 2, ":3: ")] {
        let message = load_error(&pallas, name, code);
        assert!(message.contains(&format!("sire/{name}.sire{place}")), "{name}: {message:.200}");
        assert!(message.len() < 1000, "{name} is reported in {} bytes", message.len());
    }
}

#[test]
fn a_hundred_thousand_levels_of_nesting_are_read_or_refused() {
    const DEPTH: usize = 100_000;
    let pallas = Pallas::new();
    let brackets = format!("{}1{}\n\n", "(3 ".repeat(DEPTH), ")".repeat(DEPTH));
    let heirs = format!("{}| 3 41\n\n", "@ x 1\n".repeat(DEPTH));
    let runes = format!("{}7\n\n", "| ".repeat(DEPTH));
    let open = format!("{}\n\n", "(3 ".repeat(DEPTH));
    let closed = format!("1{}\n\n", ")".repeat(DEPTH));
    let input = format!("{brackets}{heirs}{runes}{open}{closed}(3 4)\n");
    let output = pallas.run(["sire"], input);
    assert_eq!(output.status.code(), Some(2), "{:.500}", stderr(&output));
    let printed = stdout(&output);
    for value in ["\n100001\n", "\n42\n", "\n7\n", "\n5\n"] {
        assert!(printed.contains(value), "{value} in {printed:.500}");
    }
    let message = stderr(&output);
    assert!(
        message.contains("is not closed") && message.contains("closes nothing"),
        "{message:.500}"
    );
}

/// Macros that return something wrong, or do not return, by name.
const BAD_MACROS: [(&str, &str); 10] = [
    ("crash", "| 0 {dead} rex st"),
    ("die", "| {dead} rex"),
    ("nat", "7"),
    ("pair", "| 0 0 3 0 1 2"),
    ("four", "| 0 0 5 0 1 2 3 4"),
    ("tag", "| 0 0 4 0 7 st rex"),
    ("text", "| ok st {rex}"),
    ("state", "| ok 7 rex"),
    ("half", "| ok (0 0 5 0 1 2 3 4) rex"),
    ("self", "| (? (loop x) | loop x) 1 st"),
];

#[test]
fn a_bad_macro_is_reported_where_it_is_used() {
    // The last one does not terminate; the next test interrupts it.
    let macros = &BAD_MACROS[..BAD_MACROS.len() - 1];
    for (name, body) in macros {
        let pallas = Pallas::new();
        let macro_text = format!("= {{$}} | & (st rex err ok) {body}\n");
        let text = format!("#### {name}\n\n{macro_text}\n= before 1\n\n= main ($ 1 2)\n");
        pallas.write(&format!("sire/{name}.sire"), &text);
        let message = load_error(&pallas, name, 2);
        assert!(message.contains(&format!("sire/{name}.sire:7: ")), "{name}: {message}");
        assert!(message.contains("= main ($ 1 2)"), "{name}: {message}");
        let output = pallas.run(["sire"], format!("{macro_text}\n($ 1 2)\n\n(3 41)\n"));
        assert_eq!(output.status.code(), Some(2), "{name}: {output:?}");
        assert!(stdout(&output).contains("# reason"), "{name}: {output:?}");
        assert!(stdout(&output).ends_with("\n42\n\n"), "{name}: {output:?}");
    }
}

#[test]
fn an_interrupt_stops_a_macro_and_not_the_session() {
    let (_, body) = BAD_MACROS[BAD_MACROS.len() - 1];
    let pallas = Pallas::new();
    let mut child = pallas.command(["sire"]).stdin(Stdio::piped()).spawn().expect("pallas starts");
    // The assertion is printed before it is evaluated, and an interrupt after that is not lost.
    let input = format!("= {{$}} | & (st rex err ok) {body}\n\n=?= 1 ($ 1)\n\n(3 41)\n");
    let mut stdin = child.stdin.take().expect("it is a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads its input");
    drop(stdin);
    let mut printed = BufReader::new(child.stdout.take().expect("it is a pipe"));
    let mut line = String::new();
    while !line.starts_with("=?=") {
        line.clear();
        assert!(printed.read_line(&mut line).expect("it prints") > 0, "it exited too early");
    }
    let child_id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(child_id, rustix::process::Signal::INT).expect("it exists");
    let mut rest = String::new();
    printed.read_to_string(&mut rest).expect("it prints text");
    assert_eq!(child.wait().expect("it exits").code(), Some(2));
    assert!(rest.contains("interrupted") && rest.ends_with("\n42\n\n"), "{rest}");
}

/// A directory with a correct module, which can be cached.
fn with_good_module() -> Pallas {
    let pallas = Pallas::new();
    pallas.write("sire/good.sire", "#### good\n\n= (inc x) | 3 x\n= main | inc 4\n");
    pallas
}

#[test]
fn a_cache_on_a_full_disk_is_only_a_warning() {
    let pallas = with_good_module();
    // Without permission to write any byte, writes fail as on a full disk. No partial file may
    // remain.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" sire good"]).arg(tests::binary());
    command.current_dir(pallas.folder.path()).env("PALLAS_DIR", pallas.path("kept"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = run_with_input(command, "main\n");
    assert!(output.status.success(), "{output:?}");
    assert!(stdout(&output).ends_with("\n5\n\n"), "{output:?}");
    assert!(stderr(&output).starts_with("warning: the cache "), "{output:?}");
    assert_eq!(
        fs::read_dir(pallas.path("kept/modules")).expect("the directory was created").count(),
        0
    );
}

#[test]
fn a_cache_that_is_no_folder_or_holds_other_files_is_not_used() {
    let pallas = with_good_module();
    pallas.write("pallas-dir", "a file where a folder should be");
    let output = pallas.run(["sire", "good"], "main\n");
    assert!(output.status.success() && stdout(&output).ends_with("\n5\n\n"), "{output:?}");
    assert!(stderr(&output).contains("warning: the cache "), "{output:?}");

    fs::remove_file(pallas.path("pallas-dir")).expect("it exists");
    assert!(load(&pallas, "good").status.success());
    let cached = fs::read_dir(pallas.path("pallas-dir/modules")).expect("the cache was created");
    let cached = cached.map(|entry| entry.expect("it can be listed").path()).next();
    let cached = cached.expect("it holds a file");
    fs::remove_file(&cached).expect("it exists");
    assert!(Command::new("mkfifo").arg(&cached).status().expect("mkfifo runs").success());
    let output = pallas.run(["sire", "good"], "main\n");
    assert!(output.status.success() && stdout(&output).ends_with("\n5\n\n"), "{output:?}");
}

#[test]
fn a_session_ends_when_its_output_cannot_be_written() {
    let pallas = with_good_module();
    let mut command = pallas.command(["sire", "good"]);
    command.stdout(fs::File::create("/dev/full").expect("the device exists"));
    let output = run_with_input(command, "main\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("cannot write the output"), "{output:?}");
}
