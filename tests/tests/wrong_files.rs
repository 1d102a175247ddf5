//! Files that are given to the wrong command: the message says what the file is, and which command
//! takes it.

use std::fs;
use tests::{Pallas, assert_snapshot, stderr};

/// The kinds of files, by the names that [`with_files`] gives them.
const FILES: [&str; 11] = [
    "app.sire",
    "app.seed",
    "app.export",
    "machine",
    "emptyformat",
    "cutformat",
    "folder",
    "empty",
    "letter",
    "cut.seed",
    "cut.export",
];

/// What a command takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Module,
    Seed,
    Export,
    Machine,
}

/// The commands, with `FILE` for the file; what they take; and the exit code for other files.
const COMMANDS: [(&str, Takes, i32); 22] = [
    ("sire FILE", Takes::Module, 1),
    ("save new FILE", Takes::Module, 1),
    ("boot new FILE", Takes::Module, 1),
    ("bench FILE", Takes::Module, 1),
    ("jets FILE", Takes::Module, 1),
    ("show FILE", Takes::Seed, 1),
    ("repl FILE", Takes::Seed, 1),
    ("import FILE new", Takes::Export, 1),
    ("start FILE", Takes::Machine, 1),
    ("check FILE", Takes::Machine, 2),
    ("du FILE", Takes::Machine, 1),
    ("gc FILE", Takes::Machine, 1),
    ("export FILE new", Takes::Machine, 1),
    ("set-aside FILE", Takes::Machine, 1),
    ("log FILE", Takes::Machine, 1),
    ("diff FILE 0 1", Takes::Machine, 1),
    ("fork FILE new", Takes::Machine, 1),
    ("rehearse FILE app.sire", Takes::Machine, 1),
    ("upgrade FILE app.sire", Takes::Machine, 1),
    ("rollback FILE", Takes::Machine, 1),
    ("metrics FILE", Takes::Machine, 1),
    ("inspect FILE", Takes::Machine, 1),
];

/// A directory with a file or directory of each kind.
fn with_files() -> Pallas {
    let pallas = Pallas::new();
    pallas.write("app.sire", "#### app\n\n= main 7\n");
    pallas.write("empty", "");
    pallas.write("letter", "dear reader");
    pallas.write("folder/letter", "dear reader");
    for args in [
        "save app.seed app.sire",
        "boot --force machine app.sire",
        "boot --force emptyformat app.sire",
        "boot --force cutformat app.sire",
        "export machine app.export",
    ] {
        let output = pallas.run(args.split(' '), "");
        assert!(output.status.success(), "{args}: {}", stderr(&output));
    }
    pallas.write("emptyformat/FORMAT", "");
    for (whole, cut, size) in [
        ("machine/FORMAT", "cutformat/FORMAT", 20),
        ("app.seed", "cut.seed", 20),
        ("app.export", "cut.export", 100),
    ] {
        let bytes = fs::read(pallas.path(whole)).expect("a file");
        pallas.write(cut, &bytes[..size]);
    }
    pallas
}

/// Whether a command may use the file. Then this test says nothing.
fn is_right(takes: Takes, file: &str) -> bool {
    match takes {
        Takes::Module => file == "app.sire",
        Takes::Seed => file == "app.seed",
        Takes::Export => file == "app.export",
        Takes::Machine => file == "machine",
    }
}

#[test]
fn a_file_of_another_kind_is_refused_with_the_command_that_takes_it() {
    let pallas = with_files();
    let before = tests::files_below(pallas.folder.path());
    let mut messages = String::new();
    for (command, takes, code) in COMMANDS {
        for file in FILES.into_iter().filter(|file| !is_right(takes, file)) {
            let args = command.replace("FILE", file);
            let output = pallas.run(args.split(' '), "");
            let message = stderr(&output);
            // A machine whose FORMAT is not whole is damaged.
            let is_damaged = command.starts_with("check ") && file.ends_with("format");
            let code = if is_damaged { 1 } else { code };
            assert_eq!(output.status.code(), Some(code), "{args}: {message}");
            assert!(message.contains(file), "{args}: {message}");
            messages += &format!("$ pallas {args}\n[exit code {code}]\n{message}\n");
        }
    }
    assert_snapshot("wrong_files.txt", &messages);
    let unchanged =
        before.iter().all(|(path, bytes)| fs::read(path).is_ok_and(|now| now == *bytes));
    assert!(unchanged && !pallas.path("new").exists(), "a command changed or made a file");
}
