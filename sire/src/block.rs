//! Executes one block of source, and reports its failure.

use crate::command;
use crate::command_error::CommandError;
use crate::report::{CommandLocation, report};
use crate::session::Session;
use rex::SourceBlock;
use std::sync::atomic::Ordering;

/// Executes a block. If its command fails, this prints a report and returns the reason as the inner
/// error.
///
/// # Errors
///
/// The outer error is one of the output, or of the runtime outside the command.
pub(crate) fn run_block(
    session: &mut Session,
    file: &str,
    block: &SourceBlock,
) -> Result<Result<(), String>, CommandError> {
    // An interrupt that arrived while nothing was running is not meant for this block.
    session.vm.interrupt_flag().store(false, Ordering::Relaxed);
    session.state.begin();
    let rex = session.constructors.tree(&mut session.vm, &block.rex)?;
    let location = CommandLocation { file, line: block.line, block: &rex };
    let executed = command::execute(session, &rex);
    // The heap cannot be used any more, so the session ends, and nothing more of it is shown.
    session.vm.check_damage()?;
    match executed {
        Ok(()) => Ok(Ok(())),
        Err(error) => Ok(Err(report(session, &location, error)?)),
    }
}
