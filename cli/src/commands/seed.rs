//! `show` and `repl`: seed files.

use super::{keep_code, runtime};
use crate::args::{Matching, Memory, Repl, Show};
use crate::terminal::{self, stopped};
use anyhow::{Context, anyhow, bail};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use vm::{Stop, Val, Vm, seed, show};

/// Prints the value in a seed file with all its pins.
pub(crate) fn show(args: Show) -> anyhow::Result<()> {
    let mut vm = runtime(Matching::default(), Memory::default())?;
    let value = load(&mut vm, &args.seed)?;
    let tree = show::full_rex(vm.look(&value))
        .map_err(|stop| anyhow!("{} cannot be shown: {stop}", args.seed.display()))?;
    let text = show::tree_text(&tree, terminal::stdout_colour());
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// How much input the program is given at once.
const INPUT: usize = 80;

/// Feeds standard input to the program in a seed file: a function from a bar to the row of a bar
/// and the next function. The empty bar, at the end of the input, is the last one.
pub(crate) fn repl(args: Repl) -> anyhow::Result<()> {
    keep_code(&None);
    let mut vm = runtime(args.matching, args.memory)?;
    vm.on_trace(|value| {
        // A trace that cannot be shown is no reason to stop the program.
        let _ =
            io::stdout().write_all(show::trace_text(value, terminal::stdout_colour()).as_bytes());
    });
    let mut program = load(&mut vm, &args.seed)?;
    let failed = || format!("cannot write {}", args.output.display());
    let mut output = File::create(&args.output).with_context(failed)?;
    let mut input = [0; INPUT];
    loop {
        let count = io::stdin().lock().read(&mut input).context("cannot read the input")?;
        let (bytes, next) = answer(&mut vm, &program, &input[..count])?;
        output.write_all(&bytes).with_context(failed)?;
        program = next;
        if count == 0 {
            return Ok(());
        }
    }
}

/// What the program says to some input, and what it is afterwards.
fn answer(vm: &mut Vm, program: &Val, input: &[u8]) -> anyhow::Result<(Vec<u8>, Val)> {
    let input = vm.bar(input).map_err(stopped)?;
    let answer = vm.apply(program, &[input]).and_then(|answer| vm.force(&answer));
    let answer = match answer {
        Ok(answer) => answer,
        Err(Stop::Crash { op, arg }) => {
            let row = vm.row(&[op, arg]).and_then(|row| vm.force(&row)).map_err(stopped)?;
            bail!("the program crashed with {}", show::value_text(vm.look(&row)).trim_end());
        }
        Err(stop) => return Err(stopped(stop)),
    };
    let seen = vm.look(&answer);
    let parts = seen.as_row().filter(|row| row.len() == 2);
    let parts = parts.and_then(|row| Some((row.get(0)?.as_bar()?.to_vec(), row.get(1)?)));
    match parts {
        Some((output, next)) => Ok((output, vm.hold(next))),
        None => bail!(
            "the program answered something else than a row of a bar and a function:\n{}",
            show::value_text(seen)
        ),
    }
}

/// The value in a seed file.
fn load(vm: &mut Vm, path: &Path) -> anyhow::Result<Val> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    seed::load(vm, &bytes).map_err(|error| anyhow!("{} is no seed: {error}", path.display()))
}
