//! Sources, macros and folders as bad as they come: each gets an answer that says where, and
//! nothing hangs or ends in a panic.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Output, Stdio};
use tests::{Pallas, feed, stderr, stdout};

/// Loads a module in a session without input.
fn load(pallas: &Pallas, module: &str) -> Output {
    pallas.run(["sire", module], "")
}

/// Loads a module that must be refused with this exit code, and returns what was told.
fn refused(pallas: &Pallas, module: &str, code: i32) -> String {
    let output = load(pallas, module);
    assert_eq!(output.status.code(), Some(code), "{module}: {output:?}");
    stderr(&output)
}

#[test]
fn circles_of_any_length_are_told_with_the_place_that_closes_them() {
    for length in [1, 2, 60] {
        let pallas = Pallas::new();
        for index in 0..length {
            let next = (index + 1) % length;
            pallas.write(&format!("sire/m{index}.sire"), format!("\n#### m{index} <- m{next}\n"));
        }
        let told = refused(&pallas, "m0", 1);
        let last = length - 1;
        assert!(told.contains(&format!("sire/m{last}.sire:2: the modules m0 <- ")), "{told}");
        assert!(told.trim_end().ends_with("<- m0 need each other"), "{told}");
    }
}

#[test]
fn a_missing_file_is_told_with_the_place_that_names_it() {
    let pallas = Pallas::new();
    pallas.write("sire/a.sire", "#### a <- b\n");
    pallas.write("sire/b.sire", "; about b\n#### b <- c\n");
    assert!(refused(&pallas, "a", 1).contains("sire/b.sire:2: no module c"));
}

#[test]
fn what_is_no_file_is_not_read() {
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
        let told = refused(&pallas, name, 1);
        assert!(told.contains(&format!("sire/{name}.sire")) && told.contains(problem), "{told}");
    }
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let pallas = Pallas::new();
    let path = pallas.write("sire/secret.sire", "#### secret\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("one's own file");
    if fs::read(&path).is_ok() {
        // Nothing is kept from the superuser.
        return;
    }
    let told = refused(&pallas, "secret", 1);
    assert!(told.contains("sire/secret.sire: Permission denied"), "{told}");
}

#[test]
fn bytes_that_are_no_text_are_told_with_line_and_column() {
    let pallas = Pallas::new();
    pallas.write("sire/latin.sire", b"#### latin\n\n= cafe {caf\xe9}\n");
    let told = refused(&pallas, "latin", 1);
    assert!(told.contains("sire/latin.sire:3:12: not UTF-8 text\n"), "{told}");
    assert!(told.contains("= cafe {caf") && told.contains('^'), "{told}");
}

#[test]
fn a_line_of_ten_megabytes_is_read_or_told_in_short() {
    let pallas = Pallas::new();
    let long = "a".repeat(10_000_000);
    pallas.write("sire/long.sire", format!("#### long\n\n= main {{{long}}}\n"));
    assert!(load(&pallas, "long").status.success());
    pallas.write("sire/open.sire", format!("#### open\n\n= main ({long}\n"));
    pallas.write("sire/loose.sire", format!("#### loose\n\n= main | loose {{{long}}}\n"));
    for (name, code, place) in [("open", 1, ":3:8: "), ("loose", 2, ":3: ")] {
        let told = refused(&pallas, name, code);
        assert!(told.contains(&format!("sire/{name}.sire{place}")), "{name}: {told:.200}");
        assert!(told.len() < 1000, "{name} is told in {} bytes", told.len());
    }
}

#[test]
fn nesting_of_a_hundred_thousand_levels_is_read_or_refused() {
    const DEPTH: usize = 100_000;
    let pallas = Pallas::new();
    let brackets = format!("{}1{}\n\n", "(3 ".repeat(DEPTH), ")".repeat(DEPTH));
    let heirs = format!("{}| 3 41\n\n", "@ x 1\n".repeat(DEPTH));
    let runes = format!("{}7\n\n", "| ".repeat(DEPTH));
    let open = format!("{}\n\n", "(3 ".repeat(DEPTH));
    let closed = format!("1{}\n\n", ")".repeat(DEPTH));
    let input = format!("{brackets}{heirs}{runes}{open}{closed}(3 4)\n");
    let output = pallas.run(["sire"], input);
    assert!(output.status.success(), "{:?}: {:.500}", output.status, stderr(&output));
    let printed = stdout(&output);
    for value in ["\n100001\n", "\n42\n", "\n7\n", "\n5\n"] {
        assert!(printed.contains(value), "{value} in {printed:.500}");
    }
    let told = stderr(&output);
    assert!(told.contains("is not closed") && told.contains("closes nothing"), "{told:.500}");
}

/// Macros that give back what they must not, or nothing at all.
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
fn what_a_bad_macro_does_is_an_error_with_its_place() {
    // The last one would go on for ever, and is for the next test.
    let macros = &BAD_MACROS[..BAD_MACROS.len() - 1];
    for (name, body) in macros {
        let pallas = Pallas::new();
        let macro_text = format!("= {{$}} | & (st rex err ok) {body}\n");
        let text = format!("#### {name}\n\n{macro_text}\n= before 1\n\n= main ($ 1 2)\n");
        pallas.write(&format!("sire/{name}.sire"), &text);
        let told = refused(&pallas, name, 2);
        assert!(told.contains(&format!("sire/{name}.sire:7: ")), "{name}: {told}");
        assert!(told.contains("= main ($ 1 2)"), "{name}: {told}");
        let output = pallas.run(["sire"], format!("{macro_text}\n($ 1 2)\n\n(3 41)\n"));
        assert!(output.status.success(), "{name}: {output:?}");
        assert!(stdout(&output).contains("# reason"), "{name}: {output:?}");
        assert!(stdout(&output).ends_with("\n42\n\n"), "{name}: {output:?}");
    }
}

#[test]
fn an_interrupt_stops_a_macro_and_gives_the_session_back() {
    let (_, body) = BAD_MACROS[BAD_MACROS.len() - 1];
    let pallas = Pallas::new();
    let mut child = pallas.command(["sire"]).stdin(Stdio::piped()).spawn().expect("pallas runs");
    // The assertion is printed before anything in it is run, and no interrupt after that is lost.
    let input = format!("= {{$}} | & (st rex err ok) {body}\n\n=?= 1 ($ 1)\n\n(3 41)\n");
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    stdin.write_all(input.as_bytes()).expect("it listens");
    drop(stdin);
    let mut printed = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
    let mut line = String::new();
    while !line.starts_with("=?=") {
        line.clear();
        assert!(printed.read_line(&mut line).expect("it prints") > 0, "it ended before");
    }
    let child_id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(child_id, rustix::process::Signal::INT).expect("it is there");
    let mut rest = String::new();
    printed.read_to_string(&mut rest).expect("it prints text");
    assert!(child.wait().expect("it ends").success());
    assert!(rest.contains("interrupted") && rest.ends_with("\n42\n\n"), "{rest}");
}

/// A good module, with something to keep in a cache.
fn with_module() -> Pallas {
    let pallas = Pallas::new();
    pallas.write("sire/good.sire", "#### good\n\n= (inc x) | 3 x\n= main | inc 4\n");
    pallas
}

#[test]
fn a_cache_without_room_is_only_a_warning() {
    let pallas = with_module();
    // As on a full disk, writing fails; nothing half-written may stay behind.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" sire good"]).arg(tests::binary());
    command.current_dir(pallas.folder.path()).env("PALLAS_DIR", pallas.path("kept"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = feed(command, "main\n");
    assert!(output.status.success(), "{output:?}");
    assert!(stdout(&output).ends_with("\n5\n\n"), "{output:?}");
    assert!(stderr(&output).starts_with("warning: the cache "), "{output:?}");
    assert_eq!(fs::read_dir(pallas.path("kept/modules")).expect("it was made").count(), 0);
}

#[test]
fn a_cache_that_is_no_folder_or_holds_rubbish_is_not_trusted() {
    let pallas = with_module();
    pallas.write("pallas-dir", "a file where a folder should be");
    let output = pallas.run(["sire", "good"], "main\n");
    assert!(output.status.success() && stdout(&output).ends_with("\n5\n\n"), "{output:?}");
    assert!(stderr(&output).contains("warning: the cache "), "{output:?}");

    fs::remove_file(pallas.path("pallas-dir")).expect("it is there");
    assert!(load(&pallas, "good").status.success());
    let kept = fs::read_dir(pallas.path("pallas-dir/modules")).expect("a cache was made");
    let kept = kept.map(|entry| entry.expect("it can be listed").path()).next();
    let kept = kept.expect("it holds a file");
    fs::remove_file(&kept).expect("it is there");
    assert!(Command::new("mkfifo").arg(&kept).status().expect("mkfifo runs").success());
    let output = pallas.run(["sire", "good"], "main\n");
    assert!(output.status.success() && stdout(&output).ends_with("\n5\n\n"), "{output:?}");
}

#[test]
fn output_that_cannot_be_written_ends_the_session() {
    let pallas = with_module();
    let mut command = pallas.command(["sire", "good"]);
    command.stdout(fs::File::create("/dev/full").expect("the device is there"));
    let output = feed(command, "main\n");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("cannot write the output"), "{output:?}");
}
