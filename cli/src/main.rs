//! The `pallas` command: everything is wired together here, and nothing is decided.
//!
//! ```text
//! args       the command line
//! commands/  one file a command, or two that belong together
//! console    what a machine prints
//! progress   bars of long commands
//! terminal   colours, exit codes, Ctrl-C
//! ```
//!
//! Evaluation recurses on a stack of its own, but jets may re-enter it; so that they have room,
//! commands run on a thread with a larger native stack than the main thread's.

mod args;
mod commands;
mod console;
mod progress;
mod terminal;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The native stack of the thread that a command runs on, in bytes.
const STACK: usize = 64 << 20;

fn main() -> ExitCode {
    let args = Args::parse();
    let command = std::thread::Builder::new().stack_size(STACK).spawn(move || run(args.command));
    match command.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic has been printed.
        Ok(Err(_)) => ExitCode::from(terminal::INTERNAL),
        Err(error) => terminal::fail(&anyhow::Error::new(error).context("cannot start a thread")),
    }
}

fn run(command: Command) -> ExitCode {
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
        Command::Jets(args) => commands::jets::list(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => terminal::fail(&error),
    }
}
