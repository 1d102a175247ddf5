//! [`Sire`] is a session of the Sire language: it loads modules and runs commands, and its
//! definitions are PLAN values.
//!
//! A module is a sequence of Rex trees, and each tree is a command. The path of a definition:
//!
//! ```text
//! source --rex--> tree --rex_value--> Rex value --command--> definition
//!     --read_expr (macros)--> expression --compile--> law --> value --state--> binding
//! ```
//!
//! The modules of the crate, top down. An arrow never points upward:
//!
//! ```text
//!   Sire                                  modules, the cache, the session
//!   repl    interactive                   the loop │ sessions that a person leads
//!   block                                 runs one block
//!   command    report    diagnose         effect of a command │ why it failed: as a value, for people
//!   read_expr    operator_check           Rex values to expressions; macro expansion │ warnings
//!   session    suggest                    the runtime and the state │ similar names
//!   modules    compile    state           module files, chains │ expressions to values │ scopes
//!   command_error    locate    readable   errors │ places of parts │ values for people
//!   expr    rex_value    output           the expression graph │ Rex trees as values │ printing
//!   primitive    malformed    nat_text    error    diagnostic    definition_source    difference
//! ```
//!
//! Everything that a macro sees is a PLAN value: source, as Rex values (`rex_value`); the state
//! (`state`); bindings and their code (`expr`). A value that a macro returns is validated when it
//! is used.
//!
//! No function of this crate recurses on the native stack over source, expressions or values.

#![deny(unsafe_code)]

mod block;
mod command;
mod command_error;
mod compile;
mod definition_source;
mod diagnose;
mod diagnostic;
mod difference;
mod error;
mod expr;
mod interactive;
mod locate;
mod malformed;
mod modules;
mod nat_text;
mod operator_check;
mod output;
mod primitive;
mod read_expr;
mod readable;
mod repl;
mod report;
mod rex_value;
mod session;
mod state;
mod suggest;

pub use definition_source::DefinitionSource;
pub use diagnostic::{Diagnostic, DiagnosticKind, SourcePlace};
pub use error::SireError;
pub use interactive::{EntryOutcome, NameInfo};
pub use modules::{ModuleArgument, ModuleLibrary};
pub use output::SireOutput;
pub use session::ResultForm;

use block::{BlockSource, run_block};
use command_error::CommandError;
use foldhash::HashMap;
use modules::{ChainedModule, StateCache, StateKey, module_chain, pack_state, unpack_state};
use plan::{EvalError, Val};
use profile::{ProfileTimer, ProfileTrack};
use session::Session;
use state::SireState;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;
use vm::Vm;

/// The settings of a [`Sire`].
pub struct SireOptions {
    /// The source of modules.
    pub library: ModuleLibrary,
    /// The folder for the cache of states; none for no cache.
    pub cache: Option<PathBuf>,
    /// Receives printed values and definitions.
    pub output: SireOutput,
    /// Receives syntax errors of the session's input, and warnings.
    pub diagnostics: SireOutput,
}

/// A session of the Sire language.
///
/// ```
/// use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
/// let output = SireOutput::new(std::io::sink(), Default::default());
/// let options = SireOptions {
///     library: ModuleLibrary::new("sire"),
///     cache: None,
///     diagnostics: output.clone(),
///     output,
/// };
/// let runtime = runtime::RuntimeBuilder::new().build()?;
/// let mut sire = Sire::new(runtime.into(), options)?;
/// sire.repl("= (inc x) | 3 x\n\n(inc 4)\n".as_bytes())?;
/// let inc = sire.binding("inc")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sire {
    session: Session,
    cache: Option<StateCache>,
    /// The packed states after the modules that this session has loaded.
    known: HashMap<StateKey, Val>,
    /// The module that was loaded last.
    module: Option<String>,
    /// The entries of the interactive session that could be executed.
    entries: Vec<String>,
    /// The time after which an evaluation of an interactive session ends.
    time_limit: Option<Duration>,
    /// Is notified before each module that is loaded, with its name, its index and the number of
    /// modules.
    on_module: Option<Box<dyn FnMut(&str, usize, usize)>>,
    /// Whether loading a module shows nothing but errors.
    is_quiet: bool,
    /// Where the times of modules and of the cache are recorded, if they are.
    profile: Option<ProfileTrack>,
}

impl Sire {
    /// Makes a session without any module. The session replaces the runtime's trace hooks.
    ///
    /// # Errors
    ///
    /// If the runtime is out of memory.
    pub fn new(mut vm: Vm, options: SireOptions) -> Result<Sire, EvalError> {
        let SireOptions { library, cache, output, diagnostics } = options;
        let traces = output.clone();
        vm.on_trace(move |value| traces.trace(value));
        let traces = output.clone();
        vm.on_deep_trace(move |value| traces.deep_trace(value));
        let session = Session::new(vm, output, diagnostics, library)?;
        let cache = cache.map(StateCache::new);
        Ok(Sire {
            session,
            cache,
            known: HashMap::default(),
            module: None,
            entries: Vec::new(),
            time_limit: None,
            on_module: None,
            is_quiet: false,
            profile: None,
        })
    }

    /// Records the times of modules, of the cache, and of the runtime ([`Vm::record`]) on this track
    /// from now on.
    pub fn record(&mut self, track: ProfileTrack) {
        self.session.vm.record(track.clone());
        self.profile = Some(track);
    }

    /// Has `receiver` get the errors and warnings of commands from now on. The session then does not
    /// print the values that stand for errors, and a module with a failing command ends with
    /// [`SireError::Reported`].
    pub fn on_diagnostic(&mut self, receiver: impl FnMut(&Diagnostic) + 'static) {
        self.session.on_diagnostic = Some(Box::new(receiver));
    }

    /// Has modules that are loaded from now on show nothing but errors. `on_module` is notified
    /// before each of them, with its name, its index and the number of modules.
    pub fn load_quietly(&mut self, on_module: impl FnMut(&str, usize, usize) + 'static) {
        self.is_quiet = true;
        self.on_module = Some(Box::new(on_module));
    }

    /// Returns the runtime.
    pub fn vm(&mut self) -> &mut Vm {
        &mut self.session.vm
    }

    /// Loads a module, after all modules before it, in place of the module that was loaded. This
    /// prints the definitions of the modules whose states are not in the cache.
    ///
    /// # Errors
    ///
    /// If a module does not exist, cannot be read, or has a failing command. No module is loaded
    /// then.
    pub fn load(&mut self, name: &str) -> Result<(), SireError> {
        self.module = None;
        self.session.state = SireState::new();
        self.session.defined.clear();
        let result = self.load_chain(name).map_err(|error| self.report_syntax(error));
        match &result {
            Ok(name) => self.module = Some(name.clone()),
            Err(_) => self.session.state = SireState::new(),
        }
        self.session.output.flush().map_err(SireError::Output)?;
        result.map(drop)
    }

    /// Loads the module that an argument names, like [`Sire::load`]. If it is named by its path, its
    /// predecessors are searched in the same folder first.
    ///
    /// # Errors
    ///
    /// Those of [`Sire::load`].
    pub fn load_argument(&mut self, module: &ModuleArgument) -> Result<(), SireError> {
        self.session.library.search_beside(module.folder.clone());
        self.load(&module.name)
    }

    /// Gives a syntax error to the receiver of diagnostics, if there is one.
    fn report_syntax(&mut self, error: SireError) -> SireError {
        match error {
            SireError::Syntax(error) if self.session.on_diagnostic.is_some() => {
                let text = std::fs::read_to_string(&*error.file).ok();
                let diagnostic = Diagnostic::of_read_error(&error, text.as_deref());
                self.session.show_diagnostic(&diagnostic);
                SireError::Reported
            }
            error => error,
        }
    }

    /// Loads a module and returns the name in its header.
    fn load_chain(&mut self, name: &str) -> Result<String, SireError> {
        let start = StateKey::start(self.session.vm.jets().known_laws_hash());
        let chain = module_chain(&self.session.library, name, start)?;
        let warnings = chain.iter().filter_map(|module| module.warning.as_deref());
        warnings.into_iter().try_for_each(|warning| self.warn(warning))?;
        let keys: Vec<StateKey> = chain.iter().map(|module| module.key).collect();
        let timer = ProfileTimer::start(self.profile.as_ref());
        let mut states = self.cached_states(&keys)?;
        if let Some(state) = states.last() {
            let Session { vm, bindings, .. } = &mut self.session;
            let encoded = unpack_state(vm, state)?;
            self.session.state = SireState::decode(vm, bindings, &encoded)
                .map_err(|error| CommandError::from(error).into_sire_error())?;
        }
        let cached = states.len();
        timer.span("cache", "load", || vec![("modules", cached.into())]);
        for (index, module) in chain.iter().enumerate().skip(cached) {
            if let Some(on_module) = &mut self.on_module {
                on_module(&module.name, index, chain.len());
            }
            let timer = ProfileTimer::start(self.profile.as_ref());
            self.run_module(module)?;
            timer.span("sire", &module.file, Vec::new);
            let Session { vm, state, .. } = &mut self.session;
            let encoded = state.encode(vm)?;
            states.push(pack_state(vm, &encoded)?);
        }
        self.known.extend(keys.iter().copied().zip(states.iter().cloned()));
        if let Some(cache) = &self.cache
            && cached < keys.len()
        {
            let timer = ProfileTimer::start(self.profile.as_ref());
            let stored = cache.store(&mut self.session.vm, &keys, &states);
            timer.span("cache", "store", Vec::new);
            if let Err(warning) = stored {
                self.warn(&warning.to_string())?;
            }
        }
        Ok(chain.last().map(|module| module.name.clone()).unwrap_or_default())
    }

    /// Returns the packed states of the first modules of a chain, as many as the session or the
    /// cache has.
    fn cached_states(&mut self, keys: &[StateKey]) -> Result<Vec<Val>, SireError> {
        let known: Vec<Val> = keys.iter().map_while(|key| self.known.get(key).cloned()).collect();
        let Some(cache) = self.cache.as_ref().filter(|_| known.len() < keys.len()) else {
            return Ok(known);
        };
        let mut warnings = Vec::new();
        let stored = cache.load(&mut self.session.vm, keys, known.len(), &mut warnings);
        warnings.iter().try_for_each(|warning| self.warn(&warning.to_string()))?;
        Ok(if stored.len() > known.len() { stored } else { known })
    }

    fn warn(&self, warning: &str) -> Result<(), SireError> {
        let text = format!("warning: {warning}\n");
        self.session.diagnostics.write(&text).map_err(SireError::Output)
    }

    fn run_module(&mut self, module: &ChainedModule) -> Result<(), SireError> {
        self.session.is_quiet = self.is_quiet;
        let result = self.run_blocks(module);
        self.session.is_quiet = false;
        result
    }

    fn run_blocks(&mut self, module: &ChainedModule) -> Result<(), SireError> {
        self.session.defined.clear();
        for block in rex::read_file(&module.text, &module.path) {
            let block = block.map_err(SireError::Syntax)?;
            let source =
                BlockSource { file: &module.file, path: &module.path, text: Some(&module.text) };
            match run_block(&mut self.session, &source, &block) {
                Ok(Ok(())) => {}
                Err(error) => return Err(error.into_sire_error()),
                Ok(Err(_)) if self.session.on_diagnostic.is_some() => {
                    return Err(SireError::Reported);
                }
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

    /// Returns the value of a name in the current scope: that of the module that was loaded last,
    /// or of the REPL.
    ///
    /// # Errors
    ///
    /// [`SireError::NoBinding`], if the name is not bound.
    pub fn binding(&self, name: &str) -> Result<Val, SireError> {
        self.session.lookup(&nat_text::from_text(name)).ok_or_else(|| SireError::NoBinding {
            module: nat_text::to_text(self.session.state.context()),
            name: name.to_owned(),
        })
    }

    /// Returns all definitions of the module that was loaded last, in their order. A name that the
    /// module redefined occurs several times. Names that the module does not export are included.
    /// If the state came from the cache, there are no definitions.
    pub fn definitions(&self) -> impl Iterator<Item = (String, Val)> {
        self.session.defined.iter().map(|(name, value)| (nat_text::to_text(name), value.clone()))
    }

    /// Runs the read-eval-print loop until the input ends, with the names of the module that was
    /// loaded last in scope. A failed command prints a report and has no other effect. Returns the
    /// number of commands that failed.
    ///
    /// # Errors
    ///
    /// If the input cannot be read or the output cannot be written.
    pub fn repl(&mut self, input: impl BufRead) -> Result<usize, SireError> {
        let module = self.module.take();
        let timer = ProfileTimer::start(self.profile.as_ref());
        let result = repl::run(&mut self.session, module.as_deref(), input);
        timer.span("sire", "session", Vec::new);
        result
    }
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
