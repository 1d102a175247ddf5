//! The options of the commands for projects, `new`, `test`, `fmt`, `doc` and `bench`, and of `generate`.

use super::shared::{CacheOptions, ExecutionOptions, MemoryOptions};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
  1    a typed module has a type error, a definition has not its declared type, or a module could not
       be loaded";

/// The help of `pallas fmt`.
pub(super) const FMT_HELP: &str = "\
Layout is part of the language, so lines stay where they are. Spaces at the ends of lines go, and so
do blank lines at both ends of a file and beyond two in a row. Comments stay.

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
    pub(crate) execution: ExecutionOptions,
    #[command(flatten)]
    pub(crate) memory: MemoryOptions,
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
    pub(crate) execution: ExecutionOptions,
    #[command(flatten)]
    pub(crate) memory: MemoryOptions,
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
    /// Print how many names have a comment, a type, an example, a jet, and the names that have no
    /// comment or no example
    #[arg(long, conflicts_with = "name")]
    pub(crate) check: bool,
    /// With --check, print JSON: an object with the keys total, modules, without_comment,
    /// without_example; of a count module, names, comment, type, example, jet
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
    pub(crate) execution: ExecutionOptions,
    #[command(flatten)]
    pub(crate) memory: MemoryOptions,
    /// Print JSON: an array of objects with the keys name, runs, median, fastest; times in nanoseconds
    #[arg(long)]
    pub(crate) json: bool,
    /// The module, by its name or path. Each of its functions of one argument whose name begins with
    /// `bench` is called with 0, for about a second
    #[arg(value_name = "SIRE")]
    pub(crate) module: String,
}
