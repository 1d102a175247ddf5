//! The command line: [`CommandLine`] declares every command and option, with the help that explains
//! them.
//!
//! Tests keep a copy of each help text (`tests/snapshots/help/`), so a change here shows in review
//! as the user will see it.

mod change;
mod keep;
mod laws;
mod operation;
mod project;
mod shared;
mod store;
mod verbosity;

use change::{
    CHANGE_CHOICES as START_HELP, DIFF_HELP, FORK_HELP, LOG_HELP, REHEARSE_HELP, ROLLBACK_HELP,
    UPGRADE_HELP,
};
pub(crate) use change::{DiffArgs, ForkArgs, LogArgs, RehearseArgs, RollbackArgs, UpgradeArgs};
use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use keep::KeepRule;
use laws::{EXPLAIN_HELP, PROFILE_HELP};
pub(crate) use laws::{ExplainArgs, SampleArgs};
use machine::{JobResultForm, ReadArgumentOrder};
pub(crate) use operation::OperationOptions;
pub(crate) use project::{
    BenchArgs, CheckTypesArgs, ConfigArgs, DevArgs, DocArgs, FmtArgs, GenerateArgs, LspArgs,
    NewArgs, ReferenceFormat, TestArgs,
};
use project::{
    CHECK_TYPES_HELP, CONFIG_HELP, DEV_HELP, DOC_HELP, FMT_HELP, GENERATE_HELP, LSP_HELP, TEST_HELP,
};
pub(crate) use shared::{
    BootCacheOptions, CacheOptions, CompileWhen, EvaluationOptions, ExecutionOptions, PrintSize,
    ProfileOptions, TimeLimit, TimeOptions, byte_size, memory_size,
};
use std::path::PathBuf;
use store::{CHECK_HELP, DU_HELP, EXPORT_HELP, GC_HELP, INSPECT_HELP, SET_ASIDE_HELP};
pub(crate) use store::{
    DuArgs, ExportArgs, GcArgs, ImportArgs, InspectArgs, SetAsideArgs, StoreArgs,
};
pub(crate) use verbosity::Verbosity;
use verbosity::VerbosityOptions;

const ABOUT: &str = "Runs Pallas: persistent processes and the Sire language, on one kind of value";

/// The version, the commit that it was built from, and what this build contains.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit: ",
    env!("PALLAS_COMMIT"),
    "\nfeatures: compiler, jets, interactive sessions"
);

const EXAMPLES: &str = "\
Examples:
  pallas sire                                a Sire session with nothing loaded
  pallas sire prelude                        a session with the standard library in scope
  pallas save counter.seed demo_count_up     compile a module and save its `main`
  pallas boot /tmp/counter sire/demo_count_up.sire
  pallas start /tmp/counter                  run it; press Ctrl-C, and start it again
  pallas check /tmp/counter                  verify every byte of it

A module is a name, or the path of a file, such as ./app.sire. Modules are searched in the folder of
that file, then in ./sire, then in the built-in library.";

const EXIT_CODES: &str = "\
Exit codes:
  0    success
  1    an input could not be read or used, a test failed, something got worse or is damaged
  2    the command line, a setting or a Sire command is wrong, also in a session that is not
       interactive; `check`: the store could not be checked
  3    the machine ended by itself because its cog crashed; see `start --retry`
  4    the machine stopped because an event exceeded a limit; the next start continues before it
  5    the machine ended because nothing can happen to it any more: no job is computed, and no
       driver waits for anything that may come
  101  internal error in pallas
  130  Ctrl-C a second time, before the command had stopped; SIGTERM: 143";

const ENVIRONMENT: &str = "\
Settings are taken from the command line, the environment, .pallas.toml of the project and
$XDG_CONFIG_HOME/pallas/config.toml, in this order: see `pallas config --help`.";

const SIRE_HELP: &str = "\
Environment:
  PALLAS_STATISTICS=1            print the cost of the session as the last line on standard error:
                                 times in nanoseconds (elapsed; CPU time of all threads, of the
                                 evaluating thread, of compilation), sizes in bytes; loading the
                                 modules is not included
  PALLAS_JIT_PRINT=LAW           print the compiler's intermediate code for this law (*: all laws)
  PALLAS_JIT_WITHOUT=PASS,..     leave out these passes of the compiler";

/// The whole command line.
#[derive(Parser, Debug)]
#[command(name = "pallas", version, long_version = LONG_VERSION, about = ABOUT)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}\n\n{ENVIRONMENT}"))]
#[command(arg_required_else_help = true, subcommand_required = true, max_term_width = 100)]
pub(crate) struct CommandLine {
    /// How much is shown.
    #[command(flatten)]
    pub(crate) verbosity: VerbosityOptions,
    /// The command to run.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run a Sire session (read, evaluate, print)
    #[command(after_help = SIRE_HELP)]
    Sire(SireArgs),
    /// Load a Sire module and save its `main` as a seed file
    Save(SaveArgs),
    /// Print the value in a seed file
    Show(ShowArgs),
    /// Run the program in a seed file on standard input
    Repl(ReplArgs),
    /// Create a machine from a Sire module
    Boot(BootArgs),
    /// Start a machine, or resume it where it stopped
    #[command(after_help = START_HELP)]
    Start(StartArgs),
    /// Verify every byte of a store, and report damage
    #[command(after_help = CHECK_HELP)]
    Check(StoreArgs),
    /// Show how much of a store each snapshot uses
    #[command(after_help = DU_HELP)]
    Du(DuArgs),
    /// Remove the pins of a store that no kept snapshot needs
    #[command(after_help = GC_HELP)]
    Gc(GcArgs),
    /// Write a machine to one portable file
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArgs),
    /// Create a machine from an exported file
    Import(ImportArgs),
    /// List or remove the inputs that a machine has set aside
    #[command(after_help = SET_ASIDE_HELP)]
    SetAside(SetAsideArgs),
    /// List the events of a machine: inputs, outputs, how they ended
    #[command(after_help = LOG_HELP)]
    Log(LogArgs),
    /// Show what changed between two states of a machine
    #[command(after_help = DIFF_HELP)]
    Diff(DiffArgs),
    /// Create a second machine with the state of another, without outside effects
    #[command(after_help = FORK_HELP)]
    Fork(ForkArgs),
    /// Try a new program on the state and the last inputs of a machine
    #[command(after_help = REHEARSE_HELP)]
    Rehearse(RehearseArgs),
    /// Let a new program take over the state of a machine, running or not
    #[command(after_help = UPGRADE_HELP)]
    Upgrade(UpgradeArgs),
    /// Go back to an earlier state of a machine
    #[command(after_help = ROLLBACK_HELP)]
    Rollback(RollbackArgs),
    /// Print the metrics of a running machine, in the text format of Prometheus
    Metrics(StoreArgs),
    /// Serve a page that shows a machine from inside: state, events, workers, charts
    #[command(after_help = INSPECT_HELP)]
    Inspect(InspectArgs),
    /// List the laws that have native implementations (jets), and count their calls in a run
    Jets(JetsArgs),
    /// Create a project: a module, its test, a README
    New(NewArgs),
    /// Run the assertions of modules
    #[command(after_help = TEST_HELP)]
    Test(TestArgs),
    /// Check the types of modules, and count the names that have one
    #[command(after_help = CHECK_TYPES_HELP)]
    CheckTypes(CheckTypesArgs),
    /// Watch a module, test each change, and upgrade a machine to it
    #[command(after_help = DEV_HELP)]
    Dev(DevArgs),
    /// Format the sources of modules
    #[command(after_help = FMT_HELP)]
    Fmt(FmtArgs),
    /// Print the documentation of a name, or write the reference of modules
    #[command(after_help = DOC_HELP)]
    Doc(DocArgs),
    /// Serve an editor: the language server, on standard input and output
    #[command(after_help = LSP_HELP)]
    Lsp(LspArgs),
    /// Measure the functions of a module whose names begin with `bench`
    Bench(BenchArgs),
    /// Find the laws in which a module or a running machine spends time, or allocates memory
    #[command(after_help = PROFILE_HELP)]
    Profile(SampleArgs),
    /// Show what is known of a law, and how it is compiled
    #[command(after_help = EXPLAIN_HELP)]
    Explain(ExplainArgs),
    /// Show the settings in effect, and where each comes from
    #[command(after_help = CONFIG_HELP)]
    Config(ConfigArgs),
    /// Print the completions of a shell, or write the manual pages
    #[command(after_help = GENERATE_HELP)]
    Generate(GenerateArgs),
}

/// Options of `pallas jets`.
#[derive(Args, Debug)]
pub(crate) struct JetsArgs {
    /// Print JSON: an array of objects with the keys name, hash, library, native, and with modules
    /// also calls, fell_back, mismatched
    #[arg(long)]
    pub(crate) json: bool,
    /// Modules to load without the cache, one after the other. The list then counts for each law
    /// the calls of its jet, the calls that the jet left to the law, and the laws that were pinned
    /// with this name but another hash
    #[arg(value_name = "SIRE")]
    pub(crate) modules: Vec<String>,
}

/// Options of `pallas sire`.
#[derive(Args, Debug)]
pub(crate) struct SireArgs {
    #[command(flatten)]
    pub(crate) cache: CacheOptions,
    #[command(flatten)]
    pub(crate) profile: ProfileOptions,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
    /// Modules to load first, each a name or the path of a file; the names of the last one are in
    /// scope
    #[arg(value_name = "SIRE")]
    pub(crate) modules: Vec<String>,
}

/// Options of `pallas save`.
#[derive(Args, Debug)]
pub(crate) struct SaveArgs {
    #[command(flatten)]
    pub(crate) cache: CacheOptions,
    #[command(flatten)]
    pub(crate) profile: ProfileOptions,
    #[command(flatten)]
    pub(crate) execution: ExecutionOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
    /// The seed file to write
    #[arg(value_name = "SEED")]
    pub(crate) seed: PathBuf,
    /// The module whose `main` is saved: a name, or the path of a file
    #[arg(value_name = "SIRE")]
    pub(crate) module: String,
}

/// Options of `pallas show`.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) print: PrintSize,
    /// The seed file to print
    #[arg(value_name = "SEED")]
    pub(crate) seed: PathBuf,
}

/// Options of `pallas repl`.
#[derive(Args, Debug)]
pub(crate) struct ReplArgs {
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
    /// The seed file of the program: a function from a bar of input to a row of a bar of output and
    /// the next function
    #[arg(value_name = "SEED")]
    pub(crate) seed: PathBuf,
    /// The file that the program's output is written to [default: the terminal; nowhere if standard
    /// output is none]
    #[arg(long = "save", value_name = "OUTPUT_FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Options of a running machine.
#[derive(Args, Debug)]
pub(crate) struct MachineOptions {
    #[command(flatten)]
    pub(crate) profile: ProfileOptions,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    #[command(flatten)]
    pub(crate) time: TimeOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
    #[command(flatten)]
    pub(crate) operation: OperationOptions,
    /// Write no snapshots: the next start replays all events
    #[arg(short = 'S', long)]
    pub(crate) disable_snapshots: bool,
    /// Number of jobs that may run at the same time, at most 1024
    #[arg(short = 'w', long, value_name = "NUM_WORKERS", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) eval_workers: u16,
    /// Number of threads that run drivers, at most 1024. A call that takes longer than 20 ms does not
    /// occupy one of them [default: the number of processors, at least 2]
    #[arg(long, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) driver_threads: Option<u16>,
    /// Stop when the parent process ends, and not on Ctrl-C. For `pallas dev`
    #[arg(long, hide = true)]
    pub(crate) supervised: bool,
}

/// The form of job results.
#[derive(ValueEnum, Clone, Copy, Debug, Default)]
pub(crate) enum JobResultOption {
    #[default]
    Auto,
    Plain,
    Tagged,
}

impl JobResultOption {
    /// The form; None if it depends on the program.
    pub(crate) fn form(self) -> Option<JobResultForm> {
        match self {
            JobResultOption::Auto => None,
            JobResultOption::Plain => Some(JobResultForm::Plain),
            JobResultOption::Tagged => Some(JobResultForm::Tagged),
        }
    }
}

/// The arguments of reads.
#[derive(ValueEnum, Clone, Copy, Debug, Default)]
pub(crate) enum ReadArgumentOption {
    #[default]
    Auto,
    StateKey,
    SlotState,
}

impl ReadArgumentOption {
    /// The order; None if it depends on the program.
    pub(crate) fn order(self) -> Option<ReadArgumentOrder> {
        match self {
            ReadArgumentOption::Auto => None,
            ReadArgumentOption::StateKey => Some(ReadArgumentOrder::StateKey),
            ReadArgumentOption::SlotState => Some(ReadArgumentOrder::SlotState),
        }
    }
}

/// Options of `pallas boot`.
#[derive(Args, Debug)]
pub(crate) struct BootArgs {
    #[command(flatten)]
    pub(crate) machine: MachineOptions,
    #[command(flatten)]
    pub(crate) cache: BootCacheOptions,
    /// Form of the results of jobs, which the machine keeps: plain is [value], [op arg] or []; tagged
    /// is [1 value], [0 [op arg]] or [0 0]; auto is tagged for the kernel of the prototype's branch
    /// port-fulltag, and plain for any other program
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub(crate) job_results: JobResultOption,
    /// Arguments of the cog's reads, which the machine keeps: state-key is (reads state key query),
    /// slot-state is (reads slot state query); auto is slot-state if reads is _Get of a row, as in
    /// the kernels of the prototype's branches message-passing and port-fulltag, and state-key for
    /// any other program
    #[arg(long, value_enum, value_name = "ARGUMENTS", default_value_t)]
    pub(crate) read_arguments: ReadArgumentOption,
    /// Create the machine even if `main` is no cog: a function with a state, a function for reads and
    /// a row of workers as its last arguments
    #[arg(long)]
    pub(crate) force: bool,
    /// Start the machine after creating it
    #[arg(long)]
    pub(crate) start: bool,
    /// Directory of the new machine; it must not exist, or be empty
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// The module whose `main` is the machine's first state: a name, or the path of a file
    #[arg(value_name = "SIRE")]
    pub(crate) module: String,
}

/// Options of `pallas start`.
#[derive(Args, Debug)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub(crate) machine: MachineOptions,
    /// Replay the log from the oldest kept snapshot, and verify it. Shows the progress on a terminal,
    /// and the rate at the end
    #[arg(long)]
    pub(crate) replay_all: bool,
    /// Offer the inputs that were set aside to the cog again, each as an event of its own. `pallas
    /// du` lists them. An input that exceeds a limit again stays set aside
    #[arg(long)]
    pub(crate) offer: bool,
    /// If the cog has crashed, continue from the state before the event that crashed. The inputs of
    /// this event that drivers wrote are set aside. The retry is an event of the log
    #[arg(long)]
    pub(crate) retry: bool,
    /// Start from the kept snapshot of this number (`pallas du` lists them) and replay the log since,
    /// for instance because a pin that only newer snapshots need is damaged. Nothing is deleted
    #[arg(long, value_name = "NUMBER", conflicts_with = "replay_all")]
    pub(crate) from_snapshot: Option<u64>,
    /// Replay the log up to this event, verify it, print the hash of the state after it, and exit.
    /// Nothing is changed, and the machine may be running
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["replay_all", "from_snapshot"])]
    pub(crate) until: Option<u64>,
    /// If the machine is a fork, let it have effects outside, from now on
    #[arg(long)]
    pub(crate) attach: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

#[cfg(test)]
mod tests;
