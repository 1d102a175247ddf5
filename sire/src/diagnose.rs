//! Makes the [`Diagnostic`] of a failed command.

use crate::call_chain::call_chain_lines;
use crate::command_error::{CommandError, FailedImport, UnresolvedName};
use crate::diagnostic::{Diagnostic, DiagnosticKind, SourcePlace};
use crate::difference::first_difference;
use crate::locate::span_of;
use crate::nat_text;
use crate::report::CommandLocation;
use crate::session::Session;
use crate::state::{ImportError, MissingNames, NameClash};
use crate::suggest;
use crate::syntax_advice::{advice_for_name, advice_for_rejected};
use crate::typing::{TypeFailure, TypePlace};
use plan::{EvalError, Val};
use show::PrintLimit;
use std::sync::atomic::Ordering;

/// The limit of the text of a value within a diagnostic, in bytes.
const VALUE_MAX: u64 = 2000;

/// Makes the diagnostic of a failed command.
///
/// # Errors
///
/// An error of the output, or of the runtime outside the command.
pub(crate) fn diagnose(
    session: &mut Session,
    location: &CommandLocation<'_>,
    error: CommandError,
) -> Result<Diagnostic, CommandError> {
    let (part, mut diagnostic) = match error {
        CommandError::Type(failure) => return Ok(type_failure(session, location, *failure)),
        error @ CommandError::Output(_) => return Err(error),
        CommandError::Rejected { part, reason } => {
            let help = advice_for_rejected(&reason, location.rex);
            let mut diagnostic = Diagnostic::new(DiagnosticKind::Rejected, reason);
            diagnostic.help.extend(help.map(str::to_owned));
            (Some(part), diagnostic)
        }
        CommandError::Macro { part, reason } => {
            let help = advice_for_rejected(&reason, location.rex);
            // The prototype prints the message of a macro as a text of Sire.
            let text = reason.strip_prefix('{').and_then(|reason| reason.strip_suffix('}'));
            let mut diagnostic = Diagnostic::new(DiagnosticKind::Macro, text.unwrap_or(&reason));
            diagnostic.help.extend(help.map(str::to_owned));
            (Some(part), diagnostic)
        }
        CommandError::Unresolved(unresolved) => {
            let diagnostic = unresolved_name(session, &unresolved);
            (Some(unresolved.part), diagnostic)
        }
        CommandError::Import(import) => {
            let diagnostic = failed_import(session, &import);
            (Some(import.part), diagnostic)
        }
        CommandError::Assertion { place, left, right } => {
            (Some(place), failed_assertion(session, &left, &right))
        }
        CommandError::Malformed(malformed) => {
            (None, Diagnostic::new(DiagnosticKind::Macro, malformed.to_string()))
        }
        error @ (CommandError::InliningTooDeep | CommandError::TooManyBinders) => {
            (None, Diagnostic::new(DiagnosticKind::Rejected, error.reason()))
        }
        CommandError::Stop(stop) => {
            let mut diagnostic = stopped(session, stop);
            diagnostic.notes.extend(call_chain_note(session));
            (None, diagnostic)
        }
    };
    let Session { vm, expansions, .. } = &*session;
    let span = match &part {
        Some(part) => span_of(vm, location.rex, location.block, part, expansions),
        None => location.rex.span(),
    };
    diagnostic.place = place(location, span.range());
    Ok(diagnostic)
}

/// Returns the place of a range of bytes of the block, if the text of its source is known.
pub(crate) fn place(
    location: &CommandLocation<'_>,
    range: std::ops::Range<usize>,
) -> Option<SourcePlace> {
    let text = location.source?;
    let before = text.split_inclusive('\n').take(location.line - 1).map(str::len).sum();
    Some(SourcePlace::new(location.path, location.line, text.get(before..)?, range))
}

/// Makes the diagnostic of a type error.
fn type_failure(
    session: &Session,
    location: &CommandLocation<'_>,
    failure: TypeFailure,
) -> Diagnostic {
    let TypeFailure { place: at, message, notes, help } = failure;
    let mut diagnostic = Diagnostic::new(DiagnosticKind::Type, message);
    (diagnostic.notes, diagnostic.help) = (notes, help);
    let span = match at {
        TypePlace::Span(span) => span,
        TypePlace::Part(part, expansions) => {
            span_of(&session.vm, location.rex, location.block, &part, &expansions)
        }
        TypePlace::Command => location.rex.span(),
    };
    diagnostic.place = place(location, span.range());
    diagnostic
}

fn unresolved_name(session: &Session, unresolved: &UnresolvedName) -> Diagnostic {
    let UnresolvedName { name, module, locals, .. } = unresolved;
    let text = nat_text::to_text(name);
    let kind = DiagnosticKind::UnresolvedName;
    if let Some(module) = module {
        let name = nat_text::to_text(module);
        if !session.state.has_module(module) {
            let message = format!("`{name}` is no module that is loaded, and no alias of one");
            return Diagnostic::new(kind, message);
        }
        let mut diagnostic = Diagnostic::new(kind, format!("the module `{name}` has no `{text}`"));
        add_similar(&mut diagnostic, &suggest::similar_names_in(session, module, &text));
        return diagnostic;
    }
    let mut diagnostic = Diagnostic::new(kind, format!("`{text}` is not in scope"));
    diagnostic.unresolved = Some(text.clone());
    diagnostic.help.extend(advice_for_name(&text).map(str::to_owned));
    let locals: Vec<String> = locals.iter().map(nat_text::to_text).collect();
    let similar = suggest::similar_names(session, &locals, &text);
    if !similar.is_empty() {
        diagnostic.help.push(format!("similar names are in scope: {}", quoted(&similar)));
    }
    let loaded = suggest::loaded_modules_with(session, name);
    if !loaded.is_empty() {
        let import = format!(":| {}", loaded.last().map_or("", String::as_str));
        diagnostic.help.push(format!(
            "loaded modules export it: {}; `{import}` brings the names of one into scope",
            quoted(&loaded)
        ));
    } else if rex::chars::is_word(&text) {
        let library = suggest::library_modules_with(&session.library, &text);
        if !library.is_empty() {
            diagnostic.help.push(format!("modules that define it: {}", quoted(&library)));
        }
    }
    diagnostic
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn add_similar(diagnostic: &mut Diagnostic, names: &[String]) {
    if !names.is_empty() {
        diagnostic.help.push(format!("similar names: {}", quoted(names)));
    }
}

/// The maximum number of clashing names in a diagnostic.
const CLASHES_MAX: usize = 5;

fn failed_import(session: &Session, import: &FailedImport) -> Diagnostic {
    let module = nat_text::to_text(&import.module);
    let new = |message| Diagnostic::new(DiagnosticKind::Rejected, message);
    match &import.error {
        ImportError::NotLoaded if session.library.has(&module) => {
            let mut diagnostic = new(format!("the module `{module}` is not loaded"));
            diagnostic
                .help
                .push("imports directly after the header load modules; later ones do not".into());
            diagnostic
        }
        ImportError::NotLoaded => {
            let mut diagnostic = new(format!("there is no module `{module}`"));
            add_similar(&mut diagnostic, &suggest::similar_modules(&session.library, &module));
            diagnostic
        }
        ImportError::MissingNames(MissingNames(names)) => {
            let texts: Vec<String> = names.iter().map(nat_text::to_text).collect();
            let mut diagnostic = new(format!("the module `{module}` has no {}", quoted(&texts)));
            let similar = texts
                .iter()
                .flat_map(|name| suggest::similar_names_in(session, &import.module, name));
            add_similar(&mut diagnostic, &similar.collect::<Vec<_>>());
            diagnostic
        }
        ImportError::Clashes(clashes) => {
            let names: Vec<String> =
                clashes.iter().map(|clash| nat_text::to_text(&clash.name)).collect();
            let (shown, rest) = names.split_at(names.len().min(CLASHES_MAX));
            let more = if rest.is_empty() { "" } else { " and others" };
            let verb = if names.len() == 1 { "is" } else { "are" };
            let mut diagnostic =
                new(format!("{}{more} {verb} in scope with another value", quoted(shown)));
            diagnostic.notes.extend(clashes.iter().take(CLASHES_MAX).map(clash_text));
            diagnostic.help.push(format!(
                "`:| {module} as M` keeps the names apart: `M.{}`",
                names.first().map_or("", String::as_str)
            ));
            diagnostic.help.push(format!(
                "a list, as in `:| {module} [{}]`, has priority over the import of a whole module",
                names.first().map_or("", String::as_str)
            ));
            diagnostic
        }
        ImportError::AliasInUse { .. } | ImportError::Malformed(_) => new(import.reason()),
    }
}

fn clash_text(clash: &NameClash) -> String {
    let [name, earlier, later] = [&clash.name, &clash.earlier, &clash.later].map(nat_text::to_text);
    format!("`{name}` is defined in `{earlier}` and in `{later}`")
}

fn failed_assertion(session: &Session, left: &Val, right: &Val) -> Diagnostic {
    let (left, right) = (session.vm.look(left), session.vm.look(right));
    let mut diagnostic = Diagnostic::new(DiagnosticKind::Assertion, "the two sides differ");
    let limit = value_limit(session);
    for (side, value) in [("left", left), ("right", right)] {
        let text = show::value_text(value, limit);
        diagnostic.notes.push(format!("{side}: {}", text.trim()));
    }
    diagnostic.notes.push(first_difference(left, right));
    diagnostic
}

fn value_limit(session: &Session) -> PrintLimit {
    let limit = session.output.limit();
    PrintLimit { bytes: limit.message_bytes.min(VALUE_MAX), ..limit }
}

/// Returns the note with the call chain of the evaluation that failed last, if chains are shown.
fn call_chain_note(session: &mut Session) -> Option<String> {
    let chain = session.vm.take_call_chain();
    let lines = session.shows_call_chains.then(|| call_chain_lines(session, &chain))?;
    (!lines.is_empty()).then(|| format!("calls, innermost first:\n{}", lines.join("\n")))
}

/// Makes the diagnostic of an evaluation that ended without a value.
fn stopped(session: &Session, stop: EvalError) -> Diagnostic {
    match stop {
        EvalError::Crash { op, arg } => {
            let limit = value_limit(session);
            let text = |value| show::value_text(session.vm.look(value), limit).trim().to_owned();
            let (op, arg) = (text(&op), text(&arg));
            let kind = DiagnosticKind::Crash;
            if arg.contains('\n') {
                let mut diagnostic = Diagnostic::new(kind, format!("{op}, with a value"));
                diagnostic.notes.push(format!("the value is\n{arg}"));
                return diagnostic;
            }
            Diagnostic::new(kind, format!("{op} {arg}"))
        }
        EvalError::Interrupted if session.timed_out.swap(false, Ordering::Relaxed) => {
            Diagnostic::new(DiagnosticKind::TimeLimit, "the evaluation took too long")
        }
        EvalError::Interrupted => {
            Diagnostic::new(DiagnosticKind::Interrupted, "the evaluation was ended by Ctrl-C")
        }
        EvalError::Loop => Diagnostic::new(DiagnosticKind::Loop, stop.to_string()),
        EvalError::OutOfMemory => {
            let mut diagnostic = Diagnostic::new(DiagnosticKind::OutOfMemory, stop.to_string());
            diagnostic.help.push("the option --max-heap sets the limit".into());
            diagnostic
        }
        EvalError::StackOverflow => {
            let mut diagnostic = Diagnostic::new(DiagnosticKind::StackOverflow, stop.to_string());
            diagnostic.help.push("the option --max-stack sets the limit".into());
            diagnostic
        }
        EvalError::TooLarge { .. } => {
            Diagnostic::new(DiagnosticKind::OutOfMemory, stop.to_string())
        }
        EvalError::Damaged(_) => Diagnostic::new(DiagnosticKind::Damaged, stop.to_string()),
    }
}
