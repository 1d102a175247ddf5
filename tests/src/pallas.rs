//! Runs of the command: [`Pallas`] gives each one a directory of its own.

use crate::binary::binary;
use crate::transcript::difference;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// How the command executes laws. Suites that compare printed text run in every mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExecutionMode {
    /// All laws are interpreted.
    Interpreted,
    /// A law is compiled before its first call.
    Compiled,
    /// A law is compiled in the background after many calls. This is the default of the command.
    Tiered,
}

impl ExecutionMode {
    /// Makes a command use this mode.
    pub fn apply_to(self, command: &mut Command) {
        match self {
            ExecutionMode::Interpreted => command.env("PALLAS_JIT", "off"),
            ExecutionMode::Compiled => command.env("PALLAS_JIT", "eager"),
            ExecutionMode::Tiered => command.env_remove("PALLAS_JIT"),
        };
    }
}

/// Turns each function that takes an [`ExecutionMode`] into one test per mode.
#[macro_export]
macro_rules! in_every_mode {
    ($($(#[$attribute:meta])* $check:ident)*) => {
        $($(#[$attribute])* mod $check {
            use $crate::ExecutionMode;

            #[test]
            fn interpreted() {
                super::$check(ExecutionMode::Interpreted);
            }

            #[test]
            fn compiled() {
                super::$check(ExecutionMode::Compiled);
            }

            #[test]
            fn tiered() {
                super::$check(ExecutionMode::Tiered);
            }
        })*
    };
}

/// A temporary directory in which the command runs, with its cache in it.
pub struct Pallas {
    /// The directory. It is removed when this value is dropped.
    pub folder: tempfile::TempDir,
}

impl Default for Pallas {
    fn default() -> Pallas {
        Pallas::new()
    }
}

impl Pallas {
    /// Creates an empty directory.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn new() -> Pallas {
        Pallas { folder: tempfile::tempdir().expect("a temporary directory") }
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the directory, and creates the folders above it. Returns its path.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let folder = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be created");
        std::fs::write(&path, contents).expect("the file can be written");
        path
    }

    /// The command with these arguments, not started yet.
    pub fn command<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        self.command_of(binary(), args)
    }

    /// [`Pallas::command`] with another binary.
    pub fn command_of<I: AsRef<OsStr>>(
        &self,
        binary: &Path,
        args: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = Command::new(binary);
        command.args(args).current_dir(self.folder.path());
        command.env("PALLAS_DIR", self.path("pallas-dir"));
        // The settings of the user who runs the tests do not count.
        command.env("XDG_CONFIG_HOME", self.path("user-config"));
        command.env_remove("PALLAS_GC_STRESS").env("NO_COLOR", "1");
        // The help is wrapped at the width of the terminal, or at this number of columns.
        command.env_remove("COLUMNS");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the command to its end.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run<I: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = I>,
        input: impl AsRef<[u8]>,
    ) -> Output {
        run_with_input(self.command(args), input)
    }
}

/// Runs a command to its end, with this standard input.
///
/// # Panics
/// If it cannot be started.
pub fn run_with_input(mut command: Command, input: impl AsRef<[u8]>) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("pallas starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.as_ref().to_vec();
    // A process that exits early leaves a part of its input unread, and the write fails. That is no
    // error here: callers check the exit code.
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output().expect("pallas exits");
    writer.join().expect("the writer does not panic");
    output
}

/// Checks that a program on top of the library prints the same interpreted and compiled.
///
/// # Panics
/// If it does not, or if anything in it crashes.
pub fn assert_same_compiled(program: &str) {
    let pallas = Pallas::new();
    let run = |mode: ExecutionMode, program: &str| {
        let mut command = pallas.command(["sire", "prelude"]);
        mode.apply_to(&mut command);
        let output = run_with_input(command, program);
        assert!(output.status.success(), "{output:?}");
        stdout(&output)
    };
    // The first load of the library prints its definitions. Later loads use the cache.
    run(ExecutionMode::Interpreted, "");
    let interpreted = run(ExecutionMode::Interpreted, program);
    let reason = interpreted.lines().find(|line| line.contains("reason"));
    assert!(!interpreted.contains("%crash"), "{reason:?}");
    if let Some(difference) = difference(&interpreted, &run(ExecutionMode::Compiled, program)) {
        panic!("{difference}");
    }
}

/// The standard output of a command.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The standard error of a command.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
