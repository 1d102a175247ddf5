//! The read-eval-print loop.

use crate::block::{BlockSource, run_block};
use crate::command_error::CommandError;
use crate::error::SireError;
use crate::import::{ImportPlace, import_module};
use crate::load::{load_imports, show_load_error};
use crate::nat_text;
use crate::session::{SESSION_NAME, Session};
use crate::state::ImportedNames;
use rex::{BlockReader, NodeShape, ReadError, SourceBlock};
use std::io::BufRead;

const BANNER: &str = "
==== Sire REPL ====

Since input is multi-line, there is currently no input-prompt.
Just type away!
";

/// Executes the blocks of the input until it ends, with the names of `module` in scope. Returns the
/// number of blocks that failed; they have no effect.
pub(crate) fn run(
    session: &mut Session,
    module: Option<&str>,
    mut input: impl BufRead,
) -> Result<usize, SireError> {
    start(session, module).map_err(CommandError::into_sire_error)?;
    let mut failures = 0;
    let mut reader = BlockReader::new(SESSION_NAME);
    let mut line = Vec::new();
    loop {
        session.output.flush().map_err(SireError::Output)?;
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(SireError::Input)? == 0 {
            break;
        }
        let number = reader.next_line();
        let blocks = match rex::decode(&line, SESSION_NAME) {
            Ok(text) => reader.push_line(text),
            Err(mut error) => {
                error.line = number;
                // The line counts as a blank line, which ends the block before it.
                let mut blocks = reader.push_line("");
                blocks.push(Err(error));
                blocks
            }
        };
        for block in blocks {
            failures += usize::from(!execute(session, block)?);
        }
    }
    if let Some(block) = reader.finish() {
        failures += usize::from(!execute(session, block)?);
    }
    session.output.flush().map_err(SireError::Output)?;
    Ok(failures)
}

/// Prints the banner, and begins the session's module.
fn start(session: &mut Session, module: Option<&str>) -> Result<(), CommandError> {
    let banner = session.vm.text(BANNER)?;
    session.output.value(session.vm.look(&banner))?;
    enter_scope(session, module)
}

/// Enters the session's module, and brings the names of `module` into scope.
pub(crate) fn enter_scope(session: &mut Session, module: Option<&str>) -> Result<(), CommandError> {
    session.state.enter_module(&mut session.vm, nat_text::from_text(SESSION_NAME))?;
    let Some(module) = module else { return Ok(()) };
    let Session { vm, constructors, .. } = session;
    let word = constructors.word(vm, module)?;
    let block = constructors.node(vm, NodeShape::Open, ":|", std::slice::from_ref(&word), None)?;
    let place = ImportPlace { block: &block, part: &word };
    import_module(session, place, &nat_text::from_text(module), &ImportedNames::All)
}

/// Executes a block, or prints its syntax error. Returns whether it could be executed.
fn execute(
    session: &mut Session,
    block: Result<SourceBlock, ReadError>,
) -> Result<bool, SireError> {
    match block {
        Err(error) => {
            let text = format!("\n\n{error}\n\n\n");
            session.diagnostics.write(&text).map_err(SireError::Output)?;
            Ok(false)
        }
        Ok(block) => {
            session.ignore_earlier_interrupts();
            if let Err(error) = load_imports(session, &block.rex) {
                show_load_error(session, error)?;
                return Ok(false);
            }
            session.defined.clear();
            let source = BlockSource { file: SESSION_NAME, path: SESSION_NAME, text: None };
            match run_block(session, &source, &block) {
                Ok(Ok(())) => Ok(true),
                Ok(Err(_)) => {
                    session.state.roll_back();
                    Ok(false)
                }
                Err(error) => Err(error.into_sire_error()),
            }
        }
    }
}
