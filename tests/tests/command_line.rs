//! The command line: the help of each command, and the exit code and message for wrong input.
//!
//! Help and messages are compared with `tests/snapshots`. `SNAPSHOT_BLESS=1 cargo test -p tests
//! --test command_line` rewrites these files.

use assert_cmd::assert::OutputAssertExt;
use tests::{Pallas, assert_snapshot, stderr, stdout};

/// All commands.
const COMMANDS: [&str; 32] = [
    "sire",
    "save",
    "show",
    "repl",
    "boot",
    "start",
    "check",
    "du",
    "gc",
    "export",
    "import",
    "set-aside",
    "log",
    "diff",
    "fork",
    "rehearse",
    "upgrade",
    "rollback",
    "metrics",
    "inspect",
    "jets",
    "new",
    "test",
    "check-types",
    "dev",
    "fmt",
    "doc",
    "bench",
    "profile",
    "explain",
    "config",
    "generate",
];

#[test]
fn help_is_as_in_the_snapshots() {
    let pallas = Pallas::new();
    let help = |args: &[&str]| {
        let help = pallas.run(args, "").assert().success().stderr("");
        stdout(help.get_output())
    };
    let all = help(&["--help"]);
    assert_snapshot("help/pallas.txt", &all);
    for command in COMMANDS {
        assert!(all.contains(&format!("\n  {command} ")), "{command} is not listed:\n{all}");
        assert_snapshot(&format!("help/{command}.txt"), &help(&[command, "--help"]));
    }
}

#[test]
fn the_snapshots_cover_every_command() {
    let pallas = Pallas::new();
    let help = stdout(&pallas.run(["--help"], ""));
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = commands.take_while(|line| !line.is_empty());
    let listed: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(listed, [&COMMANDS[..], &["help"]].concat());
}

/// Wrong input for each command, in a directory that [`with_wrong_files`] fills: the arguments, and
/// the exit code. The messages are in the snapshot `errors.txt`.
const WRONG_INPUTS: &[(&str, i32)] = &[
    ("", 2),
    ("nonsense", 2),
    ("--nonsense", 2),
    ("sire nowhere", 1),
    ("sire not/a/name!", 1),
    ("sire unbound", 2),
    ("sire --jit never", 2),
    ("sire --jit eager --no-jit", 2),
    ("sire --max-heap lots", 2),
    ("sire --max-heap 3K", 2),
    ("sire --max-heap 99999999999T", 2),
    ("save", 2),
    ("save out.seed", 2),
    ("save out.seed nowhere", 1),
    ("save out.seed unbound", 2),
    ("save out.seed no_main", 1),
    ("save nowhere/out.seed good", 1),
    ("save folder good", 1),
    ("show", 2),
    ("show nowhere.seed", 1),
    ("show text", 1),
    ("show folder", 1),
    ("repl", 2),
    ("repl nowhere.seed", 1),
    ("repl text", 1),
    ("repl good.seed", 1),
    ("repl good.seed --save nowhere/output", 1),
    ("boot store", 2),
    ("boot -w 0 store good", 2),
    ("boot -w 1025 store good", 2),
    ("boot --keep-snapshots 1 store good", 2),
    ("boot store nowhere", 1),
    ("boot store no_main", 1),
    ("boot store good", 1),
    ("boot --force folder good", 1),
    ("boot --force text good", 1),
    ("start", 2),
    ("start --event-limit soon store", 2),
    ("start --job-limit 0s store", 2),
    ("start --max-stack 1K store", 2),
    ("start nowhere", 1),
    ("start folder", 1),
    ("start text", 1),
    ("check", 2),
    ("check nowhere", 2),
    ("check folder", 2),
    ("check text", 2),
    ("du nowhere", 1),
    ("du --json folder", 1),
    ("du text", 1),
    ("gc nowhere", 1),
    ("gc --dry-run folder", 1),
    ("gc text", 1),
    ("export nowhere", 2),
    ("export nowhere machine.pallas", 1),
    ("export folder machine.pallas", 1),
    ("import machine.pallas", 2),
    ("import nowhere new", 1),
    ("import text new", 1),
    ("import folder new", 1),
    ("jets nowhere", 1),
    ("doc nobody", 1),
    ("doc --check nobody", 2),
    ("doc -m nowhere", 1),
    ("doc -m unbound", 2),
    ("jets --json unbound", 2),
    ("new", 2),
    ("new not-a-name", 1),
    ("new folder", 1),
    ("test nowhere", 1),
    ("test sire/unbound.sire", 1),
    ("test --jobs 0", 2),
    ("fmt nowhere", 1),
    ("fmt --check text", 1),
    ("log", 2),
    ("log nowhere", 1),
    ("log folder", 1),
    ("log text", 1),
    ("log --event 9 store --last 3", 2),
    ("log --follow nowhere", 1),
    ("diff nowhere", 2),
    ("diff nowhere 0 1", 1),
    ("diff folder 0 1", 1),
    ("diff folder x 1", 2),
    ("fork nowhere", 2),
    ("fork nowhere new", 1),
    ("fork text new", 1),
    ("fork nowhere new --at x", 2),
    ("rehearse nowhere", 2),
    ("rehearse nowhere good", 1),
    ("rehearse nowhere nowhere", 1),
    ("rehearse folder good", 1),
    ("upgrade nowhere", 2),
    ("upgrade nowhere good", 1),
    ("upgrade folder good --force", 1),
    ("upgrade nowhere unbound", 2),
    ("upgrade nowhere good --force --max-lag 3", 2),
    ("rollback", 2),
    ("rollback nowhere", 1),
    ("rollback text", 1),
    ("metrics nowhere", 1),
    ("set-aside nowhere", 1),
    ("set-aside --remove x nowhere", 2),
    ("dev", 2),
    ("dev nowhere", 1),
    ("dev ./nowhere.sire", 1),
    ("dev good folder", 1),
    ("dev good --force --last 3", 2),
    ("config --nonsense", 2),
    ("config --quiet --verbose", 2),
    ("bench", 2),
    ("bench nowhere", 1),
    ("bench good", 1),
    ("bench unbound", 2),
    ("show folder/letter.txt", 1),
    ("generate", 2),
    ("generate --completions nosuch", 2),
    ("generate --manual text", 1),
];

/// A directory with a good module, a module that fails, one without `main`, a seed that is no
/// program, a folder that is no store, and a text file.
fn with_wrong_files() -> Pallas {
    let pallas = Pallas::new();
    pallas.write("sire/good.sire", "#### good\n\n= main 7\n");
    pallas.write("sire/unbound.sire", "#### unbound\n\n= main | nobody\n");
    pallas.write("sire/no_main.sire", "#### no_main\n\n= x 1\n");
    pallas.write("folder/letter.txt", "dear reader");
    pallas.write("text", "dear reader");
    pallas.run(["save", "good.seed", "good"], "").assert().success();
    pallas
}

#[test]
fn wrong_input_gives_its_exit_code_and_message() {
    let pallas = with_wrong_files();
    let before = tests::files_below(pallas.folder.path());
    let mut messages = String::new();
    for (args, code) in WRONG_INPUTS {
        let output = pallas.run(args.split_whitespace(), "");
        let message = stderr(&output);
        output.assert().append_context("arguments", *args).code(*code);
        messages += format!("$ pallas {args}").trim_end();
        messages += &format!("\n[exit code {code}]\n{message}\n");
    }
    assert_snapshot("errors.txt", &messages);
    let unchanged =
        before.iter().all(|(path, bytes)| std::fs::read(path).is_ok_and(|now| now == *bytes));
    assert!(unchanged, "a command with wrong input changed a file");
    assert!(!pallas.path("store").exists() && !pallas.path("new").exists());
}

/// Bad modules: name, text, and parts of the error message.
const BAD_MODULES: [(&str, &[u8], &[&str]); 5] = [
    ("open", b"#### open\n\n= (f x\n", &["open.sire:3"]),
    ("unbound", b"#### unbound\n\n= x 1\n\n= main | y\n", &["unbound.sire:5", "y"]),
    ("header", b"= main 1\n", &["header.sire:1"]),
    ("latin", b"#### latin\n\n= main {\xe9}\n", &["latin.sire", "UTF-8"]),
    ("orphan", b"#### orphan <- nobody\n\n= main 1\n", &["nobody"]),
];

#[test]
fn a_bad_module_is_reported_with_its_place() {
    for (name, text, wanted) in BAD_MODULES {
        let pallas = Pallas::new();
        pallas.write(&format!("sire/{name}.sire"), text);
        for args in [&["save", "out.seed", name][..], &["boot", "store", name]] {
            let output = pallas.run(args, "");
            assert!(matches!(output.status.code(), Some(1 | 2)), "{name}: {output:?}");
            for part in wanted {
                let message = format!("{}{}", stderr(&output), stdout(&output));
                assert!(message.contains(part), "{name} should name {part}: {message}");
            }
        }
        assert!(!pallas.path("out.seed").exists() && !pallas.path("store").exists(), "{name}");
    }
}

#[test]
fn a_module_whose_header_names_another_file_is_loaded_by_its_path_with_a_warning() {
    let pallas = Pallas::new();
    pallas.write("sire/other.sire", "#### another\n\n= main 1\n");
    for module in ["other", "other.sire", "sire/other.sire", "./sire/other"] {
        let output = pallas.run(["save", "out.seed", module], "");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(
            stderr(&output),
            "warning: sire/other.sire:1: the header names the module another, but the file is \
             other.sire\n"
        );
        std::fs::remove_file(pallas.path("out.seed")).expect("it was saved");
    }
    // The name in the header is not that of a file.
    let output = pallas.run(["save", "out.seed", "another"], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn modules_that_depend_on_each_other_are_refused() {
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
fn a_directory_that_is_no_store_is_refused() {
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
    assert!(!pallas.path("absent").exists(), "start creates no store");
    let output = pallas.run(["boot", "folder", "sire/demo_count_up.sire"], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn the_version_names_the_commit() {
    let pallas = Pallas::new();
    let version = stdout(&pallas.run(["--version"], ""));
    let lines: Vec<&str> = version.lines().collect();
    assert_eq!(lines[0], concat!("pallas ", env!("CARGO_PKG_VERSION")));
    let commit = lines[1].strip_prefix("commit: ").expect("a commit");
    assert!(commit == "unknown" || commit.chars().all(|c| c.is_ascii_hexdigit()), "{version}");
    assert!(lines[2].starts_with("features: "), "{version}");
    assert_eq!(stdout(&pallas.run(["-V"], "")), format!("{}\n", lines[0]));
}

#[test]
fn completions_and_manual_pages_cover_every_command() {
    let pallas = Pallas::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = pallas.run(["generate", "--completions", shell], "");
        assert!(output.status.success(), "{output:?}");
        let text = stdout(&output);
        assert!(COMMANDS.iter().all(|command| text.contains(command)), "{shell}");
    }
    pallas.run(["generate", "--manual", "man/man1"], "").assert().success();
    for command in COMMANDS {
        assert!(pallas.path(&format!("man/man1/pallas-{command}.1")).exists(), "{command}");
    }
}
