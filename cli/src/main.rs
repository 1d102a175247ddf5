//! The `pallas` command: [`args::CommandLine`] is parsed, and [`run`] calls the function of the
//! subcommand. This crate only wires the libraries together.
//!
//! ```text
//! args       the command line and its help
//! commands/  one file per command or pair of related commands
//! config     the settings, and where each comes from
//! console    the output of a running machine
//! file_kind  what a file is, for a command that cannot use it
//! interactive/  the Sire session on a terminal
//! json       the layout of JSON output
//! law_index  the laws that named values lead to
//! measure    the time that an entry of a session takes
//! module_loader  loading modules for a command
//! progress   progress bars of long commands
//! reference/  the documentation of modules: HTML, Markdown, text
//! source_files  the files of modules in directories
//! terminal   colours, exit codes, error messages
//! tracing_log  the log of what the libraries do
//! write_file  a file that is written whole or not at all
//! ```
//!
//! The evaluator has a stack of its own, but jets may re-enter it on the native stack. Commands
//! therefore run on a thread with a larger native stack than the main thread's.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod config;
mod console;
mod file_kind;
mod interactive;
mod json;
mod law_index;
mod measure;
mod module_loader;
mod process;
mod progress;
mod reference;
mod source_files;
mod terminal;
mod tracing_log;
mod write_file;

use args::{Command, CommandLine};
use clap::{CommandFactory, FromArgMatches};
use config::Config;
use std::process::ExitCode;
use std::thread::JoinHandle;
use terminal::ExitError;

#[cfg(not(target_vendor = "apple"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Size of the native stack of the thread that runs the command, in bytes.
const STACK_SIZE: usize = 64 << 20;

fn main() -> ExitCode {
    let command = match command_line() {
        Ok(command) => command,
        Err(error) => return terminal::fail(&error),
    };
    terminal::report_lost_pages();
    if let Err(error) = terminal::report_file_size_limit() {
        return terminal::fail(&error);
    }
    run_on_thread(move || run(command))
}

/// Parses the command line, with the settings as defaults. Exits if it is wrong, or asks for help.
fn command_line() -> anyhow::Result<Command> {
    let config = Config::load();
    let declared = CommandLine::command();
    let declared = match &config {
        Ok(config) => config.apply(declared),
        // Help can be had all the same.
        Err(_) => declared,
    };
    let parsed = CommandLine::from_arg_matches(&declared.get_matches());
    let CommandLine { verbosity, command } = parsed.unwrap_or_else(|error| error.exit());
    let config =
        config.map_err(|message| ExitError { code: terminal::USAGE, message: Some(message) })?;
    tracing_log::start(config.value("log"));
    config::set_current(config);
    terminal::set_verbosity(verbosity.chosen());
    Ok(command)
}

/// Runs a command on a thread with a large stack, and returns its exit code.
fn run_on_thread(run: impl FnOnce() -> ExitCode + Send + 'static) -> ExitCode {
    match std::thread::Builder::new().stack_size(STACK_SIZE).spawn(run).map(JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic hook has printed the message.
        Ok(Err(_)) => ExitCode::from(terminal::INTERNAL_ERROR),
        Err(error) => terminal::fail(&anyhow::Error::new(error).context("cannot start a thread")),
    }
}

fn run(command: Command) -> ExitCode {
    if let Err(error) = file_kind::check_files(&command) {
        return terminal::fail(&error.into());
    }
    let result = match command {
        Command::Sire(args) => commands::sire::sire(args),
        Command::Save(args) => commands::sire::save(args),
        Command::Show(args) => commands::seed::show(args),
        Command::Repl(args) => commands::seed::repl(args),
        Command::Boot(args) => commands::machine::boot(args),
        Command::Start(args) => commands::machine::start(args),
        Command::Check(args) => commands::check::check(args),
        Command::Du(args) => commands::du::du(args),
        Command::Gc(args) => commands::gc::gc(args),
        Command::Export(args) => commands::transfer::export(args),
        Command::Import(args) => commands::transfer::import(args),
        Command::SetAside(args) => commands::set_aside::set_aside(args),
        Command::Log(args) => commands::log::log(args),
        Command::Diff(args) => commands::diff::diff(args),
        Command::Fork(args) => commands::transfer::fork(args),
        Command::Rehearse(args) => commands::rehearse::rehearse(args),
        Command::Upgrade(args) => commands::upgrade::upgrade(args),
        Command::Rollback(args) => commands::rollback::rollback(args),
        Command::Inspect(args) => commands::inspect::inspect(args),
        Command::Metrics(args) => commands::metrics::metrics(args),
        Command::Jets(args) => commands::jets::list(args),
        Command::New(args) => commands::new::new(&args),
        Command::Test(args) => commands::test::test(&args),
        Command::CheckTypes(args) => commands::check_types::check_types(&args),
        Command::Dev(args) => commands::dev::dev(args),
        Command::Config(args) => commands::config::config(&args),
        Command::Fmt(args) => commands::fmt::fmt(&args),
        Command::Doc(args) => commands::doc::doc(&args),
        Command::Lsp(args) => commands::lsp::lsp(args),
        Command::Bench(args) => commands::bench::bench(&args),
        Command::Profile(args) => commands::profile::profile(&args),
        Command::Explain(args) => commands::explain::explain(&args),
        Command::Generate(args) => commands::generate::generate(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => terminal::fail(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_has_the_exit_code_of_an_internal_error() {
        let code = run_on_thread(|| panic!("a defect"));
        assert_eq!(code, ExitCode::from(101));
        assert_eq!(run_on_thread(|| ExitCode::SUCCESS), ExitCode::SUCCESS);
    }
}
