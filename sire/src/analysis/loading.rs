//! The modules that an edited text depends on.

use super::{AnalysisCheckpoint, AnalysisProgress, ModuleAnalysis, SessionSnapshot, collecting};
use crate::command_error::CommandError;
use crate::diagnostic::{Diagnostic, DiagnosticKind, SourcePlace};
use crate::error::SireError;
use crate::load::{run_module, syntax_diagnostic};
use crate::modules::{
    ModuleOutline, OrderedModule, StateKey, built_in_text, load_order, module_sources, pack_state,
    unpack_state,
};
use crate::session::Session;
use crate::sire::Sire;
use crate::state::SireState;
use plan::Val;
use std::path::PathBuf;
use std::time::Duration;

/// The number of states that a session of an editor keeps in memory, about.
const KNOWN_STATES_MAX: usize = 400;

/// The modules before the first block of a text, and how many of them have been loaded.
pub(super) struct DependencyLoad {
    modules: Vec<OrderedModule>,
    /// The keys of the states after each of them.
    keys: Vec<StateKey>,
    /// The key of the state before the first of them.
    start: StateKey,
    /// The packed states after those that have been loaded.
    states: Vec<Val>,
    /// How many states were known from the beginning; none before the first step.
    cached: Option<usize>,
}

impl DependencyLoad {
    /// Returns the key of the state after all modules.
    pub(super) fn key(&self) -> StateKey {
        self.keys.last().copied().unwrap_or(self.start)
    }
}

impl Sire {
    /// Finds the modules that a text depends on.
    ///
    /// # Errors
    ///
    /// If a module does not exist, cannot be read, or depends on the text.
    pub(super) fn begin_loading(
        &mut self,
        analysis: &mut ModuleAnalysis,
        outline: ModuleOutline,
    ) -> Result<(), SireError> {
        let library = &self.session.library;
        let mut roots = Vec::new();
        for dependency in &outline.dependencies {
            let place = || format!("{}:{}", analysis.path, dependency.line);
            if dependency.name == analysis.module.name {
                let modules = vec![dependency.name.clone(), dependency.name.clone()];
                return Err(SireError::Cycle { place: place(), modules });
            }
            match library.read(&dependency.name, Some(&place())) {
                // The command reports it at its place.
                Err(SireError::NoModule { .. }) if !dependency.is_predecessor => {}
                Err(error) => return Err(error),
                Ok(_) => roots.push(dependency.name.clone()),
            }
        }
        let modules = load_order(library, roots.iter().map(String::as_str), |_| false)?;
        if let Some(own) = modules.iter().find(|module| module.path == analysis.path) {
            let modules = vec![own.name.clone(), own.name.clone()];
            let place = format!("{}:{}", analysis.path, outline.line);
            return Err(SireError::Cycle { place, modules });
        }
        let (start, keys) = (self.start_key(), self.state_keys(&modules));
        let files = modules.iter().filter(|module| !module.is_built_in() || is_file(&module.path));
        analysis.files = files.map(|module| PathBuf::from(&module.path)).collect();
        analysis.outline = Some(outline);
        analysis.loading =
            Some(DependencyLoad { modules, keys, start, states: Vec::new(), cached: None });
        Ok(())
    }

    /// Loads the next module that a text depends on.
    pub(super) fn load_next(
        &mut self,
        analysis: &mut ModuleAnalysis,
        is_cancelled: impl Fn() -> bool,
    ) -> Result<AnalysisProgress, SireError> {
        let Some(mut load) = analysis.loading.take() else { return Ok(analysis.progress()) };
        if load.cached.is_none() {
            self.begin_states(analysis, &mut load)?;
        }
        let index = load.states.len();
        let Some(module) = load.modules.get(index) else {
            self.finish_loading(analysis, &load);
            return Ok(AnalysisProgress::LoadedModule);
        };
        let before = analysis.current.copy();
        analysis.current.exchange(&mut self.session);
        let (result, diagnostics) =
            collecting(&mut self.session, |session| run_module(session, module, true));
        let Session { vm, state, .. } = &mut self.session;
        let packed = match &result {
            Ok(()) => Some(state.encode(vm).and_then(|state| pack_state(vm, &state))),
            Err(_) => None,
        };
        analysis.current.exchange(&mut self.session);
        self.session.vm.check_damage()?;
        if is_cancelled() {
            analysis.current = before;
            analysis.loading = Some(load);
            return Ok(AnalysisProgress::Cancelled);
        }
        match (result, packed) {
            (Ok(()), Some(state)) => {
                let state = state?;
                // An edit begins the load again, which then goes on from here.
                self.known.insert(load.keys[index], state.clone());
                load.states.push(state);
                analysis.loading = Some(load);
            }
            (result, _) => {
                analysis.current = before;
                analysis.is_syntax_only = true;
                let failure = result.err();
                let diagnostic = self.import_failure(analysis, module, failure, &diagnostics);
                analysis.header_diagnostics.push(diagnostic);
            }
        }
        Ok(AnalysisProgress::LoadedModule)
    }

    /// Begins with the states that are known or in the cache.
    fn begin_states(
        &mut self,
        analysis: &mut ModuleAnalysis,
        load: &mut DependencyLoad,
    ) -> Result<(), SireError> {
        load.states = self.cached_states(&load.keys)?;
        analysis.current = SessionSnapshot::new();
        analysis.current.exchange(&mut self.session);
        self.begin_types(&load.modules, &mut load.states);
        analysis.current.exchange(&mut self.session);
        load.cached = Some(load.states.len());
        if let Some(state) = load.states.last() {
            let Session { vm, bindings, .. } = &mut self.session;
            let encoded = unpack_state(vm, state)?;
            analysis.current.state = SireState::decode(vm, bindings, &encoded)
                .map_err(|error| CommandError::from(error).into_sire_error())?;
        }
        Ok(())
    }

    /// Keeps the states of the modules, and makes the first checkpoint.
    fn finish_loading(&mut self, analysis: &mut ModuleAnalysis, load: &DependencyLoad) {
        if self.known.len() > KNOWN_STATES_MAX {
            self.known.clear();
        }
        self.known.extend(load.keys.iter().copied().zip(load.states.iter().cloned()));
        let is_overlaid = analysis.files.iter().any(|path| self.session.library.is_overlaid(path));
        if let Some(cache) = &self.cache
            && load.cached < Some(load.states.len())
            && !is_overlaid
        {
            // Without the cache, the next session is slower; nothing else is lost.
            let _ = cache.store(&mut self.session.vm, &load.keys, &load.states);
        }
        let is_built_in = built_in_text(analysis.module_name())
            .is_some_and(|text| text == analysis.text.as_bytes());
        let name = analysis.module_name().to_owned();
        analysis.current.types.begin_module(&name, is_built_in);
        analysis.key = Some(load.key());
        analysis.since_checkpoint = Duration::ZERO;
        let snapshot = analysis.current.copy();
        analysis.checkpoints = vec![AnalysisCheckpoint { block: 0, snapshot }];
    }

    /// Makes the diagnostic of an imported module that cannot be loaded.
    fn import_failure(
        &self,
        analysis: &ModuleAnalysis,
        module: &OrderedModule,
        failure: Option<SireError>,
        diagnostics: &[Diagnostic],
    ) -> Diagnostic {
        let library = &self.session.library;
        let depends = |name: &str| {
            let sources = module_sources(library, &analysis.module.sibling(name));
            sources.iter().any(|source| format!("{}.sire", source.name) == module.file)
        };
        let dependencies = analysis.outline.iter().flat_map(|outline| &outline.dependencies);
        let import = dependencies.into_iter().find(|dependency| depends(&dependency.name));
        let message = format!("the module `{}` cannot be loaded", module.name);
        let mut diagnostic = Diagnostic::new(DiagnosticKind::Rejected, message);
        diagnostic.place = Some(analysis.line_place(import.map_or(1, |import| import.line)));
        let syntax = match &failure {
            Some(SireError::Syntax(error)) => Some(syntax_diagnostic(error)),
            _ => None,
        };
        let cause = diagnostics.last().or(syntax.as_ref());
        diagnostic.notes.push(match (cause, failure) {
            (Some(cause), _) => {
                let place = cause.place.as_ref();
                let place = place.map(|place| format!("{}:{}: ", place.file, place.line));
                let title = cause.kind.title();
                format!("{}{title}: {}", place.unwrap_or_default(), cause.message)
            }
            (None, failure) => failure.map(|error| error.to_string()).unwrap_or_default(),
        });
        diagnostic
    }
}

impl ModuleAnalysis {
    /// Makes the diagnostic of a wrong header, or of modules that do not exist.
    pub(super) fn header_diagnostic(&self, error: &SireError) -> Diagnostic {
        let line = match error {
            SireError::Header { line, .. } => *line,
            SireError::NoModule { required_by: Some(place), .. }
            | SireError::Cycle { place, .. } => self.line_of(place),
            _ => 1,
        };
        let message = match error {
            SireError::Header { reason, .. } => (*reason).to_owned(),
            SireError::NoModule { name, .. } => format!("there is no module `{name}`"),
            error => error.to_string(),
        };
        let mut diagnostic = Diagnostic::new(DiagnosticKind::Rejected, message);
        diagnostic.place = Some(self.line_place(line));
        diagnostic
    }

    /// Returns the line of a place such as `file:3`, if it is in this text; 1 otherwise.
    fn line_of(&self, place: &str) -> usize {
        let line = place.strip_prefix(&self.path).and_then(|rest| rest.strip_prefix(':'));
        line.and_then(|line| line.parse().ok()).unwrap_or(1)
    }

    fn line_place(&self, line: usize) -> SourcePlace {
        let line = line.max(1);
        let before: usize = self.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        SourcePlace::new(&self.path, line, &self.text[before..], 0..usize::MAX)
    }
}

/// Returns whether a module's path is that of a file, and not of a built-in module.
fn is_file(path: &str) -> bool {
    !path.starts_with("<library>/")
}
