//! [`Sire`]: loads modules, and runs sessions.

use crate::assertions::AssertionReport;
use crate::call_chain::place_of;
use crate::command_error::CommandError;
use crate::diagnostic::Diagnostic;
use crate::error::SireError;
use crate::load::{run_module, syntax_diagnostic};
use crate::modules::{
    LibraryImage, ModuleArgument, ModuleLibrary, OrderedModule, StateCache, StateKey, load_order,
    pack_state, unpack_state, write_library_image,
};
use crate::output::SireOutput;
use crate::session::Session;
use crate::state::SireState;
use crate::type_report::TypeReport;
use crate::typing::CheckMode;
use crate::{nat_text, repl};
use foldhash::HashMap;
use plan::{EvalError, Val};
use profile::{ProfileTimer, ProfileTrack, SampledProfile};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
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

/// Is notified of a module that is loaded next: its name, its index, and the number of modules.
pub(crate) type ModuleHook = Box<dyn FnMut(&str, usize, usize)>;

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
    pub(crate) session: Session,
    pub(crate) cache: Option<StateCache>,
    /// The states after the modules of the library, if the program embeds them.
    pub(crate) library_image: Option<&'static LibraryImage>,
    /// The packed states after the modules that this session has loaded.
    pub(crate) known: HashMap<StateKey, Val>,
    /// The module that was loaded last.
    pub(crate) module: Option<String>,
    /// The entries of the interactive session that could be executed.
    pub(crate) entries: Vec<String>,
    /// The time after which an evaluation of an interactive session ends.
    pub(crate) time_limit: Option<Duration>,
    /// Is notified before each module that is loaded, with its name, its index and the number of
    /// modules.
    pub(crate) on_module: Option<ModuleHook>,
    /// Whether loading a module shows nothing but errors.
    pub(crate) is_quiet: bool,
    /// Whether modules are loaded for a survey of their types.
    pub(crate) surveys_types: bool,
    /// Whether the session needs the types of all typed modules that it loads.
    pub(crate) keeps_types: bool,
    /// Whether the load executes all assertions of the module.
    pub(crate) checks_assertions: bool,
    /// Where the times of modules and of the cache are recorded, if they are.
    pub(crate) profile: Option<ProfileTrack>,
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
            library_image: None,
            known: HashMap::default(),
            module: None,
            entries: Vec::new(),
            time_limit: None,
            on_module: None,
            is_quiet: false,
            surveys_types: false,
            keeps_types: false,
            checks_assertions: false,
            profile: None,
        })
    }

    /// Has modules that are loaded from now on start from the states in this image, where it has
    /// them. They then print no definitions.
    pub fn start_from(&mut self, image: &'static LibraryImage) {
        self.library_image = Some(image);
    }

    /// Loads all modules of the library, and writes the image of the states after them to a new file,
    /// for [`LibraryImage::new`].
    ///
    /// # Errors
    ///
    /// Those of [`Sire::load`]; [`SireError::File`], if the file exists or cannot be written.
    pub fn write_library_image(&mut self, path: &Path) -> Result<(), SireError> {
        let mut keys: Vec<StateKey> = Vec::new();
        for name in ModuleLibrary::built_in() {
            self.load(name)?;
            let modules = load_order(&self.session.library, [name], |_| false)?;
            for key in self.state_keys(&modules) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        let states: Vec<Val> = keys.iter().filter_map(|key| self.known.get(key).cloned()).collect();
        write_library_image(&mut self.session.vm, &keys, &states, path).map_err(|error| {
            SireError::File { path: path.into(), error: io::Error::other(error.to_string()) }
        })
    }

    /// Returns the key of the state before the first module.
    pub(crate) fn start_key(&self) -> StateKey {
        StateKey::start(self.session.vm.jets().known_laws_hash())
    }

    /// Returns the keys of the states after modules that are loaded in this order.
    pub(crate) fn state_keys(&self, modules: &[OrderedModule]) -> Vec<StateKey> {
        let mut key = self.start_key();
        let next_key = |module: &OrderedModule| {
            key = key.then(module.text.as_bytes());
            key
        };
        modules.iter().map(next_key).collect()
    }

    /// Records the times of modules, of the cache, and of the runtime ([`Vm::record`]) on this track
    /// from now on.
    pub fn record(&mut self, track: ProfileTrack) {
        self.session.vm.record(track.clone());
        self.profile = Some(track);
    }

    /// Ends the profile that the runtime samples ([`Vm::start_sampling`]), and returns it with the
    /// places where laws are defined. None if there is none.
    pub fn finish_sampling(&mut self) -> Option<SampledProfile> {
        let samples = self.session.vm.stop_sampling()?;
        let session = &self.session;
        Some(samples.resolve(&session.vm, |name, law| place_of(session, name, law)))
    }

    /// Has `receiver` get the errors and warnings of commands from now on. The session then does not
    /// print the values that stand for errors, and a module with a failing command ends with
    /// [`SireError::Reported`].
    pub fn on_diagnostic(&mut self, receiver: impl FnMut(&Diagnostic) + 'static) {
        self.session.on_diagnostic = Some(Box::new(receiver));
    }

    /// Has the reports of evaluations that fail show the calls of laws that were in progress, from now
    /// on: as a note of the diagnostic, or on the output for diagnostics.
    pub fn show_call_chains(&mut self) {
        self.session.shows_call_chains = true;
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

    /// Loads a module, after all that it depends on, in place of the module that was loaded. This
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
        let result = self.load_ordered(name).map_err(|error| self.report_syntax(error));
        match &result {
            Ok(name) => self.module = Some(name.clone()),
            Err(_) => self.session.state = SireState::new(),
        }
        self.session.output.flush().map_err(SireError::Output)?;
        result.map(drop)
    }

    /// Loads the module that an argument names, like [`Sire::load`]. If it is named by its path, its
    /// dependencies are searched in the same folder first.
    ///
    /// # Errors
    ///
    /// Those of [`Sire::load`].
    pub fn load_argument(&mut self, module: &ModuleArgument) -> Result<(), SireError> {
        self.session.library.search_beside(module.folder.clone());
        self.load(&module.name)
    }

    /// Loads a module like [`Sire::load_argument`], and executes all its assertions, even if its
    /// state is in the cache. Failed assertions do not end the load. The state after the module is
    /// not cached.
    ///
    /// # Errors
    ///
    /// Those of [`Sire::load`], other than a failed assertion of this module.
    pub fn check_assertions(
        &mut self,
        module: &ModuleArgument,
    ) -> Result<Vec<AssertionReport>, SireError> {
        self.session.assertion_reports.clear();
        self.checks_assertions = true;
        let result = self.load_argument(module);
        self.checks_assertions = false;
        result.map(|()| std::mem::take(&mut self.session.assertion_reports))
    }

    /// Gives a syntax error to the receiver of diagnostics, if there is one.
    fn report_syntax(&mut self, error: SireError) -> SireError {
        match error {
            SireError::Syntax(error) if self.session.on_diagnostic.is_some() => {
                self.session.show_diagnostic(&syntax_diagnostic(&error));
                SireError::Reported
            }
            error => error,
        }
    }

    /// Loads a module and returns the name in its header.
    fn load_ordered(&mut self, name: &str) -> Result<String, SireError> {
        let modules = load_order(&self.session.library, [name], |_| false)?;
        let warnings = modules.iter().filter_map(|module| module.warning.as_deref());
        warnings.into_iter().try_for_each(|warning| self.warn(warning))?;
        let mut keys = self.state_keys(&modules);
        let timer = ProfileTimer::start(self.profile.as_ref());
        let mut states = match self.surveys_types {
            true => self.states_before_survey(&modules, &keys)?,
            false => self.cached_states(&keys)?,
        };
        self.begin_types(&modules, &mut states);
        if self.checks_assertions {
            // The state of a module whose assertions failed must not come from the cache, nor get
            // there.
            states.truncate(keys.len() - 1);
            keys.pop();
        }
        if let Some(state) = states.last() {
            let Session { vm, bindings, .. } = &mut self.session;
            let encoded = unpack_state(vm, state)?;
            self.session.state = SireState::decode(vm, bindings, &encoded)
                .map_err(|error| CommandError::from(error).into_sire_error())?;
        }
        let cached = states.len();
        timer.span("cache", "load", || vec![("modules", cached.into())]);
        for (index, module) in modules.iter().enumerate().skip(cached) {
            if let Some(on_module) = &mut self.on_module {
                on_module(&module.name, index, modules.len());
            }
            let timer = ProfileTimer::start(self.profile.as_ref());
            let is_checked = self.checks_assertions && index + 1 == modules.len();
            self.session.checked_assertions = is_checked.then(Vec::new);
            let result = run_module(&mut self.session, module, self.is_quiet);
            self.session.checked_assertions = None;
            result?;
            timer.span("sire", &module.file, Vec::new);
            let Session { vm, state, .. } = &mut self.session;
            let encoded = state.encode(vm)?;
            states.push(pack_state(vm, &encoded)?);
        }
        if self.surveys_types {
            self.session.types.set_mode(CheckMode::Off);
            return Ok(modules.last().map(|module| module.name.clone()).unwrap_or_default());
        }
        states.truncate(keys.len());
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
        Ok(modules.last().map(|module| module.name.clone()).unwrap_or_default())
    }

    /// Returns the packed states from which a survey of types starts. With a library image, it starts
    /// after the modules of the library that come first, whose types are known; their definitions are not
    /// reported then.
    fn states_before_survey(
        &mut self,
        modules: &[OrderedModule],
        keys: &[StateKey],
    ) -> Result<Vec<Val>, SireError> {
        let first = modules.iter().position(|module| !module.is_built_in());
        let Some(first) = first.filter(|_| self.library_image.is_some()) else {
            return Ok(Vec::new());
        };
        let mut states = self.cached_states(&keys[..first])?;
        states.truncate(first);
        Ok(states)
    }

    /// Begins the types of modules to load. The types of a typed module are not in its cached state,
    /// so typed modules are executed again if a module after them is.
    pub(crate) fn begin_types(&mut self, modules: &[OrderedModule], states: &mut Vec<Val>) {
        let replaced = modules.iter().filter(|module| !module.is_built_in());
        let replaced = replaced.map(|module| module.name.clone()).collect();
        self.session.types.reset(replaced);
        if self.surveys_types {
            self.session.types.set_mode(CheckMode::Survey);
        }
        if (self.keeps_types || states.len() < modules.len())
            && let Some(first) = modules.iter().position(OrderedModule::is_typed)
        {
            states.truncate(first);
        }
    }

    /// Loads a module and all modules before it, and returns how each of their definitions has got
    /// its type. A definition without a type is no error. With a library image
    /// ([`Sire::start_from`]), modules of the library before the first other one are left out.
    ///
    /// # Errors
    ///
    /// Those of [`Sire::load`].
    pub fn survey_types(&mut self, module: &ModuleArgument) -> Result<Vec<TypeReport>, SireError> {
        self.surveys_types = true;
        let result = self.load_argument(module);
        self.surveys_types = false;
        result?;
        let surveyed = self.session.types.take_surveyed();
        Ok(surveyed.into_iter().map(TypeReport::from).collect())
    }

    /// Returns the name of the module that was loaded last.
    pub fn module_name(&self) -> Option<&str> {
        self.module.as_deref()
    }

    /// Returns the lines of the library's type tables that cannot be read.
    pub fn type_table_errors(&mut self) -> Vec<String> {
        self.session.types.table_errors()
    }

    /// Returns the names that the library's type tables have a type for, each with its module.
    pub fn type_table_names(&mut self) -> Vec<(&'static str, String)> {
        self.session.types.table_names()
    }

    /// Has modules that are loaded from now on keep the types of typed modules, for
    /// [`Sire::type_of`].
    pub fn keep_types(&mut self) {
        self.keeps_types = true;
    }

    /// Returns the packed states of the first modules in a load order, as many as the session, the
    /// library image or the cache has.
    pub(crate) fn cached_states(&mut self, keys: &[StateKey]) -> Result<Vec<Val>, SireError> {
        let mut known: Vec<Val> =
            keys.iter().map_while(|key| self.known.get(key).cloned()).collect();
        let embedded = match self.library_image {
            Some(image) if known.len() < keys.len() => image.count(keys),
            _ => 0,
        };
        let in_memory = known.len().max(embedded);
        let cache = self.cache.as_ref().filter(|_| in_memory < keys.len());
        if let Some(cache) = cache {
            let mut warnings = Vec::new();
            let stored = cache.load(&mut self.session.vm, keys, in_memory, &mut warnings);
            warnings.iter().try_for_each(|warning| self.warn(&warning.to_string()))?;
            if stored.len() > in_memory {
                return Ok(stored);
            }
        }
        if let Some(image) = self.library_image
            && embedded > known.len()
        {
            let states = image.states(&mut self.session.vm, &keys[..embedded]);
            if states.len() == embedded {
                known = states;
            }
        }
        Ok(known)
    }

    fn warn(&self, warning: &str) -> Result<(), SireError> {
        let text = format!("warning: {warning}\n");
        self.session.diagnostics.write(&text).map_err(SireError::Output)
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
