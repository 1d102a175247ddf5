//! Loads modules into a session: runs their blocks.

use crate::assertions::AssertionReport;
use crate::block::{BlockSource, run_block};
use crate::command_error::CommandError;
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::error::SireError;
use crate::modules::{OrderedModule, imported_modules, load_order};
use crate::nat_text;
use crate::session::Session;
use rex::Rex;

/// Runs a module, after everything that it depends on. If `is_quiet`, nothing but errors is shown.
///
/// # Errors
///
/// If a command fails, or a block is not well-formed.
pub(crate) fn run_module(
    session: &mut Session,
    module: &OrderedModule,
    is_quiet: bool,
) -> Result<(), SireError> {
    let outer = (session.is_quiet, session.module_form);
    (session.is_quiet, session.module_form) = (is_quiet, module.form);
    session.is_file_header = true;
    let mode = session.types.begin_module(&module.name, module.is_built_in());
    let result = run_blocks(session, module);
    session.types.end_module(mode, module.is_built_in());
    session.is_file_header = false;
    (session.is_quiet, session.module_form) = outer;
    result
}

fn run_blocks(session: &mut Session, module: &OrderedModule) -> Result<(), SireError> {
    session.defined.clear();
    for block in rex::read_file(&module.text, &module.path) {
        let block = block.map_err(SireError::Syntax)?;
        let source =
            BlockSource { file: &module.file, path: &module.path, text: Some(&module.text) };
        let asserted = session.assertion_reports.len();
        let result = run_block(session, &source, &block);
        session.is_file_header = false;
        match result {
            // Assertions go on after one that failed, but not after an interrupt: it is meant for all.
            Ok(Ok(())) => match interrupted_assertion(&session.assertion_reports[asserted..]) {
                None => {}
                Some(diagnostic) => {
                    session.show_diagnostic(&diagnostic);
                    return Err(SireError::Reported);
                }
            },
            Err(error) => return Err(error.into_sire_error()),
            Ok(Err(_)) if session.on_diagnostic.is_some() => return Err(SireError::Reported),
            Ok(Err(reason)) => {
                let (file, line) = (module.path.clone(), block.line);
                let reason = reason.trim_end().to_owned();
                let source_line = excerpt(&module.text, line);
                return Err(SireError::Command { file, line, reason, source_line });
            }
        }
    }
    Ok(())
}

/// The diagnostic of an assertion that was interrupted by Ctrl-C.
fn interrupted_assertion(reports: &[AssertionReport]) -> Option<Diagnostic> {
    let mut failures = reports.iter().filter_map(|report| report.failure.as_ref());
    failures.find(|failure| failure.kind == DiagnosticKind::Interrupted).cloned()
}

/// Loads the modules that a block of a session imports, with all that they depend on, unless they
/// are loaded. The session's own module goes on afterwards. Modules that do not exist are left to
/// the import itself.
///
/// # Errors
///
/// If a module cannot be read, or has a failing command. No module is loaded then.
pub(crate) fn load_imports(session: &mut Session, block: &Rex) -> Result<(), SireError> {
    let imported = imported_modules(block);
    if imported.is_empty() {
        return Ok(());
    }
    let is_loaded = |name: &str| session.state.has_module(&nat_text::from_text(name));
    let exists = |name: &&str| is_loaded(name) || session.library.has(name);
    let imported = imported.iter().map(String::as_str).filter(exists);
    let modules = load_order(&session.library, imported, is_loaded)?;
    if modules.is_empty() {
        return Ok(());
    }
    let beside = session.state.beside();
    let own = std::mem::replace(&mut session.state, beside);
    let result = modules.iter().try_for_each(|module| run_module(session, module, true));
    let beside = std::mem::replace(&mut session.state, own);
    result?;
    let Session { vm, state, .. } = session;
    state.add_modules(vm, beside).map_err(|error| CommandError::from(error).into_sire_error())
}

/// Shows why the imports of a block could not be loaded.
///
/// # Errors
///
/// If the output cannot be written.
pub(crate) fn show_load_error(session: &mut Session, error: SireError) -> Result<(), SireError> {
    match error {
        SireError::Output(_) => return Err(error),
        SireError::Reported => {}
        error if session.on_diagnostic.is_some() => {
            let diagnostic = match &error {
                SireError::Syntax(error) => syntax_diagnostic(error),
                error => Diagnostic::new(DiagnosticKind::Rejected, error.to_string()),
            };
            session.show_diagnostic(&diagnostic);
        }
        error => {
            let text = format!("\n\n{error}\n\n\n");
            session.diagnostics.write(&text).map_err(SireError::Output)?;
        }
    }
    Ok(())
}

/// Makes the diagnostic of a syntax error in a file.
pub(crate) fn syntax_diagnostic(error: &rex::ReadError) -> Diagnostic {
    let text = std::fs::read_to_string(&*error.file).ok();
    Diagnostic::of_read_error(error, text.as_deref())
}

/// Returns a line of a text, or the start of a long one. `line` counts from 1.
fn excerpt(text: &str, line: usize) -> String {
    const WIDTH: usize = 100;
    let line = text.lines().nth(line - 1).unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}
