//! `show` and `repl`: prints a seed file, and runs the program in one.

use super::setup::{cache_code, runtime};
use crate::args::{EvaluationOptions, ReplArgs, ShowArgs};
use crate::terminal::{self, evaluation_error, print_options};
use anyhow::{Context, anyhow, bail};
use plan::{EvalError, Val, seed};
use show::{BufferedText, PrintLimit};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use vm::Vm;

/// Prints the value in a seed file with all its pins.
pub(crate) fn show(args: ShowArgs) -> anyhow::Result<()> {
    let mut vm = runtime(EvaluationOptions::default())?;
    let value = load(&mut vm, &args.seed)?;
    let options = print_options(args.print)?;
    BufferedText::write_to(&mut io::stdout(), |out| show::write_full(out, vm.look(&value), options))
        .context("cannot write the output")
}

/// Size of the largest bar of input that the program gets in one call, in bytes.
const MAX_INPUT: usize = 80;

/// Feeds standard input to the program in a seed file: a function from a bar to the row of a bar
/// and the next function. An empty bar marks the end of the input and is the last call.
pub(crate) fn repl(args: ReplArgs) -> anyhow::Result<()> {
    cache_code(&None);
    let mut vm = runtime(args.evaluation)?;
    let options = print_options(args.print)?;
    vm.on_trace(move |value| {
        // A closed standard output must not stop the program.
        let _ =
            BufferedText::write_to(&mut io::stdout(), |out| show::write_trace(out, value, options));
    });
    let limit = options.limit.for_messages();
    let mut program = load(&mut vm, &args.seed)?;
    let (mut output, name): (Box<dyn Write>, String) = match &args.output {
        Some(path) => {
            let name = path.display().to_string();
            let file = File::create(path).with_context(|| format!("cannot write {name}"))?;
            (Box::new(file), name)
        }
        None if io::stdout().is_terminal() => (Box::new(io::stdout()), "the terminal".into()),
        None => (Box::new(io::sink()), String::new()),
    };
    let mut input = [0; MAX_INPUT];
    loop {
        let count = io::stdin().lock().read(&mut input).context("cannot read the input")?;
        let (bytes, next) = answer(&mut vm, &program, &input[..count], limit)?;
        output
            .write_all(&bytes)
            .and_then(|()| output.flush())
            .with_context(|| format!("cannot write {name}"))?;
        program = next;
        if count == 0 {
            return Ok(());
        }
    }
}

/// Calls the program with some input. Returns its output and the next program.
///
/// # Errors
/// Those of the call; its values are shown within `limit`.
fn answer(
    vm: &mut Vm,
    program: &Val,
    input: &[u8],
    limit: PrintLimit,
) -> anyhow::Result<(Vec<u8>, Val)> {
    let input = vm.bar(input).map_err(evaluation_error)?;
    let answer = vm.apply(program, &[input]).and_then(|answer| vm.force(&answer));
    let answer = match answer {
        Ok(answer) => answer,
        Err(EvalError::Crash { op, arg }) => {
            let calls = vm.take_call_chain().lines(vm, |_, _| None);
            let row =
                vm.row(&[op, arg]).and_then(|row| vm.force(&row)).map_err(evaluation_error)?;
            let mut text = show::value_text(vm.look(&row), limit);
            if !calls.is_empty() && terminal::shows_call_chains() {
                text += &terminal::call_chain_text(&calls);
            }
            bail!("the program crashed with {}", text.trim_end());
        }
        Err(stop) => return Err(evaluation_error(stop)),
    };
    let seen = vm.look(&answer);
    let parts = seen.as_row().filter(|row| row.len() == 2);
    let parts = parts.and_then(|row| Some((row.get(0)?.as_bar()?.to_vec(), row.get(1)?)));
    match parts {
        Some((output, next)) => Ok((output, vm.hold(next))),
        None => bail!(
            "the program must answer a row of a bar and a function, not\n{}",
            show::value_text(seen, limit)
        ),
    }
}

/// Loads the value in a seed file.
fn load(vm: &mut Vm, path: &Path) -> anyhow::Result<Val> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    seed::load(vm, &bytes).map_err(|error| anyhow!("{} is no seed: {error}", path.display()))
}
