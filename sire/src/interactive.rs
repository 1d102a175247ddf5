//! The interactive session: a session that a person leads, one entry at a time.
//!
//! A caller reads entries with a line editor and passes each of them to [`Sire::enter`]. It asks
//! [`Sire::names`] for what can be completed, and [`Sire::describe`] for what is known of a name.

use crate::block::{BlockSource, run_block, type_of_block};
use crate::command_error::CommandError;
use crate::definition_source::{DefinitionSource, find_definition};
use crate::diagnostic::Diagnostic;
use crate::documentation::type_text;
use crate::error::SireError;
use crate::expr::Binding;
use crate::load::{load_imports, show_load_error};
use crate::session::{ResultForm, SESSION_NAME, Session};
use crate::sire::Sire;
use crate::{nat_text, repl};
use plan::{Hash, Natural, Shape};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// Whether an entry could be executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryOutcome {
    /// All its commands.
    Done,
    /// At least one command failed.
    Failed,
}

/// What is known of a name in scope.
#[derive(Clone, Debug)]
pub struct NameInfo {
    /// The module that defines it.
    pub module: String,
    /// The number of arguments; none if the value is no function.
    pub arity: Option<u64>,
    /// Whether the value is a pin.
    pub is_pinned: bool,
    /// The name of the jet that implements it.
    pub jet: Option<&'static str>,
    /// The hash of the pin.
    pub hash: Option<Hash>,
    /// Its definition, if the source of the module is known and defines it directly.
    pub source: Option<DefinitionSource>,
}

impl Sire {
    /// Begins an interactive session, with the names of the module that was loaded last in scope.
    ///
    /// # Errors
    ///
    /// If the runtime is out of memory, or the module cannot be imported.
    pub fn begin_interactive(&mut self) -> Result<(), SireError> {
        let module = self.module.take();
        self.entries.clear();
        repl::enter_scope(&mut self.session, module.as_deref())
            .map_err(CommandError::into_sire_error)
    }

    /// Sets how results are shown.
    pub fn set_result_form(&mut self, form: ResultForm) {
        self.session.result_form = form;
    }

    /// Sets the time after which an evaluation of an entry ends, in elapsed time; none for no limit.
    pub fn set_time_limit(&mut self, limit: Option<Duration>) {
        self.time_limit = limit;
    }

    /// Executes an entry: the blocks of a text. A failed command has no effect, but the rest of the
    /// entry is executed.
    ///
    /// # Errors
    ///
    /// If the output cannot be written, or the heap is damaged.
    pub fn enter(&mut self, text: &str) -> Result<EntryOutcome, SireError> {
        let mut outcome = EntryOutcome::Done;
        for block in rex::read_file(text, SESSION_NAME) {
            let block = match block {
                Ok(block) => block,
                Err(error) => {
                    let diagnostic = Diagnostic::of_read_error(&error, Some(text));
                    self.session.show_diagnostic(&diagnostic);
                    outcome = EntryOutcome::Failed;
                    continue;
                }
            };
            self.session.ignore_earlier_interrupts();
            if let Err(error) = load_imports(&mut self.session, &block.rex) {
                show_load_error(&mut self.session, error)?;
                outcome = EntryOutcome::Failed;
                continue;
            }
            let limit = self.time_limit.map(|limit| {
                let flags = (self.session.timed_out.clone(), self.session.vm.interrupt_flag());
                EvaluationTimer::start(limit, flags)
            });
            self.session.defined.clear();
            let source = BlockSource { file: SESSION_NAME, path: SESSION_NAME, text: Some(text) };
            let result = run_block(&mut self.session, &source, &block);
            drop(limit);
            match result {
                Ok(Ok(())) => {}
                Ok(Err(_)) => {
                    self.session.state.roll_back();
                    outcome = EntryOutcome::Failed;
                }
                Err(error) => return Err(error.into_sire_error()),
            }
        }
        if outcome == EntryOutcome::Done {
            self.entries.push(text.to_owned());
        }
        self.session.output.flush().map_err(SireError::Output)?;
        Ok(outcome)
    }

    /// Executes an entry like [`Sire::enter`], and shows nothing but errors.
    ///
    /// # Errors
    ///
    /// Those of [`Sire::enter`].
    pub fn enter_quietly(&mut self, text: &str) -> Result<EntryOutcome, SireError> {
        self.session.is_quiet = true;
        let outcome = self.enter(text);
        self.session.is_quiet = false;
        outcome
    }

    /// Returns the type of an expression, without evaluating it. A type error is shown, and is no
    /// type. The types of names of untyped modules are inferred from their code.
    ///
    /// # Errors
    ///
    /// If the output cannot be written, or the heap is damaged.
    pub fn type_of(&mut self, expression: &str) -> Result<Option<String>, SireError> {
        let text = format!("({expression})");
        let block = match rex::read_file(&text, SESSION_NAME).next() {
            Some(Ok(block)) => block,
            Some(Err(error)) => {
                let diagnostic = Diagnostic::of_read_error(&error, Some(&text));
                self.session.show_diagnostic(&diagnostic);
                return Ok(None);
            }
            None => return Ok(None),
        };
        let source = BlockSource { file: SESSION_NAME, path: SESSION_NAME, text: Some(&text) };
        self.session.ignore_earlier_interrupts();
        type_of_block(&mut self.session, &source, &block).map_err(CommandError::into_sire_error)
    }

    /// Returns the names in scope, and the names of loaded modules with their qualifiers, such as
    /// `json.parse`, in alphabetical order.
    pub fn names(&self) -> Vec<String> {
        let Session { vm, state, .. } = &self.session;
        let qualified = |qualifier: &Natural, module: &Natural| {
            let qualifier = nat_text::to_text(qualifier);
            let names = state.exported_names(vm, module);
            let name = move |name: &Natural| format!("{qualifier}.{}", nat_text::to_text(name));
            names.iter().map(name).collect::<Vec<_>>()
        };
        let in_scope = state.names().map(nat_text::to_text);
        let of_modules = state.modules().flat_map(|module| qualified(module, module));
        let of_aliases = state.aliases().flat_map(|(alias, module)| qualified(alias, module));
        let mut names: Vec<String> = in_scope.chain(of_modules).chain(of_aliases).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the type that is declared for a name in scope, or for a name with its qualifier: in the
    /// source of its module, or in a type table of the library.
    pub fn declared_type(&mut self, name: &str) -> Option<String> {
        let (info, defined_as) = self.value_info(name)?;
        let source = self.definition_of(&info.module, &defined_as);
        let written = source.and_then(|source| source.signature);
        let in_table = || self.session.types.declared_type(&info.module, &defined_as);
        written.as_deref().map(type_text).or_else(in_table)
    }

    /// Returns what is known of a name in scope, or of a name with its qualifier.
    pub fn describe(&self, name: &str) -> Option<NameInfo> {
        let (info, defined_as) = self.value_info(name)?;
        Some(NameInfo { source: self.definition_of(&info.module, &defined_as), ..info })
    }

    /// Returns what is known of a name in scope without its source, and the name by which its module
    /// defines it.
    pub(crate) fn value_info(&self, name: &str) -> Option<(NameInfo, String)> {
        let session = &self.session;
        let binding = self.binding_of(name)?;
        let vm = &session.vm;
        let value = vm.look(&binding.value);
        let (law, pin) = match value.shape() {
            Shape::Pin(pin) => match pin.item().shape() {
                Shape::Law(law) => (Some(law), Some(pin)),
                _ => (None, Some(pin)),
            },
            Shape::Law(law) => (Some(law), None),
            _ => (None, None),
        };
        let module = binding.location(vm).map(|name| nat_text::to_text(&name)).unwrap_or_default();
        let defined_as = binding.name(vm).map(|name| nat_text::to_text(&name));
        let defined_as = defined_as.unwrap_or_else(|| name.to_owned());
        let info = NameInfo {
            arity: law.and_then(|law| law.arity().to_u64()),
            is_pinned: pin.is_some(),
            jet: pin.and_then(|pin| vm.jet_of(pin)).map(|jet| jet.name),
            hash: pin.and_then(|pin| pin.hash().ok()),
            source: None,
            module,
        };
        Some((info, defined_as))
    }

    /// Returns the binding of a name in scope, or of a name with its qualifier.
    pub(crate) fn binding_of(&self, name: &str) -> Option<Rc<Binding>> {
        let Session { vm, bindings, state, .. } = &self.session;
        if let Some(binding) = state.lookup(&nat_text::from_text(name)) {
            return Some(Rc::clone(binding));
        }
        let (qualifier, name) = name.split_once('.')?;
        let qualifier = nat_text::from_text(qualifier);
        let module = state.qualified_module(&qualifier);
        state.lookup_in(vm, bindings, module, &nat_text::from_text(name)).ok()?
    }

    /// Returns the definition of a name in the source of a module, or in the entries so far.
    fn definition_of(&self, module: &str, name: &str) -> Option<DefinitionSource> {
        if module == SESSION_NAME {
            let entries = self.entries.iter().rev();
            return entries.filter_map(|entry| find_definition(SESSION_NAME, entry, name)).next();
        }
        let (path, text) = self.session.library.text(module)?;
        find_definition(&path, &text, name)
    }
}

/// Interrupts an evaluation that takes too long. Dropping it ends the limit.
struct EvaluationTimer {
    done: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EvaluationTimer {
    fn start(limit: Duration, flags: (Arc<AtomicBool>, Arc<AtomicBool>)) -> EvaluationTimer {
        let (timed_out, interrupt) = flags;
        timed_out.store(false, Ordering::Relaxed);
        let (done, is_done) = mpsc::channel::<()>();
        let wait = move || {
            if is_done.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                timed_out.store(true, Ordering::Relaxed);
                interrupt.store(true, Ordering::Relaxed);
            }
        };
        let thread = std::thread::Builder::new().name("time-limit".into()).spawn(wait);
        // Without a thread the evaluation has no limit; Ctrl-C still ends it.
        EvaluationTimer { done: Some(done), thread: thread.ok() }
    }
}

impl Drop for EvaluationTimer {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(thread) = self.thread.take() {
            // The thread cannot panic.
            let _ = thread.join();
        }
    }
}
