//! The read-eval-print loop, over any input.

use crate::command::{self, import_module};
use crate::error::{Error, Fault};
use crate::name;
use crate::report::{Place, report};
use crate::session::Session;
use rex::{BlockReader, NodeShape, ReadError, SourceBlock};
use std::io::BufRead;
use std::sync::atomic::Ordering;

/// What the session's module and its input are called.
pub(crate) const NAME: &str = "REPL";

const BANNER: &str = "
==== Sire REPL ====

Since input is multi-line, there is currently no input-prompt.
Just type away!
";

/// Carries out what the input says, a block at a time, until it ends. A failed block changes
/// nothing.
pub(crate) fn run(
    session: &mut Session,
    module: Option<&str>,
    mut input: impl BufRead,
) -> Result<(), Error> {
    start(session, module).map_err(last_fault)?;
    let mut reader = BlockReader::new(NAME);
    let mut line = Vec::new();
    loop {
        session.out.flush().map_err(Error::Output)?;
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(Error::Input)? == 0 {
            break;
        }
        let number = reader.next_line();
        let blocks = match rex::decode(&line, NAME) {
            Ok(text) => reader.push_line(text),
            Err(mut error) => {
                error.line = number;
                // The line counts as an empty one, which ends the block before it.
                let mut blocks = reader.push_line("");
                blocks.push(Err(error));
                blocks
            }
        };
        blocks.into_iter().try_for_each(|block| execute(session, block))?;
    }
    reader.finish().into_iter().try_for_each(|block| execute(session, block))?;
    session.out.flush().map_err(Error::Output)
}

/// Prints the banner and brings the module's names into scope.
fn start(session: &mut Session, module: Option<&str>) -> Result<(), Fault> {
    let banner = session.vm.text(BANNER)?;
    session.out.value(session.vm.look(&banner))?;
    session.state.switch(&mut session.vm, name::of_text(NAME))?;
    let Some(module) = module else { return Ok(()) };
    let Session { vm, syntax, .. } = session;
    let word = syntax.word(vm, module)?;
    let block = syntax.node(vm, NodeShape::Open, ":|", &[word], None)?;
    import_module(session, &block, &name::of_text(module), None)
}

fn execute(session: &mut Session, block: Result<SourceBlock, ReadError>) -> Result<(), Error> {
    match block {
        Err(error) => {
            session.diagnostics.write(&format!("\n\n{error}\n\n\n")).map_err(Error::Output)
        }
        Ok(block) => {
            session.defined.clear();
            match run_block(session, NAME, &block) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => {
                    session.state.roll_back();
                    Ok(())
                }
                Err(fault) => Err(last_fault(fault)),
            }
        }
    }
}

/// Carries out one command. If it fails, that is printed, and the reason returned inside.
pub(crate) fn run_block(
    session: &mut Session,
    file: &str,
    block: &SourceBlock,
) -> Result<Result<(), String>, Fault> {
    // A request that came when nothing was running is not meant for what comes next.
    session.vm.interrupt_flag().store(false, Ordering::Relaxed);
    session.state.begin();
    let rex = session.syntax.noun(&mut session.vm, &block.rex)?;
    let place = Place { file, line: block.line, block: &rex };
    match command::execute(session, &rex) {
        Ok(()) => Ok(Ok(())),
        Err(fault) => Ok(Err(report(session, &place, fault)?)),
    }
}

/// A fault that nobody can be told about in the session itself.
pub(crate) fn last_fault(fault: Fault) -> Error {
    match fault {
        Fault::Output(error) => Error::Output(error),
        Fault::Stop(stop) => Error::Stop(stop),
        fault => Error::Internal(format!("{fault:?}")),
    }
}
