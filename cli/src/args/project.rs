//! The options of the commands for projects, `new`, `test`, `dev`, `fmt`, `doc` and `bench`, and of
//! `config` and `generate`.

use super::operation::OperationOptions;
use super::shared::{
    BootCacheOptions, CacheOptions, EvaluationOptions, MemoryOptions, PrintSize, TimeLimit,
    TimeOptions,
};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The help of `pallas lsp`.
pub(super) const LSP_HELP: &str = "\
An editor starts it: see the page Editors of the manual. It checks texts as they are typed,
shows the documentation, type and value of names, and completes, finds, renames and formats.
Texts are executed as by `pallas sire`, macros included, with limits of time and memory.";

/// The help of `pallas test`.
pub(super) const TEST_HELP: &str = "\
Exit codes:
  0    all assertions passed
  1    an assertion failed, or a module could not be loaded";

/// The help of `pallas check-types`.
pub(super) const CHECK_TYPES_HELP: &str = "\
A module that imports `typed` is a typed module: a type error in it is an error here, as it is when
the module is loaded. In other modules, names without a type are only counted:
  checked   the definition has the declared type
  inferred  no type is declared, and the definition has one
  trusted   the declared type is not compared with the definition
  untyped   the definition has no type

Exit codes:
  0    success
  1    a typed module has a type error, a definition does not have its declared type, or a module
       could not be loaded";

/// The help of `pallas dev`.
pub(super) const DEV_HELP: &str = "\
When a file of the module or of a module that it imports changes, the assertions of the module
are run, and those of the module MODULE_test beside it, if there is one. If they pass, the
machine in STORE is upgraded to the program while it runs, as by `pallas upgrade`; if STORE does
not exist, the machine is created first. If anything fails, the reason is shown and the old
program goes on. A machine that another process runs is upgraded there.

A program is rehearsed on the last inputs since the last upgrade, and refused if something gets
worse. If the module has `migrate`, it converts the state once: until the text of its definition
changes, further programs take over the state as it is.

Ctrl-C stops the machine and says what was saved. The same command continues where it was.

Example:
  pallas dev ./shop.sire";

/// The help of `pallas config`.
pub(super) const CONFIG_HELP: &str = "\
A setting is taken from the first of these places that has it:
  1. the command line: the option of this name, or -q and -v for verbosity
  2. the environment: the variable that is listed
  3. the project: .pallas.toml in this directory, or in the nearest one above that has it
  4. the user: $XDG_CONFIG_HOME/pallas/config.toml, or ~/.config/pallas/config.toml
The files have lines such as
  max-heap = \"4G\"
  eval-workers = 4
A key that is unknown is an error. `cache` cannot be set by a project: files in it are trusted.";

/// The help of `pallas fmt`.
pub(super) const FMT_HELP: &str = "\
Layout is part of the language, so lines are moved and not broken. A definition begins in column
0. A line that belongs to the one above is an even number of columns to the right of it, unless
it is aligned with something above. Brackets are closed up. Spaces at the ends of lines go, and
so do blank lines at both ends of a file and beyond two in a row. Comments stay. What would read
as something else stays as it is.

Exit codes:
  0    success
  1    with --check, a file is not formatted; or a file could not be read or is not well-formed";

/// The help of `pallas doc`.
pub(super) const DOC_HELP: &str = "\
A comment describes what is below it, or what is in front of it on its line. `(add x y): the sum.` in
a comment describes `add`. The assertions of a module are the examples of the names in them.

Examples:
  pallas doc map                             print what `map` does
  pallas doc json                            list the names of the module `json`
  pallas doc --out /tmp/reference            write the reference of the library as HTML
  pallas doc -m ./shop.sire --check          count what lacks a comment or an example

Exit codes:
  0    success
  1    no module exports the name, or, with --check, a name has no comment or no example";

/// The help of `pallas generate`.
pub(super) const GENERATE_HELP: &str = "\
Examples:
  pallas generate --completions bash > ~/.local/share/bash-completion/completions/pallas
  pallas generate --manual ~/.local/share/man/man1";

/// Options of `pallas generate`.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct GenerateArgs {
    /// Print the completions of this shell to standard output
    #[arg(long, value_enum, value_name = "SHELL")]
    pub(crate) completions: Option<clap_complete::Shell>,
    /// Write a manual page for each command to this directory, which is created
    #[arg(long, value_name = "DIR")]
    pub(crate) manual: Option<PathBuf>,
}

/// Options of `pallas new`.
#[derive(Args, Debug)]
pub(crate) struct NewArgs {
    /// The name of the project, of its directory and of its module: letters, digits and underscores,
    /// beginning with a letter
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Options of `pallas test`.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) cache: CacheOptions,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    /// Report only the assertions whose file or line contains this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Print JSON: an object with the keys passed, failed, modules; of a module file, error,
    /// assertions; of an assertion line, text, passed, message
    #[arg(long)]
    pub(crate) json: bool,
    /// Number of modules that are tested at the same time [default: the number of processors]
    #[arg(long, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Files of modules, or directories, whose modules are tested with those in directories below
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
}

/// Options of `pallas check-types`.
#[derive(Args, Debug)]
pub(crate) struct CheckTypesArgs {
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    /// Also report the modules that are loaded before each module
    #[arg(long)]
    pub(crate) all: bool,
    /// Print the type of each name, or why it has none
    #[arg(long)]
    pub(crate) list: bool,
    /// Modules, each a name or the path of a file
    #[arg(value_name = "SIRE", required = true)]
    pub(crate) modules: Vec<String>,
}

/// Options of `pallas dev`.
#[derive(Args, Debug)]
pub(crate) struct DevArgs {
    #[command(flatten)]
    pub(crate) cache: BootCacheOptions,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    #[command(flatten)]
    pub(crate) time: TimeOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
    #[command(flatten)]
    pub(crate) operation: OperationOptions,
    /// Number of events whose inputs a program gets in its rehearsal, the newest ones
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub(crate) last: u64,
    /// Upgrade without a rehearsal
    #[arg(long, conflicts_with = "last")]
    pub(crate) force: bool,
    /// The module to watch: a name, or the path of a file
    #[arg(value_name = "MODULE")]
    pub(crate) module: String,
    /// Directory of the development machine, which is created if it does not exist
    #[arg(value_name = "STORE", default_value = "dev-store")]
    pub(crate) store: PathBuf,
}

/// Options of `pallas config`.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    /// Print JSON: an array of objects with the keys key, value, source, variable
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `pallas fmt`.
#[derive(Args, Debug)]
pub(crate) struct FmtArgs {
    /// Change nothing, and list the files that are not formatted
    #[arg(long)]
    pub(crate) check: bool,
    /// Files of modules, or directories, whose modules are formatted with those in directories below
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
}

/// Options of `pallas lsp`.
#[derive(Args, Debug)]
pub(crate) struct LspArgs {
    #[command(flatten)]
    pub(crate) cache: CacheOptions,
    #[command(flatten)]
    pub(crate) memory: MemoryOptions,
    /// Time that the evaluation of one command of a module may take, such as 500ms or 5s
    #[arg(long, value_name = "TIME", default_value = "2s")]
    pub(crate) time_limit: TimeLimit,
    /// Time to wait for further edits before a text is executed
    #[arg(long, value_name = "TIME", default_value = "150ms")]
    pub(crate) delay: TimeLimit,
    /// Serve standard input and output, which is also the default; editors pass it
    #[arg(long)]
    pub(crate) stdio: bool,
}

/// Options of `pallas doc`.
#[derive(Args, Debug)]
pub(crate) struct DocArgs {
    #[command(flatten)]
    pub(crate) cache: CacheOptions,
    /// Document this module, by its name or path, instead of the library; repeatable
    #[arg(short = 'm', long = "module", value_name = "SIRE")]
    pub(crate) modules: Vec<String>,
    /// The format of the reference
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) format: ReferenceFormat,
    /// The directory that the reference is written to; it is created
    #[arg(long, value_name = "DIR", default_value = "doc")]
    pub(crate) out: PathBuf,
    /// Print how many names have a comment, a type, an example, a jet, and the names that lack a
    /// comment, a type or an example. Types are only asked of modules in which a name has one
    #[arg(long, conflicts_with = "name")]
    pub(crate) check: bool,
    /// With --check, print JSON: an object with the keys total, modules, without_type,
    /// without_comment, without_example; of a count module, names, comment, type, example, jet
    #[arg(long, requires = "check")]
    pub(crate) json: bool,
    /// Print the documentation of this name, or of the module with this name
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// The format of a reference.
#[derive(ValueEnum, Clone, Copy, Debug, Default)]
pub(crate) enum ReferenceFormat {
    /// Pages with a search field
    #[default]
    Html,
    /// A file for each module
    Markdown,
}

/// Options of `pallas bench`.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) cache: CacheOptions,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    /// Print JSON: an array of objects with the keys name, runs, median, fastest; times in nanoseconds
    #[arg(long)]
    pub(crate) json: bool,
    /// The module, by its name or path. Each of its functions of one argument whose name begins with
    /// `bench` is called with 0, for about a second
    #[arg(value_name = "SIRE")]
    pub(crate) module: String,
}
