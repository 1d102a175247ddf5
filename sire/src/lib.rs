//! Sire: the language on top of PLAN, its modules and its read-eval-print loop.
//!
//! ```text
//!                 Sire       modules, their cache; the session
//!                   |
//!   library  chain  |  cache  repl
//!                   |
//!                 command    what a block does           report   what went wrong
//!                   |
//!                 expr       rex nouns to expressions; macros
//!                   |
//!        inline -> lower -> emit      expressions to values
//!                   |
//!   state  scope  bind  noun          what macros see
//!                   |
//!             ast  syntax  rune  name
//! ```
//!
//! Everything that a macro sees is a value: source as rex nouns (`syntax`), the state (`state`),
//! bindings and their code (`bind`, `noun`). What a macro returns is checked when it is used.
//!
//! No part of this crate recurses natively over source, expressions or values.

#![forbid(unsafe_code)]

mod ast;
mod bind;
mod cache;
mod chain;
mod command;
mod emit;
mod error;
mod expr;
mod inline;
mod library;
mod lower;
mod name;
mod noun;
mod output;
mod repl;
mod report;
mod rune;
mod scope;
mod session;
mod state;
mod syntax;

pub use error::Error;
pub use library::{Library, module_name};
pub use output::Output;

use cache::{Cache, Key};
use chain::Link;
use session::Session;
use state::State;
use std::collections::HashMap;
use std::io::BufRead;
use std::path::PathBuf;
use vm::{Stop, Val, Vm};

/// Where a [`Sire`] gets its modules from and prints to.
pub struct Options {
    /// Where modules come from.
    pub library: Library,
    /// The folder in which the states of loaded modules are kept, if they are.
    pub cache: Option<PathBuf>,
    /// Where values and definitions are printed.
    pub output: Output,
    /// Where syntax errors of the session's input go, and warnings.
    pub diagnostics: Output,
}

/// A running Sire.
///
/// ```
/// use sire::{Library, Options, Output, Sire};
/// let output = Output::new(std::io::sink(), Default::default());
/// let options = Options {
///     library: Library::new("sire"),
///     cache: None,
///     diagnostics: output.clone(),
///     output,
/// };
/// let vm = vm::Vm::new(Default::default(), Default::default())?;
/// let mut sire = Sire::new(vm, options)?;
/// sire.repl("= (inc x) | 3 x\n\n(inc 4)\n".as_bytes())?;
/// let inc = sire.binding("inc")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sire {
    session: Session,
    library: Library,
    cache: Option<Cache>,
    /// The packed states after modules that were loaded.
    known: HashMap<Key, Val>,
    /// The module that was loaded last.
    module: Option<String>,
}

impl Sire {
    /// A Sire in which nothing is loaded. It takes over the runtime's trace hook.
    ///
    /// # Errors
    /// If the runtime has no room for anything.
    pub fn new(mut vm: Vm, options: Options) -> Result<Sire, Stop> {
        let Options { library, cache, output, diagnostics } = options;
        let traces = output.clone();
        vm.on_trace(move |value| traces.trace(value));
        let traces = output.clone();
        vm.on_deep_trace(move |value| traces.deep_trace(value));
        let session = Session::new(vm, output, diagnostics)?;
        let cache = cache.map(Cache::new);
        Ok(Sire { session, library, cache, known: HashMap::new(), module: None })
    }

    /// The runtime.
    pub fn vm(&mut self) -> &mut Vm {
        &mut self.session.vm
    }

    /// Loads a module, after those before it, in place of what was loaded. The definitions of
    /// those that were not in the cache are printed.
    ///
    /// # Errors
    /// Why it cannot be loaded. Nothing is loaded then.
    pub fn load(&mut self, name: &str) -> Result<(), Error> {
        self.module = None;
        self.session.state = State::new();
        self.session.defined.clear();
        let result = self.load_chain(name);
        match &result {
            Ok(()) => self.module = Some(name.to_owned()),
            Err(_) => self.session.state = State::new(),
        }
        self.session.out.flush().map_err(Error::Output)?;
        result
    }

    fn load_chain(&mut self, name: &str) -> Result<(), Error> {
        let start = Key::start(self.session.vm.jets().compared_with());
        let chain = chain::chain(&self.library, name, start)?;
        let keys: Vec<Key> = chain.iter().map(|link| link.key).collect();
        let mut states = self.cached(&keys)?;
        if let Some(state) = states.last() {
            let Session { vm, binds, .. } = &mut self.session;
            let noun = cache::unpack(vm, state)?;
            self.session.state =
                State::of_noun(vm, binds, &noun).map_err(|error| repl::last_fault(error.into()))?;
        }
        let cached = states.len();
        for link in &chain[cached..] {
            self.run_module(link)?;
            let Session { vm, state, .. } = &mut self.session;
            let noun = state.noun(vm)?;
            states.push(cache::pack(vm, &noun)?);
        }
        self.known.extend(keys.iter().copied().zip(states.iter().cloned()));
        if let Some(cache) = &self.cache
            && cached < keys.len()
            && let Err(warning) = cache.store(&mut self.session.vm, &keys, &states)
        {
            self.warn(&warning.to_string())?;
        }
        Ok(())
    }

    /// The packed states of as many first modules of a chain as are known.
    fn cached(&mut self, keys: &[Key]) -> Result<Vec<Val>, Error> {
        let known: Vec<Val> = keys.iter().map_while(|key| self.known.get(key).cloned()).collect();
        let Some(cache) = self.cache.as_ref().filter(|_| known.len() < keys.len()) else {
            return Ok(known);
        };
        let mut warnings = Vec::new();
        let kept = cache.load(&mut self.session.vm, keys, known.len(), &mut warnings);
        warnings.iter().try_for_each(|warning| self.warn(&warning.to_string()))?;
        Ok(if kept.len() > known.len() { kept } else { known })
    }

    fn warn(&self, warning: &str) -> Result<(), Error> {
        self.session.diagnostics.write(&format!("warning: {warning}\n")).map_err(Error::Output)
    }

    fn run_module(&mut self, link: &Link) -> Result<(), Error> {
        self.session.defined.clear();
        for block in rex::read_file(&link.text, &link.path) {
            let block = block.map_err(Error::Syntax)?;
            match repl::run_block(&mut self.session, &link.file, &block) {
                Ok(Ok(())) => {}
                Err(fault) => return Err(repl::last_fault(fault)),
                Ok(Err(reason)) => {
                    let (file, line) = (link.path.clone(), block.line);
                    let reason = reason.trim_end().to_owned();
                    let source_line = excerpt(&link.text, line);
                    return Err(Error::Command { file, line, reason, source_line });
                }
            }
        }
        Ok(())
    }

    /// The value of a name in the module that was loaded last, or that the session is in.
    ///
    /// # Errors
    /// [`Error::NoBinding`].
    pub fn binding(&self, name: &str) -> Result<Val, Error> {
        self.session.lookup(&name::of_text(name)).ok_or_else(|| Error::NoBinding {
            module: name::text(self.session.state.context()),
            name: name.to_owned(),
        })
    }

    /// What the module that was loaded last defined, in that order: also what it defined anew or
    /// dropped later. Nothing if it came from the cache.
    pub fn definitions(&self) -> impl Iterator<Item = (String, Val)> {
        self.session.defined.iter().map(|(name, value)| (name::text(name), value.clone()))
    }

    /// Reads and carries out commands until the input ends, with the names of the module that was
    /// loaded last in scope. Failed commands are printed and change nothing.
    ///
    /// # Errors
    /// If input cannot be read or output not be written.
    pub fn repl(&mut self, input: impl BufRead) -> Result<(), Error> {
        let module = self.module.take();
        repl::run(&mut self.session, module.as_deref(), input)
    }
}

/// The line of that number, or the start of it if it is long.
fn excerpt(text: &str, line: usize) -> String {
    const WIDTH: usize = 100;
    let line = text.lines().nth(line - 1).unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}
