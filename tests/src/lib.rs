//! What the suites share: running the `pallas` binary as a user would, and reading golden files.
//!
//! The binary is built (once a run of a suite) by the cargo that runs the suite, in the same
//! profile, so a suite never judges an old one. `PALLAS_BINARY` names another one to be judged, for
//! instance a script that runs one for another architecture under emulation.

#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// A golden file's path.
pub fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(path)
}

/// A golden file's text.
///
/// # Panics
/// If it cannot be read.
pub fn golden_text(path: &str) -> String {
    let path = golden(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The checkout of the prototype that the long suites compare with, if there is one.
pub fn reference() -> Option<PathBuf> {
    std::env::var_os("PALLAS_REFERENCE").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The files below a folder, with what is in them, by path.
///
/// # Panics
/// If one cannot be read.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}

/// The `pallas` binary of this build.
///
/// # Panics
/// If it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(binary) = std::env::var_os("PALLAS_BINARY") {
            return binary.into();
        }
        let test = std::env::current_exe().expect("a test has a path");
        // target/PROFILE/deps/test-HASH
        let folder = test.ancestors().nth(2).expect("tests are two folders deep");
        let profile = folder.file_name().expect("a profile's folder has its name");
        let profile = if profile == "debug" { "dev".as_ref() } else { profile };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "cli", "--target-dir"]);
        cargo.arg(folder.parent().expect("a profile has a target folder"));
        cargo.arg("--profile").arg(profile);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().expect("cargo runs").success(), "pallas does not build");
        folder.join("pallas")
    })
}

/// How a command runs laws. Suites that compare what is printed do so in every way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Laws {
    /// Interpreted.
    Interpreted,
    /// Compiled before they are called.
    Compiled,
    /// Compiled in the background when they are called often, as without a setting.
    Tiered,
}

impl Laws {
    /// Has a command run them so.
    pub fn set(self, command: &mut Command) {
        match self {
            Laws::Interpreted => command.env("PALLAS_JIT", "off"),
            Laws::Compiled => command.env("PALLAS_JIT", "eager"),
            Laws::Tiered => command.env_remove("PALLAS_JIT"),
        };
    }
}

/// Makes a check that takes [`Laws`] a test for each way of running them.
#[macro_export]
macro_rules! in_every_way {
    ($($(#[$attribute:meta])* $check:ident)*) => {
        $($(#[$attribute])* mod $check {
            use $crate::Laws;

            #[test]
            fn interpreted() {
                super::$check(Laws::Interpreted);
            }

            #[test]
            fn compiled() {
                super::$check(Laws::Compiled);
            }

            #[test]
            fn tiered() {
                super::$check(Laws::Tiered);
            }
        })*
    };
}

/// A call of `pallas` in an empty folder of its own, with its modules kept there too.
pub struct Pallas {
    /// The folder, which goes with this.
    pub folder: tempfile::TempDir,
}

impl Default for Pallas {
    fn default() -> Pallas {
        Pallas::new()
    }
}

impl Pallas {
    /// A new empty folder.
    ///
    /// # Panics
    /// If there is no room for one.
    pub fn new() -> Pallas {
        Pallas { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file into the folder.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let folder = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(&path, contents).expect("the file can be written");
        path
    }

    /// The command, to be given arguments and run.
    pub fn command<I: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        self.command_of(binary(), args)
    }

    /// The same with another binary.
    pub fn command_of<I: AsRef<std::ffi::OsStr>>(
        &self,
        binary: &Path,
        args: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = Command::new(binary);
        command.args(args).current_dir(self.folder.path());
        command.env("PALLAS_DIR", self.path("pallas-dir"));
        command.env_remove("PALLAS_GC_STRESS").env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end with this input.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn run<I: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = I>,
        input: impl AsRef<[u8]>,
    ) -> Output {
        feed(self.command(args), input)
    }
}

/// Runs a command to its end with this input.
///
/// # Panics
/// If it cannot be run.
pub fn feed(mut command: Command, input: impl AsRef<[u8]>) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("pallas runs");
    let mut stdin = child.stdin.take().expect("a pipe was asked for");
    let input = input.as_ref().to_vec();
    // A program that ends early does not read everything: that is for the caller to judge.
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output().expect("pallas ends");
    writer.join().expect("the writer does not panic");
    output
}

/// Has the REPL read a program on top of the library, interpreted and compiled: both print the same.
///
/// # Panics
/// If they do not, or if anything in it fails.
pub fn compiled_alike(program: &str) {
    let pallas = Pallas::new();
    let run = |laws: Laws, program: &str| {
        let mut command = pallas.command(["sire", "prelude"]);
        laws.set(&mut command);
        let output = feed(command, program);
        assert!(output.status.success(), "{output:?}");
        stdout(&output)
    };
    // Loading the library prints what is in it, but only the first time.
    run(Laws::Interpreted, "");
    let interpreted = run(Laws::Interpreted, program);
    let failed = interpreted.lines().find(|line| line.contains("reason"));
    assert!(!interpreted.contains("%crash"), "{failed:?}");
    if let Some(difference) = difference(&interpreted, &run(Laws::Compiled, program)) {
        panic!("{difference}");
    }
}

/// The number in a line `++ [{counter is at} 7]`, which the counter prints.
pub fn counted(line: &str) -> Option<u64> {
    line.strip_prefix("++ [{counter is at} ")?.strip_suffix("]")?.parse().ok()
}

/// Runs a command that starts the counter until it has shown so many numbers, kills it, and gives
/// them.
///
/// # Panics
/// If it cannot be run, or shows fewer.
pub fn count_up(mut command: Command, numbers: usize) -> Vec<u64> {
    let mut child = command.spawn().expect("pallas runs");
    let out = BufReader::new(child.stdout.take().expect("a pipe was asked for"));
    let lines = out.lines().map_while(Result::ok);
    let shown: Vec<u64> = lines.filter_map(|line| counted(&line)).take(numbers).collect();
    child.kill().expect("it is there");
    child.wait().expect("it has ended");
    assert_eq!(shown.len(), numbers);
    shown
}

/// What a command printed.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command complained about.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The first lines that differ, to be shown by a failing test; nothing if none do.
pub fn difference(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let same = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let around = |lines: &[&str]| {
        let from = same.saturating_sub(3);
        let to = lines.len().min(same + 6);
        lines[from.min(to)..to].join("\n")
    };
    let line = same + 1;
    let (expected, found) = (around(&expected), around(&found));
    Some(format!("line {line}\n--- expected\n{expected}\n--- found\n{found}\n"))
}

/// The module that the first line of a golden input says is loaded.
///
/// # Panics
/// If it names none.
pub fn named_module(input: &str) -> &str {
    let first = input.lines().next().unwrap_or_default();
    first.split('`').nth(1).unwrap_or_else(|| panic!("no module is named in: {first}"))
}

/// A transcript with each printed error reduced to `<reason>`, and empty lines around it to one: the
/// prototype wraps errors twice and repeats the block, so only the innermost reason has to agree.
///
/// # Panics
/// If an error gives no reason.
pub fn reduced(transcript: &str) -> String {
    let mut out = String::new();
    let mut lines = transcript.lines().peekable();
    while let Some(line) = lines.next() {
        if line != "++ %crash" {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let mut error = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.is_empty()) {
            error.push(line);
        }
        while lines.next_if(|line| line.is_empty()).is_some() {}
        while out.ends_with("\n\n") {
            out.pop();
        }
        out.push_str(&format!("\n<{}>\n\n", innermost_reason(&error)));
    }
    out
}

/// The text of the last `# reason`, without the braces that a text of several words is printed in.
fn innermost_reason(error: &[&str]) -> String {
    let last = error.iter().rposition(|line| line.trim_start().starts_with("# reason"));
    let last = last.unwrap_or_else(|| panic!("an error gives a reason: {error:?}"));
    let mut reason = error[last].trim_start().trim_start_matches("# reason").trim().to_owned();
    for line in &error[last + 1..] {
        reason.push(' ');
        reason.push_str(line.trim());
    }
    reason.trim_matches(['{', '}', ' ']).to_owned()
}

/// Tells what a suite did or left out, whether or not the output of tests is shown.
pub fn tell(text: &str) {
    // There is nobody to be told if standard error is gone.
    let _ = writeln!(std::io::stderr(), "{text}");
}
