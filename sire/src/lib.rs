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
//!   repl    modules                       the loop │ module files, chains and cached states
//!   block                                 runs one block
//!   command    report                     effect of a command │ why it failed
//!   read_expr                             Rex values to expressions; macro expansion
//!   session                               the runtime and the state
//!   compile    state    command_error     expressions to values │ scopes │ errors
//!   expr    rex_value    output           the expression graph │ Rex trees as values │ printing
//!   primitive    malformed    nat_text    error
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
mod error;
mod expr;
mod malformed;
mod modules;
mod nat_text;
mod output;
mod primitive;
mod read_expr;
mod repl;
mod report;
mod rex_value;
mod session;
mod state;

pub use error::SireError;
pub use modules::{ModuleLibrary, module_name};
pub use output::SireOutput;

use command_error::CommandError;
use foldhash::HashMap;
use modules::{ChainedModule, StateCache, StateKey, module_chain, pack_state, unpack_state};
use plan::{EvalError, Val};
use profile::{ProfileTimer, ProfileTrack};
use session::Session;
use state::SireState;
use std::io::BufRead;
use std::path::PathBuf;
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
    library: ModuleLibrary,
    cache: Option<StateCache>,
    /// The packed states after the modules that this session has loaded.
    known: HashMap<StateKey, Val>,
    /// The module that was loaded last.
    module: Option<String>,
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
        let session = Session::new(vm, output, diagnostics)?;
        let cache = cache.map(StateCache::new);
        Ok(Sire { session, library, cache, known: HashMap::default(), module: None, profile: None })
    }

    /// Records the times of modules, of the cache, and of the runtime ([`Vm::record`]) on this track
    /// from now on.
    pub fn record(&mut self, track: ProfileTrack) {
        self.session.vm.record(track.clone());
        self.profile = Some(track);
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
        let result = self.load_chain(name);
        match &result {
            Ok(name) => self.module = Some(name.clone()),
            Err(_) => self.session.state = SireState::new(),
        }
        self.session.output.flush().map_err(SireError::Output)?;
        result.map(drop)
    }

    /// Loads a module and returns the name in its header.
    fn load_chain(&mut self, name: &str) -> Result<String, SireError> {
        let start = StateKey::start(self.session.vm.jets().known_laws_hash());
        let chain = module_chain(&self.library, name, start)?;
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
        for module in &chain[cached..] {
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
        self.session.defined.clear();
        for block in rex::read_file(&module.text, &module.path) {
            let block = block.map_err(SireError::Syntax)?;
            match block::run_block(&mut self.session, &module.file, &block) {
                Ok(Ok(())) => {}
                Err(error) => return Err(error.into_sire_error()),
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
    /// loaded last in scope. A failed command prints a report and has no other effect.
    ///
    /// # Errors
    ///
    /// If the input cannot be read or the output cannot be written.
    pub fn repl(&mut self, input: impl BufRead) -> Result<(), SireError> {
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
