//! The pipeline: from a request to published code.
//!
//! ```text
//! build     law to unit             on the evaluating thread, which alone may look into its heap
//! look up   unit to functions       if an earlier run compiled the same unit; if not:
//! optimise    unit to better unit   on the compiling thread
//! compile     unit to functions     on the compiling thread
//! link      functions to code       with addresses, and stack maps for the collector
//! publish   code to entry cell      where the interpreter and other code look
//! ```
//!
//! The first step is [`crate::build`], those of the compiling thread are
//! [`UnitCompiler`](super::compiler::UnitCompiler), and the others are methods of [`UnitPipeline`] on the
//! linking thread.

use super::cache::{CacheKey, CodeCache};
use super::compiler::{CompileJob, CompiledUnit};
use super::kept_laws;
use super::options::DebugOptions;
use super::published::{PublishedUnit, PublishedUnits};
use super::reclaim;
use super::request::CompileRequest;
use super::statistics::{self, JitCounter, UnitReport};
use crate::codegen::{Backend, CompileError, CompiledFunction, UnitEnvironment};
use crate::ir::{ConstantId, Unit};
use crate::runtime::{
    CodeLinker, LinkedUnit, UnitData, are_names_wanted, restore_shared, shared_functions,
};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use vm::native::{EntryCell, FrameTable};

/// The addresses of the trampolines, by count of parameters. They are set before the first code is
/// published.
pub(super) type Trampolines = Arc<OnceLock<Vec<usize>>>;

/// What a pipeline shares with the runtimes, and where it keeps code.
pub(super) struct PipelineSettings {
    pub(super) frames: Arc<FrameTable>,
    pub(super) trampolines: Trampolines,
    /// The directory for machine code that is kept from run to run, if it is kept.
    pub(super) cache: Option<PathBuf>,
}

/// Looks up, links and publishes the code of units for all runtimes of the process, and owns it.
pub(super) struct UnitPipeline {
    options: DebugOptions,
    cache: Option<CodeCache>,
    backend: Backend,
    linker: CodeLinker,
    trampolines: Trampolines,
    published: PublishedUnits,
    /// Whether the stubs are in the cache, or there is no cache to put them in.
    stubs_are_kept: bool,
}

impl UnitPipeline {
    /// Sets up Cranelift, the region, and the cache; takes the stubs from the cache if they are
    /// there.
    ///
    /// # Errors
    /// If Cranelift does not support this machine, or the system refuses the region.
    pub(super) fn new(settings: PipelineSettings) -> Result<UnitPipeline, CompileError> {
        let (backend, linker) = (Backend::new()?, CodeLinker::new(settings.frames)?);
        let options = DebugOptions::from_environment();
        // With passes left out, the code is not what other runs expect to find.
        let directory = settings.cache.filter(|_| options.is_complete());
        let mut cache = directory.and_then(|path| CodeCache::open(&path, &backend.describe()));
        let stubs = cache.as_mut().and_then(|cache| cache.load(&CacheKey::of_stubs()));
        #[allow(unsafe_code, reason = "uses code from the cache")]
        // SAFETY: the cache returns what this very program put there for this processor, under this
        // key.
        let stubs_are_kept = stubs.is_some_and(|stubs| unsafe { restore_shared(stubs) });
        let (trampolines, published) = (settings.trampolines, PublishedUnits::default());
        Ok(UnitPipeline { options, cache, backend, linker, trampolines, published, stubs_are_kept })
    }

    /// Whether the stubs came from the cache. If not, they are still to be compiled.
    pub(super) fn has_stubs(&self) -> bool {
        self.stubs_are_kept
    }

    /// What is printed and left out.
    pub(super) fn options(&self) -> &DebugOptions {
        &self.options
    }

    /// Serves a request, if its code is kept: publishes the code. If not, returns what is to be compiled.
    /// Units that are printed do not use the cache.
    pub(super) fn look_up(&mut self, request: CompileRequest) -> Option<CompileJob> {
        self.free_dead_code();
        if self.published.is_dead(&request.runtime, &request.entry) {
            return None;
        }
        let (start, used) = (Instant::now(), statistics::thread_time());
        let prints = law_of(&request.unit).is_some_and(|law| self.options.prints(law));
        let Some(cache) = self.cache.as_mut().filter(|_| !prints) else {
            return Some(CompileJob { request, is_to_be_kept: false, prints });
        };
        let Some(functions) = cache.load(&request.key) else {
            statistics::note_compiling(used);
            return Some(CompileJob { request, is_to_be_kept: true, prints });
        };
        note_kept(&request);
        JitCounter::Loaded.add(1);
        self.finish(request, Ok(functions), prints, start, used);
        None
    }

    /// Keeps and publishes the code of a unit that was compiled. A unit that cannot be compiled leaves
    /// its entry cell at 0.
    pub(super) fn publish(&mut self, compiled: CompiledUnit) {
        let used = statistics::thread_time();
        let CompiledUnit { job: CompileJob { request, is_to_be_kept, prints }, result, start } =
            compiled;
        if is_to_be_kept && let (Some(cache), Ok(functions)) = (&mut self.cache, &result) {
            cache.save(&request.key, functions);
            note_kept(&request);
        }
        self.free_dead_code();
        if !self.published.is_dead(&request.runtime, &request.entry) {
            self.finish(request, result, prints, start, used);
        }
    }

    /// Links and publishes the functions of a unit, and reports the unit. `start` and `used` are when
    /// work on it began, and the time that this thread had used.
    fn finish(
        &mut self,
        mut request: CompileRequest,
        result: Result<Vec<CompiledFunction>, CompileError>,
        prints: bool,
        start: Instant,
        used: Duration,
    ) {
        // A thread that waits continues at the end of this function, and finds the counters up to date.
        let _done = request.done.take();
        let before = self.linker.used();
        let names = law_names(&request.unit);
        let hook = statistics::unit_hook()
            .map(|hook| (hook, law_of(&request.unit).unwrap_or_default().to_owned()));
        let result = result.and_then(|functions| self.link_and_publish(request, &functions, names));
        let (is_published, bytes) = (result.is_ok(), self.linker.used() - before);
        statistics::note_unit(used, is_published, bytes);
        if let Some((hook, law)) = hook {
            hook(&UnitReport { law: &law, start, is_published, bytes });
        }
        match result {
            Ok(()) => JitCounter::Bytes.set(self.linker.used()),
            Err(error) => {
                if error == CompileError::CodeRegionFull {
                    reclaim::note_full();
                }
                if prints {
                    eprintln!("not compiled: {error}");
                }
            }
        }
    }

    fn link_and_publish(
        &mut self,
        request: CompileRequest,
        functions: &[CompiledFunction],
        names: Vec<String>,
    ) -> Result<(), CompileError> {
        let CompileRequest { environment, entry, runtime, .. } = request;
        let LinkedUnit { addresses, code } = self.link(functions, &environment, names)?;
        let Some(&address) = addresses.first() else { return Err(CompileError::EmptyUnit) };
        self.published.add(PublishedUnit {
            runtime,
            entry: entry.clone(),
            code,
            _environment: environment,
        });
        #[allow(unsafe_code, reason = "publishes code")]
        // SAFETY: the first function of a unit is the general or lazy entry of the law, whichever
        // was requested, in the convention; its code and stack maps are in place. It is freed when the entry is
        // reported dead.
        unsafe {
            entry.publish(address);
        }
        Ok(())
    }

    /// Links a unit's functions. Before the first unit, links the trampolines that lead into the
    /// code.
    fn link(
        &mut self,
        functions: &[CompiledFunction],
        environment: &UnitEnvironment,
        names: Vec<String>,
    ) -> Result<LinkedUnit, CompileError> {
        if self.trampolines.get().is_none() {
            let trampolines = self.linker.link_trampolines(&mut self.backend)?;
            // No other thread sets them.
            let _ = self.trampolines.set(trampolines);
        }
        let functions: Vec<&CompiledFunction> = functions.iter().collect();
        self.linker.link(&mut self.backend, &functions, &unit_data(environment, names))
    }

    /// Puts the stubs into the cache for the next run, if they are not there. No thread waits for
    /// this.
    pub(super) fn keep_stubs(&mut self) {
        if let Some(cache) = self.cache.as_mut().filter(|_| !self.stubs_are_kept)
            && let Some(stubs) = shared_functions()
        {
            cache.save(&CacheKey::of_stubs(), &stubs);
        }
        self.stubs_are_kept = true;
    }

    /// Frees the code of runtimes and laws that are gone.
    fn free_dead_code(&mut self) {
        let dead = self.published.take_dead();
        if dead.is_empty() {
            return;
        }
        JitCounter::Freed.add(dead.len());
        #[allow(unsafe_code, reason = "frees code")]
        // SAFETY: a runtime that is gone runs nothing. One that reports a law as gone has found
        // neither the law, nor a thunk of its code, nor a frame that returns into it, and has
        // cleared the entry cell. Other runtimes do not know the code.
        unsafe {
            self.linker.free(dead);
        }
        JitCounter::Bytes.set(self.linker.used());
    }
}

/// Notes that the code of a request is kept.
fn note_kept(request: &CompileRequest) {
    if let Some(code) = request.code {
        kept_laws::note(code, &request.key);
    }
}

/// The name of the law that a unit is for.
fn law_of(unit: &Unit) -> Option<&str> {
    unit.constants.get(ConstantId::ROOT).map(|law| law.name.as_str())
}

/// The names of a unit's constants, if functions are to be named for `perf`.
fn law_names(unit: &Unit) -> Vec<String> {
    if !are_names_wanted() {
        return Vec::new();
    }
    unit.constants.values().map(|constant| constant.name.clone()).collect()
}

/// The addresses of what the code of a unit refers to, and the names of its constants.
fn unit_data(environment: &UnitEnvironment, names: Vec<String>) -> UnitData {
    let cells = environment.facts.iter();
    let cells = cells.map(|facts| facts.entry.as_ref().map(EntryCell::cell_address));
    let constant_count = environment.facts.len();
    UnitData {
        constants: environment.constants,
        constant_count,
        entry_cells: cells.collect(),
        names,
    }
}
