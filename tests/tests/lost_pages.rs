//! Files that are cut short while a command has them mapped, and other failures of the file system:
//! each command ends with a message, or goes on, and never by a signal.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tests::{Pallas, counter_value, files_below, run_counter, stderr, stdout};

fn boot(pallas: &Pallas) {
    let output = pallas.run(["boot", "counter", "sire/demo_count_up.sire"], "");
    assert!(output.status.success(), "{}", stderr(&output));
}

/// A counter that was killed after it printed 3, and the path of its file of pins.
fn killed_counter() -> (Pallas, PathBuf) {
    let pallas = Pallas::new();
    boot(&pallas);
    run_counter(pallas.command(["start", "counter"]), 3);
    let body = only_file(&pallas.path("counter/bodies"));
    (pallas, body)
}

fn only_file(dir: &Path) -> PathBuf {
    let mut files = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("one").path());
    let file = files.next().expect("a file");
    assert!(files.next().is_none(), "only {}", file.display());
    file
}

/// Truncates a file, as another process would.
fn cut(path: &Path, length: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("a file");
    file.set_len(length).expect("shorter");
}

/// Waits for a process, and returns what it printed after what was read.
fn finish(mut child: Child) -> (Option<i32>, String) {
    let mut text = String::new();
    let mut error = child.stderr.take().expect("standard error is a pipe");
    error.read_to_string(&mut text).expect("text");
    (child.wait().expect("it ends").code(), text)
}

#[test]
fn a_machine_whose_pins_are_cut_short_while_it_runs_ends_with_file_and_offset() {
    let pallas = Pallas::new();
    boot(&pallas);
    let body = only_file(&pallas.path("counter/bodies"));
    let whole = fs::read(&body).expect("a file");
    for options in [&["--no-jit"][..], &["--jit", "tiered"], &["--jit", "eager"]] {
        for length in [0, 64, 4096, whole.len() as u64 / 8192 * 4096] {
            let args = [&["start"], options, &["counter"]].concat();
            let mut child = pallas.command(args).spawn().expect("pallas starts");
            let out = child.stdout.take().expect("standard output is a pipe");
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            let mut numbers = lines.filter_map(|line| counter_value(&line));
            let first = numbers.next().expect("a number");
            cut(&body, length);
            // The cog uses its laws again with each event. Nothing wrong is shown.
            let rest: Vec<u64> = numbers.collect();
            assert!(rest.iter().zip(first + 1..).all(|(number, right)| *number == right));
            let (code, error) = finish(child);
            let place = format!("{}, byte ", body.file_name().expect("a name").to_string_lossy());
            assert_eq!(code, Some(1), "{options:?}, {length}: {error}");
            assert!(error.contains(&place), "{options:?}, {length}: {error}");
            fs::write(&body, &whole).expect("restored");
            let output = pallas.run(["check", "counter"], "");
            assert_eq!(output.status.code(), Some(0), "{output:?}");
        }
    }
}

#[test]
fn an_index_that_is_cut_short_while_the_machine_runs_is_built_again() {
    let pallas = Pallas::new();
    boot(&pallas);
    for name in ["directory", "buckets"] {
        let index = pallas.path("counter/index").join(name);
        let mut child = pallas.command(["start", "counter"]).spawn().expect("pallas starts");
        let out = child.stdout.take().expect("standard output is a pipe");
        let mut lines = BufReader::new(out).lines();
        lines.next().expect("a line").expect("text");
        cut(&index, 0);
        // SIGINT: the machine stops, writes a snapshot and closes the store.
        let stop = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(stop.expect("kill runs").success());
        lines.for_each(drop);
        let (code, error) = finish(child);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{name}");
        assert_eq!(pallas.run(["check", "counter"], "").status.code(), Some(0));
        // Whatever is left of the index, the machine goes on.
        run_counter(pallas.command(["start", "counter"]), 2);
    }
}

#[test]
fn check_and_export_of_pins_that_are_cut_short_name_the_file() {
    let (pallas, body) = killed_counter();
    let whole = fs::read(&body).expect("a file");
    for length in [10, 64, 100, whole.len() as u64 / 2, whole.len() as u64 - 10] {
        cut(&body, length);
        let before = files_below(&pallas.path("counter"));
        for args in [&["check", "counter"][..], &["export", "counter", "file"]] {
            let output = pallas.run(args, "");
            let message = stdout(&output) + &stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{args:?}, {length}: {message}");
            assert!(message.contains(".body"), "{args:?}, {length}: {message}");
        }
        assert!(files_below(&pallas.path("counter")) == before, "nothing was changed");
        let output = pallas.run(["start", "counter"], "");
        assert_eq!(output.status.code(), Some(1), "{length}: {output:?}");
        assert!(stderr(&output).contains(".body"), "{length}: {output:?}");
        fs::write(&body, &whole).expect("restored");
    }
}

/// The files of the module cache.
fn cache_files(pallas: &Pallas) -> Vec<PathBuf> {
    let files = files_below(&pallas.path(".")).into_iter().map(|(path, _)| path);
    files.filter(|path| path.extension().is_some_and(|found| found == "sirecache")).collect()
}

#[test]
fn a_session_whose_cache_is_cut_short_ends_with_the_file_and_the_next_one_writes_it_again() {
    let pallas = Pallas::new();
    // A module of the user: the library's own states are in the program.
    let text = "#### mine <- prelude\n\n:| prelude\n\n= (mine x) | add x 1\n";
    pallas.write("sire/mine.sire", text);
    let session = |cache: &str, input: &str| pallas.run(["sire", "-d", cache, "mine"], input);
    assert!(session("cache", "").status.success());
    let files = cache_files(&pallas);
    assert!(!files.is_empty());
    for options in [&["--no-jit"][..], &["--jit", "tiered"], &["--jit", "eager"]] {
        for kept in [0, 4096, 64 << 10] {
            let args = [&["sire", "-d", "cache"], options, &["mine"]].concat();
            let mut command = pallas.command(args);
            let mut child = command.stdin(Stdio::piped()).spawn().expect("pallas starts");
            let mut input = child.stdin.take().expect("standard input is a pipe");
            let out = child.stdout.take().expect("standard output is a pipe");
            let mut lines = BufReader::new(out).lines().map_while(Result::ok);
            input.write_all(b"(add 20 22)\n\n").expect("written");
            lines.find(|line| line == "42").expect("it prints the sum");
            files.iter().for_each(|file| cut(file, kept));
            let sort = b"(listSort cmp ~[5 2 9])\n\n(gen 3 mul-9)\n\n(add 20 23)\n\n";
            // The session may have ended.
            let _ = input.write_all(sort);
            drop(input);
            let rest: Vec<String> = lines.collect();
            let (code, error) = finish(child);
            assert_eq!(code, Some(1), "{options:?}, {kept}: {error}{rest:?}");
            assert!(error.contains(".sirecache, byte "), "{options:?}, {kept}: {error}{rest:?}");
            // The next session ignores the damaged file, and writes it again.
            let output = session("cache", "(add 20 22)\n\n");
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            assert!(stderr(&output).contains("is not used"), "{output:?}");
            let output = session("cache", "(add 20 22)\n\n");
            assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
        }
    }
}

/// Runs pallas under a limit on the size of files, in blocks of 512 or 1024 bytes.
fn with_file_limit(pallas: &Pallas, blocks: u64, args: &[&str]) -> Output {
    let command = pallas.command(args);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null()).output().expect("a shell")
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_or_a_warning_and_no_signal() {
    let pallas = Pallas::new();
    // A start from the library's image writes nothing.
    let output = with_file_limit(&pallas, 64, &["sire", "-d", "cache", "prelude"]);
    assert_eq!((output.status.code(), &*stderr(&output)), (Some(0), ""));
    pallas.write("sire/mine.sire", "#### mine\n\n:| prelude\n\n= seven | add 3 4\n");
    let output = with_file_limit(&pallas, 64, &["sire", "-d", "cache", "mine"]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(error.contains("warning: the cache "), "{error}");
    assert!(error.contains("File too large"), "{error}");
    boot(&pallas);
    let output = with_file_limit(&pallas, 64, &["start", "counter"]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("cannot write: File too large (os error 27)"), "{error}");
    assert_eq!(error.matches("os error").count(), 1, "{error}");
}

#[test]
fn errors_of_the_operating_system_are_reported_once() {
    let pallas = Pallas::new();
    fs::write(pallas.path("file"), "x").expect("written");
    for args in [
        &["import", "missing", "to"][..],
        &["import", "file/below", "to"],
        &["show", "missing"],
        &["boot", "file/below", "prelude"],
        &["check", "file/below"],
        &["export", "file/below", "to"],
    ] {
        let output = pallas.run(args, "");
        let error = stderr(&output);
        assert!(!output.status.success());
        assert!(error.matches("(os error").count() <= 1, "{args:?}: {error}");
    }
    let error = stderr(&pallas.run(["import", "missing", "to"], ""));
    assert_eq!(error, "pallas: missing: cannot open: No such file or directory (os error 2)\n");
}

#[test]
fn a_machine_starts_from_an_older_snapshot_when_a_pin_of_the_newest_is_damaged() {
    let (pallas, body) = killed_counter();
    // A clean stop writes a second snapshot.
    let mut child = pallas.command(["start", "counter"]).spawn().expect("pallas starts");
    let out = child.stdout.take().expect("standard output is a pipe");
    let mut lines = BufReader::new(out).lines();
    lines.next().expect("a line").expect("text");
    let stop = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(stop.expect("kill runs").success());
    lines.for_each(drop);
    assert_eq!(finish(child).0, Some(0));
    // The last record is the root of the newest snapshot.
    let mut bytes = fs::read(&body).expect("a file");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("a record");
    bytes[last] ^= 1;
    fs::write(&body, &bytes).expect("written");
    let output = pallas.run(["start", "counter"], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("pallas start --from-snapshot"), "{output:?}");
    let output = pallas.run(["check", "counter"], "");
    assert!(stdout(&output).contains("pallas start --from-snapshot 1 counter"), "{output:?}");
    let output = pallas.run(["start", "--from-snapshot", "7", "counter"], "");
    assert!(stderr(&output).contains("there is no usable snapshot 7; the usable ones are 2, 1"));
    let numbers = run_counter(pallas.command(["start", "--from-snapshot", "1", "counter"]), 2);
    assert!(numbers[0] >= 3, "{numbers:?}");
}

#[test]
fn a_machine_on_a_read_only_file_system_is_exported() {
    let (pallas, _) = killed_counter();
    // A mount of its own, which needs privileges that not every system grants.
    let script = "mount --bind counter counter && mount -o remount,ro,bind counter || exit 77
                  touch counter/x 2>/dev/null && exit 77
                  echo mounted
                  exec \"$0\" export counter moved.pallas";
    let command = pallas.command(["export"]);
    let mut shell = Command::new("unshare");
    shell.args(["-m", "sh", "-c", script]).arg(command.get_program());
    let output = shell.current_dir(pallas.path(".")).stdin(Stdio::null()).output();
    let Some(output) = output.ok().filter(|output| stdout(output) == "mounted\n") else {
        return tests::report("skipped: no read-only file system can be mounted");
    };
    assert_eq!(code(&output), 0, "{output:?}");
    let output = pallas.run(["import", "moved.pallas", "moved"], "");
    assert_eq!(code(&output), 0, "{output:?}");
    run_counter(pallas.command(["start", "moved"]), 2);
}

/// The exit code; -1 after a signal.
fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}
