//! What a file is, for a command that cannot use it: the name and the first bytes decide the
//! [`FileKind`], and [`check_files`] refuses the files of a command that are known to be of another kind
//! than it takes. The message says which command takes them.

use crate::args::Command;
use crate::terminal::{self, ExitError};
use sire::ModuleLibrary;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The first bytes of an exported machine (`persist`, `transfer`).
const EXPORT_MAGIC: &[u8] = b"PALLASEX";
/// The first bytes of the file FORMAT in the directory of a machine (`persist`, `format_file`).
const STORE_MAGIC: &[u8] = b"PALLASDB";
/// The size of the file FORMAT, in bytes.
const FORMAT_SIZE: u64 = 64;
/// The number of bytes at the start of a file that are looked at.
const START_SIZE: u64 = 4096;
/// The size of the header of a seed, which has five counts, in bytes.
const SEED_HEADER: usize = 40;

/// What is at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FileKind {
    /// Nothing, or something that cannot be read: the command reports why.
    Unreadable,
    Seed,
    Export,
    Module,
    Machine,
    /// The directory of a machine whose file FORMAT is not whole: it has this number of bytes.
    MachineWithoutFormat(u64),
    Directory,
    EmptyFile,
    /// A file of none of these kinds.
    OtherFile,
}

impl FileKind {
    /// Tells what is at a path. Reads at most the start of one file.
    pub(crate) fn of(path: &Path) -> FileKind {
        if path.is_dir() {
            return FileKind::of_directory(path);
        }
        let Some((start, size)) = start_of(path) else { return FileKind::Unreadable };
        match &start[..] {
            [] => FileKind::EmptyFile,
            bytes if bytes.starts_with(EXPORT_MAGIC) => FileKind::Export,
            bytes if is_seed(bytes, size) => FileKind::Seed,
            bytes if path.extension().is_some_and(|it| it == "sire") || is_module(bytes) => {
                FileKind::Module
            }
            _ => FileKind::OtherFile,
        }
    }

    fn of_directory(path: &Path) -> FileKind {
        let format = path.join("FORMAT");
        if !format.is_file() {
            return FileKind::Directory;
        }
        match start_of(&format) {
            Some((start, size))
                if size < FORMAT_SIZE && STORE_MAGIC.starts_with(prefix(&start)) =>
            {
                FileKind::MachineWithoutFormat(size)
            }
            _ => FileKind::Machine,
        }
    }

    /// Says what the path is, with the commands that take it. None if the command's own error says
    /// more.
    fn description(self, path: &Path) -> Option<String> {
        let path = path.display();
        Some(match self {
            FileKind::Unreadable => return None,
            FileKind::Seed => format!(
                "a seed: `pallas show {path}` prints its value, and `pallas repl {path}` runs the \
                 program in it"
            ),
            FileKind::Export => format!(
                "an exported machine: `pallas import {path} STORE` creates a machine from it"
            ),
            FileKind::Module => format!(
                "a Sire module: `pallas sire {path}` loads it, `pallas save SEED {path}` saves its \
                 `main` as a seed, and `pallas boot STORE {path}` creates a machine from it"
            ),
            FileKind::Machine => format!(
                "the directory of a machine: `pallas start {path}` starts it, and `pallas check \
                 {path}` verifies it"
            ),
            FileKind::MachineWithoutFormat(size) => format!(
                "the directory of a machine whose file FORMAT has {size} instead of {FORMAT_SIZE} \
                 bytes, so that no command can open it; restore {path}/FORMAT from a copy of this \
                 directory"
            ),
            FileKind::Directory => format!(
                "a directory without a machine: `pallas boot {path}/STORE SIRE` creates one in it"
            ),
            FileKind::EmptyFile => "an empty file".into(),
            FileKind::OtherFile => "a file of another kind".into(),
        })
    }
}

/// The start of the magic number of a store that a short file can have.
fn prefix(start: &[u8]) -> &[u8] {
    &start[..start.len().min(STORE_MAGIC.len())]
}

/// The first bytes of a regular file, and its size.
fn start_of(path: &Path) -> Option<(Vec<u8>, u64)> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut start = Vec::new();
    file.take(START_SIZE).read_to_end(&mut start).ok()?;
    Some((start, metadata.len()))
}

/// Whether a file has the header of a seed that fits its size.
fn is_seed(start: &[u8], size: u64) -> bool {
    let Some(header) = start.get(..SEED_HEADER) else { return false };
    let (counts, _) = header.as_chunks::<8>();
    let [holes, bigs, words, bytes, fragments] =
        [0, 1, 2, 3, 4].map(|at| u64::from_le_bytes(counts[at]));
    // A big nat has a count of limbs and at least two limbs.
    let least = |count: u64, size: u64| count.checked_mul(size);
    let needed = [least(bigs, 24), least(words, 8), Some(bytes), least(fragments, 0)];
    let needed = needed.into_iter().try_fold(SEED_HEADER as u64, |sum, it| sum.checked_add(it?));
    let has_value = [bigs, words, bytes].iter().any(|count| *count > 0);
    holes == 0 && has_value && size.is_multiple_of(8) && needed.is_some_and(|it| it <= size)
}

/// Whether a text begins with the header of a module, after comments and blank lines.
fn is_module(start: &[u8]) -> bool {
    let lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b";"));
    lines.next().is_some_and(|line| line.starts_with(b"####"))
}

/// What a command takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NeededKind {
    Seed,
    Export,
    Module,
    /// Files with sources of modules, of any name, or directories with such.
    Sources,
    Machine,
}

impl NeededKind {
    fn name(self) -> &'static str {
        match self {
            NeededKind::Seed => "a seed",
            NeededKind::Export => "an exported machine",
            NeededKind::Module | NeededKind::Sources => "a Sire module",
            NeededKind::Machine => "the directory of a machine",
        }
    }

    /// Says why a path with something of this kind is not what is needed; None if it may be.
    fn problem(self, kind: FileKind, path: &Path) -> Option<String> {
        let may_be = match (self, kind) {
            (NeededKind::Seed, FileKind::Seed | FileKind::OtherFile)
            | (NeededKind::Export, FileKind::Export | FileKind::OtherFile)
            | (NeededKind::Machine, FileKind::Machine) => true,
            (NeededKind::Module, FileKind::Module) => true,
            (NeededKind::Sources, kind) => matches!(
                kind,
                FileKind::Module | FileKind::Directory | FileKind::EmptyFile | FileKind::OtherFile
            ),
            _ => false,
        };
        let description = kind.description(path).filter(|_| !may_be)?;
        let path = path.display();
        Some(match (self, kind) {
            (NeededKind::Machine, FileKind::MachineWithoutFormat(_)) => {
                format!("{path} is {description}")
            }
            _ => format!("{path} is not {}, but {description}", self.name()),
        })
    }
}

/// Fails if a file of a command is known to be of another kind than the command takes.
///
/// # Errors
/// An [`ExitError`] with the exit code of the command, and a message that says which command takes
/// the file.
pub(crate) fn check_files(command: &Command) -> Result<(), ExitError> {
    let problem = needed_files(command).into_iter().find_map(|(path, needed)| {
        let kind = FileKind::of(path);
        Some((kind, needed.problem(kind, path)?))
    });
    let Some((kind, message)) = problem else { return Ok(()) };
    // A store without a whole FORMAT is damaged, which is what `check` reports by 1.
    let is_damaged = matches!(kind, FileKind::MachineWithoutFormat(_));
    let is_check = matches!(command, Command::Check(_));
    let code = if is_check && !is_damaged { terminal::USAGE } else { 1 };
    Err(ExitError { code, message: Some(message) })
}

/// The files that a command reads, and their kinds.
fn needed_files(command: &Command) -> Vec<(&Path, NeededKind)> {
    let machine = |path| vec![(path, NeededKind::Machine)];
    match command {
        Command::Show(args) => vec![(&args.seed, NeededKind::Seed)],
        Command::Repl(args) => vec![(&args.seed, NeededKind::Seed)],
        Command::Import(args) => vec![(&args.file, NeededKind::Export)],
        Command::Start(args) => machine(&args.store),
        Command::Check(args) | Command::Metrics(args) => machine(&args.store),
        Command::Du(args) => machine(&args.store),
        Command::Gc(args) => machine(&args.store),
        Command::Export(args) => machine(&args.store),
        Command::SetAside(args) => machine(&args.store),
        Command::Log(args) => machine(&args.store),
        Command::Diff(args) => machine(&args.store),
        Command::Fork(args) => machine(&args.store),
        Command::Rehearse(args) => machine(&args.store),
        Command::Upgrade(args) => machine(&args.store),
        Command::Rollback(args) => machine(&args.store),
        Command::Inspect(args) => machine(&args.store),
        Command::Fmt(args) => sources(&args.paths),
        Command::Test(args) => sources(&args.paths),
        _ => Vec::new(),
    }
    .into_iter()
    .map(|(path, needed)| (path.as_path(), needed))
    .collect()
}

fn sources(paths: &[PathBuf]) -> Vec<(&PathBuf, NeededKind)> {
    paths.iter().map(|path| (path, NeededKind::Sources)).collect()
}

/// Says what an argument that names no module is, if it is the path of something of another kind.
fn module_problem(argument: &str) -> Option<String> {
    let path = Path::new(argument);
    match FileKind::of(path) {
        FileKind::Directory => Some(format!(
            "{argument} is not a Sire module, but a directory; name a module in it by its path, \
             such as {argument}/NAME.sire"
        )),
        _ => NeededKind::Module.problem(FileKind::of(path), path),
    }
}

/// Converts the error of loading the module that an argument names, as [`terminal::sire_error`] does. Says what
/// the argument is, if it is the path of something that is no module.
pub(crate) fn module_error(argument: &str, error: sire::SireError) -> anyhow::Error {
    use sire::SireError::{ModuleName, NoFile, NoModule};
    let is_no_module = match &error {
        ModuleName(_) | NoFile(_) => true,
        NoModule { required_by, .. } => required_by.is_none(),
        _ => false,
    };
    match module_problem(argument).filter(|_| is_no_module) {
        Some(problem) => anyhow::anyhow!(problem),
        None if is_no_module => {
            let message = Some(format!("{error}{}", intended_module(argument)));
            ExitError { code: error.exit_code(), message }.into()
        }
        None => terminal::sire_error(error),
    }
}

/// Returns what a person may have meant by an argument that names no module: the file beside, or modules
/// of similar names.
fn intended_module(argument: &str) -> String {
    let path = Path::new(argument).with_extension("sire");
    let is_name = !argument.contains('/');
    if is_name && path.is_file() {
        let path = path.display();
        return format!("; a file here has that name: its path, {path} or ./{argument}, names it");
    }
    let modules = ModuleLibrary::built_in().map(str::to_owned);
    terminal::did_you_mean(sire::similar(argument, modules))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_is_told_from_its_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let kind = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("a file");
            FileKind::of(&path)
        };
        let mut seed = [0; 48];
        (seed[16], seed[40]) = (1, 200);
        assert_eq!(kind("seed", &seed), FileKind::Seed);
        assert_eq!(kind("zeros", &[0; 48]), FileKind::OtherFile);
        (seed[16], seed[40]) = (2, 200);
        assert_eq!(kind("short", &seed), FileKind::OtherFile);
        assert_eq!(kind("export", b"PALLASEX and more"), FileKind::Export);
        assert_eq!(kind("module", b"; a comment\n\n#### module\n"), FileKind::Module);
        assert_eq!(kind("letter.sire", b"dear reader"), FileKind::Module);
        assert_eq!(kind("letter", b"dear reader"), FileKind::OtherFile);
        assert_eq!(kind("empty.sire", b""), FileKind::EmptyFile);
        assert_eq!(FileKind::of(&folder.path().join("nothing")), FileKind::Unreadable);
        assert_eq!(FileKind::of(folder.path()), FileKind::Directory);
        for (format, want) in [
            (&b""[..], FileKind::MachineWithoutFormat(0)),
            (b"PALLASDB\x02", FileKind::MachineWithoutFormat(9)),
            (b"another program's", FileKind::Machine),
            (&[b"PALLASDB".as_slice(), &[0; 56]].concat(), FileKind::Machine),
        ] {
            kind("FORMAT", format);
            assert_eq!(FileKind::of(folder.path()), want);
        }
    }
}
